"""Failures by their right name, beyond the recorded ones: unknown types, refusals, scopes, resets, windows."""

# ruff: noqa: E501 - what providers say stands as they said it

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.providers.classify import classify

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()


def error(message: str = "", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def google(status: str, *details: dict[str, Any], message: str = "") -> dict[str, Any]:
    return {"error": {"code": 429, "message": message, "status": status, "details": list(details)}}


def openrouter(**metadata: Any) -> dict[str, Any]:
    return {"error": {"message": "m", "metadata": metadata}}


DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
MINUTE = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
}
DELAY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}

STATUSES = [
    (400, "invalid_request"),
    (401, "auth"),
    (402, "quota_exhausted"),
    (403, "auth"),
    (404, "model_not_found"),
    (405, "invalid_request"),
    (408, "timeout"),
    (409, "invalid_request"),
    (413, "context_too_long"),
    (418, "invalid_request"),
    (422, "invalid_request"),
    (429, "rate_limited"),
    (500, "server_error"),
    (501, "server_error"),
    (502, "server_error"),
    (503, "overloaded"),
    (504, "timeout"),
    (520, "server_error"),
    (524, "timeout"),
    (529, "overloaded"),
    (599, "server_error"),
]


@pytest.mark.parametrize(("status", "outcome"), STATUSES)
def test_unknown_types_fall_back_to_the_status(status: int, outcome: str) -> None:
    assert (
        classify(status, {}, error("Never seen before.", type="brand_new_error", code="x99"), NOW).outcome == outcome
    )


