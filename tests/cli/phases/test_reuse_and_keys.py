"""Which stored answers are hits, and what a key depends on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.phases import keys
from archfb.phases.reuse import Wanted, find, is_hit, stood_in, usable_now
from archfb_state.decisions import Decision, Ranked
from archfb_state.store import PhaseResult


def stored(model: str = "m", reason: str | None = None, at: float = 1.0) -> PhaseResult:
    return PhaseResult("k", "phase1", "r", model, at, "text", reason is not None, reason)


ANY, DEAD = Wanted(), Wanted(usable=False)
OFFLINE, FRESH, PINNED = Wanted(offline=True), Wanted(fresh=True), Wanted(model="m")


@pytest.mark.parametrize(
    ("row", "wanted", "hit"),
    [
        (stored(), ANY, True),
        (stored(), DEAD, True),
        (stored(), OFFLINE, False),
        (stored(), FRESH, False),
        (stored(), PINNED, True),
        (stored("n"), PINNED, False),
        (stored("offline", "no_model"), ANY, False),
        (stored("offline", "no_model"), DEAD, True),
        (stored("offline", "no_model"), OFFLINE, True),
        (stored("offline", "no_model"), PINNED, False),
        (stored("offline", "unreadable"), ANY, True),
        (stored("offline", "unreadable"), DEAD, True),
        (stored("offline", "unreadable"), OFFLINE, True),
        (stored("offline", "unreadable"), FRESH, False),
        (stored("offline", "unreadable"), PINNED, False),
        (stored("offline", "asked"), ANY, False),
        (stored("offline", "asked"), DEAD, True),
        (stored("offline", "asked"), OFFLINE, True),
    ],
)
def test_a_stored_answer_is_a_hit_as_the_contract_says(row: PhaseResult, wanted: Wanted, hit: bool) -> None:
    assert is_hit(row, wanted) is hit


def test_a_models_answer_comes_before_an_offline_one_and_the_newest_first() -> None:
    old, new, offline = stored(at=1.0), stored("n", at=2.0), stored("offline", "unreadable", at=3.0)
    assert find([old, offline, new], ANY) == new
    assert find([offline], ANY) == offline
    assert find([], ANY) is None


def decision(*ranked: Ranked) -> Decision:
    return Decision("phase1", "low", "balanced", ranked)


@pytest.mark.parametrize(
    ("ranked", "usable"),
    [
        ([], False),
        ([Ranked("offline", "healthy", 0, True, "")], False),
        ([Ranked("m", "healthy", 1, True, "")], True),
        ([Ranked("m", "unknown", 1, True, "")], True),
        ([Ranked("m", "unavailable", 0, False, "no key (K)")], False),
        ([Ranked("m", "unavailable", 0, True, "last resort", retry_at=200.0)], False),
        ([Ranked("m", "unavailable", 0, True, "trial due", retry_at=90.0)], True),
    ],
)
def test_a_model_is_usable_when_it_is_well_or_due_for_its_trial(ranked: list[Ranked], usable: bool) -> None:
    assert usable_now(decision(*ranked), 100.0) is usable


@pytest.mark.parametrize(
    ("why", "stands_in"),
    [
        ("no key (K)", False),
        ("offline only was asked for", False),
        ("open: 3 in a row", True),
        ("first choice", True),
    ],
)
def test_the_offline_provider_stands_in_only_for_models_that_could_have_been_asked(why: str, stands_in: bool) -> None:
    assert (
        stood_in([Ranked("m", "unavailable", 0, False, why), Ranked("offline", "healthy", 0, True, "last")])
        is stands_in
    )


parts = st.text(max_size=6)
inputs = st.lists(st.tuples(parts, parts), max_size=3).map(tuple)


@given(st.tuples(parts, parts, inputs, parts), st.tuples(parts, parts, inputs, parts))
def test_keys_are_equal_exactly_where_phase_role_inputs_and_prompt_are(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    same = (one[0], one[1], one[3], one[2]) == (other[0], other[1], other[3], other[2])
    assert (keys.key(*one) == keys.key(*other)) is same


def test_an_undecodable_file_name_can_be_part_of_a_key() -> None:
    assert len(keys.key("phase3", "a", (("x\udcff.py", "h"),), "v")) == 32
