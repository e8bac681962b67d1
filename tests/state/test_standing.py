from __future__ import annotations

from typing import Any

import pytest
from core_bench import DAY, Core

from archfb_state.core import beta, levels
from archfb_state.core.drains import ref_of, unwritten
from archfb_state.core.levels import latency_level, median
from archfb_state.records import ModelRecord, ModelRef, Standing, Transition
from archfb_state.settings import Settings, Thresholds


def test_without_evidence_a_model_is_unknown() -> None:
    core = Core()
    found = core.standing("a")
    assert (found.status, found.reason, found.success) == ("unknown", "no evidence yet", 0.95)
    assert 0.7 < found.success_low < found.success


def test_a_model_that_answers_is_healthy_and_nothing_else() -> None:
    core = Core()
    core.record("a", *["ok"] * 10, after=0, took=0)
    assert core.standing("a") == Standing(
        "a", "healthy", "answers", success=beta.mean(10, 0), success_low=beta.low(10, 0)
    )


def test_unknown_returns_after_24_h_without_evidence() -> None:
    core = Core()
    core.record("a", "ok")
    core.record("c", "timeout")
    core.now = core.model("a").last_success_at + DAY
    assert (core.status("a"), core.status("c")) == ("healthy", "degraded")
    core.wait(5)
    assert core.standing("a").reason == "no evidence for 24 h"
    assert core.status("c") == "unknown"
    core.record("c", "timeout", "timeout")
    assert core.wait(10 * DAY).status("c") == "unavailable"


def test_the_same_records_are_looked_at_anew_once_a_wait_has_ended_and_when_the_clock_goes_back() -> None:
    core = Core()
    core.record("a", "ok", "timeout", "timeout", "timeout")
    core.wait(60)
    core.record("a", "ok")
    began = core.now
    seen = []
    for later in (0.0, 2 * DAY, 0.0, 3600.0, 2 * DAY):
        core.now = began + later
        seen.append(core.status("a"))
    assert seen == ["degraded", "unknown", "degraded", "healthy", "unknown"]


@pytest.mark.parametrize(
    ("kind", "reason"), [("metadata", "metadata only"), ("completion", "answers"), ("call", "answers")]
)
def test_any_successful_probe_turns_unknown_into_healthy(kind: str, reason: str) -> None:
    core = Core()
    core.record("a", "ok", kind=kind)
    found = core.standing("a")
    assert (found.status, found.reason, found.retry_at) == ("healthy", reason, None)
    assert core.standing("a2").reason == reason


def test_a_drained_model_carries_who_why_and_expiry() -> None:
    core = Core()
    core.record("a", "ok")
    core.put_model("a", drained_by="ann", drained_why="too dear", drained_until=core.now + 60)
    found = core.standing("a")
    assert (found.status, found.reason) == ("unavailable", "drained by ann: too dear")
    assert (found.retry_at, found.held, found.trial, found.last_resort) == (core.now + 60, True, False, False)
    assert core.status("a2") == "healthy"
    assert core.wait(59).status("a") == "unavailable"
    assert core.wait(1).status("a") == "healthy"
    core.put_model("a", drained_by="ann", drained_why=None, drained_until=core.now + 60)
    assert core.standing("a").reason == "drained by ann"


def test_a_drain_outlasts_a_clock_that_is_set_back_by_what_was_left_of_it() -> None:
    core = Core()
    core.put_model("a", drained_by="ann", drained_until=core.now + 7200, since=core.now)
    assert core.status("a") == "unavailable"
    assert core.wait(-DAY).standing("a").retry_at == core.now + 7200
    core.settle()
    assert (core.model("a").since, core.model("a").drained_until) == (core.now, core.now + 7200)
    assert core.wait(7199).status("a") == "unavailable"
    assert core.wait(1).status("a") == "unknown"


OVER: list[tuple[list[str], str, str]] = [
    ([], "unknown", "drain over: no evidence yet"),
    (["ok"], "healthy", "drain over: answers"),
    (["auth"], "unavailable", "drain over: key rejected"),
]


