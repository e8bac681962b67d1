"""The beginning of what does not fit whole: as many lines as there is room for, and the rest in outline."""

from __future__ import annotations

from archfb.repository.records import Piece
from archfb.repository.render import as_begun
from archfb.repository.tokens import estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from archfb.repository.records import File, Repository, Secret

_LEAST = 40  # lines; fewer say no more than the outline
_TRIES = 4


def beginning(
    repo: Repository, file: File, piece: Piece | None, tokens: int
) -> tuple[str, int, tuple[Secret, ...]] | None:
    """Return the beginning within `tokens`, its cost, and the secrets replaced in it; None where too little fits."""
    text = repo.source.text(file)
    part = piece if piece is not None and piece.last else Piece(file.path, 1, file.lines)
    number = int(0.9 * tokens * file.lines / max(1, file.tokens))
    for _ in range(_TRIES):
        number = min(number, part.last - part.first)
        if text is None or number < _LEAST:
            return None
        until = part.first + number - 1
        rendered = as_begun(file, text, repo.source.outline(file), part, until)
        cost = estimate(rendered)
        if cost <= tokens:
            return rendered, cost, tuple(one for one in text.secrets if part.first <= one.line <= until)
        number = int(number * 0.95 * tokens / cost)
    return None
