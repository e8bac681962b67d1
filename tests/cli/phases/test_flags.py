"""Every option of `archfb run`, from outside: two servers play three models."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from outside import MARKS, Outside, hanging, outside, well
from processes import PATIENCE, variables

from archfb.door import enter

ALL = len(MARKS)


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Outside]:
    with outside(tmp_path) as found:
        yield found


@pytest.fixture
def run(here: Outside, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that runs a phase on the shop, in this process."""

    def go(phase: str, *words: str) -> Ended:
        code = enter(["run", phase, str(here.repo), *words, *here.options])
        return Ended(code, *capsys.readouterr())

    return go


def test_json_is_one_document_that_lists_the_earlier_phases_too(run: Any) -> None:
    run("phase1")
    ended = run("phase2", "--json")
    assert ended.code == 0
    assert ended.out.isascii()
    assert [(one["phase"], one["status"]) for one in ended.document["phases"]] == [
        ("phase1", "stored"),
        ("phase2", "done"),
    ]


def test_out_gets_each_phase_as_it_finishes(run: Any, here: Outside) -> None:
    here.configure("[routing]\noffline = false\n")
    here.put(well({"contains": MARKS["synthesis"], "do": [{"status": 400, "message": "no"}]}))
    out = here.folder / "out"
    assert run("all", "--out", str(out)).code == 1
    assert sorted(one.name for one in out.iterdir()) == [*(f"phase{at}.md" for at in range(1, 5)), "run.json"]
    document = json.loads((out / "run.json").read_text())
    assert [one["status"] for one in document["phases"]] == ["done"] * 3 + ["failed"]
    assert document["ok"] is False


def test_fresh_ignores_what_is_stored(run: Any, here: Outside) -> None:
    run("phase1")
    run("phase1")
    assert len(here.bodies) == 3
    run("phase1", "--fresh")
    assert len(here.bodies) == 6


def test_a_pinned_model_answers_alone_and_only_its_results_are_hits(run: Any, here: Outside) -> None:
    run("phase1", "--model", "far")
    assert {one["body"]["model"] for one in here.servers["two"].requests if one["body"]} == {"far"}
    assert not here.servers["one"].requests
    run("phase1", "--model", "near")
    assert here.servers["one"].counts["models"] == {"near": 3}
    assert run("phase1", "--model", "near", "--json").document["phases"][0]["status"] == "stored"


@pytest.mark.parametrize(("strategy", "chosen"), [("priority", "spare"), ("cheapest", "near")])
def test_a_strategy_chooses(run: Any, here: Outside, strategy: str, chosen: str) -> None:
    """One call of twenty explores, so most of nine calls count."""
    here.configure(order=("spare", "far", "near"))
    document = run("all", "--strategy", strategy, "--json").document
    asked = Counter(one["model"] for one in document["attempts"])
    assert asked.most_common(1)[0][0] == chosen


def test_a_cost_limit_refuses_before_a_request_and_keeps_what_was_done(run: Any, here: Outside) -> None:
    ended = run("phase1", "--max-cost", "0.000001", "--json")
    assert (ended.code, ended.document["error"]["code"]) == (1, "cost_limit")
    assert "the limit of $0.000001 leaves no room" in run("phase1", "--max-cost", "0.000001").err
    assert here.bodies == []
    ended = run("all", "--max-cost", "0.1", "--json")
    assert ended.code == 0
    assert ended.document["cost_usd"] <= 0.1
    assert ended.document["ok"]


def test_a_deadline_ends_a_call(run: Any, here: Outside) -> None:
    here.configure("[routing]\noffline = false\n")
    here.put(well(hanging("technology")))
    ended = run("phase1", "--deadline", "4", "--json")
    phase = ended.document["phases"][0]
    assert (ended.code, phase["status"]) == (0, "partial")
    assert [(one["title"], one["code"]) for one in phase["result"]["missing"]] == [("Technology", "deadline")]
    assert "phase1: Technology is missing: " in ended.err
    assert run("phase1", "--deadline", "0.6", "--strict").code == 1


def test_a_dry_run_tells_files_tokens_candidates_and_cost_and_requests_nothing(run: Any, here: Outside) -> None:
    ended = run("all", "--dry-run")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("phase1 structure: ")
    assert " tokens to near (then far, spare, offline), $0.0" in lines[0]
    deep = next(line for line in lines if line.startswith("phase3 agent_1: "))
    assert re.search(r": about [\d,]+ tokens of \d files to \w+ \(then ", deep), deep
    assert lines[-1].startswith("9 calls, at most about $0.0")
    assert lines[-1].endswith("Nothing was sent.")
    document = run("phase1", "--dry-run", "--json").document
    first = document["dry_run"][0]
    assert (first["phase"], first["role"], first["candidates"][0], first["stored"]) == (
        "phase1",
        "structure",
        "near",
        False,
    )
    assert first["tokens"] > 200
    assert first["cost_usd"] > 0
    assert here.requests == 0
    assert run("phase1").code == 0
    assert "phase1 structure: stored, nothing is sent" in run("phase1", "--dry-run").out


