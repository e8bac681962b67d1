"""A copy of the process takes part in the work, and nothing depends on it."""

from __future__ import annotations

import importlib
import marshal
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from archfb.repository import study
from archfb.repository.aside import possible, shared
from archfb.repository.cache import Cache
from archfb.repository.read import read_repository
from archfb.repository.records import ReadLimits
from archfb.repository.study import Study, _pieces

PARENT = os.getpid()
needs_two = pytest.mark.skipif(not possible(), reason="no second core, no Linux, or threads")


def nothing() -> None:
    pass


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError("no cache")


class Told:
    """The number of a copy, told by itself."""

    def __init__(self) -> None:
        self.ends = os.pipe()
        self.number = 0

    def tell(self) -> None:
        os.write(self.ends[1], os.getpid().to_bytes(8, "little"))

    def wait(self, for_its_end: bool = True) -> int:
        if not self.number:
            self.number = int.from_bytes(os.read(self.ends[0], 8), "little")
            if for_its_end:
                os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOWAIT)
        return self.number


@pytest.mark.parametrize("pieces", [0, 1, 7, 250, 400])
def test_every_piece_is_worked_at_once_and_results_come_in_order(pieces: int) -> None:
    assert list(shared(pieces, lambda piece: (piece, "a" * piece), nothing)) == [
        (at, "a" * at) for at in range(pieces)
    ]


@needs_two
@pytest.mark.parametrize("end", [kill, fail])
def test_what_a_copy_leaves_undone_is_done_here(end: Any) -> None:
    copy = Told()

    def begin() -> None:
        copy.tell()
        end()

    assert list(shared(40, lambda _: bool(copy.wait()) and os.getpid() == PARENT, begin)) == [True] * 40


@needs_two
def test_a_copy_that_dies_over_a_piece_loses_only_that_one() -> None:
    copy = Told()

    def work(piece: int) -> int:
        if os.getpid() == PARENT:
            copy.wait()
        elif piece >= 2:
            kill()
        return piece

    assert list(shared(5, work, copy.tell)) == list(range(5))


@needs_two
def test_a_failure_here_ends_the_copy_too() -> None:
    copy = Told()

    def work(piece: int) -> int:
        if os.getpid() == PARENT:
            copy.wait(for_its_end=False)
            raise RuntimeError("stop")
        signal.pause()
        return piece

    with pytest.raises(RuntimeError):
        list(shared(20, work, copy.tell))
    with pytest.raises(ProcessLookupError):
        os.kill(copy.number, 0)


def test_a_process_with_threads_works_alone() -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert not possible()
        assert list(shared(3, lambda piece: os.getpid() + piece, kill)) == [PARENT, PARENT + 1, PARENT + 2]
    finally:
        go.set()
        thread.join()


