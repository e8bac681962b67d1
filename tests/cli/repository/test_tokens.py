from __future__ import annotations

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
