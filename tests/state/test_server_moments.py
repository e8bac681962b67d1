"""What a PostgreSQL server may say at an unlucky moment, and a merge or a migration that ends half way."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from processes import PATIENCE
from shared_states import as_guest, database, hurried, shared
from state_samples import CORE, START, Clock, attempt

from archfb_state.settings import Settings
from archfb_state.storage.opening import open_state, peek
from archfb_state.storage.postgres_failures import Away, Missing
from archfb_state.storage.postgres_schema import LOCK, STEPS, Step
from archfb_state.storage.postgres_way import PostgresWay, bring_up
from archfb_state.storage.shadow import LATE, Shadow
from archfb_state.storage.shared_store import SharedStore
from archfb_state.storage.way import Core
from archfb_state.store import Run, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgres_server import PostgresServer

    from archfb_state.storage.postgres_store import PostgresStore

SETTINGS = Settings()
FULL_DISK = (
    "CREATE FUNCTION archfb.full_disk() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$; "
    "CREATE TRIGGER full_disk BEFORE INSERT ON archfb.{table} EXECUTE FUNCTION archfb.full_disk()"
)
THE_CORE = Core(Clock(), CORE["observe"], CORE["settle"])


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.emptied()


@pytest.fixture
def direct(url: str) -> Iterator[PostgresStore]:
    """Return the store on the server itself, without one that goes on while it is away."""
    store = PostgresWay(url, "", 5.0, THE_CORE).open()[0]
    yield store
    store.close()


# sentences


@pytest.mark.parametrize("opens", [open_state, peek])
def test_a_url_that_is_none_is_refused(opens: Any) -> None:
    with pytest.raises(StoreUnusable, match="cannot be read; write postgresql://user@host/name"):
        opens("postgresql://[::1/x")


def test_without_the_driver_it_is_said_how_to_get_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        StoreUnusable, match=r"needs psycopg, which is not installed: pip install 'archfb\[postgres\]'"
    ):
        open_state(url)


@pytest.mark.parametrize(
    ("age", "words"), [(20, "20 s ago"), (600, "10 min ago"), (7300, "2 h ago"), (300_000, "3 d ago")]
)
def test_it_is_said_how_old_is_what_is_known(tmp_path: Path, age: float, words: str) -> None:
    url = f"postgresql://archfb@/x?host={tmp_path}"
    told: list[str] = []
    shared(url, tmp_path).close()
    (late,) = tmp_path.glob(f"*{LATE}")
    known = late.with_suffix(".known")
    known.write_text("0")
    os.utime(known, (time.time() - age, time.time() - age))
    store = shared(url, tmp_path, warn=told.append)
    assert f"; going on from what was known {words}; " in told[0]
    assert store.opened.notes == tuple(told)
    store.close()


# what a server refuses


def test_row_64_a_lock_held_too_long_is_said_and_the_run_goes_on(postgres: PostgresServer, tmp_path: Path) -> None:
    import psycopg

    url = postgres.emptied()
    store = shared(url, tmp_path, patience=0.1)
    with psycopg.connect(postgres.address(database(url))) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK + 1,))
        store.record([attempt(1)], SETTINGS)
        assert store.opened.notes[0].startswith("State is held by another program at PostgreSQL at ")
        assert store.snapshot().models["one"].successes == 1
    hurried(store).snapshot()
    assert store.opened.notes[-1] == "The database is back."
    assert [one.id for one in store.attempts()] == [attempt(1).id]
    store.close()


class Counted:
    """A way to the server that counts how often it is gone."""

    def __init__(self, way: PostgresWay) -> None:
        self._way, self.opened = way, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._way, name)

    def open(self) -> Any:
        self.opened += 1
        return self._way.open()


@pytest.mark.parametrize(("happens", "sessions"), [("lock", 1), ("newer", 1), ("ended", 2)])
def test_row_64_a_new_session_is_tried_only_where_the_old_one_was_lost(
    postgres: PostgresServer, url: str, tmp_path: Path, happens: str, sessions: int
) -> None:
    import psycopg

    way: Any = Counted(PostgresWay(url, "", 0.1, THE_CORE))
    store = SharedStore(way, Shadow(str(tmp_path / "shadow.db"), THE_CORE))
    with psycopg.connect(postgres.address(database(url)), autocommit=happens != "lock") as other:
        if happens == "lock":
            other.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK + 1,))
        elif happens == "newer":
            other.execute("UPDATE archfb.tick SET schema = 99")
        else:
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'archfb'")
        store.record([attempt(1)], SETTINGS)
        assert way.opened == sessions
        assert store.snapshot().models["one"].successes == 1
    store.close()


def test_row_65_a_server_whose_disk_is_full_is_said_and_the_run_goes_on(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.emptied()
    store = shared(url, tmp_path)
    postgres.execute(FULL_DISK.format(table="leases"), database(url))
    assert store.acquire("x", 60.0) is not None
    assert store.opened.notes[0].startswith("The disk of PostgreSQL at ")
    assert " is full; going on from what was known 0 s ago; " in store.opened.notes[0]
    store.close()


def test_row_62_a_state_that_becomes_newer_under_way_is_left_alone(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.emptied()
    store = shared(url, tmp_path)
    postgres.execute("UPDATE archfb.tick SET schema = 99", database(url))
    store.record([attempt(1)], SETTINGS)
    assert store.opened.notes == ("State is from archfb ≥ schema 99; this is schema 1. Running without saving.",)
    assert not store.opened.saving
    store.close()
    assert postgres.execute("SELECT count(*) FROM archfb.attempts", database(url)) == [(0,)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE archfb.tick SET schema = 0", "is of an older archfb (schema 0)"),
        ("DELETE FROM archfb.tick", "holds no state yet"),
    ],
)
def test_a_state_that_is_not_this_programs_yet_is_not_read(
    postgres: PostgresServer, direct: PostgresStore, url: str, change: str, sentence: str
) -> None:
    postgres.execute(change, database(url))
    with pytest.raises(Missing) as caught:
        direct.snapshot()
    assert str(caught.value).endswith(sentence)
    looked = peek(url)
    assert looked.snapshot().models == {}
    looked.close()


def test_a_session_that_cannot_be_set_up_is_closed(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new()
    guest = as_guest(postgres, url)
    function = "FUNCTION pg_catalog.set_config(text, text, boolean)"
    postgres.execute(f"REVOKE EXECUTE ON {function} FROM PUBLIC", database(url))
    store = shared(guest, tmp_path)
    assert (
        "does not give this user the rights it needs (permission denied for function set_config)"
        in (store.opened.notes[0])
    )
    until = time.monotonic() + PATIENCE
    while postgres.execute(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{database(url)}'"):
        assert time.monotonic() < until
        time.sleep(0.02)
    store.close()


def test_no_word_of_news_comes_of_a_server_that_has_just_gone(own: PostgresServer, tmp_path: Path) -> None:
    store = shared(own.emptied(), tmp_path)
    own.stop()
    assert store.news() is None
    assert "what happens is kept here and merged later" in store.opened.notes[0]
    store.close()


# each thing once


def test_several_things_are_done_each_in_a_transaction_of_its_own(direct: PostgresStore) -> None:
    def fails() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        direct.together([lambda: direct.meta("a", 1), fails, lambda: direct.meta("b", 2)])
    assert (direct.meta("a"), direct.meta("b")) == (1, None)


def test_what_is_merged_or_settled_late_a_second_time_changes_nothing(direct: PostgresStore) -> None:
    for _ in range(2):
        direct.merge_budgets("merge", [("day", 2, 0.5)])
        assert direct.spent("day") == (2, 0.5)
    direct.merge_budgets("another", [("day", 1, 0.25)])
    for _ in range(2):
        direct.settle_late("token:day", 0.25)
        assert direct.spent("day") == (3, 1.0)


def test_a_reservation_that_the_server_never_heard_of_is_counted_once(own: PostgresServer, tmp_path: Path) -> None:
    store = shared(own.emptied(), tmp_path)
    own.stop()
    made = store.reserve("day", 0.5, 10.0)
    assert made is not None
    own.start()
    hurried(store).snapshot()
    store.spend(made, 0.4)
    assert store.opened.notes[-1] == "The database is back."
    assert store.spent("day") == (1, 0.4)
    store.close()


class HalfWay:
    """A store on the server that is lost once the sums of the budgets have been merged."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def merge_budgets(self, *merged: Any) -> None:
        self._store.merge_budgets(*merged)
        raise Away("it went away")


