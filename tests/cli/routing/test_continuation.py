"""A cut answer is continued once by whoever began it, in every protocol; what comes of that is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import PATHS
from routing_bench import OK, Bench, bench, failed
from scripted_server import ScriptedServer, ServerThread

from archfb.events import Note
from archfb.providers.exchange import Question, Reply, Usage
from archfb.routing.answer import Answer
from archfb.routing.continuation import joined
from archfb.routing.json import answer_json
from archfb.routing.router import Router
from archfb_state.outcomes import Outcome
from archfb_state.storage.memory_store import MemoryStore

CUT = Reply(Outcome.TRUNCATED, "The first half", "length", Usage(10, 5, 1, None), latency_ms=20.0)
REST = Reply(Outcome.OK, " and the rest.", "stop", Usage(20, 6, None, 4), latency_ms=20.0)
PRICED: dict[str, Any] = {"a": {"input_price": 1000.0, "output_price": 2000.0}, "b": {}}


def asked(on: Bench, **how: Any) -> Answer:
    return asyncio.run(on.router.ask("phase2", "What is it?", **how))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with ServerThread() as running:
        yield running


def configuration(url: str, api: str, stream: bool) -> str:
    lines = ["[routing]", "offline = false", "[providers.p]", f'api = "{api}"', f'base_url = "{url}{PATHS[api]}"']
    lines += ["[models.m]", 'provider = "p"', 'model = "m"', f"stream = {str(stream).lower()}"]
    lines += ["input_price = 1000.0", "output_price = 2000.0", "[chains]", 'phase1 = ["m"]']
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "plain"])
@pytest.mark.parametrize("api", PATHS)
def test_a_cut_answer_is_continued_once_and_joined_in_every_protocol(
    server: ScriptedServer, tmp_path: Path, api: str, stream: bool
) -> None:
    halves = [{"text": "The first half", "finish": "length"}, {"text": " and the rest."}, {"text": "too often"}]
    server.put({"models": {"m": halves}})
    (tmp_path / "c.toml").write_text(configuration(server.url, api, stream))

    async def main() -> Answer:
        async with Router.open(tmp_path / "c.toml", environ={}, store=MemoryStore()) as router:
            return await router.ask("phase1", "What is it?")

    before = len(server.requests)
    answer = asyncio.run(main())
    assert (answer.text, answer.truncated, answer.continued) == ("The first half and the rest.", False, True)
    assert [str(one.outcome) for one in answer.attempts] == ["truncated", "ok"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (22, 14)
    assert answer.cost_usd == pytest.approx(0.05)
    sent = [str(one["body"]) for one in list(server.requests)[before:]]
    assert ["The first half" in one for one in sent] == [False, True]
    assert "Continue exactly where your answer stopped" in sent[1]


def test_the_continuation_is_asked_of_who_began_it_with_all_the_call_was_told() -> None:
    on = bench(PRICED, {"a": [CUT, REST]})
    answer = asked(on)
    assert (answer.text, answer.finish_reason, answer.model) == ("The first half and the rest.", "stop", "a")
    assert answer.usage == Usage(30, 11, 1, 4)
    assert answer.cost_usd == pytest.approx(0.01 + 0.01 + 0.02 + 0.012)
    assert on.asked == ["a", "a"]
    assert on.transport.questions[1] == Question("What is it?", prefix="The first half")
    assert [one.outcome for one in on.store.attempts()] == [one.outcome for one in answer.attempts]
    assert [one.text for one in on.events if isinstance(one, Note)] == [
        "a stopped at its output limit: asked once to go on"
    ]


def test_an_answer_cut_again_is_not_continued_twice_and_is_marked() -> None:
    on = bench(PRICED, {"a": [CUT, CUT._replace(text=", a middle"), REST]})
    answer = asked(on)
    assert (answer.ok, answer.text) == (True, "The first half, a middle")
    document = answer_json(answer)
    assert (document["truncated"], document["continued"], document["finish_reason"]) == (True, True, "length")
    assert on.asked == ["a", "a"]


def test_what_came_before_a_continuation_that_failed_is_kept_and_marked() -> None:
    on = bench(PRICED, {"a": [CUT, failed("invalid_request")], "b": [OK]})
    answer = asked(on)
    assert (answer.ok, answer.text, answer.model) == (True, "The first half", "a")
    assert (answer.truncated, answer.continued, answer.error) == (True, False, None)
    assert [str(one.outcome) for one in answer.attempts] == ["truncated", "invalid_request"]
    assert (answer.usage, answer.cost_usd) == (CUT.usage, pytest.approx(0.02))
    assert on.asked == ["a", "a"]


LEFT_ALONE: dict[str, tuple[Reply, dict[str, Any]]] = {
    "cut by a window that is full": (CUT._replace(finish_reason="model_context_window_exceeded"), {}),
    "not wished": (CUT, {"continues": False}),
    "no time left": (CUT, {"deadline": 0.02}),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_a_cut_answer_that_cannot_be_continued_is_marked(case: str) -> None:
    reply, how = LEFT_ALONE[case]
    on = bench(["a"], {"a": [reply, REST]})
    answer = asked(on, **how)
    assert (answer.ok, answer.text, answer.truncated, answer.continued) == (True, "The first half", True, False)
    assert on.asked == ["a"]


def test_a_continuation_that_the_cost_limit_leaves_no_room_for_is_not_asked() -> None:
    priced = {"a": {"input_price": 1000.0, "output_price": 1000.0, "max_output_tokens": 30}}
    on = bench(priced, {"a": [CUT, REST]}, max_cost=0.04)
    answer = asked(on)
    assert (answer.text, answer.truncated, on.asked) == ("The first half", True, ["a"])


def test_a_prompt_that_shrinks_leaves_the_window_room_for_what_is_continued() -> None:
    on = bench(
        {"a": {"context_window": 5000, "max_output_tokens": 1000}}, {"a": [CUT._replace(text="x" * 3600), REST]}
    )
    budgets: list[int | None] = []

    def build(budget: int | None) -> Question:
        budgets.append(budget)
        return Question("What is it?")

    assert asked(on, build=build).continued
    assert [one for one in budgets if one is not None] == [4000, 3000]


SEAMS = {
    "goes on exactly": ("one, two", ", three", "one, two, three"),
    "repeats its last line": ("- a\n- the cart sells\n", "- the cart sells\n- z\n", "- a\n- the cart sells\n- z\n"),
    "says the same again": ("Half an ans", "Half an ans", "Half an ans"),
    "begins anew": ("Half an ans", "Half an answer.", "Half an answer."),
    "begins with what is meant": ("ha ha", " ha ha", "ha ha ha ha"),
    "cut within a word": ("It auth", "enticates users.", "It authenticates users."),
}  # fmt: skip


@pytest.mark.parametrize("case", SEAMS)
def test_the_two_parts_are_joined_without_a_seam(case: str) -> None:
    begun, rest, whole = SEAMS[case]
    assert joined(begun, rest) == whole
