"""What a routing decision costs: the choice alone, and with what it reads of the state.

    python benchmarks/decision.py [--candidates 20] [--strategy balanced]

CPU of one process, the best of several rounds. The models answer, a few have failed lately; each decision follows an
attempt of another model, so that no decision finds everything as the last one did. `read anew` is a decision after
another process wrote: every small table is read again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("cli", "state")]

from archfb_state.core.balancer import choose  # noqa: E402 - found by the line above
from archfb_state.decisions import Candidate, Demand  # noqa: E402
from archfb_state.outcomes import Outcome  # noqa: E402
from archfb_state.records import Attempt, ModelRef  # noqa: E402
from archfb_state.settings import Settings  # noqa: E402
from archfb_state.storage.opening import open_state  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.records import Snapshot
    from archfb_state.store import Store

ROUNDS, TIMES = 15, 200
TIERS = ("low", "medium", "high")
SETTINGS = Settings()


def candidate(n: int) -> Candidate:
    """Return the n-th candidate of the chain."""
    ref = ModelRef(f"model-{n}", f"host-{n % 4}/model-{n}", f"host-{n % 4}/key", f"host-{n % 4}")
    return Candidate(ref, n, TIERS[n % 3], 1.0 + n % 4, expected_cost=0.001 * (n + 1))


def attempt(one: Candidate, n: int, at: float) -> Attempt:
    """Return the n-th answer of a candidate; the fifth of every seventh model failed."""
    ref, failed = one.ref, n == 4 and one.position % 7 == 6
    outcome = Outcome.SERVER_ERROR if failed else Outcome.OK
    places = (ref.model, ref.deployment, ref.account, ref.host)
    return Attempt(f"{ref.model}-{n}", f"c-{n}", *places, "phase1", "call", outcome, at - 1.0, at, 900.0 + n)


def filled(store: Store, chain: list[Candidate]) -> None:
    """Let each model have answered a few times."""
    at = store.now() - 60.0
    for n in range(6):
        store.record([attempt(one, n, at + n) for one in chain], SETTINGS, refs=[one.ref for one in chain])


def best(work: Callable[[int], object]) -> float:
    """Return the milliseconds of CPU that something takes, in the best of several rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for n in range(TIMES):
            work(n)
        found.append(1000 * (time.process_time() - began) / TIMES)
    return min(found)


def moved_on(rows: Snapshot, one: Candidate, n: int) -> Snapshot:
    """Return what is known after one more call of a model, without the cost of recording it."""
    key = one.ref.deployment
    deployment = rows.deployments[key]._replace(calls=rows.deployments[key].calls + n % 5)
    return rows._replace(deployments={**rows.deployments, key: deployment})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--strategy", default="balanced")
    options = parser.parse_args()
    chain = [candidate(n) for n in range(options.candidates)]
    demand, rng = Demand("phase1", "medium", options.strategy), random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        store, other = (open_state(f"{folder}/state.db", explicit=True) for _ in range(2))
        filled(store, chain)
        rows = store.snapshot()
        views = [moved_on(rows, chain[n % len(chain)], n) for n in range(TIMES)]
        turns: dict[str, float] = {}

        def chosen(n: int) -> object:
            nonlocal turns
            decision, turns = choose(chain, views[n], demand, SETTINGS, turns, rows.at, rng)
            return decision

        def read_and_chosen(_: int) -> object:
            return choose(chain, store.snapshot(), demand, SETTINGS, turns, rows.at, rng)

        alone, warm, writing = best(chosen), best(read_and_chosen), best(lambda n: other.meta("n", n))

        def after_another(n: int) -> object:
            other.meta("n", n + 1)
            return read_and_chosen(n)

        anew = best(after_another) - writing
        print(
            f"{options.candidates} candidates, {options.strategy}, ms of CPU: the choice {alone:.3f} (to reach: 0.1),"
        )
        print(f"with the snapshot {warm:.3f} (0.5), read anew {anew:.3f}")
        store.close()
        other.close()


if __name__ == "__main__":
    main()
