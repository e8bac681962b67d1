"""Past runs: the list, and one of them with phases, attempts, cost and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.views.fitting import PLAIN_BELOW, Column, T, table
from archfb.views.phrases import NOTHING, count, duration, instant, milliseconds, money, name
from archfb.views.route_table import columns, headline, place_lines, places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from archfb_state.records import Attempt
    from archfb_state.store import PhaseResult, Run, StoredDecision


def outcome(run: Run) -> str:
    """Return how a run ended, in one word or with its error."""
    if run.ok is None:
        return "unfinished"
    return "done" if run.ok else f"failed: {name(run.error)}" if run.error else "failed"


def took(run: Run) -> str:
    """Return how long a run took."""
    return NOTHING if run.ended_at is None else duration(run.ended_at - run.started_at)


def runs_view(runs: Sequence[Run], width: int) -> RenderableType:
    """Return the list of runs, newest first."""
    from rich.text import Text

    if not runs:
        return Text("No runs yet. Start one: archfb run phase2 PATH")
    if width < PLAIN_BELOW:
        return Text("\n".join(f"{run.id[:8]} {name(run.phase)} {outcome(run)}" for run in runs))
    return table(RUN_COLUMNS, runs, width)


RUN_COLUMNS: list[Column[Run]] = [
    Column("Run", lambda run: name(run.id)[:12]),
    Column("Started (UTC)", lambda run: instant(run.started_at), rank=1),
    Column("Phase", lambda run: name(run.phase or run.command)),
    Column("Repository", lambda run: name(run.repo), rank=3, flexible=30),
    Column("Took", took, rank=2, right=True),
    Column("Cost", lambda run: money(run.cost_usd), rank=2, right=True),
    Column("Outcome", outcome, flexible=24),
]


def phases_of(run: Run, results: Sequence[PhaseResult], attempts: Sequence[Attempt]) -> list[tuple[str, str]]:
    """Return the phases that a run went through, each with done, failed or stored.

    A run notes what it made; what an earlier run had stored is what it needed and did not make.
    """
    from archfb.config.model import PHASES

    last = "final" if run.phase == "all" else run.phase
    wanted = PHASES[: PHASES.index(last) + 1] if last in PHASES else ()
    made, tried = {one.phase for one in results}, {one.phase for one in attempts}
    reached = [at for at, phase in enumerate(wanted, 1) if run.ok or phase in made | tried]
    through = wanted[: max(reached, default=0)]
    return [(phase, "done" if phase in made else "failed" if phase in tried else "stored") for phase in through]


def run_view(
    run: Run,
    results: Sequence[PhaseResult],
    attempts: Sequence[Attempt],
    decisions: Sequence[StoredDecision],
    width: int,
) -> RenderableType:
    """Return one run: what it made, every attempt, and each decision as `route` explains it."""
    from rich.console import Group
    from rich.text import Text

    head = f"Run {name(run.id)}: {name(run.phase or run.command)} on {name(run.repo)}\n"
    head += f"{instant(run.started_at)} UTC, took {took(run)}, cost {money(run.cost_usd)}, {outcome(run)}"
    stored = [phase for phase, status in phases_of(run, results, attempts) if status == "stored"]
    head += f"\nStored by earlier runs: {', '.join(stored)}" if stored else ""
    parts: list[Any] = [Text(head)]
    if results:
        plain = [f"{name(one.phase)} {name(one.role)}: {name(one.model)}" for one in results]
        parts += [Text("\nAnswers"), _rows(RESULT_COLUMNS, results, plain, width)]
    if attempts:
        plain = [
            f"{name(one.phase)} {name(one.model)}: {one.outcome}, {milliseconds(one.latency_ms)}" for one in attempts
        ]
        parts += [Text(f"\n{count(len(attempts), 'attempt')}"), _rows(ATTEMPT_COLUMNS, attempts, plain, width)]
    if decisions:
        parts.append(Text("\nDecisions"))
        for at, alike in enumerate(alikes(decisions)):
            parts += [Text("\n" if at else "", end=""), *_explained(alike, width)]
    return Group(*parts)


def _rows(columns: list[Column[T]], rows: Sequence[T], plain: list[str], width: int) -> RenderableType:
    """Return the rows as a table, or as plain lines where it is too narrow for one."""
    from rich.text import Text

    return Text("\n".join(plain)) if width < PLAIN_BELOW else table(columns, rows, width)


RESULT_COLUMNS: list[Column[PhaseResult]] = [
    Column("Phase", lambda one: name(one.phase)),
    Column("Role", lambda one: name(one.role), flexible=30),
    Column("Made by", lambda one: name(one.model), flexible=30),
    Column("Cost", lambda one: money(one.cost_usd), rank=1, right=True),
    Column("Note", lambda one: f"offline: {one.offline_reason}" if one.offline else NOTHING, rank=2),
]

ATTEMPT_COLUMNS: list[Column[Attempt]] = [
    Column("At (UTC)", lambda one: instant(one.started_at), rank=4),
    Column("Phase", lambda one: name(one.phase), rank=1),
    Column("Model", lambda one: name(one.model), flexible=30),
    Column("Outcome", lambda one: str(one.outcome)),
    Column("Took", lambda one: milliseconds(one.latency_ms), right=True),
    Column("Cost", lambda one: money(one.cost_usd), rank=2, right=True),
    Column("Message", lambda one: name(one.message), rank=3, flexible=40),
]


def decision_line(one: StoredDecision) -> str:
    """Return one decision in a line: the order, and who was left out."""
    order = ", ".join(name(ranked.model) for ranked in one.decision.order) or "nobody"
    out = [f"{name(ranked.model)} ({name(ranked.why)})" for ranked in one.decision.ranked if not ranked.eligible]
    left = f"; left out: {', '.join(out)}" if out else ""
    return f"{one.decision.phase}, {one.decision.complexity}: {order}{left}"


def alikes(decisions: Sequence[StoredDecision]) -> list[list[StoredDecision]]:
    """Return the decisions that came out the same together, whatever the scores, by the first of each."""
    found: dict[object, list[StoredDecision]] = {}
    for one in decisions:
        made = one.decision
        came = tuple((ranked.model, ranked.status, ranked.eligible) for ranked in made.ranked)
        found.setdefault((made.phase, made.complexity, made.strategy, came), []).append(one)
    return list(found.values())


def _explained(alike: Sequence[StoredDecision], width: int) -> list[RenderableType]:
    """Return how decisions that came out the same came about: the first of them, as of its instant."""
    from rich.text import Text

    first = alike[0]
    head = Text(f"{headline(first.decision)}; {count(len(alike), 'call')}")
    if width < PLAIN_BELOW:
        return [head, Text("\n".join(place_lines(first.decision)))]
    return [head, table(columns(first.at), places(first.decision), width)]
