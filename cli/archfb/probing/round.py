"""One round of probes: what is due, at once within limits, leased so that nobody probes it twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.events import Note, ProbeEnded, StatusChanged
from archfb.probing.last_round import remember
from archfb.providers.exchange import Limits, Target
from archfb.routing.attempt import Circumstances, attempt_of, new_id
from archfb.routing.plan import expected_cost
from archfb.routing.roster import chain_members
from archfb_state.core.due import due

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archfb.providers.exchange import Reply
    from archfb.routing.desk import Desk
    from archfb.routing.roster import Member
    from archfb_state.core.due import Due
    from archfb_state.records import Attempt, Kind, Snapshot
    from archfb_state.store import Lease

PER_HOST = 3
IN_ALL = 128
ROUND_SHARE = 0.9
"""A round ends within this share of the interval, so that the next one finds it ended."""

INCONCLUSIVE = frozenset({"no_metadata", "wrong_protocol", "web_page", "not_json"})
"""Codes of a server that has no free description of its models: no evidence, and a completion must tell."""

PROBE_TOKENS = (20, 64)
"""Input and output tokens that a completion probe is reckoned with, before it is made."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """How one probe ended."""

    model: str
    kind: Kind
    outcome: str
    latency_ms: float
    message: str | None = None
    held_back: str | None = None
    """The setting of a day's budget that kept a completion from being made."""

    def to_json(self) -> dict[str, Any]:
        """Return the row of `probes`."""
        return {
            "model": self.model,
            "kind": self.kind,
            "outcome": self.outcome,
            "latency_ms": round(self.latency_ms, 1),
            "message": self.message,
            "held_back": self.held_back,
        }


class _Manner(NamedTuple):
    everything: bool
    free: bool


@dataclass(slots=True)
class _Gates:
    """Limits of one round: probes at once per host and in all."""

    hosts: dict[str, asyncio.Semaphore]
    total: asyncio.Semaphore

    def host(self, name: str) -> asyncio.Semaphore:
        return self.hosts.setdefault(name, asyncio.Semaphore(PER_HOST))


async def probe_round(
    desk: Desk,
    *,
    everything: bool = False,
    models: Iterable[str] | None = None,
    phase: str | None = None,
    free: bool = False,
) -> list[ProbeResult]:
    """Probe what is due (`free`: as far as that costs nothing) and return one result per probe, by the chains' order.

    The round is given up when it nears the interval. Raises UsageError for an unknown model or phase.
    """
    rows = desk.store.snapshot()
    chosen = [(one, why) for one in selected(desk, models, phase) if (why := _wanted(desk, rows, one, everything))]
    if free:
        chosen = [(one, why) for one, why in chosen if why.kind == "metadata" and one.model.probe != "completion"]
    gates = _Gates({}, asyncio.Semaphore(IN_ALL))
    tasks = [asyncio.ensure_future(_probe(desk, one, why, gates, _Manner(everything, free))) for one, why in chosen]
    try:
        if tasks:
            health = desk.config.health
            await asyncio.wait(tasks, timeout=max(health.timeout, health.interval * ROUND_SHARE))
    finally:
        ended = await _given_up(tasks)
    for change in desk.store.settle(desk.settings, desk.refs):
        desk.observe(StatusChanged(change))
    if not free and not any(task.cancelled() for task in tasks):
        remember(desk.store)
    return [result for outcome in ended for result in _results(outcome)]


async def _given_up(tasks: list[asyncio.Task[list[ProbeResult]]]) -> list[list[ProbeResult] | BaseException]:
    """End what has not ended by itself, and wait until it has given its lease back."""
    for late in tasks:
        late.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def _results(outcome: list[ProbeResult] | BaseException) -> list[ProbeResult]:
    if isinstance(outcome, asyncio.CancelledError):
        return []
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def selected(desk: Desk, models: Iterable[str] | None, phase: str | None) -> list[Member]:
    """Return the members that a round may probe: one per deployment, with a key where one is needed."""
    if models is not None:
        names = [one for name in models for one in chain_members(desk.config, desk.members, "", name)]
    elif phase is not None:
        names = chain_members(desk.config, desk.members, phase)
    else:
        names = [desk.members[name] for name in desk.config.chained]
    able = [one for one in names if not one.offline and one.missing is None and one.model.probe != "none"]
    return list({one.ref.deployment: one for one in reversed(able)}.values())[::-1]


def _wanted(desk: Desk, rows: Snapshot, member: Member, everything: bool) -> Due | None:
    return due(member.ref, rows, desk.settings, rows.at, everything=everything)


