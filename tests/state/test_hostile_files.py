"""What may lie at the state's path, and what may happen to it under way: the rows of the table of bad inputs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from disks import disk, needs_mount, read_only
from state_samples import CORE, START, Clock, attempt, choosing, ref

from archfb_state.outcomes import Outcome
from archfb_state.records import DeploymentRecord, ModelRecord
from archfb_state.settings import Settings
from archfb_state.storage import state_file
from archfb_state.storage.database import Database
from archfb_state.storage.examination import examine, network_of
from archfb_state.storage.locking import SUFFIX, FileLock, has_wal_bug
from archfb_state.storage.migrations import STEPS, MigrationFailed, Step, bring_up, version
from archfb_state.storage.opening import open_state, peek
from archfb_state.store import PhaseResult, Run, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.store import Store

SETTINGS = Settings()
ROOT = os.geteuid() == 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def made(path: Path, *attempts: Any) -> None:
    """Leave a state file with a few attempts behind."""
    store = opened(path)
    store.record(list(attempts or [attempt(1), attempt(2)]), SETTINGS)
    store.save_result(PhaseResult("key", "phase1", "reader", "one", START, "paid for"))
    store.close()


def opened(path: Path, **options: Any) -> Store:
    return open_state(str(path), clock=Clock(), **{**CORE, "patience": 0.2, **options})


def count(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM attempts").fetchone()[0])
    finally:
        connection.close()


def works(store: Store) -> None:
    """Do what a run does."""
    store.decide("slot", "c", choosing("one"), run_id="run")
    store.record([attempt(900)], SETTINGS, refs=[ref()], ended="c")
    store.save_run(Run("run", START, "ask"))
    store.save_result(PhaseResult("late", "phase1", "reader", "one", START, "answer"))
    assert store.results("late")[0].text == "answer"
    assert store.snapshot().models["one"].successes >= 1
    assert store.snapshot().in_flight == {}
    lease = store.acquire("x", 5.0)
    assert lease is not None
    store.release(lease)
    assert store.reserve("day", 0.1, 1.0) is not None
    assert [one.id for one in store.attempts()][-1] == "attempt-00000900"
    assert store.run("run") is not None
    assert len(store.decisions("run")) >= 1


# what may not be opened at all


def test_row_55_a_directory(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match=rf"^State file {tmp_path} is a directory\.$"):
        opened(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_row_55_a_fifo_is_no_regular_file_and_is_not_waited_on(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(StoreUnusable, match="is not a regular file"):
        opened(path)


def test_row_56_a_missing_parent(tmp_path: Path) -> None:
    wanted = tmp_path / "no" / "such" / "state.db"
    with pytest.raises(StoreUnusable, match=rf"^Cannot create {wanted}: No such file or directory\. Use --state\.$"):
        opened(wanted)
    assert list(tmp_path.iterdir()) == []


def test_row_56_the_default_folder_is_made_private(tmp_path: Path) -> None:
    wanted = tmp_path / "own" / "archfb" / "state.db"
    opened(wanted, explicit=False).close()
    assert stat.S_IMODE(wanted.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(wanted.stat().st_mode) == 0o600


@pytest.mark.usefixtures("permissions_bind")
def test_row_56_a_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreUnusable, match=r"Permission denied\. Use --state\.$"):
        opened(folder / "state.db")


def test_row_56_a_parent_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable, match="Not a directory"):
        opened(tmp_path / "file" / "state.db")


@pytest.mark.parametrize("name", ["x\0y", "n" * 300])
def test_row_56_a_name_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreUnusable, match=r"^Cannot create .*Use --state\.$"):
        opened(tmp_path / name)


@pytest.mark.parametrize("name", ["a?b.db", "a%41#c.db", "ü \n.db", "file:x.db"])
def test_names_that_mean_something_in_an_address_are_only_names(tmp_path: Path, name: str) -> None:
    made(tmp_path / name)
    assert (tmp_path / name).is_file()
    assert len(list(peek(str(tmp_path / name)).attempts())) == 2


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o666, 0o777])
def test_row_57_an_own_file_open_to_others_is_closed_and_said(path: Path, mode: int) -> None:
    made(path)
    path.chmod(mode)
    store = opened(path)
    assert store.opened.notes == (f"{path} could be used by others (mode {mode:04o}); set to 0600.",)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.record([attempt(3)], SETTINGS)
    for one in path.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one.name
    store.close()


def test_row_57_another_owners_file(path: Path) -> None:
    made(path)
    with pytest.raises(StoreUnusable, match=rf"^{path} belongs to \S+\. Use --state\.$"):
        examine(str(path), uid=os.geteuid() + 1)


@pytest.mark.skipif(not ROOT, reason="only root can give files away")
def test_row_57_a_file_of_an_owner_without_a_name(path: Path) -> None:
    made(path)
    os.chown(path, 54321, -1)
    with pytest.raises(StoreUnusable, match="belongs to user 54321"):
        opened(path)


def test_row_58_a_dangling_link(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreUnusable, match=rf"^{path} is a link to {tmp_path / 'nowhere'}, which does not exist\.$"):
        opened(path)
    assert not (tmp_path / "nowhere").exists()


def test_row_58_a_link_to_anothers_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs").touch()
    path.symlink_to(tmp_path / "theirs")
    with pytest.raises(StoreUnusable, match=r"is a link to .*theirs, which is not yours"):
        examine(str(path), uid=os.geteuid() + 1)


def test_row_58_a_link_to_an_own_file_is_followed(path: Path, tmp_path: Path) -> None:
    made(tmp_path / "real.db")
    path.symlink_to(tmp_path / "real.db")
    store = opened(path)
    works(store)
    store.close()
    assert count(tmp_path / "real.db") == 3


@pytest.mark.parametrize("content", [b"hello, I am a diary\n" * 100, b"\x89PNG\r\n\x1a\n" + bytes(5000), b"x"])
@pytest.mark.parametrize("way", [opened, lambda path: peek(str(path))])
def test_row_59_not_a_database(path: Path, content: bytes, way: Callable[[Path], Store]) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match=r"is not an archfb state file \(first bytes .*\)\. Not touched\.$"):
        way(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("pragma", ["application_id=0", "application_id=252006674", "user_version=7"])
@pytest.mark.parametrize("way", [opened, lambda path: peek(str(path))])
def test_row_60_another_programs_database(path: Path, pragma: str, way: Callable[[Path], Store]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.execute(f"PRAGMA {pragma}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"its application_id differs \(0x.*\); not touched\.$"):
        way(path)
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_state(path: Path) -> None:
    path.touch()
    store = opened(path)
    assert store.opened.saving
    works(store)
    store.close()


# what is damaged, newer or half done


@pytest.mark.parametrize("at", [1024, 2048 * 3, 2048 * 10])
def test_row_61_corrupt_pages_are_set_aside_at_opening_or_in_use(path: Path, at: int) -> None:
    made(path)
    content = bytearray(path.read_bytes())
    content[at : at + 2048 * 40] = os.urandom(len(content[at : at + 2048 * 40]))
    content[100:108] = bytes(content[100:108]) if at > 2000 else os.urandom(8)
    path.write_bytes(content)
    said: list[str] = []
    store = opened(path, warn=said.append)
    works(store)
    assert store.opened.saving
    (note,) = store.opened.notes
    kept = next(one for one in path.parent.iterdir() if ".corrupt-" in one.name)
    assert note == f"State was damaged; kept as {kept}; starting fresh."
    assert kept.read_bytes() == bytes(content)
    store.close()
    assert count(path) == 1


def test_row_61_a_truncated_file(path: Path) -> None:
    made(path)
    os.truncate(path, 5000)
    store = opened(path)
    works(store)
    assert "State was damaged" in store.opened.notes[0]
    store.close()


def test_row_61_a_damaged_state_is_told_by_peek_and_left_alone(path: Path) -> None:
    made(path)
    os.truncate(path, 5000)
    before = path.read_bytes()
    store = peek(str(path))
    assert store.opened.notes[0].startswith(f"State at {path} cannot be read: ")
    assert store.snapshot().models == {}
    assert path.read_bytes() == before


def test_row_61_a_damaged_state_is_not_sound_and_no_empty_copy_is_made_of_it(path: Path) -> None:
    made(path)
    os.truncate(path, 5000)
    store = peek(str(path))
    assert store.check() == list(store.opened.notes)
    with pytest.raises(StoreUnusable, match=r"cannot be read: .*: nothing to copy to "):
        store.backup(f"{path}.copy")
    assert not os.path.exists(f"{path}.copy")  # noqa: PTH110


def test_of_a_state_that_is_not_there_no_copy_is_made(path: Path) -> None:
    with pytest.raises(StoreUnusable, match=r"There is no state at "):
        peek(str(path)).backup(f"{path}.copy")
    assert not os.path.exists(f"{path}.copy")  # noqa: PTH110


def test_row_62_a_newer_schema_is_read_but_not_written(path: Path) -> None:
    made(path)
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE model_health ADD COLUMN mood TEXT")
    connection.execute(f"PRAGMA user_version={state_file.VERSION + 1}")
    connection.close()
    store = opened(path)
    assert not store.opened.saving
    assert store.opened.notes == ("State is from archfb ≥ schema 2; this is schema 1. Running without saving.",)
    assert store.results("key")[0].text == "paid for"
    assert store.snapshot().models["one"].successes == 2
    works(store)
    store.close()
    assert count(path) == 2


def test_row_63_a_failed_migration_is_rolled_back_and_names_its_step(path: Path) -> None:
    made(path)
    database = Database(str(path), lock=FileLock(f"{path}{SUFFIX}"))
    broken = Step(2, "moods", ("CREATE TABLE moods (x)", "CREATE TABLE moods (x)"))
    with pytest.raises(MigrationFailed, match=r"^Step 2 \(moods\) of the state's schema failed: table moods already"):
        bring_up(database, (*STEPS, broken))
    assert version(database.connection) == 1
    assert database.connection.execute("SELECT name FROM sqlite_master WHERE name = 'moods'").fetchall() == []
    database.close()
    works(opened(path))


def test_row_63_a_migration_keeps_a_backup_of_what_was(path: Path) -> None:
    made(path)
    database = Database(str(path), lock=FileLock(f"{path}{SUFFIX}"))
    bring_up(database, (*STEPS, Step(2, "moods", ("CREATE TABLE moods (x)", "DROP TABLE attempts"))))
    assert version(database.connection) == 2
    database.close()
    copy = Path(f"{path}.before-2")
    assert count(copy) == 2
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_row_63_a_creation_killed_half_way_is_done_again(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    store = opened(path)
    assert store.opened.saving
    works(store)
    store.close()


# what cannot be written now

HOLDS = {
    "the lock file": "import fcntl, os, sys, time\n"
    "fd = os.open(sys.argv[1] + '-lock', os.O_RDWR | os.O_CREAT, 0o600)\n"
    "fcntl.flock(fd, fcntl.LOCK_EX); os.pwrite(fd, b'%-10d 1790000000.0\\n' % os.getpid(), 0)\n"
    "print('held', flush=True); time.sleep(60)",
    "the database": "import sqlite3, sys, time\n"
    "c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')\n"
    "print('held', flush=True); time.sleep(60)",
}


@pytest.fixture(params=list(HOLDS))
def holder(request: pytest.FixtureRequest, path: Path) -> Any:
    made(path)
    process = subprocess.Popen([sys.executable, "-c", HOLDS[request.param], str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_row_64_a_lock_held_too_long_under_way_ends_saving_not_the_run(holder: Any, path: Path) -> None:
    said: list[str] = []
    store = opened(path, warn=said.append)
    works(store)
    assert not store.opened.saving
    (note,) = said
    assert note.startswith(f"State is held by pid {holder.pid} (since 20")
    assert note.endswith("). Running without saving.")
    assert store.results("key")[0].text == "paid for"
    store.close()
    assert count(path) == 2


def test_row_64_what_was_not_saved_is_saved_once_the_lock_is_free(holder: Any, path: Path) -> None:
    store = opened(path)
    works(store)
    assert not store.opened.saving
    holder.kill()
    holder.wait()
    store.close()
    assert store.opened.notes[-1] == "State can be saved again; 1 attempts were written late."
    again = opened(path)
    assert [one.id for one in again.attempts()][-1] == "attempt-00000900"
    assert again.results("late")[0].text == "answer"
    assert again.snapshot().models["one"].successes == 3
    again.close()


def test_row_64_a_lock_held_at_opening(path: Path) -> None:
    lock = FileLock(f"{path}{SUFFIX}")
    lock.acquire(0)
    store = opened(path)
    assert store.opened.notes[0].startswith(f"State is held by pid {os.getpid()} (since ")
    works(store)
    lock.close()
    store.close()


def test_row_64_readers_need_no_lock(holder: Any, path: Path) -> None:
    store = peek(str(path))
    assert store.opened.notes == ()
    assert store.snapshot().models["one"].successes == 2


def test_row_74_a_lock_file_left_by_a_dead_process_is_taken_over(path: Path) -> None:
    made(path)
    Path(f"{path}{SUFFIX}").write_text("4194999    1790000000.000\n")
    store = opened(path)
    works(store)
    assert store.opened.notes == ()
    store.close()


def _full(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()


class FullConnection:
    """A connection to a disk that has no room left."""

    def __init__(self, connection: sqlite3.Connection, code: int) -> None:
        self._connection = connection
        self._code = code

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            if self._code == sqlite3.SQLITE_FULL:  # SQLite takes the transaction back by itself
                self._connection.execute("ROLLBACK")
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = self._code
            raise error
        return self._connection.execute(sql, *values)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (sqlite3.SQLITE_FULL, "Disk full at {path}; health not saved, call not affected."),
        (sqlite3.SQLITE_READONLY, "State is read-only; decisions use it, nothing is saved."),
        (sqlite3.SQLITE_IOERR, "State at {path} cannot be saved: database or disk is full. Running without saving."),
    ],
)
def test_row_65_a_full_disk_ends_saving_not_the_run(path: Path, code: int, sentence: str) -> None:
    said: list[str] = []
    store: Any = opened(path, warn=said.append)
    store.record([attempt(1)], SETTINGS)
    database = store._store._database
    database.connection = FullConnection(database.connection, code)
    works(store)
    works(store)
    assert said == [sentence.format(path=path)]
    assert not store.opened.saving
    store.close()


@needs_mount
def test_row_65_and_66_a_tiny_disk_fills_and_a_read_only_one_is_only_read(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "400k") as folder:
        store = opened(folder / "state.db")
        for n in range(1000):
            store.record([attempt(n, message="m" * 500)], SETTINGS)
        assert store.opened.notes == (f"Disk full at {folder / 'state.db'}; health not saved, call not affected.",)
        assert store.snapshot().models["one"].successes == 1000
        assert len(list(store.attempts())) == 1000
        store.close()
        kept = count(folder / "state.db")
        assert kept > 10
        read_only(folder)
        reader = opened(folder / "state.db")
        assert reader.opened.notes == ("State is read-only; decisions use it, nothing is saved.",)
        assert reader.snapshot().models["one"].successes == kept
        works(reader)
        assert peek(str(folder / "state.db")).snapshot().models["one"].successes == kept


@pytest.mark.usefixtures("permissions_bind")
def test_row_66_a_folder_that_cannot_be_written(path: Path) -> None:
    made(path)
    Path(f"{path}{SUFFIX}").unlink(missing_ok=True)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    store = opened(path)
    assert store.opened.notes == ("State is read-only; decisions use it, nothing is saved.",)
    works(store)
    path.parent.chmod(0o700)


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/vda rw
30 22 0:{minor} / {point} rw,relatime shared:1 - {kind} server:/export rw
31 22 0:99 / /else\\040where rw - tmpfs tmpfs rw
broken line
"""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"])
@pytest.mark.parametrize("by_device", [True, False])
def test_row_67_a_network_disk_is_known(tmp_path: Path, kind: str, by_device: bool) -> None:
    there = tmp_path.stat().st_dev
    mounts = tmp_path / "mounts"
    minor = f"{os.minor(there)}" if by_device else "4095"
    text = MOUNTS.format(minor=minor, point="/far" if by_device else tmp_path, kind=kind)
    mounts.write_text(text.replace(f"0:{minor}", f"{os.major(there)}:{minor}") if by_device else text)
    assert network_of(str(tmp_path), str(mounts)) == kind
    assert examine(str(tmp_path / "x" / "state.db"), mounts=str(mounts)).file_system == kind


