"""Whole runs from outside: servers that play all models, a configuration of them, a small repository."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import PATIENCE, variables
from scripted_server import ScriptedServer, ServerThread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")

MODELS = {"near": ("one", "openai-chat"), "far": ("two", "anthropic"), "spare": ("two", "anthropic")}
"""The presets: at which server each is asked, and how."""

MARKS = {
    "structure": "Your role in the first step is structure",
    "dependencies": "Your role in the first step is dependencies",
    "technology": "Your role in the first step is technology",
    "plan": "You plan the close reading",
    "agent_1": "Charge one.",
    "agent_2": "Charge two.",
    "synthesis": "Make one picture of them",
    "report": "Write the report that a new senior engineer reads",
    "rules": "Write the rules file of this repository",
}
"""What only one role's question holds."""

AGENTS = "You are one of several agents"

PLAN: dict[str, Any] = {
    "plan": "Two readers.",
    "agents": [
        {
            "id": "agent_1",
            "name": "Selling",
            "description": "Charge one.",
            "responsibilities": ["prices"],
            "file_assignments": ["/etc/passwd", "shop/cart.py", "shop/gone.py", "../x.py", ".env"],
        },
        {
            "id": "agent_2",
            "name": "Users",
            "description": "Charge two.",
            "responsibilities": ["logins"],
            "file_assignments": ["user.py", "./shop/login.py"],
        },
    ],
}


def shop(folder: Path) -> Path:
    """Make a small shop in a folder: seven modules in two connected groups, a manifest, a secret file."""
    (folder / "shop").mkdir(parents=True)
    imports = {"cart": "price order", "order": "price", "login": "user mail", "user": "", "price": "", "mail": ""}
    for name, others in imports.items():
        lines = [f'"""The {name} of the shop."""', *(f"from shop import {one}" for one in others.split())]
        lines += [f"class {name.title()}:", *(f"    line_{at} = {at}" for at in range(20))]
        (folder / "shop" / f"{name}.py").write_text("\n".join(lines) + "\n")
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    (folder / ".env").write_text("SHOP_PASSWORD=hunter2hunter2\n")
    return folder


def well(*special: Mapping[str, Any], agent: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a script in which every role is answered as it should be, after what is special."""
    rules = [
        *special,
        {"contains": MARKS["plan"], "do": [{"text": json.dumps(PLAN)}]},
        {"contains": AGENTS, "do": [agent or {"text": "- It sells `shop/cart.py:2`, not `x/y.py:9`"}]},
    ]
    return {"match": rules, "default": [{"text": "- All is well `shop/cart.py:1`"}]}


def configuration(urls: Mapping[str, str], more: str = "", order: Sequence[str] = tuple(MODELS)) -> str:
    """Return a configuration in which every chain has these models, cheap ones of known price and window."""
    lines = [more]
    wires = dict(MODELS.values())
    for server, api in wires.items():
        lines += [f"[providers.{server}]", f'api = "{api}"', f'base_url = "{urls[server]}/v1"']
    for at, (name, (server, _)) in enumerate(MODELS.items(), 1):
        lines += [f"[models.{name}]", f'provider = "{server}"', f'model = "{name}"', "context_window = 200000"]
        lines += [f"input_price = {at}.0", f"output_price = {at}.0", "max_output_tokens = 8000", "stream = true"]
    names = ", ".join(f'"{name}"' for name in order)
    return "\n".join([*lines, "[chains]", *(f"{phase} = [{names}]" for phase in PHASES)]) + "\n"


@dataclass
class Outside:
    """Two servers, a configuration, a state file and a repository, and the program run on them as a process."""

    folder: Path
    servers: dict[str, ScriptedServer]
    repo: Path
    options: list[str] = field(default_factory=list)

    def configure(self, more: str = "", order: Sequence[str] = tuple(MODELS)) -> None:
        """Write the configuration anew, with something more at its head or its chains in another order."""
        urls = {name: one.url for name, one in self.servers.items()}
        (self.folder / "c.toml").write_text(configuration(urls, more, order))

    def __post_init__(self) -> None:
        self.configure()
        self.options = ["--config", str(self.folder / "c.toml"), "--state", str(self.folder / "state.db")]

    def put(self, script: Mapping[str, Any]) -> None:
        """Give all servers a new script."""
        for one in self.servers.values():
            one.put(dict(script))

    def command(self, *words: str) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "archfb", *words, *self.options]

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start the program."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.command(*words), env=variables(), stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the program to its end, which must have this exit code."""
        ended = subprocess.run(
            self.command(*words), env=variables(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ended.returncode == code, ended.stderr
        return ended

    def json(self, *words: str, code: int = 0) -> Any:
        """Run the program and return its one JSON document."""
        return json.loads(self.run(*words, "--json", code=code).stdout)

    @property
    def bodies(self) -> list[str]:
        """Return every question that came, as text."""
        asked = [one for here in self.servers.values() for one in [*here.requests] if one["method"] == "POST"]
        return [json.dumps(one["body"], ensure_ascii=False) for one in asked]

    @property
    def requests(self) -> int:
        """Return how many requests came, of any kind."""
        return sum(int(one.counts["requests"]) for one in self.servers.values())

    def asked(self) -> Counter[str]:
        """Return how often each role was asked."""
        found: Counter[str] = Counter()
        for body in self.bodies:
            found[next((role for role, mark in MARKS.items() if mark in body and _speaks(role, body)), "other")] += 1
        return found

    def stored(self) -> int:
        """Return how many finished calls are stored."""
        import sqlite3

        path = self.folder / "state.db"
        if not path.exists():
            return 0
        found = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return int(found.execute("SELECT count(*) FROM phase_results").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
        finally:
            found.close()

    def wait_for(self, role: str, stored: int, times: int = 1) -> None:
        """Wait until a role's question hangs at a server (has come so often) and so many others are stored."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.asked()[role] >= times and self.stored() >= stored:
                return
            time.sleep(0.01)
        raise AssertionError(f"{role} was never asked: {self.asked()}, {self.stored()} stored")


@contextmanager
def outside(folder: Path, script: Mapping[str, Any] | None = None) -> Iterator[Outside]:
    """Start two servers with a script and plant the repository."""
    with ServerThread(dict(script or well())) as one, ServerThread(dict(script or well())) as two:
        yield Outside(folder, {"one": one, "two": two}, shop(folder / "shop"))


def _speaks(role: str, body: str) -> bool:
    """Whether a question with a role's mark is the role's: later phases read the agents' charges in the plan."""
    return not role.startswith("agent") or AGENTS in body


def hanging(role: str) -> dict[str, Any]:
    """Return a rule that never answers a role."""
    return {"contains": MARKS[role], "do": [{"fault": "hang"}]}


def outcomes(document: Mapping[str, Any]) -> Sequence[str]:
    """Return the outcomes of a run's attempts, in order."""
    return [one["outcome"] for one in document["attempts"]]