def in_a_thread(work: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


ORDERS = """
import os, signal, pathlib

def told(place):
    return lambda piece: pathlib.Path(place, str(piece)).write_text(str(os.getpid())) and [piece, os.getpid()]

def failing(place):
    pathlib.Path(place, "began").touch()
    raise RuntimeError

def killed(place):
    def work(piece):
        pathlib.Path(place, "began").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return work
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for what a new process tells; the functions of ORDERS can be imported by it."""
    (tmp_path / "orders.py").write_text(ORDERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def awaited(place: Path) -> None:
    """Wait until a new process has written into the folder."""
    until = time.monotonic() + 30
    while not any(place.iterdir()) and time.monotonic() < until:
        time.sleep(0.005)


@needs_two
def test_a_process_with_threads_is_helped_by_a_new_one(place: Path) -> None:
    def work(piece: int) -> list[int]:
        if piece == 1:
            awaited(place)
        return [piece, PARENT]

    found = in_a_thread(lambda: list(shared(250, work, kill, ("orders", "told", (str(place),)))))
    assert [one for one, _ in found] == list(range(250))
    theirs = {number for _, number in found} - {PARENT}
    assert len(theirs) == 1
    assert found[0][1] == PARENT
    with pytest.raises(ProcessLookupError):
        os.kill(*theirs, 0)


@needs_two
@pytest.mark.parametrize("function", ["failing", "killed"])
def test_what_a_new_process_leaves_undone_is_done_here(place: Path, function: str) -> None:
    def work(piece: int) -> int:
        awaited(place)
        return piece

    assert in_a_thread(lambda: list(shared(40, work, kill, ("orders", function, (str(place),))))) == list(range(40))
    assert [one.name for one in place.iterdir()] == ["began"]


@needs_two
def test_what_a_new_process_does_not_know_is_done_here() -> None:
    order = ("no_such_module", "x", ())
    assert in_a_thread(lambda: list(shared(40, lambda piece: piece, kill, order))) == list(range(40))


@pytest.mark.parametrize("program", ["", "/no/such/python", "/bin/true"])
def test_without_a_python_to_start_it_is_all_done_here(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr("sys.executable", program)
    found = in_a_thread(lambda: list(shared(9, lambda piece: piece, kill, ("orders", "told", ("",)))))
    assert found == list(range(9))


@pytest.mark.parametrize(
    ("sizes", "ends"),
    [
        ([], [0]),
        ([10, 0, 5], [3]),
        ([3 << 20, 1 << 20], [1, 2]),
        ([0, 5 << 20, 0, 0], [2, 4]),
        ([1 << 15] * 31, [31]),
        ([1 << 15] * 40, list(range(2, 41, 2))),
    ],
)
def test_files_are_parted_by_their_size_only_where_there_is_much_to_read(sizes: list[int], ends: list[int]) -> None:
    assert _pieces(sizes) == ends


@pytest.mark.parametrize("known", [False, True])
def test_a_repository_read_by_two_is_the_one_read_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    repo = tmp_path / "repo"
    for at in range(60):
        (repo / f"part{at % 7}").mkdir(parents=True, exist_ok=True)
        (repo / f"part{at % 7}" / f"m{at}.py").write_text(f"import part{at % 5}.m{at % 5}\nx = {at}\n" * (at + 1))
    alone = read_repository(repo, cache_dir=tmp_path / "alone")
    if known:
        read_repository(repo, cache_dir=tmp_path / "both")
        (repo / "part0" / "new.py").write_text("import part1\n")
        alone = read_repository(repo, cache_dir=tmp_path / "again")
    monkeypatch.setattr(study, "_SHARED", 1)
    monkeypatch.setattr(study, "_PIECE", 100)
    monkeypatch.setattr(study, "_APART", 1)
    assert in_a_thread(lambda: read_repository(repo, cache_dir=tmp_path / "apart")) == alone
    assert read_repository(repo, cache_dir=tmp_path / "both") == alone
    assert read_repository(repo, cache_dir=tmp_path / "both") == alone  # from what was kept


def test_a_new_process_is_told_all_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[Any] = []
    monkeypatch.setattr(
        "archfb.repository.aside.shared", lambda _pieces, _of, _begin, order: orders.append(order) or []
    )
    monkeypatch.setattr(study, "_APART", 1)
    monkeypatch.setattr(study, "_SHARED", 1)
    monkeypatch.setattr(study, "_PIECE", 1)
    (tmp_path / "a.py").write_text("import b\n")
    (tmp_path / "b.py").write_text("x = 1\n")
    one = Study(os.fsencode(tmp_path), ReadLimits(), Cache(None))
    with pytest.raises(StopIteration):
        one.read([b"a.py", b"b.py"], [9, 6])
    module, function, values = marshal.loads(marshal.dumps(orders[0]))
    work = getattr(importlib.import_module(module), function)(*values)
    assert [[row[1:] for row, _ in work(number)] for number in (1, 2)] == [
        [("Python", "text", 1, 3, ("b",))],
        [("Python", "text", 1, 4, ())],
    ]
