"""Scenes for tests: the models of `health_rows`, with what a watch knows beyond them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from health_rows import EXAMPLE, NOW, health, row

from archfb.routing.table import ChainHealth, StatusTable
from archfb.watching.scene import Scene
from archfb_state.records import Transition


def transition(at: float, model: str, before: str, after: str, reason: str = "answers") -> Transition:
    """Return a change of status at NOW + `at`."""
    return Transition(NOW + at, model, before, after, reason)  # type: ignore[arg-type]


CHANGES = (
    transition(-90_000, "gemini-basic", "unknown", "healthy"),
    transition(-500, "gemini-reasoning", "healthy", "degraded", "median latency 7.2 s over 5 s"),
    transition(-48, "claude-basic", "degraded", "unavailable", "3 failures in a row, last: server_error 503"),
)


def scene(table: StatusTable = EXAMPLE, **more: Any) -> Scene:
    """Return a scene of `archfb health --watch` at NOW."""
    known: dict[str, Any] = {
        "since": {"gemini-basic": NOW - 90_000, "gemini-reasoning": NOW - 500, "claude-basic": NOW - 48},
        "next_at": {"gemini-basic": NOW + 137.2, "gemini-reasoning": NOW + 12.4, "claude-basic": NOW + 42},
        "changes": CHANGES,
        "in_flight": 2,
    }
    return replace(Scene("archfb health", table), **{**known, **more})


def crowd(count: int) -> StatusTable:
    """Return a table of so many models in six chains that all stand differently."""
    rows = [row(f"model-{n:02}", took=tuple(100.0 * (n + 1) for n in range(n % 9))) for n in range(count)]
    chains = [ChainHealth(f"phase{n}", n, f"model-{n:02}", n) for n in range(1, 7)]
    return health(*rows, chains=tuple(chains))
