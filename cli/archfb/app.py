"""The command line: a table of commands, of which only the one asked for is imported."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from archfb.coercion import light
from archfb.session import Session, common
from archfb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


COMPLETION = "_ARCHFB_COMPLETE"
"""The variable by which a shell asks for completions."""


class Entry(NamedTuple):
    """Where a command lives (module:attribute), what it does in one line, and under which heading it is listed."""

    home: str
    help: str
    heading: str


WORK, HEALTH, PAST, SETUP = "Work", "Health", "Looking back", "Setup"

COMMANDS: dict[str, Entry] = {
    "run": Entry("run:run", "Run one phase, or all, on a repository.", WORK),
    "ask": Entry("ask:ask", "Ask one question of a chain or a model.", WORK),
    "route": Entry("route:route", "Explain who would be asked now, and why.", WORK),
    "health": Entry("health:health", "Probe what is due and show the table.", HEALTH),
    "status": Entry("status:status", "Show the table from stored state; no request.", HEALTH),
    "drain": Entry("drain:drain", "Take a model out by hand, for a while.", HEALTH),
    "undrain": Entry("drain:undrain", "Put a drained model back.", HEALTH),
    "reset": Entry("drain:reset", "Forget a model's record.", HEALTH),
    "runs": Entry("runs:runs", "List past runs, or show one.", PAST),
    "history": Entry("history:history", "Show outcomes and latency over time.", PAST),
    "report": Entry("report:report", "Write one page of status, history and cost.", PAST),
    "metrics": Entry("metrics:metrics", "Print Prometheus metrics from stored state.", PAST),
    "config": Entry("config:config", "Check, show, find, write or trust a configuration.", SETUP),
    "schedule": Entry("schedule:schedule", "Have the probes run by cron or systemd.", SETUP),
    "state": Entry("state:state", "Find, check, copy or prune the database.", SETUP),
    "doctor": Entry("doctor:doctor", "Say what is wrong here and what to do.", SETUP),
}


def load(name: str) -> Any:
    """Return a command, importing its module; every one takes the options of `common` too."""
    module, _, attribute = COMMANDS[name].home.partition(":")
    found = getattr(import_module(f"archfb.commands.{module}"), attribute)
    if isinstance(found, typer.Typer):
        group = typer.main.get_command(found)
        below = group.commands.values() if isinstance(group, TyperGroup) else ()
        return light(_with_common(group, *below))
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name)(found)
    return light(_with_common(typer.main.get_command(single)))


def _with_common(*commands: Any) -> Any:
    template = typer.Typer(add_completion=False, rich_markup_mode=None)
    template.command()(common)
    for command in commands:
        names = {param.name for param in command.params}
        command.params += [one for one in typer.main.get_command(template).params if one.name not in names]
    return commands[0]


class LazyGroup(TyperGroup):
    """Lists commands from the table and imports the one that is invoked."""

    def __init__(self, **attrs: Any) -> None:
        """Stand a card with one line of help in the place of each command."""
        super().__init__(**attrs)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=entry.help, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the first word names, imported."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else found, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the base class names it
        """List the commands under their headings."""
        width = max(len(name) for name in COMMANDS)
        for heading in dict.fromkeys(entry.heading for entry in COMMANDS.values()):
            rows = [(name.ljust(width), one.help) for name, one in COMMANDS.items() if one.heading == heading]
            with formatter.section(heading):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    rich_markup_mode=None,
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    pretty_exceptions_enable=False,
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"archfb {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Ask language models about a repository, through chains that route around the dead ones.

    Start with: archfb run phase2 PATH. It needs no key.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _complete(command: Any) -> int:
    """Answer a shell that asks for completions; the words are in its own variables."""
    try:
        command.main([], "archfb", complete_var=COMPLETION)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def _by_name(args: Sequence[str]) -> None:
    """Let a shell that is named count: typer looks for the one around it instead, also where there is none."""
    import os
    from itertools import pairwise

    asks = ("--show-completion", "--install-completion")
    named = [after for one, after in pairwise(args) if one in asks and not after.startswith("-")]
    named += [shell for ask, found, shell in (one.partition("=") for one in args) if ask in asks and found]
    for shell in named:
        if shell not in SHELLS:
            from archfb.errors import UsageError

            raise UsageError(f"No completion for '{shell[:40]}'; expected {', '.join(SHELLS)}.")
    if named:
        os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"


def invoke(args: Sequence[str], session: Session) -> int:
    """Run the command that the words name and return its exit code.

    Raises what the command raises, and typer's exceptions for a mistaken command line. Typer's own `main` is not
    used, since it swallows interrupts and closed pipes.
    """
    _by_name(args)
    command = light(_with_common(typer.main.get_command(app)))
    if session.environ.get(COMPLETION):
        return _complete(command)
    try:
        with command.make_context("archfb", list(args), obj=session) as ctx:
            code = command.invoke(ctx)
    except typer.Exit as ended:
        code = ended.exit_code
    except SystemExit as ended:  # the callbacks of --show-completion and --install-completion
        code = ended.code
    except OSError as error:
        if not any(one.partition("=")[0] == "--install-completion" for one in args):
            raise
        from archfb.errors import UsageError

        raise UsageError(f"Cannot write {error.filename}: {error.strerror}.") from error
    return code if isinstance(code, int) else 0
