"""The offline analysis of a small repository, whole and to the byte; every cited place exists."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from archfb.phases.engine import run
from archfb.phases.options import RunOptions
from archfb_state.storage.memory_store import MemoryStore

FILES = {
    "README.md": "# Till\n\nTill keeps the books of a small shop and prints its receipts.\n\n## Use\n\n- run it\n",
    "CONTRIBUTING.md": "# How to help\n\nRun the tests first.\n",
    "pyproject.toml": """\
[project]
name = "till"
version = "1.2.0"
description = "The books of a small shop."
requires-python = ">=3.11"
dependencies = [
  "click>=8",
]

[project.scripts]
till = "till.app:main"

[tool.ruff]
line-length = 100

[tool.pytest.ini_options]
testpaths = ["tests"]
""",
    ".editorconfig": "root = true\n\n[*]\nindent_style = space\n",
    ".github/workflows/ci.yml": """\
name: Checks
on:
  push:
  pull_request:
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: python -m pytest
""",
    "src/till/__init__.py": '"""Till keeps the books of a small shop."""\n',
    "src/till/money.py": '''"""Amounts of money, never floats."""


class Amount:
    cents = 0


def parse(text):
    return text
''',
    "src/till/book.py": '''"""The book of all sales."""

from till.money import Amount


class Book:
    first = Amount
''',
    "src/till/receipt.py": '''"""Receipts on paper."""

from till.book import Book
from till.money import parse


def render(book):
    # TODO: print the tax of every line separately
    return parse(book)


old = Book
''',
    "src/till/app.py": '''"""The program."""

from till.receipt import render


def main():
    return render(None)
''',
    "tests/test_money.py": "from till.money import parse\n\n\ndef test_parse():\n    assert parse(1) == 1\n",
    "tests/test_receipt.py": "from till.receipt import render\n\n\ndef test_render():\n    assert render(1)\n",
}


def git(folder: Path, *words: str) -> None:
    quiet = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *quiet, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def till(tmp_path: Path) -> Path:
    """Return a small repository with a history."""
    root = tmp_path / "till"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one", "--date=2026-01-01T00:00:00Z")
    return root


def analysed(root: Path, kit: Any, tmp_path: Path, phase: str = "all") -> Any:
    router = kit.router(kit.config("m"), keyless={"m"})
    options = RunOptions(offline=True, cache_dir=tmp_path / "cache")
    result = asyncio.run(run(phase, root, router, MemoryStore(), options, lambda _: None))
    assert router.asked == []
    return result


def test_every_phase_has_content_with_evidence_that_exists(till: Path, kit: Any, tmp_path: Path) -> None:
    result = analysed(till, kit, tmp_path)
    assert [(one.phase, one.status) for one in result.phases] == [
        (name, "done") for name in ("phase1", "phase2", "phase3", "phase4", "phase5", "final")
    ]
    statements = 0
    for outcome in result.phases:
        findings = getattr(outcome.result, "findings", None) or [getattr(outcome.result, "finding", None)]
        for finding in filter(None, findings):
            for claim in finding.claims:
                for place in claim.evidence:
                    assert place.problem == "", (outcome.phase, claim)
                    text = (till / place.path).read_text("utf-8")
                    assert 1 <= place.line <= max(1, len(text.splitlines()))
                statements += 1
    assert statements >= 10


def test_the_same_content_gives_the_same_bytes(till: Path, kit: Any, tmp_path: Path) -> None:
    first, second = (analysed(till, kit, tmp_path / str(at)) for at in (1, 2))
    for one, other in zip(first.phases, second.phases, strict=True):
        assert one.result.to_markdown() == other.result.to_markdown()
        assert one.result.to_json() == other.result.to_json()


def test_the_rules_file_whole(till: Path, kit: Any, tmp_path: Path) -> None:
    rules = analysed(till, kit, tmp_path, "final").last.result
    expected = (Path(__file__).parent / "till_rules.md").read_text("utf-8")
    content = rules.subject.content_id[:12]
    commit = rules.subject.commit[:12]
    assert rules.to_markdown() == expected.replace("CONTENT", content).replace("COMMIT", commit)


def test_the_plan_covers_everything_that_matters(till: Path, kit: Any, tmp_path: Path) -> None:
    plan = analysed(till, kit, tmp_path, "phase2").last.result.plan
    assert plan.coverage.share == 1.0
    assert len(plan.agents) == 1
    assert {"src/till/money.py", "src/till/app.py"} <= set(plan.agents[0].file_assignments)


def test_an_agent_tells_what_its_files_are_who_uses_them_and_what_is_unfinished(
    till: Path, kit: Any, tmp_path: Path
) -> None:
    text = analysed(till, kit, tmp_path, "phase3").last.result.to_markdown()
    assert "“Amounts of money, never floats”; defines `Amount` (line 4), `parse` (line 8)" in text
    assert "`src/till/book.py` imports `src/till/money.py` (`src/till/book.py:3`)" in text
    assert "Marked by its authors: “print the tax of every line separately” (`src/till/receipt.py:8`)" in text
    assert "`src/till/money.py` is exercised by `tests/test_money.py` (`tests/test_money.py:1`)" in text


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"notes.txt": "hello there\n"}, "notes.txt"),
        ({"data.bin": "\0\1\2"}, "Nothing in this repository can be read as text."),
        ({"a.py": ""}, "Nothing in this repository can be read as text."),
        ({"odd\nname\x1b.py": "x = 1\n"}, "odd name\ufffd.py"),
    ],
)
def test_row_82_odd_and_tiny_repositories_are_analysed_too(
    files: dict[str, str], said: str, kit: Any, tmp_path: Path
) -> None:
    root = tmp_path / "odd"
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(text, "utf-8")
    result = analysed(root, kit, tmp_path)
    assert result.ok
    assert said in result.phases[1].result.to_markdown()
    whole = "\n".join(one.result.to_markdown() for one in result.phases)
    assert "\n\n\n" not in whole
    assert " 1 lines" not in whole
    assert not any("\x1b" in one.result.to_markdown() for one in result.phases)


def test_row_80_a_missing_or_empty_repository_is_named(kit: Any, tmp_path: Path) -> None:
    from archfb.errors import RepositoryError

    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("gone", "empty", "file"):
        with pytest.raises(RepositoryError, match=name):
            analysed(tmp_path / name, kit, tmp_path)


def test_row_81_what_was_skipped_is_counted_under_every_result(till: Path, kit: Any, tmp_path: Path) -> None:
    (till / "loop").symlink_to("loop")
    (till / "etc").symlink_to("/etc")
    git(till, "add", ".")
    result = analysed(till, kit, tmp_path, "phase1")
    assert "2 files skipped (2 links)." in result.last.result.to_markdown()
