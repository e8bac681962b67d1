"""The six phases, each a function from what is done so far to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.errors import UsageError
from archfb.phases import material
from archfb.phases.calls import Called
from archfb.phases.keys import digest, digest_all
from archfb.phases.offline import document
from archfb.phases.offline.planner import plan_text
from archfb.phases.offline.reading import reading
from archfb.phases.plan import check_plan
from archfb.phases.plan_reading import Draft, Unreadable, read_plan
from archfb.phases.prompting import Material
from archfb.phases.records import CallFailed, PlannedAgent
from archfb.phases.reduction import whole
from archfb.phases.results import DeepAnalysis, Discovery, PhaseRecord, PlanResult, Report, Rules, Synthesis
from archfb.phases.work import inputs_of
from archfb.repository.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from archfb.phases.calls import CallSpec
    from archfb.phases.records import Plan
    from archfb.phases.work import Work
    from archfb.repository.records import Piece

ROLES = {"structure": "Structure", "dependencies": "Dependencies", "technology": "Technology"}
"""Phase 1's roles and their titles."""


CHARGE = 1_500
"""Tokens of a phase 3 question that are left for the agent's charge."""


async def discover(work: Work) -> Discovery:
    """Phase 1: three roles over one overview, in parallel."""
    specs = [_role(work, role, title) for role, title in ROLES.items()]
    found, missing = await work.findings(specs)
    return Discovery("phase1", work.subject, missing, found)


def _role(work: Work, role: str, title: str) -> CallSpec:
    return work.spec(
        "phase1",
        role,
        title,
        f"phase1_{role}",
        (),
        lambda tokens: [work.overview(tokens)],
        lambda: document.DISCOVERY[role](work.facts),
    )


