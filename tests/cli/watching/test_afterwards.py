"""What follows a round of a watch: the file refreshed, somebody told, nobody waited for."""

from __future__ import annotations

from dataclasses import dataclass, field

from health_rows import NOW, health, row
from routing_bench import FakeClock

from archfb.errors import ArchfbError
from archfb.probing.last_round import last_round
from archfb.probing.round import ProbeResult
from archfb.watching.afterwards import AfterRounds
from archfb.watching.rounds import Round
from archfb_state.storage.memory_store import MemoryStore
from archfb_state.store import Opened, Store

TABLE = health(row())
FOUND = Round(NOW, (ProbeResult("m1", "metadata", "ok", 1.0),))


@dataclass
class Telling:
    """Something on its way."""

    done: bool = False
    settled: int = 0
    waited: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def settle(self, store: Store) -> None:
        self.settled += 1

    def notes(self) -> list[str]:
        return ["webhook failed"]


class Following:
    """What follows, with what was done."""

    def __init__(self, *, saving: bool = True, failure: Exception | None = None) -> None:
        self.store = MemoryStore(clock=FakeClock(), opened=Opened("x", saving=saving))
        self.telling = Telling()
        self.begun: list[float] = []
        self.exported = 0
        self.failure = failure
        self.after = AfterRounds(self.store, export=self._export, begin=self._begin)  # type: ignore[arg-type]

    def _export(self) -> None:
        self.exported += 1
        if self.failure is not None:
            raise self.failure

    def _begin(self, table: object, started_at: float) -> Telling:
        self.begun.append(started_at)
        return self.telling


def test_each_round_refreshes_the_file_and_is_told() -> None:
    on = Following()
    assert on.after.after(TABLE, FOUND) == ()
    assert (on.exported, on.begun) == (1, [NOW])
    assert last_round(on.store) is None


def test_a_round_without_anything_due_is_a_complete_one() -> None:
    on = Following()
    on.after.after(TABLE, Round(NOW, ()))
    assert last_round(on.store) == on.store.now()


def test_a_round_that_failed_is_not_told_and_not_complete() -> None:
    on = Following()
    on.after.after(TABLE, Round(NOW, (), "held by another"))
    assert (on.exported, on.begun, last_round(on.store)) == (1, [], None)


def test_what_is_not_kept_is_not_told() -> None:
    on = Following(saving=False)
    on.after.after(TABLE, FOUND)
    assert (on.exported, on.begun) == (1, [])


def test_a_file_that_cannot_be_written_is_said_and_tried_again() -> None:
    on = Following(failure=ArchfbError("Cannot write x.prom atomically: no space left on device."))
    for _ in range(2):
        assert on.after.after(TABLE, FOUND) == ("Cannot write x.prom atomically: no space left on device.",)
    assert on.exported == 2


def test_what_takes_long_is_asked_after_and_said_once() -> None:
    on = Following()
    assert on.after.poll() == ()
    on.after.after(TABLE, FOUND)
    on.after.after(TABLE, FOUND)
    assert len(on.begun) == 1
    assert on.after.poll() == ()
    on.telling.done = True
    assert on.after.poll() == ["webhook failed"]
    assert (on.after.poll(), on.telling.settled) == ((), 1)


def test_leaving_waits_a_moment_for_what_is_on_its_way() -> None:
    on = Following()
    assert on.after.finish() == ()
    on.after.after(TABLE, FOUND)
    assert on.after.finish() == ()
    assert on.telling.waited == [0.2]