def test_row_67_a_local_disk_is_fine(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(minor=4095, point="/far", kind="nfs4"))
    assert network_of(str(tmp_path), str(mounts)) is None
    assert network_of(str(tmp_path), str(tmp_path / "absent")) is None
    assert network_of(str(tmp_path)) is None


@pytest.mark.parametrize("explicit", [True, False])
def test_row_67_a_network_disk_is_refused_by_name_and_not_saved_to_by_default(path: Path, explicit: bool) -> None:
    mounts = path.parent / "mounts"
    mounts.write_text(MOUNTS.format(minor=4095, point=path.parent, kind="nfs4"))
    sentence = f"{path} is on nfs4; SQLite is unsafe there. Use a local disk or postgresql://…"
    if explicit:
        with pytest.raises(StoreUnusable) as caught:
            opened(path, mounts=str(mounts))
        assert str(caught.value) == sentence
        return
    store = opened(path, explicit=False, mounts=str(mounts))
    assert store.opened.notes == (sentence + ". Running without saving.",)
    assert not store.opened.saving
    works(store)
    store.close()
    assert not path.exists()


def test_row_68_versions_with_the_log_bug() -> None:
    affected = [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 0), (3, 51, 2)]
    sound = [(3, 6, 23), (3, 44, 6), (3, 44, 9), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)]
    assert [one for one in affected if not has_wal_bug(one)] == []
    assert [one for one in sound if has_wal_bug(one)] == []


