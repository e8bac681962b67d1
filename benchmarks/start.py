"""How long a process takes to start, beside minimal programs measured in the same run.

    python benchmarks/start.py [PAIRS]

Each comparison runs two commands in turn (A, B, A, B, …) and prints the ratio of their median wall times, so
that a machine that is busy slows both. The state file that `status` and `route` read holds 20 models.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

PAIRS = 15

TYPER_APP = """
import typer
app = typer.Typer()
def show(value: bool):
    if value:
        print("1.0")
        raise typer.Exit()
@app.callback()
def root(version: bool = typer.Option(False, "--version", callback=show, is_eager=True, help="Print the version.")):
    "A minimal program."
@app.command()
def hello(name: str = "x"):
    "Say hello."
    print(name)
@app.command()
def bye(name: str = "x"):
    "Say good-bye."
    print(name)
app()
"""

TABLE_APP = """
import sqlite3
import typer
from rich.console import Console
from rich.table import Table
app = typer.Typer()
@app.callback()
def root():
    "A minimal program."
@app.command()
def status(db: str = typer.Option(..., "--db")):
    "Show a table."
    table = Table("model", "status", "reason", "errors", "p50", "p95")
    for row in sqlite3.connect(db).execute("SELECT * FROM health"):
        table.add_row(*map(str, row))
    Console().print(table)
app()
"""


ASK_SCRIPT = """
import sqlite3, sys, time
import httpx
url, db = sys.argv[1:]
began = time.time()
with httpx.Client(timeout=10) as client:
    body = {"model": "m0", "messages": [{"role": "user", "content": "hello"}]}
    answer = client.post(url + "/v1/chat/completions", json=body).json()
with sqlite3.connect(db) as store:
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("CREATE TABLE IF NOT EXISTS attempts (model, started, seconds)")
    store.execute("INSERT INTO attempts VALUES (?, ?, ?)", ("m0", began, time.time() - began))
print(answer["choices"][0]["message"]["content"])
"""


class Comparison(NamedTuple):
    """Two commands, and the ratio of the first to the second that is to be kept."""

    name: str
    ours: Sequence[str]
    peer: Sequence[str]
    limit: float


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with a home of its own and no keys."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    return {**kept, **homes, "HOME": str(folder), "LANG": "C.UTF-8", "COLUMNS": "120"}


def write_peers(folder: Path) -> tuple[list[str], list[str]]:
    """Write the minimal programs and the peer's table of 20 rows; return their commands."""
    import sqlite3

    (folder / "typer_app.py").write_text(TYPER_APP)
    (folder / "table_app.py").write_text(TABLE_APP)
    with sqlite3.connect(folder / "peer.db") as db:
        db.execute("CREATE TABLE health (model, status, reason, errors, p50, p95)")
        rows = [(f"model-{n}", "healthy", "3 answers in the last hour", 0.01, 812.0, 1400.0) for n in range(20)]
        db.executemany("INSERT INTO health VALUES (?, ?, ?, ?, ?, ?)", rows)
    table = [sys.executable, str(folder / "table_app.py"), "status", "--db", str(folder / "peer.db")]
    return [sys.executable, str(folder / "typer_app.py")], table


def write_configuration(folder: Path, url: str) -> Path:
    """Write a configuration of 20 models in one chain at a server, none of which needs a key."""
    lines = ["[providers.local]", 'api = "openai-chat"', f'base_url = "{url}/v1"']
    for n in range(20):
        lines += [f"[models.m{n}]", 'provider = "local"', f'model = "id-{n}"', 'tier = "low"']
    names = ", ".join(f'"m{n}"' for n in range(20))
    chains = [f"{phase} = [{names}]" for phase in ("phase1", "phase2", "phase3", "phase4", "phase5", "final")]
    path = folder / "fallback.toml"
    path.write_text("\n".join([*lines, "[chains]", *chains]) + "\n")
    return path


