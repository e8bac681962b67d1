"""What a provider's rate-limit headers leave: how much remains, and when it is full again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REMAINING = re.compile(
    r"x-ratelimit-remaining(-\w[\w-]*)?|anthropic-ratelimit-([\w-]+)-remaining|ratelimit-remaining"
)
_KINDS = {"requests": ("requests", "req"), "tokens": ("tokens",)}


class Headroom(NamedTuple):
    """Requests and tokens that remain, and the Unix time at which what is used up comes back; None = unknown."""

    requests: int | None = None
    tokens: int | None = None
    reset_at: float | None = None


def headroom(headers: Mapping[str, str], now: float) -> Headroom:
    """Return what the headers (lower-case names) say; -1, nonsense and past or absurd resets count for nothing."""
    left: dict[str, int] = {}
    resets: list[tuple[int, float]] = []
    for name, value in headers.items():
        if "ratelimit" not in name or "remaining" not in name or not _REMAINING.fullmatch(name):
            continue
        amount, kind = _amount(value), _kind(name)
        if amount is None:
            continue
        if kind:
            left[kind] = min(left.get(kind, amount), amount)
        resets += [(amount, now + wait) for wait in _waits(headers, name, now)]
    used_up = [at for amount, at in resets if amount == 0]
    every = used_up or [at for _, at in resets]
    return Headroom(left.get("requests"), left.get("tokens"), max(every, default=None))


def _amount(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else None


def _kind(name: str) -> str | None:
    if name in ("x-ratelimit-remaining", "ratelimit-remaining"):
        return "requests"
    return next((kind for kind, marks in _KINDS.items() if any(f"-{mark}" in name for mark in marks)), None)


def _waits(headers: Mapping[str, str], name: str, now: float) -> Iterator[float]:
    from archfb.providers.retry_after import seconds_until

    text = headers.get(name.replace("remaining", "reset"))
    wait = seconds_until(text, now) if text else None
    if wait is not None:
        yield wait
