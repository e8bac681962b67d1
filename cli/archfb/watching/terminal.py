"""A watch on a terminal of its own: the alternate screen, a few keys, another size; and left as it was found."""

from __future__ import annotations

import os
import select
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archfb.watching.cells import ASCII, UNICODE
from archfb.watching.screen import frame

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import IO

    from rich.console import Console, ConsoleOptions
    from rich.segment import Segment

    from archfb.watching.cells import Glyphs
    from archfb.watching.scene import Scene
    from archfb.watching.screen import Line
    from archfb_state.records import Transition

SCROLL = {b"k": -1, b"\x1b[A": -1, b"\x1bOA": -1, b"\x1b[5~": -10}
SCROLL |= {b"j": 1, b"\x1b[B": 1, b"\x1bOB": 1, b"\x1b[6~": 10}
LEAVE = (b"q", b"Q")
REDRAW = b"\x0c"
CLEAR = "\x1b[H\x1b[2J"
"""Written before the other screen is left: a terminal that was resized meanwhile may else keep a part of it."""

DUMB = ("", "dumb", "unknown")


def is_capable(stream: IO[str], environ: Mapping[str, str]) -> bool:
    """Say whether a stream leads to a terminal that can be drawn on."""
    from archfb.output import is_terminal

    return is_terminal(stream) and environ.get("TERM", "") not in DUMB


def size_of(stream: IO[str]) -> tuple[int, int]:
    """Return columns and lines of the terminal as it is now, 80 and 24 where it does not tell."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, lines = 0, 0
    return columns or 80, lines or 24


def glyphs_of(stream: IO[str]) -> Glyphs:
    """Return what a stream can carry."""
    name = (getattr(stream, "encoding", None) or "utf-8").lower()
    return UNICODE if name.startswith("utf") else ASCII


class Drawn:
    """Lines as Rich draws them."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Keep the lines."""
        self.lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        """Yield the pieces, each with its style."""
        from rich.segment import Segment

        for at, line in enumerate(self.lines):
            if at:
                yield Segment.line()
            for text, style in line:
                yield Segment(text, console.get_style(style) if style else None)


class Screen:
    """Draws a watch; a context manager that gives the terminal back as it was."""

    def __init__(self, stream: IO[str], keys: int | None, console: Console, wake: Callable[[], None]) -> None:
        """Keep the stream, the descriptor that keys come from, and how to wake the watch."""
        self.leaving = False
        self._stream = stream
        self._keys = keys
        self._console = console
        self._wake = wake
        self._glyphs = glyphs_of(stream)
        self._first = 0
        self._models = 0
        self._drawn: tuple[tuple[int, int], list[Line]] | None = None
        self._live: Any = None
        self._modes: list[Any] | None = None

    def show(self, scene: Scene, news: Sequence[Transition] = ()) -> None:
        """Draw the scene, unless it looks as before."""
        del news
        self._models = len(scene.table.models)
        size = size_of(self._stream)
        now = size, frame(replace(scene, first=self._first), *size, self._glyphs)
        if now != self._drawn:
            self._console.size = size
            self._live.update(Drawn(now[1]), refresh=True)
            self._drawn = now

    def enter(self) -> None:
        """Take the terminal over."""
        from rich.live import Live

        if self._keys is not None:
            import termios
            import tty

            self._modes = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
        self._console.size = size_of(self._stream)
        self._live = Live(
            console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._drawn = None

    def leave(self) -> None:
        """Give the terminal back; its modes first, since drawing may have to wait for a reader."""
        if self._keys is not None and self._modes is not None:
            import termios

            termios.tcsetattr(self._keys, termios.TCSANOW, self._modes)
        if self._live is not None:
            self._stream.write(CLEAR)
            self._live.stop()
            self._live = None

    def __enter__(self) -> Screen:
        """Take the terminal over."""
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back."""
        self.leave()

    def woken(self) -> None:
        """Let the watch look again at once."""
        self._wake()

    def read_keys(self) -> bool:
        """Act on the keys that were pressed; False where no more can come."""
        assert self._keys is not None
        try:
            pressed = os.read(self._keys, 256)
        except OSError:
            pressed = b""
        for key in keys_of(pressed):
            self._press(key)
        self._wake()
        return bool(pressed)

    def _press(self, key: bytes) -> None:
        if key in LEAVE:
            self.leaving = True
        elif key == REDRAW:
            self._drawn = None
        elif key in SCROLL:
            self._first = max(0, min(self._models - 1, self._first + SCROLL[key]))


def keys_of(pressed: bytes) -> Iterator[bytes]:
    """Yield the keys of what was read: the sequences that are known, else single bytes."""
    while pressed:
        known = next((one for one in SCROLL if len(one) > 1 and pressed.startswith(one)), pressed[:1])
        yield known
        pressed = pressed[len(known) :]


class Listening:
    """Keys, another size and Ctrl-Z, heard for as long as the block runs."""

    def __init__(self, screen: Screen, keys: int | None, loop: asyncio.AbstractEventLoop) -> None:
        """Keep who is told."""
        self._screen = screen
        self._keys = keys
        self._loop = loop
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Listening:
        """Begin to listen."""
        if self._keys is not None:
            self._loop.add_reader(self._keys, self._read)
        for number, act in ((signal.SIGWINCH, self._screen.woken), (signal.SIGTSTP, self._stop)):
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._soon(act))
        return self

    def __exit__(self, *_: object) -> None:
        """Hear no more."""
        for number, act in self._before.items():
            signal.signal(number, act)
        if self._keys is not None:
            self._loop.remove_reader(self._keys)

    def _read(self) -> None:
        if not self._screen.read_keys() and self._keys is not None:
            self._loop.remove_reader(self._keys)

    def _soon(self, act: Callable[[], None]) -> Callable[..., None]:
        """Return a handler that acts from the loop: a signal may come in the middle of drawing."""

        def handler(*_: object) -> None:
            self._loop.call_soon_threadsafe(act)

        return handler

    def _stop(self) -> None:
        """Stop as the shell wants it, with the terminal as it was, and come back to it."""
        self._screen.leave()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        self._screen.enter()
        self._screen.woken()


class Lines:
    """Writes a watch that nobody draws: a line, or a JSON object, for each change."""

    leaving = False

    def __init__(self, stream: IO[str], *, json: bool, say: Callable[[str], None]) -> None:
        """Keep where changes go, and where the rest is said."""
        self._stream = stream
        self._json = json
        self._say = say
        self._began = False
        self._notes: tuple[str, ...] = ()

    def show(self, scene: Scene, news: Sequence[Transition]) -> None:
        """Write what is new. Raises BrokenPipeError as soon as nobody reads any more."""
        from archfb.watching.plain import lines_of

        told = lines_of(scene, news, json=self._json, first=not self._began)
        for note in scene.notes:
            if note not in self._notes:
                self._say(note)
        self._began, self._notes = True, scene.notes
        if told:
            self._stream.write("".join(f"{line}\n" for line in told))
            self._stream.flush()
        elif nobody_reads(self._stream):
            raise BrokenPipeError


def nobody_reads(stream: IO[str]) -> bool:
    """Say whether a stream is a pipe whose reader has gone."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def keys_from(stream: Any = None) -> int | None:
    """Return the descriptor that keys come from, None where stdin is no terminal."""
    source = sys.stdin if stream is None else stream
    from archfb.output import is_terminal

    return source.fileno() if source is not None and is_terminal(source) else None
