"""What is remembered: frozen records of plain values, one class a table.

Those that each recorded call makes anew are tuples, which are made at a third of the cost of a frozen dataclass.

Instants are Unix seconds (float), durations seconds unless the name ends in `_ms`, money USD.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb_state.outcomes import Outcome, Scope

Kind = Literal["call", "completion", "metadata"]
Status = Literal["healthy", "degraded", "unavailable", "unknown"]
Level = Literal["", "warning", "critical"]
Breaker = Literal["closed", "open", "half_open", "retired"]

NOTHING: Mapping[str, Any] = MappingProxyType({})
"""Where nothing is known."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Where a model's evidence belongs.

    `deployment` is "provider|base URL|model id"; `account` is "base URL#fingerprint" ("base URL#" without a
    key); `host` is the host name without its port.
    """

    model: str
    deployment: str
    account: str
    host: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request made for a call or as a probe: one row of `attempts`, never changed afterwards."""

    id: str
    call_id: str
    model: str
    deployment: str
    account: str
    host: str
    phase: str
    kind: Kind
    outcome: Outcome
    started_at: float
    ended_at: float
    latency_ms: float
    run_id: str | None = None
    ttft_ms: float | None = None
    http_status: int | None = None
    retry_after_s: float | None = None
    reset_at: float | None = None
    scope: Scope | None = None
    code: str | None = None
    """The provider's own code, or for `network`: no_route, no_resolver, dns, refused, reset, tls, connect_timeout."""
    message: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    fallback_from: str | None = None
    """The model that failed just before in the same call; absent for a call's first model and for repeats."""
    repeat: bool = False
    """A further attempt at the same model within one call: it belongs to its call's episode."""
    streamed: bool = False
    reasoning: bool = False
    blame: bool = True
    """False where the caller knows that nobody is to blame (an invalid request that no other model accepted)."""


class DeploymentRecord(NamedTuple):
    """The breaker's memory of one deployment: one row of `deployments`."""

    deployment: str
    breaker: Breaker = "closed"
    consecutive: int = 0
    suspicion: float = 0.0
    """CUSUM statistic, decayed with a 6 h half-life up to `last_event_at`."""
    alpha: float = 0.0
    """Decayed weight of successes (24 h half-life); `beta` that of failures; their sum is capped at 50."""
    beta: float = 0.0
    calls: float = 0.0
    """Decayed real calls since it last left unavailable, and `errors` the failed ones: the error rate."""
    errors: float = 0.0
    error_level: Level = ""
    last_event_at: float | None = None
    last_call_failure_at: float | None = None
    episode_end: float | None = None
    """When the last counted failure ended; a failing call begun before it joins that episode."""
    opened_at: float | None = None
    openings: int = 0
    """n of the back-off `base · factor^n`; falls by one for each quiet 30 min."""
    openings_at: float | None = None
    retry_at: float | None = None
    probation: int = 0
    """Successes still owed before a re-closed breaker counts as healthy again; two failures re-open it."""
    probation_failures: int = 0
    hold_until: float | None = None
    hold_outcome: str | None = None
    hold_count: int = 0
    """k of the rate limit's 5 s · 2^k where no Retry-After was given."""
    not_found_at: float | None = None
    last_failure: str | None = None
    """Outcome of the last counted failure, for the reason shown."""
    last_failure_at: float | None = None
    last_success_at: float | None = None
    last_probe_at: float | None = None
    window: int | None = None
    """Context window in tokens learned from a refusal."""


class AccountRecord(NamedTuple):
    """What one key at one base URL may do: one row of `accounts`."""

    account: str
    block_outcome: str | None = None
    block_reason: str | None = None
    blocked_at: float | None = None
    hold_until: float | None = None
    hold_outcome: str | None = None
    refused_deployment: str | None = None
    """The deployment last rate limited here, and when: a second one within 60 s holds the account."""
    refused_at: float | None = None
    remaining_requests: int | None = None
    remaining_tokens: int | None = None
    remaining_reset_at: float | None = None


class ModelRecord(NamedTuple):
    """What is known of one preset: one row of `model_health`."""

    model: str
    deployment: str = ""
    account: str = ""
    status: Status = "unknown"
    """As last written down; the truth now is `standing(...)`, since holds end by time alone."""
    reason: str = ""
    since: float | None = None
    successes: int = 0
    failures: int = 0
    consecutive_failures: int = 0
    last_success_at: float | None = None
    last_failure_at: float | None = None
    last_probe_at: float | None = None
    last_probe_kind: str | None = None
    last_call_success_at: float | None = None
    latencies_ms: tuple[float, ...] = ()
    """Successful calls, the last 100."""
    probe_latencies_ms: tuple[float, ...] = ()
    """Successful probes, the last 10."""
    ttfts_ms: tuple[float, ...] = ()
    """Time to the first answer token of streamed calls without reasoning, the last 10."""
    rates: tuple[float, ...] = ()
    """Output tokens a second of the last 10 successful calls after the first token."""
    latency_level: Level = ""
    cost_usd: float = 0.0
    drained_by: str | None = None
    drained_why: str | None = None
    drained_until: float | None = None
    token_ratio: float = 1.0
    """Tokens really counted by the provider ÷ tokens estimated, an exponential mean."""
    learned: Mapping[str, str] = NOTHING
    """Parameters this model refused, by name: "" means leave it out, else the name to send instead."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A connect failure that is not yet held against its deployment, or was and may be taken back."""

    host: str
    at: float
    before: DeploymentRecord
    after: DeploymentRecord


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """Whether this machine itself seems offline: one row of `machine`."""

    offline_since: float | None = None
    last_answer_at: float | None = None
    pending: tuple[Pending, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a model's status: one row of `transitions`."""

    at: float
    model: str
    before: Status
    after: Status
    reason: str


class Snapshot(NamedTuple):
    """Everything that a decision reads, as of one instant."""

    at: float
    deployments: Mapping[str, DeploymentRecord] = NOTHING
    accounts: Mapping[str, AccountRecord] = NOTHING
    models: Mapping[str, ModelRecord] = NOTHING
    machine: MachineRecord = MachineRecord()
    in_flight: Mapping[str, int] = NOTHING
    """Unexpired calls in flight by model, over all processes."""
    leases: Mapping[str, float] = NOTHING
    """Unexpired leases by name, and when each expires."""
    waiting: Mapping[str, float] = NOTHING
    """Since when the oldest call in flight at each model has been there; too old ones (a crash) are left out."""


class Changes(NamedTuple):
    """What one event changes; the store writes it down as it stands."""

    deployments: Mapping[str, DeploymentRecord] = NOTHING
    accounts: Mapping[str, AccountRecord] = NOTHING
    models: Mapping[str, ModelRecord] = NOTHING
    machine: MachineRecord | None = None
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """One model's health now, and what routing may do with it."""

    model: str
    status: Status
    reason: str
    retry_at: float | None = None
    error_rate: float = 0.0
    critical: bool = False
    """Serves only when nothing better can, but for one leased trial per interval."""
    trial: bool = False
    """Unavailable, but due for one leased trial (open and waited long enough, or retired and due a re-check)."""
    last_resort: bool = False
    """Open and not yet due: may get the one leased trial when its whole chain is open."""
    held: bool = False
    """A hold, not a failure: a drain, or a rate limit or quota that ends at `retry_at`."""
    success: float = 0.5
    """Posterior mean of the Beta(9.5 + a, 0.5 + b): the s of the balancer's score."""
    success_low: float = 0.0
    """Its 5 % bound: `cheapest` and `fastest` divide by it."""
