"""`archfb run`, on small folders, offline and against a server that answers by script."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archfb.door import enter

Start = Callable[..., Any]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a folder with a little program in it."""
    folder = tmp_path / "repo"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text("from src import part\n\n\ndef main():\n    return part.answer()\n")
    (folder / "src" / "part.py").write_text("def answer():\n    return 42\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "little"\nversion = "1"\n')
    return folder


def test_a_fresh_machine_gets_a_plan_without_a_key(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["run", "phase2", str(repo)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("# repo: Methodical Planning\n")
    assert "src/main.py" in out
    assert "phase2: done" in err


def test_json_has_the_fields_of_the_contract(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["run", "phase2", str(repo), "--offline", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"schema", "ok", "run_id", "repo", "phases", "cost_usd", "attempts", "error"} <= set(document)
    assert [(one["phase"], one["status"]) for one in document["phases"]] == [("phase1", "done"), ("phase2", "done")]
    plan = document["phases"][1]["result"]
    files = [path for agent in plan["agents"] for path in agent["file_assignments"]]
    assert files
    assert all((repo / path).is_file() for path in files)


def test_a_second_run_is_answered_from_what_is_stored(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["run", "phase1", str(repo)]) == 0
    first = capsys.readouterr().out
    assert enter(["run", "phase1", str(repo)]) == 0
    second, err = capsys.readouterr()
    assert second == first
    assert "phase1: stored" in err


def test_a_run_is_remembered_with_its_attempts(place: Start, repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"text": "- It has two modules (src/main.py:4)."}])
    assert here.run("run", "phase1", str(repo), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in document["attempts"]] == ["ok"] * 3
    assert here.run("runs", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["runs"]
    assert [(one["id"], one["phase"], one["ok"]) for one in listed] == [(document["run_id"], "phase1", True)]
    assert here.run("runs", document["run_id"][:6], "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in shown["attempts"]] == ["ok"] * 3
    assert len(shown["decisions"]) == 3
    assert here.run("runs", document["run_id"]) == 0
    assert "3 attempts" in capsys.readouterr().out


def test_what_would_be_sent_is_told_without_sending(
    place: Start, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=[{"text": "x"}])
    assert here.run("run", "phase1", str(repo), "--dry-run") == 0
    out = capsys.readouterr().out
    assert "phase1 structure: " in out
    assert "tokens to m1" in out
    assert out.endswith("Nothing was sent.\n")
    assert not here.server.requests


def test_recipients_are_named_before_anything_is_sent(
    place: Start, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=[{"text": "x"}])
    assert here.run("run", "phase1", str(repo)) == 0
    assert "may be sent to: scripted (127.0.0.1)" in capsys.readouterr().err.splitlines()[0]


def test_results_are_written_as_they_finish(repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["run", "phase2", str(repo), "--offline", "--out", f"{tmp_path}/out"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["phase1.md", "phase2.md", "run.json"]


def test_a_failing_run_still_prints_its_one_document(
    place: Start, repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place("[routing]\noffline = false\n", m1=[{"status": 401, "message": "bad key"}])
    assert here.run("run", "phase1", str(repo), "--json") == 1
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["ok"] is False
    assert document["error"]["code"] in {"all_failed", "no_usable_model"}
    assert "Traceback" not in err


def test_rules_are_put_into_files_and_the_rest_is_kept(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, new = tmp_path / "AGENTS.md", tmp_path / "CLAUDE.md"
    kept.write_text("# Mine\n\nKeep this.\n")
    words = ["run", "final", str(repo), "--write", str(kept), str(new)]
    assert enter([*words, "--offline"]) == 0
    assert f"{new}: written." in capsys.readouterr().err
    assert kept.read_text().startswith("# Mine\n\nKeep this.\n")
    assert kept.read_text().count("archfb:begin") == 1
    assert enter([*words, "--offline"]) == 0
    assert f"{new} is up to date." in capsys.readouterr().err


def test_offline_rules_are_written_only_on_purpose(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "final", str(repo), "--write", f"{tmp_path}/A.md"]
    assert enter(words) == 1
    assert "made without a model" in capsys.readouterr().err
    assert not (tmp_path / "A.md").exists()
    assert enter([*words, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["error"]["code"], len(document["phases"])) == (False, "partial", 6)
    assert enter([*words, "--allow-partial"]) == 0
    assert (tmp_path / "A.md").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["phase2", ".", "--write", "A.md"], "--write puts the rules of the final phase into files."),
        (["final", ".", "--write", "/tmp"], "/tmp is a folder; expected a file."),
        (["final", ".", "--write", ""], "--write is empty; name a file."),
        (
            ["phase1", ".", "--allow-file", "a", "--allow-file", " "],
            "--allow-file is empty; name a file or a pattern.",
        ),
        (["phase1", ".", "elsewhere"], "One folder at a time; 'elsewhere' is too much."),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_runs(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(["run", *words]) == 2
    assert said in capsys.readouterr().err.splitlines()[0]


FOLDERS = [
    ("missing", "No folder at {}."),
    ("file", "{} is a file; expected a folder."),
    ("empty", "{} is empty."),
]


@pytest.mark.parametrize(("kind", "said"), FOLDERS)
def test_a_folder_that_is_none_is_named(
    kind: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 80."""
    path = tmp_path / kind
    if kind == "file":
        path.write_text("x")
    elif kind == "empty":
        path.mkdir()
    assert enter(["run", "phase1", str(path)]) == 2
    assert capsys.readouterr().err.splitlines()[0] == f"error: {said.format(path)}"


def test_links_and_special_files_are_skipped_and_counted(
    repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 81: a link out of the folder, a loop, a FIFO."""
    (repo / "loop").symlink_to(repo)
    (repo / "passwords").symlink_to("/etc/passwd")
    os.mkfifo(repo / "pipe")
    assert enter(["run", "phase1", str(repo), "--offline"]) == 0
    out, err = capsys.readouterr()
    assert "root:" not in out
    assert "skipped" in out + err


def test_file_names_that_no_terminal_should_get_are_shown_inert(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 82: newline, ESC, invalid UTF-8, 250 bytes."""
    for name in (b"a\nb.py", b"c\x1b[2Jd.py", b"e\xff.py", b"f" * 250 + b".py"):
        (repo / os.fsdecode(name)).write_text("def one():\n    return 1\n")
    assert enter(["run", "phase2", str(repo), "--offline"]) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert enter(["run", "phase2", str(repo), "--offline", "--json"]) == 0
    assert capsys.readouterr().out.isascii()


@pytest.mark.parametrize(
    "words",
    [["phase7", "."], ["phase1", ".", "--model", "gemini-basik"], ["phase1", ".", "--not-provider", "gemeni"]],
)
def test_a_name_that_does_not_exist_has_a_near_one(
    words: list[str], repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 18."""
    words = [str(repo) if one == "." else one for one in words]
    assert enter(["run", *words, "--json"]) == 2
    out, err = capsys.readouterr()
    assert "Did you mean" in err
    assert json.loads(out)["phases"] == []


def test_row_80_an_empty_name_is_not_the_working_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["run", "phase1", "", "--offline"]) == 2
    assert capsys.readouterr().err.startswith("error: REPO is empty.\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "FILE"], "error: Cannot write to 'FILE': FILE is no folder.\n"),
        (["--out", "FILE/below/it"], "error: Cannot write to 'FILE/below/it': FILE is no folder.\n"),
        (["--out", ""], "error: Cannot write to '': it is empty.\n"),
        (["--only", "agent_1"], "error: --only names an agent of the plan, and phase1 asks none.\nRun phase3.\n"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(
    words: list[str], said: str, repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    words = [one.replace("FILE", str(file)) for one in words]
    assert enter(["run", "phase1", str(repo), "--offline", *words]) == 2
    assert capsys.readouterr() == ("", said.replace("FILE", str(file)))
