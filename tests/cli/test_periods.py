"""What happened, by model and time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.periods import DAY, HOUR, WEEK, History, from_buckets, from_sums, history, periods, size_of
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt
from archfb_state.settings import Settings
from archfb_state.storage.memory_store import MemoryStore
from archfb_state.store import BUCKETS, Counter

NOW = 1_800_000_000.0


def attempt(at: float, outcome: Outcome = Outcome.OK, took_ms: float = 800.0, model: str = "m") -> Attempt:
    return Attempt(f"{model}{at}", f"{at}", model, "d", "a", "h", "phase1", "call", outcome, at, at + 1, took_ms)


def counter(outcome: str, count: int, bucket: int, cost: float = 0.0) -> Counter:
    buckets = tuple(count if at == bucket else 0 for at in range(len(BUCKETS) + 1))
    return Counter("phase1", "m", outcome, count, 1.0, buckets, 0, 0, 0, 0, cost)


def test_availability_leaves_out_what_is_held_against_nobody() -> None:
    neutral = [Outcome.CANCELLED, Outcome.TRUNCATED, Outcome.CONTENT_FILTERED, Outcome.CONTEXT_TOO_LONG]
    rows = [attempt(float(at), one) for at, one in enumerate([*neutral, Outcome.OK, Outcome.OK, Outcome.TIMEOUT])]
    (found,) = periods(rows, HOUR)
    assert (found.ok, found.failed, found.availability) == (2, 1, 2 / 3)
    (none,) = periods(rows[:4], HOUR)
    assert none.availability is None
    assert none.to_json()["availability"] is None


@pytest.mark.parametrize(("back", "size"), [(HOUR, HOUR), (2 * DAY, HOUR), (7 * DAY, DAY), (100 * DAY, WEEK)])
def test_a_longer_time_is_told_more_roughly(back: float, size: float) -> None:
    assert size_of(back) == size


def test_the_grid_has_the_stretches_in_which_nothing_happened() -> None:
    found = History(3600.0 * 1.5, 3600.0 * 4.5, HOUR, tuple(periods([attempt(3600.0 * 3)], HOUR)))
    assert found.grid == (3600.0, 7200.0, 10800.0, 14400.0)
    assert list(found.by_model()["m"]) == [10800.0]


def test_sums_give_counts_exactly_and_percentiles_roughly() -> None:
    hours = [
        (0.0, counter("ok", 10, 3, 0.5)),
        (0.0, counter("timeout", 2, 13)),
        (3600.0, counter("ok", 10, 4)),
        (DAY, counter("ok", 1, 13)),
    ]
    first, second = from_sums(hours, DAY)
    assert (first.ok, first.failed, first.cost_usd) == (20, 2, 0.5)
    assert first.p50_ms == 1000.0
    assert second.p95_ms == 600_000.0


@pytest.mark.parametrize(
    ("costs", "told"),
    [([None], None), ([None, None], None), ([0.0], 0.0), ([None, 0.25], 0.25), ([0.1, 0.2], 0.3)],
)
def test_an_unknown_price_is_not_free(costs: list[float | None], told: float | None) -> None:
    rows = [replace(attempt(float(at)), cost_usd=cost) for at, cost in enumerate(costs)]
    (found,) = periods([*rows, replace(attempt(9.0, Outcome.TIMEOUT), cost_usd=None)], HOUR)
    assert found.to_json()["cost_usd"] == told


@pytest.mark.parametrize(
    ("outcome", "usd", "free", "told"),
    [("ok", 0.0, False, None), ("ok", 0.0, True, 0.0), ("ok", 0.5, False, 0.5), ("timeout", 0.0, False, 0.0)],
)
def test_sums_that_come_to_nothing_are_free_only_where_the_price_is_nothing(
    outcome: str, usd: float, free: bool, told: float | None
) -> None:
    (found,) = from_sums([(0.0, counter(outcome, 3, 4, usd))], DAY, lambda _: free)
    assert found.cost_usd == told


def test_latencies_are_told_to_a_tenth_of_a_millisecond() -> None:
    (found,) = periods([attempt(0.0, took_ms=123.45678901234567)], HOUR)
    assert found.to_json()["latency_ms"] == {"p50": 123.5, "p95": 123.5, "p99": 123.5}


def test_percentiles_of_nothing_are_nothing() -> None:
    assert from_buckets([0] * 14, 0.5) is None


@given(st.lists(st.integers(0, 50), min_size=14, max_size=14), st.floats(0.01, 0.99))
def test_a_percentile_lies_in_the_bucket_that_has_it(counts: list[int], share: float) -> None:
    found = from_buckets(counts, share)
    if not sum(counts):
        assert found is None
        return
    assert found is not None
    below = sum(n for n, bound in zip(counts, BUCKETS, strict=False) if bound * 1000 <= found)
    assert found == 600_000.0 or below <= share * sum(counts) + 1e-6 + max(counts)


def test_attempts_are_read_while_they_are_kept_and_sums_beyond() -> None:
    store = MemoryStore(clock=lambda: NOW)
    store.record([attempt(NOW - 90), attempt(NOW - 80, Outcome.SERVER_ERROR)], Settings())
    near = history(store, DAY, keep_days=30)
    far = history(store, 90 * DAY, keep_days=30)
    assert [(one.rough, one.size, len(one.periods)) for one in (near, far)] == [(False, HOUR, 1), (True, WEEK, 1)]
    assert near.periods[0].p50_ms == 800.0
    assert (far.periods[0].ok, far.periods[0].failed) == (1, 1)
    assert far.periods[0].p50_ms == pytest.approx(750.0)
    assert history(store, DAY, keep_days=30, model="other").periods == ()
