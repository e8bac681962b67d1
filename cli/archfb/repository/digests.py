"""Hashes without OpenSSL, whose loading takes longer than hashing a few files does."""

from __future__ import annotations

from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from hashlib import blake2b, sha1
    from typing import Any
else:
    try:
        from _blake2 import blake2b
        from _sha1 import sha1
    except ImportError:  # another Python
        from hashlib import blake2b, sha1

__all__ = ["blake2b", "sha1", "sha1_of_much"]


@cache
def sha1_of_much() -> Callable[..., Any]:
    """Return OpenSSL's SHA-1: several times faster, for megabytes."""
    import hashlib

    return hashlib.sha1
