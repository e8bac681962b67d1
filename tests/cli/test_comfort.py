"""Help that fits a narrow terminal, words that a shell completes, mistakes that are answered with what was meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import archfb, in_terminal

from archfb.app import COMMANDS, load
from archfb.door import enter

NARROW = 60


def every_command() -> Iterator[list[str]]:
    """Yield the words of every command and sub-command."""
    yield []
    for name in COMMANDS:
        yield [name]
        yield from ([name, below] for below in getattr(load(name), "commands", {}))


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_help_fits_a_narrow_terminal(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))
    assert enter([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: archfb")
    assert [line for line in out.splitlines() if len(line) > NARROW] == []
    assert err == ""


def test_help_fits_a_terminal_that_says_its_width_itself() -> None:
    code, text = in_terminal(["health", "--help"], columns=NARROW)
    assert code == 0
    assert max(map(len, text.splitlines())) <= NARROW


EXAMPLES = ["route", "history", "report", "doctor", "schedule install"]


@pytest.mark.parametrize("words", EXAMPLES)
def test_help_has_an_example(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter([*words.split(), "--help"]) == 0
    assert "Example: archfb" in " ".join(capsys.readouterr().out.split())


def completed(line: str, *, shell: str = "bash", env: dict[str, str] | None = None) -> list[str]:
    """Return what a shell is offered at the end of a line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": line}
    return archfb(env={"_ARCHFB_COMPLETE": f"complete_{shell}", **words, **(env or {})}).stdout.split()


COMPLETED = [
    ("archfb sch", ["schedule"]),
    ("archfb schedule in", ["install"]),
    ("archfb route ph", ["phase1", "phase2", "phase3", "phase4", "phase5"]),
    ("archfb run f", ["final"]),
    ("archfb history gemini", ["gemini-basic", "gemini-reasoning"]),
    ("archfb ask --model claude", ["claude-basic", "claude-reasoning"]),
    ("archfb run --only-provider deep", ["deepseek"]),
    ("archfb drain nothing-like-it", []),
]


@pytest.mark.parametrize(("line", "offered"), COMPLETED, ids=[one[0] for one in COMPLETED])
def test_a_shell_is_offered_what_the_configuration_has(line: str, offered: list[str]) -> None:
    assert completed(line) == offered


def test_models_of_ones_own_are_offered_too(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        '[providers.p]\napi = "openai-chat"\nbase_url = "http://127.0.0.1:1/v1"\n'
        '[models.mine]\nprovider = "p"\nmodel = "x"\n'
    )
    assert completed("archfb history mi", env={"ARCHFB_CONFIG": f"{tmp_path}/c.toml"}) == ["mine"]


def test_a_broken_configuration_offers_nothing_and_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[")
    words = {"COMP_WORDS": "archfb history m", "COMP_CWORD": "2", "_ARCHFB_COMPLETE": "complete_bash"}
    ended = archfb(env={**words, "ARCHFB_CONFIG": f"{tmp_path}/c.toml"})
    assert (ended.stdout.strip(), ended.stderr) == ("", "")


@pytest.mark.parametrize("words", ["--show-completion {}", "--show-completion={}"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_can_be_shown(shell: str, words: str) -> None:
    ended = archfb(*words.format(shell).split())
    assert ended.returncode == 0
    assert f"_ARCHFB_COMPLETE=complete_{shell}" in ended.stdout


def test_a_shell_that_is_not_known_gets_no_other_shells_script() -> None:
    ended = archfb("--show-completion", "tcsh")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "No completion for 'tcsh'; expected bash, zsh, fish" in ended.stderr


MEANT = [
    (["helth"], "Did you mean 'health'?"),
    (["schedule", "instal"], "Did you mean 'install'?"),
    (["route", "phse1"], "Did you mean 'phase1'?"),
    (["history", "gemini-basc"], "Did you mean 'gemini-basic'?"),
    (["ask", "x", "--model", "claud-basic"], "Did you mean 'claude-basic'?"),
    (["status", "--chek"], "Did you mean --check?"),
    (["run", "final", ".", "--only-provider", "openia"], "Did you mean 'openai'?"),
]


@pytest.mark.parametrize(("words", "meant"), MEANT, ids=[" ".join(one[0]) for one in MEANT])
def test_mistakes_are_answered_with_what_was_meant(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(words) == 2
    assert meant in capsys.readouterr().err


def test_a_new_configuration_tells_the_keys_that_are_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "canary-0123456789")
    assert enter(["config", "init"]) == 0
    err = capsys.readouterr().err
    assert "Keys set: GEMINI_API_KEY" in err
    assert "OPENAI_API_KEY" in err.split("Keys not set: ", 1)[1]
    (written,) = Path(os.environ["HOME"]).rglob("fallback.toml")
    assert "canary" not in err + written.read_text()