# what happens to the file under way


def gone(path: Path) -> None:
    path.unlink()


def unlocked(path: Path) -> None:
    Path(f"{path}{SUFFIX}").unlink()


def all_gone(path: Path) -> None:
    for one in path.parent.glob("state.db*"):
        one.unlink()


def replaced(path: Path) -> None:
    other = path.parent / "other.db"
    made(other, attempt(500))
    other.rename(path)


@pytest.mark.parametrize(("what", "kept"), [(gone, 1), (all_gone, 1), (replaced, 2), (unlocked, 4)])
def test_row_69_a_file_that_vanishes_or_changes_under_way_is_opened_anew(
    path: Path, what: Callable[[Path], None], kept: int
) -> None:
    made(path)
    said: list[str] = []
    store: Any = opened(path, warn=said.append)
    store.record([attempt(3)], SETTINGS)
    what(path)
    store._store._database._looked = 0.0
    works(store)
    assert said == [f"State file {path} vanished or was replaced; opened anew."]
    assert store.opened.saving
    store.close()
    assert count(path) == kept


def test_row_69_a_folder_that_vanishes_ends_saving_not_the_run(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "state.db"
    path.parent.mkdir()
    store: Any = opened(path)
    store.record([attempt(3)], SETTINGS)
    shutil.rmtree(path.parent)
    store._store._database._looked = 0.0
    works(store)
    assert not store.opened.saving
    store.close()


def test_row_69_a_reader_is_told_that_the_file_vanished(path: Path) -> None:
    made(path)
    store: Any = peek(str(path))
    assert store.snapshot().models
    path.unlink()
    store._database._looked = 0.0
    assert store.snapshot().models == {}
    assert store.opened.notes == ("State file vanished; waiting for it…",)
    made(path, attempt(7))
    store._database._looked = 0.0
    assert store.snapshot().models["one"].successes == 1
    assert store.opened.notes == ()
    store.close()


def test_row_69_a_file_overwritten_in_place_is_set_aside(path: Path) -> None:
    made(path)
    store = opened(path)
    store.snapshot()
    path.write_bytes(b"rubbish " * 2000)
    works(store)
    assert store.opened.saving
    store.close()


# what others may have written into it


@pytest.mark.parametrize("value", ["NULL", "'abc'", "x'00ff'", "9e999", "'1e5x'"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("model_health", "successes"),
        ("model_health", "token_ratio"),
        ("deployments", "suspicion"),
        ("deployments", "openings"),
    ],
)
def test_row_71_a_number_that_is_none_makes_its_row_ignored_and_rebuilt(
    path: Path, table: str, column: str, value: str
) -> None:
    made(path, *[attempt(n, outcome=Outcome.TIMEOUT) for n in range(5)])
    good = peek(str(path)).snapshot()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table' AND name = ?", (table,)
    )
    connection.commit()
    connection.close()
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {table} SET {column} = {value}")
    connection.commit()
    connection.close()
    reader = peek(str(path))
    assert len(reader.snapshot().models) + len(reader.snapshot().deployments) == 1
    assert reader.check() == [f"1 row of {table} cannot be read; ignored"]
    reader.close()
    store = opened(path)
    store.record([attempt(50, "two")], SETTINGS)
    rows = store.snapshot()
    assert rows.models["one"].failures == good.models["one"].failures
    assert rows.deployments[ref().deployment].consecutive == 5
    assert store.check() == []
    store.close()


