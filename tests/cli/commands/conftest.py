"""A scripted server, and a configuration whose one chain asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scripted_server import ScriptedServer, ServerThread

from archfb.door import enter

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")


class Place(NamedTuple):
    """Where a test runs: the server, and the options that lead to it."""

    server: ScriptedServer
    folder: Path
    options: list[str]

    def run(self, *words: str) -> int:
        """Run a command in this process and return its exit code."""
        return enter([*words, *self.options])


def configuration(url: str, models: list[str], more: str = "") -> str:
    """Return a configuration of models at one server, that need no key, in every chain."""
    lines = ["[providers.scripted]", 'api = "openai-chat"', f'base_url = "{url}/v1"', more]
    for name in models:
        lines += [f"[models.{name}]", 'provider = "scripted"', f'model = "{name}"', 'tier = "low"', "stream = false"]
        lines += ["input_price = 1.0", "output_price = 2.0"]
    names = ", ".join(f'"{name}"' for name in models)
    return "\n".join([*lines, "[chains]", *(f"{phase} = [{names}]" for phase in PHASES)]) + "\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Return a function that starts a server with behaviours by model, and a configuration for it."""
    started: list[ServerThread] = []

    def start(more: str = "", **models: list[dict[str, Any]]) -> Place:
        thread = ServerThread({"models": models})
        server = thread.__enter__()
        started.append(thread)
        (tmp_path / "c.toml").write_text(configuration(server.url, list(models), more))
        return Place(server, tmp_path, ["--config", f"{tmp_path}/c.toml", "--state", f"{tmp_path}/archfb.db"])

    yield start
    for thread in started:
        thread.__exit__(None, None, None)
