"""Foreign text as Markdown: what CommonMark's own parser reads back is what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # rich brings it

from archfb.text import clean, code, prose

TRICKY = st.text(alphabet=st.sampled_from("``` ab\\|*_[<\n\t"), max_size=24)


def spans(markdown: str) -> list[str]:
    inline = MarkdownIt().parseInline(markdown)[0].children or []
    return [one.content for one in inline if one.type == "code_inline"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("src/a.py", "`src/a.py`"),
        ("Entity`.cs", "``Entity`.cs``"),
        ("a``b", "```a``b```"),
        ("a`b``c", "```a`b``c```"),
        ("`a", "`` `a ``"),
        ("a```", "```` a``` ````"),
        ("a|b*c_[d]<e>", "`a|b*c_[d]<e>`"),
        ("a\nb\tc ", "`a b c`"),
        ("a\x1bb", "`a\ufffdb`"),
        ("", "` `"),
    ],
)
def test_inline_code_is_fenced_by_more_backticks_than_it_holds(text: str, written: str) -> None:
    assert code(text) == written


@given(TRICKY)
def test_inline_code_is_read_back_as_it_was_meant(text: str) -> None:
    assert spans(f"({code(text)})") == [clean(text, one_line=True) or " "]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("the `Thing` of ``this``", "the `Thing` of ``this``"),
        ("like `this' and `that'", "like `this' and `that'"),
        ("like `this'", "like \\`this'"),
        ("an ``open `one` here", "an \\`\\`open `one` here"),
        ("escaped \\` already", "escaped \\` already"),
    ],
)
def test_a_backtick_without_a_partner_is_escaped(text: str, written: str) -> None:
    assert prose(text) == written


@given(TRICKY)
def test_foreign_prose_takes_no_code_that_stands_behind_it(text: str) -> None:
    assert spans(f"x {prose(clean(text, one_line=True))}” (`a.py:1`)")[-1] == "a.py:1"
