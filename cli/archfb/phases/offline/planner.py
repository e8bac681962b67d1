"""The offline planner: agents made along the import graph, each named after what its files are."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from archfb.phases.clusters import clusters
from archfb.phases.importance import agents_wanted, folder, important, readable, weight
from archfb.phases.offline.facts import count, listed, place, shown
from archfb.phases.offline.working import best_commands, workflows
from archfb.text import code, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import File

TEST_TOKENS = 30_000
"""Tokens of tests that the agent for tests and tooling reads at most."""


def plan_text(facts: Facts) -> str:
    """Return the offline plan as the JSON that a model is asked for."""
    groups = [group for group in _groups(facts) if group]
    names = _names(facts, groups)
    agents = [_agent(facts, at, names[at - 1], group) for at, group in enumerate(groups, 1)]
    return json.dumps({"plan": _summary(facts, groups, names), "agents": agents}, indent=1, ensure_ascii=False) + "\n"


def _groups(facts: Facts) -> list[list[File]]:
    """Return the files of each agent: connected source files, and tests with build and automation by themselves."""
    matter = [facts.repo.by_path[path] for path in important(facts.repo, facts.source)]
    source = [one for one in matter if one.role == "source" and one.language]
    other = [one for one in matter if one not in source]
    least, most = agents_wanted(facts.repo, facts.source)
    tooling = _tooling(facts, other) if most >= 3 and source else []
    if not source:
        return clusters(other, least)
    if not tooling:
        return clusters(source if most > 1 else matter, most)
    return [*clusters(source, most - 1), tooling]


def _tooling(facts: Facts, other: list[File]) -> list[File]:
    """Return manifests, automation and the largest tests, within a size; empty without any test."""
    if not facts.tests:
        return []
    found = {one.path: one for one in [*other, *workflows(facts)] if readable(one)}
    room = TEST_TOKENS
    by_worth = sorted(
        facts.tests, key=lambda one: (-facts.churn.get(one.path, 0), -len(one.imports), -one.lines, one.path)
    )
    for one in by_worth[:40]:
        if one.tokens <= room:
            found.setdefault(one.path, one)
            room -= one.tokens
    return list(found.values())


def _names(facts: Facts, groups: Sequence[Sequence[File]]) -> list[str]:
    """Return a name per group: its folder, and its central files where groups share a folder."""
    homes = [_home(group) for group in groups]
    twice = {home for home, number in Counter(homes).items() if number > 1}
    names = []
    for group, home in zip(groups, homes, strict=True):
        if _is_tooling(group):
            names.append("Tests, build and automation")
            continue
        where = shown(home) if home else shown(facts.repo.name)
        names.append(f"{where}: {_telling(group, home)}" if home in twice or not home else where)
    return [f"{name} ({at})" if names.index(name) != at - 1 else name for at, name in enumerate(names, 1)]


def _is_tooling(group: Sequence[File]) -> bool:
    return not any(one.role == "source" and one.language for one in group)


def _home(group: Sequence[File]) -> str:
    """Return the deepest folder that holds at least 60 % of a group."""
    counts: Counter[str] = Counter()
    for one in group:
        home = folder(one.path)
        while home:
            counts[home] += 1
            home = folder(home)
    enough = [home for home, number in counts.items() if number >= 0.6 * len(group)]
    return max(enough, key=lambda home: (home.count("/"), counts[home], home), default="")


def _telling(group: Sequence[File], home: str) -> str:
    """Return what tells a group from others in the same folder: its folders below, else its central files."""
    below: Counter[str] = Counter()
    for one in group:
        rest = folder(one.path)[len(home) + 1 if home else 0 :]
        if rest and folder(one.path).startswith(home):
            below[rest.partition("/")[0]] += one.tokens
    names = [shown(name) for name, _ in sorted(below.items(), key=lambda pair: (-pair[1], pair[0]))[:3]]
    return listed(names, 3) if len(names) > 1 else _stems(group)


def _stems(group: Sequence[File]) -> str:
    plain = {"__init__", "index", "mod", "lib", "main"}
    named = sorted(group, key=lambda one: (one.path.rpartition("/")[2].startswith("_"), -weight(one), one.path))
    stems = [one.path.rpartition("/")[2].partition(".")[0] for one in named]
    telling = list(dict.fromkeys(shown(one) for one in stems if one and one not in plain)) or [
        shown(one) for one in stems
    ]
    return listed(telling[:3], 3)


def _summary(facts: Facts, groups: Sequence[Sequence[File]], names: Sequence[str]) -> str:
    files = sum(len(group) for group in groups)
    linked = sum(1 for one in facts.source if one.imports or one.importers)
    how = (
        "along their imports" if linked * 2 >= len(facts.source) else "by folder, since few imports could be followed"
    )
    return (
        f"{count(len(facts.source), 'source file')} divided {how} into {count(len(groups), 'agent')} that read "
        f"{count(files, 'file')}: {'; '.join(map(prose, names))}. "
        "Files that import each other stay together; the sizes are kept similar."
    )


def _agent(facts: Facts, at: int, name: str, group: Sequence[File]) -> dict[str, object]:
    return {
        "id": f"agent_{at}",
        "name": name,
        "description": _charge(facts, group),
        "responsibilities": _duties(facts, group),
        "file_assignments": [one.path for one in group],
    }


def _charge(facts: Facts, group: Sequence[File]) -> str:
    lines = sum(one.lines for one in group)
    if _is_tooling(group):
        return (
            f"How the project is built, tested and released: {count(len(group), 'file')} with {count(lines, 'line')}."
        )
    chief = _chief(group)
    defined = facts.named(chief.path, 3)
    centre = f"The centre is {place(chief.path)}"
    centre += f", which defines {defined}" if defined else ""
    centre += f" and is imported by {count(chief.importers, 'file')}" if chief.importers else ""
    return f"{count(len(group), 'file')} with {count(lines, 'line')}. {centre}."


def _chief(group: Sequence[File]) -> File:
    """Return the first file of the folder in which most of the group's text lies."""
    sizes: Counter[str] = Counter()
    for one in group:
        sizes[folder(one.path)] += one.tokens
    home = max(sizes, key=lambda name: (sizes[name], name))
    return next(one for one in group if folder(one.path) == home)


