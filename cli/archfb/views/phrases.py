"""Numbers as people read them: ages, durations, money, rates."""

from __future__ import annotations

from datetime import UTC, datetime

from archfb.text import clean

STATUS_STYLES = {"healthy": "green", "degraded": "yellow", "unavailable": "red", "unknown": "dim"}

NOTHING = "-"


def name(text: str | None, limit: int = 200) -> str:
    """Return a foreign word on one line, inert."""
    return clean(text, one_line=True, limit=limit) if text else NOTHING


def duration(seconds: float | None) -> str:
    """Return seconds in the two largest fitting digits: 0.4 s, 12 s, 3 min, 5 h, 2 d."""
    if seconds is None:
        return NOTHING
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for limit, size, unit in ((99.5, 1, "s"), (5970, 60, "min"), (2 * 86400, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def age(at: float | None, now: float) -> str:
    """Return how long ago an instant was; one in the future, as after a clock moved back, is 0 s ago."""
    return NOTHING if at is None else "now" if now - at < 1 else duration(now - at)


def until(at: float | None, now: float) -> str:
    """Return how long until an instant: "in 30 s", "now" where it has passed."""
    return NOTHING if at is None else "now" if at <= now else f"in {duration(at - now)}"


def milliseconds(value: float | None) -> str:
    """Return a latency in seconds, as the thresholds are given: 0.81 s, 12.3 s."""
    if value is None:
        return NOTHING
    return f"{value / 1000:.2f} s" if value < 9995 else f"{value / 1000:.1f} s"


def money(usd: float | None) -> str:
    """Return USD: $0, $0.0004, $1.25; "-" where the price is unknown."""
    if usd is None:
        return NOTHING
    if usd == 0:
        return "$0"
    return f"${usd:,.2f}" if usd >= 0.095 else f"${usd:.2g}" if usd >= 0.0001 else "<$0.0001"


def percent(share: float) -> str:
    """Return a share of 1 in percent."""
    return f"{share * 100:.0f} %" if share >= 0.0995 or share == 0 else f"{share * 100:.1f} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return "1 model", "3 models"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moved(before: str, after: str) -> str:
    """Return from which status to which; one that stays has a new reason, as where a person did something."""
    return f"still {after}" if before == after else f"{before} to {after}"


def instant(at: float | None) -> str:
    """Return Unix seconds as a date and a time in UTC."""
    if at is None or not 0 <= at < 253402300800:
        return NOTHING
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
