"""The status table, compared as a whole at the widths that people have."""

from __future__ import annotations

import io

import pytest
from health_rows import EXAMPLE, health, row
from rich.console import Console

from archfb.views.status_table import status_lines, status_view


def rendered(width: int, table: object = EXAMPLE, encoding: str = "utf-8", *, colour: bool = False) -> str:
    """Return the view as a terminal of that width gets it, without spaces at line ends."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="\n")
    console = Console(
        file=file, width=width, markup=False, highlight=False, force_terminal=colour, no_color=not colour,
        color_system="standard" if colour else None, legacy_windows=False, _environ={},
    )  # fmt: skip
    console.print(status_view(table, width))  # type: ignore[arg-type]
    file.flush()
    return "\n".join(line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()) + "\n"


# ruff: noqa: E501 - whole lines of a wide terminal
WIDE = """\
Model             Provider   Status       Reason                                            OK  Errors     p50     p95  Fails    Seen       Weight    Cost    Retry
───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
gemini-basic      gemini     healthy      3 answers in the last hour                     12/12     0 %  0.81 s  1.40 s      0    12 s   1 now 0.94  $0.012        -
gemini-reasoning  gemini     degraded     median latency 7.2 s over 5 s                  40/42   4.8 %  7.20 s  7.30 s      0   8 min  0.9 now 0.2   $1.20        -
claude-basic      anthropic  unavailable  3 failures in a row, last: server_error 503  100/103   3.0 %  1.23 s  1.23 s      3  67 min   0.85 now 0   $0.30  in 42 s
[red]x[/]         openai     unknown      no evidence yet                                    -       -       -       -      0       -         0.75      $0        -
openai-mini-low   openai     unavailable  no key (OPENAI_API_KEY)                            -       -       -       -      0       -    0.8 now 0      $0        -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key

5 models: 1 healthy, 1 degraded, 2 unavailable, 1 unknown.
"""

NARROW = """\
Model             Status       Reason                    Errors    Seen    Retry
────────────────────────────────────────────────────────────────────────────────
gemini-basic      healthy      3 answers in the last        0 %    12 s        -
                               hour
gemini-reasoning  degraded     median latency 7.2 s       4.8 %   8 min        -
                               over 5 s
claude-basic      unavailable  3 failures in a row,       3.0 %  67 min  in 42 s
                               last: server_error 503
[red]x[/]         unknown      no evidence yet                -       -        -
openai-mini-low   unavailable  no key (OPENAI_API_KEY)        -       -        -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key

5 models: 1 healthy, 1 degraded, 2 unavailable, 1 unknown.
"""


def test_two_hundred_columns_show_everything() -> None:
    assert rendered(200) == WIDE


def test_eighty_columns_show_what_matters_most() -> None:
    assert rendered(80) == NARROW


def test_an_ascii_terminal_gets_ascii_borders() -> None:
    text = rendered(80, encoding="ascii")
    assert text.splitlines()[1] == "-----------------+------------+-------------------------+-------+-------+-------"
    assert text.isascii()
    assert "?" not in text


def test_colour_never_stands_alone_for_a_status() -> None:
    text = rendered(120, colour=True)
    assert "\x1b[33mdegraded" in text
    assert "\x1b[31munavailable" in text


@pytest.mark.parametrize("width", [60, 61, 79, 100, 131, 160, 300])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in rendered(width).splitlines()) <= width


@pytest.mark.parametrize("width", [0, 1, 20, 59])
def test_narrow_terminals_get_plain_lines(width: int) -> None:
    """Row 76: no columns, or twenty."""
    text = str(status_view(EXAMPLE, width))
    assert text == "\n".join(status_lines(EXAMPLE))
    assert text.splitlines()[2] == (
        "claude-basic: unavailable, 3 failures in a row, last: server_error 503, again in 42 s"
    )


def test_a_name_that_looks_like_markup_is_shown_as_it_is() -> None:
    """Row 16."""
    assert "[red]x[/]" in rendered(120)


def test_foreign_text_is_shown_inert() -> None:
    """Row 88: OSC 52, CSI and bidirectional controls in a reason."""
    hostile = "\x1b]52;c;aGk=\x07 \x1b[2J \u202egnihton [/] \x00"
    text = rendered(200, health(row("m1", "degraded", hostile)))
    assert not set(text) & {"\x1b", "\x07", "\x00", "\u202e"}
    assert "[/]" in text


def test_an_empty_table_says_so() -> None:
    assert rendered(80, health()) == "No chain names a model.\n"


def test_an_offline_machine_is_named() -> None:
    assert rendered(80, health(row(), offline=True)).endswith(
        "1 model: 1 healthy. This machine seems offline: no model is marked down for it.\n"
    )