def _duties(facts: Facts, group: Sequence[File]) -> list[str]:
    if _is_tooling(group):
        return _tooling_duties(facts, group)
    mine = {one.path for one in group}
    found = [
        *_central_duty(facts, group),
        *_border_duty(facts, group, mine),
        *_cycle_duty(facts, mine),
        *_hot_duty(facts, group),
    ]
    entries = [one for one in facts.repo.entry_points if one.target in mine][:2]
    found += [f"Follow what happens from {one.kind} {code(one.name)} ({place(one.target)})." for one in entries]
    return found[:6] or [f"Tell what {place(group[0].path)} is for and who relies on it."]


def _tooling_duties(facts: Facts, group: Sequence[File]) -> list[str]:
    found = [
        f"Check that {one.purpose} runs as {code(one.command)} ({place(one.path, one.line)})."
        for purpose in ("test", "build")
        for one in best_commands(facts, purpose, 1)
    ]
    tests = [one for one in group if one.role == "test"][:2]
    found += [f"Tell what {place(one.path)} guarantees, and how its tests are set up." for one in tests]
    return found or [f"Tell what {place(group[0].path)} decides."]


def _central_duty(facts: Facts, group: Sequence[File]) -> list[str]:
    found = []
    for one in [file for file in group if file.importers >= 2][:2]:
        line = facts.first_line(one.path)
        module = facts.members.get(one.path)
        users = count(len(module.importers) if module else one.importers, "file relies", "files rely")
        of = f", of {code(module.name)}," if module and module.name != one.path else ""
        found.append(f"State what {users} on in {place(one.path, line)}{of} and what a change there must keep.")
    return found


def _border_duty(facts: Facts, group: Sequence[File], mine: set[str]) -> list[str]:
    """Ask about the strongest tie to files outside the group."""
    homes = {folder(path) + "/" for path in mine}
    ties = [
        (one.path, name)
        for one in group
        for name in one.imports
        if name not in mine and name not in homes and _is_source(facts, name)
    ]
    if not ties:
        return []
    busiest, _ = Counter(path for _, path in ties).most_common(1)[0]
    user = next(path for path, target in ties if target == busiest)
    line = facts.import_line(user, busiest)
    return [f"Explain what is taken from {code(busiest)}, which another agent reads ({place(user, line)})."]


def _is_source(facts: Facts, name: str) -> bool:
    return name.endswith("/") or facts.repo.by_path[name].role == "source"


def _cycle_duty(facts: Facts, mine: set[str]) -> list[str]:
    for cycle in facts.repo.cycles:
        if set(cycle) <= mine:
            names = listed([place(path) for path in cycle], 3)
            return [f"Explain the import cycle between {names} and what keeps it from breaking."]
    return []


def _hot_duty(facts: Facts, group: Sequence[File]) -> list[str]:
    hot = max(group, key=lambda one: (facts.churn.get(one.path, 0), one.path))
    changes = facts.churn.get(hot.path, 0)
    if changes < 3:
        return []
    total = facts.repo.churn.commits
    return [f"Find out why {place(hot.path)} changed in {changes:,} of {total:,} commits and what tends to break."]
