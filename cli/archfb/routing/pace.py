"""How long an attempt may take, how long a repeat waits, and how many repeats a host is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from archfb.providers.exchange import Limits
from archfb_state.outcomes import RULES

if TYPE_CHECKING:
    import random

    from archfb.config.model import Provider
    from archfb.providers.exchange import Reply

ROOM = 10.0
"""Seconds that an attempt leaves for the next candidate, where the deadline has them."""

QUICK_REPEAT = 0.25
"""Longest wait in seconds before a repeat while another candidate stands ready."""

PATIENT_REPEAT = 1.0
"""Longest wait before the repeat of the last candidate: long enough to outlast a blip of 300 ms."""

SHORT_HOLD = 5.0
"""A rate limit up to this long is waited for when nothing else is left …"""

SHORT_HOLD_SHARE = 0.10
"""… and it takes no more than this share of the deadline that is left."""


def attempt_limits(
    provider: Provider, left: float, others: int, *, reasoning: bool = False, most: float = inf
) -> Limits:
    """Return one attempt's time-outs: the provider's, at `most` some seconds, and room for another candidate left."""
    room = min(left / 2, ROOM) if others else 0.0
    total = max(0.05, min(provider.timeout, left - room, most))
    idle = provider.timeout if reasoning else provider.idle_timeout
    return Limits(total, min(provider.connect_timeout, total), min(idle, total))


def repeat_wait(others: int, rng: random.Random) -> float:
    """Return the wait before a repeat: full jitter while others stand ready, patient when nobody does."""
    if others:
        return rng.uniform(0.0, QUICK_REPEAT)
    return rng.uniform(PATIENT_REPEAT * 0.4, PATIENT_REPEAT)


def worth_repeating(reply: Reply) -> bool:
    """Whether asking the same model once more may help: no byte of an answer was lost, and the failure may pass."""
    return RULES[reply.outcome].repeat == "once" and not reply.partial


def short_enough(wait: float, left: float) -> bool:
    """Whether a rate limit is short enough to be waited for when nothing else is left."""
    return wait <= SHORT_HOLD and wait <= left * SHORT_HOLD_SHARE


@dataclass(slots=True)
class RepeatBudget:
    """Repeats per host in this process: each call earns a fifth of one, so that a storm cannot double itself."""

    earned: float = 0.2
    start: float = 10.0
    _left: dict[str, float] = field(default_factory=dict)

    def earn(self, host: str) -> None:
        """Count a call."""
        self._left[host] = min(self.start, self._left.get(host, self.start) + self.earned)

    def take(self, host: str) -> bool:
        """Take one repeat; False where the host has none left."""
        left = self._left.get(host, self.start)
        if left < 1.0:
            return False
        self._left[host] = left - 1.0
        return True
