"""Which changes are worth telling: each once, none while a model flaps, what lasts again after a while."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.alerts.decide import FLAPS, HELD, SETTLED, WINDOW, Alert, Seen, Told, decide, from_json, to_json

DAY = 86_400.0
START = 1_800_000_000.0
STATES = {"h": "healthy", "d": "degraded", "u": "unavailable", "s": "unavailable", "?": "unknown"}


def play(
    script: str, *, every: float = 300.0, remind: float = DAY, start: float = START
) -> list[tuple[int, str, str]]:
    """Let one model stand as each letter says (capitals do not count, s is a short hold).

    Returns (round, kind, "from>to") as told.
    """
    told: dict[str, Told] = {}
    heard = []
    for at, letter in enumerate(script):
        counts = letter == letter.lower() and letter != "s"
        seen = Seen("m", STATES[letter.lower()], "why", counts=counts, briefly=letter == "s")
        alerts, told = decide(told, [seen], now=start + at * every, remind=remind)
        told = from_json(json.loads(json.dumps(to_json(told))))
        heard += [(at, one.kind, f"{one.before[0]}>{one.after[0]}") for one in alerts]
    return heard


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ("hhhh", []),
        ("????", []),
        ("?hh", []),
        ("u", [(0, "problem", "h>u")]),
        ("huuuh", [(1, "problem", "h>u"), (4, "resolved", "u>h")]),
        ("hdduuh", [(2, "problem", "h>d"), (3, "problem", "d>u"), (5, "resolved", "u>h")]),
        ("hdh", []),
        ("hduh", [(2, "problem", "h>u"), (3, "resolved", "u>h")]),
        ("hudd", [(1, "problem", "h>u"), (3, "problem", "u>d")]),
        ("hudh", [(1, "problem", "h>u"), (3, "resolved", "u>h")]),
        ("hu??h", [(1, "problem", "h>u"), (4, "resolved", "u>h")]),
        ("hUUUh", []),
        ("huUUu", [(1, "problem", "h>u")]),
    ],
)
def test_a_change_is_told_once(script: str, heard: list[tuple[int, str, str]]) -> None:
    assert play(script) == heard


@pytest.mark.parametrize(
    ("script", "heard"),
    [
        ("hssh", []),
        ("hsssh", []),
        ("hssssssh", [(1 + HELD / 300, "problem", "h>u"), (7, "resolved", "u>h")]),
        ("hsshsshssh", []),
        ("hssUssh", []),
        ("husssh", [(1, "problem", "h>u"), (5, "resolved", "u>h")]),
    ],
)
def test_short_holds_are_news_once_one_follows_the_other_for_long(
    script: str, heard: list[tuple[int, str, str]]
) -> None:
    assert play(script) == heard


def test_a_memory_from_before_holds_were_kept_is_read() -> None:
    assert from_json({"m": ["degraded", START, "degraded", [START], False]}) == {
        "m": Told("degraded", START, "degraded", (START,))
    }


def test_going_to_and_fro_is_told_as_such_and_then_not_again_until_it_rests() -> None:
    heard = play("huhuhuhuhuhu" + "u" * 12)
    assert heard == [
        (1, "problem", "h>u"), (2, "resolved", "u>h"), (3, "problem", "h>u"), (4, "flapping", "u>h"),
        (11 + SETTLED / 300, "problem", "h>u"),
    ]  # fmt: skip


def test_one_that_rests_in_health_is_resolved() -> None:
    assert play("huhuh" + "h" * 8)[-1] == (4 + SETTLED / 300, "resolved", "h>h")


def test_a_model_has_to_stay_degraded_before_it_is_told() -> None:
    assert play("hdddd", every=30.0) == [(4, "problem", "h>d")]
    assert play("hdddh", every=30.0) == []


def test_slow_changes_are_no_flapping() -> None:
    heard = play("huhuhuhu", every=WINDOW / (FLAPS - 1) + 1)
    assert [kind for _, kind, _ in heard] == ["problem", "resolved"] * 3 + ["problem"]


def test_what_lasts_is_told_again_at_the_interval_of_reminders() -> None:
    assert play("h" + "u" * 10, remind=900) == [
        (1, "problem", "h>u"), (4, "reminder", "u>u"), (7, "reminder", "u>u"), (10, "reminder", "u>u")
    ]  # fmt: skip


def test_health_is_no_reason_for_a_reminder() -> None:
    assert play("h" * 50, remind=60) == []


def test_a_clock_that_was_set_back_neither_repeats_nor_silences() -> None:
    _, told = decide({}, [Seen("m", "unavailable")], now=START + 10 * DAY, remind=DAY)
    alerts, told = decide(told, [Seen("m", "unavailable")], now=START, remind=DAY)
    assert alerts == []
    alerts, _ = decide(told, [Seen("m", "unavailable")], now=START + DAY, remind=DAY)
    assert [one.kind for one in alerts] == ["reminder"]


def test_an_older_look_does_not_contradict_what_another_process_told_from_a_later_one() -> None:
    _, told = decide({}, [Seen("m", "unavailable")], now=START + 1, remind=DAY)
    assert decide(told, [Seen("m", "healthy")], now=START, remind=DAY) == ([], told)
    alerts, _ = decide(told, [Seen("m", "healthy")], now=START + 2, remind=DAY)
    assert [one.kind for one in alerts] == ["resolved"]


def test_a_model_that_is_gone_is_forgotten() -> None:
    _, told = decide({"gone": Told("unavailable", START)}, [Seen("m", "healthy")], now=START, remind=DAY)
    assert list(told) == ["m"]


@pytest.mark.parametrize("kept", [None, 3, [], "x", {"m": None}, {"m": [1]}, {"m": ["u", "x", "u", [], False]}])
def test_a_memory_that_cannot_be_read_was_never_told(kept: Any) -> None:
    assert from_json(kept) == {}


@given(st.text("hdu?HU", max_size=60), st.sampled_from([10.0, 60.0, 300.0, 3600.0]))
def test_whoever_listens_ends_up_knowing_how_it_stands(script: str, every: float) -> None:
    quiet = int(WINDOW / every) + 2
    heard = [one for one in play(f"{script}u{'u' * quiet}", every=every) if one[1] != "flapping"]
    assert heard[-1][2].endswith(">u")
    after = [one for one in play(f"{script}h{'h' * quiet}", every=every) if one[1] != "flapping"]
    assert not after or after[-1][1] == "resolved"


@given(st.text("hdu", max_size=200))
def test_no_more_than_the_limit_is_told_within_a_window(script: str) -> None:
    told_at = [at * 10.0 for at, _, _ in play(script, every=10.0)]
    for begin in told_at:
        assert sum(begin <= at < begin + SETTLED for at in told_at) <= FLAPS + 1


@pytest.mark.parametrize(
    ("kind", "after", "sentence"),
    [
        ("problem", "degraded", "m is degraded: slow."),
        ("reminder", "unavailable", "m is still unavailable: slow."),
        ("resolved", "healthy", "m is healthy again."),
        ("flapping", "healthy", "m changes to and fro: told again once it has settled."),
    ],
)
def test_each_kind_has_its_sentence(kind: Any, after: str, sentence: str) -> None:
    assert Alert(kind, "m", "healthy", after, "slow").sentence == sentence
