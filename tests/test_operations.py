"""What docs/operations.md says can be typed can be typed."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from processes import archfb

from archfb.command_reference import reference
from archfb.eventlog import NAMES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")

EXITS = {"archfb status --check --quiet": 3, "archfb health": 3}
"""Commands (by how they begin) that do not end with 0 on a machine without keys."""

FAKES = {
    "crontab": "import pathlib, sys\np = pathlib.Path(__file__).with_name('tab')\n"
    "if sys.argv[1] == '-l': sys.exit(0 if p.exists() and print(p.read_text(), end='') is None else 'no crontab')\n"
    "p.write_text(sys.stdin.read()) if sys.argv[1] == '-' else p.unlink()\n",
    "systemctl": "",
}


def commands() -> list[str]:
    """Return every archfb command of the shell blocks, without its remark."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    told = [re.sub(r"\s{2,}#.*", "", line) for line in lines]
    return [line for line in told if re.match(r"(ARCHFB_\w+=\S+ )?archfb ", line)]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a crontab and a systemctl of its own, and a file of keys."""
    (tmp_path / "bin").mkdir()
    for name, text in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!{sys.executable}\n{text}")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    keys = Path(os.environ["HOME"]) / ".config" / "archfb-keys"
    keys.parent.mkdir(exist_ok=True)
    keys.write_text("")
    keys.chmod(0o600)
    return tmp_path


@pytest.mark.parametrize("line", commands())
def test_every_command_does_what_it_is_shown_for(line: str, machine: Path) -> None:
    words = shlex.split(line)
    env = dict(word.split("=", 1) for word in words if re.match(r"ARCHFB_\w+=", word))
    words = [word.replace("~", os.environ["HOME"], 1) for word in words[len(env) + 1 :]]
    if words[:2] == ["state", "backup"]:
        assert archfb("ask", "hello", cwd=machine).returncode == 0
    ended = archfb(*words, cwd=machine, env=env)
    expected = next((code for begin, code in EXITS.items() if line.startswith(begin)), 0)
    assert ended.returncode == expected, ended.stderr
    assert "Traceback" not in ended.stderr


def test_all_of_them_are_found() -> None:
    assert len(commands()) > 25


def test_the_settings_shown_are_settings(machine: Path) -> None:
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)):
        tomllib.loads(block)
        (machine / f"{number}.toml").write_text(block)
        assert archfb("config", "check", "--config", f"{machine}/{number}.toml").returncode == 0


def test_every_event_of_the_log_is_described() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert described - {"event"} == set(NAMES.values())


def test_the_page_of_commands_is_current() -> None:
    made = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert made == reference(), "python -m archfb.command_reference > docs/commands.md"


def test_every_command_is_on_the_page_of_commands() -> None:
    from archfb.app import COMMANDS

    assert [name for name in COMMANDS if f"### `archfb {name}`" not in reference()] == []