@pytest.mark.parametrize(("outcomes", "status", "reason"), OVER)
@pytest.mark.parametrize("later", ["settle", "record", "read"])
def test_a_drain_that_ended_is_dated_when_it_did(outcomes: list[str], status: str, reason: str, later: str) -> None:
    """Whoever writes first after it, and whoever only reads before that, tells the same."""
    core = Core()
    core.record("c", "ok")
    core.record("a", *outcomes)
    end = core.now + 60
    core.put_model(
        "a", status="unavailable", reason="drained by ann", drained_by="ann", drained_until=end, since=core.now
    )
    core.wait(600)
    if later == "settle":
        core.settle()
    elif later == "record":
        core.record("a", "ok")
    told = [*core.transitions, *unwritten(core.rows._replace(at=core.now), core.settings)]
    mine = [one for one in told if one.reason.startswith("drain over")]
    assert mine == [Transition(end, "a", "unavailable", status, reason)]


@pytest.mark.parametrize(("outcomes", "status", "reason"), OVER)
def test_a_drain_that_ended_began_a_status_then_or_goes_on_with_one(
    outcomes: list[str], status: str, reason: str
) -> None:
    core = Core()
    core.record("a", *outcomes)
    began, end = core.now, core.now + 60
    core.put_model("a", status="unavailable", drained_by="ann", drained_until=end, since=began)
    core.wait(600).settle()
    model = core.model("a")
    assert (model.status, model.reason) == (status, reason.removeprefix("drain over: "))
    assert (model.since, model.drained_by) == (began if status == "unavailable" else end, None)


@pytest.mark.parametrize(
    ("account", "host"),
    [
        ("https://api.example/v1#abcdef01", "api.example"),
        ("http://127.0.0.1:8080/v1/x#abcdef01", "127.0.0.1"),
        ("", ""),
    ],
)
def test_a_row_tells_where_its_model_stood(account: str, host: str) -> None:
    assert ref_of(ModelRecord("a", "d", account)) == ModelRef("a", "d", account, host)


def test_an_account_is_out_of_requests_whatever_held_it_before() -> None:
    core = Core()
    core.record("a", "ok")
    core.put_account("a", hold_until=core.now - 5, remaining_requests=0, remaining_reset_at=core.now + 30)
    assert core.standing("a").reason == "no request left in this account's rate limit"


def test_a_drain_that_is_not_over_is_told_by_nobody() -> None:
    core = Core()
    core.record("b", "ok")
    core.put_model("a", drained_by="ann", drained_until=core.now + 60)
    core.wait(59).settle()
    assert unwritten(core.rows._replace(at=core.now), core.settings) == ()


def test_a_drain_shows_before_everything_else() -> None:
    core = Core()
    core.record("a", "timeout", "timeout", "timeout")
    core.record("a", "auth")
    assert core.standing("a").reason == "key rejected"
    core.put_model("a", drained_by="ann", drained_why="why", drained_until=core.now + 60)
    assert core.standing("a").reason == "drained by ann: why"


ERRORS: list[tuple[str, str, str, bool]] = [
    ("f" + "s" * 8, "healthy", "", False),
    ("f" + "s" * 9, "degraded", "error rate 10% (warning)", False),
    ("f" + "s" * 11, "degraded", "error rate 8% (warning)", False),
    ("f" + "s" * 12, "healthy", "", False),
    ("fsss" * 2 + "ss", "degraded", "error rate 20% (warning)", False),
    ("fsss" * 3, "degraded", "error rate 25% (critical)", True),
    ("fsss" * 3 + "ss", "degraded", "error rate 21% (critical)", True),
    ("fsss" * 3 + "ssss", "degraded", "error rate 19% (warning)", False),
    ("fsss" * 3 + "s" * 25, "degraded", "error rate 8% (warning)", False),
    ("fsss" * 3 + "s" * 26, "healthy", "", False),
]


@pytest.mark.parametrize(("history", "status", "reason", "critical"), ERRORS)
def test_an_error_rate_has_levels_that_are_left_below_four_fifths(
    history: str, status: str, reason: str, critical: bool
) -> None:
    core = Core()
    core.record("a", *["server_error" if one == "f" else "ok" for one in history], after=0.001, took=0)
    found = core.standing("a")
    assert (found.status, found.critical) == (status, critical)
    assert found.reason == (reason or "answers")
    assert found.error_rate == pytest.approx(history.count("f") / len(history), rel=1e-3)


def test_an_unavailable_model_keeps_the_rate_at_which_it_failed() -> None:
    core = Core()
    core.record("a", *["ok"] * 9, "timeout", "timeout", "timeout", after=0, took=0)
    found = core.standing("a")
    assert (found.status, found.error_rate) == ("unavailable", 3 / 12)


