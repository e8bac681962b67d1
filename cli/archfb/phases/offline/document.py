"""The offline answers: for each role of each phase, a Markdown text made of statements with evidence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archfb.phases.offline import care, checking, identity, layout, working
from archfb.phases.offline.facts import count, listed, said, text_of
from archfb.phases.offline.rules import rule_lines
from archfb.text import code

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.phases.offline.facts import Facts
    from archfb.phases.records import Plan


def structure(facts: Facts) -> str:
    """Return the answer of phase 1's structure role."""
    return text_of(
        [
            ("Shape", [*identity.identity(facts), *layout.layout(facts)]),
            ("Entry points", layout.entry_lines(facts)),
            ("Components", layout.component_lines(facts)),
            ("Central files", layout.central_lines(facts)),
            ("Boundaries", [*layout.direction_lines(facts), *layout.layer_lines(facts), *layout.cycle_lines(facts)]),
            ("Not seen", care.unseen_lines(facts)),
        ]
    )


def dependencies(facts: Facts) -> str:
    """Return the answer of phase 1's dependencies role."""
    return text_of(
        [
            ("Direct dependencies", [*working.no_dependencies(facts), *working.dependency_lines(facts)]),
            ("Versions", [*working.lock_lines(facts), *working.unpinned(facts)]),
            ("Inside", care.depended_lines(facts, 8)),
            ("Vendored", care.vendored_lines(facts)),
        ]
    )


def technology(facts: Facts) -> str:
    """Return the answer of phase 1's technology role."""
    return text_of(
        [
            ("Stack", [*working.language_lines(facts), *working.require_lines(facts)]),
            ("Commands", working.command_lines(facts)),
            ("Conventions", working.convention_lines(facts)),
            ("Tests", working.testing_lines(facts)),
            ("Automation", working.automation_lines(facts)),
        ]
    )


DISCOVERY: dict[str, Callable[[Facts], str]] = {
    "structure": structure,
    "dependencies": dependencies,
    "technology": technology,
}


def synthesis(facts: Facts, plan: Plan | None) -> str:
    """Return phase 4 without a model: architecture, flows, what repeats, gaps, risks."""
    return text_of(
        [
            ("Architecture", [*layout.component_lines(facts, 8), *layout.direction_lines(facts)]),
            ("Data and control flow", flow_lines(facts)),
            ("Patterns and conventions", [*working.convention_lines(facts, 12), *working.testing_lines(facts)]),
            ("Gaps", [*_unread(facts, plan), *care.unseen_lines(facts)]),
            ("Risks", [*care.hot_lines(facts), *layout.cycle_lines(facts), *care.large_lines(facts)]),
        ]
    )


def _unread(facts: Facts, plan: Plan | None) -> list[str]:
    if plan is None:
        return []
    read = {path for one in plan.agents for path in one.file_assignments}
    unread = [one for one in facts.source if one.path not in read]
    if not unread:
        return []
    homes = Counter("/".join(one.path.split("/")[:2]) if "/" in one.path else "" for one in unread)
    names = listed(
        [
            f"{code(home)} ({number:,})" if home else f"the top folder ({number})"
            for home, number in homes.most_common()
        ],
        5,
    )
    return [said(f"{count(len(unread), 'source file')} no agent has read: {names}", unread[0].path)]


def flow_lines(facts: Facts, limit: int = 4, depth: int = 4) -> list[str]:
    """Say which way leads from an entry point into the code: each step the most central import of the one before."""
    starts = [path for path in _starts(facts) if facts.repo.by_path[path].imports]
    found = []
    for start in starts[:limit]:
        way = [start]
        while len(way) < depth and (step := _next_step(facts, way)) is not None:
            way.append(step)
        if len(way) > 1:
            chain = " → ".join(code(path) for path in way)
            found.append(said(f"From {chain}", start, facts.import_line(start, way[1])))
    return found


def _starts(facts: Facts) -> list[str]:
    from archfb.phases.importance import entry_files

    entries = [path for path in entry_files(facts.repo) if facts.repo.by_path[path].role == "source"]
    tops = [
        one.path
        for one in sorted(facts.source, key=lambda one: (-one.layer, -one.lines, one.path))
        if not one.importers
    ]
    return list(dict.fromkeys([*entries, *tops]))


def _next_step(facts: Facts, way: list[str]) -> str | None:
    ahead = [path for path in facts.repo.by_path[way[-1]].imports if path not in way and path in facts.repo.by_path]
    ahead = [path for path in ahead if facts.repo.by_path[path].imports] or ahead
    return min(ahead, key=lambda path: (-facts.repo.by_path[path].lines, path), default=None)


def report(facts: Facts, plan: Plan | None) -> str:
    """Return phase 5 without a model: what a new engineer reads on the first day."""
    return text_of(
        [
            ("What this is", [*identity.identity(facts), *working.language_lines(facts, 3)]),
            ("Architecture", [*layout.component_lines(facts), *layout.direction_lines(facts, 6)]),
            ("How it works", [*layout.entry_lines(facts, 8), *flow_lines(facts)]),
            (
                "Working here",
                [*working.command_lines(facts, 2), *working.require_lines(facts), *working.convention_lines(facts)],
            ),
            ("Handle with care", handle_with_care(facts)),
            ("Where to start reading", care.start_lines(facts)),
            ("Open questions", [*_unread(facts, plan), *care.unseen_lines(facts)]),
        ]
    )


def handle_with_care(facts: Facts) -> list[str]:
    """Return what a change can break: what much depends on or changes often, cycles, what is not written here."""
    return [
        *care.depended_lines(facts, 5),
        *care.hot_lines(facts, 4),
        *layout.cycle_lines(facts, 3),
        *care.generated_lines(facts),
        *care.vendored_lines(facts),
    ]


def rules(facts: Facts) -> str:
    """Return the rules file without a model: short, and only what holds for this repository."""
    return text_of(
        [
            ("Overview", [*identity.identity(facts), *layout.layout(facts, 8, hidden=False)]),
            ("Commands", [*working.command_lines(facts, 2), *checking.one_file_lines(facts)]),
            ("Rules", rule_lines(facts)),
            ("Architecture", [*layout.part_lines(facts), *layout.allowed_lines(facts)]),
            ("Handle with care", [*care.pressure_lines(facts), *layout.cycle_lines(facts, 3)]),
            ("Where to start reading", care.start_lines(facts, 6)),
        ]
    )
