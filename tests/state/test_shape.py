"""A state that somebody has rebuilt: tables and columns gone, values of another kind, a disk that is full."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from state_samples import attempt

from archfb_state.settings import Settings
from archfb_state.storage import saving, shape
from archfb_state.storage.opening import open_state, peek
from archfb_state.storage.schema import CREATE
from archfb_state.store import StoreUnusable

SETTINGS = Settings()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a state with two attempts."""
    at = tmp_path / "s.db"
    store = open_state(str(at))
    store.record([attempt(1), attempt(2)], SETTINGS)
    store.close()
    return at


def edit(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for one in statements:
            db.execute(one)


def test_every_table_of_the_schema_is_compared() -> None:
    made = {one.split()[2] for one in CREATE if one.startswith("CREATE TABLE")}
    assert made == set(shape.TABLES | shape.MOMENTARY)


REBUILT = {
    "gone": ("DROP TABLE meta",),
    "a_column_renamed": ("ALTER TABLE model_health RENAME COLUMN model TO modell",),
    "a_view_in_its_place": ("DROP TABLE transitions", "CREATE VIEW transitions AS SELECT 1 AS seq"),
    "a_momentary_one_gone": ("DROP TABLE leases",),
}


@pytest.mark.parametrize("name", REBUILT)
def test_row_61_a_state_without_its_tables_is_damaged(path: Path, name: str) -> None:
    edit(path, *REBUILT[name])
    looked = peek(str(path))
    assert looked.opened.notes[0].startswith(f"State at {path} cannot be read: no such ")
    assert looked.snapshot().models == {}
    looked.close()
    store = open_state(str(path))
    assert store.opened.notes[0].startswith(f"State was damaged; kept as {path}.corrupt-")
    store.record([attempt(3)], SETTINGS)
    store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT COUNT(*) FROM attempts").fetchone() == (1,)


def test_what_a_person_adds_to_the_state_is_no_damage(path: Path) -> None:
    edit(path, "CREATE TABLE mine (x)", "CREATE INDEX my_index ON attempts (model)", "CREATE VIEW v AS SELECT 1")
    store = open_state(str(path))
    assert store.opened.notes == ()
    store.close()


def test_row_61_damage_that_is_met_while_reading_is_told_and_gone_round(path: Path) -> None:
    said: list[str] = []
    looked: Any = peek(str(path), warn=said.append)
    rows = path.read_bytes()
    at = rows.rindex(b"server-1") if b"server-1" in rows else len(rows) // 2
    page = at // 4096 * 4096
    looked._database.close()
    path.write_bytes(rows[:page] + b"\xff" * 4096 + rows[page + 4096 :])
    looked.close()
    for n in range(4096, len(rows), 4096):
        path.write_bytes(rows[:n] + b"\xff" * 4096 + rows[n + 4096 :])
        looked = peek(str(path), warn=said.append)
        counted = looked.counters()
        assert isinstance(counted, list)
        assert isinstance(looked.transitions(), list)
        looked.close()
    assert said
    assert set(said) == {f"State at {path} cannot be read: database disk image is malformed"}


@pytest.mark.parametrize("value", ["9e999", "'abc'", "x'00ff'", "-9e999"])
def test_row_71_sums_of_another_kind_count_as_nothing(path: Path, value: str) -> None:
    store = open_state(str(path))
    assert store.reserve("b", 1.0, 10.0) is not None
    assert store.counters()
    store.close()
    edit(
        path,
        f"UPDATE totals SET seconds = {value}, cost_usd = {value}, output_tokens = {value}",
        f"UPDATE OR REPLACE rollups SET hour = {value}, count = {value}",
        f"INSERT OR REPLACE INTO handovers VALUES ({value}, {value}, {value}, {value})",
        f"UPDATE budgets SET usd = {value}, count = {value}",
        f"UPDATE reservations SET usd = {value}",
    )
    store = open_state(str(path))
    assert all(one.seconds - one.seconds == 0 and one.output_tokens >= 0 for one in store.counters())
    assert all(isinstance(name, str) for key in store.fallbacks() for name in key)
    assert isinstance(store.hours(since=0.0), list)
    assert store.reserve("b", 1.0, 10.0) is not None
    store.close()


def test_row_65_a_copy_that_cannot_be_finished_is_said_and_taken_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(path, "PRAGMA journal_mode = DELETE")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    store: Any = peek(str(path))
    with pytest.raises(StoreUnusable):
        store.backup(str(path.parent / "copy.db"))
    assert not (path.parent / "copy.db").exists()
    store.close()


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize(
    ("code", "named", "default"),
    [
        (errno.EACCES, "Cannot create {}: Permission denied. Use --state.", None),
        (errno.EROFS, "Cannot create {}: Read-only file system. Use --state.", "State is read-only; "),
        (errno.ENOSPC, None, "Disk full at {}; health not saved, call not affected."),
    ],
)
def test_rows_56_and_66_a_folder_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, explicit: bool, code: int, named: str | None, default: str | None
) -> None:
    def refuse(path: str, *_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), path)

    path = tmp_path / "below" / "s.db"
    monkeypatch.setattr(os, "makedirs", refuse)
    monkeypatch.setattr("archfb_state.storage.way.FileLock", refuse)
    refused = named if explicit or default is None else None
    if refused is not None:
        with pytest.raises(StoreUnusable, match=re.escape(refused.format(path))):
            open_state(str(path), explicit=explicit)
        return
    store = open_state(str(path), explicit=explicit)
    assert store.opened.notes[0].startswith((default or "").format(path))
    assert not store.opened.saving
    store.close()


def test_row_65_a_disk_without_room_for_the_logs_index_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not saving.no_room(str(path))
    assert not saving.no_room("/nowhere/at/all")
    monkeypatch.setattr(saving, "LOG_INDEX", 1e30)
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert saving._sentence("/x.db", error) == "Disk full at /x.db; health not saved, call not affected."