def test_a_merge_that_ended_half_way_adds_nothing_twice(direct: PostgresStore, tmp_path: Path) -> None:
    shadow = Shadow(str(tmp_path / "shadow.db"), THE_CORE)
    local = shadow.way().open()[0]
    local.record([attempt(1)], SETTINGS)
    held = local.reserve("day", 0.5, None)
    assert held is not None
    local.spend(held, 0.4)
    local.close()
    shadow.begin()
    half: Any = HalfWay(direct)
    with pytest.raises(Away):
        shadow.merge(half, SETTINGS, ())
    assert shadow.is_late
    assert shadow.merge(direct, SETTINGS, ()) == 1
    assert not shadow.is_late
    assert direct.spent("day") == (1, 0.4)
    assert direct.counters()[0].count == 1


def test_what_cannot_be_merged_is_kept_until_it_can(own: PostgresServer, tmp_path: Path) -> None:
    url = own.emptied()
    shared(url, tmp_path).close()
    own.stop()
    away = shared(url, tmp_path)
    away.record([attempt(1)], SETTINGS)
    away.save_run(Run("r", START, "ask"))
    away.close()
    own.start()
    own.execute(FULL_DISK.format(table="runs"), database(url))
    store = shared(url, tmp_path)
    assert " is full; going on from what was known " in store.opened.notes[0]
    assert [one.id for one in store.attempts()] == [attempt(1).id]
    own.execute("DROP TRIGGER full_disk ON archfb.runs", database(url))
    hurried(store).snapshot()
    assert store.opened.notes[1:] == (
        "Merged what was kept here while the database was away (1 attempt).",
        "The database is back.",
    )
    assert store.run("r") is not None
    assert store.counters()[0].count == 1
    store.close()


