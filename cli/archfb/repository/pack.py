"""Packing a repository into a budget: every file has known costs as path, outline, head and whole."""

from __future__ import annotations

from archfb.repository import fence
from archfb.repository.batches import batches
from archfb.repository.begun import beginning
from archfb.repository.choices import Choice, upgrade, worth
from archfb.repository.overview import overview
from archfb.repository.records import Packed, Piece
from archfb.repository.render import collapsed, frame, summary_line
from archfb.repository.tokens import estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.repository.records import Repository

__all__ = ["SPARE", "batches", "overview", "pack", "worth"]

SPARE = 0.92  # of a budget; the rest covers the estimate's error, so that a real tokenizer stays within it too
_NAMES = 2_000
_MOST_CANDIDATES = 4_000


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
    left = upgrade(repo.source, chosen, room - names)
    if pieces is not None:
        _begin(repo, chosen, left)
    return _rendered(repo, budget_tokens, chosen, beyond)


def _candidates(repo: Repository, pieces: Sequence[Piece] | None) -> list[Choice]:
    highest = max((file.rank for file in repo.files), default=0.0)
    if pieces is None:
        some = [file for file in repo.files if not file.withheld and file.kind != "binary" and file.size]
        choices = [Choice(file, worth(file, highest)) for file in some]
        choices.sort(key=lambda choice: (-choice.worth, choice.file.path))
        return choices
    known = [piece for piece in dict.fromkeys(pieces) if piece.path in repo.by_path]
    choices = [
        Choice(repo.by_path[piece.path], worth(repo.by_path[piece.path], highest) + 0.01, piece) for piece in known
    ]
    return sorted(
        choices, key=lambda choice: (-choice.worth, choice.file.path, choice.piece.first if choice.piece else 0)
    )


def _begin(repo: Repository, chosen: list[Choice], room: int) -> None:
    """Spend what is left on the beginnings of what does not fit whole, the most central first."""
    for choice in sorted(chosen, key=lambda one: -one.worth):
        if choice.level == "whole" or choice.file.withheld or choice.file.kind == "binary":
            continue
        begun = beginning(repo, choice.file, choice.piece, choice.tokens + room)
        if begun is not None and begun[1] > choice.tokens:
            room -= begun[1] - choice.tokens
            choice.level, choice.text, choice.tokens, choice.secrets = "head", *begun


def _rendered(repo: Repository, budget: int, chosen: list[Choice], beyond: list[str]) -> Packed:
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
