"""A dead first model, seen from fresh processes: `archfb ask` beside a script with LiteLLM's Router, in one run.

    python benchmarks/fresh.py [--processes 20] [--peer-processes 5] [--archfb COMMAND] [--faults refused …]
        [--no-peer]

The first of two models refuses the connection, answers 500, hangs (time-out 2 s) or is rate limited for an hour; the
second one answers at once. Every call is a process of its own. The processes of archfb take turns with as many whose
first model is healthy (target: a process with a dead first model <= 1.1 x one of those, from the one after the
breaker opened: the second where it is rate limited, else the fourth). Wasted requests are those that the server saw
for the first model; a refused connection is seen by nobody, so for archfb they are the attempts it tells of.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE)]

from peers import python_of, versions  # noqa: E402 - found by the line above
from scripted_server import ServerThread, refused_port  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

FAULTS: dict[str, dict[str, Any]] = {
    "refused": {},
    "500": {"status": 500},
    "hanging": {"fault": "hang"},
    "rate limited": {"status": 429, "retry_after": 3600},
}
TIMEOUT = 2
PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")

PEER = """
import json, os, sys, time, logging
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
logging.disable(logging.CRITICAL)
import litellm
models = [{"model_name": name, "litellm_params": {"model": "openai/" + name, "api_base": url, "api_key": "k"}}
          for name, url in zip(("first", "second"), sys.argv[2:])]
router = litellm.Router(model_list=models, fallbacks=[{"first": ["second"]}], timeout=float(sys.argv[1]))
began = time.perf_counter()
router.completion("first", messages=[{"role": "user", "content": "hi"}])
print(json.dumps(time.perf_counter() - began), flush=True)
os._exit(0)
"""
"""LiteLLM's own defaults; it does not wait for its threads at the end."""


class Seen(NamedTuple):
    """One process: seconds of the call and of the process, requests in vain."""

    call: float
    process: float
    wasted: int


def configuration(path: Path, first: str, second: str) -> Path:
    """Write a chain of two models at two addresses."""
    lines = []
    for name, url in (("first", first), ("second", second)):
        lines += [f"[providers.{name}]", 'api = "openai-chat"', f'base_url = "{url}"', f"timeout = {TIMEOUT}"]
        lines += [f"[models.{name}]", f'provider = "{name}"', f'model = "{name}"', 'tier = "low"']
    chains = [f'{phase} = ["first", "second"]' for phase in PHASES]
    path.write_text("\n".join([*lines, "[routing]", 'strategy = "priority"', "[chains]", *chains]) + "\n")
    return path


def ran(command: Sequence[str], folder: Path) -> tuple[float, str]:
    """Return the wall seconds of a process that must end well, and what it printed."""
    env = {**os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    began = time.perf_counter()
    ended = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, ended.stdout


def asked(archfb: str, config: Path) -> Seen:
    """Ask in a process of archfb; its call takes as long as its attempts."""
    command = [archfb, "ask", "-q", "--json", "--config", str(config), "--state", f"{config}.db", "hi"]
    took, said = ran(command, config.parent)
    answer = json.loads(said)
    if answer["model"] not in {"first", "second"}:
        raise SystemExit(f"{answer['model']} answered")
    wasted = sum(one["outcome"] != "ok" for one in answer["attempts"])
    return Seen(sum(one["latency_ms"] for one in answer["attempts"]) / 1000, took, wasted)


def mean_row(name: str, seen: Sequence[Seen], wasted: int) -> Seen:
    """Print the medians of some processes; return them."""
    call, process = median(one.call for one in seen), median(one.process for one in seen)
    print(f"  {name:34} {1000 * call:9.1f} ms {1000 * process:9.1f} ms {wasted:7d}", flush=True)
    return Seen(call, process, wasted)


def measure(fault: str, options: argparse.Namespace, folder: Path) -> None:
    """Measure one fault and print its rows and ratios."""
    script = {"models": {"first": [FAULTS[fault]], "second": [{"text": "ok"}], "well": [{"text": "ok"}]}}
    with ServerThread(script) as server:
        good = f"{server.url}/v1"
        bad = f"http://127.0.0.1:{refused_port()}/v1" if fault == "refused" else good
        dead = configuration(folder / f"{fault}.toml", bad, good)
        well = configuration(folder / f"{fault}-well.toml", good, good)
        well.write_text(well.read_text().replace('model = "first"', 'model = "well"'))
        pairs = [(asked(options.archfb, dead), asked(options.archfb, well)) for _ in range(options.processes)]
        counted = server.counts["models"]["first"]
        ours = [one for one, _ in pairs]
        wasted = sum(one.wasted for one in ours)
        if fault != "refused" and wasted != counted:
            print(f"  the server saw {counted} requests, archfb told of {wasted}")
        at = 1 if fault == "rate limited" else 3
        print(fault)
        mean_row(f"archfb, first {at} process{'es' * (at > 1)}", ours[:at], sum(one.wasted for one in ours[:at]))
        after = mean_row("archfb, after them", ours[at:], sum(one.wasted for one in ours[at:]))
        healthy = mean_row("archfb, healthy first, as many", [one for _, one in pairs][at:], 0)
        print(f"  dead / healthy first: {after.process / healthy.process:.2f} (target <= 1.1)")
        if options.peer:
            against_litellm(after, wasted / options.processes, (bad, good), options.peer_processes, server, folder)


def against_litellm(
    ours: Seen, wasted: float, urls: tuple[str, str], processes: int, server: Any, folder: Path
) -> None:
    """Run the script with LiteLLM's Router against the same addresses, and print the ratios."""
    program = folder / "peer.py"
    program.write_text(PEER)
    before = server.counts["models"]["first"]
    seen = []
    for _ in range(processes):
        took, said = ran([python_of("litellm"), str(program), str(TIMEOUT), *urls], folder)
        seen.append(Seen(float(said.splitlines()[-1]), took, 0))
    counted = server.counts["models"]["first"] - before
    theirs = mean_row(f"LiteLLM Router, {processes} processes", seen, counted)
    print(
        f"  archfb / LiteLLM: call {ours.call / theirs.call:.4f}, process {ours.process / theirs.process:.3f}", end=""
    )
    print(f", wasted a process {wasted:.2f} / {counted / processes:.2f}" if counted else "")


def main() -> None:
    """Measure every fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--peer-processes", type=int, default=5)
    parser.add_argument("--archfb", default=str(Path(sys.executable).with_name("archfb")))
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--no-peer", dest="peer", action="store_false")
    options = parser.parse_args()
    if options.peer:
        print(versions(python_of("litellm"), "litellm"))
    print(f"  {'':34} {'call':>12} {'process':>12} {'wasted':>7}")
    with tempfile.TemporaryDirectory() as name:
        for fault in options.faults:
            measure(fault, options, Path(name))


if __name__ == "__main__":
    main()
