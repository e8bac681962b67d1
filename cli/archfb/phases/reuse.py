"""Which stored answers may be used again, and which must be made anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archfb_state.decisions import Decision
    from archfb_state.store import PhaseResult

OfflineReason = Literal["no_model", "unreadable", "asked"]
"""Why the offline provider made an answer: nobody could be asked, a model's answer was unreadable, --offline."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What this run accepts. `usable` says whether a model could be asked now."""

    fresh: bool = False
    offline: bool = False
    model: str | None = None
    usable: bool = True


def is_hit(stored: PhaseResult, wanted: Wanted) -> bool:
    """Return whether a stored answer is as good as a new one.

    What the offline provider made for want of a model is only good while none is usable; what it made
    because a model's answer could not be read stays good, since asking again would be paid again.
    """
    if wanted.fresh:
        return False
    if wanted.offline:
        return stored.offline
    if wanted.model is not None:
        return stored.model == wanted.model and not (stored.offline and wanted.model != "offline")
    return not stored.offline or stored.offline_reason == "unreadable" or not wanted.usable


def find(stored: Iterable[PhaseResult], wanted: Wanted) -> PhaseResult | None:
    """Return the best hit: a model's answer before an offline one, the newest first."""
    hits = [one for one in stored if is_hit(one, wanted)]
    hits.sort(key=lambda one: (one.offline, -one.created_at))
    return hits[0] if hits else None


def usable_now(decision: Decision, now: float, *, offline_names: frozenset[str] = frozenset({"offline"})) -> bool:
    """Return whether a model (not the offline provider) may be asked now: well enough, or due for its trial."""
    return any(
        one.model not in offline_names
        and (one.status != "unavailable" or (one.retry_at is not None and one.retry_at <= now))
        for one in decision.order
    )


def stood_in(decision: Iterable[object]) -> bool:
    """Return whether models that have a key were left out or failed, so that the offline provider stood in."""
    whys = [str(getattr(one, "why", "")) for one in decision if getattr(one, "model", "offline") != "offline"]
    return any(why and not why.startswith(("no key", "offline only", "provider ")) for why in whys)
