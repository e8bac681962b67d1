"""What docs/phases.md says can be typed can be typed, and the files that it names are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from outside import shop
from processes import archfb

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "phases.md").read_text("utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.partition("  #")[0] for block in BLOCKS for line in block.splitlines() if line.startswith("archfb ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_page_works(line: str, tmp_path: Path) -> None:
    repo = shop(tmp_path / "shop")
    words = [word.replace("/tmp/analysis", f"{tmp_path}/analysis") for word in shlex.split(line)]
    ended = archfb(*words[1:], cwd=repo)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


def test_the_files_that_the_page_names_are_there() -> None:
    named = re.findall(r"`((?:cli/archfb/)?phases/[\w/.]+)`", PAGE)
    assert len(named) >= 7
    for name in named:
        assert (ROOT / "cli" / "archfb" / name.removeprefix("cli/archfb/")).exists(), name


def test_the_table_names_every_phase() -> None:
    from archfb.phases.records import TITLES

    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(TITLES)
