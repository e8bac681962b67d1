"""How many tokens a text costs, estimated without a tokenizer."""

from __future__ import annotations

_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123))
_DIGITS = bytes(range(48, 58))
_WORDS = bytes(char if char in _LETTERS else 32 for char in range(256))


def estimate(text: str) -> int:
    """Return the estimated number of tokens of a text."""
    return estimate_bytes(text.encode("utf-8", "surrogatepass"))


def estimate_bytes(content: bytes) -> int:
    """Return the estimated number of tokens of UTF-8 bytes."""
    return -(-len(content) * 10 // 38)
