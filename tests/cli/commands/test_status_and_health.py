"""`archfb status` and `archfb health`, against a server that answers by script."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from archfb.door import enter

Start = Callable[..., Any]
GOOD = [{"text": "ok"}]
BROKEN = [{"status": 500, "message": "it broke"}]
MODEL_FIELDS = [
    "name", "provider", "model", "status", "reason", "consecutive_failures", "successes", "failures", "error_rate",
    "latency_ms", "probe_latency_ms", "last_success_at", "last_failure_at", "last_probe_at", "retry_at", "weight",
    "cost_usd",
]  # fmt: skip


def test_status_on_a_fresh_machine_shows_every_model_and_creates_nothing(
    home: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(["status"]) == 0
    out = capsys.readouterr().out
    assert "gemini-basic" in out
    assert "no key (GEMINI_API_KEY)" in out
    assert not (home / "state").exists()


def test_status_json_has_the_fields_of_the_contract(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    assert here.run("ask", "x") == 0
    capsys.readouterr()
    assert here.run("status", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document)[:5] == ["schema", "at", "models", "chains", "probes"]
    assert [list(one)[:17] for one in document["models"]] == [MODEL_FIELDS, MODEL_FIELDS]
    assert sum(one["successes"] for one in document["models"]) == 1
    assert document["chains"]["phase1"]["usable"] == 2


def test_status_makes_no_request(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("status") == 0
    assert here.run("status", "--check") == 3
    assert not here.server.requests


@pytest.mark.parametrize(("second", "code"), [(GOOD, 0), (BROKEN, 1)])
def test_a_check_answers_like_a_plugin(
    place: Start, capsys: pytest.CaptureFixture[str], second: list[dict[str, Any]], code: int
) -> None:
    here = place(m1=GOOD, m2=second)
    assert here.run("ask", "x", "--model", "m1") == 0
    assert here.run("ask", "x", "--model", "m2") == code
    assert here.run("status", "--check") == code


def test_a_chain_without_a_usable_model_is_critical(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"status": 401, "message": "bad key"}])
    assert here.run("ask", "x") == 0
    capsys.readouterr()
    assert here.run("status", "--check", "-q") == 2
    assert "no usable model left" in capsys.readouterr().out


def test_quiet_prints_nothing_when_all_is_well(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("health", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_quiet_shows_the_table_when_something_is_not(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"status": 401, "message": "bad key"}])
    assert here.run("ask", "x") == 0
    capsys.readouterr()
    assert here.run("health", "--quiet") == 2
    assert "m1" in capsys.readouterr().out


def test_nothing_is_probed_twice_for_one_due_time(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    assert here.run("health", "--json") == 0
    first = json.loads(capsys.readouterr().out)["probes"]
    asked = len(here.server.requests)
    assert here.run("health", "--json") == 0
    assert json.loads(capsys.readouterr().out)["probes"] == []
    assert sorted({one["model"] for one in first}) == ["m1", "m2"]
    assert len(here.server.requests) == asked


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_if_stale_probes_nothing_while_the_evidence_is_young(
    place: Start, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    here = place("[health]\ninterval = 10\n", m1=GOOD)
    assert here.run("health") == 0
    asked = len(here.server.requests)
    assert here.run("health", "--if-stale", "3600", "-q", *more) == 0
    assert len(here.server.requests) == asked


def test_a_selection_is_probed_alone(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    assert here.run("health", "--model", "m2", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["models"]] == ["m2"]
    assert {one["model"] for one in document["probes"]} == {"m2"}


def test_the_plugin_line_is_one_line(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("health", "--nagios") == 0
    out = capsys.readouterr().out
    assert out.startswith("ARCHFB OK - The one model is well. | healthy=1;;;0;1 ")
    assert out.count("\n") == 1


def test_another_probe_that_runs_is_respected(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Row 73."""
    from archfb.probing.lock import probe_lock

    here = place(m1=GOOD)
    with probe_lock(f"{here.folder}/archfb.db"):
        assert here.run("health", "--lock", "fail") == 3
        assert "is running" in capsys.readouterr().err
        assert here.run("health") == 3
        assert "is running; this is what is stored" in capsys.readouterr().err
    assert not here.server.requests


