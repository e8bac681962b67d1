"""Packing a repository into a budget: every file has known costs as path, outline, head and whole."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from archfb.repository import fence
from archfb.repository.batches import batches
from archfb.repository.begun import beginning
from archfb.repository.overview import overview
from archfb.repository.records import Packed, Piece
from archfb.repository.render import as_head, as_outline, as_whole, collapsed, frame, summary_line
from archfb.repository.tokens import estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.repository.records import File, Repository, Secret

__all__ = ["SPARE", "batches", "overview", "pack"]

_WORTH = {"source": 1.0, "config": 0.6, "docs": 0.5, "example": 0.35, "test": 0.35, "other": 0.3}
_KIND_WORTH = {"text": 1.0, "generated": 0.15, "marked": 0.15, "vendored": 0.1, "minified": 0.02, "lock": 0.02}
_GAIN = {"outline": 0.5, "head": 0.3, "whole": 0.5}
_FALLING = 0.97  # each further file of a folder is worth this much less than the one before
SPARE = 0.92  # of a budget; the rest covers the estimate's error, so that a real tokenizer stays within it too
_NAMES = 2_000
_MOST_CANDIDATES = 4_000
_MOST_MISSES = 200
_LONGEST_WHOLE = 1 << 19


class _Choice:
    __slots__ = ("file", "level", "piece", "secrets", "text", "tokens", "worth")

    def __init__(self, file: File, worth: float, piece: Piece | None = None) -> None:
        self.file = file
        self.worth = worth
        self.piece = piece
        self.level = "path"
        self.text = ""
        self.tokens = 0
        self.secrets: tuple[Secret, ...] = ()

    @property
    def is_part(self) -> bool:
        return self.piece is not None and self.piece.last > 0


def pack(repo: Repository, budget_tokens: int, *, files: Sequence[str | Piece] | None = None) -> Packed:
    """Return as much of the repository (or of these files and pieces) as the budget allows, the most central whole.

    Never over `budget_tokens` by `tokens.estimate`, and with `SPARE` left for its error. Files come in path order,
    with path and, every ten lines, line numbers; what was shortened or left out is said in the text and the record.
    A budget too small for anything gives an empty text.
    """
    pieces = None if files is None else [one if isinstance(one, Piece) else Piece(one) for one in files]
    chosen = _candidates(repo, pieces)
    beyond = [choice.file.path for choice in chosen[_MOST_CANDIDATES:]]
    del chosen[_MOST_CANDIDATES:]
    room = int(budget_tokens * SPARE) - estimate(frame("0" * 24, "", ""))
    names = min(_NAMES, max(0, room // 10)) if len(chosen) > 1 else 0
    left = _upgrade(repo, chosen, room - names)
    if pieces is not None:
        _begin(repo, chosen, left)
    return _rendered(repo, budget_tokens, chosen, beyond)


def worth(file: File, highest: float) -> float:
    """Return how much a file is worth showing: its rank against the highest, by role and kind."""
    base = 0.15 + (file.rank / highest if highest else 0.0) + min(file.importers, 50) / 100
    return base * _WORTH[file.role] * _KIND_WORTH.get(file.kind, 0.0)


def _candidates(repo: Repository, pieces: Sequence[Piece] | None) -> list[_Choice]:
    highest = max((file.rank for file in repo.files), default=0.0)
    if pieces is None:
        some = [file for file in repo.files if not file.withheld and file.kind != "binary" and file.size]
        choices = [_Choice(file, worth(file, highest)) for file in some]
        choices.sort(key=lambda choice: (-choice.worth, choice.file.path))
        return choices
    known = [piece for piece in dict.fromkeys(pieces) if piece.path in repo.by_path]
    choices = [
        _Choice(repo.by_path[piece.path], worth(repo.by_path[piece.path], highest) + 0.01, piece) for piece in known
    ]
    return sorted(
        choices, key=lambda choice: (-choice.worth, choice.file.path, choice.piece.first if choice.piece else 0)
    )


def _upgrade(repo: Repository, chosen: list[_Choice], room: int) -> int:
    """Spend the room on the step that is worth most for its tokens, until nothing fits; return what is left of it."""
    folders: dict[str, int] = {}
    heap: list[tuple[float, int, str]] = []
    for at, choice in enumerate(chosen):
        folder = choice.file.path.rpartition("/")[0]
        choice.worth *= _FALLING ** folders.get(folder, 0)
        folders[folder] = folders.get(folder, 0) + 1
        level = "whole" if choice.is_part else "outline"
        heap.append((-_value(choice, level), at, level))
    heapify(heap)
    misses = 0
    while heap and misses < _MOST_MISSES:
        _, at, level = heappop(heap)
        choice = chosen[at]
        step = _step(repo, choice, level)
        if step is not None and step[1] - choice.tokens > room:
            misses += 1
            continue
        if step is not None:
            room -= step[1] - choice.tokens
            choice.level, choice.text, choice.tokens, choice.secrets = level, *step
        following = {"outline": "head", "head": "whole"}.get(level)
        if following:
            heappush(heap, (-_value(choice, following), at, following))
    return room


def _begin(repo: Repository, chosen: list[_Choice], room: int) -> None:
    """Spend what is left on the beginnings of what does not fit whole, the most central first."""
    for choice in sorted(chosen, key=lambda one: -one.worth):
        if choice.level == "whole" or choice.file.withheld or choice.file.kind == "binary":
            continue
        begun = beginning(repo, choice.file, choice.piece, choice.tokens + room)
        if begun is not None and begun[1] > choice.tokens:
            room -= begun[1] - choice.tokens
            choice.level, choice.text, choice.tokens, choice.secrets = "head", *begun


def _value(choice: _Choice, level: str) -> float:
    tokens = choice.file.tokens
    cost = {"outline": 12 + tokens // 12, "head": min(700, tokens), "whole": tokens}[level]
    return choice.worth * _GAIN[level] / (20 + max(20, cost - choice.tokens))


def _step(repo: Repository, choice: _Choice, level: str) -> tuple[str, int, tuple[Secret, ...]] | None:
    """Return a file's rendering at a level with its cost and the secrets replaced in it; None where there is none."""
    file = choice.file
    if level == "outline":
        rendered = as_outline(file, repo.source.outline(file))
        return (rendered, estimate(rendered), ()) if rendered else None
    if (level == "head" and file.tokens < 900) or (
        level == "whole" and file.size > _LONGEST_WHOLE and not choice.is_part
    ):
        return None
    text = repo.source.text(file)
    if text is None:
        return None
    if level == "head":
        rendered, until, since = as_head(file, text, repo.source.outline(file))
        shown = tuple(secret for secret in text.secrets if not until < secret.line < since)
    else:
        rendered = as_whole(file, text, choice.piece)
        piece = choice.piece or Piece(file.path)
        shown = tuple(
            secret
            for secret in text.secrets
            if piece.first <= secret.line and (not piece.last or secret.line <= piece.last)
        )
    return (rendered, estimate(rendered), shown) if rendered else None


