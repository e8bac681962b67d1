"""The terminal of a watch: drawn when something changed, given back as it was; and the lines of one that is piped."""

from __future__ import annotations

import io
import os
import pty
import select
import termios
from collections.abc import Iterator

import pytest
from rich.console import Console
from scenes import CHANGES, crowd, scene

from archfb.watching.cells import ASCII, UNICODE
from archfb.watching.terminal import Lines, Screen, glyphs_of, is_capable, keys_of, nobody_reads, size_of


class Terminal:
    """A terminal of 80 × 24 in this process, and a screen on it."""

    def __init__(self, *, colour: bool = False) -> None:
        self.main, self.child = pty.openpty()
        self.resize(80, 24)
        self.stream = os.fdopen(os.dup(self.child), "w", encoding="utf-8")
        self.woken = 0
        console = Console(
            file=self.stream, force_terminal=True, color_system="standard" if colour else None, no_color=not colour,
            legacy_windows=False, markup=False, highlight=False, _environ={},
        )  # fmt: skip
        self.screen = Screen(self.stream, self.child, console, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def resize(self, columns: int, lines: int) -> None:
        termios.tcsetwinsize(self.child, (lines, columns))

    def got(self) -> str:
        """Return what the terminal got since the last call."""
        self.stream.flush()
        text = b""
        while select.select([self.main], [], [], 0.05)[0]:
            text += os.read(self.main, 1 << 16)
        return text.decode()

    def modes(self) -> list[object]:
        return termios.tcgetattr(self.child)

    def press(self, keys: bytes) -> None:
        os.write(self.main, keys)
        self.screen.read_keys()

    def close(self) -> None:
        self.stream.close()
        os.close(self.main)
        os.close(self.child)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    one = Terminal()
    yield one
    one.close()


def test_the_terminal_is_taken_over_and_given_back_as_it_was(terminal: Terminal) -> None:
    before = terminal.modes()
    with terminal.screen:
        assert terminal.modes() != before
        terminal.screen.show(scene())
    assert terminal.modes() == before
    text = terminal.got()
    assert text.startswith("\x1b[?1049h")
    assert text.endswith("\x1b[?25h\x1b[?1049l")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_it_is_given_back_after_a_failure_too(terminal: Terminal) -> None:
    before = terminal.modes()
    with pytest.raises(ZeroDivisionError), terminal.screen:
        raise ZeroDivisionError
    assert terminal.modes() == before
    assert terminal.got().endswith("\x1b[?1049l")


def test_nothing_is_drawn_twice(terminal: Terminal) -> None:
    with terminal.screen:
        terminal.screen.show(scene())
        assert "gemini-basic" in terminal.got()
        terminal.screen.show(scene())
        assert terminal.got() == ""
        terminal.screen.show(scene(in_flight=3))
        assert "3 calls in flight" in terminal.got()


def test_another_size_is_drawn_anew(terminal: Terminal) -> None:
    with terminal.screen:
        terminal.screen.show(scene())
        assert "Errors" not in terminal.got()
        terminal.resize(200, 50)
        terminal.screen.show(scene())
        assert "Errors" in terminal.got()


def test_without_colour_there_is_none_and_with_it_only_the_plain_ones() -> None:
    """Row 76: readable on light and dark."""
    plain, coloured = Terminal(), Terminal(colour=True)
    for one in (plain, coloured):
        with one.screen:
            one.screen.show(scene())
    assert "\x1b[3" not in plain.got().replace("\x1b[?", "")
    text = coloured.got()
    assert "\x1b[31munavailable" in text
    assert "\x1b[4" not in text
    plain.close()
    coloured.close()


def test_q_leaves_and_the_arrows_scroll(terminal: Terminal) -> None:
    many = scene(crowd(60))
    with terminal.screen:
        terminal.screen.show(many)
        assert "model-00" in terminal.got()
        terminal.press(b"\x1b[6~jj\x1b[B")
        terminal.screen.show(many)
        text = terminal.got()
        assert "model-12" not in text
        assert "model-13" in text
        terminal.press(b"\x1b[5~" * 9)
        terminal.screen.show(many)
        assert "model-00" in terminal.got()
        terminal.press(b"\x0c")
        terminal.screen.show(many)
        assert "model-00" in terminal.got()
        assert not terminal.screen.leaving
        terminal.press(b"zq")
        assert terminal.screen.leaving
        assert terminal.woken == 4


@pytest.mark.parametrize(
    ("pressed", "keys"),
    [
        (b"", []),
        (b"q", [b"q"]),
        (b"\x1b[Aj", [b"\x1b[A", b"j"]),
        (b"\x1b[Z", [b"\x1b", b"[", b"Z"]),
        (b"\xff", [b"\xff"]),
    ],
)
def test_keys_are_told_apart(pressed: bytes, keys: list[bytes]) -> None:
    assert list(keys_of(pressed)) == keys


def test_no_more_keys_can_come_from_a_terminal_that_hung_up(terminal: Terminal) -> None:
    read, write = os.pipe()
    os.close(write)
    terminal.screen._keys = read
    assert not terminal.screen.read_keys()
    os.close(read)


@pytest.mark.parametrize(("columns", "lines", "size"), [(80, 24, (80, 24)), (0, 0, (80, 24)), (20, 1, (20, 1))])
def test_a_terminal_that_does_not_tell_its_size_has_the_usual_one(
    terminal: Terminal, columns: int, lines: int, size: tuple[int, int]
) -> None:
    """Row 76: 0 columns, width 20."""
    terminal.resize(columns, lines)
    assert size_of(terminal.stream) == size
    with terminal.screen:
        terminal.screen.show(scene())


def test_only_a_terminal_that_can_be_drawn_on_is_one(terminal: Terminal) -> None:
    assert is_capable(terminal.stream, {"TERM": "xterm"})
    assert not is_capable(terminal.stream, {"TERM": "dumb"})
    assert not is_capable(terminal.stream, {})
    assert not is_capable(io.StringIO(), {"TERM": "xterm"})


def test_what_a_stream_can_carry_is_known() -> None:
    assert glyphs_of(io.TextIOWrapper(io.BytesIO(), encoding="ascii")) is ASCII
    assert glyphs_of(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) is UNICODE


def test_lines_are_written_once_and_notes_are_said_once() -> None:
    stream, said = io.StringIO(), []
    lines = Lines(stream, json=False, say=said.append)
    lines.show(scene(notes=("gone",)), ())
    first = stream.getvalue()
    assert len(first.splitlines()) == 9
    lines.show(scene(notes=("gone",)), CHANGES[-1:])
    lines.show(scene(), ())
    lines.show(scene(notes=("gone",)), ())
    assert stream.getvalue()[len(first) :].count("\n") == 1
    assert said == ["gone", "gone"]


def test_a_pipe_that_nobody_reads_is_noticed_without_a_word() -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        lines = Lines(stream, json=True, say=lambda _: None)
        lines.show(scene(), ())
        lines.show(scene(), ())
        assert not nobody_reads(stream)
        os.close(read)
        with pytest.raises(BrokenPipeError):
            lines.show(scene(), ())
