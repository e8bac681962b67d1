"""The screen of a watch: a scene, a width and a height in, lines out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb.views.phrases import STATUS_STYLES, count, instant, money, name
from archfb.views.status_table import chain_lines
from archfb.watching.cells import UNICODE, countdown, cut, padded, wide
from archfb.watching.columns import columns, fitted, heading, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.watching.cells import Glyphs
    from archfb.watching.columns import Column
    from archfb.watching.scene import Scene
    from archfb_state.records import Transition

Piece = tuple[str, str]
"""A text and its style."""

Line = list[Piece]

SMALL = 8
"""Lines below which only the models are shown."""

SHARES = ((0, 3), (1, 3), (0, 10), (2, 4), (0, 10_000), (1, 10_000), (2, 10_000))
"""Who is given lines in which order (0 models, 1 chains, 2 changes), and up to how many each time."""

ROOMY = 20
"""Lines from which an empty one stands above the table."""


class Block(NamedTuple):
    """Lines that stand together, and what they are."""

    lines: list[Line]
    what: str


def frame(scene: Scene, width: int, height: int, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Return at most `height` lines of at most `width` columns."""
    small = height < SMALL
    top = opening(scene, width, height)
    foot: list[Line] = [] if small else [[(f"q leave  {glyphs.up_down} scroll", "dim")]]
    room = max(0, height - len(top) - len(foot))
    body = middle(scene, fitted(columns(scene, glyphs), width), room, glyphs, small=small)
    lines = top + body + [[] for _ in range(room - len(body) if foot else 0)] + foot
    return [clipped(line, width, glyphs) for line in lines[:height]]


def opening(scene: Scene, width: int, height: int) -> list[Line]:
    """Return the title, the totals and what has to be said, as far as the height has room for it."""
    title, *rest = header(scene, width)
    notes: list[Line] = [[(one, "yellow")] for one in scene.notes]
    if height < SMALL:
        return [title, *notes[:1]]
    return [title, *rest, *notes, *([[]] if height >= ROOMY else [])]


def middle(scene: Scene, shown: Sequence[Column], room: int, glyphs: Glyphs, *, small: bool) -> list[Line]:
    """Return the models, the chains and the last changes on as many lines as there is room for."""
    if not scene.table.models:
        return [[("No chain names a model.", "")]]
    models = [row(shown, one) for one in scene.table.models]
    chains: list[Line] = [[(line, "red" if dead else "")] for line, dead in chain_lines(scene.table.chains)]
    changes = [change(one, scene.table.at, glyphs) for one in reversed(scene.changes)]
    blocks = [Block(models, "models")]
    if not small:
        blocks += [Block(chains, "chains"), Block(changes, "changes")]
    given = shares([len(block.lines) for block in blocks], room - 1)
    blocks[0] = blocks[0]._replace(lines=scrolled(models, scene.first, given[0]))
    return [[(heading(shown), "bold")], *stacked(blocks, given, glyphs)]


def scrolled(lines: list[Line], first: int, room: int) -> list[Line]:
    """Return the lines from the first to be shown, which is never so far down that room is left over."""
    return lines[max(0, min(first, len(lines) - room)) :]


def shares(sizes: Sequence[int], room: int) -> list[int]:
    """Return how many lines each block is given; every one but the first takes an empty line above it, too."""
    given = [0] * len(sizes)
    for at, upto in SHARES:
        if at >= len(sizes):
            continue
        gap = 1 if at and not given[at] else 0
        more = min(upto, sizes[at], given[at] + room - gap) - given[at]
        # One line of several would only say how many there are.
        if more > 0 and (given[at] + more > 1 or sizes[at] == 1 or at == 0):
            given[at] += more
            room -= more + gap
    return given


def stacked(blocks: Sequence[Block], given: Sequence[int], glyphs: Glyphs) -> list[Line]:
    """Return the blocks one below the other, each on the lines that it was given."""
    lines: list[Line] = []
    for at, block in enumerate(blocks):
        if given[at]:
            lines += [[]] * (at > 0) + at_most(block, given[at], glyphs)
    return lines


def at_most(block: Block, room: int, glyphs: Glyphs) -> list[Line]:
    """Return as many lines as there is room for; the last one says how many are missing."""
    if len(block.lines) <= room:
        return block.lines
    missing = len(block.lines) - room + 1
    return [*block.lines[: room - 1], [(f"{glyphs.cut} {missing} more {block.what}", "dim")]]


def header(scene: Scene, width: int) -> list[Line]:
    """Return what this is and when, and the totals on as many lines as they need."""
    when = instant(scene.table.at) + "Z"
    title = padded(scene.title, max(len(scene.title) + 2, width - len(when)))
    return [[(title, "bold"), (when, "")], *wrapped(totals(scene), width)]


def totals(scene: Scene) -> list[Piece]:
    """Return how many models have which status, what they cost, what is going on and what comes next."""
    found = [one.standing.status for one in scene.table.models]
    pieces = [(f"{found.count(one)} {one}", style) for one, style in STATUS_STYLES.items() if one in found]
    pieces.append((f"{money(sum(one.record.cost_usd for one in scene.table.models))} spent", ""))
    if scene.in_flight:
        pieces.append((count(scene.in_flight, "call") + " in flight", ""))
    if scene.table.offline_machine:
        pieces.append(("this machine seems offline: no model is marked down", "yellow"))
    return [*pieces, (upcoming(scene), "")]


def upcoming(scene: Scene) -> str:
    """Return what is being probed, else when the next round of probes is due."""
    if scene.probing:
        return f"probing {count(len(scene.probing), 'model')}"
    if not scene.probes:
        return "not probing"
    if not scene.next_at:
        return "nothing to probe"
    return f"next probe {_in(countdown(min(scene.next_at.values()) - scene.table.at))}"


def _in(words: str) -> str:
    return words if words == "now" else f"in {words}"


def wrapped(pieces: Sequence[Piece], width: int, gap: str = ", ") -> list[Line]:
    """Return the pieces on as many lines as they need."""
    lines: list[Line] = []
    used = 0
    for text, style in pieces:
        more = len(gap) + wide(text)
        if lines and used + more < width:
            lines[-1] += [(gap, ""), (text, style)]
            used += more
        else:
            if lines:
                lines[-1].append((gap.rstrip(), ""))
            lines.append([(text, style)])
            used = wide(text)
    return lines


def change(one: Transition, now: float, glyphs: Glyphs) -> Line:
    """Return a change of status as one line: when, who, from what to what, why."""
    at, today = instant(one.at), instant(now)
    when = at[11:] + "Z" if at[:10] == today[:10] else at[5:16] + "Z"
    before, after = (STATUS_STYLES.get(status, "") for status in (one.before, one.after))
    return [
        (f"{when}  {name(one.model)}  ", ""),
        ("still ", "") if one.before == one.after else (one.before, before),
        ("" if one.before == one.after else f" {glyphs.arrow} ", ""),
        (one.after, after),
        (f"  {name(one.reason)}", ""),
    ]


def clipped(line: Line, width: int, glyphs: Glyphs) -> Line:
    """Return a line no wider than the width."""
    room = width
    kept: Line = []
    for text, style in line:
        size = wide(text)
        if size > room:
            return [*kept, (cut(text, room, glyphs), style)] if room > 0 else kept
        kept.append((text, style))
        room -= size
    return kept


def text_of(lines: Sequence[Line]) -> str:
    """Return the lines without style."""
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
