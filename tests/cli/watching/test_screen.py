"""The screen of a watch, compared as a whole at the sizes that terminals have."""

from __future__ import annotations

import pytest
from health_rows import NOW, health, row
from hypothesis import given
from hypothesis import strategies as st
from scenes import crowd, scene

from archfb.watching.cells import ASCII, UNICODE, Glyphs
from archfb.watching.screen import frame, text_of


def shown(width: int, height: int, glyphs: Glyphs = UNICODE, **more: object) -> str:
    return text_of(frame(scene(**more), width, height, glyphs))  # type: ignore[arg-type]


# ruff: noqa: E501 - whole lines of a wide terminal
FORTY = """\
archfb health       2027-01-15 08:00:00Z
1 healthy, 1 degraded, 2 unavailable,
1 unknown, $1.51 spent,
2 calls in flight, next probe in 0:13
Model             Status          Next
gemini-basic      healthy         2:18
gemini-reasoning  degraded        0:13
claude-basic      unavailable     0:42
[red]x[/]         unknown            -
openai-mini-low   unavailable        -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key

q leave  ↑↓ scroll
"""

EIGHTY = """\
archfb health                                               2027-01-15 08:00:00Z
1 healthy, 1 degraded, 2 unavailable, 1 unknown, $1.51 spent, 2 calls in flight,
next probe in 0:13

Model             Status          For  Reason           Latency  Trend      Next
gemini-basic      healthy        25 h  3 answers in t…   1.40 s  ▅▅█        2:18
gemini-reasoning  degraded      8 min  median latency…   7.30 s  ██         0:13
claude-basic      unavailable    48 s  3 failures in …   1.23 s  █          0:42
[red]x[/]         unknown           -  no evidence yet        -                -
openai-mini-low   unavailable       -  no key (OPENAI…        -                -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key

07:59:12Z  claude-basic  degraded → unavailable  3 failures in a row, last: ser…
07:51:40Z  gemini-reasoning  healthy → degraded  median latency 7.2 s over 5 s
01-14 07:00Z  gemini-basic  unknown → healthy  answers





q leave  ↑↓ scroll
"""

HUNDRED_AND_TWENTY = """\
archfb health                                                                                       2027-01-15 08:00:00Z
1 healthy, 1 degraded, 2 unavailable, 1 unknown, $1.51 spent, 2 calls in flight, next probe in 0:13
Model             Status          For  Reason                  Latency  Trend   Errors  Fails      Cost    Seen     Next
gemini-basic      healthy        25 h  3 answers in the last…   1.40 s  ▅▅█        0 %      0    $0.012    12 s     2:18
gemini-reasoning  degraded      8 min  median latency 7.2 s …   7.30 s  ██       4.8 %      0     $1.20   8 min     0:13
claude-basic      unavailable    48 s  3 failures in a row, …   1.23 s  █        3.0 %      3     $0.30  66 min     0:42
[red]x[/]         unknown           -  no evidence yet               -               -      0        $0       -        -
openai-mini-low   unavailable       -  no key (OPENAI_API_KE…        -               -      0        $0       -        -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key

07:59:12Z  claude-basic  degraded → unavailable  3 failures in a row, last: server_error 503
07:51:40Z  gemini-reasoning  healthy → degraded  median latency 7.2 s over 5 s
01-14 07:00Z  gemini-basic  unknown → healthy  answers

q leave  ↑↓ scroll
"""

TWO_HUNDRED = """\
archfb health                                                                                                                                                                       2027-01-15 08:00:00Z
1 healthy, 1 degraded, 2 unavailable, 1 unknown, $1.51 spent, 2 calls in flight, next probe in 0:13
Model             Status          For  Reason                                       Latency  Trend                     p95  Errors  Fails      Cost    Seen     Next
gemini-basic      healthy        25 h  3 answers in the last hour                    1.40 s  ▅▅█                    1.40 s     0 %      0    $0.012    12 s     2:18
gemini-reasoning  degraded      8 min  median latency 7.2 s over 5 s                 7.30 s  ██                     7.30 s   4.8 %      0     $1.20   8 min     0:13
claude-basic      unavailable    48 s  3 failures in a row, last: server_error 503   1.23 s  █                      1.23 s   3.0 %      3     $0.30  66 min     0:42
[red]x[/]         unknown           -  no evidence yet                                    -                              -       -      0        $0       -        -
openai-mini-low   unavailable       -  no key (OPENAI_API_KEY)                            -                              -       -      0        $0       -        -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key

07:59:12Z  claude-basic  degraded → unavailable  3 failures in a row, last: server_error 503
07:51:40Z  gemini-reasoning  healthy → degraded  median latency 7.2 s over 5 s
01-14 07:00Z  gemini-basic  unknown → healthy  answers

q leave  ↑↓ scroll
"""

ASCII_ONLY = """\
archfb health                                               2027-01-15 08:00:00Z
1 healthy, 1 degraded, 2 unavailable, 1 unknown, $1.51 spent, 2 calls in flight,
next probe in 0:13
Model             Status          For  Reason           Latency  Trend      Next
gemini-basic      healthy        25 h  3 answers in t~   1.40 s  ++#        2:18
gemini-reasoning  degraded      8 min  median latency~   7.30 s  ##         0:13
claude-basic      unavailable    48 s  3 failures in ~   1.23 s  #          0:42
[red]x[/]         unknown           -  no evidence yet        -                -
openai-mini-low   unavailable       -  no key (OPENAI~        -                -

phase1: 2 usable, first gemini-basic
phase2: no usable model left
phase3, final: no model has a key
q leave  up/down scroll
"""

