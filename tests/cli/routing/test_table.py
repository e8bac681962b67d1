"""The status table's rows and figures."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_bench import OK, bench, failed

from archfb.routing.table import mean, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [((), 0.5, None), ((7.0,), 0.5, 7.0), ((1, 2, 3, 4), 0.5, 2), ((1, 2, 3, 4), 0.95, 4), ((3, 1, 2), 0.0, 1)],
)
def test_percentiles_are_by_nearest_rank(values: tuple[float, ...], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_always_one_of_the_values(values: list[float], share: float) -> None:
    assert percentile(values, share) in values


def test_the_mean_of_nothing_is_nothing() -> None:
    assert mean(()) is None
    assert mean((1.0, 2.0)) == 1.5


def test_the_table_tells_what_happened_and_who_comes_next() -> None:
    on = bench({"a": {}, "b": {"env": "B_KEY"}, "c": {"weight": 0.5}}, {"a": [failed("timeout"), OK]})
    asyncio.run(on.router.ask("phase1", "x"))
    document = on.router.status().to_json()
    rows = {row["name"]: row for row in document["models"]}
    assert [rows[name]["status"] for name in "abc"] == ["degraded", "unavailable", "healthy"]
    assert rows["b"]["reason"] == "no key (B_KEY)"
    assert rows["a"]["consecutive_failures"] == 1
    assert (rows["c"]["successes"], rows["c"]["latency_ms"]["p50"]) == (1, 20.0)
    assert rows["b"]["latency_ms"] == {"mean": None, "p50": None, "p95": None}
    assert document["chains"]["phase1"]["usable"] == 2
    assert document["schema"] == 1


def test_models_that_no_chain_names_are_not_shown() -> None:
    on = bench(["a", "b"])
    config = replace(on.router.config, chains={"phase1": ("a",)})
    on.router.desk.config = config
    assert [row.name for row in on.router.status().models] == ["a"]


def test_failures_count_calls_not_the_repeats_within_them() -> None:
    on = bench(["a", "b"], {"a": [failed("server_error")]})
    asyncio.run(on.router.ask("phase1", "x"))
    row = on.router.status().models[0]
    assert on.asked == ["a", "a", "b"]
    assert (row.record.failures, row.record.consecutive_failures) == (1, 1)


def test_the_table_is_a_list_of_model_health_with_the_fields_of_the_json() -> None:
    on = bench(["a", "b"])
    asyncio.run(on.router.ask("phase1", "x"))
    table = on.router.status()
    assert [row.name for row in table] == ["a", "b"]
    assert (len(table), table[0]) == (2, table.models[0])
    for row in table:
        document = row.to_json()
        assert [name for name in document if not hasattr(row, name)] == []
        assert {name: getattr(row, name) for name in ("status", "reason", "successes", "failures")} == {
            name: document[name] for name in ("status", "reason", "successes", "failures")
        }
        assert asdict(row.latency_ms) == document["latency_ms"]
        assert row.weight.base == document["weight"]["base"]


def test_what_nobody_has_priced_is_not_shown_as_free() -> None:
    models: dict[str, dict[str, float]] = {
        "a": {},
        "b": {"input_price": 1.0, "output_price": 2.0},
        "c": {"input_price": 0.0, "output_price": 0.0},
        "d": {},
    }
    on = bench(models)
    for name in "abc":
        asyncio.run(on.router.ask("phase1", "x", model=name))
    costs = {row["name"]: row["cost_usd"] for row in on.router.status().to_json()["models"]}
    assert costs["b"] > 0
    assert (costs["a"], costs["c"], costs["d"]) == (None, 0.0, 0.0)