ROWS: list[tuple[str, int, Any, str]] = [
    (
        "row 25",
        401,
        error("Incorrect API key provided", code="invalid_api_key", type="invalid_request_error"),
        "auth",
    ),
    (
        "row 26",
        400,
        {
            "error": {
                "code": 400,
                "status": "INVALID_ARGUMENT",
                "details": [{"reason": "API_KEY_INVALID"}],
                "message": "x",
            }
        },
        "auth",
    ),
    (
        "row 27",
        403,
        error("Country, region, or territory not supported", code="unsupported_country_region_territory"),
        "auth",
    ),
    (
        "row 27, Gemini",
        400,
        {
            "error": {
                "code": 400,
                "status": "FAILED_PRECONDITION",
                "message": "User location is not supported for the API use.",
            }
        },
        "auth",
    ),
    (
        "row 28",
        402,
        error("Insufficient Balance", type="unknown_error", code="invalid_request_error"),
        "quota_exhausted",
    ),
    ("row 28, OpenAI", 429, error("You exceeded your current quota", code="insufficient_quota"), "quota_exhausted"),
    (
        "row 28, new code under an old type",
        429,
        error("x", type="insufficient_quota", code="credit_balance_exhausted"),
        "quota_exhausted",
    ),
    (
        "row 28, xAI",
        403,
        {
            "code": "The caller does not have permission",
            "error": "Your team has used all available credits or reached its monthly spending limit.",
        },
        "quota_exhausted",
    ),
    (
        "row 29",
        429,
        {
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "message": "x",
                "details": {"error_code": "enforced_spend_limit_reached"},
            },
        },
        "quota_exhausted",
    ),
    (
        "row 30",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            },
        },
        "quota_exhausted",
    ),
    ("row 31", 429, google("RESOURCE_EXHAUSTED", DAILY, DELAY), "quota_exhausted"),
    ("row 31, a minute only", 429, google("RESOURCE_EXHAUSTED", MINUTE, DELAY), "rate_limited"),
    ("row 32", 404, error("The model `x` does not exist", code="model_not_found"), "model_not_found"),
    (
        "row 33",
        400,
        error("This model's maximum context length is 8192 tokens", code="context_length_exceeded"),
        "context_too_long",
    ),
    (
        "row 33, words only",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 300000 tokens > 200000 maximum",
            },
        },
        "context_too_long",
    ),
    (
        "row 33, llama.cpp",
        400,
        error("the request exceeds the available context size", type="exceed_context_size_error", code=400),
        "context_too_long",
    ),
    (
        "row 34",
        413,
        {"type": "error", "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}},
        "context_too_long",
    ),
    ("row 34, as a page's words", 413, "Payload Too Large", "context_too_long"),
    (
        "row 35",
        400,
        error("Output blocked by content filtering policy", type="invalid_request_error"),
        "content_filtered",
    ),
    (
        "row 36",
        400,
        error("Unsupported parameter: 'max_tokens'", code="unsupported_parameter", param="max_tokens"),
        "invalid_request",
    ),
    (
        "a code beats words of another trade",
        400,
        error("Your credit balance of rate limits", code="model_not_found"),
        "model_not_found",
    ),
    (
        "a rate limit that speaks of an upgrade",
        429,
        error("Rate limit reached. Need more tokens? Upgrade in billing", code="rate_limit_exceeded"),
        "rate_limited",
    ),
    ("a 200 with an integer code", 200, {"error": {"code": 429, "message": "slow"}}, "rate_limited"),
    ("a 200 with an error in words", 200, {"error": "model overloaded"}, "overloaded"),
    ("plain text 429", 429, "Too many requests", "rate_limited"),
    (
        "FastAPI",
        422,
        {"detail": [{"loc": ["body", "temperature"], "msg": "Input should be less than 2"}]},
        "invalid_request",
    ),
    (
        "vLLM",
        404,
        {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404},
        "model_not_found",
    ),
    (
        "quoted from upstream",
        400,
        {
            "error": {
                "code": 400,
                "message": "Provider returned error",
                "metadata": {"raw": '{"error": {"code": "context_length_exceeded", "message": "m"}}'},
            }
        },
        "context_too_long",
    ),
    (
        "a timeout error inside a stream",
        200,
        {"type": "error", "error": {"type": "timeout_error", "message": "x"}},
        "timeout",
    ),
    (
        "an api_error inside a stream",
        200,
        {"type": "error", "error": {"type": "api_error", "message": "Internal server error"}},
        "server_error",
    ),
    ("an address that is wrong", 404, "404 page not found", "invalid_request"),
    (
        "a rate limit whose advice is to buy a higher tier",
        429,
        {
            "type": "error",
            "error": {
                "type": "rate_limit_error",
                "message": "This request would exceed your organization's rate limit of 9 input tokens per minute. "
                "To raise this limit, purchase credits to advance to the next usage tier.",
            },
        },
        "rate_limited",
    ),
    (
        "the words of an empty account, without their code",
        429,
        error("OpenAIException - You exceeded your current quota, please check your plan and billing details."),
        "quota_exhausted",
    ),
    (
        "the same words of Gemini, which says them of a minute too",
        429,
        google(
            "RESOURCE_EXHAUSTED",
            MINUTE,
            DELAY,
            message="You exceeded your current quota, please check your plan and billing details. "
            "For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
        ),
        "rate_limited",
    ),
    (
        "DeepSeek names the models that it has",
        400,
        error("The supported API model names are a or b, but you passed c.", type="invalid_request_error"),
        "model_not_found",
    ),
    (
        "row 33, Ollama's cloud",
        400,
        error("prompt too long; exceeded max context length by 12 tokens", type="invalid_request_error"),
        "context_too_long",
    ),
    ("DeepSeek's filter", 400, error("Content Exists Risk", type="invalid_request_error"), "content_filtered"),
    (
        "xAI's filter",
        403,
        {"code": "The caller does not have permission", "error": "Content violates usage guidelines."},
        "content_filtered",
    ),
    ("DashScope's filter", 400, error("May be improper.", code="data_inspection_failed"), "content_filtered"),
    ("an upstream's filter, by its code", 200, error("x", code="cyber_policy"), "content_filtered"),
    (
        "OpenRouter, a key's own limit",
        403,
        error("Key limit exceeded (monthly limit). Manage it in the settings.", code=403),
        "quota_exhausted",
    ),
    ("LiteLLM, a key's budget", 400, error("Budget has been exceeded!", type="budget_exceeded"), "quota_exhausted"),
    ("LiteLLM, a model that a key may not use", 401, error("x", type="key_model_access_denied"), "model_not_found"),
    ("LiteLLM, an old key", 400, error("x", type="expired_key"), "auth"),
    ("LiteLLM, a key unknown to it", 400, error("No connected db.", type="no_db_connection", code="400"), "auth"),
    (
        "LiteLLM hands on a class of its own",
        400,
        error("litellm.ContextWindowExceededError: m", type=None, code="400"),
        "context_too_long",
    ),
    ("OpenRouter's own type, in a stream", 200, openrouter(error_type="provider_overloaded"), "overloaded"),
    ("OpenRouter's own type of a refusal", 403, openrouter(error_type="refusal"), "content_filtered"),
    ("OpenRouter, a prompt with a wrong role", 400, openrouter(error_type="invalid_prompt"), "invalid_request"),
    ("OpenRouter, a budget", 403, openrouter(limit_source="openrouter_workspace_budget"), "quota_exhausted"),
    ("OpenRouter, too much at once", 402, openrouter(limit_source="openrouter_in_flight_budget"), "rate_limited"),
    (
        "OpenRouter, a guardrail",
        403,
        error("Request blocked: prompt injection patterns detected"),
        "content_filtered",
    ),
    ("Cerebras, a full queue", 429, error("Please try again soon.", code="queue_exceeded"), "overloaded"),
    ("Cerebras, too many at once", 429, error("x", code="request_quota_exceeded"), "rate_limited"),
    ("Moonshot, an empty account", 429, error("x", type="exceeded_current_quota_error"), "quota_exhausted"),
    ("Moonshot, a busy engine", 429, error("x", type="engine_overloaded_error"), "overloaded"),
    ("Hugging Face, nobody serves it", 400, error("x", param="model", code="model_not_supported"), "model_not_found"),
    ("a disabled organization", 400, error("This organization has been disabled."), "auth"),
    ("Bedrock, by its type", 400, {"__type": "com.amazon.coral#ThrottlingException", "message": "x"}, "rate_limited"),
    ("Bedrock, a model not ready", 429, {"__type": "ModelNotReadyException", "message": "x"}, "overloaded"),
    (
        "an error as text inside the message",
        400,
        error('{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}'),
        "auth",
    ),
    (
        "an error as text in plain words",
        502,
        'upstream said: {"error": {"type": "overloaded_error", "message": "x"}} (request 7)',
        "overloaded",
    ),
    (
        "Cloudflare lists its errors",
        400,
        {"success": False, "errors": [{"code": 5007, "message": "No such model x or task"}], "result": None},
        "model_not_found",
    ),
    (
        "Text Generation Inference",
        422,
        {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 and 20"},
        "context_too_long",
    ),
]


@pytest.mark.parametrize(("name", "status", "body", "outcome"), ROWS, ids=[row[0] for row in ROWS])
def test_rows_25_to_36_have_their_outcome(name: str, status: int, body: Any, outcome: str) -> None:
    assert classify(status, {}, body, NOW).outcome == outcome


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", "rate_limited"),
        ("AccessDeniedException", "auth"),
        ("ServiceUnavailableException", "overloaded"),
        ("ValidationException", "invalid_request"),
    ],
)
def test_a_type_that_only_a_header_names_counts(said: str, outcome: str) -> None:
    assert classify(400, {"x-amzn-errortype": said}, {"message": "x"}, NOW).outcome == outcome


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "details", "metadata", "raw", "violations", "status", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([200, 400, 404, 429, 500]), json_values)
def test_no_body_raises(status: int, body: Any) -> None:
    verdict = classify(status, {}, body, NOW)
    assert verdict.outcome not in ("ok", "cancelled", "truncated")
