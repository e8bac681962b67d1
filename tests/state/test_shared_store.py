"""The state on a real PostgreSQL server that goes away and comes back, and several hosts and vantages on it."""

from __future__ import annotations

import select
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from processes import PATIENCE
from shared_states import as_guest, database, hurried, shared, unheard
from state_samples import CORE, START, attempt, choosing, ref

from archfb_state.outcomes import Outcome
from archfb_state.settings import Settings
from archfb_state.storage.claims import ANSWER
from archfb_state.storage.opening import open_state, peek
from archfb_state.storage.postgres_failures import Away
from archfb_state.storage.shared_store import RETRY_AFTER
from archfb_state.storage.transfer import migrate
from archfb_state.storage.way import Core
from archfb_state.store import PhaseResult, Run, StoreUnusable

if TYPE_CHECKING:
    from postgres_server import PostgresServer

    from archfb_state.store import Store

SETTINGS = Settings()
PAGES = Path(__file__).parents[2] / "docs"


# durability


def test_what_was_recorded_survives_a_crash_of_the_server(own: PostgresServer, tmp_path: Path) -> None:
    store = shared(own.emptied(), tmp_path)
    for n in range(30):
        store.record([attempt(n)], SETTINGS)
    own.stop(signal.SIGQUIT)
    own.start()
    assert {one.id for one in store.attempts()} == {attempt(n).id for n in range(30)}
    store.close()


# news


