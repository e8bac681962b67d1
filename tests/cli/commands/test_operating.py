"""`drain`, `undrain`, `reset`, `history`, `route`, `runs`, `config`, `state` and `doctor`."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archfb.door import enter
from archfb.errors import UsageError
from archfb.routing.json import instant
from archfb.spans import span

Start = Callable[..., Any]
GOOD = [{"text": "ok"}]


def status_of(here: Any, model: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return one model's row of `status --json`."""
    capsys.readouterr()
    assert here.run("status", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    return next(dict(row) for row in rows if row["name"] == model)


def test_a_drained_model_is_out_until_it_is_put_back(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    assert here.run("drain", "m1", "--for", "2h", "--why", "too \x1b[2Jslow") == 0
    assert "drained until" in capsys.readouterr().err
    row = status_of(here, "m1", capsys)
    assert row["status"] == "unavailable"
    assert "too \ufffd[2Jslow" in row["reason"]
    assert row["retry_at"] is not None
    for _ in range(3):
        assert here.run("ask", "x") == 0
    assert here.server.counts["models"] == {"m2": 3}
    assert here.run("undrain", "m1") == 0
    assert "m1 is back." in capsys.readouterr().err
    assert here.run("undrain", "m1") == 0
    assert "m1 was not drained." in capsys.readouterr().err
    assert status_of(here, "m1", capsys)["status"] != "unavailable"


def test_history_tells_what_a_person_did_to_a_model_that_was_out(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place("[routing]\noffline = false\n", m1=[{"status": 401, "message": "bad"}])
    assert here.run("ask", "x") == 1
    assert here.run("drain", "m1", "--for", "2h", "--why", "new key") == 0
    assert here.run("undrain", "m1") == 0
    capsys.readouterr()
    assert here.run("history", "m1") == 0
    changes = capsys.readouterr().out.splitlines()[-3:]
    assert "m1: unknown to unavailable (" in changes[0]
    assert re.search(r"m1: still unavailable \(drained by .+: new key \(until ", changes[1])
    assert re.search(r"m1: still unavailable \(put back by .+: ", changes[2])


def test_history_dates_a_drain_that_ended_when_it_did_and_writes_nothing(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    assert here.run("drain", "m1", "--for", "2h", "--why", "x") == 0
    with sqlite3.connect(here.folder / "archfb.db") as db:  # three hours pass
        db.execute("UPDATE model_health SET since = since - 10800, drained_until = drained_until - 10800")
        db.execute("UPDATE transitions SET at = at - 10800")
        (end,) = db.execute("SELECT drained_until FROM model_health WHERE model = 'm1'").fetchone()
    assert status_of(here, "m1", capsys)["status"] == "unknown"
    assert here.run("history", "--json") == 0
    told = json.loads(capsys.readouterr().out)["transitions"]
    assert [(one["from"], one["to"]) for one in told] == [("unknown", "unavailable"), ("unavailable", "unknown")]
    assert (told[1]["at"], told[1]["reason"]) == (instant(end), "drain over: no evidence yet")
    with sqlite3.connect(here.folder / "archfb.db") as db:
        assert db.execute("SELECT count(*) FROM transitions").fetchone() == (1,)
    assert here.run("ask", "x") == 0
    with sqlite3.connect(here.folder / "archfb.db") as db:
        rows = db.execute("SELECT at, before, after FROM transitions ORDER BY seq").fetchall()
    assert rows[1] == (end, "unavailable", "unknown")
    assert rows[2][1:] == ("unknown", "healthy")


def test_a_reset_forgets_the_record_but_not_the_attempts(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place("[routing]\noffline = false\n", m1=[{"status": 401, "message": "bad"}])
    assert here.run("ask", "x") == 1
    assert status_of(here, "m1", capsys)["status"] == "unavailable"
    assert here.run("reset", "m1") == 0
    row = status_of(here, "m1", capsys)
    assert (row["failures"], row["status"]) == (0, "unknown")
    with sqlite3.connect(here.folder / "archfb.db") as db:
        assert db.execute("SELECT count(*) FROM attempts").fetchone() == (1,)


MISTAKES = [
    (["drain", "m9", "--for", "1h", "--why", "x"], "Unknown model 'm9'. Known: "),
    (["drain", "m1", "--for", "soon", "--why", "x"], "such as 90s, 30m, 2h or 7d; got 'soon'."),
    (["drain", "m1", "--for", "0", "--why", "x"], "--for must be a span of time"),
    (["drain", "m1", "--for", "1h", "--why", " "], "--why is empty"),
    (["drain", "m1", "--for", "1h"], "Missing option '--why'."),
    (["history", "m9"], "Unknown model 'm9'."),
    (["history", "--since", "-1h"], "--since must be a span of time"),
    (["runs", "zzz"], "No single run begins with 'zzz'."),
    (["runs", "--limit", "0"], "expected a whole number at least 1 and at most 10000."),
    (["route", "phase1", "--model", "m9"], "Unknown model 'm9'."),
    (["route", "phase1", "/nowhere"], "/nowhere"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(one[0]) for one in MISTAKES])
def test_mistakes_are_told(place: Start, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run(*words) == 2
    assert said in capsys.readouterr().err


SPANS = [
    ("90", 90),
    ("45s", 45),
    ("30m", 1800),
    ("30min", 1800),
    ("2h", 7200),
    ("1.5 H", 5400),
    ("7d", 604800),
    ("1w", 604800),
]


@pytest.mark.parametrize(("text", "seconds"), SPANS)
def test_spans_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert span(text, "it") == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "nan", "inf", "1e3", "-5s", "0", "20 years", "9" * 400, "99999999d", "5 bananas"]
)
def test_other_words_are_no_span(text: str) -> None:
    with pytest.raises(UsageError):
        span(text, "it")


def test_the_history_tells_outcomes_and_changes(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    for _ in range(3):
        assert here.run("ask", "x") == 0
    capsys.readouterr()
    assert here.run("history", "m1", "--since", "7d", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [(one["model"], one["attempts"], one["availability"]) for one in document["periods"]] == [("m1", 3, 1.0)]
    assert [(one["from"], one["to"]) for one in document["transitions"]] == [("unknown", "healthy")]
    assert here.run("history") == 0
    assert "3/3" in capsys.readouterr().out


def test_a_route_is_explained_without_a_request(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    assert here.run("drain", "m1", "--for", "1h", "--why", "try") == 0
    capsys.readouterr()
    assert here.run("route", "phase1", "--chars", "6000", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["complexity"], document["first_choice"]) == ("medium", "m2")
    assert {one["model"]: one["eligible"] for one in document["decision"]} == {
        "m1": False,
        "m2": True,
        "offline": True,
    }
    assert here.run("route", "phase1", str(here.folder)) == 0
    assert "First m2, then offline." in capsys.readouterr().out
    assert not here.server.requests


@pytest.mark.parametrize(("modules", "complexity"), [(1, "low"), (300, "high")])
def test_a_route_for_a_repository_is_the_one_that_a_run_takes_and_is_shown_with_it(
    place: Start, capsys: pytest.CaptureFixture[str], modules: int, complexity: str
) -> None:
    here = place(m1=GOOD, m2=GOOD)
    repo = here.folder / "repo"
    repo.mkdir()
    for at in range(modules):
        (repo / f"module_number_{at}.py").write_text(f"def function_{at}(x):\n    return x + {at}\n")
    (repo / "x.c").write_text("int main() { return 0; }\n")
    capsys.readouterr()
    assert here.run("route", "phase1", str(repo), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["complexity"], told["complexity_terms"]["languages"]) == (complexity, 0.1)
    assert here.run("run", "phase1", str(repo), "--json") == 0
    run = json.loads(capsys.readouterr().out)["run_id"]
    assert here.run("runs", run, "--json") == 0
    made = json.loads(capsys.readouterr().out)["decisions"]
    assert [one["complexity_terms"] for one in made] == [told["complexity_terms"]] * 3
    assert here.run("runs", run) == 0
    shown = capsys.readouterr().out
    assert f"phase1: {complexity} complexity (" in shown
    assert "its turn, by its share" in shown


def test_a_configuration_with_mistakes_tells_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[helth]\ninterval = 1\n[routing]\ndeadline = -1\n")
    assert enter(["config", "check", "--config", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("error: ") == 2
    assert "'health'" in err
    assert enter(["config", "check", "--json", "--config", str(path)]) == 2
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2


def test_the_shipped_configuration_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["config", "check"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("The configuration is sound: ")
    assert "OPENAI_API_KEY is not set" in err


def test_the_effective_configuration_is_toml_with_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    import tomllib

    assert enter(["config", "show"]) == 0
    out = capsys.readouterr().out
    assert tomllib.loads(out)["health"]["interval"] == 300
    assert "# shipped" in out
    assert enter(["config", "show", "--json"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["health.interval"] == {"value": 300, "layer": "shipped"}


def test_a_new_configuration_is_written_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["config", "init"]) == 0
    assert "Keys not set: " in capsys.readouterr().err
    assert enter(["config", "init"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert enter(["config", "init", "--force"]) == 0
    assert enter(["config", "path", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert [one["used"] for one in layers if one["name"] == "user"] == [True]


def test_a_found_configuration_is_trusted_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 86: a provider in the working folder's file is refused until it is trusted."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "fallback.toml"
    path.write_text('[providers.openai]\nbase_url = "https://elsewhere.example/v1"\n')
    assert enter(["status"]) == 2
    assert "not trusted" in capsys.readouterr().err
    assert enter(["config", "trust", "fallback.toml"]) == 0
    assert "it may set providers.openai.base_url" in capsys.readouterr().err
    assert enter(["status"]) == 0


def test_the_state_is_found_checked_copied_and_pruned(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    capsys.readouterr()
    assert here.run("state", "path") == 0
    assert capsys.readouterr().out == f"{here.folder}/archfb.db\n"
    assert here.run("state", "check") == 0
    assert "The state is sound." in capsys.readouterr().err
    assert here.run("state", "backup", f"{here.folder}/copy.db") == 0
    with sqlite3.connect(here.folder / "copy.db") as db:
        assert db.execute("SELECT count(*) FROM attempts").fetchone() == (1,)
    assert here.run("state", "backup", f"{here.folder}/copy.db") == 2
    assert here.run("state", "backup", "/nowhere/copy.db") == 2
    capsys.readouterr()
    assert here.run("state", "prune") == 0
    assert "0 attempts older than 30 days dropped." in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "code"), [("folder", 2), ("text", 2)])
def test_a_state_that_is_none_is_refused_and_not_touched(
    kind: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows 55 and 59."""
    path = tmp_path / "state"
    path.mkdir() if kind == "folder" else path.write_text("dear diary" * 200)
    assert enter(["ask", "x", "--state", str(path)]) == code
    assert enter(["status", "--check", "--state", str(path)]) == 3
    err = capsys.readouterr().err
    assert str(path) in err
    assert "Traceback" not in err
    assert kind == "folder" or path.read_text() == "dear diary" * 200


def test_the_doctor_names_keys_but_not_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    assert enter(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "OPENAI_API_KEY is set" in out
    assert "GEMINI_API_KEY is not set" in out
    assert "canary" not in out


def test_the_doctor_finds_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows 22 and 54 among them."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-\u00e9canary-0123456789")
    monkeypatch.setenv("HTTPS_PROXY", "not a url")
    (tmp_path / "s").write_text("x" * 2000)
    assert enter(["doctor", "--json", "--state", f"{tmp_path}/s"]) == 1
    out = capsys.readouterr().out
    wrong = [one["what"] for one in json.loads(out)["findings"] if one["level"] == "wrong"]
    assert len(wrong) == 3
    assert "canary" not in out


def test_the_doctor_survives_a_broken_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text("[")
    assert enter(["doctor", "--config", f"{tmp_path}/c.toml"]) == 1
    assert "wrong  The configuration has mistakes" in capsys.readouterr().out


def test_the_state_that_an_option_names_is_the_one_that_config_path_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(["config", "path", "--state", f"{tmp_path}/s.db"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"state: {tmp_path}/s.db"


def test_a_state_that_is_not_there_is_not_called_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["state", "check", "--state", f"{tmp_path}/s.db"]) == 0
    assert capsys.readouterr().err == "There is no state yet.\n"


def test_a_copy_that_cannot_be_written_says_nothing_of_another_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--state", f"{tmp_path}/s.db"]
    assert enter(["ask", "hi", *options]) == 0
    capsys.readouterr()
    assert enter(["state", "backup", f"{tmp_path}/none/b.db", *options]) == 2
    assert capsys.readouterr().err == f"error: Cannot write {tmp_path}/none/b.db: No such file or directory\n"


@pytest.mark.parametrize("option", ["--config", "--state", "--log-json"])
def test_an_empty_path_is_a_mistake_and_not_the_default(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["status", f"{option}="]) == 2
    assert capsys.readouterr().err.startswith(f"error: {option} is empty; name a file.")


def test_row_61_a_damaged_state_is_not_called_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--state", f"{tmp_path}/s.db"]
    assert enter(["ask", "hi", *options]) == 0
    os.truncate(tmp_path / "s.db", 5000)
    assert enter(["state", "check", *options]) == 1
    assert enter(["state", "backup", f"{tmp_path}/b.db", *options]) == 2
    assert "sound" not in capsys.readouterr().err
    assert not (tmp_path / "b.db").exists()
