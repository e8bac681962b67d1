from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.repository.tokens import estimate, estimate_bytes

# What o200k gives for these texts.
COUNTED = [
    ("def add(a: int, b: int) -> int:\n    return a + b\n" * 20, 380),
    ("The quick brown fox jumps over the lazy dog.\n" * 20, 200),
    (
        "-----BEGIN PGP SIGNATURE-----\n"
        + "iQIzBAABCgAdFiEENmpCDhN8P2qK3lYxL0z9B7s+VQwFAmSx\n" * 20
        + "-----END PGP SIGNATURE-----\n",
        740,
    ),
    ('{"name": "value", "list": [1, 2, 3], "nested": {"key": true}}\n' * 20, 520),
]


@pytest.mark.parametrize(("text", "tokens"), COUNTED)
def test_the_estimate_is_near_what_a_tokenizer_counts(text: str, tokens: int) -> None:
    assert estimate(text) == pytest.approx(tokens, rel=0.15)


@given(st.text())
def test_any_text_has_an_estimate_that_is_zero_only_for_nothing(text: str) -> None:
    assert (estimate(text) == 0) == (text == "")
    assert estimate(text) <= 4 * len(text) + 1


@given(st.lists(st.text(), min_size=1, max_size=6))
def test_texts_joined_at_line_ends_cost_at_most_their_sum(parts: list[str]) -> None:
    whole = estimate("\n".join(parts))
    assert whole <= sum(estimate(part + "\n") for part in parts)


@given(st.binary(max_size=200))
def test_any_bytes_have_an_estimate(content: bytes) -> None:
    assert estimate_bytes(content) >= 0


def test_a_large_content_is_estimated_from_slices() -> None:
    content = b"some words, and 12 digits (x)\n" * 4_000
    assert estimate_bytes(content) == pytest.approx(estimate(content.decode()), rel=0.02)


@pytest.mark.parametrize("sign", ["a", "9", ".", " ", "\n", "é"])
@pytest.mark.parametrize("length", [8_190, 16_383, 16_384, 16_385, 40_000])
def test_what_is_counted_many_at_a_time_is_counted_as_one_by_one(sign: str, length: int) -> None:
    text = "x" + sign * length + "y, z"
    content = text.encode()
    runs = {
        what: len(re.findall(what, content)) for what in (rb"[A-Za-z]+", rb"[A-Za-z]", rb"[0-9]", rb"[\x80-\xff]")
    }
    signs = len(re.findall(rb"[^\sA-Za-z0-9\x80-\xff]+", content))
    weight = [0.575, 0.0877, 0.658, 0.376]
    expected = (
        sum(a * b for a, b in zip(runs.values(), weight, strict=True)) + 1.056 * signs + 0.69 * text.count("\n")
    )
    assert estimate(text) == pytest.approx(expected + 0.5, abs=0.51)
