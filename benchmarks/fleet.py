"""Many hosts on one state on PostgreSQL: one probe for all of them, a crash of the server, a model that dies.

    python benchmarks/fleet.py [probes] [outage] [dying] [--hosts 100] [--intervals 10] [--calls 200]

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
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / one) for one in ("state", "cli", "tests", "benchmarks")]

from store import REFS, SETTINGS, attempt, say  # noqa: E402 - the path comes first
from store_postgres import choose, on_a_server  # noqa: E402 - the path comes first

from archfb_state.storage.opening import open_state, peek  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from postgres_server import PostgresServer

    from archfb.routing.router import Router

    Over = Callable[[], bool]

INTERVAL = 30.0
MODELS = ("alpha", "beta", "gamma")
DAY = 86400.0
TRIALS = 20.0
"""Seconds after a failure from which another call of the same model is a trial."""


def _host(url: str, config: str, who: int, over: Over, work: Callable[[Router, int, Over], Awaitable[None]]) -> None:
    """Work on one host until it is told to end; its own clock is wrong by up to a day."""
    real, wrong = time.time, random.Random(who).uniform(-DAY, DAY)
    time.time = lambda: real() + wrong  # this host's clock alone
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, XDG_STATE_HOME=home, FLEET_KEY="k")
        asyncio.run(_working(url, config, who, over, work))


async def _working(url: str, config: str, who: int, over: Over, work: Any) -> None:
    from archfb.routing.router import Router

    async with Router.open(config, url) as router:
        await work(router, who, over)


async def _probing(router: Router, _: int, over: Over) -> None:
    """Probe what is due, now and again, as cron would."""
    while not over():
        await router.probe()
        await asyncio.sleep(INTERVAL / 10 * random.uniform(0.5, 1.5))


async def _asking(router: Router, who: int, over: Over) -> None:
    """Ask, now and again, as runs do."""
    while not over():
        await router.ask("phase1", f"host {who}", strategy="priority")
        await asyncio.sleep(random.uniform(0.5, 1.5))


def _begun(count: int, *words: Any) -> list[multiprocessing.Process]:
    hosts = [multiprocessing.Process(target=_host, args=(*words[:2], who, *words[2:])) for who in range(count)]
    for one in hosts:
        one.start()
    return hosts


def measure_probes(server: PostgresServer, folder: Path, options: argparse.Namespace) -> None:
    """Count, at a scripted provider, the probes that many hosts make; some are killed in the middle."""
    from scripted_server import ServerThread

    url = server.new()
    with ServerThread({"models": {one: [{}] for one in MODELS}}) as provider:
        config = folder / "fleet.toml"
        config.write_text(_fleet(provider.url), encoding="utf-8")
        open_state(url).close()
        done = folder / "probed"
        hosts = _begun(options.hosts, url, str(config), done.exists, _probing)
        time.sleep(INTERVAL * options.intervals / 2)
        dead = hosts[: options.hosts * 2 // 5]
        for one in dead:
            one.kill()
        time.sleep(INTERVAL * (options.intervals - 1) / 2)
        done.touch()
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
    gaps = [
        later.started_at - one.started_at
        for name in MODELS
        for one, later in pairwise(probe for probe in probes if probe.model == name)
    ]
    say("shortest time between two probes of a model", f"{min(gaps):.1f} s", f"an interval is {INTERVAL:.0f} s")
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


def measure_dying(server: PostgresServer, folder: Path, options: argparse.Namespace) -> None:
    """Count what a fleet wastes on its first model once that has died, and how long until the last host knows."""
    from scripted_server import ServerThread

    for count in (1, options.hosts):
        url, well = server.new(), {one: [{}] for one in MODELS}
        with ServerThread({"models": well}) as provider:
            config = folder / "dying.toml"
            config.write_text(_fleet(provider.url), encoding="utf-8")
            open_state(url).close()
            done = folder / f"asked-{count}"
            hosts = _begun(count, url, str(config), done.exists, _asking)
            asked = provider.counts["models"]
            while asked.total() < 3 * count:
                time.sleep(0.1)
            before = asked["alpha"]
            provider.put({"models": {**well, "alpha": [{"status": 500, "message": "gone"}]}})
            died = time.time()
            time.sleep(20.0)
            done.touch()
            for one in hosts:
                one.join()
            wasted = asked["alpha"] - before
        store = peek(url)
        late = [one for one in store.attempts(model="alpha") if one.started_at >= died]
        first = [one for one in late if not one.repeat]
        calls = {one.call_id for one in store.attempts() if one.started_at >= died}
        out = [one.at for one in store.transitions(model="alpha", since=died) if one.after == "unavailable"]
        opened = min(out, default=died)
        store.close()
        say(
            f"{count} hosts, the first model dies",
            f"{wasted} requests wasted in {len({one.call_id for one in first})} of {len(calls)} calls",
            "target: 3 calls and those in flight; then one trial for each back-off",
        )
        late_ones = sum(0.0 < one.started_at - opened < TRIALS for one in first)
        say("calls that asked it although its breaker was open", f"{late_ones}, but for trials", "0")
        known = [one.started_at - died for one in first][: SETTINGS.health.retry_count + count]
        say("last call but for trials", f"{_last_but_trials(known):.2f} s after its death")


def _last_but_trials(at: list[float]) -> float:
    """Return when the first burst of failures ended: what comes 20 s and more after another is a trial."""
    known = [one for one, next_ in zip(at, [*at[1:], at[-1]], strict=True) if next_ - one < TRIALS] if at else []
    return known[-1] if known else 0.0


MEASURES = {"probes": measure_probes, "outage": measure_outage, "dying": measure_dying}


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measures", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--intervals", type=int, default=5)
    parser.add_argument("--calls", type=int, default=50)
    on_a_server(MEASURES, parser.parse_args())


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