SHORT = """\
archfb health                                               2027-01-15 08:00:00Z
Model             Status          For  Reason           Latency  Trend      Next
gemini-basic      healthy        25 h  3 answers in t…   1.40 s  ▅▅█        2:18
gemini-reasoning  degraded      8 min  median latency…   7.30 s  ██         0:13
claude-basic      unavailable    48 s  3 failures in …   1.23 s  █          0:42
[red]x[/]         unknown           -  no evidence yet        -                -
openai-mini-low   unavailable       -  no key (OPENAI…        -                -
"""


@pytest.mark.parametrize(
    ("width", "height", "glyphs", "expected"),
    [
        (40, 16, UNICODE, FORTY),
        (80, 24, UNICODE, EIGHTY),
        (120, 18, UNICODE, HUNDRED_AND_TWENTY),
        (200, 18, UNICODE, TWO_HUNDRED),
        (80, 14, ASCII, ASCII_ONLY),
        (80, 7, UNICODE, SHORT),
    ],
    ids=["40", "80", "120", "200", "ascii", "short"],
)
def test_the_whole_screen(width: int, height: int, glyphs: Glyphs, expected: str) -> None:
    assert shown(width, height, glyphs) == expected


def test_a_terminal_without_unicode_gets_ascii_alone() -> None:
    assert ASCII_ONLY.isascii()


@pytest.mark.parametrize("height", [8, 10, 12, 16, 24, 50])
def test_more_models_than_lines_are_counted(height: int) -> None:
    lines = shown(80, height, table=crowd(60)).splitlines()
    assert len(lines) == height
    hidden = next(line for line in lines if line.endswith("more models"))
    assert int(hidden.split()[1]) + sum(line.startswith("model-") for line in lines) == 60


def test_scrolling_down_shows_the_last_model_and_no_further() -> None:
    first, last = (shown(80, 24, table=crowd(60), first=at) for at in (30, 59))
    assert "model-30" in first
    assert "model-29" not in first
    assert "model-59" in last
    assert "more models" not in last


def test_a_table_that_fits_does_not_scroll() -> None:
    assert shown(80, 24, first=4) == EIGHTY


def test_a_round_under_way_is_named() -> None:
    text = shown(80, 24, probing=frozenset({"gemini-basic"}))
    assert "probing 1 model\n" in text
    assert next(line for line in text.splitlines() if line.startswith("gemini-basic")).endswith("probing")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"probes": False}, "not probing"),
        ({"next_at": {}}, "nothing to probe"),
        ({"next_at": {"gemini-basic": NOW - 1}}, "next probe now"),
    ],
)
def test_the_next_round_is_named(more: dict[str, object], words: str) -> None:
    assert words in shown(200, 24, **more)


def test_notes_stand_above_the_table() -> None:
    text = shown(80, 24, notes=("State file vanished; waiting for it…", "Another."))
    assert text.splitlines()[3:5] == ["State file vanished; waiting for it…", "Another."]
    assert "vanished" in shown(80, 5, notes=("State file vanished; waiting for it…",))


def test_an_empty_table_and_an_offline_machine_say_so() -> None:
    assert "No chain names a model." in shown(80, 24, table=health())
    assert "this machine seems offline" in shown(80, 24, table=health(row(), offline=True))


def test_only_colours_that_read_on_light_and_dark_are_used() -> None:
    """The terminal's own green, yellow and red, bold and dim; never a background, and never colour alone."""
    many = scene(notes=("x",))
    used = {style for line in frame(many, 200, 50) for _, style in line}
    assert used == {"", "bold", "dim", "green", "yellow", "red"}


def test_foreign_text_is_inert() -> None:
    """Row 88."""
    hostile = "\x1b]52;c;aGk=\x07 \x1b[2J \u202egnihton [/] \x00\n"
    table = health(row(hostile, "degraded", hostile))
    text = shown(200, 24, table=table, changes=())
    assert not set(text) & {"\x1b", "\x07", "\x00", "\u202e"}


@given(st.integers(1, 250), st.integers(1, 60), st.integers(0, 40), st.booleans(), st.sampled_from([UNICODE, ASCII]))
def test_nothing_is_ever_wider_or_higher_than_the_terminal(
    width: int, height: int, models: int, noted: bool, glyphs: Glyphs
) -> None:
    """Row 76: any size."""
    notes = ("日本語 and a long sentence that must be cut somewhere",) * noted
    lines = shown(width, height, glyphs, table=crowd(models), notes=notes).splitlines()
    assert len(lines) <= height
    assert max(len(line) for line in lines) <= width


@pytest.mark.parametrize("width", [14, 16, 20, 28, 29, 30])
@pytest.mark.parametrize("status", ["degraded", "unavailable"])
def test_the_status_is_read_in_full_however_narrow_the_terminal_is(width: int, status: str) -> None:
    lines = shown(width, 20, table=health(row("a-model-with-quite-a-long-name", status))).splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[-1:] == ["Status"])
    assert lines[at + 1].split()[-1] == status
    assert lines[at].index("Status") == lines[at + 1].index(status)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_name_shorter_than_its_title_moves_no_column(width: int) -> None:
    lines = shown(width, 20, table=health(row("a"))).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Model"))
    assert lines[at].index("Status") == lines[at + 1].index("healthy")
