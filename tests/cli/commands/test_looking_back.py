"""`history`, `report` and `route --replay` over calls that were made."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
GOOD = [{"text": "ok", "usage": {"input": 1000, "output": 100}}]


def test_a_models_periods_are_charted_and_listed(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"status": 500}, {"status": 500}, *GOOD], m2=GOOD)
    for _ in range(3):
        assert here.run("ask", "x") == 0
    capsys.readouterr()
    assert here.run("history", "m2", "--since", "2h") == 0
    out = capsys.readouterr().out
    assert "m2: " in out
    assert "A column is an hour" in out
    assert "Outcomes" in out
    assert here.run("history", "--since", "100d", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["rough"], document["period_s"]) == (True, 604800.0)
    assert sum(one["outcomes"].get("ok", 0) for one in document["periods"]) == 3


def test_other_strategies_are_replayed_without_a_request(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD, m2=GOOD)
    for _ in range(4):
        assert here.run("ask", "x") == 0
    made = here.server.counts["requests"]
    capsys.readouterr()
    assert here.run("route", "phase1", "--replay", "1h", "--strategy", "priority") == 0
    assert "phase1: 4 calls again with priority; " in capsys.readouterr().out
    assert here.run("route", "phase1", "--replay", "1h", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["strategy"], document["calls"]) == ("balanced", 4)
    assert document["actual"]["cost_usd"] == pytest.approx(4 * 0.0012)
    assert here.run("route", "phase2", "--replay", "1h") == 0
    assert "No call of phase2 was recorded in that time." in capsys.readouterr().out
    assert here.run("ask", "x", "--chain", "phase2") == 0
    made += 1
    capsys.readouterr()
    assert here.run("route", "--replay", "1h", "--strategy", "cheapest") == 0
    assert "All phases: 5 calls again with cheapest; " in capsys.readouterr().out
    assert here.run("route", "--replay", "1h", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["phase"], document["strategy"], document["calls"]) == (None, "balanced", 5)
    assert here.server.counts["requests"] == made


def test_calls_are_replayed_where_the_key_is_not_set(
    place: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place('api_key_env = "A_KEY"', m1=GOOD)
    monkeypatch.setenv("A_KEY", "k-0123456789")
    assert here.run("ask", "x") == 0
    monkeypatch.delenv("A_KEY")
    capsys.readouterr()
    assert here.run("route", "phase1", "--replay", "1h", "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 0


def test_a_page_is_written(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"status": 500}, {"text": "ok"}], m2=GOOD)
    assert here.run("ask", "x") == 0
    made = here.server.counts["requests"]
    capsys.readouterr()
    assert here.run("report", "--out", f"{here.folder}/r.html", "--since", "2d") == 0
    assert f"Written: {here.folder}/r.html" in capsys.readouterr().err
    text = (here.folder / "r.html").read_text()
    assert "<h2>Hand-overs</h2>" in text
    assert "<td>m1</td>" in text
    assert here.server.counts["requests"] == made


MISTAKES = [
    (["route"], "Missing argument 'PHASE'."),
    (["route", "--chars", "3"], "Missing argument 'PHASE'."),
    (["route", "phase1", ".", "--replay", "1h"], "--replay takes neither a repository nor --model."),
    (["route", "phase1", "--strategy", "fastest"], "--strategy needs --replay SINCE."),
    (["route", "phase1", "--replay", "never"], "--replay must be a span of time"),
    (["route", "phase9", "--replay", "1h"], "Unknown phase 'phase9'. Did you mean"),
    (["route", "phase1", "--replay", "1h", "--strategy", "cheap"], "Did you mean 'cheapest'?"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(one[0]) for one in MISTAKES])
def test_mistakes_are_told(place: Start, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run(*words) == 2
    assert said in capsys.readouterr().err
