"""A week of calls, probes, faults and runs in a store, as a page or a chart may have to show it.

python tests/report_sample.py FILE.html    writes the page of it
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1] / part) for part in ("cli", "state")]

from archfb.config.load import load
from archfb.routing.roster import roster
from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt
from archfb_state.storage.memory_store import MemoryStore
from archfb_state.store import PhaseResult, Run

if TYPE_CHECKING:
    from archfb.config.model import Config

NOW = 1_800_000_000.0
WEEK = 7 * 86400
HOSTILE = "</script><script>alert(1)</script> \x1b[2J \u202e \"'&<img src=x onerror=alert(2)>"

CONFIG = """
[providers.local]
api = "openai-chat"
base_url = "http://127.0.0.1:9/v1"
[models.swift]
provider = "local"
model = "swift"
[models.deep]
provider = "local"
model = "deep"
[models."<b>odd & \\"quoted\\"</b>"]
provider = "local"
model = "odd"
[chains]
phase1 = ["swift", "deep", "<b>odd & \\"quoted\\"</b>"]
phase2 = ["deep", "swift"]
phase3 = ["deep"]
phase4 = ["swift"]
phase5 = ["swift"]
final = ["deep"]
"""
ODD = '<b>odd & "quoted"</b>'


def configuration(folder: Path) -> Config:
    """Return a configuration of three models, one of them with an unkind name."""
    path = folder / "c.toml"
    path.write_text(CONFIG)
    return load(str(path), environ={"HOME": str(folder)}, cwd=folder)


def sample(config: Config, *, step: float = 1800.0) -> MemoryStore:
    """Return a store with a week in it; `step` is the seconds between two calls of a model."""
    clock = [NOW - WEEK]
    rng = random.Random(7)
    store = MemoryStore(clock=lambda: clock[0], rng=rng)
    members = roster(config, {}, store.salt)
    settings, number = config.settings, 0
    at = NOW - WEEK
    while at < NOW:
        for name, median_ms in (("swift", 800.0), ("deep", 9000.0), (ODD, 2500.0)):
            number += 1
            began = at + rng.random() * 200
            clock[0] = max(clock[0], began)
            one = attempt(config, members, name, number, began, median_ms * rng.lognormvariate(0, 0.4))
            down = name == "swift" and NOW - 3 * 86400 < at < NOW - 3 * 86400 + 20000
            if down or rng.random() < 0.02:
                one = replace(one, outcome=Outcome.SERVER_ERROR, http_status=500, message=HOSTILE, cost_usd=None)
            quiet = name == ODD and at < NOW - 4 * 86400
            if not quiet:
                store.record([one], settings, refs=[members[name].ref for name in config.chained])
            if down:
                taken = attempt(config, members, "deep", number, began + 3, 9000.0)
                other = replace(taken, id=f"o{number}", fallback_from="swift")
                store.record([other], settings)
        at += step
    clock[0] = NOW
    add_runs(store)
    return store


def attempt(config: Config, members: object, name: str, number: int, at: float, took_ms: float) -> Attempt:
    """Return one answered attempt."""
    ref = members[name].ref  # type: ignore[index]
    cost = {"swift": 0.0004, "deep": 0.02}.get(name, 0.003)
    where = (ref.deployment, ref.account, ref.host)
    took = (at, at + took_ms / 1000, took_ms)
    run_id = "feedc0de0001" if at > NOW - 7200 else None
    return Attempt(
        f"a{number}", f"c{number}", name, *where, "phase1", "call", Outcome.OK, *took, cost_usd=cost, run_id=run_id
    )


def add_runs(store: MemoryStore) -> None:
    """Add a run that is explained, one that failed, and one that goes on."""
    ranked = (
        Ranked("deep", "healthy", 0.8, True, ""),
        Ranked("swift", "unavailable", 0.0, False, f"open after 3 failures {HOSTILE}"),
    )
    store.save_run(Run("feedc0de0001", NOW - 7200, "run final", HOSTILE, "final", NOW - 7000, True, None, 0.31))
    store.save_run(
        Run("feedc0de0002", NOW - 9200, "run phase1", "/src/other", "phase1", NOW - 9100, False, "no model")
    )
    store.save_run(Run("feedc0de0003", NOW - 60, "run phase2", "/src/one", "phase2"))
    store.save_result(PhaseResult("k", "phase1", "structure", "deep", NOW - 7100, HOSTILE, run_id="feedc0de0001"))
    decision = Decision("phase1", "medium", "balanced", ranked)
    store.decide("phase1/medium", "c0", lambda rows, credit: (decision, credit), run_id="feedc0de0001")


def main() -> None:
    """Write the page."""
    import tempfile

    from archfb.report.file import write
    from archfb.report.page import page
    from archfb.report.reading import read

    with tempfile.TemporaryDirectory() as name:
        config = configuration(Path(name))
        write(sys.argv[1], page(read(config, sample(config), {}, WEEK)))


if __name__ == "__main__":
    main()
