"""Under which key a finished call is stored: the hash of phase, role, inputs and prompt version."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Inputs = tuple[tuple[str, str], ...]
"""What a call is made from: (name, hash), in order."""


def digest(text: str) -> str:
    """Return 32 hex digits for a text, also one with the surrogates of an undecodable file name."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_all(parts: Iterable[str]) -> str:
    """Return one digest for an ordered list of texts; where one ends and the next begins counts."""
    found = blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        found.update(len(raw).to_bytes(8, "big"))
        found.update(raw)
    return found.hexdigest()


def key(phase: str, role: str, inputs: Inputs, prompt_version: str) -> str:
    """Return the key of one call's result."""
    flat = [part for pair in inputs for part in pair]
    return digest_all([phase, role, prompt_version, *flat])
