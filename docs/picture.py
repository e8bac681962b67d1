"""Draws docs/status.svg: the status table after a few calls to a scripted server.

python docs/picture.py
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("cli", "state", "tests")]

WIDTH = 112
BEHAVIOURS: dict[str, list[dict[str, object]]] = {
    "gemini-basic": [{"text": "An answer.", "usage": {"input": 1200, "output": 300}, "delay": 0.4}],
    "claude-basic": [{"text": "An answer.", "usage": {"input": 1200, "output": 300}, "delay": 0.7}],
    "openai-default": [{"status": 500, "message": "internal error"}],
    "openai-mini-low": [{"status": 429, "retry_after": 40, "message": "slow down"}],
    "deepseek-reasoner": [{"status": 402, "code": "insufficient_quota", "message": "Insufficient Balance"}],
}
CALLS = {"gemini-basic": 12, "claude-basic": 9, "openai-default": 3, "openai-mini-low": 1, "deepseek-reasoner": 1}


def configuration(url: str) -> str:
    """Return a configuration in which the server plays every model, and one more has no key."""
    lines = ["[routing]", "offline = false"]
    for provider in dict.fromkeys(name.partition("-")[0] for name in BEHAVIOURS):
        lines += [f"[providers.{provider}-like]", 'api = "openai-chat"', f'base_url = "{url}/{provider}/v1"']
    for name in BEHAVIOURS:
        provider = name.partition("-")[0]
        lines += [f"[models.{name}]", f'provider = "{provider}-like"', f'model = "{name}"', "stream = false"]
        lines += ["input_price = 0.3", "output_price = 2.5"]
    chain = json.dumps([*BEHAVIOURS, "gemini-reasoning"])
    return "\n".join([*lines, "[chains]", f"phase1 = {chain}", f"phase2 = {chain}"]) + "\n"


def picture(folder: Path, options: list[str]) -> str:
    """Return the status table as SVG, without a font from elsewhere."""
    from rich.console import Console

    from archfb.commands.table import stored_table
    from archfb.session import Session
    from archfb.views.status_table import status_view

    session = Session(environ={"HOME": str(folder)}, config=options[1], state=options[3])
    table = stored_table(session, session.load())
    chains = tuple(one for one in table.chains if one.phase in {"phase1", "phase2"})
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), markup=False, highlight=False, force_terminal=True
    )
    table = type(table)(
        table.at, tuple(one for one in table.models if one.name in {*BEHAVIOURS, "gemini-reasoning"}), chains
    )
    console.print(status_view(table, WIDTH))
    svg = console.export_svg(title="archfb status", unique_id="status")
    return re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL)


def drawn(behaviours: dict[str, list[dict[str, object]]]) -> str:
    """Make the calls to models that behave so, and return the picture."""
    from scripted_server import ServerThread

    from archfb.door import enter

    with tempfile.TemporaryDirectory() as name, ServerThread({"models": behaviours}) as server:
        folder = Path(name)
        (folder / "c.toml").write_text(configuration(server.url))
        options = ["--config", f"{folder}/c.toml", "--state", f"{folder}/archfb.db"]
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            for model, calls in CALLS.items():
                for _ in range(calls):
                    enter(["ask", "x", "--model", model, *options])
        return picture(folder, options)


def main() -> None:
    """Draw over the picture that is there."""
    for name in list(os.environ):
        if name.endswith("_KEY") or name.startswith("ARCHFB_"):
            del os.environ[name]
    (ROOT / "docs" / "status.svg").write_text(drawn(BEHAVIOURS))


if __name__ == "__main__":
    main()
