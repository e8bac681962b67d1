"""The health of every model as one table: what `status` and `health` show, from stored rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archfb.routing.json import SCHEMA, instant
from archfb.routing.roster import chain_members
from archfb_state.core.machine import offline
from archfb_state.core.standing import standing
from archfb_state.records import ModelRecord, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.config.model import Config
    from archfb.routing.roster import Member, Roster
    from archfb_state.records import Snapshot


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """One model's row: its preset, its record and its standing now."""

    name: str
    provider: str
    model: str
    account: str
    keyed: bool
    """Whether its key is set or not needed: only such models decide the exit code."""
    record: ModelRecord
    standing: Standing
    weight: float
    current_weight: float

    @property
    def usable(self) -> bool:
        """Whether a call could be sent to it now."""
        return self.standing.status != "unavailable"

    def to_json(self) -> dict[str, Any]:
        """Return the row as `status --json` prints it."""
        record, now = self.record, self.standing
        return {
            "name": self.name,
            "provider": self.provider,
            "model": self.model,
            "status": now.status,
            "reason": now.reason,
            "consecutive_failures": record.consecutive_failures,
            "successes": record.successes,
            "failures": record.failures,
            "error_rate": round(now.error_rate, 4),
            "latency_ms": {
                "mean": _rounded(mean(record.latencies_ms)),
                "p50": _rounded(percentile(record.latencies_ms, 0.50)),
                "p95": _rounded(percentile(record.latencies_ms, 0.95)),
            },
            "probe_latency_ms": _rounded(record.probe_latencies_ms[-1] if record.probe_latencies_ms else None),
            "last_success_at": instant(record.last_success_at),
            "last_failure_at": instant(record.last_failure_at),
            "last_probe_at": instant(record.last_probe_at),
            "retry_at": instant(now.retry_at),
            "weight": {"base": self.weight, "current": round(self.current_weight, 4)},
            "cost_usd": round(record.cost_usd, 9),
        }


@dataclass(frozen=True, slots=True)
class ChainHealth:
    """How one phase stands: models that could be asked now, and the one that comes first."""

    phase: str
    usable: int
    first_choice: str | None
    keyed: int
    """Models whose key is set or not needed."""


@dataclass(frozen=True, slots=True)
class StatusTable:
    """The health of all models and chains as of one instant (Unix seconds)."""

    at: float
    models: tuple[ModelHealth, ...]
    chains: tuple[ChainHealth, ...]
    offline_machine: bool = False

    def to_json(self, probes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        """Return the document of `status --json`, with the probes just made."""
        return {
            "schema": SCHEMA,
            "at": instant(self.at),
            "models": [one.to_json() for one in self.models],
            "chains": {one.phase: {"usable": one.usable, "first_choice": one.first_choice} for one in self.chains},
            "probes": list(probes),
        }


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, None of nothing."""
    return sum(values) / len(values) if values else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile (share 0…1), None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def model_health(config: Config, member: Member, rows: Snapshot) -> ModelHealth:
    """Return one model's row."""
    name = member.model.name
    record = rows.models.get(name) or ModelRecord(name)
    if member.missing is not None:
        now = Standing(name, "unavailable", member.missing)
    else:
        now = standing(member.ref, rows, config.settings, rows.at)
    return ModelHealth(
        name,
        member.provider.name,
        member.model.id,
        member.ref.account,
        member.missing is None,
        record,
        now,
        member.model.weight,
        _current_weight(member, now),
    )


def _current_weight(member: Member, now: Standing) -> float:
    """Return weight · success · health: the balancer's score without the part that depends on a request."""
    if now.status == "unavailable":
        return 0.0
    return member.model.weight * now.success * (0.25 if now.status == "degraded" else 1.0)


def status_table(config: Config, members: Roster, rows: Snapshot) -> StatusTable:
    """Return the health of every model that a chain names."""
    models = {name: model_health(config, members[name], rows) for name in config.chained}
    chains = tuple(
        _chain(config, phase, [models[one.model.name] for one in chain_members(config, members, phase)])
        for phase in config.chains
    )
    return StatusTable(rows.at, tuple(models.values()), chains, offline(rows.machine, rows.at))


def _chain(config: Config, phase: str, chain: list[ModelHealth]) -> ChainHealth:
    usable = [one for one in chain if one.usable]
    willing = [one for one in usable if one.weight > 0] or usable
    if config.strategy(phase) == "priority":
        best = next(iter(willing), None)
    else:
        best = max(willing, key=lambda one: one.current_weight, default=None)
    keyed = sum(one.keyed for one in chain)
    return ChainHealth(phase, len(usable), best.name if best else None, keyed)
