"""When a round was last completed is remembered; one that was given up is none."""

from __future__ import annotations

import asyncio

import pytest
from routing_bench import OK, bench

from archfb.probing.last_round import NAME, last_round
from archfb.probing.round import probe_round
from archfb.providers.exchange import Reply
from archfb_state.settings import Health


def test_a_complete_round_is_remembered_whether_or_not_anything_was_due() -> None:
    on = bench(["a"])
    assert last_round(on.store) is None
    for _ in range(2):
        asyncio.run(on.router.probe())
        assert last_round(on.store) == on.clock.at
        on.clock.at += 10


def test_a_round_that_was_given_up_is_not_complete() -> None:
    on = bench(["a", "b"], health=Health(interval=0.05, timeout=0.05))

    async def hang(target: object, *_: object) -> Reply:
        if getattr(target, "model", None) is not None and target.model.name == "a":  # type: ignore[attr-defined]
            await asyncio.Event().wait()
        return OK

    on.transport.probe = hang  # type: ignore[method-assign]
    assert [one.model for one in asyncio.run(on.router.probe())] == ["b"]
    assert last_round(on.store) is None


def test_what_a_run_looks_at_ahead_is_no_round() -> None:
    on = bench(["a"])
    asyncio.run(probe_round(on.router.desk, free=True))
    assert on.transport.probed == [("a", "metadata")]
    assert last_round(on.store) is None


@pytest.mark.parametrize("kept", ["yesterday", [1], {"at": 1}])
def test_what_was_never_written_is_no_instant(kept: object) -> None:
    on = bench(["a"])
    on.store.meta(NAME, kept)
    assert last_round(on.store) is None
