"""The store between processes, beside bare sqlite3 in the same run: speed, first opens, kill -9, status at any size.

    python benchmarks/store.py [record] [processes] [opens] [kills] [leases] [status] [--scale 10] [--most 6]

Prints each figure with its ratio and target. `--scale 10` takes the full counts (500 first opens, 1,000 kills, 100
contenders over 100 rounds); `--most` is the largest status measured, as a power of ten.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "state"))

from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt, Changes, ModelRef
from archfb_state.settings import Settings
from archfb_state.storage.opening import open_state, peek
from archfb_state.storage.rows import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = Settings()
START = 1_790_000_000.0
REFS = tuple(
    ModelRef(
        f"model-{n}",
        f"acme{n % 4}|https://api{n % 4}.example/v1|model-{n}",
        f"https://api{n % 4}.example/v1#abcdef01",
        f"api{n % 4}.example",
    )
    for n in range(12)
)
BARE_HEALTH = "CREATE TABLE health (model TEXT PRIMARY KEY, successes INTEGER, last_at REAL, latencies TEXT)"
BARE_UPSERT = (
    "INSERT INTO health VALUES (?, 1, ?, ?) ON CONFLICT (model) DO UPDATE SET successes = successes + 1, "
    "last_at = excluded.last_at, latencies = excluded.latencies"
)
LATENCIES = "[" + ",".join(["1500.25"] * 100) + "]"


def attempt(number: int, who: int = 0) -> Attempt:
    """Return one successful call, 3 s after the one before."""
    ref, at = REFS[number % len(REFS)], START + 3 * number
    return Attempt(
        f"{who:06d}-{number:012d}",
        f"call-{number}",
        ref.model,
        ref.deployment,
        ref.account,
        ref.host,
        "phase1",
        "call",
        Outcome.OK,
        at,
        at + 1.5,
        1500.0 + number % 300,
        run_id="run-1",
        ttft_ms=300.0,
        http_status=200,
        request_id=f"req_{number}",
        finish_reason="stop",
        input_tokens=1000,
        output_tokens=300,
        cost_usd=0.001,
        streamed=True,
    )


def keep_nothing(*_: Any) -> Changes:
    """Stand in for the decision core where only the store is measured."""
    return Changes()


def bare(path: str) -> sqlite3.Connection:
    """Open a plain database with the same attempts table and one row a model."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA synchronous=NORMAL")
    if not connection.execute("SELECT name FROM sqlite_master").fetchall():
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"CREATE TABLE attempts ({ATTEMPTS.list}, PRIMARY KEY (id))")
        connection.execute("CREATE INDEX by_time ON attempts (started_at)")
        connection.execute(BARE_HEALTH)
    return connection


