"""Whether this machine itself is offline: then no deployment is to blame for not being reached.

A first failure to connect counts at once. When a second host fails within 15 s and none has answered in between,
both are taken back and none counts until a host answers; the failures of the 15 s before that answer count again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archfb_state.core.decay import SKEW
from archfb_state.outcomes import Outcome
from archfb_state.records import DeploymentRecord, MachineRecord, Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb_state.records import Attempt

WINDOW = 15.0
BELIEVED = 300.0
"""Seconds after the last failure to connect for which an offline machine is still believed to be offline."""
MOST_PENDING = 32

NO_NETWORK = frozenset({"no_route", "no_resolver"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_SILENT = frozenset({Outcome.NETWORK, Outcome.TIMEOUT, Outcome.CANCELLED})


class Judgement(NamedTuple):
    """What one attempt says of the machine, and the deployments that it clears or charges again."""

    machine: MachineRecord
    deployments: Mapping[str, DeploymentRecord]
    lost: bool = False
    """Whether the attempt failed because this machine is offline."""


def offline(machine: MachineRecord, now: float) -> bool:
    """Return whether this machine seems offline now."""
    if machine.offline_since is None or not machine.pending:
        return False
    return -SKEW <= now - machine.pending[-1].at <= BELIEVED


def settled(machine: MachineRecord, now: float) -> MachineRecord | None:
    """Return the machine no longer believed to be offline, for want of failures; None where nothing changes."""
    if machine.offline_since is None or offline(machine, now):
        return None
    return MachineRecord(last_answer_at=machine.last_answer_at)


def place(host: str) -> str:
    """Return what counts as one host: all names of this machine are one."""
    return "loopback" if host in _LOOPBACK else host


def unreached(attempt: Attempt) -> bool:
    """Return whether an attempt did not get through to its host."""
    return attempt.outcome is Outcome.NETWORK and attempt.http_status is None


def heard(attempt: Attempt) -> bool:
    """Return whether a host answered, with whatever."""
    return bool(attempt.host) and (attempt.http_status is not None or attempt.outcome not in _SILENT)


def _recent(machine: MachineRecord, at: float) -> tuple[Pending, ...]:
    return tuple(one for one in machine.pending if -SKEW <= at - one.at <= WINDOW)


def after_answer(machine: MachineRecord, rows: Mapping[str, DeploymentRecord], at: float) -> Judgement | None:
    """Return the machine online, its recent failures charged again; None where nothing changes."""
    if machine.offline_since is None and not machine.pending:
        return None
    charged: dict[str, DeploymentRecord] = {}
    if machine.offline_since is not None:
        for one in _recent(machine, at):
            _swap(charged, rows, one.before, one.after)
    return Judgement(MachineRecord(last_answer_at=at), charged)


def after_failure(
    machine: MachineRecord,
    rows: Mapping[str, DeploymentRecord],
    attempt: Attempt,
    at: float,
    fail: Callable[[DeploymentRecord], DeploymentRecord],
) -> Judgement:
    """Return what a failure to connect comes to; `fail` makes a deployment's record one failure worse.

    `rows` must hold the attempt's deployment.
    """
    recent, host = _recent(machine, at), place(attempt.host)
    lost = offline(machine, at) or attempt.code in NO_NETWORK or any(one.host != host for one in recent)
    cleared: dict[str, DeploymentRecord] = {}
    if lost and machine.offline_since is None:
        for one in reversed(recent):
            _swap(cleared, rows, one.after, one.before)
    before = cleared.get(attempt.deployment, rows[attempt.deployment])
    after = fail(before)
    pending = (*recent, Pending(host, at, before, after))[-MOST_PENDING:]
    since = (machine.offline_since if offline(machine, at) else at) if lost else None
    found = replace(machine, offline_since=since, pending=pending)
    return Judgement(found, cleared if lost else {attempt.deployment: after}, lost)


def _swap(
    changed: dict[str, DeploymentRecord],
    rows: Mapping[str, DeploymentRecord],
    expected: DeploymentRecord,
    wanted: DeploymentRecord,
) -> None:
    """Put one record in another's place, unless something else has happened to it meanwhile."""
    key = expected.deployment
    if (changed.get(key) or rows.get(key) or DeploymentRecord(key)) == expected:
        changed[key] = wanted