def test_no_model_with_a_key_cannot_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["health"], ["status", "--check"], ["health", "-q"], ["status", "--check", "-q", "--json"]):
        assert enter(words) == 3
        assert capsys.readouterr().err == "No model has a key: nothing to tell.\n"


def test_a_check_of_models_that_were_never_probed_says_so(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    assert here.run("status", "--check") == 3
    assert capsys.readouterr().err == "No evidence yet: m1, m2. `archfb health` probes.\n"
    assert here.run("status") == 0
    assert capsys.readouterr().err == ""
    assert here.run("health", "--model", "m2", "-q") == 0
    assert here.run("status", "--check") == 3
    assert capsys.readouterr().err == "No evidence yet: m1. `archfb health` probes.\n"
    assert here.run("status", "--check", "--max-age", "0") == 3
    told = "The evidence is older than 0 s: m2. No evidence yet: m1. `archfb health` probes.\n"
    assert capsys.readouterr().err == told


def test_what_a_daily_budget_holds_back_is_told(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place("[health]\nprobe_max_per_day = 0\n", m1=GOOD)
    path = here.folder / "c.toml"
    path.write_text(path.read_text().replace("stream = false", 'stream = false\nprobe = "completion"'))
    assert here.run("health", "--json") == 0
    out, err = capsys.readouterr()
    (probe,) = json.loads(out)["probes"]
    assert (probe["kind"], probe["outcome"], probe["held_back"]) == ("metadata", "ok", "probe_max_per_day")
    assert "m1: asked for metadata only until midnight UTC, since as many probes as a day allows were made" in err
    assert [one["method"] for one in here.server.requests] == ["GET"]


def test_a_name_that_looks_like_markup_is_a_name(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Row 16."""
    here = place(m1=GOOD)
    path = here.folder / "c.toml"
    path.write_text(
        path.read_text().replace("[models.m1]", '[models."[red]x[/]"]').replace('["m1"]', '["[red]x[/]"]')
    )
    assert here.run("status") == 0
    assert "[red]x[/]" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a\\u001b[31mb", "a\\nb", "x" * 10_000])
def test_a_name_that_no_terminal_should_get_is_refused(
    place: Start, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Row 15."""
    here = place(m1=GOOD)
    path = here.folder / "c.toml"
    path.write_text(path.read_text().replace("[models.m1]", f'[models."{name}"]').replace('["m1"]', f'["{name}"]'))
    assert here.run("status") == 2
    err = capsys.readouterr().err
    assert "Model name may hold printable characters" in err
    assert "\x1b" not in err
    assert max(len(line) for line in err.splitlines()) < 1000


def test_a_state_of_a_later_version_is_not_saved_to(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Row 62: the run goes on; health cannot tell."""
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    with closing(sqlite3.connect(here.folder / "archfb.db")) as db:
        db.execute("PRAGMA user_version = 9999")
    capsys.readouterr()
    assert here.run("ask", "x") == 0
    out, err = capsys.readouterr()
    assert out == "ok\n"
    assert err.count("Running without saving.") == 1
    assert here.run("health") == 3
    assert "what was found is not kept" in capsys.readouterr().err


def test_a_model_that_no_chain_names_is_shown_where_it_is_asked_for(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD, m2=GOOD)
    path = here.folder / "c.toml"
    path.write_text(path.read_text().replace('["m1", "m2"]', '["m1"]'))
    assert here.run("health", "--json") == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["models"]] == ["m1"]
    assert here.run("health", "--model", "m2", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["status"]) for one in document["models"]] == [("m2", "healthy")]
    assert here.run("status", "--json") == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)["models"]] == ["m1"]


def test_row_62_health_cannot_tell_either_where_nothing_is_due(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    with closing(sqlite3.connect(here.folder / "archfb.db")) as db:
        db.execute("PRAGMA user_version = 9999")
    assert here.run("health") == 3
    assert not [one for one in here.server.requests if one["method"] == "GET"]


def test_a_lone_model_that_is_named_and_dead_leaves_its_chains_without_any(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place("[routing]\noffline = false\n", m1=[{"status": 402, "message": "Insufficient Balance"}])
    assert here.run("ask", "x") == 1
    capsys.readouterr()
    assert here.run("health", "--model", "m1", "--json") == 2
    assert json.loads(capsys.readouterr().out)["chains"]["phase1"] == {"usable": 0, "first_choice": None}
