"""Compressed answers, decompressed in bounded steps: a bomb is noticed before it has gone off."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 65_536
"""Bytes that one step may make; what is left over waits compressed."""


class BadEncodingError(ValueError):
    """The answer is not compressed as it says, or in a way that was not asked for."""


class Decoder(Protocol):
    """Turns the bytes of the wire into the bytes of the answer."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield pieces of at most STEP bytes; raises BadEncodingError."""


class Identity:
    """Bytes as they are."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bytes."""
        yield data


class Inflate:
    """gzip, of one or several members, and deflate, with or without its zlib header."""

    def __init__(self) -> None:
        """Start before the first byte, expecting either header."""
        self._press = zlib.decompressobj(wbits=47)
        self._fresh = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what becomes of some more bytes, piece by piece."""
        while data:
            if self._press.eof:
                self._press, self._fresh = zlib.decompressobj(wbits=47), True
            out = self._step(data)
            data = self._press.unconsumed_tail or self._press.unused_data.lstrip(b"\0")
            if out:
                yield out

    def _step(self, data: bytes) -> bytes:
        fresh, self._fresh = self._fresh, False
        try:
            return self._press.decompress(data, STEP)
        except zlib.error:
            if not fresh:
                raise BadEncodingError("The answer's compression is broken.") from None
        self._press = zlib.decompressobj(wbits=-15)
        try:
            return self._press.decompress(data, STEP)
        except zlib.error:
            raise BadEncodingError("The answer is not compressed as it says.") from None


def decoder(encoding: str) -> Decoder:
    """Return the decoder of a Content-Encoding; raises BadEncodingError for one that was not asked for."""
    names = [name.strip().lower() for name in encoding.split(",") if name.strip()]
    if not names or names == ["identity"]:
        return Identity()
    if len(names) == 1 and names[0] in ("gzip", "x-gzip", "deflate"):
        return Inflate()
    raise BadEncodingError(f"The answer is encoded as '{encoding[:40]}', which was not asked for.")
