"""Google's generateContent protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from archfb.providers.exchange import HttpRequest
from archfb.providers.families import gemini_family
from archfb.providers.foreign import dig, items, string, table
from archfb.providers.requests import conversation, headers, may_stream, output_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.providers.exchange import Question, Target
    from archfb.providers.reading import Ending, Reading

_ROLES = {"user": "user", "assistant": "model"}

ENDINGS: Mapping[str, Ending] = {
    "STOP": "stop",
    "FINISH_REASON_UNSPECIFIED": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "filtered",
    "RECITATION": "filtered",
    "BLOCKLIST": "filtered",
    "PROHIBITED_CONTENT": "filtered",
    "SPII": "filtered",
    "IMAGE_SAFETY": "filtered",
    "IMAGE_PROHIBITED_CONTENT": "filtered",
    "MODEL_ARMOR": "filtered",
    "MALFORMED_FUNCTION_CALL": "tool",
    "UNEXPECTED_TOOL_CALL": "tool",
    "TOO_MANY_TOOL_CALLS": "tool",
}

_NUMBERS = (
    "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST",
    "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL",
)  # fmt: skip
"""The finish reasons by number, as `enum-encoding=int` and some gateways send them."""


def key_headers(target: Target) -> dict[str, str]:
    """Return the headers with the key, which never goes into the URL."""
    return headers({"x-goog-api-key": target.key.reveal()} if target.key else {})


def model_url(target: Target) -> str:
    """Return the address of a model, whose id may be given with or without "models/"."""
    name = quote(target.model.id.removeprefix("models/"), safe="/@.-_~")
    return f"{target.provider.base_url.rstrip('/')}/models/{name}"


def request(target: Target, question: Question) -> HttpRequest:
    """Return the HTTP request that asks this question."""
    turns = [{"role": _ROLES[role], "parts": [{"text": text}]} for role, text in conversation(question)]
    body: dict[str, Any] = {"contents": turns}
    if question.system:
        body["systemInstruction"] = {"parts": [{"text": question.system}]}
    options = _options(target, question)
    if options:
        body["generationConfig"] = options
    verb = ":streamGenerateContent?alt=sse" if may_stream(target) else ":generateContent"
    return HttpRequest("POST", model_url(target) + verb, key_headers(target), body)


def _options(target: Target, question: Question) -> dict[str, Any]:
    model, learned = target.model, target.learned
    limit = output_limit(target, question)
    out: dict[str, Any] = {}
    if limit and learned.get("max_output_tokens") != "":
        out["maxOutputTokens"] = limit
    if model.temperature is not None and learned.get("temperature") != "":
        out["temperature"] = model.temperature
    family, instead = gemini_family(model.id), learned.get("reasoning")
    value = family.values.get(model.reasoning or "") if instead is None else instead
    if family.field and model.reasoning and value not in (None, ""):
        out["thinkingConfig"] = {family.field: value}
    return out


def read(reading: Reading, body: Any) -> None:
    """Take in one chunk of a stream or a whole answer: they look the same."""
    if dig(body, "error"):
        reading.fail(body)
    reading.known = reading.known or "candidates" in table(body) or "usageMetadata" in table(body)
    reading.model = string(dig(body, "modelVersion")) or reading.model
    blocked = dig(body, "promptFeedback", "blockReason")
    if blocked and blocked != "BLOCK_REASON_UNSPECIFIED":
        reading.known = True
        reading.finish, reading.ending = str(blocked), "filtered"
        reading.refusal = string(dig(body, "promptFeedback", "blockReasonMessage"))
    _candidate(reading, dig(body, "candidates", 0))
    usage = table(dig(body, "usageMetadata"))
    reading.use(
        input=usage.get("promptTokenCount"),
        output=usage.get("candidatesTokenCount"),
        reasoning=usage.get("thoughtsTokenCount"),
        cached=usage.get("cachedContentTokenCount"),
    )


def _candidate(reading: Reading, candidate: Any) -> None:
    for part in items(dig(candidate, "content", "parts")):
        reading.tool = reading.tool or "functionCall" in table(part)
        if dig(part, "thought") is not True:
            reading.say(dig(part, "text"))
    finish = dig(candidate, "finishReason")
    if isinstance(finish, int) and not isinstance(finish, bool) and 0 <= finish < len(_NUMBERS):
        finish = _NUMBERS[finish]
    reading.end(finish, ENDINGS)
    if reading.ending == "filtered":
        reading.refusal = string(dig(candidate, "finishMessage")) or reading.refusal