def bare_record(connection: sqlite3.Connection, row: list[Any]) -> None:
    """Insert and upsert in one transaction, as one would by hand."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(ATTEMPTS.insert, row)
    connection.execute(BARE_UPSERT, (row[2], row[9], LATENCIES))
    connection.execute("COMMIT")


def say(what: str, figure: str, target: str = "") -> None:
    """Print one line."""
    print(f"{what:<58} {figure:<34} {target}", flush=True)


def cpu_each(times: int, act: Callable[[int], object]) -> float:
    """Return microseconds of CPU that each of many acts took."""
    began = time.process_time()
    for n in range(times):
        act(n)
    return (time.process_time() - began) / times * 1e6


def bare_cpu(path: str, times: int) -> float:
    """Return microseconds of CPU that a record by hand takes, its values made ready before.

    By the module as it comes: without the adapter that spares archfb's statements a search for each None.
    """
    connection = bare(path)
    rows = [ATTEMPTS.to_row(attempt(n)) for n in range(times)]
    ours = sqlite3.adapters.pop((type(None), sqlite3.PrepareProtocol))
    spent = cpu_each(times, lambda n: bare_record(connection, rows[n]))
    sqlite3.register_adapter(type(None), ours)
    connection.close()
    return spent


def measure_record(folder: Path, scale: int) -> None:
    """CPU of one record: the store with the real core, the store alone, sqlite3 alone; best of seven rounds."""
    times, best = 1000 * scale, {"bare sqlite3": 1e9, "store alone": 1e9, "store and decision core": 1e9}
    for turn in range(7):
        best["bare sqlite3"] = min(best["bare sqlite3"], bare_cpu(str(folder / f"bare-{turn}.db"), times))
        made = [attempt(n) for n in range(times)]
        for name, core in (("store alone", keep_nothing), ("store and decision core", None)):
            store = open_state(str(folder / f"{name}-{turn}.db"), observe=core, clock=lambda: START + 3 * times)
            spent = cpu_each(times, lambda n: store.record([made[n]], SETTINGS, refs=REFS))  # noqa: B023
            best[name] = min(best[name], spent)
            store.close()
    for name, spent in best.items():
        say(f"record, CPU: {name}", f"{spent:.1f} µs, {spent / best['bare sqlite3']:.2f} x", "≤ 1.3 x bare sqlite3")


def _ours(path: str, who: int, times: int, go: Any, out: Any) -> None:
    store = open_state(path, clock=time.time)
    go.wait()
    waits = []
    for n in range(times):
        began = time.perf_counter()
        store.record([attempt(n, who)], SETTINGS, refs=REFS)
        waits.append(time.perf_counter() - began)
    out.put((waits, list(store.opened.notes)))
    store.close()


def _theirs(path: str, who: int, times: int, go: Any, out: Any) -> None:
    connection = bare(path)
    go.wait()
    waits, errors = [], []
    for n in range(times):
        row = ATTEMPTS.to_row(attempt(n, who))
        began = time.perf_counter()
        try:
            bare_record(connection, row)
        except sqlite3.Error as error:
            errors.append(str(error))
        waits.append(time.perf_counter() - began)
    out.put((waits, errors))
    connection.close()


def together(work: Callable[..., None], path: str, processes: int, times: int) -> tuple[float, list[float], int]:
    """Run the same work in many processes; return records a second, the waits in seconds, the errors."""
    go, out = multiprocessing.Event(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(path, who, times, go, out)) for who in range(processes)]
    for one in workers:
        one.start()
    time.sleep(0.3)
    began = time.perf_counter()
    go.set()
    said = [out.get() for _ in workers]
    took = time.perf_counter() - began
    for one in workers:
        one.join()
    waits = sorted(wait for found, _ in said for wait in found)
    return processes * times / took, waits, sum(len(errors) for _, errors in said)


def measure_processes(folder: Path, scale: int) -> None:
    """Records a second with 1 to 64 processes; whether all are there, and how long the slowest waited."""
    first = 0.0
    for processes in (1, 2, 4, 8, 16, 64):
        times = max(20, 100 * scale if processes <= 16 else 25 * scale)
        bare(str(folder / f"b{processes}.db")).close()  # made alone: many at once fail at it
        theirs, slow, lost = together(_theirs, str(folder / f"b{processes}.db"), processes, times)
        path = str(folder / f"o{processes}.db")
        open_state(path).close()
        ours, waits, errors = together(_ours, path, processes, times)
        store = peek(path)
        missing = processes * times - sum(one.count for one in store.counters())
        uneven = processes * times - sum(one.successes for one in store.snapshot().models.values())
        store.close()
        first = first or ours
        say(
            f"{processes:2} processes x {times}",
            f"{ours:,.0f}/s, {ours / first:.2f} x one; {slowest(waits)}",
            f"≥ 0.9 x one, p99 ≤ 50 ms; errors {errors}, lost {missing}, uneven {uneven} (all 0)",
        )
        say(
            "   bare sqlite3",
            f"{theirs:,.0f}/s; {slowest(slow)}",
            f"errors {lost}",
        )


def slowest(waits: list[float]) -> str:
    """Return the 99th percentile and the longest of ordered waits."""
    return f"p99 {1000 * at(waits, 0.99):.1f} ms, max {1000 * waits[-1]:.0f}"


def at(ordered: list[float], share: float) -> float:
    """Return a quantile of an ordered list."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _open(path: str, files: int, go: Any, out: Any) -> None:
    go.wait()
    notes: list[str] = []
    for n in range(files):
        try:
            store = open_state(f"{path}-{n}")
            store.record([attempt(os.getpid())], SETTINGS)
            notes += store.opened.notes
            store.close()
        except Exception as error:  # noqa: BLE001 - any error is the finding
            notes.append(repr(error))
    out.put(notes)


def measure_opens(folder: Path, scale: int) -> None:
    """Open new files by eight processes at a time."""
    files = 7 * scale
    go, out = multiprocessing.Event(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_open, args=(str(folder / "new"), files, go, out)) for _ in range(8)]
    for one in workers:
        one.start()
    go.set()
    notes = [note for _ in workers for note in out.get()]
    for one in workers:
        one.join()
    say(f"{8 * files} first opens, 8 at a time", f"{len(notes)} errors", "0 errors")
    for note in notes[:3]:
        say("", note)