def _rendered(repo: Repository, budget: int, chosen: list[_Choice], beyond: list[str]) -> Packed:
    shown = sorted(
        (choice for choice in chosen if choice.text),
        key=lambda choice: (choice.file.path, choice.piece.first if choice.piece else 0),
    )
    left = [choice.file.path for choice in chosen if not choice.text] + beyond
    while True:
        body = "".join([choice.text for choice in shown])
        names = _names(left, int(budget * SPARE) - estimate(body) - 80)
        mark = fence.mark_for(repo.content_id, body + names)
        text = frame(mark, body, names)
        tokens = estimate(text)
        if tokens <= budget or not shown:
            break
        dropped = min(shown, key=lambda choice: choice.worth)
        shown.remove(dropped)
        left.append(dropped.file.path)
    if tokens > budget:
        text, tokens = "", 0
    withheld = {choice.file.path for choice in chosen if choice.file.withheld}
    return Packed(
        text,
        tokens,
        budget,
        tuple(dict.fromkeys(choice.file.path for choice in shown if choice.level == "whole")),
        tuple(choice.file.path for choice in shown if choice.level != "whole"),
        tuple(sorted({*left} - withheld)),
        tuple(secret for choice in shown for secret in choice.secrets),
        tuple(sorted(withheld)) if chosen and chosen[0].piece else repo.withheld,
        mark,
    )


def _names(left: Sequence[str], room: int) -> str:
    """Return the names of what is not shown, by folder and number where they are too many; "" where even that is."""
    if not left:
        return ""
    head = summary_line(len(left))
    room = min(room, _NAMES) - estimate(head)
    for depth in (99, 6, 4, 3, 2, 1) if len(left) < _NAMES else (4, 3, 2, 1):
        lines = collapsed([(path, "") for path in left], depth)
        if estimate(lines) <= room:
            return head + lines
    return head if room > 0 else ""