def test_row_71_attempts_that_cannot_be_read_are_left_out(path: Path) -> None:
    made(path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE attempts SET latency_ms = 'abc', input_tokens = 'many' WHERE id = 'attempt-00000001'")
    connection.commit()
    connection.close()
    store = opened(path)
    assert [one.id for one in store.attempts()] == ["attempt-00000002"]
    assert [one.id for one in store.attempts(limit=5)] == ["attempt-00000002"]
    assert sum(one.count for one in store.counters()) == 2
    assert store.check() == ["1 row of attempts cannot be read; ignored"]
    store.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE model_health SET status = 'sleepy'", "unknown"),
        ("UPDATE model_health SET latency_level = 'purple'", "healthy"),
        ("UPDATE deployments SET error_level = 'purple'", "healthy"),
        ("UPDATE deployments SET breaker = 'ajar'", "healthy"),
        ("UPDATE attempts SET outcome = 'exploded', kind = 'x'", "healthy"),
        ("UPDATE machine SET pending = '{\"a\": 1}'", "healthy"),
        ("UPDATE machine SET pending = '[3]'", "healthy"),
        ("UPDATE model_health SET latencies_ms = '[1, \"x\"]'", None),
        ("UPDATE model_health SET latencies_ms = 'not json'", None),
        ("UPDATE model_health SET learned = '[]'", None),
        ("UPDATE meta SET value = 'not json' WHERE name = 'folded'", "healthy"),
        ("UPDATE credits SET credit = 'x'", "healthy"),
        ("UPDATE leases SET expires_at = 'never'", "healthy"),
        ("UPDATE in_flight SET expires_at = 'never'", "healthy"),
        ("UPDATE decisions SET candidates = 'x'", "healthy"),
        ("UPDATE runs SET started_at = 'x'", "healthy"),
        ("UPDATE rollups SET count = 'x'", "healthy"),
        ("DELETE FROM attempts", "healthy"),
        ("DELETE FROM meta", "healthy"),
    ],
)
def test_row_72_unknown_words_and_other_edits_crash_nothing(path: Path, change: str, expected: str | None) -> None:
    store = opened(path)
    for n in range(300):
        store.record([attempt(n)], SETTINGS)
    store.save_run(Run("r", START, "x"))
    store.acquire("lease", 9.0)
    store.decide("slot", "c9", choosing("one"), run_id="r")
    store.close()
    connection = sqlite3.connect(path)
    connection.execute(change)
    connection.commit()
    connection.close()
    store = opened(path)
    model = store.snapshot().models.get("one")
    assert (model.status if model else None) == expected
    store.snapshot()
    store.counters()
    store.hours(since=0.0)
    store.runs()
    store.decisions("r")
    assert store.meta("folded") is not False
    store.decide("slot", "c", choosing("one"), run_id="run")
    store.record([attempt(n) for n in range(900, 1400)], SETTINGS, refs=[ref()], ended="c")
    assert store.acquire("lease", 5.0) is not None or "leases" not in change
    assert store.opened.saving, store.opened.notes
    store.prune(keep_days=1)
    store.close()


