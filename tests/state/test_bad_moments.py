"""A state that turns bad, full or foreign at an unlucky moment: half way, between two looks, a second time."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from state_samples import CORE, START, Clock, attempt, choosing, ref

from archfb_state.settings import Settings
from archfb_state.storage import state_file
from archfb_state.storage.database import Database
from archfb_state.storage.locking import SUFFIX, FileLock
from archfb_state.storage.migrations import STEPS, Step, bring_up, version
from archfb_state.storage.opening import open_state, peek
from archfb_state.store import Run, StoreUnusable

SETTINGS = Settings()
OF_NO_TEXT = "'CREATE VIEW transitions AS SELECT ' || CAST(X'FF' AS TEXT) || ' FROM meta'"
REFUSES_RUNS = "CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE({}, 'not this one'); END"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a state with two attempts."""
    at = tmp_path / "s.db"
    store = opened(at)
    store.record([attempt(1), attempt(2)], SETTINGS)
    store.close()
    return at


def opened(path: Path, **options: Any) -> Any:
    return open_state(str(path), clock=Clock(), **{**CORE, "patience": 0.05, **options})


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for one in statements:
            db.execute(one)


def look_at_once(store: Any) -> None:
    store._store._database._looked = -1.0


def ids(store: Any) -> list[int]:
    return [int(one.id.rpartition("-")[2]) for one in store.attempts()]


# what is found


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE sqlite_master SET name = CAST(X'FF' AS TEXT), sql = 'CREATE' WHERE name = 'runs'",),
        (
            "DELETE FROM sqlite_master WHERE name = 'transitions_by_time'",
            f"UPDATE sqlite_master SET type = 'view', rootpage = 0, sql = {OF_NO_TEXT} WHERE name = 'transitions'",
        ),
    ],
    ids=["of_which_SQLite_tells", "that_is_met_in_a_table"],
)
def test_row_61_a_schema_that_is_no_text_is_damage(path: Path, statements: tuple[str, ...]) -> None:
    edit(path, "PRAGMA writable_schema = ON", *statements)
    looked = peek(str(path))
    assert "codec can't decode byte 0xff" in looked.opened.notes[0]
    looked.close()
    store = opened(path)
    assert store.opened.notes[0].startswith(f"State was damaged; kept as {path}.corrupt-")
    store.record([attempt(3)], SETTINGS)
    assert ids(store) == [3]
    store.close()


@pytest.mark.parametrize(
    ("code", "log", "no_log"),
    [
        (sqlite3.SQLITE_CANTOPEN, None, True),
        (sqlite3.SQLITE_CANTOPEN, b"log", True),
        (sqlite3.SQLITE_IOERR, None, True),
        (sqlite3.SQLITE_IOERR_SHMSIZE, b"", True),
        (sqlite3.SQLITE_IOERR_SHMSIZE, b"log", False),
        (sqlite3.SQLITE_READONLY_DIRECTORY, None, True),
        (sqlite3.SQLITE_READONLY_DIRECTORY, b"log", False),
        (sqlite3.SQLITE_BUSY, None, False),
        (sqlite3.SQLITE_NOTADB, None, False),
    ],
)
def test_row_66_a_file_is_read_without_a_log_only_where_none_is_lost(
    path: Path, code: int, log: bytes | None, no_log: bool
) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    if log is not None:
        Path(f"{path}-wal").write_bytes(log)
    assert state_file._no_log_here(error, str(path)) == no_log


@pytest.mark.usefixtures("permissions_bind")
def test_row_66_a_file_that_may_be_written_in_a_folder_that_may_not_is_read(path: Path) -> None:
    """As of a home on read-only media whose files keep their modes."""
    path.parent.chmod(0o500)
    looked = peek(str(path))
    assert (looked.opened.notes, ids(looked)) == ((), [1, 2])
    looked.close()
    path.parent.chmod(0o700)


def test_row_66_a_file_beside_which_no_log_can_be_opened_is_only_read(path: Path) -> None:
    Path(f"{path}-wal").mkdir()
    looked = peek(str(path))
    assert (looked.opened.notes, ids(looked)) == ((), [1, 2])
    looked.close()


def test_whoever_only_looks_does_several_things_each_alone_and_can_copy(path: Path, tmp_path: Path) -> None:
    looked: Any = peek(str(path))
    models, chosen = looked.together(
        [lambda: sorted(looked.snapshot().models), lambda: looked.decide("slot", "c", choosing("one")).order[0].model]
    )
    assert (models, chosen) == (["one"], "one")
    looked.backup(str(tmp_path / "copy.db"))
    looked.close()
    assert ids(opened(tmp_path / "copy.db")) == [1, 2]


# under way


def test_row_61_damage_met_by_whoever_tells_nobody_stands_in_the_notes(path: Path) -> None:
    looked: Any = peek(str(path))
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert looked.counters() == []
    assert looked.opened.notes == (f"State at {path} cannot be read: database disk image is malformed",)
    looked.close()


def test_what_is_no_longer_readable_of_the_past_counts_as_never_written(path: Path) -> None:
    store, lock = opened(path), FileLock(f"{path}{SUFFIX}")
    lock.acquire(0)
    store.record([attempt(3)], SETTINGS)
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert ids(store) == [3]
    assert store.counters()[0].count == 1
    lock.close()


