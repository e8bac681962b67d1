"""OpenAI's Responses protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.providers.exchange import HttpRequest
from archfb.providers.families import may_sample, openai_family
from archfb.providers.foreign import dig, items, string, table, words
from archfb.providers.requests import bearer, conversation, headers, may_stream, output_limit, without_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.providers.exchange import Question, Target
    from archfb.providers.reading import Ending, Reading

LEAST_OUTPUT = 16
"""The API refuses a smaller max_output_tokens."""

ENDINGS: Mapping[str, Ending] = {
    "completed": "stop",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "filtered",
    "failed": "failed",
    "cancelled": "failed",
    "incomplete": "length",
}


def request(target: Target, question: Question) -> HttpRequest:
    """Return the HTTP request that asks this question. Nothing is left stored at the provider."""
    model, family = target.model, openai_family(target.model.id)
    limit = output_limit(target, question)
    turns = [{"role": role, "content": text} for role, text in conversation(question)]
    body: dict[str, Any] = {"model": model.id, "input": turns, "store": False}
    if question.system:
        body["instructions"] = question.system
    if limit:
        body["max_output_tokens"] = max(limit, LEAST_OUTPUT)
    if model.temperature is not None and may_sample(family.temperature, model.reasoning):
        body["temperature"] = model.temperature
    effort = target.learned.get("reasoning", family.efforts.get(model.reasoning or "", ""))
    if effort and model.reasoning:
        body["reasoning"] = {"effort": effort}
    if may_stream(target):
        body["stream"] = True
    url = target.provider.base_url.rstrip("/") + "/responses"
    return HttpRequest("POST", url, headers(bearer(target)), without_refused(body, target, {}))


def read(reading: Reading, body: Any) -> None:
    """Take in one event of a stream or a whole answer."""
    kind = words(dig(body, "type"))
    if dig(body, "object") == "response" or (not kind and isinstance(dig(body, "output"), list)):
        _whole(reading, body)
    elif kind in _EVENTS:
        reading.known = True
        _EVENTS[kind](reading, body)
    elif kind.startswith("response."):
        reading.known = True
    elif dig(body, "error"):
        reading.fail(body)


def _delta(reading: Reading, body: Any) -> None:
    reading.say(dig(body, "delta"))


def _refusal(reading: Reading, body: Any) -> None:
    reading.refusal = (reading.refusal or "") + words(dig(body, "delta"))


def _error(reading: Reading, body: Any) -> None:
    reading.fail(body if dig(body, "error") else {"error": body})


def _begun(reading: Reading, body: Any) -> None:
    reading.model = string(dig(body, "response", "model")) or reading.model


def _ended(reading: Reading, body: Any) -> None:
    """Take in the whole response; its text, where it has one, is what the deltas came to."""
    heard, reading.text = reading.text, []
    _whole(reading, dig(body, "response"))
    reading.text = reading.text or heard
    reading.done = True


_EVENTS: dict[str, Callable[[Reading, Any], None]] = {
    "response.created": _begun,
    "response.output_text.delta": _delta,
    "response.refusal.delta": _refusal,
    "response.completed": _ended,
    "response.incomplete": _ended,
    "response.failed": _ended,
    "response.cancelled": _ended,
    "error": _error,
}


def _whole(reading: Reading, response: Any) -> None:
    """Take in a response object."""
    reading.known = True
    error = dig(response, "error")
    if error:
        reading.fail(response)
    reading.model = string(dig(response, "model")) or reading.model
    status = words(dig(response, "status"))
    reading.end(string(dig(response, "incomplete_details", "reason")) or status, ENDINGS)
    for item in items(dig(response, "output")):
        _item(reading, item)
    usage = table(dig(response, "usage"))
    reading.use(
        input=usage.get("input_tokens"),
        output=usage.get("output_tokens"),
        reasoning=dig(usage, "output_tokens_details", "reasoning_tokens"),
        cached=dig(usage, "input_tokens_details", "cached_tokens"),
    )


def _item(reading: Reading, item: Any) -> None:
    if dig(item, "type") in ("function_call", "custom_tool_call", "tool_call"):
        reading.tool = True
    if dig(item, "type") != "message":
        return
    for part in items(dig(item, "content")):
        if dig(part, "type") == "refusal":
            reading.refusal = string(dig(part, "refusal")) or "refused"
        elif dig(part, "type") == "output_text":
            reading.say(dig(part, "text"))