# reading only


def test_peek_creates_nothing(tmp_path: Path) -> None:
    store = peek(str(tmp_path / "no" / "state.db"))
    assert (store.opened.saving, store.opened.notes) == (False, ())
    assert store.snapshot().models == {}
    assert list(tmp_path.iterdir()) == []


def test_peek_reads_what_is_there_and_writes_nothing(path: Path) -> None:
    made(path)
    store = peek(str(path), clock=Clock())
    assert store.snapshot().models["one"] == opened(path).snapshot().models["one"]
    assert store.snapshot().deployments == {
        ref().deployment: DeploymentRecord(ref().deployment, last_event_at=START + 2.5)
    }
    assert store.decide("slot", "c", choosing("one", "two")).order[0].model == "one"
    assert store.decisions("r") == []
    assert store.snapshot().in_flight == {}
    with pytest.raises(sqlite3.OperationalError):
        store.record([attempt(9)], SETTINGS)
    assert count(path) == 2


def test_peek_reads_while_another_writes(path: Path) -> None:
    made(path)
    writer, reader = opened(path), peek(str(path))
    for n in range(3, 9):
        writer.record([attempt(n)], SETTINGS)
        assert reader.snapshot().models["one"].successes == n
    reader.close()
    writer.close()


def test_a_backup_is_a_whole_private_copy_that_never_overwrites(path: Path, tmp_path: Path) -> None:
    made(path)
    store = opened(path)
    copy = tmp_path / "copy.db"
    store.backup(str(copy))
    assert count(copy) == 2
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(StoreUnusable, match="exists already; not overwritten"):
        store.backup(str(copy))
    with pytest.raises(StoreUnusable, match=r"^Cannot write .*: No such file or directory$"):
        store.backup(str(tmp_path / "no" / "copy.db"))
    store.close()
    again = opened(copy)
    works(again)
    again.close()
    with pytest.raises(StoreUnusable, match="Nothing is saved"):
        open_state(":memory:").backup("x")


def test_a_lock_says_who_holds_it_and_waits_no_longer_than_told(tmp_path: Path) -> None:
    slept: list[float] = []
    moment = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        moment[0] += seconds

    first = FileLock(str(tmp_path / "lock"))
    second = FileLock(str(tmp_path / "lock"), monotonic=lambda: moment[0], sleep=sleep)
    first.acquire(0)
    with pytest.raises(StoreBusy, match=rf"^State is held by pid {os.getpid()} \(since \d{{4}}-"):
        second.acquire(10.0)
    assert sum(slept) == pytest.approx(10.0, abs=0.05)
    assert max(slept) <= 0.09
    assert slept[0] <= 0.0015
    first.release()
    second.acquire(0)
    assert not second.moved()
    (tmp_path / "lock").unlink()
    assert second.moved()


def test_a_model_without_a_readable_row_is_a_fresh_one(path: Path) -> None:
    made(path)
    store = opened(path)
    store.learn("three", token_ratio=2.0)
    assert store.snapshot().models["three"] == ModelRecord("three", token_ratio=2.0)
    store.close()
