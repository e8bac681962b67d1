"""How evidence ages, on a wall clock that may step: back counts nothing, forward at most an hour."""

from __future__ import annotations

HOUR = 3600.0
DAY = 24 * HOUR

LONGEST_GAP = HOUR
"""Seconds that a gap between two events counts at most: a clock that was set forward ages nothing away."""

SKEW = 60.0
"""Seconds by which an instant may lie in the future (clocks of several machines) before the clock was set back."""


def elapsed(since: float | None, now: float) -> float:
    """Return the seconds between two instants that count: 0 to an hour."""
    if since is None:
        return 0.0
    return min(max(now - since, 0.0), LONGEST_GAP)


def fraction(seconds: float, half_life: float) -> float:
    """Return what is left of 1 after so many seconds."""
    return float(0.5 ** (seconds / half_life))


def in_the_future(instant: float | None, now: float) -> bool:
    """Return whether an instant can only come from a clock that has been set back since."""
    return instant is not None and instant > now + SKEW


def ends(until: float | None, since: float | None, now: float) -> float | None:
    """Return when a wait that was known at `since` ends, or None where it is over.

    Where the clock has been set back since, it lasts from now for as long as it had to last then: never shorter than
    whoever asked for it said, and never until the old clock's instant comes around again.
    """
    if until is None:
        return None
    if since is not None and in_the_future(since, now):
        until = now + (until - since)
    return until if until > now else None
