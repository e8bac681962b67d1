"""Where keys stand in a TOML text, whatever way they are written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archfb.config.lines import Lines

TEXT = """\
# a comment with x = 1 and [a]
top = 1
"quoted key" = 'x # no comment'
a.b . "c" = \"\"\"
b = 3
[no]
\"\"\"
[ table ] # so
list = [ # one
  "x", # two
  # three
  'y', {k = 1, "l" = [2]},
]
other = 1979-05-27 07:32:00
[table."in.ner"]
k = '''
''' # z
[[many]]
k = 1
[[many]]
k = 2
"""


@pytest.mark.parametrize(
    ("path", "element", "line"),
    [
        (("top",), None, 2),
        (("quoted key",), None, 3),
        (("a", "b", "c"), None, 4),
        (("table",), None, 8),
        (("table", "list"), None, 9),
        (("table", "list"), 0, 10),
        (("table", "list"), 1, 12),
        (("table", "list"), 2, 12),
        (("table", "list"), 7, 9),
        (("table", "other"), None, 14),
        (("table", "in.ner"), None, 15),
        (("table", "in.ner", "k"), None, 16),
        (("table", "in.ner", "absent", "deep"), None, 15),
        (("many", "k"), None, 21),
        (("absent",), None, None),
    ],
)
def test_the_line_of_a_key_or_of_what_is_around_it(
    path: tuple[str, ...], element: int | None, line: int | None
) -> None:
    assert Lines(TEXT).line(path, element) == line


@pytest.mark.parametrize(
    "broken", ["[", "a", "a =", "a = [", "a = {b", 'a = "', "[a", "=", '"\\', "a = [1 2", "\x00", "[" * 9999]
)
def test_a_broken_text_is_followed_as_far_as_it_goes(broken: str) -> None:
    assert Lines("x = 1\n" + broken).line(("x",)) == 1


@settings(max_examples=200)
@given(st.text("[]{}=,.'\"\\#ab \n", max_size=60))
def test_no_text_makes_it_raise(text: str) -> None:
    Lines(text)


def paths(content: dict[str, Any], *before: str) -> set[tuple[str, ...]]:
    """Return the paths of everything that is no table."""
    found: set[tuple[str, ...]] = set()
    for key, value in content.items():
        found |= paths(value, *before, key) if isinstance(value, dict) else {(*before, key)}
    return found


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from([*TEXT.split("\n")[1:4], "[x]", "[y.z]", "k = [1, [2]]", "l = {m = 1}", "n = '''\n'''"]),
        unique=True,
    )
)
def test_every_key_that_toml_knows_has_a_line(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert paths(content) <= set(Lines(text).keys)


def test_a_large_file_is_scanned_in_linear_time() -> None:
    text = "".join(f"k{at} = [1, 2]\n" for at in range(50_000))
    assert Lines(text).line(("k9",)) == 10