def seconds(command: Sequence[str], env: dict[str, str], cwd: Path) -> float:
    """Return the wall seconds of one process; it must end well."""
    begun = time.perf_counter()
    ended = subprocess.run(command, env=env, cwd=cwd, capture_output=True, check=False)
    took = time.perf_counter() - begun
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {ended.returncode}\n{ended.stderr.decode()}")
    return took


def compare(one: Comparison, env: dict[str, str], cwd: Path, pairs: int) -> float:
    """Run both commands in turn and print the ratio of their medians."""
    for command in (one.ours, one.peer):
        seconds(command, env, cwd)
    taken = [(seconds(one.ours, env, cwd), seconds(one.peer, env, cwd)) for _ in range(pairs)]
    ours, peer = median(a for a, _ in taken), median(b for _, b in taken)
    verdict = "within" if ours / peer <= one.limit else "OVER"
    print(f"{one.name:34} {ours * 1e3:7.1f} ms {peer * 1e3:7.1f} ms  {ours / peer:5.2f}  {verdict} {one.limit}")
    return ours / peer


def comparisons(folder: Path, url: str) -> list[Comparison]:
    """Return what is measured."""
    typer_app, table_app = write_peers(folder)
    own = [sys.executable, "-m", "archfb"]
    given = ["--config", str(write_configuration(folder, url)), "--state", str(folder / "state" / "archfb.db")]
    (folder / "ask.py").write_text(ASK_SCRIPT)
    script = [sys.executable, str(folder / "ask.py"), url, str(folder / "ask.db")]
    return [
        Comparison("--version / Typer app --version", [*own, "--version"], [*typer_app, "--version"], 1.2),
        Comparison("--help / Typer app --help", [*own, "--help"], [*typer_app, "--help"], 1.2),
        Comparison("status / table app", [*own, "status", *given], table_app, 1.0),
        Comparison("status --json / table app", [*own, "status", "--json", *given], table_app, 1.0),
        Comparison("route / table app", [*own, "route", "phase1", *given], table_app, 1.0),
        Comparison(
            "health -q --if-stale / table app",
            [*own, "health", "--quiet", "--if-stale", "3600", *given],
            table_app,
            1.0,
        ),
        Comparison("ask / httpx script that records", [*own, "ask", "hello", *given], script, 1.3),
    ]


def fill_state(folder: Path, env: dict[str, str]) -> None:
    """Record three answers of each of the 20 models, so that the table has something to show."""
    script = folder / "fill.py"
    script.write_text(FILL)
    subprocess.run([sys.executable, str(script), str(folder)], env=env, check=True)


FILL = """
import sys, time
from pathlib import Path
from archfb.config.load import load
from archfb.routing.roster import roster
from archfb_state.storage.opening import open_state
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt
folder = Path(sys.argv[1])
config = load(str(folder / "fallback.toml"), environ={}, cwd=folder)
(folder / "state").mkdir(mode=0o700)
store = open_state(str(folder / "state" / "archfb.db"))
members = roster(config, {}, store.salt)
now = time.time()
for name in config.chained:
    ref = members[name].ref
    for n in range(3):
        began = now - 60 + n
        store.record([Attempt(f"{name}-{n}", f"call-{name}-{n}", name, ref.deployment, ref.account, ref.host,
            "phase1", "completion", Outcome.OK, began, began + 0.8, 800.0)], config.settings)
store.close()
"""


def main() -> None:
    """Measure everything once; with a comparison's name as second argument only that one."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from scripted_server import ServerThread

    script = {"models": {f"m{n}": [{"text": "Hello."}] for n in range(20)}}
    with tempfile.TemporaryDirectory() as name, ServerThread(script) as server:
        folder = Path(name)
        env = environment(folder)
        found = comparisons(folder, server.url)
        print(f"{'ours / peer':34} {'ours':>10} {'peer':>10}  ratio")
        for at, one in enumerate(found):
            if at == 2:
                fill_state(folder, env)
            if only in one.name:
                compare(one, env, folder, pairs)


if __name__ == "__main__":
    main()
