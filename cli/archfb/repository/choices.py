"""Which files are shown, and how much of each: what is worth most for its tokens comes first."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from archfb.repository import outline
from archfb.repository.aside import shared
from archfb.repository.record import values
from archfb.repository.records import Piece, Secret
from archfb.repository.render import as_head, as_outline, as_whole
from archfb.repository.tokens import SAMPLED, estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from archfb.repository.records import File, Source

    _Step = tuple[str, int, tuple[Secret, ...]]  # a rendering, its tokens, the secrets replaced in it

_WORTH = {"source": 1.0, "config": 0.6, "docs": 0.5, "example": 0.35, "test": 0.35, "other": 0.3}
_KIND_WORTH = {"text": 1.0, "generated": 0.15, "marked": 0.15, "vendored": 0.1, "minified": 0.02, "lock": 0.02}
_GAIN = {"outline": 0.5, "head": 0.3, "whole": 0.5}
_FALLING = 0.97  # each further file of a folder is worth this much less than the one before
_FOLLOWING = {"outline": "head", "head": "whole"}
_MOST_MISSES = 200
_FORESEEN_MISSES = 80
_LONGEST_WHOLE = 1 << 19
_BY_NAME = frozenset({"lock", "minified"})  # nothing is learned from how they begin
_SHORTEST_HEAD = 900  # tokens; less is shown whole
_SHARED = 600_000  # bytes to be looked at; less is done before a copy of the process is at work
_PIECES = 60


class Choice:
    """A file (or a piece of one), what it is worth, and how it is shown so far."""

    __slots__ = ("file", "level", "piece", "secrets", "text", "tokens", "worth")

    def __init__(self, file: File, worth: float, piece: Piece | None = None) -> None:
        """Begin with the path alone."""
        self.file = file
        self.worth = worth
        self.piece = piece
        self.level = "path"
        self.text = ""
        self.tokens = 0
        self.secrets: tuple[Secret, ...] = ()

    @property
    def is_part(self) -> bool:
        """Return whether it is a piece of a file."""
        return self.piece is not None and self.piece.last > 0

    def has(self, level: str) -> bool:
        """Return whether there can be a rendering at this level."""
        if level == "head":
            return self.file.tokens >= _SHORTEST_HEAD and self.file.kind not in _BY_NAME
        return level != "whole" or self.file.size <= _LONGEST_WHOLE or self.is_part


def worth(file: File, highest: float) -> float:
    """Return how much a file is worth showing: its rank against the highest, by role and kind."""
    base = 0.15 + (file.rank / highest if highest else 0.0) + min(file.importers, 50) / 100
    return base * _WORTH[file.role] * _KIND_WORTH.get(file.kind, 0.0)


def upgrade(source: Source, chosen: Sequence[Choice], room: int) -> int:
    """Spend the room (tokens) on the step that is worth most for its tokens, until nothing fits; return the rest."""
    _lower_by_folder(chosen)
    foreseen = _foreseen(chosen, room)
    known = _prepared(source, chosen, foreseen)

    def price(at: int, level: str) -> int | None:
        if (at, level) not in known:
            known[at, level] = _step(source, chosen[at], level, text_first=len(foreseen.get(at, ())) > 1)
        step = known[at, level]
        return None if step is None else step[1]

    def take(at: int, level: str) -> None:
        step = known[at, level]
        if step is not None:
            choice = chosen[at]
            choice.level, choice.text, choice.tokens, choice.secrets = level, *step

    return _spend(chosen, room, price, take, _MOST_MISSES)


def _lower_by_folder(chosen: Sequence[Choice]) -> None:
    folders: dict[str, int] = {}
    for choice in chosen:
        folder = choice.file.path.rpartition("/")[0]
        choice.worth *= _FALLING ** folders.get(folder, 0)
        folders[folder] = folders.get(folder, 0) + 1


def _spend(
    chosen: Sequence[Choice],
    room: int,
    price: Callable[[int, str], int | None],
    take: Callable[[int, str], None],
    most_misses: int,
) -> int:
    """Take step after step, and return the room that is left.

    `price` is the cost of a step in tokens, None where there is none; misses are what does not fit.
    """
    spent = [0] * len(chosen)
    heap: list[tuple[float, int, str]] = []
    for at, choice in enumerate(chosen):
        level = "whole" if choice.is_part else "outline"
        heap.append((-_value(choice, level, 0), at, level))
    heapify(heap)
    misses = 0
    while heap and misses < most_misses:
        _, at, level = heappop(heap)
        cost = _far_beyond(chosen[at], level, room + spent[at]) or price(at, level)
        if cost is not None and cost - spent[at] > room:
            misses += 1
            continue
        if cost is not None:
            room -= cost - spent[at]
            spent[at] = cost
            take(at, level)
        following = _FOLLOWING.get(level)
        if following:
            heappush(heap, (-_value(chosen[at], following, spent[at]), at, following))
    return room


def _far_beyond(choice: Choice, level: str, room: int) -> int | None:
    """Return what a file is guessed to cost whole where that is surely beyond the room: it need not be rendered."""
    file = choice.file
    if level != "whole" or choice.is_part or file.withheld or not choice.has(level):
        return None
    sure = file.tokens if file.size <= SAMPLED else file.tokens * 3 // 4
    return file.tokens if sure > room else None


def _value(choice: Choice, level: str, spent: int) -> float:
    return choice.worth * _GAIN[level] / (20 + max(20, _guess(choice.file.tokens, level) - spent))


def _guess(tokens: int, level: str) -> int:
    if level == "outline":
        return 12 + tokens // 12
    return min(700, tokens) if level == "head" else tokens


def _foreseen(chosen: Sequence[Choice], room: int) -> dict[int, list[str]]:
    """Return the steps that will be looked at if each costs what is guessed: by choice, in the order of the first."""
    found: dict[int, list[str]] = {}

    def price(at: int, level: str) -> int | None:
        file = chosen[at].file
        outlined = level != "outline" or (outline.knows(file.language) and file.kind not in _BY_NAME)
        if not outlined or not chosen[at].has(level):
            return None
        found.setdefault(at, []).append(level)
        return 18 + file.tokens // 11 if level == "outline" else _guess(file.tokens, level)

    _spend(chosen, room, price, lambda *_: None, _FORESEEN_MISSES)
    return found


def _prepared(
    source: Source, chosen: Sequence[Choice], foreseen: dict[int, list[str]]
) -> dict[tuple[int, str], _Step | None]:
    """Return the steps that are foreseen, worked out by two where there is much to do, else none."""
    sizes = [chosen[at].file.size for at in foreseen]
    if sum(sizes) < _SHARED:
        return {}
    pieces: list[list[int]] = [[]]
    size, each = 0, sum(sizes) // _PIECES
    for at, one in zip(foreseen, sizes, strict=True):
        pieces[-1].append(at)
        size += one
        if size > each:
            pieces.append([])
            size = 0

    def work(number: int) -> list[Any]:
        done = []
        for at in pieces[number]:
            for level in foreseen[at]:
                step = _step(source, chosen[at], level, text_first=len(foreseen[at]) > 1)
                plain = None if step is None else (*step[:2], tuple([values(secret) for secret in step[2]]))
                done.append((at, level, plain))
        return done

    return {
        (at, level): None if step is None else (*step[:2], tuple([Secret(*secret) for secret in step[2]]))
        for done in shared(len(pieces), work)
        for at, level, step in done
    }


def _step(source: Source, choice: Choice, level: str, *, text_first: bool) -> _Step | None:
    """Return a file's rendering at a level with its cost and the secrets replaced in it; None where there is none.

    `text_first` when more of the file will be shown than its outline: its text is then looked at once for both.
    """
    file = choice.file
    if not choice.has(level):
        return None
    text = source.text(file) if text_first or level != "outline" else None
    if level == "outline":
        rendered = as_outline(file, source.outline(file))
        return (rendered, estimate(rendered), ()) if rendered else None
    if text is None:
        return None
    if level == "head":
        rendered, until, since = as_head(file, text, source.outline(file))
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