def test_word_of_a_change_of_status_comes_at_once_and_is_taken_in_by_a_look(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.emptied()
    here, watcher = shared(url, tmp_path), peek(url, folder=str(tmp_path))
    descriptor = watcher.news()
    assert descriptor is not None
    here.save_run(Run("r1", here.now(), "run"))
    assert not select.select([descriptor], [], [], 0.05)[0]
    here.record([attempt(1, outcome=Outcome.TIMEOUT)], SETTINGS)
    assert select.select([descriptor], [], [], PATIENCE)[0]
    assert watcher.snapshot().models["one"].failures == 1
    assert watcher.news() == descriptor
    assert not select.select([descriptor], [], [], 0.05)[0]
    here.close()
    watcher.close()


def test_a_new_session_is_listened_to_and_none_while_the_server_is_away(own: PostgresServer, tmp_path: Path) -> None:
    store = shared(own.emptied(), tmp_path)
    descriptor = store.news()
    assert descriptor is not None
    own.stop()
    assert select.select([descriptor], [], [], PATIENCE)[0]
    store.snapshot()
    assert store.news() is None
    own.start()
    hurried(store).snapshot()
    assert store.news() is not None
    store.close()


# vantages


def test_health_is_shared_within_a_vantage_accounts_and_budgets_over_all(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.emptied()
    here, beside, there = (shared(url, tmp_path, name) for name in ("office", "office", "cloud"))
    here.record([attempt(1, outcome=Outcome.TIMEOUT)], SETTINGS)
    here.drain("two", by="ada", why="x", until=here.now() + 60)
    assert beside.snapshot().models["one"].failures == 1
    assert there.snapshot().models == {}
    assert there.snapshot().deployments == {}
    assert list(there.snapshot().accounts) == [attempt(1).account]
    assert len(there.transitions()) == 0
    assert len(here.transitions()) == 2
    assert here.acquire("probe:x", 60) is not None
    assert beside.acquire("probe:x", 60) is None
    assert there.acquire("probe:x", 60) is not None
    assert here.reserve("day", 0.6, 1.0) is not None
    assert there.reserve("day", 0.6, 1.0) is None
    assert here.salt == there.salt
    here.meta("probed_at", 1)
    assert (beside.meta("probed_at"), there.meta("probed_at")) == (1, None)
    for one in (here, beside, there):
        one.close()


def test_the_servers_clock_rules(postgres: PostgresServer, tmp_path: Path) -> None:
    store = shared(postgres.emptied(), tmp_path)
    began = time.time()
    told = [store.now(), store.snapshot().at]
    lease = store.acquire("x", 60)
    assert lease is not None
    told.append(lease.expires_at - 60)
    ended = time.time()
    assert all(began - 1 < one < ended + 1 for one in told)
    store.close()


def test_a_late_result_of_an_expired_lease_changes_nothing(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.emptied()
    one, other = shared(url, tmp_path), shared(url, tmp_path)
    first = one.acquire("trial:x", 0.0)
    assert first is not None
    second = other.acquire("trial:x", 60.0)
    assert second is not None
    one.release(first)
    assert list(one.snapshot().leases) == ["trial:x"]
    one.close()
    other.close()


def test_a_probes_lease_is_not_taken_over_for_a_process_number_of_another_host(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url, ended = postgres.emptied(), subprocess.Popen(["true"])
    ended.wait()
    here, there = shared(url, tmp_path / "here"), shared(url, tmp_path / "there")
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr("os.getpid", lambda: ended.pid)
        assert there.acquire("probe:x", 60.0) is not None
    assert here.acquire("probe:x", 60.0) is None
    here.close()
    there.close()


# opening


@pytest.mark.parametrize(
    "url",
    ["postgresql://me:canary@db/x", "postgresql://db/x?password=canary", "postgres://db/x?sslpassword=canary"],
)
@pytest.mark.parametrize("opens", [open_state, peek])
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str, opens: Any) -> None:
    with pytest.raises(StoreUnusable, match="holds a password") as caught:
        opens(url)
    assert "canary" not in str(caught.value)


def test_a_newer_schema_is_left_alone(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.emptied()
    shared(url, tmp_path).close()
    postgres.execute("UPDATE archfb.tick SET schema = 99", database(url))
    store = shared(url, tmp_path)
    assert not store.opened.saving
    assert store.opened.notes == ("State is from archfb ≥ schema 99; this is schema 1. Running without saving.",)
    store.record([attempt(1)], SETTINGS)
    assert store.snapshot().models["one"].successes == 1
    store.close()
    assert peek(url).opened.notes == store.opened.notes


def test_looking_makes_nothing(postgres: PostgresServer) -> None:
    url = postgres.emptied()
    store = peek(url)
    assert (store.snapshot().models, store.opened.notes, store.opened.saving) == ({}, (), False)
    store.close()
    name = database(url)
    assert postgres.execute("SELECT to_regclass('archfb.tick')", name) == [(None,)]


def test_whoever_only_looks_sees_what_others_write(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.emptied()
    store, looking = shared(url, tmp_path), peek(url)
    hurried(looking) if looking.opened.notes else None
    store.record([attempt(1)], SETTINGS)
    assert looking.snapshot().models["one"].successes == 1
    assert looking.decide("slot", "c", choosing("one")).order[0].model == "one"
    assert looking.snapshot().in_flight == {}
    with pytest.raises(StoreUnusable, match="only to be read"):
        looking.drain("one", by="a", why="b", until=START)
    store.close()
    looking.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("/postgres?", "/nowhere?"), "has no such database; create it with createdb"),
        (("postgresql://archfb@", "postgresql://nobody@"), "went away"),
        (("port=5499", "port=5498"), "refuses connections; is it running"),
        (("host=/", "host=host.invalid&ignored=/"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_and_the_run_goes_on(
    postgres: PostgresServer, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    url = postgres.address("postgres").replace(*change)
    if sentence == "cannot be read":
        with pytest.raises(StoreUnusable, match=sentence):
            shared(url, tmp_path)
        return
    store = shared(url, tmp_path)
    (note,) = store.opened.notes
    assert sentence in note
    assert note.endswith("; nothing is known of it yet; what happens is kept here and merged later.")
    store.record([attempt(1)], SETTINGS)
    assert store.snapshot().models["one"].successes == 1
    store.close()
    again = peek(url, folder=str(tmp_path))
    assert again.snapshot().models["one"].successes == 1
    again.close()


# away and back


def test_a_server_that_restarts_is_not_noticed(own: PostgresServer, tmp_path: Path) -> None:
    store = shared(own.emptied(), tmp_path)
    store.record([attempt(1)], SETTINGS)
    own.stop(signal.SIGQUIT)
    own.start()
    store.record([attempt(2)], SETTINGS)
    assert store.snapshot().models["one"].successes == 2
    assert store.opened.notes == ()
    store.close()


def test_what_happens_while_the_server_is_away_is_merged_exactly_once(own: PostgresServer, tmp_path: Path) -> None:
    url = own.emptied()
    store, other = shared(url, tmp_path / "a"), shared(url, tmp_path / "b")
    store.record([attempt(1, cost_usd=0.5)], SETTINGS)
    early = store.reserve("day", 0.5, 10.0)
    assert early is not None
    salt = store.salt
    own.stop(signal.SIGQUIT)
    store.record([attempt(1), attempt(2)], SETTINGS)
    assert store.opened.notes[0].startswith(
        f"PostgreSQL at {own.folder}/{database(url)} refuses connections; is it running; "
    )
    assert "going on from what was known" in store.opened.notes[0]
    assert store.opened.saving
    assert store.snapshot().models["one"].successes >= 2
    assert store.salt == salt
    store.save_run(Run("run-1", START, "ask"))
    store.save_result(PhaseResult("k", "phase1", "reader", "one", START, "text", run_id="run-1"))
    assert store.results("k")[0].text == "text"
    late = store.reserve("day", 0.25, 10.0)
    assert late is not None
    store.spend(late, 0.2)
    store.spend(early, 0.4)
    assert store.acquire("probe:x", 60) is not None
    store.close()
    dead = shared(url, tmp_path / "a")
    dead.record([attempt(3)], SETTINGS)
    held = dead.reserve("day", 0.25, 10.0)
    own.start()
    hurried(dead).record([attempt(4)], SETTINGS)
    assert held is not None
    dead.spend(held, 0.1)
    assert dead.opened.notes[-1] == "The database is back."
    assert sorted(one.id for one in other.attempts()) == [attempt(n).id for n in (1, 2, 3, 4)]
    assert other.counters()[0].count == 4
    assert other.snapshot().models["one"].successes == 4
    assert other.run("run-1") == Run("run-1", START, "ask")
    assert [one.text for one in other.results("k")] == ["text"]
    count, usd = other.spent("day")
    assert (count, usd) == (3, pytest.approx(0.2 + 0.4 + 0.1))
    dead.close()
    again = shared(url, tmp_path / "a")
    assert again.opened.notes == ()
    assert again.counters()[0].count == 4
    again.close()
    other.close()


@pytest.mark.parametrize("what", ["finish", "flush"])
def test_what_was_committed_unheard_is_done_once(postgres: PostgresServer, tmp_path: Path, what: str) -> None:
    store = shared(postgres.emptied(), tmp_path)
    unheard(store)
    for call in ("c1", "c2"):
        store.decide("slot", call, choosing("one", "two"), run_id="r")
    assert [one.decision.order[0].model for one in store.decisions("r")] == ["one", "two"]
    unheard(store, what)
    first = store.reserve("day", 0.5, 0.9)
    assert first is not None
    unheard(store, what)
    store.spend(first, 0.3)
    assert store.spent("day") == (1, 0.3)
    unheard(store, what)
    lease = store.acquire("probe:x", 60.0)
    assert lease is not None
    unheard(store, what)
    store.record([attempt(1)], SETTINGS)
    assert store.counters()[0].count == store.snapshot().models["one"].successes == 1
    unheard(store, what)
    store.release(lease)
    assert store.acquire("probe:x", 60.0) is not None
    assert store.opened.notes == ()
    store.close()


@pytest.mark.parametrize("lost", ["reserve", "spend"])
def test_what_was_committed_unheard_is_counted_once_after_an_outage(
    own: PostgresServer, tmp_path: Path, lost: str
) -> None:
    url = own.emptied()
    store, other = shared(url, tmp_path / "a"), shared(url, tmp_path / "b")
    sure = store.reserve("day", 0.5, 10.0)
    assert sure is not None
    database = unheard(store)
    commit = database.finish

    def stopped(how: str) -> None:
        try:
            commit(how)
        finally:
            own.stop()

    database.finish = stopped
    if lost == "spend":
        store.spend(sure, 0.4)
    unclear = store.reserve("day", 0.25, 10.0)
    assert unclear is not None
    assert "what happens is kept here and merged later" in store.opened.notes[0]
    if lost == "spend":
        store.spend(unclear, 0.2)
    own.start()
    hurried(store).snapshot()
    if lost == "reserve":
        for reservation, usd in ((unclear, 0.2), (unclear, 0.2), (sure, 0.4)):
            store.spend(reservation, usd)
    assert store.opened.notes[-1] == "The database is back."
    assert other.spent("day") == (2, pytest.approx(0.6))
    store.close()
    other.close()


@pytest.mark.parametrize(("met", "wrong"), [(True, -86400.0), (False, 86400.0)])
def test_a_host_whose_clock_is_wrong_does_no_harm_while_the_server_is_away(
    own: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: float, met: bool
) -> None:
    url, right = own.emptied(), time.time
    other = shared(url, tmp_path / "other")
    other.record([replace(attempt(n, outcome=Outcome.TIMEOUT), ended_at=right()) for n in range(3)], SETTINGS)
    monkeypatch.setattr(time, "time", lambda: right() + wrong)
    core = {**CORE, "clock": time.time}
    if met:
        open_state(url, folder=str(tmp_path), **core).close()
    own.stop(signal.SIGQUIT)
    store = open_state(url, folder=str(tmp_path), **core)
    at = store.now()
    assert abs(at - right() - (0.0 if met else wrong)) < 10.0
    store.record([replace(attempt(9), started_at=at - 1.0, ended_at=at)], SETTINGS)
    own.start()
    hurried(store).snapshot()
    (found,) = (one for one in other.attempts() if one.id == attempt(9).id)
    assert right() - PATIENCE < found.ended_at <= right()
    assert found.ended_at - found.started_at == pytest.approx(1.0, abs=0.01)
    assert abs(store.now() - right()) < 10.0
    store.close()
    other.close()


def test_hosts_that_cannot_share_probe_rarely(own: PostgresServer, tmp_path: Path) -> None:
    store = shared(own.emptied(), tmp_path)
    there = store.acquire(f"trial:{ref('one').deployment}", 60)
    own.stop()
    store.record([attempt(1)], SETTINGS, lease=there)
    assert store.snapshot().models["one"].successes == 1
    lease = store.acquire("probe:x", 60)
    assert lease is not None
    store.release(lease)
    assert store.acquire("probe:x", 60) is None
    for name in ("trial:x", f"{ANSWER}x"):
        one = store.acquire(name, 60)
        assert one is not None
        assert one.expires_at <= store.now() + 60
        store.release(one)
        assert store.acquire(name, 60) is not None
    store.close()


def test_a_read_only_database_is_read_and_the_run_goes_on(own: PostgresServer, tmp_path: Path) -> None:
    url = own.new()
    first = shared(url, tmp_path / "a")
    first.record([attempt(1, outcome=Outcome.TIMEOUT)], SETTINGS)
    first.close()
    own.execute(f"ALTER DATABASE {database(url)} SET default_transaction_read_only = on")
    store = shared(url, tmp_path / "b")
    store.record([attempt(2, outcome=Outcome.TIMEOUT)], SETTINGS)
    assert " is read-only; going on from what was known 0 s ago" in store.opened.notes[0]
    assert store.snapshot().models["one"].failures == 2
    own.execute(f"ALTER DATABASE {database(url)} RESET default_transaction_read_only")
    store.close()
    found = peek(url)
    assert found.snapshot().models["one"].failures == 2
    found.close()


def test_too_many_connections_are_said(own: PostgresServer, tmp_path: Path) -> None:
    url = own.new()
    own.execute(f"ALTER DATABASE {database(url)} CONNECTION LIMIT 0")
    store = shared(as_guest(own, url), tmp_path)
    assert "has too many connections; nothing is known of it yet" in store.opened.notes[0]
    store.close()


def reloaded(server: PostgresServer) -> None:
    """Let the server read its settings again, and wait until it has."""
    ((before,),) = server.execute("SELECT pg_conf_load_time()")
    server.execute("SELECT pg_reload_conf()")
    until = time.monotonic() + PATIENCE
    while server.execute("SELECT pg_conf_load_time()") == [(before,)]:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_wrong_password_is_said(own: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = own.new()
    guest = as_guest(own, url, "PASSWORD 'right'")
    rules = own.folder / "data" / "pg_hba.conf"
    rules.write_text(f"local {database(url)} all scram-sha-256\nlocal all all trust\n")
    reloaded(own)
    monkeypatch.setenv("PGPASSWORD", "canary")
    store = shared(guest, tmp_path)
    assert "refuses the password; see PGPASSFILE, PGPASSWORD" in store.opened.notes[0]
    assert "canary" not in store.opened.notes[0]
    store.close()


def test_a_user_without_rights_is_told(own: PostgresServer, tmp_path: Path) -> None:
    url = own.new()
    store = shared(as_guest(own, url), tmp_path)
    said = f"does not give this user the rights it needs (permission denied for database {database(url)})"
    assert said in store.opened.notes[0]
    store.close()


def test_whoever_stands_still_in_a_transaction_is_let_go(own: PostgresServer, tmp_path: Path) -> None:
    url = own.emptied()
    standing, store = shared(url, tmp_path / "a", patience=1.0), shared(url, tmp_path / "b")
    database = standing._store._database
    database.writing.__enter__()
    time.sleep(1.3)
    store.record([attempt(1)], SETTINGS)
    with pytest.raises(Away, match="ended a transaction that stood still"):
        database.writing.__exit__(None, None, None)
    assert [one.id for one in store.attempts()] == [attempt(1).id]
    assert store.opened.notes == ()
    store.close()
    standing.close()


def test_the_same_core_decides_here_as_in_a_file(postgres: PostgresServer, tmp_path: Path) -> None:
    from random import Random

    made = [
        replace(attempt(n, "one" if n % 2 else "two"), outcome=list(Outcome)[n * 7 % len(Outcome)]) for n in range(60)
    ]
    refs = (ref("one"), ref("two"))
    found = []
    for path in (postgres.emptied(), str(tmp_path / "file.db")):
        store = open_state(path, clock=lambda: START + 99.0, rng=Random(1))
        for one in made:
            store.record([one], SETTINGS, refs=refs)
        store.settle(SETTINGS, refs)
        found.append((store.snapshot(), store.transitions(), store.counters(), store.hours(since=0.0)))
        store.close()
    assert found[0] == found[1]
    assert Core().clock is time.time
    assert RETRY_AFTER > 1


@pytest.mark.parametrize("looks", [False, True])
def test_the_rights_that_are_documented_are_enough(own: PostgresServer, tmp_path: Path, looks: bool) -> None:
    page = (PAGES / "shared-state.md").read_text(encoding="utf-8")
    rights = page.split("```sql")[2].partition("```")[0]
    url = own.new()
    shared(url, tmp_path / "owner").close()
    name = f"guest_{database(url)}"
    for statement in rights.replace("ROLE archfb ", f"ROLE {name} ").replace("TO archfb;", f"TO {name};").split(";"):
        if statement.strip():
            said = statement.replace("SELECT, INSERT, UPDATE, DELETE", "SELECT") if looks else statement
            own.execute(said, database(url) if "GRANT" in statement else "postgres")
    guest = url.replace("archfb@", f"{name}@")
    if looks:
        store = peek(guest)
        assert store.snapshot().models == {}
    else:
        store = shared(guest, tmp_path / "guest")
        store.record([attempt(n, fallback_from="x") for n in range(300)], SETTINGS)
        store.decide("slot", "c", choosing("one"))
        assert store.prune(keep_days=1) == 299
        assert store.opened.notes == ()
        store.backup(str(tmp_path / "copy.db"))
    store.close()


# carried over


def test_a_state_is_carried_to_a_server_and_back(postgres: PostgresServer, tmp_path: Path) -> None:
    path, url = str(tmp_path / "file.db"), postgres.emptied()
    store = open_state(path, **CORE)
    store.record([attempt(n, outcome=list(Outcome)[n % 3], fallback_from="x") for n in range(600)], SETTINGS)
    store.save_run(Run("run-1", START, "ask"))
    store.save_result(PhaseResult("k", "phase1", "reader", "one", START, "text", run_id="run-1"))
    store.decide("slot", "c", choosing("one"), run_id="run-1")
    store.drain("two", by="ada", why="x", until=START)
    told = _told(store)
    store.close()
    assert migrate(path, url) == 600
    with pytest.raises(StoreUnusable, match="holds a state already"):
        migrate(path, url)
    over = shared(url, tmp_path)
    assert _told(over) == told
    over.record([attempt(601)], SETTINGS)
    assert over.counters()[-1].count + over.counters()[0].count + over.counters()[1].count == 601
    told = _told(over)
    over.backup(str(tmp_path / "copy.db"))
    over.close()
    assert migrate(url, str(tmp_path / "back.db")) == 601
    for name in ("back.db", "copy.db"):
        again = open_state(str(tmp_path / name), **CORE)
        assert _told(again) == told
        assert again.check() == []
        again.close()
    with pytest.raises(StoreUnusable, match="exists already"):
        migrate(url, path)
    with pytest.raises(StoreUnusable, match="One of the two"):
        migrate(path, path)
    with pytest.raises(StoreUnusable, match="no state at"):
        migrate(str(tmp_path / "none.db"), url)


def _told(store: Store) -> tuple[object, ...]:
    rows = store.snapshot()
    return (
        store.salt,
        (rows.models, rows.deployments, rows.accounts, rows.machine),
        store.counters(),
        store.hours(since=0.0),
        store.fallbacks(),
        list(store.attempts()),
        store.transitions(),
        store.runs(),
        store.results("k"),
        store.decisions("run-1"),
    )
