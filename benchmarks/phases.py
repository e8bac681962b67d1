"""How long phase 3 takes beside the ideal, over models that scripted servers play.

    python benchmarks/phases.py [REPO] [RUNS]

RUNS (default 3) runs of phase 3 on REPO (default: one that is made for it) go at once, each a process of its own with
8 calls in flight and three presets over two base URLs. A call takes a known time at the server; the ideal is the sum
of these times ÷ 8, or the longest call. The wall time is that from the phase's beginning to its end by the event log:
it holds the packing of what is sent, routing, storing and reading the answers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "tests"))

from scripted_server import ServerThread  # noqa: E402 - the tests' server stands in a folder of its own

SLOTS = 8
DELAY = 0.5
WINDOW = 16_000
"""Tokens of the models' windows: small, so that there are many calls."""
AGENT = "You are one of several agents"
PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")


def made_repository(folder: Path) -> Path:
    """Make a repository of 24 modules, some thousand lines each, so that a plan has 24 batches."""
    (folder / "src").mkdir(parents=True)
    for at in range(24):
        lines = [f"def function_{at}_{number}(value):\n    return value + {number}\n" for number in range(900)]
        (folder / "src" / f"module_{at}.py").write_text("\n".join(lines))
    return folder


def plan_of(repo: Path) -> str:
    """Return a plan with one agent for each three source files."""
    files = [str(one.relative_to(repo)) for one in sorted(repo.rglob("*.py")) if ".git" not in one.parts]
    groups = [files[at::8] for at in range(8)]
    agents = [
        {"name": f"Part {at}", "description": f"Charge {at}.", "file_assignments": group}
        for at, group in enumerate(groups)
        if group
    ]
    return json.dumps({"plan": "All of it.", "agents": agents})


def script(plan: str, delay: float) -> dict[str, Any]:
    """Return how the servers answer: agents after a delay, everybody else at once."""
    agent = {"contains": AGENT, "do": [{"text": "- Seen `src/module_1.py:1`", "delay": delay}]}
    planner = {"contains": "You plan the close reading", "do": [{"text": plan}]}
    return {"match": [planner, agent], "default": [{"text": "- All is well"}]}


def configuration(folder: Path, urls: list[str]) -> Path:
    """Write a configuration of three presets over two base URLs."""
    lines = ["[routing]", f"max_concurrency = {SLOTS}"]
    for at, url in enumerate(urls):
        lines += [f"[providers.p{at}]", 'api = "openai-chat"', f'base_url = "{url}/v1"']
    for at, provider in enumerate(("p0", "p1", "p1")):
        lines += [f"[models.m{at}]", f'provider = "{provider}"', f'model = "m{at}"', f"context_window = {WINDOW}"]
    lines += ["[chains]", *(f'{phase} = ["m0", "m1", "m2"]' for phase in PHASES)]
    path = folder / "c.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def command(repo: Path, config: Path, state: Path) -> list[str]:
    """Return the command line of a run of phase 3 that keeps its event log beside its state."""
    words = ["run", "phase3", str(repo), "--json", "-q", "--config", str(config), "--state", str(state)]
    return [sys.executable, "-m", "archfb", *words, "--log-json", f"{state}.log"]


def together(repo: Path, config: Path, states: list[Path]) -> list[tuple[float, int]]:
    """Run phase 3 once for each state, all at once; return each one's seconds in phase 3 and its calls."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE / "cli"), str(HERE / "state")])}
    running = [
        subprocess.Popen(command(repo, config, state), env=env, stdout=subprocess.PIPE, text=True) for state in states
    ]
    documents = [json.loads(one.communicate()[0]) for one in running]
    calls = [len(one["phases"][-1]["result"]["findings"]) for one in documents]
    return [(seconds(Path(f"{state}.log")), number) for state, number in zip(states, calls, strict=True)]


def seconds(log: Path) -> float:
    """Return how long phase 3 took by an event log."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    at = [moment(one["at"]) for one in events if one["event"] == "phase" and one["phase"] == "phase3"]
    return at[-1] - at[0]


def moment(text: str) -> float:
    """Return an instant of the log as seconds."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name, ServerThread({}) as one, ServerThread({}) as two:
        folder = Path(name)
        repo = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else made_repository(folder / "repo")
        config = configuration(folder, [one.url, two.url])
        for server in (one, two):
            server.put(script(plan_of(repo), DELAY))
        ended = together(repo, config, [folder / f"{at}.db" for at in range(runs)])
        peak = one.counts["peak"] + two.counts["peak"]
        print(f"{runs} runs at once of phase 3 on {repo.name}, {SLOTS} calls in flight, {DELAY} s a call:")
        for wall, calls in ended:
            ideal = max(DELAY, calls * DELAY / SLOTS)
            print(f"{calls} calls, ideal {ideal:.2f} s, wall {wall:.2f} s: {wall / ideal:.3f} × the ideal")
        print(f"at most {peak} in flight")


if __name__ == "__main__":
    main()
