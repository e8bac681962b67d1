"""States that say odd things, and a machine on which nothing can be asked."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
GOOD = [{"text": "ok"}]
NO_OFFLINE = "[routing]\noffline = false\n"


def edited(here: Any, sql: str) -> None:
    """Edit the state by hand."""
    with sqlite3.connect(here.folder / "archfb.db") as db:
        assert db.execute(sql).rowcount > 0
    db.close()


@pytest.mark.parametrize("value", ["'abc'", "9e999", "x'00ff'"])
def test_row_71_a_row_with_no_number_where_one_belongs_is_ignored_and_counted(
    place: Start, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    edited(here, f"UPDATE OR REPLACE model_health SET successes = {value}")
    capsys.readouterr()
    assert here.run("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["name"] == "m1"
    assert here.run("ask", "x") == 0
    assert "Traceback" not in capsys.readouterr().err


def test_row_71_an_unreadable_row_is_told_by_the_doctor(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    edited(here, "UPDATE model_health SET successes = 'abc'")
    capsys.readouterr()
    assert here.run("doctor") == 0
    out = capsys.readouterr().out
    assert "1 row of model_health cannot be read; ignored." in out
    assert "what they told is learned again" in out


def test_row_72_an_unknown_state_is_taken_for_unknown(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    edited(here, "UPDATE model_health SET status = 'splendid'")
    edited(here, "UPDATE transitions SET after = 'splendid'")
    capsys.readouterr()
    assert here.run("history") == 0
    assert "Traceback" not in capsys.readouterr().err
    assert here.run("status", "--json") == 0
    row = json.loads(capsys.readouterr().out)["models"][0]
    assert row["status"] in {"healthy", "degraded", "unavailable", "unknown"}
    assert here.run("report", "--out", f"{here.folder}/r.html") == 0
    assert here.run("ask", "x") == 0


def test_row_63_a_schema_that_is_half_there_names_the_step_and_is_left_as_it_was(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    with sqlite3.connect(here.folder / "archfb.db") as db:
        db.execute("PRAGMA user_version = 0")
    db.close()
    capsys.readouterr()
    assert here.run("ask", "x") == 70
    assert "Step 1 (first tables) of the state's schema failed: table meta already exists" in capsys.readouterr().err
    with sqlite3.connect(here.folder / "archfb.db") as db:
        assert db.execute("SELECT COUNT(*) FROM attempts").fetchone() == (1,)
    db.close()


def test_row_70_a_clock_that_moved_back_is_told(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    edited(here, "UPDATE model_health SET last_success_at = last_success_at + 86400")
    capsys.readouterr()
    assert here.run("doctor") == 1
    assert "Clock moved back 24 h; ages shown as 0 until it catches up." in capsys.readouterr().out
    assert here.run("status") == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("m1 "))
    assert " now " in row


def test_row_92_where_all_models_are_blocked_the_table_says_why_and_until_when(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(NO_OFFLINE, m1=[{"status": 402, "code": "insufficient_quota", "message": "Insufficient Balance"}])
    assert here.run("ask", "x") == 1
    capsys.readouterr()
    assert here.run("ask", "x") == 1
    head, _, row, *_ = capsys.readouterr().err.splitlines()[1:]
    assert head.split() == ["Model", "How", "Took", "What", "it", "said", "Since", "What", "to", "do", "Try", "again"]
    told = r"m1 +not asked +- +no credit +(now|\d+(\.\d)? s) +top up at the provider +in 6 h"
    assert re.fullmatch(told, row.strip())
    assert here.run("status", "--check", "--quiet") == 2
    assert here.run("health", "--quiet") == 2
    assert here.run("doctor") == 0
