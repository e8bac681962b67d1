"""Changes of status as they are told: none left out, none twice; and a clock that steps back."""

from __future__ import annotations

from health_rows import NOW, health, row
from hypothesis import given
from hypothesis import strategies as st
from scenes import transition

from archfb.routing.table import StatusTable
from archfb.watching.scene import KEPT, begin, clock_note, follow
from archfb_state.records import Transition


def table(**statuses: str) -> StatusTable:
    return health(*(row(name, status, f"is {status}") for name, status in statuses.items()))


def told(news: tuple[Transition, ...]) -> list[tuple[str, str, str]]:
    return [(one.model, one.before, one.after) for one in news]


def test_nothing_is_told_of_the_first_look() -> None:
    feed = begin(table(a="healthy"), [transition(-9, "a", "unknown", "healthy"), transition(-5, "gone", "x", "y")])
    assert feed.shown == {"a": "healthy"}
    assert [one.model for one in feed.history] == ["a"]
    assert follow(feed, table(a="healthy")) == (feed, ())


def test_every_stored_step_is_told_once() -> None:
    stored = [transition(-9, "a", "unknown", "healthy")]
    feed = begin(table(a="healthy"), stored)
    stored += [transition(1, "a", "healthy", "degraded"), transition(2, "a", "degraded", "unavailable")]
    feed, news = follow(feed, table(a="unavailable"), stored)
    assert told(news) == [("a", "healthy", "degraded"), ("a", "degraded", "unavailable")]
    assert follow(feed, table(a="unavailable"), stored)[1] == ()
    assert feed.since == {"a": NOW + 2}


def test_what_time_alone_changed_is_told_at_once_and_not_again_when_it_is_written_down() -> None:
    feed = begin(table(a="unavailable"), [])
    feed, news = follow(feed, table(a="healthy"))
    assert told(news) == [("a", "unavailable", "healthy")]
    assert news[0].reason == "is healthy"
    feed, news = follow(feed, table(a="healthy"), [transition(5, "a", "unavailable", "healthy")])
    assert news == ()


def test_a_flap_between_two_looks_is_told_in_both_its_steps() -> None:
    feed = begin(table(a="healthy"), [])
    stored = [transition(1, "a", "healthy", "unavailable"), transition(1.5, "a", "unavailable", "healthy")]
    assert told(follow(feed, table(a="healthy"), stored)[1]) == [
        ("a", "healthy", "unavailable"),
        ("a", "unavailable", "healthy"),
    ]


def test_stored_changes_that_were_pruned_or_replaced_begin_anew_by_their_time() -> None:
    feed = begin(table(a="healthy"), [transition(0, "a", "unknown", "healthy")])
    stored = [transition(-3, "a", "x", "degraded"), transition(3, "a", "healthy", "degraded")]
    assert told(follow(feed, table(a="degraded"), stored)[1]) == [("a", "healthy", "degraded")]


def test_the_age_of_a_status_is_known_only_where_it_is_the_one_written_down() -> None:
    assert begin(table(a="healthy"), []).since == {}


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["healthy", "degraded", "unavailable"])), max_size=80)
)
def test_what_is_told_always_leads_to_what_is_shown(steps: list[tuple[str, str]]) -> None:
    statuses = dict.fromkeys("abc", "unknown")
    feed, stored, seen = begin(table(**statuses), []), [], dict(statuses)
    for at, (name, after) in enumerate(steps):
        if at % 3:
            stored.append(transition(at, name, statuses[name], after))
        statuses[name] = after
        feed, news = follow(feed, table(**statuses), stored[-100:])
        for one in news:
            assert seen[one.model] == one.before != one.after
            seen[one.model] = one.after
        assert seen == statuses
    assert len(feed.history) <= KEPT


def test_a_clock_that_moved_back_is_said_until_it_catches_up() -> None:
    """Row 70."""
    assert clock_note(table(a="healthy"), NOW + 86400) == (
        "Clock moved back 24 h; ages shown as 0 until it catches up."
    )
    assert clock_note(table(a="healthy"), NOW + 59) is None


def test_evidence_from_the_future_tells_of_a_clock_that_moved_back_before() -> None:
    """Row 70: also where the watch began after it."""
    assert clock_note(health(row(seen=-7200.0)), NOW) == "Clock moved back 2 h; ages shown as 0 until it catches up."
