"""Probes cost nothing or next to it, and their answers are checked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asking import CANARY, PATHS, ROOM, target_at
from scripted_server import ScriptedServer

from archfb.config.model import Model, Provider
from archfb.providers import probes
from archfb.providers.exchange import Reply, Target
from archfb.providers.keys import Key
from archfb.providers.transport import Transport
from archfb.providers.wires import can_metadata
from archfb_state.outcomes import Outcome


def probed(
    script: dict[str, Any], api: str, kind: str = "metadata", **model: Any
) -> tuple[Reply, list[dict[str, Any]]]:
    async def main() -> tuple[Reply, list[dict[str, Any]]]:
        async with ScriptedServer(script) as server, Transport(environ={}) as transport:
            reply = await transport.probe(target_at(server.url, api, **model), kind, ROOM)
            return reply, list(server.requests)

    return asyncio.run(main())


@pytest.mark.parametrize("api", PATHS)
def test_metadata_is_free_and_its_answer_is_checked(api: str) -> None:
    reply, requests = probed({"models": {"m": [{}], "other": [{}]}}, api)
    assert (reply.outcome, reply.model_reported) == ("ok", "m")
    assert {request["method"] for request in requests} == {"GET"}
    reply, _ = probed({"models": {"other": [{}]}}, api)
    assert (reply.outcome, reply.scope) == ("model_not_found", "model")
    everywhere = ("m", "models", "/v1/models", "/v1/models/m", "/v1beta/models/m")
    for status, outcome in ((401, "auth"), (429, "rate_limited"), (500, "server_error"), (503, "overloaded")):
        reply, _ = probed({"metadata": {place: [{"status": status}] for place in everywhere}}, api)
        assert reply.outcome == outcome
    for say in ({"body": {"hello": 1}}, {"fault": "html", "status": 200}, {"fault": "empty"}, {"body": "[]"}):
        reply, _ = probed({"metadata": {place: [say] for place in everywhere}}, api)
        assert reply.outcome == "malformed", say


def test_a_server_without_a_list_of_models_is_blamed_on_nobody() -> None:
    reply, _ = probed({"metadata": {"/v1/models": [{"status": 404, "body": "404 page not found"}]}}, "openai-chat")
    assert (reply.outcome, reply.code) == ("invalid_request", "no_metadata")


def test_deepseek_and_ollama_are_asked_their_own_way() -> None:
    def urls(base: str) -> list[str]:
        target = Target(Model("m", "p", "llama3"), Provider("p", "openai-chat", base), Key("K", CANARY))
        return [step.request.url for step in probes.steps(target)]

    assert urls("https://api.deepseek.com/v1") == [
        "https://api.deepseek.com/v1/models",
        "https://api.deepseek.com/user/balance",
    ]
    assert urls("http://localhost:11434/v1") == ["http://localhost:11434/api/tags"]
    assert urls("https://api.openai.com/v1")[0] == "https://api.openai.com/v1/models/llama3"
    assert urls("http://localhost:8000/v1") == ["http://localhost:8000/v1/models"]
    target = Target(Model("m", "p", "llama3"), Provider("p", "openai-chat", "http://x"))
    good = Reply(Outcome.OK, http_status=200)
    tags = probes.steps(Target(target.model, Provider("p", "openai-chat", "http://localhost:11434")))[0]
    assert probes.checked(tags, target, good, {"models": [{"name": "llama3:latest"}]}).outcome == "ok"
    balance = probes.steps(Target(target.model, Provider("p", "openai-chat", "https://api.deepseek.com")))[1]
    assert probes.checked(balance, target, good, {"is_available": False}).outcome == "quota_exhausted"
    assert probes.checked(balance, target, good, {"is_available": True}).outcome == "ok"


COMPLETIONS: list[tuple[str, str, int]] = [
    ("openai-chat", "gpt-4o", 16),
    ("openai-responses", "gpt-5-mini", 16),
    ("anthropic", "claude-haiku-4-5", 16),
    ("gemini", "gemini-2.5-flash", 16),
    ("gemini", "gemini-2.5-pro", 64),
    ("gemini", "gemini-3-pro-preview", 64),
    ("gemini", "gemini-2.0-flash", 16),
]


@pytest.mark.parametrize(("api", "model", "tokens"), COMPLETIONS)
def test_row_37_a_completion_probe_asks_for_as_little_as_is_taken(api: str, model: str, tokens: int) -> None:
    reply, requests = probed(
        {"default": [{"text": "OK"}]}, api, "completion", id=model, reasoning="high", temperature=0.2
    )
    assert reply.outcome == "ok"
    body = requests[0]["body"]
    limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    limits.append(body.get("generationConfig", {}).get("maxOutputTokens"))
    assert [one for one in limits if one is not None] == [tokens]
    assert "temperature" not in json.dumps(body)


def test_a_completion_probe_cut_at_its_limit_is_a_success_and_nonsense_is_none() -> None:
    assert probed({"default": [{"text": "", "finish": "length"}]}, "openai-chat", "completion")[0].outcome == "ok"
    assert probed({"default": [{"text": ""}]}, "openai-chat", "completion")[0].outcome == "malformed"
    assert probed({"default": [{"status": 503}]}, "openai-chat", "completion")[0].outcome == "overloaded"


def test_a_completion_probe_does_once_without_the_parameter_that_was_refused() -> None:
    told = "Unsupported value: 'minimal' is not supported with the 'm' model. Supported values are: 'low' and 'high'."
    refusal = {"status": 400, "body": {"error": {"message": told, "param": "reasoning_effort"}}}
    reply, requests = probed({"default": [refusal, {"text": "OK"}]}, "openai-chat", "completion", id="gpt-5-new")
    assert reply.outcome == "ok"
    assert [request["body"]["reasoning_effort"] for request in requests] == ["minimal", "low"]
    reply, requests = probed({"default": [refusal]}, "openai-chat", "completion", id="gpt-5-new")
    assert (reply.outcome, len(requests)) == ("invalid_request", 2)


def test_every_api_says_whether_it_has_metadata() -> None:
    assert all(
        can_metadata(Provider("p", api))
        for api in ("openai-chat", "openai-responses", "anthropic", "gemini", "offline")
    )  # type: ignore[arg-type]
