"""The state on a PostgreSQL server of its own making, beside the file: speed, one probe for a fleet, a crash.

    python benchmarks/store_postgres.py [writers] [probes] [outage] [--hosts 20] [--intervals 5] [--calls 50]

Hosts are processes with a home folder and a clock of their own, up to a day wrong. The server keeps what it has said
to keep (fsync is on) and listens on a socket in a temporary folder; it needs PostgreSQL's programs and psycopg.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / one) for one in ("state", "cli", "tests", "benchmarks")]

from postgres_server import PostgresServer  # noqa: E402 - the path comes first
from store import REFS, SETTINGS, attempt, say  # noqa: E402 - the path comes first

from archfb_state.decisions import Decision, Ranked  # noqa: E402 - the path comes first
from archfb_state.storage.opening import open_state, peek  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.records import Snapshot

INTERVAL = 10.0
MODELS = ("alpha", "beta", "gamma")
DAY = 86400.0


def choose(rows: Snapshot, held: Any) -> tuple[Decision, Any]:
    """Choose the first of a dozen models, looking at all of them."""
    ranked = tuple(Ranked(one.model, "healthy", 1.0, True, "", {"weight": 1.0}) for one in REFS)
    return Decision("phase1", "low", "balanced", ranked, {"chars": float(len(rows.models))}), held


def _writes(state: str, who: int, seconds: float, go: Any, out: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_state(state, folder=folder)
        store.record([attempt(0, who + 1000)], SETTINGS, refs=REFS)
        go.wait()
        records, decisions, until, n = [], [], time.perf_counter() + seconds, 0
        while time.perf_counter() < until:
            n += 1
            began = time.perf_counter()
            store.decide("slot", f"{who}-{n}", choose)
            between = time.perf_counter()
            store.record([attempt(n, who)], SETTINGS, refs=REFS, ended=f"{who}-{n}")
            decisions.append(between - began)
            records.append(time.perf_counter() - between)
        out.put((records, decisions, list(store.opened.notes)))
        store.close()


def together(work: Callable[..., None], count: int, *words: Any) -> list[Any]:
    """Do the same in many processes at once; return what each said."""
    go, out = multiprocessing.Event(), multiprocessing.Queue()
    each = [(words[0], who, *words[1:], go, out) for who in range(count)]
    workers = [multiprocessing.Process(target=work, args=one) for one in each]
    for one in workers:
        one.start()
    time.sleep(0.5 + 0.05 * count)
    go.set()
    said = [out.get() for _ in workers]
    for one in workers:
        one.join()
    return said


def measure_writers(server: PostgresServer, folder: Path, options: argparse.Namespace) -> None:
    """Calls (a decision, then a record) a second with 1 to 64 writers, in the file and on the server."""
    for count in (one for one in (1, 2, 4, 8, 16, 32, 64) if one <= options.most):
        for name, state in (("file", str(folder / f"w{count}.db")), ("server", server.new())):
            open_state(state, folder=str(folder)).close()
            said = together(_writes, count, state, options.seconds)
            records, decisions = (sorted(wait for one in said for wait in one[at]) for at in (0, 1))
            if any(one[2] for one in said):
                say("  notes", str([one[2] for one in said if one[2]][:1]))
            say(
                f"{count} writers, {name}",
                f"{len(records) / options.seconds:.0f} calls a second",
                f"decision p50 {_ms(decisions, 0.5)} p99 {_ms(decisions, 0.99)}, "
                f"record p50 {_ms(records, 0.5)} p99 {_ms(records, 0.99)}",
            )


def _ms(waits: list[float], share: float) -> str:
    return f"{waits[int(len(waits) * share)] * 1000:.1f} ms"


def _host(url: str, config: str, who: int, until: float, poll: float) -> None:
    """Probe what is due, now and again, as cron would on one host; its clock is wrong by up to a day."""
    real, wrong = time.time, random.Random(who).uniform(-DAY, DAY)
    time.time = lambda: real() + wrong  # this host's clock alone
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, XDG_STATE_HOME=home, FLEET_KEY="k")
        asyncio.run(_probing(url, config, until, poll))


async def _probing(url: str, config: str, until: float, poll: float) -> None:
    from archfb.routing.router import Router

    async with Router.open(config, url) as router:
        while time.monotonic() < until:
            await router.probe()
            await asyncio.sleep(poll * random.uniform(0.5, 1.5))


def measure_probes(server: PostgresServer, folder: Path, options: argparse.Namespace) -> None:
    """Count, at a scripted provider, the probes that many hosts make; some are killed in the middle."""
    from scripted_server import ServerThread

    url = server.new()
    with ServerThread({"models": {one: [{}] for one in MODELS}}) as provider:
        config = folder / "fleet.toml"
        config.write_text(_fleet(provider.url), encoding="utf-8")
        open_state(url).close()
        began = time.monotonic()
        until = began + INTERVAL * options.intervals - INTERVAL / 2
        hosts = [
            multiprocessing.Process(target=_host, args=(url, str(config), who, until, INTERVAL / 10))
            for who in range(options.hosts)
        ]
        for one in hosts:
            one.start()
        time.sleep(INTERVAL * options.intervals / 2)
        dead = hosts[: options.hosts * 2 // 5]
        for one in dead:
            one.kill()
        for one in hosts:
            one.join()
    store = peek(url)
    probes = [one for one in store.attempts() if one.kind != "call"]
    counted = provider.requests
    at = sorted(one.started_at for one in probes)
    intervals = round((at[-1] - at[0]) / INTERVAL) + 1
    a_model = len(counted) / len(MODELS)
    say(
        f"{options.hosts} hosts, {len(dead)} killed, {intervals} intervals",
        f"{a_model / intervals:.3f} requests a model and interval",
        f"target 1.0-1.05; {len(counted)} at the provider, {len(probes)} recorded",
    )
    say("leases past their expiry, held now", str(len(store.snapshot().leases)), "target 0 once expired")
    say("instants recorded", "all true" if _true(probes) else "WRONG", "by the server's clock")
    store.close()


def _true(probes: list[Any]) -> bool:
    return all(abs(one.started_at - time.time()) < 3600 for one in probes)


def _fleet(url: str) -> str:
    models = "".join(f'[models.{one}]\nprovider = "fleet"\nmodel = "{one}"\nprobe = "metadata"\n' for one in MODELS)
    chain = json.dumps(list(MODELS))
    phases = "".join(f"{one} = {chain}\n" for one in ("phase1", "phase2", "phase3", "phase4", "phase5", "final"))
    return (
        f"[health]\ninterval = {INTERVAL}\n[chains]\n{phases}"
        f'[providers.fleet]\napi = "openai-chat"\nbase_url = "{url}/v1"\napi_key_env = "FLEET_KEY"\n{models}'
    )


def _calls(url: str, who: int, calls: int, go: Any, out: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, answered, longest = open_state(url, folder=folder), 0, 0.0
        go.wait()
        for n in range(calls):
            began = time.perf_counter()
            store.decide("slot", f"{who}-{n}", choose)
            store.record([attempt(n, who)], SETTINGS, refs=REFS, ended=f"{who}-{n}")
            answered += 1
            longest = max(longest, time.perf_counter() - began)
            time.sleep(0.02)
        notes = list(store.opened.notes)
        while notes and "back" not in notes[-1]:  # as the next process of this host would, some seconds later
            time.sleep(0.5)
            store.spent("day")
            notes = list(store.opened.notes)
        store.close()
        out.put((answered, longest, len(notes)))


def measure_outage(server: PostgresServer, _: Path, options: argparse.Namespace) -> None:
    """Kill the server in the middle of many hosts' calls; nothing may fail, be lost or counted twice."""
    url = server.new()
    open_state(url).close()
    go, out = multiprocessing.Event(), multiprocessing.Queue()
    hosts = [multiprocessing.Process(target=_calls, args=(url, who, options.calls, go, out)) for who in range(16)]
    for one in hosts:
        one.start()
    time.sleep(2.0)
    go.set()
    time.sleep(max(0.5, options.calls * 0.02 / 2))
    server.stop(signal.SIGKILL)
    time.sleep(0.5)
    (server.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
    server.start()
    said = [out.get() for _ in hosts]
    for one in hosts:
        one.join()
    store = peek(url)
    ids = [one.id for one in store.attempts()]
    counted = sum(one.count for one in store.counters())
    health = sum(one.successes for one in store.snapshot().models.values())
    store.close()
    expected = 16 * options.calls
    slowest = max(one[1] for one in said)
    say("calls answered", f"{sum(one[0] for one in said)} of {expected}", f"slowest {slowest:.2f} s")
    say(
        "attempts in the database", f"{len(set(ids))} of {expected}, {len(ids)} rows", f"target {expected}, each once"
    )
    say("counters; successes of the models", f"{counted}; {health}", f"target {expected}")
    say("hosts that went on locally", str(sum(bool(one[2]) for one in said)))


MEASURES = {"writers": measure_writers, "probes": measure_probes, "outage": measure_outage}


def main() -> None:
    """Measure what was asked for, else everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measures", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--intervals", type=int, default=5)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--most", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    server = PostgresServer.temporary()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            for name in options.measures or MEASURES:
                MEASURES[name](server, Path(folder), options)
    finally:
        server.remove()


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
