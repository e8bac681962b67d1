from __future__ import annotations

from dataclasses import replace

import pytest
from core_bench import REFS, Core

from archfb_state.core.machine import BELIEVED, offline
from archfb_state.records import MachineRecord, ModelRef


def test_a_connect_failure_counts_at_once() -> None:
    core = Core()
    core.record("a", "network", code="refused")
    assert core.deployment("a").consecutive == 1
    assert core.model("a").failures == 1
    assert not offline(core.rows.machine, core.now)
    core.record("a", "network", "network")
    assert core.status("a") == "unavailable"


@pytest.mark.parametrize("code", ["no_route", "no_resolver"])
def test_no_route_or_resolver_blames_nobody_at_once(code: str) -> None:
    core = Core()
    core.record("a", *["network"] * 5, code=code)
    assert core.deployment("a").consecutive == 0
    assert core.model("a").failures == 0
    assert core.status("a") == "unknown"
    assert offline(core.rows.machine, core.now)


@pytest.mark.parametrize(
    ("waited", "believed"), [(0.0, True), (300.0, True), (300.5, False), (-60.0, True), (-60.5, False)]
)
def test_an_offline_machine_is_believed_to_be_so_for_five_minutes(waited: float, believed: bool) -> None:
    core = Core()
    core.record("a", "network", code="no_route")
    assert offline(core.rows.machine, core.now + waited) == believed


def test_what_is_taken_back_of_a_deployment_says_nothing_of_models_that_were_never_asked() -> None:
    core = Core()
    core.refs["c2"] = replace(core.refs["c"], model="c2")
    core.record("c", "ok", "network", configured=["c"])
    changes = core.record("a", "network")
    assert core.deployment("c").consecutive == 0
    assert sorted(changes.models) == ["a", "c"]


def test_an_account_of_which_nothing_is_new_is_not_written() -> None:
    core = Core()
    assert [core.record("a", outcome).accounts for outcome in ("ok", "timeout", "ok")] == [{}, {}, {}]
    assert list(core.record("a", "auth").accounts) == [core.refs["a"].account]


def test_an_answer_of_a_machine_that_is_online_changes_nothing_of_it() -> None:
    assert Core().record("a", "ok", "server_error", "ok").machine is None


def test_a_second_host_within_15_s_takes_both_back() -> None:
    core = Core()
    core.record("c", "ok")
    core.record("a", "network")
    core.record("c", "network", after=14)
    assert core.deployment("a").consecutive == core.deployment("c").consecutive == 0
    assert offline(core.rows.machine, core.now)
    assert core.status("c") == "healthy"
    assert core.model("a").status == "unknown"
    core.record("d", "network", "network", "network", after=20)
    assert core.status("d") == "unknown"


def test_what_opened_is_closed_again_when_it_is_taken_back() -> None:
    core = Core()
    core.record("a", "ok", "network", "network", "network")
    assert core.status("a") == "unavailable"
    changes = core.record("c", "network")
    assert core.status("a") == "healthy"
    assert {(one.model, one.after) for one in changes.transitions} == {("a", "healthy"), ("a2", "healthy")}


@pytest.mark.parametrize(
    ("gap", "counted"), [(14.0, 0), (15.0, 0), (15.001, 1), (16.0, 1), (-5.0, 0), (-60.0, 0), (-60.5, 1)]
)
def test_a_second_host_later_than_15_s_is_a_failure_of_its_own(gap: float, counted: int) -> None:
    core = Core()
    core.record("a", "network", took=0)
    core.record("c", "network", after=gap, took=0)
    assert core.deployment("a").consecutive == core.deployment("c").consecutive == counted


def test_an_answer_in_between_means_that_the_machine_is_online() -> None:
    core = Core()
    core.record("a", "network")
    core.record("d", "server_error")
    core.record("c", "network")
    assert core.deployment("a").consecutive == core.deployment("c").consecutive == 1


def test_an_answer_within_15_s_afterwards_counts_them_again() -> None:
    core = Core()
    core.record("a", "network")
    core.record("c", "network")
    core.record("d", "ok")
    assert core.deployment("a").consecutive == core.deployment("c").consecutive == 1
    assert core.status("a") == "degraded"
    assert core.rows.machine == MachineRecord(last_answer_at=core.now)


def test_an_answer_later_counts_nothing_again() -> None:
    core = Core()
    core.record("a", "network")
    core.record("c", "network")
    core.record("d", "ok", after=20)
    assert core.deployment("a").consecutive == core.deployment("c").consecutive == 0
    assert not offline(core.rows.machine, core.now)


