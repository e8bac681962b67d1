"""The store goes on in memory, tells what both know, and catches up as soon as it can."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from state_samples import START, Clock, attempt, choosing, observe, ref, settle

from archfb_state.outcomes import Outcome
from archfb_state.records import MachineRecord
from archfb_state.settings import Settings
from archfb_state.storage.database import Database
from archfb_state.storage.lasting_store import LastingStore
from archfb_state.storage.locking import SUFFIX, FileLock, locker, waits
from archfb_state.storage.opening import open_state, peek
from archfb_state.storage.rows import DEPLOYMENTS, MODELS, stored
from archfb_state.storage.way import Core, Way
from archfb_state.store import PhaseResult, Run, StoreBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = Settings()


class Moments:
    """A monotonic clock that moves when slept on or told to."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state.db")


@pytest.fixture
def lock(path: str) -> Iterator[FileLock]:
    held = FileLock(path + SUFFIX)
    yield held
    held.close()


def lasting(path: str, moments: Moments | None = None) -> LastingStore:
    way = Way(path, 0.02, True, Core(Clock(), observe, settle))
    return LastingStore(way, monotonic=moments or Moments())


def life(store: Any, first: int) -> None:
    """Leave a trace in every table."""
    run = f"run-{first}"
    store.decide("slot", f"call-{first}", choosing("one"), run_id=run)
    store.record([attempt(first, run_id=run, fallback_from="two")], SETTINGS, refs=[ref()], ended=f"call-{first}")
    store.save_run(Run(run, START + first, "ask"))
    store.save_result(PhaseResult("key", "phase1", "reader", "one", START + first, f"text {first}", run_id=run))
    reservation = store.reserve("day", 0.5, 10.0)
    store.spend(reservation, 0.25)
    store.meta(f"value-{first}", first)


def test_what_was_stored_and_what_is_only_in_memory_are_told_together(path: str, lock: FileLock) -> None:
    store = lasting(path)
    life(store, 1)
    lock.acquire(0)
    life(store, 2)
    assert not store.opened.saving
    assert [one.id for one in store.attempts()] == ["attempt-00000001", "attempt-00000002"]
    assert [one.id for one in store.attempts(limit=1)] == ["attempt-00000002"]
    assert [one.count for one in store.counters()] == [2]
    assert [one.count for _, one in store.hours(since=0.0)] == [2]
    assert store.fallbacks() == {("phase1", "two", "one"): 2}
    assert [one.after for one in store.transitions()] == ["healthy"]
    assert [one.id for one in store.runs()] == ["run-2", "run-1"]
    assert [one.id for one in store.runs(limit=1)] == ["run-2"]
    assert store.run("run-1") is not None
    assert [one.text for one in store.results("key")] == ["text 2", "text 1"]
    assert [one.text for one in store.run_results("run-1")] == ["text 1"]
    assert [one.call_id for one in store.decisions("run-1")] == ["call-1"]
    assert store.spent("day") == (2, 0.5)
    assert (store.meta("value-1"), store.meta("value-2")) == (1, 2)
    assert store.snapshot().models["one"].successes == 2
    assert store.check() == []
    store.record([attempt(3, "two")], SETTINGS)
    assert [(one.model, one.count) for one in store.counters()] == [("one", 2), ("two", 1)]


def test_what_is_only_in_memory_is_written_when_the_file_can_be_again(path: str, lock: FileLock) -> None:
    moments = Moments()
    store = lasting(path, moments)
    salt = store.salt
    life(store, 1)
    lock.acquire(0)
    life(store, 2)
    moments.at += 31
    life(store, 3)
    assert not store.opened.saving
    lock.release()
    life(store, 4)
    assert not store.opened.saving
    moments.at += 31
    life(store, 5)
    assert store.opened.saving
    assert store.opened.notes[-1] == "State can be saved again; 3 attempts were written late."
    store.close()
    again = open_state(path)
    assert len(list(again.attempts())) == 5
    assert [one.count for one in again.counters()] == [5]
    assert len(again.runs()) == 5
    assert len(again.results("key")) == 5
    assert again.spent("day") == (3, 1.25)
    assert again.salt == salt
    again.close()


def test_a_failure_while_catching_up_is_survived(path: str, lock: FileLock) -> None:
    moments = Moments()
    store = lasting(path, moments)
    lock.acquire(0)
    life(store, 1)
    lock.release()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'not this one'); END")
    connection.close()
    moments.at += 31
    life(store, 2)
    assert not store.opened.saving
    store.close()


def test_a_choice_that_fails_in_memory_is_the_callers_failure(path: str, lock: FileLock) -> None:
    store = lasting(path)
    lock.acquire(0)

    def choose(_rows: object, _held: object) -> Any:
        raise ConnectionError("mine")

    for _ in range(2):
        with pytest.raises(ConnectionError):
            store.decide("slot", "call", choose)


