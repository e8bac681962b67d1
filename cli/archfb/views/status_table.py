"""The health of every model as a table that fits the terminal, or as lines where none fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.views.fitting import PLAIN_BELOW, Column, table
from archfb.views.phrases import (
    NOTHING,
    STATUS_STYLES,
    age,
    count,
    duration,
    milliseconds,
    money,
    name,
    percent,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from archfb.routing.table import ChainHealth, ModelHealth, StatusTable


def status_view(health: StatusTable, width: int) -> RenderableType:
    """Return what `status` and `health` show: a row per model, the chains, a summary."""
    from rich.console import Group
    from rich.text import Text

    if width < PLAIN_BELOW:
        return Text("\n".join(status_lines(health)))
    if not health.models:
        return Text("No chain names a model.")
    rows = table(columns(health.at), health.models, width)
    return Group(rows, Text(""), chain_view(health), Text(""), Text(summary(health)))


def status_lines(health: StatusTable) -> list[str]:
    """Return the same as plain lines, for terminals too narrow for any table."""
    models = [
        f"{name(one.name)}: {one.standing.status}, {reason(one)}{_retry(one, health.at)}" for one in health.models
    ]
    return [*models, *(line for line, _ in chain_lines(health.chains)), summary(health)]


def columns(now: float) -> list[Column[ModelHealth]]:
    """Return every column of the table, as of an instant."""
    return [
        Column("Model", lambda one: name(one.name), flexible=40),
        Column("Provider", lambda one: name(one.provider), rank=9),
        Column("Status", lambda one: one.standing.status, style=lambda one: STATUS_STYLES[one.standing.status]),
        Column("Reason", reason, flexible=22),
        Column("OK", answered, rank=6, right=True),
        Column("Errors", error_rate, rank=2, right=True),
        Column("p50", lambda one: milliseconds(_percentile(one, 0.50)), rank=3, right=True),
        Column("p95", lambda one: milliseconds(_percentile(one, 0.95)), rank=5, right=True),
        Column("Fails", lambda one: str(one.record.consecutive_failures), rank=4, right=True),
        Column("Seen", lambda one: age(last_seen(one), now), rank=1, right=True),
        Column("Weight", weight, rank=8, right=True),
        Column("Cost", lambda one: money(one.cost_usd), rank=7, right=True),
        Column("Retry", lambda one: until(one.standing.retry_at, now), rank=1, right=True),
    ]


def reason(one: ModelHealth) -> str:
    """Return why a model has its status."""
    return name(one.standing.reason)


def answered(one: ModelHealth) -> str:
    """Return the calls and probes that went well, of all since the last reset."""
    total = one.record.successes + one.record.failures
    return f"{one.record.successes}/{total}" if total else NOTHING


def error_rate(one: ModelHealth) -> str:
    """Return the error rate that the thresholds are held against."""
    return percent(one.standing.error_rate) if one.record.successes + one.record.failures else NOTHING


def weight(one: ModelHealth) -> str:
    """Return the weight as configured, and as it counts now where that differs."""
    base, current = f"{one.weight.base:g}", f"{one.weight.current:.2g}"
    return base if base == current else f"{base} now {current}"


def last_seen(one: ModelHealth) -> float | None:
    """Return when there was last any evidence (Unix seconds)."""
    record = one.record
    seen = (record.last_success_at, record.last_failure_at, record.last_probe_at)
    return max((at for at in seen if at is not None), default=None)


def chain_words(one: ChainHealth) -> str:
    """Return how one phase stands."""
    if one.first_choice is None:
        return "no model has a key" if one.keyed == 0 else "no usable model left"
    return f"{one.usable} usable, first {name(one.first_choice)}"


def chain_lines(chains: Sequence[ChainHealth]) -> list[tuple[str, bool]]:
    """Return a line for all chains that stand alike, and whether they are dead although they have keys."""
    alike: dict[tuple[str, bool], list[str]] = {}
    for one in chains:
        alike.setdefault((chain_words(one), one.first_choice is None and one.keyed > 0), []).append(one.phase)
    return [(f"{', '.join(phases)}: {words}", dead) for (words, dead), phases in alike.items()]


def chain_view(health: StatusTable) -> RenderableType:
    """Return the chains, those without a usable model in red."""
    from rich.text import Text

    lines = Text()
    for at, (line, dead) in enumerate(chain_lines(health.chains)):
        lines.append(("\n" if at else "") + line, style="red" if dead else "")
    return lines


def summary(health: StatusTable) -> str:
    """Return how many models have which status."""
    found = [one.standing.status for one in health.models]
    parts = [f"{found.count(status)} {status}" for status in STATUS_STYLES if status in found]
    text = f"{count(len(found), 'model')}: {', '.join(parts)}." if found else "No chain names a model."
    offline = " This machine seems offline: no model is marked down for it." if health.offline_machine else ""
    return text + offline


def _percentile(one: ModelHealth, share: float) -> float | None:
    from archfb.routing.table import percentile

    return percentile(one.record.latencies_ms, share)


def _retry(one: ModelHealth, now: float) -> str:
    at = one.standing.retry_at
    return "" if at is None else ", due now" if at <= now else f", again in {duration(at - now)}"