async def make_plan(work: Work) -> PlanResult:
    """Phase 2: a plan that names only scanned files; an unreadable one is asked for once more, then made offline."""
    told = blocks_of(work.done["phase1"])

    def blocks(tokens: int) -> list[Material]:
        files = material.file_list(work.repo, tokens // 2)
        return [*material.fitted(told, tokens - tokens // 2), files]

    def problem(text: str) -> str | None:
        draft = read_plan(text)
        if isinstance(draft, Unreadable):
            return draft.problem
        return None if check_plan(draft, work.repo).agents else "None of its files is in the repository."

    offline = lambda: plan_text(work.facts)  # noqa: E731 - a thunk, handed on
    spec = work.spec("phase2", "plan", "Plan", "phase2_plan", inputs_of(told), blocks, offline, problem=problem)
    end = await work.caller.call(spec)
    if isinstance(end, CallFailed):
        return PlanResult("phase2", work.subject, (end,))
    draft = read_plan(end.text)
    plan = _no_plan(work) if isinstance(draft, Unreadable) else check_plan(draft, work.repo)
    return PlanResult("phase2", work.subject, (), plan, end.made)


def _no_plan(work: Work) -> Plan:
    """Return the empty plan of a repository in which nothing can be read as text."""
    return check_plan(Draft("Nothing in this repository can be read as text.", ()), work.repo)


def blocks_of(*results: PhaseRecord) -> list[Material]:
    """Return the texts of earlier results as material, and say what is missing in them."""
    found = []
    for one in results:
        found += [Material(f"{one.phase}: {title}", text) for title, text in one.texts]
        if one.missing:
            names = "; ".join(f"{gone.title} ({gone.code})" for gone in one.missing)
            found.append(Material(f"{one.phase}: missing", f"Not answered, so unknown here: {names}"))
    return found


async def analyse(work: Work) -> DeepAnalysis:
    """Phase 3: each agent reads its files in full, batch by batch, all in parallel."""
    asked, left_out = agent_calls(work)
    found, missing = await work.findings(asked)
    return DeepAnalysis("phase3", work.subject, (*missing, *left_out), found)


def agent_calls(work: Work) -> tuple[list[CallSpec], list[CallFailed]]:
    """Return the calls that phase 3 makes, and those that --only leaves out; worked out once. Raises UsageError."""
    if work.agent_calls is None:
        plan = plan_of(work)
        specs = [spec for agent in plan.agents for spec in _agent_specs(work, plan, agent)]
        work.agent_calls = _chosen(work, plan, specs)
    return work.agent_calls


def plan_of(work: Work) -> Plan:
    """Return the plan of phase 2."""
    result = work.done["phase2"]
    if isinstance(result, PlanResult) and result.plan is not None:
        return result.plan
    return _no_plan(work)


def _agent_specs(work: Work, plan: Plan, agent: PlannedAgent) -> list[CallSpec]:
    parts = material.batches(work.repo, agent.file_assignments, work.budget("phase3") - CHARGE)
    return [_batch(work, plan, agent, pieces, at, len(parts)) for at, pieces in enumerate(parts, 1)]


def _batch(work: Work, plan: Plan, agent: PlannedAgent, pieces: tuple[Piece, ...], at: int, of: int) -> CallSpec:
    role = agent.id if of == 1 else f"{agent.id}.{at}"
    title = agent.name if of == 1 else f"{agent.name} (part {at} of {of})"
    charge = Material("your charge", _charge(plan, agent))
    paths = tuple(dict.fromkeys(one.path for one in pieces))
    inputs = [("charge", digest(charge.text)), ("files", digest_all(_identities(work, pieces)))]
    return work.spec(
        "phase3",
        role,
        title,
        "phase3_agent",
        inputs,
        lambda tokens: [charge, material.contents(work.repo, pieces, max(400, tokens - estimate(charge.text)))],
        lambda: reading(work.facts, paths),
        files=paths,
        sees_all=False,
    )


def _identities(work: Work, pieces: Sequence[Piece]) -> list[str]:
    return [f"{one.path}:{one.first}-{one.last}@{work.repo.by_path[one.path].hash}" for one in pieces]


def _charge(plan: Plan, agent: PlannedAgent) -> str:
    duties = "\n".join(f"- {one}" for one in agent.responsibilities)
    others = "; ".join(one.name for one in plan.agents if one.id != agent.id)
    rest = f"The whole plan: {plan.plan}\nOther agents read: {others or 'nothing'}"
    return f"{agent.name}\n\n{agent.description}\n\n{duties}\n\n{rest}"


def _chosen(work: Work, plan: Plan, specs: list[CallSpec]) -> tuple[list[CallSpec], list[CallFailed]]:
    """Return the calls of the one agent that was asked for, and the others as missing; all where none was."""
    only = work.options.only
    if only is None:
        return specs, []
    named = [one.id for one in plan.agents if only.casefold() in {one.id.casefold(), one.name.casefold()}]
    if not named:
        known = ", ".join(f"{one.id} ({one.name})" for one in plan.agents)
        raise UsageError(f"No agent '{only}' in the plan.", hint=f"Agents: {known}.")
    asked = [one for one in specs if one.role.partition(".")[0] == named[0]]
    left = [one for one in specs if one not in asked]
    return asked, [CallFailed(one.role, one.title, "not_asked", "Left out by --only.", one.files) for one in left]


async def synthesise(work: Work) -> Synthesis:
    """Phase 4: one picture of what the agents found."""
    plan = plan_of(work)
    finding, parts, missing = await whole(
        work,
        "phase4",
        "Synthesis",
        blocks_of(work.done["phase3"]),
        ("phase4_map", "phase4_synthesis"),
        lambda: document.synthesis(work.facts, plan),
    )
    return Synthesis("phase4", work.subject, missing, finding, parts)


async def consolidate(work: Work) -> Report:
    """Phase 5: one report over phases 1 to 4."""
    plan = plan_of(work)
    earlier = [work.done[phase] for phase in ("phase1", "phase2", "phase3", "phase4")]
    finding, parts, missing = await whole(
        work,
        "phase5",
        "Report",
        blocks_of(*earlier),
        ("phase5_map", "phase5_report"),
        lambda: document.report(work.facts, plan),
    )
    return Report("phase5", work.subject, missing, finding, parts)


async def conclude(work: Work) -> Rules:
    """Final: the rules file, from the report and the tree."""
    told = blocks_of(work.done["phase5"])

    def blocks(tokens: int) -> list[Material]:
        report = material.fitted(told, tokens * 2 // 3)
        return [*report, work.overview(tokens // 3)]

    offline = lambda: document.rules(work.facts)  # noqa: E731 - a thunk, handed on
    spec = work.spec("final", "rules", "Rules", "final_rules", inputs_of(told), blocks, offline)
    end = await work.caller.call(spec)
    if not isinstance(end, Called):
        return Rules("final", work.subject, (end,))
    return Rules("final", work.subject, (), work.finding(spec, end))


STEPS: dict[str, Callable[[Work], Awaitable[PhaseRecord]]] = {
    "phase1": discover,
    "phase2": make_plan,
    "phase3": analyse,
    "phase4": synthesise,
    "phase5": consolidate,
    "final": conclude,
}
"""The phases in order, and what each does."""
