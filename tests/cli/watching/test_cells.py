"""Words in a fixed number of columns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.watching.cells import ASCII, ago, countdown, curve, cut, cut_inside, padded, wide


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5.0, "now"), (0.0, "now"), (0.01, "0:01"), (42.0, "0:42"), (59.5, "1:00"), (3599.0, "59:59"),
        (3600.0, "1h 00m"), (86399.0, "23h 59m"), (359_999.0, "99h 59m"), (360_000.0, "4 d"), (1e9, "11574 d"),
    ],
)  # fmt: skip
def test_a_countdown_reaches_zero_when_it_is_time(seconds: float, words: str) -> None:
    assert countdown(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (-86400, "0 s"), (0.9, "0 s"), (99.9, "99 s"), (100, "1 min"), (5999, "99 min"), (6000, "1 h"),
     (172_799, "47 h"), (172_800, "2 d")],
)  # fmt: skip
def test_an_age_is_whole_and_never_negative(seconds: float | None, words: str) -> None:
    assert ago(seconds) == words


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ((), 5, ""),
        ((1.0,), 5, "█"),
        ((0.0, 0.0), 5, "▁▁"),
        ((1, 2, 4, 8), 8, "▁▂▄█"),
        ((9, 1, 8), 2, "▁█"),
        ((5,), 0, ""),
    ],
)
def test_a_curve_shows_the_last_values_against_the_highest(values: tuple[float, ...], width: int, drawn: str) -> None:
    assert curve(values, width) == drawn


def test_a_terminal_without_unicode_gets_its_own_curve() -> None:
    assert curve((1, 2, 4, 8), 8, ASCII) == "_.=#"
    assert cut("abcdef", 4, ASCII) == "abc~"


@pytest.mark.parametrize(
    ("name", "width", "shown"),
    [
        ("openai-reasoning-medium", 16, "openai-r…-medium"),
        ("openai-reasoning-high", 17, "openai-r…ing-high"),
        ("short", 16, "short"),
        ("abcdefghijk", 5, "abcd…"),
        ("日本語のモデルの名前です", 9, "日本語の…"),
    ],
)
def test_names_that_begin_alike_keep_their_ends(name: str, width: int, shown: str) -> None:
    assert cut_inside(name, width) == shown
    assert wide(shown) <= width or width < 8


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Mn", "Me", "Mc", "Zl", "Zp"]), max_size=30),
       st.integers(0, 40), st.booleans())  # fmt: skip
def test_whatever_is_cut_and_padded_fills_the_width(text: str, width: int, inside: bool) -> None:
    shown = cut_inside(text, width) if inside else cut(text, width)
    assert wide(shown) <= width
    assert wide(padded(shown, width)) == width