def _until_killed(path: str, who: int, pipe: int) -> None:
    store = open_state(path)
    store.acquire(f"trial:{who}", 600.0)
    n = 0
    while True:
        n += 1
        one = attempt(n, who)
        store.record([one], SETTINGS, refs=REFS)
        os.write(pipe, f"{one.id}\n".encode())


def measure_kills(folder: Path, scale: int) -> None:
    """Kill processes in the middle of recording; look for what was acknowledged."""
    path, rng, said, unsound = str(folder / "kill.db"), random.Random(3), set(), 0
    kills = 100 * scale
    for who in range(kills):
        reading, writing = os.pipe()
        child = multiprocessing.Process(target=_until_killed, args=(path, who, writing))
        child.start()
        os.close(writing)
        os.read(reading, 1)
        time.sleep(rng.random() * 0.02)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        with os.fdopen(reading) as lines:
            said.update(line.strip().rjust(19, "0") for line in lines if line.endswith("\n"))
        if who % 10 == 0:
            connection = sqlite3.connect(path)
            unsound += connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]
            connection.close()
    store = open_state(path, patience=1.0)
    kept = {one.id for one in store.attempts()}
    free = store.acquire("another", 1.0) is not None
    counted = sum(one.count for one in store.counters())
    say(
        f"{kills} SIGKILLs, {len(said):,} attempts acknowledged",
        f"{len(said - kept)} lost, {unsound} unsound, counters off by {counted - len(kept)}",
        f"0, 0, 0; lock free: {free}; notes {store.opened.notes}",
    )
    store.close()


def _contend(path: str, rounds: int, go: Any, out: Any) -> None:
    store = open_state(path)
    go.wait()
    out.put([n for n in range(rounds) if store.acquire(f"round-{n}", 600.0)])
    store.close()


def measure_leases(folder: Path, scale: int) -> None:
    """Let many processes want the same lease, round after round."""
    contenders, rounds, path = 10 * scale, 100, str(folder / "leases.db")
    open_state(path).close()
    go, out = multiprocessing.Event(), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_contend, args=(path, rounds, go, out)) for _ in range(contenders)]
    for one in workers:
        one.start()
    go.set()
    won = sorted(n for _ in workers for n in out.get())
    for one in workers:
        one.join()
    say(f"{contenders} contenders x {rounds} rounds", f"one winner each: {won == list(range(rounds))}", "True")


def fill(path: str, since: int, until: int) -> None:
    """Append attempts up to a number, many at once, and let the sums be brought up to date."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    for low, high in pairwise([*range(since, until, 20_000), until]):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(ATTEMPTS.insert, (ATTEMPTS.to_row(attempt(n)) for n in range(low, high)))
        connection.execute("COMMIT")
    connection.close()
    store = open_state(path, clock=lambda: START)
    for _ in range((until - since) // 4096 + 1):
        store.prune(keep_days=10_000)
    store.close()


def measure_status(folder: Path, most: int) -> None:
    """Read all that `status` and `metrics` need, from a fresh look, at growing numbers of attempts."""
    path, filled, first = str(folder / "status.db"), 0, {}
    store = open_state(path)
    store.record([attempt(10**9 + n) for n in range(1200)], SETTINGS, refs=REFS)
    store.close()
    for power in range(2, most + 1):
        fill(path, filled, 10**power)
        filled = 10**power
        looks = {"snapshot": lambda store: store.snapshot(), "counters": lambda store: store.counters()}
        for name, look in looks.items():
            best = 1e9
            for _ in range(30):
                began = time.perf_counter()
                store = peek(path)
                look(store)
                best = min(best, time.perf_counter() - began)
                store.close()
            first.setdefault(name, best)
            say(
                f"look and {name} at 10^{power} attempts",
                f"{1000 * best:.2f} ms, {best / first[name]:.2f} x",
                "≤ 1.1 x that at 10^2",
            )


def main() -> None:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = ["record", "processes", "opens", "kills", "leases", "status"]
    parser.add_argument("what", nargs="*", metavar="what", help=", ".join(every))
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--most", type=int, default=5)
    options = parser.parse_args()
    say(f"SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}, {os.cpu_count()} cores", "")
    for what in options.what or every:
        with tempfile.TemporaryDirectory() as folder:
            globals()[f"measure_{what}"](Path(folder), options.most if what == "status" else options.scale)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main()
