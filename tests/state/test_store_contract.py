"""What every store does, whichever it is."""

from __future__ import annotations

import json
import math
from collections import Counter as Count
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from state_samples import CORE, START, Clock, attempt, choosing, ref

from archfb_state.decisions import Decision, Ranked
from archfb_state.outcomes import Outcome
from archfb_state.records import AccountRecord, DeploymentRecord, MachineRecord, ModelRecord
from archfb_state.settings import Settings
from archfb_state.storage.opening import open_state
from archfb_state.storage.shared_store import SharedStore
from archfb_state.store import BUCKETS, PhaseResult, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgres_server import PostgresServer

    from archfb_state.store import Store

SETTINGS = Settings()
HOUR = START // 3600 * 3600


class StoreContract:
    """The tests; a subclass says which store."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def store(self, clock: Clock, tmp_path: Path) -> Iterator[Store]:
        raise NotImplementedError

    # records

    def test_an_empty_store_knows_nothing(self, store: Store, clock: Clock) -> None:
        rows = store.snapshot()
        assert (rows.at, rows.machine) == (START, MachineRecord())
        assert [*rows.deployments, *rows.accounts, *rows.models, *rows.in_flight, *rows.leases] == []
        assert store.now() == clock.at
        assert (store.counters(), store.runs(), store.transitions()) == ([], [], [])
        assert list(store.attempts()) == []

    def test_an_attempt_is_kept_as_it_was_and_moves_its_records_on(self, store: Store) -> None:
        failed = attempt(
            1,
            outcome=Outcome.RATE_LIMITED,
            run_id="run-1",
            http_status=429,
            retry_after_s=2.5,
            reset_at=START + 9,
            scope="account",
            code="slow_down",
            message="Bitte später, 請稍候 \U0001f600",
            ttft_ms=12.5,
            input_tokens=7,
            cost_usd=0.25,
            repeat=True,
            streamed=True,
            reasoning=True,
            blame=False,
        )
        changed = store.record([failed], SETTINGS, refs=[ref("one"), ref("two")])
        rows = store.snapshot()
        assert list(store.attempts()) == [failed]
        assert rows.models["one"].latencies_ms == (500.0,)
        assert rows.models["one"].reason == "rate_limited of 2"
        assert rows.deployments[failed.deployment].consecutive == 1
        assert rows.accounts[failed.account].refused_at == failed.ended_at
        assert rows.machine.pending[0].before == DeploymentRecord(failed.deployment)
        assert [(one.model, one.before, one.after) for one in changed] == [("one", "unknown", "degraded")]
        assert store.transitions() == list(changed)

    def test_many_attempts_at_once_count_one_by_one(self, store: Store) -> None:
        store.record([attempt(n, cost_usd=0.5) for n in range(7)], SETTINGS)
        one = store.snapshot().models["one"]
        assert (one.successes, one.latencies_ms, one.cost_usd) == (7, (500.0,) * 5, 3.5)

    def test_latencies_come_back_exactly(self, store: Store) -> None:
        exact = [1 / 3, 1e-9, 123456.789, 5e-324, 0.1 + 0.2, 7.0, 1e15]
        for n, latency in enumerate(exact):
            store.record([attempt(n, latency_ms=latency)], SETTINGS)
        assert store.snapshot().models["one"].latencies_ms == tuple(exact[-5:])

    def test_an_id_already_there_changes_nothing(self, store: Store) -> None:
        store.record([attempt(1)], SETTINGS)
        before = store.snapshot()
        assert store.record([attempt(1, outcome=Outcome.TIMEOUT), attempt(1)], SETTINGS) == ()
        assert store.snapshot() == before
        assert [one.outcome for one in store.attempts()] == [Outcome.OK]

    def test_time_alone_changes_status_too(self, store: Store) -> None:
        changed = store.settle(SETTINGS, [ref("one")])
        assert [(one.before, one.after) for one in changed] == [("unknown", "healthy")]
        assert store.settle(SETTINGS, [ref("one")]) == ()
        assert store.snapshot().models["one"].since == START

    # what no number and no text can break

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    def test_numbers_that_are_none_are_stored_as_absent(self, store: Store, number: float) -> None:
        strange = attempt(1, latency_ms=number, ttft_ms=number, retry_after_s=number, cost_usd=number)
        store.record([strange], SETTINGS)
        (kept,) = store.attempts()
        assert (kept.latency_ms, kept.ttft_ms, kept.retry_after_s, kept.cost_usd) == (0.0, None, None, None)

    @pytest.mark.parametrize("number", [2**63, -(2**63), 2**80, 10**30])
    def test_numbers_beyond_64_bits_are_cut(self, store: Store, number: int) -> None:
        store.record([attempt(1, input_tokens=number, http_status=number)], SETTINGS)
        store.record([attempt(2, input_tokens=number)], SETTINGS)
        assert {one.input_tokens for one in store.attempts()} == {2**63 - 1 if number > 0 else -(2**63) + 1}
        assert abs(store.counters()[0].input_tokens) > 2**62

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("\ud800 lone", "\ufffd lone"),
            ("nul\0nul", "nul\ufffdnul"),
            ("\ud83d\ude00", "\U0001f600"),
            ("a\nb\t", "a\nb\t"),
        ],
    )
    def test_texts_that_cannot_be_stored_are_mended(self, store: Store, text: str, kept: str) -> None:
        store.record([attempt(1, model=text, message=text, id=text, phase=text, run_id=text)], SETTINGS, ended=text)
        (stored,) = store.attempts(run_id=kept)
        assert (stored.model, stored.message, stored.id, stored.phase) == (kept, kept, kept, kept)
        assert store.snapshot().models[kept].successes == 1
        store.learn(text, parameter={text: ""})
        store.meta(text, {"value": text})
        store.save_result(PhaseResult(text, text, text, text, START, text))
        assert store.results(text)[0].text == kept
        store.save_run(Run(text, START, text, error=text))
        assert store.run(kept) == Run(kept, START, kept, error=kept)
        store.decide(text, text, choosing(text), run_id=text)
        store.moved(text, text)
        assert store.acquire(text, 5.0) is not None
        assert store.reserve(text, 1.0, None) is not None
        assert store.spent(text) == (1, 1.0)
        store.drain(text, by=text, why=text, until=START + 9)
        assert store.undrain(text, by=text)
        store.limits(text, requests=1, tokens=None, reset_at=None)
        assert store.snapshot().accounts[kept].remaining_requests == 1

    # several things together

    def test_several_things_are_done_in_order_and_each_sees_those_before(self, store: Store) -> None:
        def begin() -> str:
            return store.decide("slot", "c1", choosing("a", "b")).order[0].model

        def answer() -> int:
            store.record([attempt(1)], SETTINGS, ended="c1")
            return len(list(store.attempts()))

        works: list[Callable[[], object]] = [begin, lambda: store.snapshot().in_flight, answer]
        works += [lambda: store.snapshot().in_flight, lambda: store.meta("n", 1), lambda: store.meta("n")]
        assert store.together(works) == ["a", {"a": 1}, 1, {}, 1, 1]
        assert store.snapshot().models[attempt(1).model].successes == 1
        assert store.together([]) == []

    def test_what_one_of_several_things_raises_comes_out(self, store: Store) -> None:
        def fail() -> None:
            raise LookupError("no")

        with pytest.raises(LookupError):
            store.together([lambda: store.record([attempt(1)], SETTINGS), fail])
        # As one transaction it left nothing, else the first thing was done: nothing is half done, and all go on.
        assert len(store.snapshot().models) == len(list(store.attempts())) <= 1
        store.record([attempt(2)], SETTINGS)
        assert store.snapshot().models[attempt(1).model].successes == len(list(store.attempts()))

    # decisions and what is in flight

    def test_the_turn_is_remembered_between_decisions(self, store: Store) -> None:
        firsts = [store.decide("phase1/low", f"c{n}", choosing("a", "b", "c")).order[0].model for n in range(30)]
        assert Count(firsts) == {"a": 10, "b": 10, "c": 10}
        other = store.decide("phase2/low", "other", choosing("a", "b", "c"))
        assert other.order[0].model == "a"

    def test_credits_of_models_no_longer_asked_are_dropped(self, store: Store) -> None:
        store.decide("slot", "1", choosing("a", "b"))
        seen: list[dict[str, float]] = []

        def choose(_rows: object, held: dict[str, float]) -> tuple[Decision, dict[str, float]]:
            seen.append(held)
            return Decision("phase1", "low", "balanced", ()), {"b": 2.0}

        store.decide("slot", "2", choose)
        store.decide("slot", "3", choose)
        assert seen == [{"a": -0.5, "b": 0.5}, {"b": 2.0}]

    def test_a_decision_is_in_flight_until_it_ends_moves_or_expires(self, store: Store, clock: Clock) -> None:
        store.decide("slot", "c1", choosing("a"), expires_s=100)
        store.decide("slot", "c2", choosing("a", "b"), expires_s=100)
        assert store.snapshot().in_flight == {"a": 2}
        store.moved("c2", "b")
        assert store.snapshot().in_flight == {"a": 1, "b": 1}
        store.moved("c1", None)
        store.moved("unheard of", "a")
        assert store.snapshot().in_flight == {"b": 1}
        store.record([attempt(1)], SETTINGS, ended="c2")
        assert store.snapshot().in_flight == {}
        store.decide("slot", "c3", choosing("a"), expires_s=100)
        clock.at += 99
        assert store.snapshot().in_flight == {"a": 1}
        clock.at += 2
        assert store.snapshot().in_flight == {}

    def test_since_when_the_oldest_call_waits_is_known_of_each_model(self, store: Store, clock: Clock) -> None:
        began = clock.at
        for number, (model, after) in enumerate((("a", 5.0), ("a", 5.0), ("b", 90.0))):
            store.decide("slot", f"c{number}", choosing(model), expires_s=600)
            clock.at += after
        assert store.snapshot().waiting == {"a": began, "b": began + 10}
        store.moved("c0", "b")
        assert store.snapshot().waiting == {"a": began + 5, "b": began + 10}
        store.moved("c2", None)
        assert store.snapshot().waiting == {"a": began + 5, "b": began + 100}
        clock.at += 36
        assert store.snapshot().in_flight == {"a": 1, "b": 1}
        assert store.snapshot().waiting == {"b": began + 100}

    def test_a_call_ends_without_an_attempt(self, store: Store) -> None:
        store.decide("slot", "call-1", choosing("one"))
        assert store.record([], SETTINGS, ended="call-1") == ()
        assert store.snapshot().in_flight == {}

    def test_a_decision_sees_what_is_in_flight(self, store: Store) -> None:
        store.decide("slot", "c1", choosing("a"))
        assert store.decide("slot", "c2", choosing("a")).ranked[0].why == "1 in flight"

    def test_what_is_the_same_in_two_decisions_is_told_in_both(self, store: Store) -> None:
        place, other = (Ranked("one", "healthy", score, True, "", {"weight": score}) for score in (1.0, 2.0))
        large, small = {"chars": 9.0}, {"chars": 1.0}
        wanted = [(place, large), (place, large), (other, small), (place, large)]
        for at, (ranked, terms) in enumerate(wanted):
            made = Decision("phase1", "low", "balanced", (ranked,), terms)
            store.decide("slot", f"c{at}", lambda _, held, made=made: (made, held), run_id="r")  # type: ignore[misc]
        told = [one.decision for one in store.decisions("r")]
        assert [(one.ranked[0], one.terms) for one in told] == wanted

    def test_a_decision_with_nobody_to_ask_puts_nothing_in_flight(self, store: Store) -> None:
        store.decide("slot", "c1", choosing(), run_id="r")
        assert store.snapshot().in_flight == {}
        assert len(store.decisions("r")) == 1

    def test_decisions_are_told_again_by_run(self, store: Store) -> None:
        ranked = Ranked(
            "a",
            "degraded",
            0.25,
            False,
            "held",
            {"weight": 0.5},
            retry_at=START + 5,
            group=2,
            lease="trial:a",
            lease_s=9.0,
        )
        decision = Decision("phase3", "high", "cheapest", (ranked,), {"files": 3.0})
        store.decide("phase3/high", "c1", lambda _rows, held: (decision, held), run_id="r1")
        store.decide("phase3/high", "c2", choosing("b"), run_id="r2")
        (told,) = store.decisions("r1")
        assert (told.at, told.call_id, told.run_id, told.decision) == (START, "c1", "r1", decision)
        assert store.decisions("r3") == []

    def test_a_choice_that_raises_leaves_no_trace(self, store: Store) -> None:
        def choose(_rows: object, _credits: object) -> tuple[Decision, dict[str, float]]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            store.decide("slot", "c1", choose)
        assert store.snapshot().in_flight == {}
        assert store.decide("slot", "c2", choosing("a")).order[0].score == 0.0

    # leases

    def test_a_lease_has_one_holder_until_released_or_expired(self, store: Store, clock: Clock) -> None:
        first = store.acquire("trial:x", 60)
        assert first is not None
        assert first.expires_at == START + 60
        assert store.acquire("trial:x", 60) is None
        assert store.acquire("trial:y", 60) is not None
        assert store.snapshot().leases == {"trial:x": START + 60, "trial:y": START + 60}
        store.release(first)
        second = store.acquire("trial:x", 60)
        assert second is not None
        assert second.token != first.token
        clock.at += 61
        assert store.snapshot().leases == {}
        third = store.acquire("trial:x", 60)
        assert third is not None
        store.release(second)
        assert store.acquire("trial:x", 60) is None

    @pytest.mark.parametrize("kind", ["trial", "probe"])
    @pytest.mark.parametrize("released", [False, True])
    def test_a_result_found_under_a_lease_that_another_has_won_since_changes_nothing(
        self, store: Store, clock: Clock, kind: str, released: bool
    ) -> None:
        name = f"{kind}:{ref('a').deployment}"
        first = store.acquire(name, 60)
        clock.at += 61
        second = store.acquire(name, 60)
        assert first is not None
        assert second is not None
        store.record([attempt(1, "a")], SETTINGS, lease=second)
        if released:
            store.release(second)
        before = store.snapshot()
        late = [attempt(2, "a", outcome=Outcome.TIMEOUT), attempt(3, "b")]
        assert [one.model for one in store.record(late, SETTINGS, lease=first)] == ["b"]
        after = store.snapshot()
        assert after.models["a"] == before.models["a"]
        assert after.deployments[ref("a").deployment] == before.deployments[ref("a").deployment]
        assert after.models["b"].successes == 1
        assert [one.id for one in store.attempts()] == [attempt(n).id for n in (1, 2, 3)]

    def test_a_late_result_counts_where_nobody_else_has_asked_since(self, store: Store, clock: Clock) -> None:
        lease = store.acquire(f"trial:{ref('a').deployment}", 60)
        clock.at += 61
        store.record([attempt(1, "a")], SETTINGS, lease=lease)
        assert store.snapshot().models["a"].successes == 1

    @pytest.mark.parametrize("jump", [-86400.0, 86400.0, 3.2e8, -3.2e8])
    def test_no_jump_of_the_clock_leaves_anything_stuck(self, store: Store, clock: Clock, jump: float) -> None:
        clock.at += -jump
        assert store.acquire("trial:x", 60) is not None
        store.decide("slot", "c1", choosing("a"))
        assert store.reserve("day", 1.0, 1.0) is not None
        clock.at = START
        assert store.snapshot().leases == {}
        assert store.snapshot().in_flight == {}
        assert store.acquire("trial:x", 60) is not None
        assert store.reserve("day", 1.0, 1.0) is not None

    # budgets

    def test_a_budget_is_never_passed_by_what_is_reserved_and_spent(self, store: Store, clock: Clock) -> None:
        first = store.reserve("day:1", 0.6, 1.0)
        assert first is not None
        assert store.reserve("day:1", 0.5, 1.0) is None
        assert store.reserve("day:2", 0.5, 1.0) is not None
        store.spend(first, 0.1)
        store.spend(first, 0.1)
        assert store.spent("day:1") == (1, pytest.approx(0.1))
        assert store.reserve("day:1", 0.9, 1.0) is not None
        assert store.reserve("day:1", 0.01, 1.0) is None
        assert store.spent("day:1") == (2, pytest.approx(1.0))

    def test_a_reservation_frees_its_part_when_it_expires_but_can_still_be_settled(
        self, store: Store, clock: Clock
    ) -> None:
        first = store.reserve("run:1", 1.0, 1.0, seconds=60)
        assert first is not None
        clock.at += 61
        assert store.spent("run:1") == (1, 0.0)
        store.spend(first, 0.7)
        assert store.spent("run:1") == (1, 0.7)
        assert store.reserve("run:1", 0.5, 1.0) is None

    def test_the_same_token_reserves_and_wins_the_same(self, store: Store) -> None:
        first = store.reserve("day:1", 0.6, 1.0, count_limit=1, token="t")
        assert first == store.reserve("day:1", 0.6, 1.0, count_limit=1, token="t")
        assert store.spent("day:1") == (1, 0.6)
        assert store.reserve("day:2", 0.6, 1.0, token="t") not in (None, first)
        lease = store.acquire("trial:x", 60, token="t")
        assert lease == store.acquire("trial:x", 60, token="t")
        assert store.acquire("trial:x", 60) is None

    def test_a_budget_may_limit_the_count(self, store: Store) -> None:
        assert store.reserve("probe:x", 0.0, None, count_limit=2)
        assert store.reserve("probe:x", 0.0, None, count_limit=2)
        assert store.reserve("probe:x", 0.0, None, count_limit=2) is None
        assert store.spent("probe:x") == (2, 0.0)
        assert store.spent("probe:y") == (0, 0.0)

    # what people and findings change

    def test_what_is_learned_is_remembered(self, store: Store) -> None:
        store.learn("one", parameter={"temperature": ""})
        store.learn("one", parameter={"max_tokens": "max_completion_tokens"}, token_ratio=1.25)
        store.learn("one", window=("acme|u|one", 8192))
        rows = store.snapshot()
        assert rows.models["one"].learned == {"temperature": "", "max_tokens": "max_completion_tokens"}
        assert rows.models["one"].token_ratio == 1.25
        assert rows.deployments["acme|u|one"].window == 8192
        store.learn("one", token_ratio=math.nan)
        store.learn("two")
        assert store.snapshot().models == rows.models

    def test_limits_of_an_account_are_remembered(self, store: Store) -> None:
        store.limits("u#k", requests=5, tokens=None, reset_at=START + 60)
        expected = AccountRecord("u#k", remaining_requests=5, remaining_reset_at=START + 60)
        assert store.snapshot().accounts == {"u#k": expected}

    def test_a_drain_says_who_why_and_until_when(self, store: Store) -> None:
        store.record([attempt(1)], SETTINGS)
        store.drain("one", by="ada", why="invoice", until=START + 7200)
        one = store.snapshot().models["one"]
        assert (one.drained_by, one.drained_why, one.drained_until) == ("ada", "invoice", START + 7200)
        assert (one.status, one.since) == ("unavailable", START)
        assert one.reason == "drained by ada: invoice"
        assert store.transitions()[-1].reason == "drained by ada: invoice (until 2026-09-21T16:13:20Z)"
        store.drain("one", by="bob", why="still", until=START + 9000)
        again = store.transitions()[-1]
        assert (again.before, again.after) == ("unavailable", "unavailable")
        assert again.reason == "drained by bob: still (until 2026-09-21T16:43:20Z)"
        assert store.undrain("one", by="bob")
        assert not store.undrain("one", by="bob")
        assert not store.undrain("two", by="bob")
        assert store.snapshot().models["one"].drained_until is None
        last = store.transitions()[-1]
        assert (last.before, last.after, last.reason) == ("unavailable", "healthy", "put back by bob: settled")

    def test_what_a_person_does_to_a_model_that_is_out_already_is_in_its_history(self, store: Store) -> None:
        for by in ("eve", "ada"):
            store.drain("one", by=by, why="invoice", until=START + 60)
        store.reset(ref("one"), by="bob")
        told = [(one.before, one.after, one.reason) for one in store.transitions()[1:]]
        assert told == [
            ("unavailable", "unavailable", "drained by ada: invoice (until 2026-09-21T14:14:20Z)"),
            ("unavailable", "unavailable", "reset by bob, still drained by ada: invoice"),
        ]

    def test_reset_forgets_the_record_but_no_counter_cost_or_drain(self, store: Store) -> None:
        store.record([attempt(1, outcome=Outcome.TIMEOUT, cost_usd=0.5)], SETTINGS)
        before = store.counters()
        store.reset(ref("one"), by="ada")
        rows = store.snapshot()
        own = ref("one")
        assert rows.deployments[own.deployment] == DeploymentRecord(own.deployment)
        assert rows.accounts[own.account] == AccountRecord(own.account)
        assert rows.models["one"] == ModelRecord(
            "one", own.deployment, own.account, reason="reset by ada", since=START, cost_usd=0.5
        )
        assert store.counters() == before
        assert len(list(store.attempts())) == 1
        assert store.transitions()[-1].after == "unknown"
        store.drain("one", by="ada", why="x", until=START + 60)
        store.reset(ref("one"), by="bob")
        assert store.snapshot().models["one"].drained_by == "ada"
        assert store.snapshot().models["one"].status == "unavailable"

    # history

    def test_attempts_are_found_by_time_model_and_run_oldest_first(self, store: Store) -> None:
        made = [attempt(n, "one" if n % 2 else "two", run_id=f"r{n % 3}") for n in (5, 3, 1, 4, 2, 6)]
        store.record(made, SETTINGS)
        by_time = sorted(made, key=lambda one: one.started_at)
        assert list(store.attempts()) == by_time
        assert list(store.attempts(since=START + 4)) == by_time[3:]
        assert list(store.attempts(model="two", since=START + 4)) == [by_time[3], by_time[5]]
        assert list(store.attempts(run_id="r0")) == [by_time[2], by_time[5]]
        assert list(store.attempts(limit=2)) == by_time[-2:]
        assert list(store.attempts(limit=2, model="one")) == [by_time[2], by_time[4]]
        assert list(store.attempts(limit=0)) == []

    def test_attempts_of_one_instant_stand_as_they_were_recorded(self, store: Store) -> None:
        made = [attempt(n, started_at=START) for n in range(2500)]
        store.record(made, SETTINGS)
        assert list(store.attempts()) == made
        assert list(store.attempts(limit=3)) == made[-3:]

    def test_transitions_are_found_by_time_and_model(self, store: Store, clock: Clock) -> None:
        for n in range(6):
            clock.at = START + n
            outcome = Outcome.OK if n % 2 else Outcome.TIMEOUT
            store.record([attempt(n, "one"), attempt(100 + n, "two", outcome=outcome)], SETTINGS)
        assert len(store.transitions()) == 7
        assert {one.model for one in store.transitions(model="two")} == {"two"}
        assert len(store.transitions(since=START + 3)) == 3
        assert [one.at for one in store.transitions(limit=2)] == [START + 4, START + 5]

    def test_counters_are_the_sums_of_all_attempts(self, store: Store) -> None:
        made = [
            attempt(
                n,
                "one" if n % 3 else "two",
                outcome=Outcome.OK if n % 5 else Outcome.TIMEOUT,
                kind="call" if n % 7 else "metadata",
                latency_ms=float(3 ** (n % 14)),
                input_tokens=n,
                output_tokens=2 * n,
                reasoning_tokens=3,
                cached_tokens=None,
                cost_usd=0.5,
            )
            for n in range(700)
        ]
        for at in range(0, 700, 50):
            store.record(made[at : at + 50], SETTINGS)
        counters = {(one.phase, one.model, one.outcome): one for one in store.counters()}
        assert sum(one.count for one in counters.values()) == 700
        assert list(counters) == sorted(counters)
        own = [one for one in made if one.model == "two" and one.outcome == Outcome.OK and one.kind == "call"]
        found = counters["phase1", "two", "ok"]
        assert found.count == len(own)
        assert found.seconds == pytest.approx(sum(one.latency_ms for one in own) / 1000)
        assert found.input_tokens == sum(one.input_tokens or 0 for one in own)
        assert (found.reasoning_tokens, found.cached_tokens) == (3 * len(own), 0)
        assert found.cost_usd == pytest.approx(0.5 * len(own))
        for at, bound in enumerate(BUCKETS):
            assert sum(found.buckets[: at + 1]) == sum(one.latency_ms <= bound * 1000 for one in own)
        assert sum(found.buckets) == len(own)
        assert sum(one.count for key, one in counters.items() if key[0] == "probe") == 100

    def test_hours_are_the_same_sums_by_hour(self, store: Store) -> None:
        made = [attempt(n, started_at=HOUR + 600 * n, model="one" if n % 2 else "two") for n in range(40)]
        store.record(made, SETTINGS)
        told = store.hours(since=HOUR + 3600)
        assert sum(one.count for _, one in told) == 34
        assert [hour for hour, _ in told] == sorted(hour for hour, _ in told)
        assert {hour for hour, _ in told} == {HOUR + 3600 * n for n in range(1, 7)}
        assert sum(one.count for _, one in store.hours(since=0.0, model="one")) == 20

    def test_hand_overs_are_counted_by_phase_and_pair(self, store: Store) -> None:
        store.record([attempt(n, "two", fallback_from="one") for n in range(3)], SETTINGS)
        store.record([attempt(10, "one", fallback_from="two", phase="phase2"), attempt(11)], SETTINGS)
        assert store.fallbacks() == {("phase1", "one", "two"): 3, ("phase2", "two", "one"): 1}

    def test_pruned_attempts_stay_in_the_sums(self, store: Store, clock: Clock) -> None:
        store.record([attempt(n, fallback_from="x") for n in range(1200)], SETTINGS)
        before = store.counters(), store.hours(since=0.0), store.fallbacks()
        clock.at = START + 40 * 86400.0
        store.record([attempt(5000, started_at=clock.at)], SETTINGS)
        gone = 0
        while step := store.prune(keep_days=30, steps=2):
            gone += step
        assert gone == 1200
        assert [one.id for one in store.attempts()] == ["attempt-00005000"]
        after = store.counters(), store.hours(since=0.0), store.fallbacks()
        assert after[0][0].count == before[0][0].count + 1
        assert after[1][:-1] == before[1]
        assert after[2] == before[2]
        store.record([attempt(6000)], SETTINGS)
        assert store.counters()[0].count == 1202

    # runs, answers, small values

    def test_runs_are_replaced_and_found_by_the_beginning_of_their_id(self, store: Store) -> None:
        first = Run("abc1", START, "run phase1", repo="/r", phase="phase1")
        second = Run("abd2", START + 1, "ask")
        third = Run("abc", START + 2, "ask", ok=False, error="x")
        for one in (first, second, third):
            store.save_run(one)
        done = replace(first, ended_at=START + 9, ok=True, cost_usd=0.5)
        store.save_run(done)
        assert store.runs() == [third, second, done]
        assert store.runs(limit=1) == [third]
        assert store.run("abd") == second
        assert store.run("abc1") == done
        assert store.run("abc") == third
        assert store.run("ab") is None
        assert store.run("zz") is None
        assert store.run("") is None
        assert store.run("a%") is None

    def test_answers_are_found_by_key_and_run_newest_first(self, store: Store) -> None:
        one = PhaseResult("k", "phase1", "reader", "m1", START, "text", run_id="r", cost_usd=0.1, input_tokens=5)
        two = PhaseResult("k", "phase1", "reader", "m2", START + 1, "text 2", offline=True, offline_reason="no_model")
        other = PhaseResult("k2", "phase2", "planner", "m1", START + 2, "plan" * 5000, run_id="r")
        for result in (one, two, other, one):
            store.save_result(result)
        assert store.results("k") == [two, one]
        assert store.results("none") == []
        assert store.run_results("r") == [one, other]

    def test_small_values_are_remembered(self, store: Store) -> None:
        assert store.meta("probed_at") is None
        value = {"at": [1, 2.5, "x", None, True]}
        assert store.meta("probed_at", value) == value
        assert store.meta("probed_at") == json.loads(json.dumps(value))
        store.meta("probed_at", 7)
        assert store.meta("probed_at") == 7

    def test_the_salt_is_its_own_and_stays(self, store: Store) -> None:
        assert len(store.salt) == 16
        assert store.salt == store.salt

    def test_news_come_by_a_descriptor_or_by_looking(self, store: Store) -> None:
        assert (store.news() is not None) == isinstance(store, SharedStore)

    def test_a_sound_store_has_nothing_to_complain_of(self, store: Store) -> None:
        store.record([attempt(1), attempt(2, outcome=Outcome.TIMEOUT)], SETTINGS)
        assert store.check() == []


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def store(self, clock: Clock, tmp_path: Path) -> Iterator[Store]:
        opened = open_state(str(tmp_path / "state.db"), clock=clock, **CORE)
        assert opened.opened.saving
        yield opened
        assert opened.opened.notes == ()
        opened.close()


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, clock: Clock, tmp_path: Path) -> Iterator[Store]:
        opened = open_state(":memory:", clock=clock, **CORE)
        yield opened
        opened.close()


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, clock: Clock, tmp_path: Path, postgres: PostgresServer) -> Iterator[Store]:
        url = postgres.emptied()
        opened = open_state(url, clock=clock, vantage="the office's ?1", folder=str(tmp_path), **CORE)
        assert opened.opened.saving
        yield opened
        assert opened.opened.notes == ()
        opened.close()
