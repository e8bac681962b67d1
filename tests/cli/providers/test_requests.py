"""What is sent: every protocol's request, and how each model family takes reasoning, temperature and limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asking import CANARY, PATHS, target_at

from archfb.config.load import load
from archfb.providers.exchange import Question, Target
from archfb.providers.wires import WIRES

URL = "https://models.example"


def sent(api: str, question: Question | None = None, **model: Any) -> dict[str, Any]:
    """Return the body that is sent for a preset."""
    target = target_at(URL, api, **{"stream": False, **model})
    return dict(WIRES[api].request(target, question or Question("hi")).body or {})


ADDRESSES = {
    "openai-chat": (f"{URL}/v1/chat/completions", "authorization", f"Bearer {CANARY}"),
    "openai-responses": (f"{URL}/v1/responses", "authorization", f"Bearer {CANARY}"),
    "anthropic": (f"{URL}/v1/messages", "x-api-key", CANARY),
    "gemini": (f"{URL}/v1beta/models/m:streamGenerateContent?alt=sse", "x-goog-api-key", CANARY),
}


@pytest.mark.parametrize("api", PATHS)
def test_the_key_is_in_one_header_and_nowhere_else(api: str) -> None:
    request = WIRES[api].request(target_at(URL, api), Question("hi", system="be brief"))
    address, header, value = ADDRESSES[api]
    assert request.url == address
    assert [name for name, said in request.headers.items() if CANARY in said] == [header]
    assert request.headers[header] == value
    assert CANARY not in request.url + json.dumps(request.body) + repr(request) + repr(target_at(URL, api))


BODIES: dict[str, Any] = {
    "openai-chat": {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "temperature": 0.2,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "openai-responses": {
        "model": "m",
        "input": [{"role": "user", "content": "hi"}],
        "store": False,
        "instructions": "s",
        "max_output_tokens": 16,
        "temperature": 0.2,
        "stream": True,
    },
    "anthropic": {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "system": "s",
        "temperature": 0.2,
        "stream": True,
    },
    "gemini": {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "generationConfig": {"maxOutputTokens": 9, "temperature": 0.2},
    },
}


@pytest.mark.parametrize("api", PATHS)
def test_a_whole_question_becomes_a_whole_request(api: str) -> None:
    """Row 37: one output token is raised to the 16 that the Responses API demands."""
    question = Question("hi", system="s", max_output_tokens=9)
    assert sent(api, question, temperature=0.2, stream=True) == BODIES[api]


@pytest.mark.parametrize("api", PATHS)
def test_a_continuation_ends_on_the_users_turn(api: str) -> None:
    body = sent(api, Question("hi", prefix="Once upon"))
    turns = body.get("messages") or body.get("input") or body["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model" if api == "gemini" else "assistant", "user"]
    assert "Once upon" in json.dumps(turns[1])


def reasoning(api: str, model: str, wanted: str | None, **more: Any) -> dict[str, Any]:
    """Return what of a request's body is about reasoning, temperature and limits."""
    body = sent(api, id=model, reasoning=wanted, temperature=0.5, max_output_tokens=more.pop("limit", 8192), **more)
    known = (
        "reasoning",
        "reasoning_effort",
        "thinking",
        "output_config",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
    )
    options = body.get("generationConfig", {})
    return {name: body[name] for name in known if name in body} | {
        name: options[name] for name in ("thinkingConfig",) if name in options
    }


def effort(word: str) -> dict[str, Any]:
    return {"reasoning": {"effort": word}}


def level(word: str) -> dict[str, Any]:
    return {"thinkingConfig": {"thinkingLevel": word}}


def budget(tokens: int) -> dict[str, Any]:
    return {"thinkingConfig": {"thinkingBudget": tokens}}


def adaptive(word: str | None = None, limit: int = 8192) -> dict[str, Any]:
    return {"thinking": {"type": "adaptive"}, "max_tokens": limit} | (
        {"output_config": {"effort": word}} if word else {}
    )


