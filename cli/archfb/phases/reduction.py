"""One text over many results: in one call where they fit, else mapped in groups and reduced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.phases import material
from archfb.phases.calls import Called
from archfb.phases.prompting import Material
from archfb.phases.work import inputs_of
from archfb.repository.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archfb.phases.calls import CallSpec
    from archfb.phases.records import CallFailed, Finding
    from archfb.phases.work import Work

ROUNDS = 3
"""Times that results may be condensed before the last question cuts what still does not fit."""


async def whole(
    work: Work,
    phase: str,
    title: str,
    blocks: Sequence[Material],
    prompts: tuple[str, str],
    offline: Callable[[], str],
) -> tuple[Finding | None, tuple[Finding, ...], tuple[CallFailed, ...]]:
    """Return one finding over the blocks, the partial ones it was reduced from, and what is missing.

    `prompts` are those of the map and of the last call. Without any model nothing is condensed: the offline
    analysis reads the repository itself.
    """
    parts: list[Finding] = []
    missing: list[CallFailed] = []
    current = list(blocks)
    for turn in range(1, ROUNDS + 1):
        specs = _maps(work, phase, turn, current, prompts[0])
        if not _worth_it(work, phase, specs):
            break
        found, lost = await work.findings(specs)
        parts += found
        missing += lost
        if not found:
            break
        current = [Material(one.title, one.text) for one in found]
    final = current
    spec = work.spec(
        phase,
        "reduce" if parts else title.lower(),
        title,
        prompts[1],
        inputs_of(final),
        lambda tokens: material.fitted(final, tokens),
        offline,
        sees_all=False,
    )
    end = await work.caller.call(spec)
    if isinstance(end, Called):
        return work.finding(spec, end), tuple(parts), tuple(missing)
    return None, tuple(parts), (*missing, end)


def _worth_it(work: Work, phase: str, specs: Sequence[CallSpec]) -> bool:
    """Whether to condense first: the results do not fit at once, and a model can do it or has done some of it."""
    return bool(specs) and (work.caller.usable(phase) or any(work.caller.stored(one) for one in specs))


def _maps(work: Work, phase: str, turn: int, blocks: Sequence[Material], prompt_name: str) -> list[CallSpec]:
    """Return the calls that condense the blocks in groups; none where all fit at once."""
    if sum(estimate(one.text) for one in blocks) <= work.budget(phase):
        return []
    groups = material.grouped(blocks, work.budget(phase))
    return [_map(work, phase, turn, at, len(groups), group, prompt_name) for at, group in enumerate(groups, 1)]


def _map(
    work: Work, phase: str, turn: int, at: int, of: int, group: Sequence[Material], prompt_name: str
) -> CallSpec:
    return work.spec(
        phase,
        f"map_{turn}.{at}",
        f"Part {at} of {of}" if turn == 1 else f"Round {turn}, part {at} of {of}",
        prompt_name,
        inputs_of(group),
        lambda tokens: material.fitted(group, tokens),
        lambda: condensed(group),
        sees_all=False,
    )


def condensed(blocks: Sequence[Material]) -> str:
    """Return the first third of each section's statements: what stands in where no model condenses."""
    return "\n".join(line for one in blocks for line in _first_third(one.text)) + "\n"


def _first_third(text: str) -> list[str]:
    found: list[str] = []
    section: list[str] = []
    for line in [*text.splitlines(), "#"]:
        if line.startswith("#"):
            found += section[: -(-len(section) // 3)]
            section = []
            found += [line] if line != "#" else []
        elif line.strip():
            section.append(line)
    return found
