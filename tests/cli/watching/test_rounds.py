"""When a watch probes: what is due, once, one round at a time, and never in a hot loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from routing_bench import Bench, FakeClock, ScriptedTransport, bench, failed

from archfb.errors import StateError
from archfb.probing.round import ProbeResult
from archfb.watching.rounds import Prober, Round, able, leased


class Probing:
    """A prober over a router whose transport is a script; `rounds` are the models that each one asked."""

    def __init__(self, on: Bench, **options: object) -> None:
        self.on = on
        self.rounds: list[list[str]] = []
        self.other_runs = False
        self.ended: list[Round] = []
        self.prober = Prober(
            on.router.config,
            self._probe,
            monotonic=on.clock,
            **options,  # type: ignore[arg-type]
        )

    async def _probe(self, names: Sequence[str], everything: bool) -> list[ProbeResult] | None:
        if self.other_runs:
            return None
        self.rounds.append(list(names))
        return await self.on.router.probe(everything, models=names)

    async def tick(self) -> dict[str, float]:
        """Take in what ended, begin what is due, let it run; returns the seconds until each model is probed."""
        prober, desk = self.prober, self.on.router.desk
        rows = self.on.store.snapshot()
        members = able(desk.config, desk.members, set(desk.config.chained))
        if (ended := prober.ended()) is not None:
            self.ended.append(ended)
            prober.settle(members, rows)
        next_at = prober.next_at(members, rows)
        prober.start(members, rows, next_at)
        if prober._task is not None:
            await asyncio.wait([prober._task])
        return {name: at - rows.at for name, at in next_at.items()}

    def ticks(self, count: int, step: float = 1.0) -> dict[str, float]:
        """Tick so often, some seconds apart."""

        async def work() -> dict[str, float]:
            found = {}
            for _ in range(count):
                found = await self.tick()
                self.on.clock.at += step
            return found

        return asyncio.run(work())


def test_what_is_due_is_probed_once_and_counted_down() -> None:
    on = Probing(bench(["a", "b"]))
    assert on.ticks(1) == {"a": 0, "b": 0}
    waits = on.ticks(10)
    assert on.rounds == [["a", "b"]]
    assert 280 < waits["a"] < 300
    on.ticks(300)
    assert on.rounds == [["a", "b"]] * 2


def test_presets_of_one_deployment_are_asked_once() -> None:
    on = Probing(bench({"a": {"provider": "p", "id": "same"}, "b": {"provider": "p", "id": "same"}}))
    on.ticks(3)
    assert on.rounds == [["a"]]


def test_everything_is_for_the_first_round() -> None:
    one = bench(["a", "b"])
    asyncio.run(one.router.probe())
    on = Probing(one, everything=True)
    on.ticks(5)
    assert on.rounds == [["a", "b"]]


def test_a_model_without_a_key_or_a_probe_is_never_asked() -> None:
    one = bench({"a": {"env": "A_KEY"}, "b": {"probe": "none"}, "c": {}})
    assert [each.model.name for each in able(one.router.config, one.router.desk.members, {"a", "b", "c"})] == ["c"]
    assert able(one.router.config, one.router.desk.members, {"a"}) == []


@pytest.mark.parametrize(
    "reply",
    [failed("network", code="no_route"), failed("malformed", code="no_metadata")],
    ids=["offline", "unsettled"],
)
def test_what_a_probe_cannot_settle_is_asked_again_only_after_a_minute(reply: object) -> None:
    """Else it would be due again each second."""
    one = bench({"a": {"probe": "metadata"}}, {"a": [reply]})  # type: ignore[dict-item]
    on = Probing(one)
    on.ticks(50)
    assert len(on.rounds) == 1
    on.ticks(125)
    assert len(on.rounds) <= 3


def test_a_round_of_another_process_is_left_alone_and_looked_after() -> None:
    on = Probing(bench(["a"]))
    on.other_runs = True
    on.ticks(5)
    assert (on.rounds, on.ended) == ([], [])
    on.other_runs = False
    on.ticks(2)
    assert on.rounds == [["a"]]


def test_a_model_that_another_process_probes_is_not_asked() -> None:
    one = bench(["a", "b"])
    lease = one.store.acquire(f"probe:{one.router.desk.members['a'].ref.deployment}", 60)
    assert lease is not None
    members = able(one.router.config, one.router.desk.members, {"a", "b"})
    assert leased(members, one.store.snapshot()) == {"a"}
    on = Probing(one)
    on.ticks(3)
    assert on.rounds == [["b"]]


def test_jitter_puts_a_round_off() -> None:
    on = Probing(bench(["a"]), jitter=lambda: 7.0)
    on.ticks(7)
    assert on.rounds == []
    on.ticks(2)
    assert on.rounds == [["a"]]


def test_after_a_sleep_the_network_is_given_time() -> None:
    on = Probing(bench(["a"]))
    on.prober.put_off(able(on.on.router.config, on.on.router.desk.members, {"a"}))
    assert on.ticks(1) == {"a": 10}
    on.ticks(8)
    assert on.rounds == []
    on.ticks(3)
    assert on.rounds == [["a"]]


def test_a_round_that_fails_says_why_and_is_not_repeated_at_once() -> None:
    one = bench(["a"])
    clock: FakeClock = one.clock
    made = []

    async def broken(names: Sequence[str], everything: bool) -> list[ProbeResult]:
        made.append(names)
        raise StateError("held by another")

    on = Probing(one)
    on.prober = Prober(one.router.config, broken, monotonic=clock)
    on.ticks(30)
    assert [each.failure for each in on.ended] == ["held by another"]
    assert len(made) == 1


def test_a_bug_in_a_round_is_not_hidden() -> None:
    one = bench(["a"])

    async def wrong(names: Sequence[str], everything: bool) -> list[ProbeResult]:
        raise ZeroDivisionError

    on = Probing(one)
    on.prober = Prober(one.router.config, wrong, monotonic=one.clock)
    with pytest.raises(ZeroDivisionError):
        on.ticks(2)


def test_a_watch_with_nothing_due_counts_as_a_round_once_an_interval() -> None:
    on = Probing(bench(["a"]))
    assert not on.prober.idle(300)
    on.on.clock.at += 300
    assert on.prober.idle(300)
    assert not on.prober.idle(300)


class Hanging(ScriptedTransport):
    """Never answers."""

    async def probe(self, target: object, kind: str, limits: object) -> object:  # type: ignore[override]
        await asyncio.Event().wait()
        raise AssertionError


def test_leaving_gives_the_round_up_and_its_leases_back() -> None:
    one = bench(["a", "b"])
    one.router.desk = replace(one.router.desk, transport=Hanging(one.clock, {}))

    async def work() -> int:
        on = Probing(one)
        task = asyncio.ensure_future(on.tick())
        for _ in range(5):
            await asyncio.sleep(0)
        assert one.store.snapshot().leases
        task.cancel()
        await on.prober.stop()
        await asyncio.gather(task, return_exceptions=True)
        return len(asyncio.all_tasks())

    assert asyncio.run(work()) == 1
    assert one.store.snapshot().leases == {}
