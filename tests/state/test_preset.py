from __future__ import annotations

from typing import Any

import pytest
from core_bench import Core

from archfb_state.core import pace
from archfb_state.records import ModelRecord


def test_latencies_are_kept_in_bounds() -> None:
    core = Core()
    for at in range(120):
        core.record("a", "ok", latency_ms=float(at), ttft_ms=float(at) / 2, streamed=True, output_tokens=99)
        core.record("a", "ok", kind="metadata", latency_ms=float(at))
    record = core.model("a")
    assert record.latencies_ms == tuple(map(float, range(20, 120)))
    assert record.probe_latencies_ms == tuple(map(float, range(110, 120)))
    assert record.ttfts_ms == tuple(at / 2 for at in range(110, 120))
    assert len(record.rates) == 10
    assert (record.successes, record.last_probe_kind, record.last_probe_at) == (240, "metadata", core.now)
    assert record.last_call_success_at == core.now - 1.5


RATES: list[tuple[dict[str, Any], tuple[float, ...]]] = [
    ({"output_tokens": 100}, (50.0,)),
    ({"output_tokens": 100, "ttft_ms": 1000.0}, (50.0,)),
    ({"output_tokens": 100, "ttft_ms": 1000.0, "streamed": True}, (100.0,)),
    ({"output_tokens": 100, "ttft_ms": 1000.0, "streamed": True, "reasoning": True}, (50.0,)),
    ({"output_tokens": 100, "streamed": True}, (50.0,)),
    ({"output_tokens": 32}, (16.0,)),
    ({"output_tokens": 31}, ()),
    ({"output_tokens": 100, "ttft_ms": 1999.0, "streamed": True}, (100_000.0,)),
    ({"output_tokens": 100, "ttft_ms": 1999.5, "streamed": True}, ()),
    ({"output_tokens": 100, "ttft_ms": 2000.0, "streamed": True}, ()),
    ({}, ()),
]


@pytest.mark.parametrize(("fields", "rates"), RATES)
def test_a_pace_is_told_by_enough_tokens_in_enough_time(fields: dict[str, Any], rates: tuple[float, ...]) -> None:
    core = Core()
    core.record("a", "ok", latency_ms=2000.0, **fields)
    assert core.model("a").rates == rates


def test_costs_add_up_whatever_the_outcome() -> None:
    core = Core()
    core.record("a", "ok", "malformed", "content_filtered", cost_usd=0.5)
    assert core.model("a").cost_usd == 1.5


def test_probes_are_noted_even_when_they_say_nothing() -> None:
    core = Core()
    core.record("a", "content_filtered", kind="completion")
    assert core.deployment("a").last_probe_at == core.model("a").last_probe_at == core.now
    core.record("a", "auth", kind="metadata")
    assert core.deployment("a").last_probe_at == core.now
    core.attempt("c", "server_error", core.now - 5, kind="completion")
    core.wait(1)
    core.attempt("c", "server_error", core.now - 5, kind="completion")
    assert core.deployment("c").last_probe_at == core.now
    core.record("d", "quota_exhausted", kind="completion")
    assert core.deployment("d").last_probe_at == core.now
    for kind in ("metadata", "completion"):
        core.record("a", "ok", kind=kind)
        assert core.deployment("a").last_probe_at == core.now
    core.record("a", "ok")
    assert core.deployment("a").last_probe_at == core.now - 1.5


EXPECTED: list[tuple[ModelRecord | None, float | None]] = [
    (None, None),
    (ModelRecord("m"), None),
    (ModelRecord("m", latencies_ms=(1000.0, 3000.0, 2000.0)), 2.0),
    (ModelRecord("m", latencies_ms=(9000.0,), rates=(100.0,)), 10.0),
    (ModelRecord("m", ttfts_ms=(500.0,), rates=(100.0,)), 10.5),
    (ModelRecord("m", ttfts_ms=(500.0,)), None),
    (ModelRecord("m", ttfts_ms=(9e9, *[500.0] * 10), rates=(9e9, *[100.0] * 10)), 10.5),
    (ModelRecord("m", latencies_ms=(9e9, *[500.0] * 10)), 0.5),
]


@pytest.mark.parametrize(("record", "seconds"), EXPECTED)
def test_expected_seconds_are_first_token_and_output_by_pace(
    record: ModelRecord | None, seconds: float | None
) -> None:
    assert pace.expected_seconds(record, 1000) == seconds


def test_expected_seconds_are_those_of_the_output_that_is_asked_for_now() -> None:
    record = ModelRecord("m", ttfts_ms=(500.0,), rates=(100.0,))
    assert [pace.expected_seconds(record, tokens) for tokens in (100, 1000, 1000, 100)] == [1.5, 10.5, 10.5, 1.5]


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        ((5.0,), 5.0),
        ((1.0, 9.0), 9.0),
        ((9.0, 1.0), 1.0),
        ((1.0,) * 6 + (9.0,) * 4, 9.0),
        ((1.0,) * 7 + (9.0,) * 3, 1.0),
        ((3.0,) * 10, 3.0),
        ((1.0,) * 5 + (9.0, 9.0, 9.0, 1.0, 9.0), 9.0),
        ((1.0,) * 5 + (9.0, 9.0, 9.0, 9.0, 1.0), 1.0),
        ((9.0, 9.0, 9.0, 1.0, 1.0), 9.0),
        ((9.0, 9.0, 1.0, 9.0, 1.0), 9.0),
    ],
)
def test_a_decayed_median_follows_a_change_after_four_calls(values: tuple[float, ...], middle: float) -> None:
    assert pace.decayed_median(values) == middle


@pytest.mark.parametrize(("seconds", "factor"), [(0.0, 1.0), (10.0, 0.5), (30.0, 0.25), (31.0, 0.25), (1e9, 0.25)])
def test_speed_halves_at_ten_seconds_and_ends_at_a_quarter(seconds: float, factor: float) -> None:
    assert pace.speed(seconds) == factor
