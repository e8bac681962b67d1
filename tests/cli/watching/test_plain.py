"""A watch without a terminal: one line, or one JSON object, for each change."""

from __future__ import annotations

import json

from health_rows import health, row
from scenes import scene, transition

from archfb.routing.table import ChainHealth
from archfb.watching.plain import lines_of

TABLE = health(
    row("a", "unavailable", "3 failures in a row", retry_in=42),
    row("b\x1b[2J", "healthy", "answers"),
    chains=(ChainHealth("phase1", 1, "b", 2), ChainHealth("final", 0, None, 1)),
)
NEWS = (
    transition(-2, "a", "healthy", "degraded", "1 failure in a row"),
    transition(-1, "a", "degraded", "unavailable", "3 failures in a row\nsecond line"),
)


def test_the_first_lines_say_how_everything_stands() -> None:
    assert lines_of(scene(TABLE), (), json=False, first=True) == [
        "2027-01-15T08:00:00Z a: unavailable, 3 failures in a row",
        "2027-01-15T08:00:00Z b\ufffd[2J: healthy, answers",
        "2027-01-15T08:00:00Z phase1: 1 usable, first b",
        "2027-01-15T08:00:00Z final: no usable model left",
    ]


def test_every_change_is_one_line() -> None:
    again = ", again at 2027-01-15T08:00:42Z"
    assert lines_of(scene(TABLE), NEWS, json=False, first=False) == [
        "2027-01-15T07:59:58Z a: healthy -> degraded, 1 failure in a row",
        f"2027-01-15T07:59:59Z a: degraded -> unavailable, 3 failures in a row second line{again}",
    ]


def test_without_a_change_nothing_is_written() -> None:
    assert lines_of(scene(TABLE), (), json=False, first=False) == []
    assert lines_of(scene(TABLE), (), json=True, first=False) == []


def test_json_is_the_whole_table_and_then_one_object_for_each_change() -> None:
    lines = lines_of(scene(TABLE), NEWS, json=True, first=True)
    assert all(line.isascii() and "\n" not in line for line in lines)
    first, degraded, gone = (json.loads(line) for line in lines)
    assert first == {"event": "table", **TABLE.to_json(), "models": first["models"]}
    assert first["models"][1]["name"] == "b\ufffd[2J"
    assert degraded["retry_at"] is None
    assert gone == {
        "event": "change",
        "schema": 1,
        "at": "2027-01-15T07:59:59Z",
        "model": "a",
        "before": "degraded",
        "after": "unavailable",
        "reason": "3 failures in a row\nsecond line",
        "retry_at": "2027-01-15T08:00:42Z",
    }