def test_row_69_a_file_that_cannot_be_written_in_the_place_of_one_that_could_ends_saving(path: Path) -> None:
    store = opened(path)
    other = path.with_name("other.db")
    opened(other).close()
    edit(other, REFUSES_RUNS.format("ABORT"))
    other.rename(path)
    look_at_once(store)
    store.save_run(Run("r", START, "ask"))
    assert store.opened.notes == (
        f"State file {path} vanished or was replaced; opened anew.",
        f"State at {path} cannot be saved: not this one. Running without saving.",
    )
    assert store.run("r") is not None
    store.close()


def test_row_69_the_log_of_the_file_that_came_instead_is_left_alone(path: Path) -> None:
    store, coming = opened(path), path.with_name("other.db")
    store.record([attempt(3)], SETTINGS)
    other = opened(coming)
    other.record([attempt(4)], SETTINGS)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{coming}{suffix}").rename(f"{path}{suffix}")
    look_at_once(store)
    store.record([attempt(5)], SETTINGS)
    assert ids(store) == [4, 5]
    store.close()
    other.close()


@pytest.mark.parametrize("how", ["ABORT", "ROLLBACK"])
def test_what_was_begun_together_is_taken_back_together_whoever_does_so(path: Path, how: str) -> None:
    edit(path, REFUSES_RUNS.format(how))
    store = opened(path)
    store.together([lambda: store.record([attempt(3)], SETTINGS), lambda: store.save_run(Run("r", START, "ask"))])
    assert store.opened.notes[0].endswith("cannot be saved: not this one. Running without saving.")
    assert ids(store) == [1, 2, 3]
    other = opened(path)
    assert ids(other) == [1, 2]
    other.record([attempt(4)], SETTINGS)
    assert other.opened.saving
    other.close()
    store.close()


def test_row_65_a_copy_for_which_there_is_no_room_is_said_and_taken_away(path: Path, tmp_path: Path) -> None:
    looked, copy = peek(str(path)), tmp_path / "copy.db"
    path.write_bytes(path.read_bytes()[:2048])
    with pytest.raises(StoreUnusable, match=f"^Cannot copy to {copy}: "):
        looked.backup(str(copy))
    assert not copy.exists()
    looked.close()


# a step of the schema


@pytest.mark.parametrize(
    ("statements", "refused"),
    [
        (("PRAGMA max_page_count = 1", "INSERT INTO moods VALUES (zeroblob(10000000))"), "database or disk is full"),
        (("INSERT INTO moods VALUES (1)", "INSERT OR ROLLBACK INTO moods VALUES (1)"), "UNIQUE constraint failed"),
    ],
)
def test_row_63_a_step_that_fails_for_want_of_room_or_takes_itself_back_leaves_no_trace(
    path: Path, statements: tuple[str, ...], refused: str
) -> None:
    database = Database(str(path), lock=FileLock(f"{path}{SUFFIX}"))
    with pytest.raises(sqlite3.DatabaseError, match=refused):
        bring_up(database, (*STEPS, Step(2, "moods", ("CREATE TABLE moods (x UNIQUE)", *statements))))
    assert version(database.connection) == 1
    assert database.connection.execute("SELECT name FROM sqlite_master WHERE name = 'moods'").fetchall() == []
    database.close()
    store = opened(path)
    assert (ids(store), store.opened.saving) == ([1, 2], True)
    store.close()


def test_row_63_a_copy_from_before_is_not_made_again(path: Path) -> None:
    copy = Path(f"{path}.before-2")
    copy.write_text("the first one")
    database = Database(str(path), lock=FileLock(f"{path}{SUFFIX}"))
    bring_up(database, (*STEPS, Step(2, "moods", ("CREATE TABLE moods (x)",))))
    assert version(database.connection) == 2
    assert copy.read_text() == "the first one"
    database.close()


# a probe's lease


def _ended() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def zombie() -> Iterator[int]:
    """Give the number of a process that was killed and not waited for, as under a parent that is busy."""
    process = subprocess.Popen(["sleep", "600"])
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid
    process.wait()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of a process that it is a zombie")
def test_a_probes_lease_is_taken_over_of_a_process_that_was_killed_and_not_yet_waited_for(
    path: Path, zombie: int
) -> None:
    store = opened(path)
    for name in (f"probe:{ref().deployment}", "trial:x"):
        assert store.acquire(name, 60.0) is not None
    edit(path, f"UPDATE leases SET pid = {zombie}")
    assert store.acquire(f"probe:{ref().deployment}", 60.0) is not None
    assert store.acquire("trial:x", 60.0) is None
    store.close()


@pytest.mark.parametrize(
    ("holder", "won"),
    [
        (_ended(), True),
        (os.getpid(), False),
        (1, False),
        (0, False),
        (-1, False),
        (2**62, False),
        ("'somebody'", False),
    ],
)
def test_a_probes_lease_is_taken_over_only_of_a_process_that_has_ended(
    path: Path, holder: int | str, won: bool
) -> None:
    store = opened(path)
    assert store.acquire(f"probe:{ref().deployment}", 60.0) is not None
    edit(path, f"UPDATE leases SET pid = {holder}")
    other = opened(path)
    assert (other.acquire(f"probe:{ref().deployment}", 60.0) is not None) == won
    other.close()
    store.close()
