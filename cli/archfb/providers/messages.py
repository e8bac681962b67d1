"""Anthropic's Messages protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.providers.exchange import HttpRequest
from archfb.providers.families import BUDGETS, LEAST_BUDGET, anthropic_family, may_sample
from archfb.providers.foreign import dig, items, string, table, words
from archfb.providers.requests import conversation, headers, may_stream, output_limit, without_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.providers.exchange import Question, Target
    from archfb.providers.families import AnthropicFamily
    from archfb.providers.reading import Ending, Reading

VERSION = "2023-06-01"

ENDINGS: Mapping[str, Ending] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "filtered",
    "tool_use": "tool",
    "pause_turn": "tool",
}


def key_headers(target: Target) -> dict[str, str]:
    """Return the headers that this protocol wants beside the usual ones."""
    key = {"x-api-key": target.key.reveal()} if target.key else {}
    return headers({"anthropic-version": VERSION, **key})


def request(target: Target, question: Question) -> HttpRequest:
    """Return the HTTP request that asks this question."""
    model, family = target.model, anthropic_family(target.model.id)
    limit = output_limit(target, question, family.output) or family.output
    turns = [{"role": role, "content": text} for role, text in conversation(question)]
    body: dict[str, Any] = {"model": model.id, "max_tokens": limit, "messages": turns}
    if question.system:
        body["system"] = question.system
    if model.temperature is not None and may_sample(family.temperature, model.reasoning):
        body["temperature"] = min(model.temperature, 1.0)
    body |= _thinking(target, family, limit)
    if may_stream(target):
        body["stream"] = True
    url = target.provider.base_url.rstrip("/") + "/messages"
    learned = without_refused(body, target, {"reasoning": ("thinking", "output_config")})
    return HttpRequest("POST", url, key_headers(target), learned)


def _thinking(target: Target, family: AnthropicFamily, limit: int) -> dict[str, Any]:
    """Return thinking, effort and the raised limit that go with a preset's reasoning."""
    wanted, instead = target.model.reasoning, target.learned.get("reasoning", "")
    if wanted is None or family.mode == "none":
        return {}
    if wanted == "disabled":
        return _off(instead or family.off)
    if instead in ("low", "medium", "high"):
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": instead}}
    if family.mode == "budget" and instead != "adaptive":
        return _budget(wanted, limit)
    effort = {} if wanted == "enabled" else {"output_config": {"effort": wanted}}
    return {"thinking": {"type": "adaptive"}, **effort}


def _off(way: str | None) -> dict[str, Any]:
    if way in ("low", "adaptive"):
        return {"output_config": {"effort": "low"}}
    return {"thinking": {"type": way}} if way else {}


def _budget(wanted: str, limit: int) -> dict[str, Any]:
    """Return half the limit or the usual budget, whichever is less, with `max_tokens` always above it."""
    budget = max(LEAST_BUDGET, min(BUDGETS[wanted], limit // 2))
    raised = {"max_tokens": limit + LEAST_BUDGET} if limit <= 2 * LEAST_BUDGET else {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}, **raised}


def read(reading: Reading, body: Any) -> None:
    """Take in one event of a stream or a whole answer."""
    kind = words(dig(body, "type"))
    if kind in _EVENTS:
        reading.known = True
        _EVENTS[kind](reading, body)
    elif dig(body, "error"):
        reading.fail(body)


def _message(reading: Reading, message: Any) -> None:
    """Take in a message object: whole, or empty at the start of a stream."""
    reading.model = string(dig(message, "model")) or reading.model
    for block in items(dig(message, "content")):
        if dig(block, "type") == "text":
            reading.say(dig(block, "text"))
    _stopped(reading, message, dig(message, "usage"))


def _begun(reading: Reading, body: Any) -> None:
    _message(reading, dig(body, "message"))


def _block(reading: Reading, body: Any) -> None:
    if dig(body, "content_block", "type") == "text":
        reading.say(dig(body, "content_block", "text"))


def _delta(reading: Reading, body: Any) -> None:
    if dig(body, "delta", "type") == "text_delta":
        reading.say(dig(body, "delta", "text"))


def _message_delta(reading: Reading, body: Any) -> None:
    _stopped(reading, dig(body, "delta"), dig(body, "usage"))


def _stopped(reading: Reading, place: Any, usage: Any) -> None:
    reading.end(dig(place, "stop_reason"), ENDINGS)
    explanation = string(dig(place, "stop_details", "explanation"))
    if explanation and reading.ending == "filtered":
        reading.refusal = explanation
    usage = table(usage)
    # The counts of a stream are cumulative: later ones replace earlier ones.
    reading.use(
        input=usage.get("input_tokens"),
        output=usage.get("output_tokens"),
        reasoning=dig(usage, "output_tokens_details", "thinking_tokens"),
        cached=usage.get("cache_read_input_tokens"),
    )


def _done(reading: Reading, body: Any) -> None:  # noqa: ARG001 - an event like the others
    reading.done = True


def _error(reading: Reading, body: Any) -> None:
    reading.fail(body)


def _nothing(reading: Reading, body: Any) -> None:
    pass


_EVENTS: dict[str, Callable[[Reading, Any], None]] = {
    "message": _message,
    "message_start": _begun,
    "content_block_start": _block,
    "content_block_delta": _delta,
    "content_block_stop": _nothing,
    "message_delta": _message_delta,
    "message_stop": _done,
    "ping": _nothing,
    "error": _error,
}
