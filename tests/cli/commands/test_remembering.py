"""What one process learned, seen by the next one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from processes import archfb

FIRST_COMES_FIRST = '[routing]\nstrategy = "priority"'


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def explained(decision: list[dict[str, Any]]) -> list[tuple[str, bool, str]]:
    return [(one["model"], one["eligible"], one["why"]) for one in decision]


def test_a_fresh_process_honours_the_remaining_time_of_a_hold(place: Callable[..., Any]) -> None:
    on = place(FIRST_COMES_FIRST, m1=[{"status": 429, "retry_after": 3000}], m2=[{"text": "ok"}])
    assert on.run("ask", "-q", "hi") == 0
    answer = json.loads(archfb("ask", "--json", "hi", *on.options).stdout)
    status = json.loads(archfb("status", "--json", *on.options).stdout)
    held = next(one for one in status["models"] if one["name"] == "m1")
    assert [(one["model"], one["outcome"]) for one in answer["attempts"]] == [("m2", "ok")]
    assert (held["status"], held["reason"]) == ("unavailable", "rate limited")
    assert 2000 < instant(held["retry_at"]) - instant(status["at"]) <= 3000
    assert on.server.counts["models"]["m1"] == 1


def test_the_explanation_of_a_decision_is_stored_with_its_run(
    place: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    on = place(FIRST_COMES_FIRST, m1=[{"status": 429, "retry_after": 3000}], m2=[{"text": "ok"}])
    (on.folder / "repository").mkdir()
    (on.folder / "repository" / "a.py").write_text("import os\n")

    def told(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert on.run(*words, "--json") == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    assert on.run("ask", "-q", "hi") == 0
    now = told("route", "phase1")["decision"]
    run = told("run", "-q", "phase1", str(on.folder / "repository"))["run_id"]
    decisions = told("runs", run)["decisions"]
    assert len(decisions) == 3
    for kept in decisions:
        assert explained(kept["decision"]) == explained(now)
        assert {one["terms"]["weight"] for one in kept["decision"] if one["model"] != "offline"} == {1.0}
    assert explained(now)[-1] == ("m1", False, "rate limited")
