"""Words of a command line become values without pydantic."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Annotated, Any, Literal

import pytest
import typer

from archfb.coercion import light

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def echo(
    name: Annotated[str, typer.Argument()],
    more: Annotated[list[str] | None, typer.Argument()] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=9)] = 3,
    share: Annotated[float | None, typer.Option("--share", min=0)] = None,
    mode: Annotated[Literal["skip", "wait"], typer.Option("--mode")] = "skip",
    tags: Annotated[list[str] | None, typer.Option("--tag")] = None,
    on: Annotated[bool, typer.Option("--on")] = False,
    loud: Annotated[int, typer.Option("-v", count=True)] = 0,
) -> None:
    """Print what arrived."""
    print([name, more, count, share, mode, tags, on, loud])


def run(*words: str) -> tuple[int, str]:
    """Return the exit code and the last line of what was said."""
    command: Any = light(typer.main.get_command(app))
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            command.main(list(words), "echo", standalone_mode=False)
    except typer.TyperException as error:
        return 2, error.format_message()  # type: ignore[attr-defined]
    return 0, said.getvalue().strip()


GOOD = [
    (["x"], "['x', None, 3, None, 'skip', None, False, 0]"),
    (["x", "y", "z"], "['x', ['y', 'z'], 3, None, 'skip', None, False, 0]"),
    (["x", "--count", "9", "--share", "0.5"], "['x', None, 9, 0.5, 'skip', None, False, 0]"),
    (["--tag", "a", "--tag", "b", "x", "--on", "-vv"], "['x', None, 3, None, 'skip', ['a', 'b'], True, 2]"),
    (["--mode", "wait", "--", "-x"], "['-x', None, 3, None, 'wait', None, False, 0]"),
]

BAD = [
    (["x", "--count", "ten"], "Invalid value for '--count': expected a whole number at least 1 and at most 9."),
    (["x", "--count", "0"], "Invalid value for '--count': expected a whole number at least 1 and at most 9."),
    (["x", "--count", "10"], "Invalid value for '--count': expected a whole number at least 1 and at most 9."),
    (["x", "--count", "1" * 5000], "Invalid value for '--count': expected a whole number at least 1 and at most 9."),
    (["x", "--share", "nan"], "Invalid value for '--share': expected a number at least 0."),
    (["x", "--share", "-1"], "Invalid value for '--share': expected a number at least 0."),
    (["x", "--mode", "wiat"], "Invalid value for '--mode': choose from skip, wait. Did you mean 'wait'?"),
]


@pytest.mark.parametrize(("words", "printed"), GOOD)
def test_words_become_values(words: list[str], printed: str) -> None:
    assert run(*words) == (0, printed)


@pytest.mark.parametrize(("words", "said"), BAD)
def test_a_wrong_word_is_told_with_what_was_expected(words: list[str], said: str) -> None:
    assert run(*words) == (2, said)


def test_every_parameter_of_the_program_is_plain() -> None:
    from archfb.app import COMMANDS, load

    for name in COMMANDS:
        command = load(name)
        for one in [command, *getattr(command, "commands", {}).values()]:
            slow = [param.name for param in one.params if param._runtime_param is None]
            assert not slow, (name, slow)
