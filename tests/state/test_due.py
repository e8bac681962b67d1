from __future__ import annotations

from random import Random

import pytest
from core_bench import DAY, REFS, Core

from archfb_state.core.due import Due, due, due_at

A = REFS["a"].deployment


def test_a_model_without_evidence_is_due_at_once_and_free() -> None:
    assert Core().due("a") == Due("metadata", "no evidence yet", f"probe:{A}")


@pytest.mark.parametrize("kind", ["call", "metadata", "completion"])
def test_any_evidence_postpones_the_next_probe_by_an_interval(kind: str) -> None:
    core = Core()
    core.record("a", "ok", kind=kind)
    assert core.wait(299).due("a") is None
    assert core.due("a2") is None
    assert core.due("a", everything=True) == Due("metadata", "no evidence for an interval", f"probe:{A}")
    assert core.wait(11).due("a") == Due("metadata", "no evidence for an interval", f"probe:{A}")


def test_a_suspect_is_settled_by_a_completion_after_a_minute() -> None:
    core = Core()
    core.record("a", "timeout")
    assert core.wait(59).due("a") is None
    assert core.wait(1).due("a") == Due("completion", "suspected", f"probe:{A}")


def test_probation_and_a_doubtful_name_are_suspect_too() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "timeout")
    core.wait(60).record("a", "ok")
    assert core.wait(60).due("a").kind == "completion"
    core.record("c", "model_not_found", kind="metadata")
    assert core.wait(60).due("c").why == "suspected"


def test_an_open_model_is_due_when_its_trial_is() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "timeout")
    core.now = core.deployment("a").retry_at - 0.001
    assert core.due("a") is None
    assert core.wait(0.002).due("a").lease == f"trial:{A}"
    assert core.due("a").kind == "completion"


def test_an_open_and_held_model_waits_for_both() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "timeout")
    core.record("a", "rate_limited", retry_after_s=500.0)
    assert core.wait(499).due("a") is None
    assert core.wait(1).due("a").kind == "completion"


def test_a_hold_postpones() -> None:
    core = Core()
    core.record("a", "rate_limited", retry_after_s=1000.0)
    assert core.wait(999).due("a") is None
    assert core.wait(1).due("a") == Due("metadata", "no evidence yet", f"probe:{A}")


def test_a_blocked_account_is_checked_each_hour_for_free() -> None:
    core = Core()
    core.record("a", "auth")
    assert core.wait(3599).due("b") is None
    assert core.wait(1).due("b").why == "blocked account"
    core.record("b", "auth", kind="metadata")
    assert core.wait(3599).due("b") is None
    assert core.wait(1).due("b").kind == "metadata"


def test_a_retired_model_is_checked_each_day() -> None:
    core = Core()
    core.record("a", "model_not_found", "model_not_found", after=100)
    assert core.wait(DAY - 1).due("a") is None
    assert core.wait(1).due("a") == Due("metadata", "retired model", f"trial:{A}")


def test_a_drained_model_is_left_alone() -> None:
    core = Core()
    core.put_model("a", drained_by="ann", drained_until=core.now + 10 * DAY)
    assert core.wait(9 * DAY).due("a") is None
    assert core.due("a", everything=True).why == "taken out by hand"


@pytest.mark.parametrize("jump", [-DAY, DAY])
@pytest.mark.parametrize("outcomes", [["ok"], ["timeout"], ["timeout"] * 3, ["auth"], ["model_not_found"] * 2])
def test_no_clock_jump_keeps_a_probe_from_being_due(outcomes: list[str], jump: float) -> None:
    core = Core()
    core.record("a", *outcomes, after=70)
    core.record("a", outcomes[-1], kind="completion")
    assert core.wait(jump).due("a") is not None


def test_probes_may_come_a_tenth_early_so_that_many_do_not_come_at_once() -> None:
    core = Core()
    core.record("a", "ok")
    core.wait(299)
    found = [due(core.refs["a"], core.rows, core.settings, core.now, Random(seed)) for seed in range(200)]
    assert sum(one is not None for one in found) >= 180
    core.now -= 30
    found = [due(core.refs["a"], core.rows, core.settings, core.now, Random(seed)) for seed in range(200)]
    assert found == [None] * 200


@pytest.mark.parametrize(("waited", "some"), [(53.0, False), (59.0, True)])
def test_a_suspect_may_be_settled_a_tenth_early_too(waited: float, some: bool) -> None:
    core = Core()
    core.record("a", "timeout")
    core.wait(waited)
    found = [due(core.refs["a"], core.rows, core.settings, core.now, Random(seed)) for seed in range(50)]
    assert any(one is not None for one in found) is some


@pytest.mark.parametrize(("waited", "early"), [(3230.0, False), (3590.0, True)])
def test_a_check_of_a_blocked_account_may_come_a_tenth_early_too(waited: float, early: bool) -> None:
    core = Core()
    core.record("a", "auth")
    core.wait(waited)
    found = [due(core.refs["a"], core.rows, core.settings, core.now, Random(seed)) for seed in range(50)]
    assert any(one is not None for one in found) is early


def test_when_a_probe_is_due_can_be_told_beforehand() -> None:
    core = Core()
    waits = []
    for seconds, outcome in ((0, None), (0, "ok"), (120, None), (500, None), (0, "timeout")):
        core.wait(seconds)
        if outcome:
            core.record("a", outcome)
        waits.append(due_at(core.refs["a"], core.rows, core.settings, core.now) - core.now)
    assert waits == [0, 300, 180, 0, 60]