def test_rates_count_real_calls_only() -> None:
    core = Core()
    core.record("a", *["ok"] * 20, kind="completion")
    core.record("a", "ok", "server_error", "ok")
    assert core.standing("a").error_rate == pytest.approx(1 / 3)
    assert core.status("a") == "healthy"


SLOW: list[tuple[dict[str, Any], list[float], str]] = [
    ({"kind": "metadata"}, [4.9] * 3, ""),
    ({"kind": "metadata"}, [5.0] * 2, ""),
    ({"kind": "metadata"}, [5.0] * 3, "slow: 5.0 s (warning from 5 s)"),
    ({"kind": "completion"}, [1.0, 6.0, 6.0], "slow: 6.0 s (warning from 5 s)"),
    ({"kind": "completion"}, [10.0] * 3, "slow: 10.0 s (critical from 10 s)"),
    ({"kind": "completion"}, [10.0] * 3 + [8.1] * 9, "slow: 8.1 s (critical from 10 s until below 8 s)"),
    ({"kind": "completion"}, [10.0] * 3 + [7.9] * 9, "slow: 7.9 s (warning from 5 s)"),
    ({"kind": "completion"}, [6.0] * 3 + [4.1] * 9, "slow: 4.1 s (warning from 5 s until below 4 s)"),
    ({"kind": "completion"}, [6.0] * 3 + [3.9] * 9, ""),
    ({"kind": "completion"}, [11.0] * 6 + [1.0] * 5, "slow: 6.0 s (warning from 5 s)"),
    ({"kind": "call", "streamed": True}, [11.0] * 3, "slow: 11.0 s (critical from 10 s)"),
    ({"kind": "call", "streamed": True, "reasoning": True}, [11.0] * 3, ""),
    ({"kind": "call"}, [11.0] * 3, ""),
]


@pytest.mark.parametrize(("fields", "seconds", "reason"), SLOW)
def test_latency_has_levels_of_the_median_of_the_last_ten(
    fields: dict[str, Any], seconds: list[float], reason: str
) -> None:
    core = Core()
    for one in seconds:
        ttft = one * 1000 if fields["kind"] == "call" else None
        core.record("a", "ok", latency_ms=one * 1000, ttft_ms=ttft, **fields)
    found = core.standing("a")
    assert found.status == ("degraded" if reason else "healthy")
    assert found.critical == ("critical" in reason)
    assert found.reason == (reason or ("metadata only" if fields["kind"] == "metadata" else "answers"))
    assert core.status("a2") == "healthy"


def test_the_worse_of_probes_and_first_tokens_counts() -> None:
    core = Core()
    core.record("a", *["ok"] * 3, kind="metadata", latency_ms=10.0)
    core.record("a", *["ok"] * 3, streamed=True, ttft_ms=6000.0)
    assert core.standing("a").reason == "slow: 6.0 s (warning from 5 s)"


def test_a_level_without_its_latencies_is_shown_as_it_stands() -> None:
    core = Core()
    core.record("a", "ok")
    core.put_model("a", latency_level="warning")
    assert core.standing("a").reason == "slow (warning)"


def test_a_model_may_set_its_own_thresholds() -> None:
    core = Core(Settings(model_thresholds={"a": Thresholds(latency_warning=60.0, error_rate_warning=0.9)}))
    for model in "ac":
        core.record(model, *["ok"] * 3, kind="metadata", latency_ms=6000.0)
    assert (core.status("a"), core.status("c")) == ("healthy", "degraded")


def test_each_change_of_status_is_one_transition_with_its_reason() -> None:
    core = Core()

    def record(*outcomes: str, after: float = 1.0) -> None:
        for outcome in outcomes:
            core.record("a", outcome, after=after)
            assert core.model("a").since == [one.at for one in core.transitions if one.model == "a"][-1]

    record("ok", "timeout", "timeout", "timeout")
    core.now = core.deployment("a").retry_at
    record("ok", "ok", "ok", after=0)
    seen = [(one.before, one.after, one.reason) for one in core.transitions if one.model == "a"]
    assert seen == [
        ("unknown", "healthy", "answers"),
        ("healthy", "degraded", "1 failure in a row (timeout)"),
        ("degraded", "unavailable", "open: 3 failures in a row (timeout)"),
        ("unavailable", "degraded", "on probation after it was unavailable"),
        ("degraded", "healthy", "answers"),
    ]
    assert [one.after for one in core.transitions if one.model == "a2"] == [after for _, after, _ in seen]
    assert core.model("a").since == core.now
    assert core.model("a2").status == "healthy"


