"""Packing a repository into a budget: every file has known costs as path, outline, head and whole."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from archfb.repository import fence
from archfb.repository.batches import batches
from archfb.repository.overview import overview
from archfb.repository.records import Packed, Piece
from archfb.repository.render import as_head, as_outline, as_whole, frame, shown_path, summary_line
from archfb.repository.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.repository.records import File, Repository, Secret

__all__ = ["batches", "overview", "pack"]

_WORTH = {"source": 1.0, "config": 0.6, "docs": 0.5, "example": 0.35, "test": 0.35, "other": 0.3}
_KIND_WORTH = {"text": 1.0, "generated": 0.15, "vendored": 0.1, "minified": 0.02, "lock": 0.02}
_GAIN = {"outline": 0.5, "head": 0.3, "whole": 0.5}
_FALLING = 0.97  # each further file of a folder is worth this much less than the one before
_SPARE = 0.97  # of the budget; the rest covers the estimate's error
_MOST_CANDIDATES = 4_000


@dataclass(slots=True)
class _Choice:
    file: File
    worth: float
    level: str = "path"
    text: str = ""
    tokens: int = 0
    secrets: tuple[Secret, ...] = ()


def pack(repo: Repository, budget_tokens: int, *, files: Sequence[str | Piece] | None = None) -> Packed:
    """Return as much of the repository (or of these files and pieces) as the budget allows, the most central whole.

    Never over `budget_tokens` by `tokens.estimate`. Files come in path order, each with its path and, every ten lines, its line
    numbers; what was shortened or left out is said in the text and in the record.
    """
    pieces = [one if isinstance(one, Piece) else Piece(one) for one in files] if files is not None else None
    chosen = _candidates(repo, pieces)
    whole = {piece.path: piece for piece in pieces or () if piece.last}
    room = int(budget_tokens * _SPARE) - estimate(frame("0" * 24, "", "")) - 60
    _upgrade(repo, chosen, whole, max(0, room))
    return _rendered(repo, budget_tokens, chosen)


def worth(file: File, highest: float) -> float:
    """Return how much a file is worth showing: its rank against the highest, by role and kind."""
    base = 0.15 + (file.rank / highest if highest else 0.0) + min(file.importers, 50) / 100
    return base * _WORTH[file.role] * _KIND_WORTH.get(file.kind, 0.0)


def _candidates(repo: Repository, pieces: Sequence[Piece] | None) -> list[_Choice]:
    highest = max((file.rank for file in repo.files), default=0.0)
    if pieces is None:
        some = [file for file in repo.files if not file.withheld and file.kind != "binary" and file.size]
    else:
        some = [repo.by_path[piece.path] for piece in pieces if piece.path in repo.by_path]
    choices = [_Choice(file, worth(file, highest)) for file in some]
    choices.sort(key=lambda choice: (-choice.worth, choice.file.path))
    return choices[:_MOST_CANDIDATES]


def _upgrade(repo: Repository, chosen: list[_Choice], parts: dict[str, Piece], room: int) -> None:
    """Spend the room on the step that is worth most for its tokens, until nothing fits."""
    folders: dict[str, int] = {}
    heap = []
    for at, choice in enumerate(chosen):
        folder = choice.file.path.rpartition("/")[0]
        falling = _FALLING ** folders.get(folder, 0)
        folders[folder] = folders.get(folder, 0) + 1
        choice.worth *= falling
        heap.append((-_value(choice, "outline", 12 + choice.file.tokens // 12), at, "outline"))
    heapify(heap)
    misses = 0
    while heap and misses < 200:
        _, at, level = heappop(heap)
        choice = chosen[at]
        step = _step(repo, choice, level, parts.get(choice.file.path))
        if step is not None and step[1] - choice.tokens > room:
            misses += 1
            continue
        if step is not None:
            room -= step[1] - choice.tokens
            choice.level, choice.text, choice.tokens, choice.secrets = level, step[0], step[1], step[2]
        following = {"outline": "head", "head": "whole"}.get(level)
        if following:
            cost = {"head": 700, "whole": choice.file.tokens}[following] - choice.tokens
            heappush(heap, (-_value(choice, following, max(20, cost)), at, following))


def _value(choice: _Choice, level: str, cost: int) -> float:
    return choice.worth * _GAIN[level] / (20 + cost)


def _step(repo: Repository, choice: _Choice, level: str, part: Piece | None) -> tuple[str, int, tuple[Secret, ...]] | None:
    file = choice.file
    if level == "head" and file.tokens < 900:
        return None
    if level == "whole" and file.size > 1 << 19:
        return None
    text = repo.source.text(file)
    if text is None:
        return None
    if level == "outline":
        rendered = as_outline(file, repo.source.outline(file))
        shown: tuple[Secret, ...] = ()
    elif level == "head":
        rendered, last = as_head(file, text, repo.source.outline(file))
        shown = tuple(secret for secret in text.secrets if secret.line <= last)
    else:
        rendered = as_whole(file, text, part)
        shown = text.secrets
    return (rendered, estimate(rendered), shown) if rendered else None


def _rendered(repo: Repository, budget: int, chosen: list[_Choice]) -> Packed:
    shown = sorted((choice for choice in chosen if choice.text), key=lambda choice: choice.file.path)
    left = sorted(choice.file.path for choice in chosen if not choice.text)
    while True:
        body = "".join(choice.text for choice in shown)
        names = _names(left, budget - estimate(body) - 120)
        mark = fence.mark_for(repo.content_id, body + names)
        text = frame(mark, body, names)
        tokens = estimate(text)
        if tokens <= budget or not shown:
            break
        dropped = min(shown, key=lambda choice: choice.worth)
        shown.remove(dropped)
        left = sorted([*left, dropped.file.path])
    if tokens > budget:
        text, tokens = "", 0
    withheld = tuple(choice.file.path for choice in chosen if choice.file.withheld)
    return Packed(
        text, tokens, budget,
        tuple(choice.file.path for choice in shown if choice.level == "whole"),
        tuple(choice.file.path for choice in shown if choice.level != "whole"),
        tuple(left), tuple(secret for choice in shown for secret in choice.secrets), withheld or repo.withheld, mark,
    )  # fmt: skip


def _names(left: Sequence[str], room: int) -> str:
    if not left:
        return ""
    lines = [summary_line(len(left))]
    room = min(room, 2_000) - estimate(lines[0])
    for path in left:
        line = shown_path(path) + "\n"
        room -= estimate(line)
        if room < 20:
            lines.append("…\n")
            break
        lines.append(line)
    return "".join(lines)
