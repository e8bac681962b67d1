"""The state as a watch sees it: news of others, and a file that vanishes, comes back, or is another one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from processes import PATIENCE
from routing_bench import OK, FakeClock, config

from archfb.routing.attempt import Circumstances, attempt_of
from archfb.routing.prices import Price
from archfb.routing.roster import roster
from archfb.watching.memory import NOT_SAVED, VANISHED, KeptMemory, Look, PeekedMemory
from archfb_state.storage.opening import open_state, peek
from archfb_state.store import Store

CONFIG = config({"a": {}})


def answer(store: Store, number: str = "1") -> None:
    """Record that the model answered."""
    member = roster(CONFIG, {}, store.salt)["a"]
    now = store.now()
    around = Circumstances(number, "phase1", "call", now - 1, now, None)
    store.record([attempt_of(member, Price(), OK, around)], CONFIG.settings, refs=[member.ref])


def gone(path: Path) -> None:
    """Delete a state file and what belongs to it."""
    for suffix in ("", "-wal", "-shm", "-lock"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def until(look: Callable[[], Look], wanted: Callable[[Look], bool]) -> Look:
    """Look until it is so: a store looks after its file ten times a second at most."""
    end = time.monotonic() + PATIENCE
    while not wanted(found := look()) and time.monotonic() < end:
        pass
    assert wanted(found)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archfb.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Store]:
    store = open_state(str(path))
    yield store
    store.close()


@pytest.fixture
def looker(path: Path) -> Iterator[PeekedMemory]:
    memory = PeekedMemory(str(path), peek)
    yield memory
    memory.close()


def test_what_others_write_is_seen_at_the_next_look(writer: Store, looker: PeekedMemory) -> None:
    assert looker.look().rows.models == {}
    answer(writer)
    seen = looker.look()
    assert seen.rows.models["a"].successes == 1
    assert [(one.model, one.after) for one in seen.stored] == [("a", "healthy")]
    assert seen.notes == ()
    assert looker.look().stored is seen.stored


def test_looking_creates_nothing_and_waits_for_a_state_to_come(path: Path, looker: PeekedMemory) -> None:
    seen = looker.look()
    assert seen.notes == (f"No state at {path} yet; waiting for it…",)
    assert list(path.parent.iterdir()) == []
    store = open_state(str(path))
    answer(store)
    seen = looker.look()
    assert (seen.notes, seen.salt) == ((), store.salt)
    assert "a" in seen.rows.models
    store.close()


def test_a_salt_that_is_written_later_is_taken_over(path: Path, looker: PeekedMemory) -> None:
    store = open_state(str(path))
    looker.look()
    salt = store.salt
    assert looker.look().salt == salt
    store.close()


def test_a_vanished_file_is_waited_for_with_what_was_known(path: Path, writer: Store, looker: PeekedMemory) -> None:
    """Row 69."""
    answer(writer)
    before = looker.look()
    gone(path)
    seen = looker.look()
    assert seen.notes == (VANISHED,) == ("State file vanished; waiting for it…",)
    assert seen.rows.models == before.rows.models
    assert seen.rows.at > before.rows.at
    assert not seen.there
    other = open_state(str(path))
    seen = looker.look()
    assert (seen.notes, seen.salt, seen.rows.models) == ((), other.salt, {})
    other.close()


def test_a_replaced_file_is_read_anew_with_its_own_salt(path: Path, looker: PeekedMemory) -> None:
    store = open_state(str(path))
    answer(store)
    store.close()
    first = looker.look()
    looker.close()
    assert list(looker.look().rows.models) == ["a"]
    other = open_state(f"{path}.new")
    salt = other.salt
    other.close()
    gone(path)
    Path(f"{path}.new").replace(path)
    seen = looker.look()
    assert (seen.salt, seen.rows.models, seen.notes) == (salt, {}, ())
    assert first.salt != salt


def test_a_file_that_cannot_be_read_is_tried_again_each_time(path: Path, looker: PeekedMemory) -> None:
    path.mkdir()
    assert "directory" in looker.look().notes[0]
    path.rmdir()
    path.write_bytes(b"not a database, but long enough to be looked at by somebody" * 20)
    assert looker.look().notes
    path.unlink()
    store = open_state(str(path))
    assert looker.look().notes == ()
    store.close()


def test_a_file_that_becomes_unreadable_leaves_what_was_known(
    path: Path, writer: Store, looker: PeekedMemory
) -> None:
    answer(writer)
    looker.look()
    gone(path)
    path.write_bytes(b"x" * 5000)
    seen = looker.look()
    assert "a" in seen.rows.models
    assert seen.notes[0].startswith("State cannot be read: ")


class Kept:
    """A watch's own store at a path, with a clock for its patience."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.store = open_state(str(path))
        self.memory = KeptMemory(str(path), self.store, patience=300, monotonic=self.clock)

    def look(self) -> Look:
        return self.memory.look()


@pytest.fixture
def kept(path: Path) -> Iterator[Kept]:
    one = Kept(path)
    yield one
    one.memory.close()
    one.store.close()


def test_the_own_store_shows_what_this_process_and_others_write(kept: Kept, path: Path) -> None:
    answer(kept.store)
    assert kept.look().rows.models["a"].successes == 1
    other = open_state(str(path))
    answer(other, "2")
    assert kept.look().rows.models["a"].successes == 2
    other.close()


def test_the_own_file_is_waited_for_and_used_when_it_is_there_again(kept: Kept, path: Path) -> None:
    """Row 69."""
    answer(kept.store)
    kept.look()
    gone(path)
    seen = kept.look()
    assert (seen.notes, seen.there, list(seen.rows.models)) == ((VANISHED,), False, ["a"])
    assert not path.exists()
    other = open_state(str(path))
    seen = until(kept.look, lambda one: one.salt == other.salt)
    assert seen.rows.models == {}
    answer(other)
    assert "a" in kept.look().rows.models
    other.close()


def test_a_file_that_does_not_come_back_is_begun_anew(kept: Kept, path: Path) -> None:
    answer(kept.store)
    kept.look()
    gone(path)
    kept.look()
    kept.clock.at += 299
    assert kept.look().notes == (VANISHED,)
    kept.clock.at += 1
    until(kept.look, lambda one: path.exists() and one.rows.models == {})
    assert kept.look().there
    answer(kept.store)
    assert kept.look().rows.models["a"].successes == 1


def test_a_probe_that_found_the_file_gone_first_is_no_reason_to_wait(kept: Kept, path: Path) -> None:
    """Its record opened the file anew."""
    kept.look()
    gone(path)
    end = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < end:
        answer(kept.store)
    seen = kept.look()
    assert seen.notes == ()
    assert any("opened anew" in one for one in seen.told)
    assert kept.look().told == ()


def test_what_cannot_be_saved_is_shown_with_a_warning(path: Path) -> None:
    open_state(str(path)).close()
    Path(f"{path}-lock").unlink()
    Path(f"{path}-lock").mkdir()
    kept = Kept(path)
    seen = kept.look()
    assert seen.notes == (NOT_SAVED,)
    assert seen.told == ("State is read-only; decisions use it, nothing is saved.",)
    answer(kept.store)
    assert kept.look().rows.models["a"].successes == 1
    kept.store.close()
