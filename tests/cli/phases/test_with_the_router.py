"""Runs over the real router and a loopback server: hand-overs, hostile plans, cut answers, kills; counted there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer

from archfb.phases.engine import run
from archfb.phases.options import RunOptions
from archfb.phases.output import run_json
from archfb.routing.router import Router

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")
GROUPS = (["shop/cart.py", "/etc/passwd", "shop/gone.py"], ["user.py", "./shop/login.py"])
PLAN = {
    "plan": "Two readers.",
    "agents": [
        {"id": f"agent_{at}", "name": f"Reader {at}", "description": f"Charge {at}.", "file_assignments": files}
        for at, files in enumerate(GROUPS, 1)
    ],
}


def script(**more: Any) -> dict[str, Any]:
    """Return a script by what each role's prompt says, after what is special."""
    return {
        **more,
        "match": [
            *more.get("match", []),
            {"contains": "You plan the close reading", "do": [{"text": json.dumps(PLAN)}]},
            {
                "contains": "You are one of several agents",
                "do": [{"text": "- It sells `shop/cart.py:2`, not `x/y.py:9`"}],
            },
        ],
        "default": [{"text": "- All is well `shop/cart.py:1`"}],
    }


def configuration(folder: Path, url: str, *models: str, more: str = "") -> Path:
    lines = ["[providers.scripted]", 'api = "openai-chat"', f'base_url = "{url}/v1"', more]
    for name in models:
        lines += [f"[models.{name}]", 'provider = "scripted"', f'model = "{name}"', "context_window = 200000"]
        lines += ["input_price = 1.0", "output_price = 2.0"]
    names = ", ".join(f'"{name}"' for name in models)
    lines += ["[chains]", *(f"{phase} = [{names}]" for phase in PHASES)]
    (folder / "c.toml").write_text("\n".join(lines) + "\n")
    return folder / "c.toml"


async def going(phase: str, folder: Path, config: Path, repo: Any, **options: Any) -> Any:
    chosen = RunOptions(read=lambda _: repo, **options)
    async with Router.open(config, str(folder / "state.db"), environ={}, run_id="run-1") as router:
        return await run(phase, folder, router, router.store, chosen, lambda _: None)


def test_a_whole_run_through_a_dying_model_a_hostile_plan_and_a_cut_answer(tmp_path: Path, shop: Any) -> None:
    async def scenario() -> None:
        halves = [{"text": "- The first half of it", "finish": "length"}, {"text": " and the rest `shop/cart.py:1`"}]
        cut = {"contains": "Your role in the first step is structure", "do": halves}
        async with ScriptedServer(script(match=[cut])) as server:
            config = configuration(tmp_path, server.url, "well")
            result = await going("all", tmp_path, config, shop)
            assert result.ok
            assert [one.status for one in result.phases] == ["done"] * 6
            structure = result.phases[0].result.findings[0]
            assert structure.text == "- The first half of it and the rest `shop/cart.py:1`"
            plan = result.phases[1].result.plan
            files = {path for one in plan.agents for path in one.file_assignments}
            assert files <= set(shop.by_path)
            assert {"shop/user.py", "shop/login.py"} <= files
            assert any("/etc/passwd, shop/gone.py" in note for note in plan.notes)
            deep = result.phases[2].result.findings[0]
            assert deep.text == "- It sells `shop/cart.py:2`, not `x/y.py:9` [wrong: no such file]"
            bought = server.counts["models"].total()
            assert bought == len(result.attempts) == 4 + 1 + 2 + 3
            again = await going("all", tmp_path, config, shop)
            assert server.counts["models"].total() == bought
            assert {one.status for one in again.phases} == {"stored"}

    asyncio.run(scenario())


def test_calls_of_a_dead_model_are_handed_on_and_the_results_are_the_well_ones(tmp_path: Path, shop: Any) -> None:
    async def scenario() -> None:
        dead = [{"status": 500, "message": "no"}]
        by_model = [{"contains": f'"model":{space}"dead"', "do": dead} for space in ("", " ")]
        async with ScriptedServer(script(match=by_model)) as server:
            config = configuration(tmp_path, server.url, "dead", "well")
            result = await going("phase3", tmp_path, config, shop, strategy="priority")
            assert result.ok
            assert {made.model for one in result.phases for made in one.result.made} == {"well"}
            document = run_json(result)
            assert {one["outcome"] for one in document["attempts"]} == {"server_error", "ok"}

    asyncio.run(scenario())


