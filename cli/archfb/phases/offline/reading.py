"""The offline answer of phase 3: what one agent's files are, how they hang together, who builds on them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archfb.phases.importance import folder, weight
from archfb.phases.offline import care, layout
from archfb.phases.offline.facts import count, listed, said, text_of
from archfb.phases.offline.purpose import purpose
from archfb.text import code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import File

DETAILED = 16
"""Files of an agent that are told one by one."""


def reading(facts: Facts, paths: Sequence[str]) -> str:
    """Return what phase 3 finds in one agent's files without a model."""
    files = [facts.repo.by_path[path] for path in paths if path in facts.repo.by_path]
    files.sort(key=lambda one: (-weight(one), -one.lines, one.path))
    return text_of(
        [
            ("What these files are", [_file_line(facts, one) for one in files[:DETAILED]] + _rest(files)),
            ("How they hang together", _links_within(facts, files)),
            ("Who builds on them", _users(facts, files)),
            ("Handle with care", _care(facts, files)),
            ("Tests", _tested_by(facts, files)),
        ]
    )


def _file_line(facts: Facts, file: File) -> str:
    about = purpose(facts, file.path)
    defined = facts.named(file.path, 5)
    parts = [f"{code(file.path)}, {count(file.lines, 'line')}"]
    parts += [f"“{about[0]}”"] if about else []
    parts += [f"defines {defined}"] if defined else []
    parts += [f"imported by {count(file.importers, 'file')}"] if file.importers else []
    return said("; ".join(parts), file.path, about[1] if about else facts.first_line(file.path))


def _rest(files: list[File]) -> list[str]:
    rest = files[DETAILED:]
    if not rest:
        return []
    homes = Counter(folder(one.path) for one in rest)
    names = listed(
        [
            f"{code(home + '/')} ({number})" if home else f"the top folder ({number})"
            for home, number in homes.most_common()
        ],
        6,
    )
    return [f"- {count(len(rest), 'further file')} with {count(sum(one.lines for one in rest), 'line')}, in {names}"]


def _links_within(facts: Facts, files: list[File], limit: int = 8) -> list[str]:
    mine = {one.path for one in files}
    packages = {folder(path) + "/" for path in mine}
    found: list[str] = []
    for one in files[:60]:
        inside = [name for name in one.imports if name in mine or name in packages]
        if inside and len(found) < limit:
            names = listed([code(path) for path in inside], 4)
            found.append(said(f"{code(one.path)} imports {names}", one.path, facts.import_line(one.path, inside[0])))
    return found


def _users(facts: Facts, files: list[File], limit: int = 6) -> list[str]:
    mine = {one.path for one in files}
    found: list[str] = []
    for one in files[:30]:
        outside = [path for path in facts.users(one.path) if path not in mine]
        if outside and len(found) < limit:
            names = listed([code(path) for path in outside], 3)
            text = f"{code(one.path)} is imported from outside by {names}"
            found.append(said(text, outside[0], facts.import_line(outside[0], one.path)))
    return found


def _care(facts: Facts, files: list[File]) -> list[str]:
    mine = {one.path for one in files}
    return [
        *care.hot_lines(facts, 4, mine),
        *layout.cycle_lines(facts, 3, mine),
        *care.marker_lines(facts, files),
    ]


def _tested_by(facts: Facts, files: list[File], limit: int = 6) -> list[str]:
    found: list[str] = []
    for one in files[:40]:
        tests = [path for path in facts.users(one.path) if facts.repo.by_path[path].role == "test"]
        if tests and one.role == "source" and len(found) < limit:
            names = listed([code(path) for path in tests], 3)
            found.append(
                said(f"{code(one.path)} is exercised by {names}", tests[0], facts.import_line(tests[0], one.path))
            )
    return found
