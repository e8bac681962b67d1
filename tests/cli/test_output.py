"""What reaches a terminal, a file and a JSON reader."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.output import coloured, console, json_text, wants_ascii, width_of


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


JSON = [
    ("plain", '"plain"'),
    ("é ☃ 😀", '"\\u00e9 \\u2603 \\ud83d\\ude00"'),
    ("a\x00b\x1b[0m\x7f\x9b", '"a\\ufffdb\\ufffd[0m\\ufffd\\ufffd"'),
    ("a\tb\nc\r\f\v", '"a\\tb\\nc\\r\\f\\u000b"'),
    ("\ud800 alone", '"\\ufffd alone"'),
    (math.nan, "null"),
    (math.inf, "null"),
    (
        {"k\x00": [1, (2.5, None, True)]},
        '{\n  "k\\ufffd": [\n    1,\n    [\n      2.5,\n      null,\n      true\n    ]\n  ]\n}',
    ),
]


@pytest.mark.parametrize(("value", "text"), JSON)
def test_json_is_ascii_and_inert(value: object, text: str) -> None:
    """Row 89 is among them: a lone surrogate and NUL."""
    assert json_text(value) == text


@given(
    st.recursive(
        st.text() | st.floats() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_value_becomes_a_document_that_any_reader_takes(value: object) -> None:
    text = json_text(value)
    assert text.isascii()
    assert not any(char < " " and char != "\n" for char in text)
    json.loads(text, parse_constant=lambda word: pytest.fail(word))


COLOUR = [
    ({}, True, True),
    ({}, False, False),
    ({"TERM": "dumb"}, True, False),
    ({"NO_COLOR": "1"}, True, False),
    ({"NO_COLOR": ""}, True, True),
    ({"FORCE_COLOR": "1"}, False, True),
    ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
]


@pytest.mark.parametrize(("environ", "terminal", "wanted"), COLOUR)
def test_colour_is_for_who_wants_it(environ: dict[str, str], terminal: bool, wanted: bool) -> None:
    """Row 76: no terminal, or a dumb one."""
    assert coloured(Terminal() if terminal else io.StringIO(), environ) is wanted


@pytest.mark.parametrize(
    ("columns", "width"), [("120", 120), ("0", 160), ("-3", 160), ("many", 160), ("", 160), ("99999999", 160)]
)
def test_a_width_is_never_nothing(columns: str, width: int) -> None:
    """Row 76: 0 columns."""
    assert width_of(io.StringIO(), {"COLUMNS": columns}) == width


def test_a_terminal_without_a_size_has_eighty_columns() -> None:
    assert width_of(Terminal(), {}) == 80


LOCALES = [
    ({"LC_ALL": "C"}, True),
    ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
    ({"LANG": "C"}, True),
    ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
    ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, False),
    ({"LANG": "en_US.UTF-8"}, False),
    ({"LANG": "C.UTF-8"}, False),
    ({}, False),
]


@pytest.mark.parametrize(("environ", "wanted"), LOCALES)
def test_the_c_locale_gets_ascii(environ: dict[str, str], wanted: bool) -> None:
    """Row 78."""
    assert wants_ascii(environ) is wanted


def test_markup_is_never_read() -> None:
    """Row 88: a bare [/] raises nothing."""
    file = io.StringIO()
    console(file, {}).print("[/] [bold]x[/bold] :smile:")
    assert file.getvalue() == "[/] [bold]x[/bold] :smile:\n"
