"""A round of probes: what is due, leased, counted, within a budget."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from routing_bench import OK, Bench, bench, failed

from archfb.config.model import Provider
from archfb.errors import UsageError
from archfb.events import Note
from archfb.providers.exchange import Reply
from archfb_state.outcomes import Outcome
from archfb_state.settings import Health

NO_METADATA = Reply(Outcome.MALFORMED, code="no_metadata")


def probe(on: Bench, **options: object) -> list[tuple[str, str, str]]:
    results = asyncio.run(on.router.probe(**options))  # type: ignore[arg-type]
    return [(one.model, one.kind, one.outcome) for one in results]


def test_what_was_never_seen_is_probed_for_free_and_then_known() -> None:
    on = bench(["a", "b"])
    assert probe(on) == [("a", "metadata", "ok"), ("b", "metadata", "ok")]
    assert [row.standing.status for row in on.router.status().models] == ["healthy", "healthy"]
    assert [row.standing.reason for row in on.router.status().models] == ["metadata only"] * 2
    assert [row.cost_usd for row in on.store.attempts(since=0.0)] == [0.0, 0.0]


def test_nothing_is_due_again_before_the_interval_has_passed() -> None:
    on = bench(["a"])
    probe(on)
    assert probe(on) == []
    on.clock.at += 301
    assert probe(on) == [("a", "metadata", "ok")]


def test_everything_can_be_probed_at_once() -> None:
    on = bench(["a"])
    probe(on)
    assert probe(on, all=True) == [("a", "metadata", "ok")]


def test_models_and_phases_select() -> None:
    on = bench(["a", "b"])
    assert probe(on, models=["b"]) == [("b", "metadata", "ok")]
    assert probe(on, phase="phase1") == [("a", "metadata", "ok")]
    with pytest.raises(UsageError, match="Did you mean 'phase1'"):
        probe(on, phase="phase11")


def test_presets_that_share_a_deployment_are_probed_once() -> None:
    on = bench({"a": {"provider": "p", "id": "same"}, "b": {"provider": "p", "id": "same"}})
    assert probe(on) == [("a", "metadata", "ok")]
    assert [row.standing.status for row in on.router.status().models] == ["healthy", "healthy"]


def test_a_model_without_a_key_or_with_probe_none_is_not_probed() -> None:
    on = bench({"a": {"env": "A_KEY"}, "b": {"probe": "none"}, "c": {}})
    assert probe(on) == [("c", "metadata", "ok")]


def test_a_server_without_metadata_is_asked_for_a_completion() -> None:
    on = bench(["a"], {"a": [NO_METADATA, OK]})
    assert probe(on) == [("a", "completion", "ok")]
    assert [one.kind for one in on.store.attempts()] == ["completion"]


def test_suspicion_is_settled_by_a_completion_after_the_free_check() -> None:
    on = bench(["a"], {"a": [failed("timeout"), OK]})
    asyncio.run(on.router.ask("phase1", "x"))
    on.clock.at += 61
    assert probe(on) == [("a", "metadata", "ok"), ("a", "completion", "ok")]


def test_beyond_the_daily_count_only_free_probes_are_made() -> None:
    on = bench({"a": {"probe": "completion"}}, health=Health(probe_max_per_day=2))
    made = [probe(on, all=True) for _ in range(4)]
    assert made == [[("a", "completion", "ok")]] * 2 + [[("a", "metadata", "ok")]] * 2
    told, again = (one.text for one in on.events if isinstance(one, Note))
    why = "since as many probes as a day allows were made (probe_max_per_day)."
    assert told == again == f"a: asked for metadata only until midnight UTC, {why}"
    on.clock.at += 86_400
    assert probe(on, all=True) == [("a", "completion", "ok")]


def test_beyond_the_daily_count_a_suspicion_is_not_settled_and_that_is_told() -> None:
    on = bench(["a"], {"a": [failed("timeout"), OK]}, health=Health(probe_max_per_day=1))
    asyncio.run(on.router.ask("phase1", "x"))
    on.clock.at += 61
    (result,) = asyncio.run(on.router.probe())
    assert (result.kind, result.outcome, result.held_back) == ("metadata", "ok", "probe_max_per_day")
    assert result.to_json()["held_back"] == "probe_max_per_day"


def test_a_server_without_metadata_is_not_probed_beyond_the_daily_count_and_that_is_told() -> None:
    on = bench(["a"], {"a": [NO_METADATA, OK]}, health=Health(probe_max_per_day=0))
    assert probe(on) == []
    assert [one.text for one in on.events if isinstance(one, Note)] == [
        "a: not probed until midnight UTC, since as many probes as a day allows were made (probe_max_per_day)."
    ]


def test_the_daily_budget_in_usd_is_kept_over_all_models() -> None:
    priced = {"probe": "completion", "input_price": 1000.0, "output_price": 1000.0}
    on = bench({"a": priced, "b": priced}, health=Health(probe_usd_per_day=0.1))
    results = asyncio.run(on.router.probe(all=True))
    assert [(one.model, one.kind, one.held_back) for one in results] == [
        ("a", "completion", None),
        ("b", "metadata", "probe_usd_per_day"),
    ]


def test_a_lease_held_elsewhere_keeps_the_second_prober_away() -> None:
    on = bench(["a"])
    assert on.store.acquire("probe:p-a|https://p-a.example/v1|id-a", 30) is not None
    assert probe(on) == []


def test_a_probe_that_outlasts_its_lease_does_not_undo_what_the_next_prober_found() -> None:
    on = bench(["a"])

    async def slow(*_: object) -> Reply:
        on.clock.at += on.router.config.health.timeout * 3 + 1
        assert on.store.acquire("probe:p-a|https://p-a.example/v1|id-a", 30) is not None
        return failed("server_error")

    on.transport.probe = slow  # type: ignore[method-assign]
    assert probe(on) == [("a", "metadata", "server_error")]
    assert [one.outcome for one in on.store.attempts()] == ["server_error"]
    assert on.store.snapshot().deployments == {}


def test_no_more_than_three_at_once_ask_one_host() -> None:
    chain = {f"m{n}": {"provider": "one", "id": f"id{n}"} for n in range(9)}
    on = bench(chain)
    now = peak = 0

    async def slow(*_: object) -> Reply:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        now -= 1
        return OK

    on.transport.probe = slow  # type: ignore[method-assign]
    assert len(probe(on)) == 9
    assert peak == 3


def test_failed_probes_make_a_model_unavailable() -> None:
    on = bench(["a"], {"a": [failed("server_error")]}, health=Health(interval=60))
    for _ in range(7):
        probe(on)
        on.clock.at += 61
    assert on.router.status().models[0].standing.status == "unavailable"


def test_probe_failures_do_not_raise() -> None:
    on = bench(["a"], {"a": [failed("auth", message="no such key")]})
    assert probe(on) == [("a", "metadata", "auth")]
    assert on.router.status().models[0].standing.status == "unavailable"


def test_offline_providers_are_not_probed() -> None:
    on = bench(["a"])
    providers = {"p-a": replace(Provider("p-a", "offline"))}
    on.router.desk.config = replace(on.router.config, providers=providers)
    members = {
        name: replace(one, provider=providers["p-a"]) for name, one in on.router.desk.members.items() if name == "a"
    }
    on.router.desk.members.update(members)
    assert probe(on) == []


def test_a_run_looks_ahead_for_free_and_does_not_wait() -> None:
    on = bench({"a": {}, "b": {"probe": "completion"}}, {"a": [failed("auth"), OK]})

    async def ahead() -> str | None:
        on.router.look_ahead(["phase1", "phase2"])
        await asyncio.sleep(0.01)
        return (await on.router.ask("phase1", "x")).model

    assert asyncio.run(ahead()) == "b"
    assert on.transport.probed == [("a", "metadata")]
