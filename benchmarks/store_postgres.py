"""The state on a PostgreSQL server of its own making, beside the file: calls a second, and `status` at any size.

    python benchmarks/store_postgres.py [writers] [status] [--most 64] [--power 6]

The server keeps what it has said to keep (fsync is on) and listens on a socket in a temporary folder; it needs
PostgreSQL's programs and psycopg. `fleet.py` has what many hosts make of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
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
from archfb_state.storage.rows import ATTEMPTS  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb_state.records import Snapshot

    Measure = Callable[[PostgresServer, Path, argparse.Namespace], None]


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


def measure_status(server: PostgresServer, folder: Path, options: argparse.Namespace) -> None:
    """Read all that `status` and `metrics` need, from a fresh look, at few attempts and at many."""
    url, first = server.new(), {}
    store = open_state(url, folder=str(folder))
    store.record([attempt(10**9 + n) for n in range(1200)], SETTINGS, refs=REFS)
    store.close()
    for power in (2, options.power):
        fill(server, url, 10**power)
        store = open_state(url, folder=str(folder))
        for _ in range(10**power // 4096 + 1):  # brings the sums up to date, in small steps
            store.prune(keep_days=10_000)
        store.close()
        for name in ("snapshot", "counters"):
            best = min(_looked(url, name) for _ in range(20))
            first.setdefault(name, best)
            say(
                f"look and {name} at 10^{power} attempts",
                f"{1000 * best:.2f} ms, {best / first[name]:.2f} x",
                "<= 1.1 x that at 10^2",
            )


def _looked(url: str, what: str) -> float:
    began = time.perf_counter()
    store = peek(url)
    getattr(store, what)()
    took = time.perf_counter() - began
    store.close()
    return took


def fill(server: PostgresServer, url: str, count: int) -> None:
    """Copy the first attempt until there are so many rows."""
    names = ", ".join(one for one in ATTEMPTS.columns if one not in ("id", "started_at"))
    server.execute(
        f"INSERT INTO archfb.attempts (id, started_at, {names}) SELECT 'copy-' || n, a.started_at - n, {names} "
        f"FROM archfb.attempts a, generate_series((SELECT count(*) FROM archfb.attempts), {count} - 1) n "
        "WHERE a.seq = (SELECT min(seq) FROM archfb.attempts)",
        url.split("/")[3].partition("?")[0],
    )
    server.execute(
        "ANALYZE archfb.attempts", url.split("/")[3].partition("?")[0]
    )  # as autovacuum does, seconds later


MEASURES = {"writers": measure_writers, "status": measure_status}


def on_a_server(measures: Mapping[str, Measure], options: argparse.Namespace) -> None:
    """Measure what was asked for, else everything, on a server that is made for it."""
    server = PostgresServer.temporary()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            for name in options.measures or measures:
                measures[name](server, Path(folder), options)
    finally:
        server.remove()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measures", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--most", type=int, default=16)
    parser.add_argument("--power", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=3.0)
    on_a_server(MEASURES, parser.parse_args())


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