def test_the_host_that_answers_is_charged_and_cleared() -> None:
    core = Core()
    core.record("c", "network")
    core.record("a", "network", "ok")
    record = core.deployment("a")
    assert (record.consecutive, record.beta > 0.9, record.alpha) == (0, True, 1.0)
    assert core.deployment("c").consecutive == 1


def test_two_failures_of_one_deployment_while_offline_are_charged_once() -> None:
    core = Core()
    core.record("c", "network")
    core.record("a", "network", "network", "network")
    core.record("d", "ok")
    assert core.deployment("a").consecutive == 1


def test_a_failure_that_something_else_followed_is_not_taken_back() -> None:
    core = Core()
    core.record("a", "network", "timeout")
    core.record("c", "network")
    assert core.deployment("a").consecutive == 2
    assert core.deployment("c").consecutive == 0


def test_a_time_out_is_neither_an_answer_nor_a_connect_failure() -> None:
    core = Core()
    core.record("a", "network")
    core.record("d", "timeout")
    core.record("c", "network")
    assert core.deployment("a").consecutive == 0
    assert core.deployment("d").consecutive == 1


def test_a_connection_that_broke_after_an_answer_began_is_a_failure_of_the_deployment() -> None:
    core = Core()
    core.record("a", "network")
    core.record("c", "network", http_status=200, code="reset")
    assert core.deployment("a").consecutive == core.deployment("c").consecutive == 1


def test_loopback_ports_share_one_host() -> None:
    core = Core(refs={**REFS, "x": ModelRef("x", "x", "x#", "127.0.0.1"), "y": ModelRef("y", "y", "y#", "localhost")})
    core.record("x", "network")
    core.record("y", "network")
    assert core.deployment("x").consecutive == core.deployment("y").consecutive == 1


def test_the_offline_providers_answer_does_not_prove_a_network() -> None:
    core = Core(refs={**REFS, "offline": ModelRef("offline", "offline||", "#", "")})
    core.record("a", "network")
    core.record("offline", "ok", http_status=None)
    core.record("c", "network")
    assert core.deployment("a").consecutive == 0


def test_a_machine_is_believed_offline_for_five_minutes_without_another_failure() -> None:
    core = Core()
    core.record("a", "network")
    core.record("c", "network")
    since = core.rows.machine.offline_since
    core.record("a", "network", after=BELIEVED - 1)
    assert core.deployment("a").consecutive == 0
    assert core.rows.machine.offline_since == since
    assert not offline(core.rows.machine, core.now + BELIEVED + 1)
    core.record("a", "network", after=BELIEVED + 1)
    assert core.deployment("a").consecutive == 1
    assert core.rows.machine.offline_since is None


def test_settling_ends_a_belief_that_nothing_confirms() -> None:
    core = Core()
    core.record("a", "network")
    core.record("c", "network")
    assert core.settle().machine is None
    core.wait(BELIEVED + 1).settle()
    assert core.rows.machine == MachineRecord()
    assert core.settle().machine is None


def test_a_clock_that_was_set_back_does_not_keep_a_machine_offline() -> None:
    core = Core().wait(1000)
    core.record("a", "network")
    core.record("c", "network")
    core.wait(-1000)
    assert not offline(core.rows.machine, core.now)
    core.record("a", "network", "network", "network", after=100)
    assert core.status("a") == "unavailable"


def test_what_waits_is_bounded() -> None:
    core = Core()
    core.record("a", *["network"] * 200, after=0.001, took=0)
    assert len(core.rows.machine.pending) == 32


def test_a_free_probe_while_offline_is_noted_and_nothing_else() -> None:
    core = Core()
    core.record("a", "network", code="no_route", kind="metadata")
    assert core.deployment("a").last_probe_at == core.model("a").last_probe_at == core.now
    assert core.deployment("a").last_event_at is None


def test_a_network_failure_that_is_nobodys_leaves_the_machine_alone() -> None:
    core = Core()
    core.record("a", "network", blame=False)
    assert core.rows.machine == MachineRecord()
    assert core.deployment("a").consecutive == 0


def test_models_whose_rows_are_not_at_hand_are_left_alone() -> None:
    core = Core()
    core.record("a", "network")
    core.rows.models.clear()  # type: ignore[attr-defined]  # a plain dict here
    changes = core.record("c", "network")
    assert set(changes.models) == {"c"}
    assert changes.deployments[core.refs["a"].deployment].consecutive == 0