def test_a_run_whose_models_are_all_dead_is_answered_offline_and_goes_on_when_one_is_back(
    tmp_path: Path, shop: Any
) -> None:
    async def scenario() -> None:
        async with ScriptedServer({"default": [{"status": 400, "message": "no", "code": "bad"}]}) as server:
            config = configuration(tmp_path, server.url, "m")
            result = await going("phase2", tmp_path, config, shop)
            assert result.ok
            assert result.fell_back
            assert {made.offline_reason for one in result.phases for made in one.result.made} == {"no_model"}
            server.put(script())
            healed = await going("phase2", tmp_path, config, shop)
            assert {made.model for one in healed.phases for made in one.result.made} == {"m"}

    asyncio.run(scenario())


def test_windows_smaller_than_they_were_said_to_be_get_a_smaller_question_in_the_same_run(
    tmp_path: Path, kit: Any
) -> None:
    async def scenario() -> None:
        long = {"status": 400, "code": "context_length_exceeded", "message": "maximum context length is 9000 tokens"}
        agents = {"contains": "You are one of several agents", "do": [long, long, {"text": "- It sells `big.py:2`"}]}
        plan = {"contains": "You plan the close reading", "do": [{"text": kit.plan(["big.py", "more.py"])}]}
        async with ScriptedServer(script(match=[plan, agents])) as server:
            config = configuration(tmp_path, server.url, "one", "two")
            repo = kit.repository({"big.py": kit.body("big", 2000), "more.py": kit.body("more", 2000)})
            result = await going("phase3", tmp_path, config, repo)
            [found] = result.phases[2].result.findings
            tried = [one.outcome for one in result.phases[2].attempts if one.model != "offline"]
            assert tried == ["context_too_long", "context_too_long", "ok"]
            assert (found.text, found.made.offline) == ("- It sells `big.py:2`", False)
            assert "'s window took a smaller question" in found.made.reading
            bodies = [json.dumps(one["body"]) for one in server.requests]
            sizes = [len(body) for body in bodies if "You are one of several agents" in body]
            assert sizes[2] < 0.8 * sizes[0]

    asyncio.run(scenario())


STOPS = {
    "phase1": ("Your role in the first step is technology", 2),
    "phase2": ("You plan the close reading", 3),
    "phase3": ("Charge 2", 5),
    "phase4": ("Make one picture of them", 6),
    "phase5": ("Write the report that a new senior engineer reads", 7),
}
"""The question at which a run is cancelled in each phase, and how many answers it has stored by then."""


async def stored_but(asked: str, kept: int, server: ScriptedServer, state: Path) -> None:
    """Wait until one question hangs at the server and so many answers to others are stored.

    That the server has answered is not enough: an answer on its way is not the run's yet.
    """
    for _ in range(12_000):
        hangs = any(asked in json.dumps(one["body"]) for one in [*server.requests])
        if hangs and stored(state) == kept:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"{asked} never came alone: {stored(state)} stored")


def stored(state: Path) -> int:
    """Return how many answers a state holds."""
    with contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as reader:
        return int(reader.execute("SELECT count(*) FROM phase_results").fetchone()[0])


@pytest.mark.parametrize("phase", STOPS)
def test_a_run_cancelled_in_any_phase_buys_nothing_twice(tmp_path: Path, shop: Any, phase: str) -> None:
    asked, kept = STOPS[phase]

    async def scenario() -> None:
        hang = {"contains": asked, "do": [{"fault": "hang"}]}
        async with ScriptedServer(script(match=[hang])) as server:
            config = configuration(tmp_path, server.url, "m")
            task = asyncio.create_task(going("final", tmp_path, config, shop))
            await stored_but(asked, kept, server, tmp_path / "state.db")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert server.counts["models"].total() == kept + 1
            server.put(script())
            result = await going("final", tmp_path, config, shop)
            assert result.ok
            assert server.counts["models"].total() == 9 + 1

    asyncio.run(scenario())
