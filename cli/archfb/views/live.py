"""A run as it goes, on stderr: on a terminal phases, calls in flight and totals, piped a line for what happens."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archfb import events
from archfb.output import coloured, complain, console, is_terminal
from archfb.text import clean
from archfb.views.fitting import parted
from archfb.views.phrases import duration, money, name
from archfb.views.tally import Tally, counted, left, phases_line, totals_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from rich.console import RenderableType
    from rich.text import Text

    from archfb.events import Event


def line(event: Event, flights: Mapping[str, Flight], verbose: int = 0) -> str | None:
    """Return what to say of an event, or None where that is more than was asked for.

    `flights` are the calls in flight before it: a model asked after another failed is worth saying.
    """
    match event:
        case events.PhaseStarted(phase, calls):
            return f"{phase}: {calls} {'call' if calls == 1 else 'calls'}"
        case events.PhaseEnded(phase, status, note):
            return f"{phase}: {status}" + (f" ({name(note)})" if note else "")
        case events.AttemptEnded():
            return _attempt_line(event)
        case events.CallEnded():
            return _ended_line(event)
        case events.StatusChanged(change):
            matters = verbose or "unavailable" in {change.before, change.after}
            return f"{name(change.model)} is now {change.after}: {name(change.reason)}" if matters else None
        case events.Note(text, level):
            return name(text, 1000) if level <= verbose else None
        case events.AttemptStarted() if verbose or (event.call_id in flights and flights[event.call_id].failed):
            again = f" (attempt {event.number})" if event.number > 1 else ""
            return f"{_who(event)}: asking {name(event.model)}{again}"
        case events.CallStarted() if verbose:
            order = ", ".join(name(one.model) for one in event.decision.order) or "nobody"
            return f"{_who(event)}: {event.decision.complexity} complexity, {event.decision.strategy}: {order}"
    return None


def _who(event: Any) -> str:
    return f"{event.phase} {name(event.role)}"


def _attempt_line(event: events.AttemptEnded) -> str | None:
    attempt = event.attempt
    if attempt.outcome == "ok":
        return None
    declined = f"{name(attempt.model)} declined: " if attempt.outcome == "content_filtered" else ""
    said = f" ({declined}{name(attempt.message, 160)})" if attempt.message else ""
    then = f"; now {name(event.next_model)}" if event.next_model else ""
    return f"{_who(event)}: {name(attempt.model)} {attempt.outcome} after {_took(attempt.latency_ms)}{said}{then}"


def _ended_line(event: events.CallEnded) -> str:
    if event.model is None:
        return f"{_who(event)}: no answer"
    how = "stored answer of" if event.stored else "answered by"
    cost = f", {money(event.cost_usd)}" if event.cost_usd else ""
    return f"{_who(event)}: {how} {name(event.model)}{cost}"


def _took(latency_ms: float) -> str:
    return duration(latency_ms / 1000)


@dataclass(frozen=True, slots=True)
class Flight:
    """A call in flight: who is asked since when (monotonic seconds), and who failed before."""

    who: str
    since: float
    model: str = ""
    number: int = 0
    failed: tuple[str, ...] = ()


Flights = dict[str, Flight]


def follow(flights: Mapping[str, Flight], event: Event, now: float) -> Flights:
    """Return the calls in flight after an event."""
    after = dict(flights)
    match event:
        case events.CallStarted():
            after[event.call_id] = Flight(_who(event), now)
        case events.AttemptStarted():
            before = after.get(event.call_id) or Flight(_who(event), now)
            after[event.call_id] = replace(before, model=event.model, number=event.number)
        case events.AttemptEnded() if event.attempt.outcome != "ok":
            before = after.get(event.call_id) or Flight(_who(event), now)
            failed = (*before.failed, f"{event.attempt.model} {event.attempt.outcome}")
            after[event.call_id] = replace(before, failed=failed)
        case events.CallEnded():
            after.pop(event.call_id, None)
    return after


SHOWN = 12
"""Calls in flight that are shown; the rest is counted, so that the board fits a small terminal."""


def flights_view(flights: Mapping[str, Flight], now: float, width: int, around: tuple[str, str] = ("", "")) -> Text:
    """Return the calls in flight, one line each, with what stands above and below, fitted to the width."""
    from rich.text import Text

    room = max(10, width - 1)
    lines = [_flight_line(one, now, room) for one in list(flights.values())[:SHOWN]]
    lines += [f"  and {len(flights) - SHOWN} more"] if len(flights) > SHOWN else []
    above, below = (parted(one, room) for one in around)
    return Text("\n".join([*above, *lines, *below]), style="dim", no_wrap=True, overflow="ellipsis")


def _flight_line(one: Flight, now: float, room: int) -> str:
    """Return a call in flight: all that is known of it where there is room, else at least role, model and time."""
    model, took = name(one.model) if one.model else "choosing", duration(now - one.since)
    attempt = f", attempt {one.number}" if one.model else ""
    after = f" after {name(', '.join(one.failed))}" if one.failed else ""
    role = one.who.partition(" ")[2] or one.who
    for text in (
        f"  {one.who}: {model}{attempt}, {took}{after}",
        f"  {one.who}: {model}{attempt}, {took}",
        f"  {one.who}: {model}, {took}",
        f"  {role}: {model}, {took}",
    ):
        if len(text) <= room:
            return text
    names = max(2, room - len(f"  : , {took}"))
    role = clean(role, limit=max(names // 2, names - len(model)))
    return f"  {role}: {clean(model, limit=names - len(role))}, {took}"[:room]


class Lines:
    """Prints a line to stderr for each event worth one."""

    def __init__(
        self, verbose: int = 0, *, quiet: bool = False, calls: bool = True, say: Callable[[str], None] = complain
    ) -> None:
        """Keep how much to say, and where; without `calls` a call that went well is not worth a line."""
        self.verbose = verbose
        self.quiet = quiet
        self.calls = calls or verbose > 0
        self.flights: Flights = {}
        self._say = say

    def __call__(self, event: Event) -> None:
        """Say what an event means."""
        silent = self.quiet or (isinstance(event, events.CallEnded) and not self.calls)
        text = None if silent else line(event, self.flights, self.verbose)
        self.flights = follow(self.flights, event, 0.0)
        if text is not None:
            self._say(clean(text) + "\n")

    def __enter__(self) -> Lines:
        """Nothing is to be prepared."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is to be put back."""