def test_a_damaged_file_that_another_process_replaced_is_not_set_aside_again(path: str) -> None:
    store: Any = lasting(path)
    store.record([attempt(1)], SETTINGS)
    Path(path).unlink()
    for suffix in ("-wal", "-shm"):
        Path(path + suffix).unlink()
    other = lasting(path)
    other.record([attempt(2)], SETTINGS)
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    store._mend(error)
    assert [one.id for one in store.attempts()] == ["attempt-00000002"]
    assert store.opened.notes == ()
    assert [one.name for one in Path(path).parent.iterdir() if "corrupt" in one.name] == []
    store.close()
    other.close()


def test_a_damaged_file_that_cannot_be_moved_ends_saving(path: str, lock: FileLock) -> None:
    store: Any = lasting(path)
    lock.acquire(0)
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    store._mend(error)
    assert not store.opened.saving
    life(store, 1)


def test_a_file_that_becomes_a_directory_under_way_ends_saving(path: str) -> None:
    store: Any = lasting(path)
    Path(path).unlink()
    Path(path).mkdir()
    store._store._database._looked = -1.0
    life(store, 1)
    said = store.opened.notes[-1]
    assert said == f"State at {path} cannot be saved: State file {path} is a directory. Running without saving."


def test_a_file_replaced_by_one_open_to_others_is_said(path: str) -> None:
    store: Any = lasting(path)
    lasting(path + "2").close()
    Path(path + "2").chmod(0o644)
    Path(path + "2").rename(path)
    store._store._database._looked = -1.0
    life(store, 1)
    assert [note.split(" ")[-1] for note in store.opened.notes] == ["anew.", "0600."]
    assert store.opened.saving
    store.close()


# the log


def test_the_log_is_moved_into_the_database_before_it_grows_large(path: str) -> None:
    store: Any = lasting(path)
    store._store._database._checkpoint_at = 100_000
    sizes = []
    for n in range(200):
        store.record([attempt(n)], SETTINGS)
        sizes.append(Path(path + "-wal").stat().st_size)
    assert 0 in sizes
    assert len(list(store.attempts())) == 200
    store.close()


def test_a_reader_in_the_way_only_puts_it_off(path: str) -> None:
    store: Any = lasting(path)
    store.record([attempt(0)], SETTINGS)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM attempts").fetchall()
    store._store._database._checkpoint_at = 1000
    for n in range(1, 65):
        store.record([attempt(n)], SETTINGS)
    assert store.opened.saving
    assert Path(path + "-wal").stat().st_size > 100_000
    assert store._store._database._checkpoint_at > 8 * 2**20
    assert reader.execute("SELECT COUNT(*) FROM attempts").fetchone() == (1,)
    reader.close()
    store.close()


def test_a_database_whose_log_is_gone_says_that_it_is_empty(path: str) -> None:
    store: Any = lasting(path)
    for one in ("-wal", "-shm"):
        Path(path + one).unlink(missing_ok=True)
    assert store._store._database._log_size() == 0
    store.close()


def test_an_error_that_is_not_waiting_is_raised_at_once(path: str) -> None:
    lasting(path).close()
    database = Database(path, patience=5.0, lock=FileLock(path + SUFFIX))
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        database.patient("SELECT * FROM nowhere")
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raised = [busy, sqlite3.OperationalError("other")]

    def work(_connection: sqlite3.Connection) -> None:
        raise raised.pop(0)

    with pytest.raises(sqlite3.OperationalError, match="other"):
        database.patiently(work)
    database.close()


# locks


