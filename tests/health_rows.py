"""Rows of a status table for tests."""

from __future__ import annotations

from archfb.routing.table import ChainHealth, ModelHealth, StatusTable, Weight
from archfb_state.records import ModelRecord, Standing

NOW = 1_800_000_000.0


def row(
    name: str = "m1",
    status: str = "healthy",
    reason: str = "3 answers in the last hour",
    *,
    provider: str = "p",
    keyed: bool = True,
    account: str = "https://p.example#1a2b3c4d",
    ok: int = 0,
    failed: int = 0,
    seen: float | None = 12.0,
    retry_in: float | None = None,
    took: tuple[float, ...] = (),
    probed: tuple[float, ...] = (),
    weight: float = 1.0,
    now_weight: float | None = None,
    cost: float = 0.0,
    consecutive: int = 0,
    error_rate: float = 0.0,
    held: bool = False,
    drained: bool = False,
) -> ModelHealth:
    """Return one model's row; `seen` is the age of its evidence in seconds."""
    record = ModelRecord(
        name,
        successes=ok,
        failures=failed,
        consecutive_failures=consecutive,
        last_success_at=None if seen is None else NOW - seen,
        latencies_ms=took,
        probe_latencies_ms=probed,
        cost_usd=cost,
        drained_until=NOW + 3600 if drained else None,
    )
    retry_at = None if retry_in is None else NOW + retry_in
    standing = Standing(name, status, reason, retry_at=retry_at, error_rate=error_rate, held=held)  # type: ignore[arg-type]
    both = Weight(weight, weight if now_weight is None else now_weight)
    return ModelHealth(name, provider, "id", account, keyed, record, standing, both)


def health(*rows: ModelHealth, chains: tuple[ChainHealth, ...] = (), offline: bool = False) -> StatusTable:
    """Return a table as of NOW."""
    return StatusTable(NOW, rows, chains, offline)


EXAMPLE = health(
    row("gemini-basic", provider="gemini", ok=12, took=(790.0, 812.0, 1400.0), now_weight=0.94, cost=0.0123),
    row(
        "gemini-reasoning",
        "degraded",
        "median latency 7.2 s over 5 s",
        provider="gemini",
        ok=40,
        failed=2,
        seen=500,
        took=(7200.0, 7300.0),
        weight=0.9,
        now_weight=0.2,
        cost=1.2,
        error_rate=0.048,
    ),
    row(
        "claude-basic",
        "unavailable",
        "3 failures in a row, last: server_error 503",
        provider="anthropic",
        ok=100,
        failed=3,
        seen=4000,
        retry_in=42,
        took=(1234.0,),
        weight=0.85,
        now_weight=0,
        cost=0.3,
        consecutive=3,
        error_rate=0.03,
    ),
    row("[red]x[/]", "unknown", "no evidence yet", provider="openai", seen=None, weight=0.75),
    row(
        "openai-mini-low",
        "unavailable",
        "no key (OPENAI_API_KEY)",
        provider="openai",
        keyed=False,
        seen=None,
        weight=0.8,
        now_weight=0,
    ),
    chains=(
        ChainHealth("phase1", 2, "gemini-basic", 4),
        ChainHealth("phase2", 0, None, 3),
        ChainHealth("phase3", 0, None, 0),
        ChainHealth("final", 0, None, 0),
    ),
)
