"""What a process imports: start-up is a feature."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, variables
from scripted_server import ServerThread

from archfb.config.model import PHASES

HEAVY = {
    "httpx",
    "sqlite_utils",
    "typer",
    "pydantic",
    "rich",
    "genai_prices",
    "asyncio",
    "platformdirs",
    "json_repair",
}

CASES = [
    ("import archfb", "import archfb", HEAVY | {"sqlite3", "tomllib"}),
    ("import archfb_state", "import archfb_state.core.balancer, archfb_state.storage.opening", HEAVY),
    ("--version", ["--version"], HEAVY | {"sqlite3", "tomllib"}),
    ("--help", ["--help"], HEAVY - {"typer"} | {"sqlite3", "tomllib"}),
    ("status", ["status"], HEAVY - {"typer", "rich"}),
    ("status --json", ["status", "--json"], HEAVY - {"typer"}),
    ("route", ["route", "phase1"], HEAVY - {"typer", "rich"}),
    ("health with nothing due", ["health", "--quiet"], HEAVY - {"typer", "rich"}),
    ("runs", ["runs"], HEAVY - {"typer", "rich"}),
    ("a usage error", ["stauts"], HEAVY - {"typer"}),
]


@pytest.mark.parametrize(("what", "never"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_nothing_heavy_is_imported_where_it_is_not_needed(what: str | list[str], never: set[str]) -> None:
    words = ["-c", what] if isinstance(what, str) else ["-m", "archfb", *what]
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *words],
        env=variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert not loaded(ended.stderr) & never


def loaded(said: str) -> set[str]:
    """Return the packages that a process said it imported."""
    found = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.splitlines() if "|" in line}
    assert "archfb" in found or "archfb_state" in found
    return found


def test_an_answer_needs_no_http_library_where_there_is_no_proxy(tmp_path: Path) -> None:
    with ServerThread({"models": {"m1": [{"text": "Hello."}]}}) as server:
        chains = "\n".join(f'{phase} = ["m1"]' for phase in PHASES)
        (tmp_path / "c.toml").write_text(
            f'[providers.p]\napi = "openai-chat"\nbase_url = "{server.url}/v1"\n'
            f'[models.m1]\nprovider = "p"\nmodel = "m1"\n[chains]\n{chains}\n'
        )
        words = ["ask", "hi", "--config", str(tmp_path / "c.toml"), "--state", str(tmp_path / "s.db")]
        ended = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "archfb", *words],
            env=variables(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ended.stdout == "Hello.\n"
    found = loaded(ended.stderr)
    assert "asyncio" in found
    assert not found & {"httpx", "httpcore", "anyio", "click", "rich", "pydantic", "sqlite_utils", "genai_prices"}


def test_what_programs_use_is_there_by_its_name() -> None:
    import archfb

    assert sorted(archfb.__all__) == [
        "Answer", "ArchfbError", "Decision", "LoadBalancer", "ModelManager", "Router", "__version__",
    ]  # fmt: skip
    assert all(getattr(archfb, name) for name in archfb.__all__)
