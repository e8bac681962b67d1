"""Permissions that bind root too: tests of what may not be written say the same whoever runs them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator

import pytest

VERSION = 0x20080522
"""Of the kernel's interface: capabilities in two words of 32 bits."""

OVERRIDES = 0b110
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root's right to write and to read anywhere."""

GET_BITS, SET_BITS, NO_FIXUP = 27, 28, 4
"""Of prctl: with SECBIT_NO_SETUID_FIXUP access(2) goes by what root may do now, not by what it might take back."""


def _capabilities(call: str, words: ctypes.Array[ctypes.c_uint32]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(VERSION, 0)
    if getattr(libc, call)(header, words) != 0:
        pytest.skip(f"root may write anywhere, and {call} says: {os.strerror(ctypes.get_errno())}")


@pytest.fixture
def permissions_bind() -> Iterator[None]:
    """Take root's right to pass over permissions from this thread while a test lasts."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may write anywhere")
    words = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    _capabilities("capget", words)
    before = words[0]
    words[0] &= ~OVERRIDES
    prctl = ctypes.CDLL(None).prctl
    bits = prctl(GET_BITS, 0, 0, 0, 0)
    prctl(SET_BITS, bits | NO_FIXUP, 0, 0, 0)
    _capabilities("capset", words)
    try:
        yield
    finally:
        words[0] = before
        _capabilities("capset", words)
        prctl(SET_BITS, bits, 0, 0, 0)