async def _probe(desk: Desk, member: Member, why: Due, gates: _Gates, manner: _Manner) -> list[ProbeResult]:
    """Probe one deployment under its lease: for free first, with a completion where that must settle it."""
    async with gates.total, gates.host(member.ref.host):
        lease = desk.store.acquire(why.lease, desk.config.health.timeout * 3)
        if lease is None:
            return []
        try:
            # Whoever held the lease before may have answered the question since it was asked.
            still = _wanted(desk, desk.store.snapshot(), member, manner.everything)
            return [] if still is None else await _leased(desk, member, still, lease, free=manner.free)
        finally:
            desk.store.release(lease)


async def _leased(desk: Desk, member: Member, why: Due, lease: Lease, *, free: bool) -> list[ProbeResult]:
    from archfb.providers.wires import can_metadata

    results: list[ProbeResult] = []
    held, wish = None, member.model.probe
    if wish == "completion" and not free:
        held = _held_back(desk, member)
        if held is None:
            await _ask(desk, member, "completion", results, lease)
            return results
    if can_metadata(member.provider):
        _counted(desk, member)
        reply = await _ask(desk, member, "metadata", results, lease)
        if held is None and not _to_settle(reply, why):
            return results
    if held is None and not free and wish != "metadata":
        held = _held_back(desk, member)
        if held is None:
            await _ask(desk, member, "completion", results, lease)
    return results if held is None else _told(desk, member, held, results)


def _told(desk: Desk, member: Member, held: str, results: list[ProbeResult]) -> list[ProbeResult]:
    """Say what a day's budget held back, also in what was made instead."""
    instead = METADATA_ONLY if results else "not probed"
    desk.observe(Note(_held_sentence(member.model.name, instead, held)))
    return [replace(one, held_back=held) for one in results]


def _held_sentence(names: str, instead: str, held: str) -> str:
    return f"{names}: {instead} until midnight UTC, since {_BUDGETS[held]} ({held})."


def held_back(results: Sequence[ProbeResult]) -> list[str]:
    """Return a sentence for each of the day's budgets that kept completions from being made in a round."""
    names = {held: ", ".join(one.model for one in results if one.held_back == held) for held in _BUDGETS}
    return [_held_sentence(some, METADATA_ONLY, held) for held, some in names.items() if some]


METADATA_ONLY = "asked for metadata only"
_BUDGETS = {
    "probe_max_per_day": "as many probes as a day allows were made",
    "probe_usd_per_day": "what a day's probes may cost is spent",
}


def _held_back(desk: Desk, member: Member) -> str | None:
    """Return the setting of the budget that leaves no room for a completion, None where it was taken from both."""
    if not _counted(desk, member):
        return "probe_max_per_day"
    return None if _affordable(desk, member) else "probe_usd_per_day"


def _to_settle(reply: Reply, why: Due) -> bool:
    """Whether a completion is to follow: the server tells nothing, or "no such model", which is asked twice."""
    if reply.code in INCONCLUSIVE or reply.outcome == "model_not_found":
        return True
    return why.kind == "completion" and reply.ok


async def _ask(desk: Desk, member: Member, kind: Kind, results: list[ProbeResult], lease: Lease) -> Reply:
    """Make one probe and record it; one that the server has no answer for is no evidence."""
    health, provider = desk.config.health, member.provider
    started = desk.store.now()
    record = desk.store.snapshot().models.get(member.model.name)
    target = Target(member.model, provider, member.key, record.learned if record else {})
    limits = Limits(health.timeout, min(provider.connect_timeout, health.timeout), health.timeout)
    reply = await desk.transport.probe(target, kind, limits)
    if kind == "metadata" and reply.code in INCONCLUSIVE:
        return reply
    attempt = _attempt(desk, member, kind, reply, started)
    desk.record([attempt], lease=lease)
    desk.observe(ProbeEnded(attempt))
    results.append(
        ProbeResult(member.model.name, kind, str(reply.outcome), attempt.latency_ms, message=attempt.message)
    )
    return reply


def _attempt(desk: Desk, member: Member, kind: Kind, reply: Reply, started: float) -> Attempt:
    around = Circumstances(new_id(), "probe", kind, started, desk.store.now(), desk.run_id)
    return attempt_of(member, desk.price(member), reply, around)


def _counted(desk: Desk, member: Member) -> bool:
    """Whether the model's probes of the day still allow one more."""
    budget = f"probes:{desk.day}:{member.model.name}"
    limit = desk.config.health.probe_max_per_day
    reservation = desk.store.reserve(budget, 0.0, None, count_limit=limit)
    return reservation is not None


def _affordable(desk: Desk, member: Member) -> bool:
    """Whether the day's probe budget, of all models together, has room for a completion."""
    usd = expected_cost(desk.price(member), *PROBE_TOKENS) or 0.0
    limit = desk.config.health.probe_usd_per_day
    reservation = desk.store.reserve(f"probe-usd:{desk.day}", usd, limit)
    if reservation is not None:
        desk.store.spend(reservation, usd)
    return reservation is not None
