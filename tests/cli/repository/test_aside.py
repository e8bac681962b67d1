"""A copy of the process takes part in the work, and nothing depends on it."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from archfb.repository import study
from archfb.repository.aside import possible, shared
from archfb.repository.read import read_repository
from archfb.repository.study import _pieces

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
    assert read_repository(repo, cache_dir=tmp_path / "both") == alone
    assert read_repository(repo, cache_dir=tmp_path / "both") == alone  # from what was kept
