"""Compressed answers are read wherever they are cut."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.providers.inflate import BadEncodingError, Inflate, decoder


@given(st.binary(max_size=2000), st.lists(st.integers(1, 99), max_size=40), st.sampled_from([31, 15, -15]))
def test_compressed_answers_are_read_wherever_they_are_cut(data: bytes, cuts: list[int], wbits: int) -> None:
    packed, press = zlib.compress(data, wbits=wbits), Inflate()
    if wbits == -15:
        cuts = []
    out = b""
    for size in cuts:
        out += b"".join(press.feed(packed[:size]))
        packed = packed[size:]
    assert out + b"".join(press.feed(packed)) == data


def test_several_gzip_members_are_one_answer_and_other_encodings_are_refused() -> None:
    assert b"".join(Inflate().feed(gzip.compress(b"one ") + gzip.compress(b"two"))) == b"one two"
    with pytest.raises(BadEncodingError):
        decoder("br")
    with pytest.raises(BadEncodingError):
        list(Inflate().feed(b"this is not compressed at all, whatever the header said"))
