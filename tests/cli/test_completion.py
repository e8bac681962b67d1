"""What a shell is offered."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import archfb

from archfb.door import enter

CASES = [
    ("archfb st", ["status", "state"]),
    ("archfb run ph", ["phase1", "phase2", "phase3", "phase4", "phase5"]),
    ("archfb run a", ["all"]),
    ("archfb ask --model gemini-b", ["gemini-basic"]),
    ("archfb status --js", ["--json"]),
    ("archfb run phase1 . --not-provider an", ["anthropic"]),
    ("archfb config tr", ["trust"]),
]


@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_words_are_completed(typed: str, offered: list[str]) -> None:
    ended = archfb(
        env={"_ARCHFB_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    )
    assert (ended.returncode, ended.stdout.split()) == (0, offered)


def test_a_broken_configuration_completes_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[")
    ended = archfb(
        env={
            "_ARCHFB_COMPLETE": "complete_bash",
            "COMP_WORDS": "archfb ask --model g",
            "COMP_CWORD": "3",
            "ARCHFB_CONFIG": f"{tmp_path}/c.toml",
        }
    )
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "", "")


def test_the_script_for_a_shell_is_shown() -> None:
    ended = archfb("--show-completion", "bash")
    assert ended.returncode == 0


@pytest.mark.parametrize("ask", ["--show-completion", "--install-completion"])
@pytest.mark.parametrize("form", ["{} {}", "{}={}"])
@pytest.mark.parametrize("shell", ["tcsh", ""])
def test_an_unknown_shell_is_told_in_one_way(
    ask: str, form: str, shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = form.format(ask, shell).split(" ")
    assert enter(words) == 2
    assert capsys.readouterr() == (
        "",
        f"error: No completion for '{shell}'; expected bash, zsh, fish, powershell, pwsh.\n",
    )


@pytest.mark.parametrize("words", ["--install-completion bash", "--install-completion=bash"])
def test_a_start_file_that_cannot_be_written_is_named(tmp_path: Path, words: str) -> None:
    (tmp_path / ".bashrc").mkdir()
    ended = archfb(*words.split(), env={"HOME": str(tmp_path), "SHELL": "/bin/bash"})
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (
        2,
        f"error: Cannot write {tmp_path}/.bashrc: Is a directory.",
    )
