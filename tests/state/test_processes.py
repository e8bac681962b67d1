"""Many processes over one state file: nothing fails, nothing is lost, nothing stays locked."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import state_worker
from state_samples import CORE, SCALE

from archfb_state.storage.opening import open_state, peek

if TYPE_CHECKING:
    from postgres_server import PostgresServer

WORKER = [sys.executable, "-X", "frozen_modules=on", state_worker.__file__]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*WORKER, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_together(*acts: tuple[object, ...]) -> list[list[str]]:
    """Start every act, let all begin at once, and return the lines that each said."""
    processes = [start(*act) for act in acts]
    for one in processes:
        assert one.stdout is not None
        assert one.stdin is not None
        assert one.stdout.readline() == "ready\n", one.communicate()
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = []
    for one in processes:
        out, err = one.communicate()
        assert (one.returncode, err) == (0, ""), err
        said.append(out.splitlines())
    return said


def test_first_opens_by_eight_processes_at_a_time_never_fail(tmp_path: Path) -> None:
    files = 12 * SCALE
    said = run_together(*[("open_each", tmp_path / "state.db", files)] * 8)
    assert {line for lines in said for line in lines} == {"True"}
    for n in range(files):
        store = open_state(str(tmp_path / f"state.db-{n}"), **CORE)
        assert store.snapshot().models["one"].successes == 8
        store.close()


def test_sixteen_writers_and_two_readers_lose_nothing_and_wait_little(tmp_path: Path) -> None:
    path, times = tmp_path / "state.db", 40 * SCALE
    open_state(str(path), **CORE).close()
    said = run_together(
        *[("record", path, who, times) for who in range(16)], *[("look", path, 20 * SCALE) for _ in range(2)]
    )
    assert {lines[0] for lines in said} == {"True"}
    store = open_state(str(path), **CORE)
    assert sum(one.count for one in store.counters()) == 16 * times
    assert sum(one.successes for one in store.snapshot().models.values()) == 16 * times
    assert len(list(store.attempts())) == 16 * times
    assert store.check() == []
    store.close()


def test_what_was_said_is_there_after_kill_9_and_no_lock_stays(tmp_path: Path) -> None:
    path, rng, said = str(tmp_path / "state.db"), random.Random(7), set()
    for who in range(1, 12 * SCALE + 1):
        process = start("record_until_killed", path, who)
        assert process.stdout is not None
        for _ in range(rng.randint(1, 60)):
            said.add(process.stdout.readline().strip())
        process.kill()
        rest, errors = process.communicate()
        said.update(line for line in rest.splitlines() if len(line) == len("attempt-00000000"))
        assert errors == ""
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        connection.close()
    store = open_state(path, patience=0.5, **CORE)
    kept = {one.id for one in store.attempts()}
    assert said - kept == set()
    assert sum(one.count for one in store.counters()) == len(kept)
    assert sum(one.successes for one in store.snapshot().models.values()) == len(kept)
    assert store.acquire("trial:1", 1.0) is None
    assert store.acquire("other", 1.0) is not None
    assert store.opened.notes == ()
    store.close()
    later = open_state(path, clock=lambda: 4e9, **CORE)
    assert later.snapshot().in_flight == {}
    assert later.acquire("trial:1", 1.0) is not None
    later.close()


def test_the_lease_of_a_probe_whose_process_was_killed_is_taken_over(tmp_path: Path) -> None:
    store: Any = open_state(str(tmp_path / "state.db"), **CORE)
    killed = subprocess.Popen(["sleep", "60"])
    for name in ("probe:m", "trial:m"):
        assert store.acquire(name, 60.0) is not None
        assert store.acquire(name, 60.0) is None
    store._store._write(lambda c: c.execute("UPDATE leases SET pid = ?", (killed.pid,)))
    assert [store.acquire(name, 60.0) for name in ("probe:m", "trial:m")] == [None, None]
    killed.kill()
    killed.wait()
    assert store.acquire("probe:m", 60.0) is not None
    assert store.acquire("trial:m", 60.0) is None
    for odd in ("'x'", "-1", "9e30", "0"):
        store._store._write(lambda c, odd=odd: c.execute(f"UPDATE leases SET pid = {odd}"))
        assert store.acquire("probe:m", 60.0) is None
    store.close()


def test_of_many_contenders_one_wins_each_lease(tmp_path: Path) -> None:
    rounds = 50 * SCALE
    said = run_together(*[("contend", tmp_path / "state.db", rounds)] * 12)
    won = [int(word) for lines in said for line in lines for word in line.split()]
    assert sorted(won) == list(range(rounds))


def test_a_budget_is_not_passed_by_many_at_once(tmp_path: Path) -> None:
    said = run_together(*[("reserve", tmp_path / "state.db", 25)] * 8)
    assert sum(int(lines[0]) for lines in said) == 100


def test_hosts_on_one_server_lose_nothing_and_agree(postgres: PostgresServer) -> None:
    url, times = postgres.emptied(), 10 * SCALE
    said = run_together(*[("record", url, who, times) for who in range(6)])
    assert {lines[0] for lines in said} == {"True"}
    store = open_state(url, **CORE)
    assert sum(one.count for one in store.counters()) == 6 * times
    assert sum(one.successes for one in store.snapshot().models.values()) == 6 * times
    won = [n for lines in run_together(*[("contend", url, 10 * SCALE)] * 4) for line in lines for n in line.split()]
    assert sorted(map(int, won)) == list(range(10 * SCALE))
    given = [int(lines[0]) for lines in run_together(*[("reserve", url, 40)] * 4)]
    assert sum(given) == 100
    assert store.opened.notes == ()
    store.close()


def test_a_new_server_is_set_up_once_by_many_at_a_time(postgres: PostgresServer) -> None:
    url = postgres.emptied()
    said = run_together(*[("record", url, who, 1) for who in range(6)])
    assert {lines[0] for lines in said} == {"True"}


def test_a_killed_process_holds_nothing_up_on_a_server(postgres: PostgresServer) -> None:
    url, said = postgres.emptied(), set()
    for who in range(1, 4):
        process = start("record_until_killed", url, who)
        assert process.stdout is not None
        said |= {process.stdout.readline().strip() for _ in range(5)}
        process.kill()
        said |= set(process.communicate()[0].split())
    store = open_state(url, **CORE)
    assert said <= {one.id for one in store.attempts()}
    assert store.acquire("trial:new", 60.0) is not None
    assert store.opened.notes == ()
    store.close()


def test_a_fleet_goes_on_while_the_server_crashes_and_nothing_is_lost_or_counted_twice(
    own: PostgresServer, tmp_path: Path
) -> None:
    url = own.emptied()
    open_state(url, **CORE).close()
    hosts = [start("go_on", url, tmp_path / str(who), who) for who in range(4)]
    for said in ("ready\n", "working\n", "away\n"):
        for one in hosts:
            assert one.stdout is not None
            assert one.stdin is not None
            assert one.stdout.readline() == said
            if said == "ready\n":
                one.stdin.write("go\n")
                one.stdin.flush()
        if said == "working\n":
            own.stop(signal.SIGQUIT)
    own.start()
    calls = sum(int(one.communicate("back\n")[0]) for one in hosts)
    store = peek(url)
    assert len({one.id for one in store.attempts()}) == calls
    assert sum(one.count for one in store.counters()) == calls
    assert sum(one.successes for one in store.snapshot().models.values()) == calls
    assert store.spent("day") == (calls, pytest.approx(calls / 4))
    store.close()