def test_what_waits_to_be_merged_is_not_written_over(direct: PostgresStore, tmp_path: Path) -> None:
    shadow = Shadow(str(tmp_path / "shadow.db"), THE_CORE)
    local = shadow.way().open()[0]
    local.record([attempt(1)], SETTINGS)
    local.close()
    shadow.begin()
    shadow.remember(direct.snapshot(), direct.salt, START)
    assert shadow.merge(direct, SETTINGS, ()) == 1
    shadow.remember(direct.snapshot(), direct.salt, START)
    known = shadow.way().open()[0]
    assert known.snapshot().models["one"].successes == 1
    assert known.salt == direct.salt
    known.close()


# the schema


def test_a_later_step_leaves_what_was_there(postgres: PostgresServer, direct: PostgresStore, url: str) -> None:
    direct.record([attempt(1)], SETTINGS)
    later = Step(2, "moods", ("CREATE TABLE archfb.moods (x text)",))
    bring_up(direct._database, (*STEPS, later))
    bring_up(direct._database, (*STEPS, later))
    name = database(url)
    assert postgres.execute("SELECT schema FROM archfb.tick", name) == [(2,)]
    assert postgres.execute("SELECT count(*) FROM archfb.attempts", name) == [(1,)]
    assert postgres.execute("SELECT count(*) FROM archfb.meta WHERE name = 'salt'", name) == [(1,)]
