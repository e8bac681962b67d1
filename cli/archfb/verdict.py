"""One exit code for a whole table, as monitoring plugins give it: 0 well, 1 warning, 2 critical, 3 unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archfb.routing.table import OFFLINE_MACHINE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from archfb.routing.table import ModelHealth, StatusTable

WELL, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")

OFFLINE_ACCOUNT = "#"
"""The account of a provider without base URL and key: the offline one, which does not count."""

RECHECK = 86_400.0
"""Seconds after which a blocked or retired model is looked at again at the latest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An exit code, and the sentence that explains it."""

    code: int
    sentence: str

    @property
    def word(self) -> str:
        """Return OK, WARNING, CRITICAL or UNKNOWN."""
        return WORDS[self.code]


def verdict(
    table: StatusTable, *, interval: float, max_age: float | None = None, unprobed: Collection[str] = ()
) -> Verdict:
    """Return the verdict over the models whose key is set or not needed.

    `interval` and `max_age` (default three intervals) are seconds; `unprobed` names the models that no probe ever
    asks, whose evidence cannot be called too old. What is known to be bad comes before what is not known.
    """
    limit = 3 * interval if max_age is None else max_age
    models = [one for one in table.models if one.keyed and one.account != OFFLINE_ACCOUNT]
    if table.offline_machine:
        return Verdict(UNKNOWN, OFFLINE_MACHINE)
    if not models:
        return Verdict(UNKNOWN, "No model has a key: nothing to tell.")
    old = [one.name for one in models if one.name not in unprobed and is_stale(one, table.at, limit)]
    if len(old) == len(models):
        return Verdict(UNKNOWN, _too_old(models, old, limit))
    dead = [one.phase for one in table.chains if one.keyed and not one.usable]
    if dead:
        return Verdict(CRITICAL, f"No usable model left for {', '.join(dead)}.")
    bad = [one for one in models if one.name not in old and counts(one, table.at, interval)]
    if bad:
        return Verdict(WARNING, "; ".join(f"{one.name} is {one.standing.status}" for one in bad) + ".")
    if old:
        return Verdict(UNKNOWN, _too_old(models, old, limit))
    return Verdict(WELL, "The one model is well." if len(models) == 1 else f"All {len(models)} models are well.")


def _too_old(models: Sequence[ModelHealth], old: Collection[str], limit: float) -> str:
    """Say of which models nothing is known, and of which what is known is too old."""
    never = [one.name for one in models if one.name in old and not _seen(one)]
    dated = [name for name in old if name not in never]
    told = f"No evidence yet: {', '.join(never)}. `archfb health` probes." if never else ""
    aged = f"The evidence is older than {limit:g} s: {', '.join(dated)}." if dated else ""
    return " ".join(filter(None, (aged, told)))


def counts(one: ModelHealth, now: float, interval: float) -> bool:
    """Say whether a model is degraded or unavailable in earnest: no drain, no hold shorter than `interval`."""
    if one.standing.status not in {"degraded", "unavailable"}:
        return False
    return not (_drained(one, now) or _short(one, now, interval))


def briefly_held(one: ModelHealth, now: float, interval: float) -> bool:
    """Say whether nothing but a hold shorter than `interval` (seconds) keeps a model from being asked."""
    return (
        one.keyed and one.standing.status == "unavailable" and _short(one, now, interval) and not _drained(one, now)
    )


def _drained(one: ModelHealth, now: float) -> bool:
    return one.record.drained_until is not None and one.record.drained_until > now


def _short(one: ModelHealth, now: float, interval: float) -> bool:
    retry_at = one.standing.retry_at
    return one.standing.held and retry_at is not None and retry_at - now < interval


def is_stale(one: ModelHealth, now: float, limit: float) -> bool:
    """Say whether what is known of a model is too old to go by.

    An unavailable one is not asked before its time, so that its age counts from there.
    """
    standing, seen = one.standing, _seen(one)
    if standing.status == "unavailable":
        seen.append(standing.retry_at if standing.retry_at is not None else max(seen, default=now) + RECHECK)
    return not seen or now - max(seen) > limit


def _seen(one: ModelHealth) -> list[float]:
    record = one.record
    return [at for at in (record.last_success_at, record.last_failure_at, record.last_probe_at) if at is not None]


def selected(
    table: StatusTable, models: Collection[str], phase: str | None, chains: Mapping[str, Collection[str]]
) -> StatusTable:
    """Return the rows of the named models and of one phase's chain, and the chains with such a model.

    All of them where nothing is named; of a phase that is named its chain alone. `chains` names each phase's models.
    """
    if not models and phase is None:
        return table
    wanted = {*models, *(chains[phase] if phase is not None else ())}
    rows = tuple(one for one in table.models if one.name in wanted)
    phases = {phase} if phase is not None else {one for one, chain in chains.items() if not wanted.isdisjoint(chain)}
    return replace(table, models=rows, chains=tuple(one for one in table.chains if one.phase in phases))


def nagios(table: StatusTable, found: Verdict) -> str:
    """Return one line and perfdata, in the form that monitoring plugins have."""
    from archfb.text import clean

    states = [one.standing.status for one in table.models]
    perf = [f"{status}={states.count(status)};;;0;{len(states)}" for status in ("healthy", "degraded", "unavailable")]
    perf += [
        f"'{_label(one)}'={one.record.probe_latencies_ms[-1] / 1000:.3f}s"
        for one in table.models
        if one.record.probe_latencies_ms
    ]
    sentence = clean(found.sentence, one_line=True).replace("|", "/")
    return f"ARCHFB {found.word} - {sentence} | {' '.join(perf)}"


def _label(one: ModelHealth) -> str:
    from archfb.text import clean

    return clean(one.name, one_line=True, limit=60).translate({ord("'"): "_", ord("="): "_", ord("|"): "_"})
