"""What goes with a failure: whose it is, when it ends, the true window, the refused parameter, what remains."""

# ruff: noqa: E501 - what providers say stands as they said it

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from asking import Ask

from archfb.providers.classify import classify
from archfb.providers.headroom import headroom

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()


def error(message: str = "", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def google(status: str, *details: dict[str, Any], message: str = "") -> dict[str, Any]:
    return {"error": {"code": 429, "message": message, "status": status, "details": list(details)}}


DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
MINUTE = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}],
}
DELAY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}

SPEND_CAP = {"error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}}
OWN_LIMIT = error(
    "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."
)
PER_DAY = google("RESOURCE_EXHAUSTED", DAILY, DELAY)

SCOPES: list[tuple[int, Any, str | None]] = [
    (401, error("bad key", code="invalid_api_key"), "account"),
    (404, error("no", code="model_not_found"), "model"),
    (429, error("x", code="insufficient_quota"), "account"),
    (429, google("RESOURCE_EXHAUSTED", DAILY), "deployment"),
    (429, google("RESOURCE_EXHAUSTED", {"violations": [{"quotaId": "RequestsPerDayPerProject"}]}), "account"),
    (429, error("This request would exceed your account's rate limit.", type="rate_limit_error"), "account"),
    (429, error("Rate limit reached for gpt-x in organization o", code="rate_limit_exceeded"), "deployment"),
    (429, error("This request would exceed the rate limit for your organization (o) of 30,000 tokens."), "account"),
    (429, error("This would exceed your organization's rate limit of 5 (org: o, model: claude-x)"), "deployment"),
    (429, error("Rate limit reached for organization org-x on requests per min (RPM): Limit 3"), "account"),
    (429, error("Too many requests: rate limit exceeded for this workspace"), "account"),
    (429, error("Your team's token rate limit is used up"), "account"),
    (429, error("Rate limit reached for model `m` in organization `o` service tier `t`"), "deployment"),
    (429, error("Request too large for gpt-x in organization o on tokens per min", code="slow_down"), None),
    (429, error("Rate limit exceeded. See your organization's page"), None),
    (429, error("slow down", code="slow_down"), None),
    (400, error("x"), None),
]


@pytest.mark.parametrize(("status", "body", "scope"), SCOPES)
def test_a_limit_belongs_to_whom_the_answer_names(status: int, body: Any, scope: str | None) -> None:
    assert classify(status, {}, body, NOW).scope == scope


@pytest.mark.parametrize(
    ("name", "value", "scope"),
    [
        ("x-ratelimit-scope", "account", "account"),
        ("x-ratelimit-scope", "organization", "account"),
        ("x-ratelimit-type", "UserByMinute", "account"),
        ("x-ratelimit-type", "UserByModelByMinute", "deployment"),
        ("x-ratelimit-type", "Tokens", None),
        ("x-ratelimit-scope", "shared", None),
        ("x-account", "account", None),
    ],
)
def test_a_limit_belongs_to_whom_a_header_names(name: str, value: str, scope: str | None) -> None:
    assert classify(429, {name: value}, error("slow down", code="slow_down"), NOW).scope == scope
    assert classify(500, {name: value}, error("oh"), NOW).scope is None


@pytest.mark.parametrize(
    ("detail", "outcome", "wait"), [(MINUTE, "rate_limited", 37), (DAILY, "quota_exhausted", None)]
)
def test_what_a_gateway_hands_on_inside_its_message_counts_as_if_it_were_said_itself(
    detail: dict[str, Any], outcome: str, wait: float | None
) -> None:
    inside = "VertexAIException - " + json.dumps(google("RESOURCE_EXHAUSTED", detail, DELAY)) + ". Model group m"
    verdict = classify(429, {}, error(inside, code="429"), NOW)
    assert (verdict.outcome, verdict.retry_after_s) == (outcome, wait)


def at(*day: int) -> float:
    return datetime(*day, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


RESETS: list[tuple[Any, float | None]] = [
    (SPEND_CAP, at(2026, 12, 1)),
    (OWN_LIMIT, at(2026, 12, 1)),
    (PER_DAY, at(2026, 11, 24, 8)),
    (error("You will regain access on 2020-01-01 at 00:00 UTC. specified API usage limits"), None),
    (error("You will regain access on 2026-99-99. specified API usage limits"), None),
    (error("x", code="insufficient_quota"), None),
    (
        error("x", metadata={"limit_source": "openrouter_key_limit", "resets_at": "2026-11-30T00:00:00Z"}),
        at(2026, 11, 30),
    ),
]


@pytest.mark.parametrize(("body", "reset_at"), RESETS)
def test_rows_29_to_31_a_quota_ends_when_the_answer_or_the_provider_says(body: Any, reset_at: float | None) -> None:
    verdict = classify(429, {"retry-after": "37"}, body, NOW)
    assert verdict.outcome == "quota_exhausted"
    assert verdict.reset_at == reset_at
    assert verdict.retry_after_s is None


WINDOWS: list[tuple[Any, int | None]] = [
    (error("This model's maximum context length is 4097 tokens.", code="context_length_exceeded"), 4097),
    (error("prompt is too long: 3333404 tokens > 200000 maximum"), 200_000),
    (error("The input token count exceeds the maximum number of tokens allowed (1048576)."), 1_048_576),
    (error("Prompt contains 150004 tokens, too large for model with 131072 maximum context length"), 131_072),
    (error("the request exceeds the available context size", type="exceed_context_size_error", n_ctx=4096), 4096),
    (error("Request too large for m on TPM: Limit 400000, Requested 2500013.", code="rate_limit_exceeded"), 400_000),
    (error("Your input exceeds the context window of this model.", code="context_length_exceeded"), None),
    (error("The input (9000 tokens) is longer than the model's context length (8192 tokens)."), 8192),
    (error("input length and `max_tokens` exceed context limit: 199051 + 21333 > 200000, decrease either"), 200_000),
    (error("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens"), 4096),
]


@pytest.mark.parametrize(("body", "window"), WINDOWS)
def test_row_33_the_true_window_is_read_where_it_is_named(body: Any, window: int | None) -> None:
    verdict = classify(400, {}, body, NOW)
    assert (verdict.outcome, verdict.window) == ("context_too_long", window)


REFUSALS: list[tuple[Any, str | None, str | None]] = [
    (
        error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            param="max_tokens",
        ),
        "max_output_tokens_name",
        "max_completion_tokens",
    ),
    (
        error("Unsupported parameter: 'temperature' is not supported with this model.", param="temperature"),
        "temperature",
        "",
    ),
    (
        error(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
            param="temperature",
        ),
        "temperature",
        "",
    ),
    (error("temperature: range: 0..1"), "temperature", ""),
    (error("`temperature` is deprecated for this model."), "temperature", ""),
    (error("`temperature` may only be set to 1 when thinking is enabled."), "temperature", ""),
    (
        error(
            "Unsupported value: 'minimal' is not supported with the 'o4-mini' model. Supported values are: 'low', 'medium', and 'high'.",
            param="reasoning.effort",
        ),
        "reasoning",
        "low",
    ),
    (
        error(
            "Unsupported value: 'none' is not supported with the 'o3' model. Supported values are: 'low', 'medium', and 'high'.",
            param="reasoning_effort",
        ),
        "reasoning",
        "low",
    ),
    (
        error("This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium."),
        "reasoning",
        "high",
    ),
    (
        error(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        ),
        "reasoning",
        "adaptive",
    ),
    (
        error(
            '"thinking.type.disabled" is not supported for this model. To turn thinking off on this model, send "thinking": {"type": "between_tools"}.'
        ),
        "reasoning",
        "between_tools",
    ),
    (error("Unrecognized request argument supplied: reasoning_effort", param="reasoning_effort"), "reasoning", ""),
    (
        error("Your organization must be verified to stream this model.", param="stream", code="unsupported_value"),
        "stream",
        "",
    ),
    (
        {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
        "stream_options",
        "",
    ),
    (
        {
            "error": {
                "code": 400,
                "message": "Unknown name \"thinkingConfig\" at 'generation_config': Cannot find field.",
                "status": "INVALID_ARGUMENT",
            }
        },
        "reasoning",
        "",
    ),
    (
        error(
            "reasoning_effort='low' is not supported for this model. Must be one of (<E.none: 'none'>, <E.high: 'high'>)"
        ),
        "reasoning",
        "none",
    ),
    (error("The thinking budget (52428) is invalid."), "reasoning", ""),
    (error("The model does not support setting thinking_budget to 0."), "reasoning", ""),
    (error("Unable to submit request because thinking_level is not supported by this model."), "reasoning", ""),
    (error("Thinking level is not supported for this model."), "reasoning", ""),
    (
        error('{"type":"error","error":{"type":"invalid_request_error","message":"temperature: range: 0..1"}}'),
        "temperature",
        "",
    ),
    (error("Budget 0 is invalid. This model only works in thinking mode."), "reasoning", ""),
    (error("The thinking budget 99999 is invalid. Please choose a value between 512 and 24576."), "reasoning", ""),
    (
        error(
            "Unable to submit request because it has a temperature value of 9 but the supported range is from 0 to 2."
        ),
        "temperature",
        "",
    ),
    (
        error("max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens for claude-x"),
        "max_output_tokens",
        "8192",
    ),
    (
        error(
            "max_tokens is too large: 99999. This model supports at most 16384 completion tokens, whereas you provided 99999.",
            param="max_tokens",
            code="invalid_value",
        ),
        "max_output_tokens",
        "16384",
    ),
    (error("messages: at least one message is required", param="messages"), None, None),
    (error("bad"), None, None),
]


@pytest.mark.parametrize(("body", "parameter", "substitute"), REFUSALS)
def test_row_36_the_refused_parameter_and_its_substitute_are_named(
    body: Any, parameter: str | None, substitute: str | None
) -> None:
    verdict = classify(400, {}, body, NOW)
    assert (verdict.outcome, verdict.parameter, verdict.substitute) == ("invalid_request", parameter, substitute)


HEADROOMS: list[tuple[dict[str, str], tuple[int | None, int | None, float | None]]] = [
    ({}, (None, None, None)),
    (
        {
            "x-ratelimit-remaining-requests": "99",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        (99, 0, NOW + 360),
    ),
    ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "21m36.001s"}, (5, None, NOW + 1296.001)),
    (
        {
            "anthropic-ratelimit-requests-remaining": "3",
            "anthropic-ratelimit-input-tokens-remaining": "0",
            "anthropic-ratelimit-tokens-remaining": "80000",
            "anthropic-ratelimit-input-tokens-reset": "2026-11-23T12:01:00Z",
        },
        (3, 0, NOW + 60),
    ),
    (
        {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "1970-01-01T00:00:00Z"},
        (0, None, NOW),
    ),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW * 1000) + 30_000)}, (0, None, NOW + 30)),
    # whatever a server says of its limits
    (
        {
            "x-ratelimit-remaining-requests": "-1",
            "x-ratelimit-remaining-tokens": "many",
            "x-ratelimit-reset-tokens": "1s",
        },
        (None, None, None),
    ),
    ({"x-ratelimit-remaining-requests": "", "x-ratelimit-remaining-tokens": "NaN"}, (None, None, None)),
    ({"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "-5"}, (7, None, None)),
]


@pytest.mark.parametrize(("headers", "room"), HEADROOMS)
def test_row_40_rate_headers_are_read_or_unknown(headers: dict[str, str], room: Any) -> None:
    got = headroom(headers, NOW)
    assert (got.requests, got.tokens) == room[:2]
    assert got.reset_at == (None if room[2] is None else pytest.approx(room[2]))


REQUEST_IDS: list[tuple[Any, str | None]] = [
    ({"type": "error", "error": {"type": "api_error", "message": "x"}, "request_id": "req_011abc"}, "req_011abc"),
    ({"error": {"message": "Please include the request ID req_0123456789ab in your message."}}, "req_0123456789ab"),
    ({"error": {"message": "no id here", "request_id": 7}}, None),
    ("request id req_", None),
]


@pytest.mark.parametrize(("body", "found"), REQUEST_IDS)
def test_a_request_id_is_taken_from_the_body_of_an_error(body: Any, found: str | None) -> None:
    assert classify(500, {}, body, NOW).request_id == found


def test_a_request_id_of_a_header_counts_before_the_bodys(ask: Ask) -> None:
    body = {"type": "error", "error": {"type": "api_error", "message": "x"}, "request_id": "req_body"}
    assert ask({"status": 500, "body": body}, "anthropic")[0].request_id == "req_scripted"
    assert (
        ask({"status": 500, "body": body, "headers": {"x-request-id": ""}}, "anthropic")[0].request_id == "req_body"
    )
