"""Trials made beside a call: a model that hung is tried while another answers, so that nobody waits for it.

A trial that fails at once costs its call nothing; one of a model that hangs would cost a whole time-out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from archfb.providers.exchange import Reply
    from archfb.routing.desk import Desk
    from archfb_state.decisions import Ranked
    from archfb_state.records import DeploymentRecord

    Turn = Coroutine[None, None, Reply | None]
    Asked = asyncio.Future[Reply | None]


def wanted(desk: Desk, trial: Ranked, record: DeploymentRecord | None, rest: Sequence[Ranked]) -> bool:
    """Return whether a trial is made beside the call: of a model that hung, where another stands ready.

    A process's first call makes its trial itself: it may be the only one, and its end would cut the trial off.
    """
    hung = record is not None and record.breaker != "closed" and record.last_failure == Outcome.TIMEOUT
    return hung and trial.lease is not None and desk.calls > 1 and any(one.lease is None for one in rest)


class Beside:
    """The trials under way beside one call."""

    def __init__(self) -> None:
        """Begin with none."""
        self._trials: list[Asked] = []

    def start(self, trial: Turn) -> None:
        """Make a trial."""
        self._trials.append(asyncio.ensure_future(trial))

    async def first(self, turn: Turn) -> Reply | None:
        """Return what a turn comes to, or the answer of a trial that comes before it; the turn is then stopped."""
        if not self._trials:
            return await turn
        asked: Asked = asyncio.ensure_future(turn)
        try:
            while not asked.done() and (answered := self._answered()) is None:
                await asyncio.wait({asked, *self._under_way()}, return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() or answered is None else answered
        finally:
            await stopped(asked)

    async def last(self) -> Reply | None:
        """Return the answer of a trial when nobody else has given one, else None."""
        while (answered := self._answered()) is None and (trials := self._under_way()):
            await asyncio.wait(trials, return_when=asyncio.FIRST_COMPLETED)
        return answered

    def leave(self, desk: Desk, then: Callable[[], None]) -> None:
        """Let the trials go on after the call has ended; `then` is done when one is over."""
        for trial in self._under_way():
            desk.trials.add(trial)
            trial.add_done_callback(desk.trials.discard)
            trial.add_done_callback(lambda _: then())

    async def stop(self) -> None:
        """Cut the trials off, held against nobody."""
        for trial in self._trials:
            await stopped(trial)

    def _under_way(self) -> list[Asked]:
        return [one for one in self._trials if not one.done()]

    def _answered(self) -> Reply | None:
        replies = (one.result() for one in self._trials if one.done())
        return next((one for one in replies if one is not None and one.ok), None)


async def stopped(task: Asked) -> None:
    """Cancel a task that is still going, and wait until its end is recorded."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
