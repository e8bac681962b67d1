"""Rows of texts and numbers come back as they were, whatever the texts hold; what is no such row is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.repository import rows
from archfb.repository.record import values
from archfb.repository.records import Command, EntryPoint, Language

TEXT = st.text(st.characters(exclude_characters="\0"))


@given(st.lists(st.builds(EntryPoint, TEXT, TEXT, TEXT, TEXT, st.integers()), max_size=6))
def test_records_come_back(told: list[EntryPoint]) -> None:
    assert rows.records(EntryPoint, rows.dump(map(values, told))) == tuple(told)


@given(st.lists(st.builds(Language, TEXT, st.integers(), st.integers(), st.floats(allow_nan=False)), max_size=6))
def test_numbers_come_back(told: list[Language]) -> None:
    assert rows.records(Language, rows.dump(map(values, told))) == tuple(told)


@given(st.lists(TEXT, max_size=9))
def test_texts_come_back(told: list[str]) -> None:
    assert rows.texts(rows.dump((one,) for one in told)) == told


def test_the_sign_that_ends_a_text_is_shown_where_it_stands_within() -> None:
    assert rows.texts(rows.dump([("a", "b\0c\0")])) == ["a", "b\N{SYMBOL FOR NULL}c\N{SYMBOL FOR NULL}"]


@pytest.mark.parametrize("content", [b"a\0", b"a\0b\0c\0four\0e\0", b"\xff\0" * 6])
def test_what_are_no_such_rows_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"rows|invalid"):
        rows.records(Command, content)
