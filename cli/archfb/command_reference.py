"""The page of commands, made from the code: `python -m archfb.command_reference > docs/commands.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRO = """\
# Commands

This page is generated from the commands themselves.

`archfb COMMAND --help` prints the same. Data goes to stdout, everything else to stderr. The options of the first
table stand before or after any command. A mistake is exit code 2; `health` and `status --check` answer like a
monitoring plugin (0 well, 1 some model is not, 2 a chain has no usable model left, 3 could not tell).
"""


def reference() -> str:
    """Return the page as Markdown."""
    from archfb.app import COMMANDS, load

    sections = [INTRO, "## Options of every command\n", table(common_options(), common=True)]
    for heading in dict.fromkeys(entry.heading for entry in COMMANDS.values()):
        sections.append(f"## {heading}\n")
        for name, entry in COMMANDS.items():
            if entry.heading == heading:
                sections += blocks(f"archfb {name}", load(name))
    return "\n".join(sections)


def common_options() -> Any:
    """Return a command that has the common options and no others."""
    import typer

    from archfb.session import common

    only = typer.Typer(add_completion=False, rich_markup_mode=None)
    only.command("archfb")(common)
    return typer.main.get_command(only)


def blocks(path: str, command: Any) -> Iterator[str]:
    """Yield the parts of a command: its usage, what it does, its options; then those of its sub-commands."""
    below = getattr(command, "commands", {})
    yield f"### `{path}`\n"
    yield "\n\n".join(paragraphs(command.help or "")) + "\n"
    if not below:
        yield f"```text\n{usage(path, command)}\n```\n"
        if rows := table(command):
            yield rows
    for name, one in below.items():
        yield from blocks(f"{path} {name}", one)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring, each on one line; an example is code."""
    for part in text.strip().split("\n\n"):
        line = " ".join(part.split())
        before, found, example = line.partition("Example: ")
        yield f"{before}{found}`{example}`" if found else line


def context(path: str, command: Any) -> Any:
    """Return a context that a command can describe itself in."""
    return command.make_context(path, [], resilient_parsing=True)


def usage(path: str, command: Any) -> str:
    """Return the usage line."""
    return " ".join([path, *command.collect_usage_pieces(context(path, command))])


def table(command: Any, *, common: bool = False) -> str:
    """Return the arguments and options as a table; those that every command has only where they are asked for."""
    shared = {"config", "state", "quiet", "verbose", "log_json"}
    ctx = context("archfb", command)
    records = [
        record
        for one in command.params
        if (common or one.name not in shared) and (record := one.get_help_record(ctx)) is not None
    ]
    if not records:
        return ""
    rows = "".join(f"| `{cell(names)}` | {cell(told)} |\n" for names, told in records)
    return f"| option | does |\n|---|---|\n{rows}"


def cell(text: str) -> str:
    """Return a text that cannot end a cell; that a word is a word goes without saying."""
    return " ".join(text.replace("<str>", "").split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
