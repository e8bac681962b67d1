"""Which changes of status are worth telling: pure, from what was told before and what is seen now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WINDOW = 3600.0
"""Seconds over which changes are counted."""

FLAPS = 4
"""Changes within the window from which a model is flapping: it went and came back twice."""

SETTLED = 1800.0
"""Seconds without a change after which a flapping model has settled."""

LASTING = 90.0
"""Seconds that a model must have been degraded before it is told: the next look at a suspect comes after 60.

One that is unavailable has failed often enough, and is told at once.
"""

HELD = 900.0
"""Seconds from which short holds, one after the other, are news: a rate limit that lasts."""

MOMENT = 60.0
"""Seconds that may pass between a look and the decision on it, while another process tells."""

Kind = Literal["problem", "resolved", "flapping", "reminder"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One model as it stands now. `counts` is False where its status is no news: a drain, a short hold, no key.

    `briefly` says that it is a short hold.
    """

    model: str
    status: str
    reason: str = ""
    counts: bool = True
    retry_at: float | None = None
    briefly: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of one model, and when (Unix seconds); what was last seen, and when that changed."""

    status: str = "healthy"
    at: float = 0.0
    seen: str = "healthy"
    changes: tuple[float, ...] = ()
    flapping: bool = False
    held: float = 0.0
    """Since when every look found a short hold; 0 where the last one did not."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell: a model is not healthy any more, or again, or goes to and fro, or still is not healthy."""

    kind: Kind
    model: str
    before: str
    after: str
    reason: str
    retry_at: float | None = None

    @property
    def sentence(self) -> str:
        """Return it for people."""
        if self.kind == "resolved":
            return f"{self.model} is healthy again."
        if self.kind == "flapping":
            return f"{self.model} changes to and fro: told again once it has settled."
        return f"{self.model} is {'still ' if self.kind == 'reminder' else ''}{self.after}: {self.reason}."


def decide(
    told: Mapping[str, Told], seen: Iterable[Seen], *, now: float, remind: float
) -> tuple[list[Alert], dict[str, Told]]:
    """Return what to tell, and what will have been told then; `now` is the instant of the look, `remind` is seconds.

    A model that nothing was told of counts as healthy; one that is degraded has to stay so for `LASTING`. One that
    changes `FLAPS` times within `WINDOW` is told to be
    flapping, once, and after `SETTLED` where it came to rest.
    """
    alerts: list[Alert] = []
    after: dict[str, Told] = {}
    for one in seen:
        before = told.get(one.model) or Told(at=now)
        if _overtaken(before, now):
            after[one.model] = before
            continue
        before = _sane(before, now)
        before = replace(before, held=(before.held or now) if one.briefly else 0.0)
        lasts = one.briefly and now - before.held >= HELD
        if (one.counts or lasts) and one.status != "unknown":
            alert, before = _one(before, one, now, remind)
            alerts += [alert] if alert else []
        after[one.model] = before
    return alerts, after


def _overtaken(told: Told, now: float) -> bool:
    """Whether another process told, a moment ago, from a later look than this one.

    What lies further ahead was written by a clock that has been set back since.
    """
    return 0 < max(told.at, *told.changes, 0.0) - now < MOMENT


def _sane(told: Told, now: float) -> Told:
    """Return the memory without instants of a clock that was set back since."""
    changes = tuple(at for at in told.changes if now - WINDOW <= at <= now)
    return replace(told, at=min(told.at, now), changes=changes, held=min(told.held, now))


def _one(told: Told, seen: Seen, now: float, remind: float) -> tuple[Alert | None, Told]:
    changed = seen.status != told.seen
    changes = (*told.changes, now) if changed else told.changes
    flapping = _flapping(told, changes, changed, now)
    kept = replace(told, seen=seen.status, changes=changes, flapping=flapping)
    lasted = seen.status != "degraded" or not changes or now - changes[-1] >= LASTING
    kind = _kind(told, seen, flapping, now - told.at >= remind) if lasted or flapping else None
    if kind is None:
        return None, kept
    alert = Alert(kind, seen.model, told.status, seen.status, seen.reason, seen.retry_at)
    return alert, replace(kept, status=seen.status, at=now)


def _flapping(told: Told, changes: tuple[float, ...], changed: bool, now: float) -> bool:
    if told.flapping:
        return bool(changes) and now - changes[-1] < SETTLED
    return changed and len(changes) >= FLAPS


def _kind(told: Told, seen: Seen, flapping: bool, remind: bool) -> Kind | None:
    if flapping:
        return None if told.flapping else "flapping"
    if seen.status != told.status or told.flapping:
        return "resolved" if seen.status == "healthy" else "problem"
    return "reminder" if remind and seen.status != "healthy" else None


def to_json(told: Mapping[str, Told]) -> dict[str, Any]:
    """Return the memory as JSON."""
    return {
        model: [one.status, one.at, one.seen, list(one.changes), one.flapping, one.held]
        for model, one in sorted(told.items())
    }


def from_json(kept: Any) -> dict[str, Told]:
    """Return the memory that was kept; what cannot be read was never told."""
    found: dict[str, Told] = {}
    for model, one in kept.items() if isinstance(kept, dict) else ():
        try:
            status, at, seen, changes, flapping, *held = one
            times = tuple(map(float, changes))
            found[model] = Told(str(status), float(at), str(seen), times, flapping is True, *map(float, held))
        except (TypeError, ValueError):
            continue
    return found
