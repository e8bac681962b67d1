"""The Chat Completions protocol: OpenAI, DeepSeek, xAI, OpenRouter, Ollama, vLLM and every compatible server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.providers.exchange import HttpRequest
from archfb.providers.families import may_sample, openai_family
from archfb.providers.foreign import dig, items, string, table, words
from archfb.providers.requests import bearer, conversation, headers, may_stream, output_limit, without_refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.providers.exchange import Question, Target
    from archfb.providers.reading import Ending, Reading

ENDINGS: Mapping[str, Ending] = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "filtered",
    "safety": "filtered",
    "refusal": "filtered",
    "tool_calls": "tool",
    "function_call": "tool",
    "tool_use": "tool",
    "error": "failed",
    "insufficient_system_resource": "overloaded",
}
"""The last is DeepSeek's: generation was interrupted because the servers were short."""


def request(target: Target, question: Question) -> HttpRequest:
    """Return the HTTP request that asks this question."""
    model, family = target.model, openai_family(target.model.id)
    limit = output_limit(target, question)
    body: dict[str, Any] = {"model": model.id, "messages": _messages(question)}
    if limit:
        body[target.learned.get("max_output_tokens_name") or family.limit] = limit
    if model.temperature is not None and may_sample(family.temperature, model.reasoning):
        body["temperature"] = model.temperature
    body |= _reasoning(target)
    if may_stream(target):
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    refusable = {"max_output_tokens": ("max_tokens", "max_completion_tokens"), "reasoning": ("thinking",)}
    url = target.provider.base_url.rstrip("/") + "/chat/completions"
    return HttpRequest("POST", url, headers(bearer(target)), without_refused(body, target, refusable))


def _messages(question: Question) -> list[dict[str, str]]:
    system = [{"role": "system", "content": question.system}] if question.system else []
    return [*system, *({"role": role, "content": text} for role, text in conversation(question))]


def _reasoning(target: Target) -> dict[str, Any]:
    wanted, family = target.model.reasoning, openai_family(target.model.id)
    if wanted is None:
        return {}
    instead = target.learned.get("reasoning")
    effort = family.efforts.get(wanted) if instead is None else instead
    out: dict[str, Any] = {"reasoning_effort": effort} if effort else {}
    if wanted in family.thinking:
        out["thinking"] = {"type": family.thinking[wanted]}
    return out


def read(reading: Reading, body: Any) -> None:
    """Take in one chunk of a stream or a whole answer: they differ only in `delta` and `message`."""
    said = table(body)
    if said.get("error"):
        reading.known = True
        reading.fail(body)
        return
    reading.model = string(said.get("model")) or reading.model
    _usage(reading, table(said.get("usage")) or table(dig(body, "x_groq", "usage")))
    for choice in items(said.get("choices")):
        reading.known = True
        if dig(choice, "index") in (None, 0):
            _choice(reading, table(choice))


def _choice(reading: Reading, choice: dict[str, Any]) -> None:
    _said(reading, table(choice.get("delta")))
    if not reading.text:
        # Some servers send both, an empty delta in a whole answer or a whole message in the last chunk.
        _said(reading, table(choice.get("message")))
    if choice.get("error"):
        reading.fail(choice)
    reading.say(choice.get("text"))
    reading.end(choice.get("finish_reason"), ENDINGS)


def _said(reading: Reading, place: dict[str, Any]) -> None:
    for text in _texts(place.get("content")):
        reading.say(text)
    refusal = string(place.get("refusal"))
    if refusal:
        reading.refusal = (reading.refusal or "") + refusal


def _texts(content: Any) -> list[str]:
    """Return the answer parts of a content that is text or a list with thinking parts in it."""
    if isinstance(content, str):
        return [content]
    return [words(dig(part, "text")) for part in items(content) if dig(part, "type") in ("text", "output_text")]


def _usage(reading: Reading, usage: dict[str, Any]) -> None:
    if not usage:
        return
    reading.use(
        input=usage.get("prompt_tokens"),
        output=usage.get("completion_tokens"),
        reasoning=usage.get("reasoning_tokens"),
        cached=usage.get("prompt_cache_hit_tokens"),
    )
    reading.use(
        reasoning=dig(usage, "completion_tokens_details", "reasoning_tokens"),
        cached=dig(usage, "prompt_tokens_details", "cached_tokens"),
    )
