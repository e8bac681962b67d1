"""The columns of the watch: how wide, how important, and what each says of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb.routing.table import percentile
from archfb.views.phrases import NOTHING, STATUS_STYLES, milliseconds, money, name
from archfb.views.status_table import error_rate, last_seen, reason
from archfb.watching.cells import Glyphs, ago, countdown, curve, cut, cut_inside, padded, wide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archfb.routing.table import ModelHealth
    from archfb.watching.scene import Scene

GAP = "  "
LEVELS = {"warning": "yellow", "critical": "red"}


class Column(NamedTuple):
    """One column; those of the highest rank are given up first, rank 0 never."""

    title: str
    width: int
    value: Callable[[ModelHealth, int], str]
    """What it says in so many columns."""
    rank: int = 0
    right: bool = False
    style: Callable[[ModelHealth], str] | None = None
    wants: int = 0
    """Columns up to which it takes what the others leave."""


def columns(scene: Scene, glyphs: Glyphs) -> list[Column]:
    """Return every column, as of the scene's instant."""
    now = scene.table.at
    names = max([len("Model"), *(wide(name(one.name)) for one in scene.table.models)])
    reasons = max((wide(reason(one)) for one in scene.table.models), default=6)
    return [
        Column("Model", min(names, 16), lambda one, w: cut_inside(name(one.name), w, glyphs), wants=names),
        Column("Status", 11, lambda one, _: one.standing.status, style=status_style),
        Column("For", 6, lambda one, _: ago(_since(scene, one)), 4, right=True),
        Column("Reason", 14, lambda one, w: cut(reason(one), w, glyphs), 2, wants=reasons),
        Column("Latency", 7, lambda one, _: milliseconds(latest(one)), 3, right=True, style=latency_style),
        Column("Trend", 6, lambda one, w: curve(latencies(one), w, glyphs), 5, wants=20),
        Column("p95", 7, lambda one, _: milliseconds(percentile(latencies(one), 0.95)), 10, right=True),
        Column("Errors", 6, lambda one, _: error_rate(one), 6, right=True),
        Column("Fails", 5, lambda one, _: str(one.record.consecutive_failures), 7, right=True, style=fails_style),
        Column("Cost", 8, lambda one, _: money(one.cost_usd), 8, right=True),
        Column("Seen", 6, lambda one, _: ago(_age(last_seen(one), now)), 9, right=True),
        Column("Next", 7, lambda one, _: coming(scene, one), 1, right=True),
    ]


def latencies(one: ModelHealth) -> Sequence[float]:
    """Return the milliseconds of the last answered calls, of probes where there was no call."""
    return one.record.latencies_ms or one.record.probe_latencies_ms


def latest(one: ModelHealth) -> float | None:
    """Return the milliseconds that the last answer took."""
    took = latencies(one)
    return took[-1] if took else None


def coming(scene: Scene, one: ModelHealth) -> str:
    """Return the countdown to the next retry, or to the next probe where nothing keeps the model out."""
    if one.name in scene.probing:
        return "probing"
    at = one.standing.retry_at if one.standing.retry_at is not None else scene.next_at.get(one.name)
    return NOTHING if at is None else countdown(at - scene.table.at)


def status_style(one: ModelHealth) -> str:
    """Return the colour of a status; the word says the same."""
    return STATUS_STYLES[one.standing.status]


def latency_style(one: ModelHealth) -> str:
    """Return the colour of a latency over its thresholds."""
    return LEVELS.get(one.record.latency_level, "")


def fails_style(one: ModelHealth) -> str:
    """Return the colour of a row of failures."""
    return "red" if one.record.consecutive_failures else ""


def _since(scene: Scene, one: ModelHealth) -> float | None:
    return _age(scene.since.get(one.name), scene.table.at)


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else now - at


def fitted(found: Sequence[Column], width: int) -> list[Column]:
    """Return the columns that fit, those that matter most, grown into the width that they leave."""
    kept = list(found)
    while _needed(kept) > width and max(one.rank for one in kept) > 0:
        kept.remove(max(kept, key=lambda one: one.rank))
    # Names give way before a status loses letters: the word says what no colour does.
    kept[0] = kept[0]._replace(width=max(1, kept[0].width - max(0, _needed(kept) - width)))
    spare = max(0, width - _needed(kept))
    grown = []
    for one in kept:
        more = min(spare, max(0, one.wants - one.width))
        grown.append(one._replace(width=one.width + more))
        spare -= more
    return grown


def _needed(found: Sequence[Column]) -> int:
    return sum(one.width for one in found) + len(GAP) * (len(found) - 1)


def heading(found: Sequence[Column]) -> str:
    """Return the titles."""
    return GAP.join(padded(one.title[: one.width], one.width, right=one.right) for one in found)


def row(found: Sequence[Column], one: ModelHealth) -> list[tuple[str, str]]:
    """Return a model's line as pieces of text and their style."""
    pieces: list[tuple[str, str]] = []
    for at, column in enumerate(found):
        text = padded(column.value(one, column.width), column.width, right=column.right)
        pieces.append(((GAP if at else "") + text, column.style(one) if column.style else ""))
    return pieces
