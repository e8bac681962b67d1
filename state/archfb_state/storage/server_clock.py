"""The instant by the database's clock, between two answers of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ServerClock:
    """The server's clock, followed between transactions by the time that passes here; no host's own clock counts."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, ahead: float = 0.0) -> None:
        """Begin with this machine's clock, behind the server's by `ahead` seconds, until the server's is known."""
        self._monotonic = monotonic
        self._ahead = time.time() - monotonic() + ahead
        self.known = False

    def set(self, now: float) -> None:
        """Take the server's instant; a little less than what was told before does not set the clock back."""
        ahead = now - self._monotonic()
        if not self.known or not 0.0 <= self._ahead - ahead < 1.0:
            self._ahead, self.known = ahead, True

    def __call__(self) -> float:
        """Return the instant by the server's clock."""
        return self._monotonic() + self._ahead