def test_the_holder_of_a_file_is_found_where_the_system_tells(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    inode = file.stat().st_ino
    table = tmp_path / "locks"
    table.write_text(
        "1: FLOCK  ADVISORY  WRITE 77 08:01:1 0 EOF\n"
        f"2: POSIX  ADVISORY  READ 78 08:01:{inode} 0 EOF\n"
        f"3: POSIX  ADVISORY  WRITE 0 08:01:{inode} 0 EOF\n"
        f"4: POSIX  ADVISORY  WRITE 79 08:01:{inode} 120 120\n"
    )
    assert locker(str(file), str(table)) == 79
    assert locker(str(table), str(table)) is None
    assert locker(str(file), str(tmp_path / "none")) is None


def test_a_lock_is_taken_once_it_is_let_go(tmp_path: Path) -> None:
    first = FileLock(str(tmp_path / "lock"))
    second = FileLock(str(tmp_path / "lock"), monotonic=lambda: 0.0, sleep=lambda _: first.release())
    first.acquire(0)
    second.acquire(1.0)
    with pytest.raises(StoreBusy):
        first.acquire(0)
    Path(second.path).write_text("rubbish")
    with pytest.raises(StoreBusy, match=r"^State is held by another process$"):
        first.acquire(0)


def test_waits_grow_and_end_with_patience() -> None:
    moments = Moments()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        moments.at += seconds

    waited = list(waits(3.0, moments, sleep))
    assert waited[0] == 0.0
    assert waited == sorted(waited)
    assert moments.at == pytest.approx(3.0, abs=0.01)
    assert slept[0] <= 0.0015
    assert max(slept) <= 0.09
    assert max(slept[-20:]) <= 0.015


# what rows hold


def test_lists_keep_only_numbers_and_whole_numbers_may_come_as_either() -> None:

    one = MODELS.from_row(tuple(MODELS.to_row(_model())))
    assert one == _model()
    holed = _model()._replace(latencies_ms=(1.0, float("nan"), 2.0), rates=(float("inf"),))
    assert stored(MODELS, holed) == _model()._replace(latencies_ms=(1.0, 2.0), rates=())
    row = list(DEPLOYMENTS.to_row(_deployment()))
    row[DEPLOYMENTS.columns.index("alpha")] = 3
    row[DEPLOYMENTS.columns.index("openings")] = 2.0
    found = DEPLOYMENTS.from_row(tuple(row))
    assert found is not None
    assert (found.alpha, found.openings) == (3.0, 2)
    row[DEPLOYMENTS.columns.index("openings")] = 2.5
    assert DEPLOYMENTS.from_row(tuple(row)) is None


def test_lists_are_written_the_same_way_however_they_came_about() -> None:

    record, row = MODELS.bound(_model())
    at = MODELS.columns.index("latencies_ms")
    for values in ((1.0,), (1.0, 2.5), (1.0, 2.5, 3.0), (2.5, 3.0, 1e-9), (), (7.0, 8.0), (9.0,), (7.0, 8.0, 9.0)):
        after = record._replace(latencies_ms=values)
        fresh, grown = MODELS.bound(after)[1], MODELS.bound(after, (row, record))[1]
        assert grown[at] == fresh[at]
        record, row = after, grown


def test_a_pending_failure_that_cannot_be_read_is_forgotten(path: str) -> None:
    store = lasting(path)
    store.record([attempt(1, outcome=Outcome.NETWORK)], SETTINGS)
    assert len(store.snapshot().machine.pending) == 1
    connection = sqlite3.connect(path)
    connection.execute("UPDATE machine SET pending = replace(pending, '\"closed\"', '\"ajar\"')")
    connection.commit()
    connection.close()
    assert store.snapshot().machine == MachineRecord()
    store.close()


def _model() -> Any:
    from archfb_state.records import ModelRecord

    return ModelRecord("m", "d", "a", latencies_ms=(1.5,), learned={"a\ud800": "b\0"})


def _deployment() -> Any:
    from archfb_state.records import DeploymentRecord

    return DeploymentRecord("d")


# looking only


def test_a_look_at_what_is_being_created_or_turns_bad_says_so(path: str) -> None:
    Path(path).touch()
    store: Any = peek(path)
    assert store.opened.notes[0].endswith("the state is being created, or of an older version")
    assert len(store.salt) == 16
    Path(path).unlink()
    lasting(path + "2").close()
    Path(path + "2").rename(path)
    store._database._looked = -1.0
    assert store.snapshot().models == {}
    assert store.opened.notes == ()
    Path(path).unlink()
    Path(path).write_bytes(b"rubbish" * 1000)
    store._database._looked = -1.0
    assert store.snapshot().models == {}
    assert store.opened.notes[0].startswith(f"{path} is not an archfb state file")
    store.close()


def test_a_look_at_a_newer_state_shows_nothing_and_says_why(path: str) -> None:
    lasting(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    assert peek(path).opened.notes[0].startswith("State is from archfb ≥ schema 9; this is schema 1.")


def test_a_state_without_a_salt_gets_one(path: str) -> None:
    store = lasting(path)
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = '3' WHERE name = 'salt'")
    connection.commit()
    connection.close()
    first = lasting(path)
    made = first.salt
    first.close()
    assert lasting(path).salt == made


def test_damage_that_only_a_full_look_finds_is_told(path: str) -> None:
    store = lasting(path)
    store.record([attempt(n, message="m" * 300) for n in range(200)], SETTINGS)
    store.close()
    content = bytearray(Path(path).read_bytes())
    content[-20480:] = b"\xff" * 20480
    Path(path).write_bytes(content)
    (first, *_) = lasting(path).check()
    assert first.startswith("Damaged: ")
    assert Path(path).read_bytes() == bytes(content)


def test_the_real_decision_core_is_found_when_needed(path: str) -> None:
    for where in (path, ":memory:"):
        store = open_state(where)
        store.record([attempt(1)], SETTINGS, refs=[ref()])
        assert store.settle(SETTINGS, [ref()]) is not None
        assert store.snapshot().models["one"].successes == 1
        store.close()


def test_nothing_heavy_is_loaded_to_look(path: str) -> None:
    lasting(path).close()
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2] / 'state')!r})\n"
        f"from archfb_state.storage.opening import peek; peek({path!r}).snapshot()\n"
        "heavy = {'sqlite_utils', 'random', 'threading', 'asyncio', 'pathlib', 'ctypes'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
