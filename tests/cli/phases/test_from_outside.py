"""Runs as people make them: the program as a process, two servers that play all models, kills and signals."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from outside import AGENTS, MARKS, PLAN, Outside, hanging, outcomes, outside, well
from processes import PATIENCE
from timing import TRIES, best

ALL = list(MARKS)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Outside]:
    with outside(tmp_path) as found:
        yield found


def test_a_run_goes_through_a_model_dying_in_phase_3_a_hostile_plan_and_a_cut_answer(here: Outside) -> None:
    dead = {"contains": AGENTS, "do": [{"status": 500, "message": "gone"}]}
    halves = [{"text": "- The first half", "finish": "length"}, {"text": " and the rest `shop/cart.py:1`"}]
    here.servers["one"].put(well(dead, {"contains": MARKS["structure"], "do": halves}))
    here.servers["two"].put(well())
    document = here.json("run", "all", str(here.repo), "--strategy", "priority")
    phases = {one["phase"]: one for one in document["phases"]}
    assert [one["status"] for one in document["phases"]] == ["done"] * 6
    structure = phases["phase1"]["result"]["findings"][0]
    assert structure["text"] == "- The first half and the rest `shop/cart.py:1`"
    plan = phases["phase2"]["result"]
    named = {path for agent in plan["agents"] for path in agent["file_assignments"]}
    assert {"shop/user.py", "shop/login.py", "shop/cart.py"} <= named
    assert all((here.repo / path).is_file() and not path.startswith((".", "/")) for path in named)
    assert "/etc/passwd, shop/gone.py, ../x.py, .env" in " ".join(plan["notes"])
    assert set(phases["phase3"]["models"]) <= {"far", "spare"}
    assert phases["phase3"]["result"]["findings"][0]["text"].endswith("`x/y.py:9` [wrong: no such file]")
    assert "server_error" in outcomes(document)
    assert not any("root:" in body or "hunter2" in body for body in here.bodies)
    assert here.asked()["structure"] == 2
    before = len(here.bodies)
    again = here.json("run", "all", str(here.repo))
    assert len(here.bodies) == before
    assert {one["status"] for one in again["phases"]} == {"stored"}
    assert (again["cost_usd"], again["attempts"]) == (0.0, [])


KILLED = ["technology", "plan", "agent_2", "synthesis", "report", "rules"]
"""The role whose question hangs when the process is killed, one in each phase."""


def test_a_run_killed_in_every_phase_asks_no_finished_part_again(here: Outside) -> None:
    for role in KILLED:
        here.put(well(hanging(role)))
        process = here.begin("run", "all", str(here.repo))
        done = ALL.index(role) if role != "technology" else 2
        here.wait_for(role, done)
        process.kill()
        process.communicate(timeout=PATIENCE)
        assert here.stored() == done
    here.put(well())
    document = here.json("run", "all", str(here.repo))
    assert document["ok"]
    assert here.asked() == Counter({role: 2 if role in KILLED else 1 for role in ALL})
    assert [one["status"] for one in document["phases"]] == ["stored"] * 5 + ["done"]


def test_a_run_killed_while_it_continues_an_answer_goes_on_from_the_first_half(here: Outside) -> None:
    half = {"text": "- The first half", "finish": "length"}
    for server in here.servers.values():
        server.put(well({"contains": MARKS["structure"], "do": [half, {"fault": "hang"}]}))
    process = here.begin("run", "phase1", str(here.repo))
    here.wait_for("structure", 2, times=2)
    process.kill()
    process.communicate(timeout=PATIENCE)
    here.put(well({"contains": MARKS["structure"], "do": [{"text": " and the rest `shop/cart.py:1`"}]}))
    document = here.json("run", "phase1", str(here.repo))
    found = document["phases"][0]["result"]["findings"][0]
    assert found["text"] == "- The first half and the rest `shop/cart.py:1`"
    assert here.asked() == Counter({"structure": 3, "dependencies": 1, "technology": 1})
    again = here.json("run", "phase1", str(here.repo))
    assert [one["status"] for one in again["phases"]] == ["stored"]
    assert here.asked()["structure"] == 3


def test_two_processes_at_once_buy_no_answer_twice_and_one_killed_is_taken_over_from(here: Outside) -> None:
    here.put(well(hanging("technology")))
    killed = here.begin("run", "all", str(here.repo), "--json")
    here.wait_for("technology", 2)
    here.put(well())
    both = [here.begin("run", "all", str(here.repo), "--json") for _ in range(2)]
    killed.kill()
    killed.communicate(timeout=PATIENCE)
    ended = [one.communicate(timeout=PATIENCE) for one in both]
    assert [one.returncode for one in both] == [0, 0], ended
    assert here.asked() == Counter({role: 2 if role == "technology" else 1 for role in ALL})


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), SIGNALS, ids=["ctrl-c", "term"])
def test_a_stopped_run_says_how_to_go_on_within_a_second(here: Outside, number: signal.Signals, code: int) -> None:
    here.put(well(hanging("agent_2")))

    def stopped() -> float:
        hung = here.asked()["agent_2"]
        process = here.begin("run", "all", str(here.repo), "--json", "--out", str(here.folder / "out"))
        here.wait_for("agent_2", 5, times=hung + 1)
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        took = time.monotonic() - began
        assert process.returncode == code
        assert err.splitlines()[-2:] == [
            "Stopped in phase3; 5 finished calls are stored. The same command goes on from there.",
            "Interrupted. What was finished is kept.",
        ]
        told = json.loads(out)
        assert (told["ok"], told["error"]["code"]) == (False, "interrupted")
        assert [one["phase"] for one in told["phases"]] == ["phase1", "phase2"]
        assert told["run_id"] == json.loads((here.folder / "out/run.json").read_text())["run_id"]
        return took

    assert best(stopped, within=1.5) < 1.5
    assert sorted(path.name for path in (here.folder / "out").iterdir()) == ["phase1.md", "phase2.md", "run.json"]


def test_a_plan_of_nothing_but_foreign_files_is_asked_for_again_and_then_made_offline(here: Outside) -> None:
    alien = str(PLAN).replace("shop/cart.py", "gone.py").replace("user.py", "a.py").replace("./shop/login.py", "b.py")
    here.put(well({"contains": MARKS["plan"], "do": [{"text": alien}]}))
    document = here.json("run", "phase2", str(here.repo))
    plan = document["phases"][1]
    assert here.asked()["plan"] == 2
    assert plan["result"]["made"]["offline_reason"] == "unreadable"
    assert plan["result"]["coverage"]["share"] == 1.0
    before = len(here.bodies)
    here.run("run", "phase2", str(here.repo))
    assert len(here.bodies) == before


def test_after_an_edit_of_one_file_only_its_reader_of_phase_3_is_asked_again(here: Outside) -> None:
    here.put(well())
    here.json("run", "all", str(here.repo))
    before = here.asked()
    edited = here.repo / "shop" / "user.py"
    edited.write_text(edited.read_text() + "    more = 1\n")
    document = here.json("run", "all", str(here.repo))
    again = here.asked() - before
    assert document["ok"]
    assert (again["agent_1"], again["agent_2"], again["synthesis"]) == (0, 1, 0)
    assert here.asked() == before + Counter({role: 1 for role in ALL if role not in {"agent_1", "synthesis"}})


@pytest.mark.parametrize(
    ("more", "late", "beside"),
    [
        ({}, "agent_2", None),
        ({"plain": True}, "agent_2", None),
        ({"fault": "open_end"}, "agent_2", None),
        ({"fault": "open_end"}, "agent_2", "agent_1"),
        ({"fault": "open_end"}, "agent_1", "agent_2"),
    ],
)
def test_an_answer_that_had_come_when_a_run_is_interrupted_is_not_bought_again(
    here: Outside, more: dict[str, Any], late: str, beside: str | None
) -> None:
    answer = {"text": "- It lets in `shop/login.py:1`", "delay": 0.5, **more}
    hanging = [{"contains": MARKS[beside], "do": [{"fault": "hang"}]}] if beside else []
    here.put(well({"contains": MARKS[late], "do": [answer]}, *hanging))
    for tried in range(1, TRIES + 1):
        process = here.begin("run", "phase3", str(here.repo))
        here.wait_for(late, 5 - len(hanging), times=tried)
        if beside:
            here.wait_for(beside, 4, times=tried)
        process.send_signal(signal.SIGSTOP)
        until = time.monotonic() + PATIENCE
        while sum("sent" not in one for server in here.servers.values() for one in server.requests) > len(hanging):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        if f"Stopped in phase3; {6 - len(hanging)} finished calls are stored." in err:
            break
    assert here.stored() == 6 - len(hanging)
    here.put(well())
    assert here.json("run", "phase3", str(here.repo))["ok"]
    assert here.asked()[late] == tried
