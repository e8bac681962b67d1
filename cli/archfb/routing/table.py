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
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archfb.config.model import Config
    from archfb.routing.roster import Member, Roster
    from archfb_state.records import Snapshot, Status

OFFLINE_MACHINE = (
    "This machine seems offline (no resolver, no route, or two hosts at once); no model was marked down."
)


@dataclass(frozen=True, slots=True)
class Weight:
    """A model's weight as configured, and now: times success and health."""

    base: float
    current: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of the last successful calls, None of none."""

    mean: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """One model's row, with the fields of `status --json`: its preset, its record, its standing; Unix seconds."""

    name: str
    provider: str
    model: str
    account: str
    keyed: bool
    """Whether its key is set or not needed: only such models decide the exit code."""
    record: ModelRecord
    standing: Standing
    weight: Weight
    unpriced: bool = False
    """Whether it has answered, and nobody knows at what price."""

    @property
    def status(self) -> Status:
        """Its standing now, as one word."""
        return self.standing.status

    @property
    def reason(self) -> str:
        """Why it has that status."""
        return self.standing.reason

    @property
    def consecutive_failures(self) -> int:
        """Failed calls and probes since the last success."""
        return self.record.consecutive_failures

    @property
    def successes(self) -> int:
        """Calls and probes that succeeded since the last reset."""
        return self.record.successes

    @property
    def failures(self) -> int:
        """Calls and probes that failed since the last reset."""
        return self.record.failures

    @property
    def error_rate(self) -> float:
        """Failures ÷ calls, decayed."""
        return self.standing.error_rate

    @property
    def latency_ms(self) -> Latency:
        """How long its last successful calls took."""
        took = self.record.latencies_ms
        return Latency(mean(took), percentile(took, 0.50), percentile(took, 0.95))

    @property
    def probe_latency_ms(self) -> float | None:
        """How long its last probe took."""
        return self.record.probe_latencies_ms[-1] if self.record.probe_latencies_ms else None

    @property
    def last_success_at(self) -> float | None:
        """When a call or probe last succeeded."""
        return self.record.last_success_at

    @property
    def last_failure_at(self) -> float | None:
        """When a call or probe last failed."""
        return self.record.last_failure_at

    @property
    def last_probe_at(self) -> float | None:
        """When it was last probed."""
        return self.record.last_probe_at

    @property
    def retry_at(self) -> float | None:
        """When it will be tried again, where that is known."""
        return self.standing.retry_at

    @property
    def cost_usd(self) -> float | None:
        """What it has cost; None where it has answered at a price that nobody knows."""
        return None if self.unpriced else self.record.cost_usd

    @property
    def usable(self) -> bool:
        """Whether a call could be sent to it now."""
        return self.standing.status != "unavailable"

    def to_json(self) -> dict[str, Any]:
        """Return the row as `status --json` prints it."""
        took = self.latency_ms
        return {
            "name": self.name,
            "provider": self.provider,
            "model": self.model,
            "status": self.status,
            "reason": self.reason,
            "consecutive_failures": self.consecutive_failures,
            "successes": self.successes,
            "failures": self.failures,
            "error_rate": round(self.error_rate, 4),
            "latency_ms": {"mean": _rounded(took.mean), "p50": _rounded(took.p50), "p95": _rounded(took.p95)},
            "probe_latency_ms": _rounded(self.probe_latency_ms),
            "last_success_at": instant(self.last_success_at),
            "last_failure_at": instant(self.last_failure_at),
            "last_probe_at": instant(self.last_probe_at),
            "retry_at": instant(self.retry_at),
            "weight": {"base": self.weight.base, "current": round(self.weight.current, 4)},
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 9),
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
    """The health of all models and chains as of one instant (Unix seconds); as a sequence, the models' rows."""

    at: float
    models: tuple[ModelHealth, ...]
    chains: tuple[ChainHealth, ...]
    offline_machine: bool = False

    def __iter__(self) -> Iterator[ModelHealth]:
        """Go through the models."""
        return iter(self.models)

    def __len__(self) -> int:
        """Count the models."""
        return len(self.models)

    def __getitem__(self, at: int) -> ModelHealth:
        """Return the model at a place."""
        return self.models[at]

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
        Weight(member.model.weight, _current_weight(member, now)),
        _unpriced(member, record),
    )


def _unpriced(member: Member, record: ModelRecord) -> bool:
    """Say whether calls were answered and cost nothing, though the model is not known to be free."""
    if record.cost_usd or not record.latencies_ms or member.offline:
        return False
    from archfb.routing.prices import free

    return not free(member.model, member.provider)


def _current_weight(member: Member, now: Standing) -> float:
    """Return weight · success · health: the balancer's score without the part that depends on a request."""
    if now.status == "unavailable":
        return 0.0
    return member.model.weight * now.success * (0.25 if now.status == "degraded" else 1.0)


def status_table(config: Config, members: Roster, rows: Snapshot, named: Iterable[str] = ()) -> StatusTable:
    """Return the health of every model that a chain names, and of those `named` here."""
    models = {name: model_health(config, members[name], rows) for name in (*config.chained, *named)}
    chains = tuple(
        _chain(config, phase, [models[one.model.name] for one in chain_members(config, members, phase)])
        for phase in config.chains
    )
    return StatusTable(rows.at, tuple(models.values()), chains, offline(rows.machine, rows.at))


def _chain(config: Config, phase: str, chain: list[ModelHealth]) -> ChainHealth:
    usable = [one for one in chain if one.usable]
    willing = [one for one in usable if one.weight.base > 0] or usable
    if config.strategy(phase) == "priority":
        best = next(iter(willing), None)
    else:
        best = max(willing, key=lambda one: one.weight.current, default=None)
    keyed = sum(one.keyed for one in chain)
    return ChainHealth(phase, len(usable), best.name if best else None, keyed)
