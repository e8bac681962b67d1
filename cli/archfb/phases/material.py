"""The material of the questions: overviews, files with line numbers, and earlier results fitted into a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.phases.importance import important
from archfb.phases.prompting import Material
from archfb.phases.records import plain
from archfb.repository.records import Piece
from archfb.repository.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.repository.records import Repository


def overview(repo: Repository, tokens: int) -> Material:
    """Return tree, manifests, languages, entry points and outlines within a budget."""
    from archfb.repository.pack import overview as packed

    found = packed(repo, tokens)
    return Material("repository overview", found.text, found.secrets)


def file_list(repo: Repository, tokens: int) -> Material:
    """Return the files that a plan may name, the most important first: path, lines, tokens, importers."""
    matter = important(repo)
    rest = sorted(
        (
            one
            for one in repo.files
            if one.kind == "text" and not one.withheld and one.language and one.path not in set(matter)
        ),
        key=lambda one: (one.role != "source", -one.rank, -one.importers, one.path),
    )
    lines = ["path · lines · tokens · imported by · role; the files above the blank line are the important ones"]
    left = tokens - estimate(lines[0])
    for group in ([repo.by_path[path] for path in matter], rest):
        for at, one in enumerate(group):
            line = f"{plain(one.path)} · {one.lines} · {one.tokens} · {one.importers} · {one.role}"
            left -= estimate(line) + 1
            if left < 0:
                lines.append(f"({len(group) - at:,} further files are not listed)")
                break
            lines.append(line)
        lines.append("")
    return Material("files", "\n".join(lines).strip())


def batches(repo: Repository, files: Sequence[str], tokens: int) -> list[tuple[Piece, ...]]:
    """Return an agent's files as batches that fit, neighbours together, larger files split at definitions."""
    from archfb.repository.pack import batches as packed

    return [_merged(one.pieces) for one in packed(repo, files, tokens)]


def _merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return the pieces with those of one file that follow each other as one."""
    found: list[Piece] = []
    for one in pieces:
        last = found[-1] if found else None
        if last is not None and last.path == one.path and last.last + 1 == one.first:
            found[-1] = Piece(last.path, last.first, one.last)
        else:
            found.append(one)
    return tuple(found)


def contents(repo: Repository, pieces: Sequence[Piece], tokens: int) -> Material:
    """Return the files' numbered text; what does not fit is shortened by rank, and said."""
    from archfb.repository.pack import pack

    found = pack(repo, tokens, files=pieces)
    return Material("files", found.text, found.secrets, found.shortened, found.left_out)


def fitted(blocks: Sequence[Material], tokens: int) -> list[Material]:
    """Return the blocks within a budget: the long ones are cut at a line, evenly, and say so."""
    costs = [estimate(one.text) for one in blocks]
    if sum(costs) <= tokens or not blocks:
        return list(blocks)
    share = _level(costs, tokens)
    return [
        one if cost <= share else Material(one.title, _cut(one.text, share, cost), shortened=(one.title,))
        for one, cost in zip(blocks, costs, strict=True)
    ]


def _level(costs: Sequence[int], tokens: int) -> int:
    """Return the size to which the longest are cut so that all fit: the short ones leave their room to the long."""
    left = tokens
    ordered = sorted(costs)
    for at, cost in enumerate(ordered):
        share = left // (len(ordered) - at)
        if cost > share:
            return max(share, 1)
        left -= cost
    return max(ordered)


def _cut(text: str, share: int, cost: int) -> str:
    lines = text.splitlines()
    keep = max(1, int(len(text) * share / cost * 0.95))
    kept, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > keep:
            break
        kept.append(line)
    return "\n".join([*kept, f"(shortened: {len(lines) - len(kept):,} further lines left out)"])


def grouped(blocks: Sequence[Material], tokens: int) -> list[list[Material]]:
    """Return the blocks in groups that fit, in order; a block too long for any group is split at paragraphs."""
    groups: list[list[Material]] = [[]]
    left = tokens
    for block in [part for one in blocks for part in _split(one, tokens)]:
        cost = estimate(block.text)
        if cost > left and groups[-1]:
            groups.append([])
            left = tokens
        groups[-1].append(block)
        left -= cost
    return [group for group in groups if group]


def _split(block: Material, tokens: int) -> list[Material]:
    if estimate(block.text) <= tokens:
        return [block]
    parts: list[list[str]] = [[]]
    left = tokens
    for line in block.text.splitlines():
        cost = estimate(line) + 1
        if cost > left and parts[-1]:
            parts.append([])
            left = tokens
        parts[-1].append(line)
        left -= cost
    return [Material(f"{block.title} (part {at})", "\n".join(lines)) for at, lines in enumerate(parts, 1)]
