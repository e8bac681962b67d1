"""What a watch costs: the share of a core over half a minute, and the memory after 10,000 refreshes.

    python benchmarks/watch.py [SECONDS]

`archfb health --watch` runs in a terminal of 200 × 50 over 20 models that a loopback server answers for, probed
every 10 s; beside it, for comparison, as many rows in a Rich table that is shown live in the usual way (four times a
second). The refreshes are made in this process by a clock that is moved on, over a state file to which a second
store keeps writing.
"""

from __future__ import annotations

import gc
import os
import pty
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / one) for one in ("cli", "state", "tests")]

SECONDS = 30.0
MODELS = 20
REFRESHES = 10_000
CORE_LIMIT = 3.0
"""Percent of a core."""

GROWTH_LIMIT = 1.0
"""MiB that the second half of the refreshes may add."""

TABLE = """
import time
from rich.live import Live
from rich.table import Table
def table():
    found = Table("model", "status", "for", "reason", "latency", "errors", "fails", "cost", "next", expand=True)
    for n in range(20):
        found.add_row(f"model-{n}", "healthy", "3 min", "answers", "0.81 s", "0 %", "0", "$0.01", str(time.time()))
    return found
with Live(get_renderable=table, screen=True):
    time.sleep(3600)
"""


def configuration(url: str, folder: Path) -> Path:
    """Write a configuration of the models at a server, probed every 10 s by a completion."""
    lines = ["[health]", "interval = 10", "probe_max_per_day = 100000", "[providers.local]", 'api = "openai-chat"']
    lines.append(f'base_url = "{url}/v1"')
    for n in range(MODELS):
        lines += [f"[models.model-{n:02}]", 'provider = "local"', f'model = "id-{n}"', 'tier = "low"']
        lines += ['probe = "completion"', "stream = false", "input_price = 0.0", "output_price = 0.0"]
    names = ", ".join(f'"model-{n:02}"' for n in range(MODELS))
    phases = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")
    path = folder / "c.toml"
    path.write_text("\n".join([*lines, "[chains]", *(f"{one} = [{names}]" for one in phases)]) + "\n")
    return path


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int | str = "self") -> float:
    """Return the resident memory of a process in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def drain(main: int) -> None:
    """Read whatever the terminal gets, until it closes."""
    try:
        while os.read(main, 65536):
            pass
    except OSError:
        return


def share(command: list[str], env: dict[str, str], seconds: float) -> tuple[float, float]:
    """Run a command in a terminal; returns the percent of a core after its start, and its memory in MiB."""
    main, child = pty.openpty()
    termios.tcsetwinsize(child, (50, 200))
    process = subprocess.Popen(command, env=env, stdin=child, stdout=child, stderr=child, start_new_session=True)
    os.close(child)
    threading.Thread(target=drain, args=(main,), daemon=True).start()
    time.sleep(5)
    used, began = cpu_seconds(process.pid), time.monotonic()
    time.sleep(seconds)
    percent = (cpu_seconds(process.pid) - used) / (time.monotonic() - began) * 100
    memory = resident(process.pid)
    process.terminate()
    process.wait()
    return percent, memory


def in_terminals(seconds: float) -> bool:
    """Measure both; says whether the watch keeps its limit."""
    from scripted_server import ServerThread

    with tempfile.TemporaryDirectory() as name, ServerThread({"default": [{"text": "ok"}]}) as server:
        folder = Path(name)
        env = {"PATH": os.environ["PATH"], "HOME": name, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "cli"), str(ROOT / "state")])
        state = ["--config", str(configuration(server.url, folder)), "--state", f"{name}/archfb.db"]
        ours = [sys.executable, "-m", "archfb", "health", "--watch", *state]
        watch, memory = share(ours, env, seconds)
        probes = server.counts["requests"]
        look, _ = share([sys.executable, "-m", "archfb", "status", "--watch", *state], env, seconds)
        peer, peer_memory = share([sys.executable, "-c", TABLE], env, seconds)
    print(f"health --watch, {MODELS} models, {probes} probes: {watch:.2f} % of a core, {memory:.0f} MiB")
    print(f"status --watch: {look:.2f} %")
    print(f"a live Rich table of as many rows: {peer:.2f} %, {peer_memory:.0f} MiB")
    print(f"limit {CORE_LIMIT:g} %: {'kept' if watch <= CORE_LIMIT else 'NOT KEPT'}")
    return watch <= CORE_LIMIT


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        return self.at


def screen(stream: IO[str]) -> Any:
    """Return a screen that draws to nowhere."""
    from rich.console import Console

    from archfb.watching.terminal import Screen

    console = Console(file=stream, force_terminal=True, color_system="standard", legacy_windows=False, _environ={})
    return Screen(stream, None, console, lambda: None)


def refreshes(count: int) -> bool:
    """Refresh so often over a state that somebody writes to; says whether memory is flat."""
    from archfb.config.load import load
    from archfb.watching.loop import Selection, Watch
    from archfb.watching.memory import PeekedMemory
    from archfb_state.storage.opening import open_state, peek

    with tempfile.TemporaryDirectory() as name, Path(os.devnull).open("w") as nowhere:
        config = load(str(configuration("http://127.0.0.1:9", Path(name))), environ={}, cwd=Path(name))
        clock, path = Clock(), f"{name}/archfb.db"
        writer = open_state(path, clock=clock)
        memory = PeekedMemory(path, lambda one: peek(one, clock=clock), clock)
        with screen(nowhere) as outlet:
            watch = Watch(
                config,
                {},
                memory,
                outlet,
                title="archfb status",
                selection=Selection(config, (), None),
                monotonic=clock,
            )
            marks = []
            for at in range(count):
                if at % 10 == 0:
                    write(writer, config, at)
                watch.tick()
                clock.at += 1
                if at + 1 in (count // 2, count):
                    gc.collect()
                    marks.append(resident())
        writer.close()
        memory.close()
    growth = marks[1] - marks[0]
    kept = growth <= GROWTH_LIMIT
    print(f"{count} refreshes: {marks[0]:.1f} MiB half-way, {marks[1]:.1f} MiB at the end", end="; ")
    print(f"limit {GROWTH_LIMIT:g} MiB more: {'kept' if kept else 'NOT KEPT'}")
    return kept


def write(store: Any, config: Any, at: int) -> None:
    """Record a call as another process would: now and then one that failed."""
    from archfb.providers.exchange import Reply
    from archfb.routing.attempt import Circumstances, attempt_of
    from archfb.routing.prices import Price
    from archfb.routing.roster import roster
    from archfb_state.outcomes import Outcome

    member = roster(config, {}, store.salt)[f"model-{at // 10 % MODELS:02}"]
    reply = Reply(Outcome.SERVER_ERROR if at % 70 == 0 else Outcome.OK, "ok", latency_ms=100.0 + at % 900)
    around = Circumstances(str(at), "phase1", "call", store.now() - 1, store.now(), None)
    store.record([attempt_of(member, Price(), reply, around)], config.settings, refs=[member.ref])


def main() -> int:
    """Measure; the exit code says whether both limits were kept."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    flat = refreshes(REFRESHES)
    return 0 if in_terminals(seconds) and flat else 1


if __name__ == "__main__":
    raise SystemExit(main())
