"""What a process imports: start-up is a feature."""

from __future__ import annotations

import subprocess
import sys

import pytest
from processes import PATIENCE, variables

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
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines() if "|" in line}
    assert "archfb" in loaded or "archfb_state" in loaded
    assert not loaded & never


def test_what_programs_use_is_there_by_its_name() -> None:
    import archfb

    assert sorted(archfb.__all__) == [
        "Answer", "ArchfbError", "Decision", "LoadBalancer", "ModelManager", "Router", "__version__",
    ]  # fmt: skip
    assert all(getattr(archfb, name) for name in archfb.__all__)
