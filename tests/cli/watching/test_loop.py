"""The loop, second by second, on a clock that only moves when told."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from processes import PATIENCE
from routing_bench import Bench, FakeClock, bench, failed

from archfb.probing.round import ProbeResult
from archfb.routing.table import StatusTable
from archfb.watching.loop import Selection, Watch, pausing
from archfb.watching.memory import VANISHED, Look, Unchanging
from archfb.watching.rounds import Prober, Round
from archfb.watching.scene import Scene
from archfb.watching.screen import frame, text_of
from archfb_state.records import Transition
from archfb_state.settings import Health


class Seen:
    """An outlet that keeps what it was shown."""

    leaving = False

    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.news: list[Transition] = []

    def show(self, scene: Scene, news: Sequence[Transition]) -> None:
        self.scenes = [*self.scenes[-1:], scene]
        self.news = [*self.news, *news][-100:]

    @property
    def scene(self) -> Scene:
        return self.scenes[-1]


class InMemory:
    """A memory without a file; `gone` stands for one that vanished."""

    def __init__(self, on: Bench) -> None:
        self.on = on
        self.kept = Unchanging()
        self.gone = False

    def look(self) -> Look:
        rows, stored = self.kept.at(self.on.store)
        return Look(rows, b"x" * 16, stored, (VANISHED,) if self.gone else (), there=not self.gone)

    def news(self) -> int | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


class After:
    """Keeps what followed each round."""

    def __init__(self) -> None:
        self.rounds: list[Round] = []

    def after(self, table: StatusTable, ended: Round) -> Sequence[str]:
        self.rounds.append(ended)
        return ("the file is full",) if len(self.rounds) == 1 else ()

    def poll(self) -> Sequence[str]:
        return ()


class Stage:
    """A watch over scripted models, with the wall clock and the monotonic one apart."""

    def __init__(
        self, on: Bench, *, probes: bool = True, models: Sequence[str] = (), phase: str | None = None
    ) -> None:
        self.on, self.outlet, self.memory, self.after = on, Seen(), InMemory(on), After()
        self.monotonic = FakeClock(0.0)
        loaded = on.router.config

        async def probe(names: Sequence[str], everything: bool) -> list[ProbeResult]:
            return await on.router.probe(everything, models=names)

        self.watch = Watch(
            loaded,
            {},
            self.memory,
            self.outlet,
            title="archfb health",
            selection=Selection(loaded, models, phase),
            monotonic=self.monotonic,
            prober=Prober(loaded, probe, monotonic=self.monotonic) if probes else None,
            afterwards=self.after if probes else None,
        )

    async def pause(self, seconds: float) -> None:
        """Let a second pass, and whatever is going on."""
        for _ in range(12):
            await asyncio.sleep(0)
        self.pass_(1.0)

    def pass_(self, seconds: float) -> None:
        self.on.clock.at += seconds
        self.monotonic.at += seconds

    def run(self, seconds: int) -> Scene:
        """Watch for so many seconds; returns the last scene."""

        async def work() -> None:
            for _ in range(seconds):
                self.watch.tick()
                await self.pause(1.0)

        asyncio.run(work())
        return self.outlet.scene


def test_what_a_days_budget_held_back_is_said() -> None:
    kept = {"probe": "completion"}
    stage = Stage(bench({"a": kept, "b": kept}, health=Health(probe_max_per_day=0)))
    told = "a, b: asked for metadata only until midnight UTC, since as many probes as a day allows were made"
    assert f"{told} (probe_max_per_day)." in stage.run(3).notes


def statuses(scene: Scene) -> dict[str, str]:
    return {one.name: one.standing.status for one in scene.table.models}


def retry_at(scene: Scene, name: str) -> float | None:
    """Return when a model that is out is tried again."""
    return next(one.standing.retry_at for one in scene.table.models if one.name == name)


def test_an_outage_and_a_recovery_are_seen_as_they_happen() -> None:
    down = [failed("server_error")] * 8
    on = Stage(bench({"a": {}, "b": {"probe": "completion"}}, {"b": down}))
    on.run(5)
    assert statuses(on.outlet.scene) == {"a": "healthy", "b": "degraded"}
    on.run(200)
    assert statuses(on.outlet.scene)["b"] == "unavailable"
    assert on.outlet.scene.next_at["b"] > on.on.clock.at - 1
    assert on.outlet.scene.next_at["b"] == retry_at(on.outlet.scene, "b")
    del on.on.transport.script["b"]
    on.run(300)
    assert statuses(on.outlet.scene)["b"] == "healthy"
    told = [(one.before, one.after) for one in on.outlet.news if one.model == "b"]
    assert told[:2] == [("unknown", "degraded"), ("degraded", "unavailable")]
    assert told[-1][1] == "healthy"
    assert all(one[1] == two[0] for one, two in pairwise(told))
    assert on.outlet.scene.changes[-len(on.outlet.news) :] == tuple(on.outlet.news)


@pytest.mark.parametrize("seed", [*range(6), 19, 20])
def test_a_trial_is_announced_for_its_own_time_and_made_when_that_comes(seed: int) -> None:
    """The waits are jittered: with some seeds the trial is due in the very second of a look."""
    on = Stage(bench({"b": {"probe": "completion"}}, {"b": [failed("server_error")]}, seed=seed))
    announced = {}
    for _ in range(240):
        scene = on.run(1)
        asked = len(on.on.transport.probed)
        assert scene.next_at["b"] >= scene.table.at
        if statuses(scene)["b"] == "unavailable" and (at := retry_at(scene, "b")) is not None:
            assert scene.next_at["b"] == at > scene.table.at
            announced[at] = asked
        elif announced:
            assert max(announced) <= scene.table.at
            assert asked == announced[max(announced)] + 1
    assert len(announced) >= 3


def test_looking_on_asks_nobody() -> None:
    on = Stage(bench(["a"]), probes=False)
    scene = on.run(400)
    assert on.on.transport.probed == []
    assert not scene.probes
    assert scene.next_at["a"] == scene.table.at


def test_calls_of_others_are_news_too() -> None:
    on = Stage(bench(["a"]), probes=False)
    on.run(2)
    asyncio.run(on.on.router.ask("phase1", "x"))
    on.run(1)
    assert [(one.model, one.after) for one in on.outlet.news] == [("a", "healthy")]


def test_a_hold_that_ends_by_time_alone_is_told() -> None:
    """Nobody has written it down yet."""
    on = Stage(bench(["a"], {"a": [failed("rate_limited", retry_after_s=20.0)]}), probes=False)
    asyncio.run(on.on.router.ask("phase1", "x", deadline=1))
    assert statuses(on.run(1))["a"] == "unavailable"
    on.run(30)
    assert [(one.model, one.before) for one in on.outlet.news] == [("a", "unavailable")]
    assert on.on.store.transitions()[-1].after == "unavailable"


def test_only_what_was_selected_is_shown_and_probed() -> None:
    on = Stage(bench(["a", "b"]), models=["b"])
    assert list(statuses(on.run(3))) == ["b"]
    assert on.on.transport.probed == [("b", "metadata")]


def test_each_round_is_followed_up_and_what_went_wrong_is_shown_for_a_minute() -> None:
    on = Stage(bench(["a"]))
    on.run(10)
    assert [len(one.results) for one in on.after.rounds] == [1]
    assert "the file is full" in on.outlet.scene.notes
    on.run(60)
    assert on.outlet.scene.notes == ()


def test_an_interval_without_anything_due_counts_as_a_round() -> None:
    on = Stage(bench({"a": {"probe": "none"}}))
    on.run(700)
    assert [len(one.results) for one in on.after.rounds] == [0, 0]


def test_nothing_is_probed_while_the_state_is_gone() -> None:
    """Row 69."""
    on = Stage(bench(["a"]))
    on.run(3)
    on.memory.gone = True
    on.run(400)
    assert on.outlet.scene.notes == (VANISHED,)
    assert len(on.on.transport.probed) == 1
    on.memory.gone = False
    on.run(3)
    assert len(on.on.transport.probed) == 2


def test_a_clock_that_jumps_back_a_day_is_said_and_nothing_is_stuck() -> None:
    """Row 70."""
    on = Stage(bench(["a"]))
    on.run(10)
    on.on.clock.at -= 86400
    scene = on.run(2)
    assert scene.notes[0] == "Clock moved back 24 h; ages shown as 0 until it catches up."
    assert "  0 s" in next(line for line in text_of(frame(scene, 200, 24)).splitlines() if line.startswith("a "))
    before = len(on.on.transport.probed)
    on.run(700)
    assert len(on.on.transport.probed) > before
    on.on.clock.at += 86400
    on.run(70)
    assert on.outlet.scene.notes == ()


def test_a_machine_that_slept_says_so_and_waits_for_its_network() -> None:
    on = Stage(bench(["a"]))
    on.run(10)
    on.on.clock.at += 3 * 3600
    scene = on.run(5)
    assert scene.notes[-1] == "This machine slept, or its clock moved ahead, 3 h."
    assert len(on.on.transport.probed) == 1
    on.run(10)
    assert len(on.on.transport.probed) == 2


def test_it_ends_when_the_person_leaves() -> None:
    on = Stage(bench(["a"]))
    ticks: list[float] = []

    async def pause(seconds: float, news: int | None) -> None:
        assert news is None
        ticks.append(seconds)
        await on.pause(seconds)
        on.outlet.leaving = len(ticks) == 3  # type: ignore[misc]

    asyncio.run(on.watch.run(pause))
    assert len(ticks) == 3
    assert all(0 < one <= 1 for one in ticks)


def test_a_pause_ends_early_when_something_happens() -> None:
    async def work() -> bool:
        wake = asyncio.Event()
        wake.set()
        await pausing(wake, 60)
        return wake.is_set()

    assert asyncio.run(work()) is False
    asyncio.run(pausing(asyncio.Event(), 0.001))


def test_a_pause_ends_when_there_is_news_and_leaves_the_news_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"x")
        asyncio.run(pausing(asyncio.Event(), PATIENCE, ours.fileno()))
        assert ours.recv(9) == b"x"


def blocks_after(work: Any) -> int:
    """Return how many blocks of memory are in use once garbage is gone."""
    work()
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize(("probes", "refreshes"), [(False, 4_000), (True, 10_000)])
def test_memory_is_flat_over_ten_thousand_refreshes(probes: bool, refreshes: int) -> None:
    """Figure 7: a model comes and goes, and each second the screen is drawn anew."""
    on = Stage(bench(["a", "b"], {"b": [failed("timeout"), failed("timeout")]}), probes=probes)

    def refresh(count: int) -> None:
        async def work() -> None:
            for _ in range(count):
                on.watch.tick()
                frame(on.outlet.scene, 80, 24)
                await asyncio.sleep(0)
                on.pass_(1.0)

        asyncio.run(work())

    before = blocks_after(lambda: refresh(2_000))
    after = blocks_after(lambda: refresh(refreshes - 2_000))
    assert after - before < (refreshes - 2_000) / 2