WARM = {"temperature": 0.5}
FAMILIES: list[tuple[str, str, str | None, dict[str, Any]]] = [
    ("openai-responses", "gpt-4.1", "high", WARM),
    ("openai-responses", "gpt-4o-mini", None, WARM),
    ("openai-responses", "o4-mini", "disabled", effort("low")),
    ("openai-responses", "o3", "enabled", effort("medium")),
    ("openai-responses", "gpt-5-mini", "disabled", effort("minimal")),
    ("openai-responses", "gpt-5-2025-08-07", "high", effort("high")),
    ("openai-responses", "gpt-5", None, {}),
    ("openai-responses", "gpt-5.1", "disabled", effort("none") | WARM),
    ("openai-responses", "gpt-5.4-nano", None, WARM),
    ("openai-responses", "gpt-5.4", "medium", effort("medium")),
    ("openai-responses", "gpt-5.6-sol", None, {}),
    ("openai-responses", "gpt-5.6-luna", "disabled", effort("none") | WARM),
    ("openai-responses", "gpt-5.2-pro", "low", effort("high")),
    ("openai-responses", "gpt-6", "disabled", effort("low")),
    ("openai-responses", "gpt-6-astra", "disabled", effort("low")),
    ("openai-responses", "gpt-6-sol", "disabled", effort("none") | WARM),
    ("openai-responses", "gpt-6-luna", "low", effort("low")),
    ("openai-responses", "gpt-6-luna", None, {}),
    ("openai-responses", "gpt-6.1-terra", "disabled", effort("none") | WARM),
    ("openai-responses", "gpt-6.1-sol", "high", effort("high")),
    (
        "openai-chat",
        "gpt-6.1-terra",
        "disabled",
        WARM | {"reasoning_effort": "none", "max_completion_tokens": 8192},
    ),
    ("openai-chat", "gpt-5-mini", "low", {"reasoning_effort": "low", "max_completion_tokens": 8192}),
    ("openai-chat", "openai/o3-mini", "medium", {"reasoning_effort": "medium", "max_completion_tokens": 8192}),
    ("openai-chat", "gpt-4o", None, WARM | {"max_tokens": 8192}),
    ("openai-chat", "llama3.2", "disabled", WARM | {"max_tokens": 8192}),
    ("openai-chat", "llama3.2", "high", WARM | {"reasoning_effort": "high", "max_tokens": 8192}),
    (
        "openai-chat",
        "deepseek-v4-pro",
        "high",
        {"reasoning_effort": "high", "thinking": {"type": "enabled"}, "max_tokens": 8192},
    ),
    ("openai-chat", "deepseek-v4-flash", "disabled", WARM | {"thinking": {"type": "disabled"}, "max_tokens": 8192}),
    ("openai-chat", "deepseek-reasoner", None, WARM | {"max_tokens": 8192}),
    ("openai-chat", "grok-4", "high", WARM | {"max_tokens": 8192}),
    ("openai-chat", "grok-4.20-reasoning", "high", WARM | {"max_tokens": 8192}),
    ("openai-chat", "grok-4.3", "disabled", WARM | {"reasoning_effort": "none", "max_tokens": 8192}),
    ("openai-chat", "x-ai/grok-4.6", "disabled", WARM | {"reasoning_effort": "low", "max_tokens": 8192}),
    ("openai-chat", "grok-4.6", "medium", WARM | {"reasoning_effort": "medium", "max_tokens": 8192}),
    ("openai-chat", "grok-4.6", "enabled", WARM | {"max_tokens": 8192}),
    ("openai-chat", "glm-4.7", "enabled", WARM | {"thinking": {"type": "enabled"}, "max_tokens": 8192}),
    ("anthropic", "claude-3-5-haiku-20241022", "high", WARM | {"max_tokens": 8192}),
    ("anthropic", "claude-haiku-4-5", None, WARM | {"max_tokens": 8192}),
    ("anthropic", "claude-haiku-4-5", "disabled", WARM | {"max_tokens": 8192}),
    (
        "anthropic",
        "claude-sonnet-4-5-20250929",
        "low",
        {"thinking": {"type": "enabled", "budget_tokens": 2048}, "max_tokens": 8192},
    ),
    (
        "anthropic",
        "claude-sonnet-4-20250514",
        "high",
        {"thinking": {"type": "enabled", "budget_tokens": 4096}, "max_tokens": 8192},
    ),
    ("anthropic", "claude-sonnet-4-6", "disabled", WARM | {"max_tokens": 8192}),
    ("anthropic", "claude-opus-4-6", "high", adaptive("high")),
    ("anthropic", "claude-opus-4-7", None, {"max_tokens": 8192}),
    ("anthropic", "claude-opus-4-8", "enabled", adaptive()),
    ("anthropic", "claude-sonnet-5", "disabled", {"thinking": {"type": "disabled"}, "max_tokens": 8192}),
    ("anthropic", "claude-sonnet-5-5", "disabled", {"thinking": {"type": "between_tools"}, "max_tokens": 8192}),
    ("anthropic", "claude-opus-5-5", "disabled", {"output_config": {"effort": "low"}, "max_tokens": 8192}),
    ("anthropic", "claude-fable-5-1", "medium", adaptive("medium")),
    ("gemini", "gemini-2.0-flash", "high", {}),
    ("gemini", "gemini-2.5-flash", "disabled", budget(0)),
    ("gemini", "gemini-2.5-pro", "disabled", budget(128)),
    ("gemini", "gemini-2.5-flash", "enabled", budget(-1)),
    ("gemini", "models/gemini-2.5-pro", "high", budget(24576)),
    ("gemini", "gemini-2.5-flash", None, {}),
    ("gemini", "gemini-3-pro-preview", "disabled", level("low")),
    ("gemini", "gemini-3-pro-preview", "medium", level("high")),
    ("gemini", "gemini-3.1-pro-preview", "medium", level("medium")),
    ("gemini", "gemini-3-flash-preview", "disabled", level("minimal")),
    ("gemini", "gemini-3.5-flash", "high", level("high")),
    ("gemini", "gemini-3.8-flash", "disabled", level("low")),
    ("gemini", "gemini-3.5-flash", "enabled", {}),
]