def test_settling_writes_down_what_time_alone_brought() -> None:
    core = Core()
    core.record("a", "ok")
    core.record("a", "rate_limited", retry_after_s=10.0)
    assert core.settle().transitions == ()
    core.wait(10)
    assert core.settle().transitions == (
        Transition(core.now, "a", "unavailable", "healthy", "answers"),
        Transition(core.now, "a2", "unavailable", "healthy", "answers"),
    )
    core.wait(DAY)
    assert [one.after for one in core.settle().transitions] == ["unknown", "unknown"]
    assert core.settle().models == {}


def test_settling_makes_no_rows_for_models_that_nothing_is_known_of() -> None:
    assert Core().settle().models == {}
    core = Core()
    core.record("b", "auth")
    del core.rows.models["a"]  # type: ignore[attr-defined]  # a plain dict here
    assert core.settle().models["a"].status == "unavailable"


def test_an_attempt_of_a_model_that_is_not_configured_is_recorded_too() -> None:
    core = Core()
    core.record("a", "ok", configured=("b", "c"))
    assert (core.model("a").status, core.model("a2").status) == ("healthy", "unknown")
    core.record("a2", "ok")
    core.record("a", "timeout", configured=("a2", "b", "c"))
    assert (core.model("a").status, core.model("a2").status) == ("degraded", "degraded")
    core.record("a2", "ok", configured=("a", "b", "c"))
    assert (core.model("a").status, core.model("a2").status) == ("healthy", "healthy")


@pytest.mark.parametrize(
    ("probe_ms", "level"), [(4999.0, ""), (5000.0, "warning"), (9999.0, "warning"), (1e4, "critical")]
)
def test_a_latency_level_begins_just_at_its_limit(probe_ms: float, level: str) -> None:
    assert latency_level((probe_ms,) * 3, (), "", Thresholds()) == level
    assert latency_level((), (*[1e6] * 5, *[probe_ms] * 6, *[1.0] * 4), "", Thresholds()) == level


@pytest.mark.parametrize(
    ("values", "middle"), [((4.0,), 4.0), ((3.0, 1.0), 2.0), ((9.0, 1.0, 2.0), 2.0), ((8.0, 1.0, 9.0, 2.0), 5.0)]
)
def test_a_median_of_two_lies_between_them(values: tuple[float, ...], middle: float) -> None:
    assert median(values) == middle


@pytest.mark.parametrize(("outcome", "held"), [(("rate_", "limited"), True), (("model_not_", "found"), False)])
def test_a_hold_is_read_by_what_its_stored_reason_says(outcome: tuple[str, str], held: bool) -> None:
    core = Core()
    core.put_deployment("a", hold_outcome="".join(outcome), hold_until=core.now + 10, last_event_at=core.now)
    assert (core.standing("a").status, core.standing("a").held) == ("unavailable", held)


LEVELS = [
    *(("", value, after) for value, after in ((4.9, ""), (5.0, "warning"), (9.9, "warning"), (10.0, "critical"))),
    *(
        ("warning", value, after)
        for value, after in ((3.9, ""), (4.0, "warning"), (9.9, "warning"), (10.0, "critical"))
    ),
    *(
        ("critical", value, after)
        for value, after in ((3.9, ""), (4.0, "warning"), (7.9, "warning"), (8.0, "critical"))
    ),
]


@pytest.mark.parametrize(("before", "value", "after"), LEVELS)
def test_a_level_is_entered_at_its_limit_and_left_below_four_fifths_of_it(
    before: Any, value: float, after: str
) -> None:
    assert levels.level(value, before, 5.0, 10.0) == after


@pytest.mark.parametrize(("calls", "after"), [(9.4, ""), (9.5, "critical"), (50.0, "critical")])
def test_an_error_rate_means_something_from_ten_calls_that_have_aged_a_little(calls: float, after: str) -> None:
    assert levels.error_level(calls, calls / 2, "", Thresholds()) == after


def test_presets_share_their_breaker_but_not_their_counts() -> None:
    core = Core()
    core.record("a", "ok", "timeout", "timeout", "timeout", took=3.0)
    shared = core.model("a2")
    assert (shared.consecutive_failures, shared.status, shared.reason) == (3, "unavailable", core.model("a").reason)
    assert (shared.failures, shared.successes, shared.latencies_ms) == (0, 0, ())
    assert core.model("a").latencies_ms == pytest.approx((3000.0,))
