"""One process among many that share a state file: `state_worker.py ACT PATH …` does an act and says what it did."""

from __future__ import annotations

import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "state")]

from state_samples import CORE, attempt, choosing, ref  # noqa: E402

from archfb_state.settings import Settings  # noqa: E402
from archfb_state.storage.opening import open_state, peek  # noqa: E402 - the path comes first

SETTINGS = Settings()
REFS = tuple(ref(f"model-{n}") for n in range(6))


def await_start(path: str) -> None:
    """Say that this process is ready, and begin when all are told to."""
    print("ready", flush=True)
    sys.stdin.readline()


def open_each(path: str, files: str) -> None:
    """Open a row of new files, each at once with the other processes, and record one attempt in each."""
    await_start(path)
    for n in range(int(files)):
        store = open_state(f"{path}-{n}", **CORE)
        store.record([attempt(time.monotonic_ns())], SETTINGS)
        print(store.opened.saving, *store.opened.notes)
        store.close()


def record(path: str, who: str, times: str) -> None:
    """Record attempts one by one; say how long each took in milliseconds."""
    store = open_state(path, **CORE)
    await_start(path)
    waits = []
    for n in range(int(times)):
        one = attempt(int(who) * 1_000_000 + n, f"model-{n % 6}")
        began = time.perf_counter()
        store.record([one], SETTINGS, refs=REFS)
        waits.append(time.perf_counter() - began)
    print(store.opened.saving, *store.opened.notes)
    print(*(f"{1000 * one:.3f}" for one in waits))
    store.close()


def record_until_killed(path: str, who: str) -> None:
    """Record decisions, attempts and answers for ever, with a lease; name each attempt once it is stored."""
    store = open_state(path, **CORE)
    store.acquire(f"trial:{who}", 600.0)
    n = 0
    while True:
        n += 1
        one = attempt(int(who) * 1_000_000 + n, f"model-{n % 6}")
        store.decide("slot", one.call_id, choosing(*(each.model for each in REFS)))
        store.record([one], SETTINGS, refs=REFS, ended=one.call_id)
        print(one.id, flush=True)


def go_on(path: str, folder: str, who: str) -> None:
    """Decide, pay and record, call by call, through an outage; say when it is noticed, and how many they were."""
    store = open_state(path, folder=folder, **CORE)
    await_start(path)
    n, rest, told = 0, 10, False
    while rest:
        n += 1
        one = attempt(int(who) * 1_000_000 + n, f"model-{n % 6}")
        store.decide("slot", one.call_id, choosing(*(each.model for each in REFS)))
        reservation = store.reserve("day", 0.5, None)
        store.record([one], SETTINGS, refs=REFS, ended=one.call_id)
        if reservation is not None:
            store.spend(reservation, 0.25)
        rest -= told
        if n == 5 or (not told and store.opened.notes):
            told = bool(store.opened.notes)
            print("away" if told else "working", flush=True)
    sys.stdin.readline()
    store.close()
    print(n)


def contend(path: str, rounds: str) -> None:
    """Try to win the lease of each round; name the rounds won."""
    store = open_state(path, **CORE)
    await_start(path)
    print(*(n for n in range(int(rounds)) if store.acquire(f"round-{n}", 600.0)))
    store.close()


def reserve(path: str, times: str) -> None:
    """Reserve cents of one dollar; say how many were given."""
    store = open_state(path, **CORE)
    await_start(path)
    print(sum(store.reserve("day", 0.01, 1.0) is not None for _ in range(int(times))))
    store.close()


def look(path: str, times: str) -> None:
    """Read snapshots while others write; say how many attempts were counted, never fewer than before."""
    store = peek(path)
    await_start(path)
    seen = [sum(one.successes for one in store.snapshot().models.values()) for _ in range(int(times))]
    print(seen == sorted(seen), *store.opened.notes)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