@pytest.mark.parametrize(
    ("api", "model", "wanted", "expected"), FAMILIES, ids=[f"{row[1]}-{row[2]}" for row in FAMILIES]
)
def test_each_family_takes_reasoning_temperature_and_limit_its_own_way(
    api: str, model: str, wanted: str | None, expected: dict[str, Any]
) -> None:
    assert reasoning(api, model, wanted) == expected


def test_claudes_limit_is_always_above_its_thinking_budget() -> None:
    for limit in (1, 16, 1024, 1500, 2048, 2049, 5000, 64_000):
        for wanted in ("low", "medium", "enabled", "high"):
            body = reasoning("anthropic", "claude-haiku-4-5", wanted, limit=limit)
            assert body["max_tokens"] > body["thinking"]["budget_tokens"] >= 1024
            assert body["max_tokens"] >= limit


LEARNED: list[tuple[str, str, str | None, dict[str, str], dict[str, Any]]] = [
    (
        "openai-chat",
        "m",
        None,
        {"max_output_tokens_name": "max_completion_tokens"},
        {"max_completion_tokens": 8192} | WARM,
    ),
    (
        "openai-chat",
        "m",
        None,
        {"max_output_tokens": "4096", "max_output_tokens_name": "max_completion_tokens"},
        {"max_completion_tokens": 4096} | WARM,
    ),
    ("openai-chat", "m", None, {"max_output_tokens": "", "max_output_tokens_name": "max_completion_tokens"}, WARM),
    ("openai-chat", "m", None, {"max_output_tokens": ""}, WARM),
    ("openai-chat", "m", None, {"max_output_tokens": "4096"}, {**WARM, "max_tokens": 4096}),
    ("openai-chat", "m", None, {"max_output_tokens": "99999"}, {**WARM, "max_tokens": 8192}),
    ("anthropic", "claude-3-haiku-20240307", None, {"max_output_tokens": "4096"}, {**WARM, "max_tokens": 4096}),
    ("openai-chat", "m", None, {"temperature": ""}, {"max_tokens": 8192}),
    (
        "openai-chat",
        "gpt-5-mini",
        "disabled",
        {"reasoning": "low"},
        {"reasoning_effort": "low", "max_completion_tokens": 8192},
    ),
    ("openai-chat", "deepseek-v4-pro", "high", {"reasoning": ""}, {"max_tokens": 8192}),
    ("openai-responses", "gpt-5-mini", "disabled", {"reasoning": "low"}, effort("low")),
    ("openai-responses", "gpt-5-mini", "disabled", {"reasoning": ""}, {}),
    ("anthropic", "claude-haiku-9", "high", {"reasoning": ""}, {"max_tokens": 8192}),
    ("anthropic", "claude-haiku-4-5", "high", {"reasoning": "adaptive"}, adaptive("high")),
    (
        "anthropic",
        "claude-opus-9",
        "disabled",
        {"reasoning": "adaptive"},
        {"output_config": {"effort": "low"}, "max_tokens": 8192},
    ),
    (
        "anthropic",
        "claude-opus-9",
        "disabled",
        {"reasoning": "between_tools"},
        {"thinking": {"type": "between_tools"}, "max_tokens": 8192},
    ),
    ("gemini", "gemini-2.5-pro", "high", {"reasoning": ""}, {}),
    ("gemini", "gemini-3-pro", "medium", {"reasoning": "low"}, level("low")),
]


@pytest.mark.parametrize(("api", "model", "wanted", "learned", "expected"), LEARNED)
def test_row_36_what_a_model_refused_is_left_out_or_replaced(
    api: str, model: str, wanted: str | None, learned: dict[str, str], expected: dict[str, Any]
) -> None:
    assert reasoning(api, model, wanted, learned=learned) == expected


@pytest.mark.parametrize("api", PATHS)
def test_a_refused_stream_is_not_asked_for_again(api: str) -> None:
    request = WIRES[api].request(target_at(URL, api, learned={"stream": "", "stream_options": ""}), Question("hi"))
    assert "stream" not in (request.body or {})
    assert "stream_options" not in (request.body or {})
    assert "stream" not in request.url


def test_the_shipped_precise_preset_really_sends_its_temperature() -> None:
    config = load(None, environ={}, cwd=Path("/"), user_dir=Path("/nonexistent"))
    model = config.models["openai-precise"]
    request = WIRES["openai-responses"].request(Target(model, config.providers[model.provider]), Question("hi"))
    assert (request.body or {})["temperature"] == 0.2
    assert (request.body or {})["reasoning"] == {"effort": "none"}