def test_a_dry_run_of_write_prints_the_diff_and_writes_nothing(run: Any, here: Outside) -> None:
    target = here.folder / "AGENTS.md"
    target.write_text("# Mine\n")
    words = ("final", "--write", str(target), "--dry-run")
    unknown = run(*words)
    assert "The rules do not exist yet" in unknown.err
    assert "+++" not in unknown.out
    offline = run(*words, "--offline")
    assert f"+++ {target}" in offline.out
    assert "+# shop: working rules" in offline.out
    run("final")
    before = len(here.bodies)
    known = run(*words)
    assert "+- All is well `shop/cart.py:1`" in known.out
    assert target.read_text() == "# Mine\n"
    changes = run(*words, "--json").document["changes"]
    assert [(one["path"], one["changed"]) for one in changes] == [(str(target), True)]
    assert "+- All is well" in changes[0]["diff"]
    assert len(here.bodies) == before


def test_several_files_are_written_from_one_result_and_the_second_time_nothing_changes(
    run: Any, here: Outside
) -> None:
    names = ("AGENTS.md", "CLAUDE.md", ".cursor/rules/shop.mdc", ".cursorrules")
    paths = [here.repo / name for name in names]
    paths[0].write_text("# Mine\n\nKeep this.\n")
    words = ("final", "--out", str(here.repo / "out"), "--write", *(str(one) for one in paths))
    ended = run(*words)
    assert ended.code == 0, ended.err
    assert ended.err.count(": written.") == 3
    assert paths[0].read_text().startswith("# Mine\n\nKeep this.\n\n<!-- archfb:begin")
    assert paths[2].read_text().startswith("---\ndescription:")
    assert [one.read_text() for one in paths[0].parent.glob("*.bak")] == ["# Mine\n\nKeep this.\n"]
    before = [one.read_bytes() for one in paths]
    again = run(*words)
    assert again.err.count("is up to date.") == 4, again.err
    assert [one.read_bytes() for one in paths] == before
    assert len(here.bodies) == ALL


def test_strict_fails_where_the_offline_provider_stood_in(run: Any, here: Outside) -> None:
    here.put({"default": [{"status": 400, "message": "no"}]})
    loose = run("phase1", "--json")
    assert (loose.code, loose.document["phases"][0]["offline"]) == (0, True)
    assert "warning: no model was usable for some of it" in loose.err
    ended = run("phase1", "--strict", "--json")
    assert (ended.code, ended.document["error"]["code"]) == (1, "partial")


NO_SOCKETS = """
import os, socket, sys
def forbid(event, args):
    if event == "socket.__new__" and args[1] in (socket.AF_INET, socket.AF_INET6):
        os._exit(99)
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        os._exit(98)
sys.addaudithook(forbid)
from archfb.__main__ import main
sys.exit(main())
"""


def without_sockets(here: Outside, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", NO_SOCKETS, *words, *here.options]
    return subprocess.run(command, env=variables(), capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_offline_opens_no_socket(here: Outside) -> None:
    ended = without_sockets(here, "run", "all", str(here.repo), "--offline", "--json")
    assert ended.returncode == 0, ended.stderr
    assert [one["offline"] for one in json.loads(ended.stdout)["phases"]] == [True] * 6
    assert "may be sent" not in ended.stderr
    assert without_sockets(here, "run", "phase1", str(here.repo)).returncode in {98, 99}


def test_only_one_agent_is_asked_and_the_others_are_missing_by_name(run: Any, here: Outside) -> None:
    ended = run("phase3", "--only", "users", "--json")
    assert here.asked()["agent_1"] == 0
    assert here.asked()["agent_2"] == 1
    missing = ended.document["phases"][2]["result"]["missing"]
    assert [(one["title"], one["code"]) for one in missing] == [("Selling", "not_asked")]
    wrong = run("phase3", "--only", "nobody")
    assert wrong.code == 2
    assert "Agents: agent_1 (Selling), agent_2 (Users)." in wrong.err


PROVIDERS = [(("--only-provider", "two"), "two (127.0.0.1)"), (("--not-provider", "one"), "two (127.0.0.1)")]


@pytest.mark.parametrize(("words", "named"), PROVIDERS)
def test_only_the_allowed_see_the_code_and_are_named_first(
    run: Any, here: Outside, words: tuple[str, ...], named: str
) -> None:
    ended = run("all", *words)
    assert ended.code == 0
    assert ended.err.splitlines()[0] == f"Text of this repository may be sent to: {named}"
    assert not [one for one in here.servers["one"].requests if one["method"] == "POST"]
    assert len(here.bodies) == ALL
    document = run("phase1", "--dry-run", "--fresh", *words, "--json").document
    assert {name for one in document["dry_run"] for name in one["candidates"]} <= {"far", "spare", "offline"}


def test_a_withheld_file_is_sent_only_when_allowed(run: Any, here: Outside) -> None:
    (here.repo / ".env").write_text("GREETING=good-morning-to-everybody\n")
    plan = {
        "plan": "x",
        "agents": [{"name": "All", "description": "Charge one.", "file_assignments": [".env", "user.py"]}],
    }
    here.put(well({"contains": MARKS["plan"], "do": [{"text": json.dumps(plan)}]}))
    run("phase3")
    assert here.bodies
    assert not any("good-morning" in body for body in here.bodies)
    run("phase3", "--allow-file", ".env")
    assert any("good-morning" in body for body in here.bodies)


def test_the_quiet_get_the_result_alone_and_the_verbose_every_step(run: Any) -> None:
    quiet = run("phase1", "-q")
    assert quiet.err == ""
    assert quiet.out.startswith("# shop: Initial Discovery\n")
    loud = run("phase1", "-v", "--fresh")
    assert "phase1 structure: low complexity" in loud.err.replace("medium", "low").replace("high", "low")
    assert "phase1 structure: asking " in loud.err