class Board:
    """Shows phases, calls in flight and totals at the bottom of a terminal, and what happened above them."""

    def __init__(
        self,
        verbose: int = 0,
        *,
        phases: tuple[str, ...] = (),
        slots: int = 8,
        typical: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep how much to say, which phases there will be, and the seconds of a typical call in each."""
        self.verbose = verbose
        self.flights: Flights = {}
        self.tally = Tally(phases)
        self.slots = slots
        self.typical = typical or {}
        self._clock = clock
        self._live: Any = None

    def __call__(self, event: Event) -> None:
        """Take an event down; the terminal follows by itself."""
        text = line(event, self.flights, self.verbose)
        self.flights = follow(self.flights, event, self._clock())
        self.tally = counted(self.tally, event)
        if text is not None and self._live is not None:
            from rich.text import Text

            self._live.console.print(Text(clean(text)))

    def __rich__(self) -> RenderableType:
        """Return what stands at the bottom now."""
        width = self._live.console.width if self._live is not None else 80
        return flights_view(self.flights, self._clock(), width, self._around())

    def _around(self) -> tuple[str, str]:
        """Return the lines above and below the calls in flight; none before a phase has begun."""
        if not self.tally.phases:
            return "", ""
        now = self._clock()
        running: dict[str, list[float]] = {}
        for one in self.flights.values():
            running.setdefault(one.who.partition(" ")[0], []).append(now - one.since)
        seconds = left(self.tally, self.typical, self.slots, running)
        return phases_line(self.tally), totals_line(self.tally, seconds)

    def __enter__(self) -> Board:
        """Begin to draw."""
        from rich.live import Live

        self._live = Live(
            self, console=console(sys.stderr), refresh_per_second=4, transient=True, redirect_stdout=False
        )
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._live.stop()
        self._live = None


def progress(
    environ: Mapping[str, str],
    *,
    verbose: int = 0,
    quiet: bool = False,
    phases: tuple[str, ...] = (),
    slots: int = 8,
    typical: Callable[[], Mapping[str, float]] = dict,
) -> Board | Lines:
    """Return the observer that suits stderr: a board on a capable terminal, else lines.

    `typical` returns the seconds of a call by phase; only a board asks it.
    """
    capable = is_terminal(sys.stderr) and (coloured(sys.stderr, environ) or environ.get("NO_COLOR"))
    if quiet or not capable or environ.get("TERM") == "dumb":
        return Lines(verbose, quiet=quiet)
    return Board(verbose, phases=phases, slots=slots, typical=typical())
