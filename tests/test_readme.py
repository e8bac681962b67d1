"""What the README shows is what happens."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, archfb, variables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

EXITS = {"archfb status --check": 3}
"""Commands that do not end with 0 on a machine without keys."""


def transcript() -> list[tuple[str, list[str]]]:
    """Return the commands of the transcript with the lines shown."""
    (block,) = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(part.splitlines()[0], [line for line in part.splitlines()[1:] if line]) for part in parts]


def shown(line: str) -> re.Pattern[str]:
    """Return the pattern that a shown line stands for: … is anything."""
    return re.compile("^" + ".*".join(re.escape(part) for part in line.split("…")) + "$", re.MULTILINE)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what the transcript is about, under the repository's own name."""
    folder = tmp_path_factory.mktemp("clone") / "archfb"
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("cli", "state"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "fallback.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.mark.parametrize(("command", "lines"), transcript(), ids=[command for command, _ in transcript()])
def test_the_transcript_is_what_happens(command: str, lines: list[str], checkout: Path) -> None:
    ended = archfb(*shlex.split(command)[1:], cwd=checkout)
    assert ended.returncode == EXITS.get(command, 0)
    for line in lines:
        assert shown(line).search(ended.stdout + ended.stderr), line


COMMANDS = sorted(set(re.findall(r"^(archfb (?:doctor|config \w+|health))\b", README, re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_exists(command: str, tmp_path: Path) -> None:
    ended = archfb(*shlex.split(command)[1:], cwd=tmp_path)
    assert ended.returncode in {0, 3}


def test_every_command_of_the_table_has_a_help() -> None:
    named = set(re.findall(r"`archfb (\w+)", README)) | {"undrain", "reset"}
    from archfb.app import COMMANDS as KNOWN

    assert named - {"COMMAND"} <= set(KNOWN)


def test_the_python_shown_runs() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    body = block.replace("from archfb import Router\n", "")
    program = "import asyncio\nfrom archfb import Router\nasync def main():\n"
    program += "".join(f"    {line}\n" for line in body.splitlines()) + "asyncio.run(main())\n"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=variables(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("offline ")


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
