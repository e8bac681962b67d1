"""What the providers' own SDKs make of the tests' server; run by `sdk_truth.py` in their environment.

    python benchmarks/sdk_calls.py URL

Prints one JSON list a case: SDK, way, case, what came, whether that is what the SDK makes of the provider itself.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import anthropic
import openai
from google import genai
from google.genai import errors as google_errors

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "hello there, world"


def openai_ways(url: str) -> dict[str, Any]:
    """Return the calls of OpenAI's SDK: text, finish, input and output tokens."""
    client = openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0)

    def chat(model: str) -> tuple[str, Any, Any, Any]:
        got = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
        first, use = got.choices[0], got.usage
        return first.message.content, first.finish_reason, use.prompt_tokens, use.completion_tokens

    def chat_streamed(model: str) -> tuple[str, Any, Any, Any]:
        text, finish, usage = "", None, None
        options = {"include_usage": True}
        for chunk in client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hi"}], stream=True, stream_options=options
        ):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
        return text, finish, usage.prompt_tokens, usage.completion_tokens

    def responses(model: str) -> tuple[str, Any, Any, Any]:
        got = client.responses.create(model=model, input="hi")
        return got.output_text, got.status, got.usage.input_tokens, got.usage.output_tokens

    def responses_streamed(model: str) -> tuple[str, Any, Any, Any]:
        # The SDK's helper for streams has no end for an answer that was cut off, so the events are read.
        text, got = "", None
        for event in client.responses.create(model=model, input="hi", stream=True):
            text += event.delta if event.type == "response.output_text.delta" else ""
            got = getattr(event, "response", got)
        return text, got.status, got.usage.input_tokens, got.usage.output_tokens

    return {
        "openai chat, plain": chat, "openai chat, streamed": chat_streamed,
        "openai responses, plain": responses, "openai responses, streamed": responses_streamed,
    }  # fmt: skip


def anthropic_ways(url: str) -> dict[str, Any]:
    """Return the calls of Anthropic's SDK."""
    client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
    asked: dict[str, Any] = {"max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}

    def read(got: Any) -> tuple[str, Any, Any, Any]:
        text = "".join(block.text for block in got.content if block.type == "text")
        return text, got.stop_reason, got.usage.input_tokens, got.usage.output_tokens

    def plain(model: str) -> tuple[str, Any, Any, Any]:
        return read(client.messages.create(model=model, **asked))

    def streamed(model: str) -> tuple[str, Any, Any, Any]:
        with client.messages.stream(model=model, **asked) as stream:
            return read(stream.get_final_message())

    return {"anthropic messages, plain": plain, "anthropic messages, streamed": streamed}


def google_ways(url: str) -> dict[str, Any]:
    """Return the calls of Google's SDK."""
    client = genai.Client(api_key="k", http_options={"base_url": url})

    def plain(model: str) -> tuple[str, Any, Any, Any]:
        got = client.models.generate_content(model=model, contents="hi")
        use = got.usage_metadata
        return got.text, got.candidates[0].finish_reason.name, use.prompt_token_count, use.candidates_token_count

    def streamed(model: str) -> tuple[str, Any, Any, Any]:
        text, last = "", None
        for last in client.models.generate_content_stream(model=model, contents="hi"):
            text += last.text or ""
        use = last.usage_metadata
        return text, last.candidates[0].finish_reason.name, use.prompt_token_count, use.candidates_token_count

    return {"google-genai, plain": plain, "google-genai, streamed": streamed}


FINISHES = {
    "good": {"stop", "completed", "end_turn", "STOP"},
    "cut": {"length", "incomplete", "max_tokens", "MAX_TOKENS"},
}
STATUSES = {"key": 401, "gone": 404, "slow": 429, "wrong": 400, "down": 500}
ERRORS = (openai.APIError, anthropic.APIError, google_errors.APIError)


def tried(call: Callable[[str], Any], case: str) -> tuple[str, bool]:
    """Return what a call came to, and whether that is right."""
    try:
        text, finish, tokens_in, tokens_out = call(case)
    except ERRORS as error:
        status = getattr(error, "status_code", None) or getattr(error, "code", None)
        return f"{type(error).__name__} {status}", case == "broken" or STATUSES.get(case) == status
    except Exception as error:  # noqa: BLE001 - whatever else an SDK raises is what the table is for
        return f"{type(error).__name__}: {str(error)[:60]}", case == "broken"
    told = f"{text!r} {finish} {tokens_in}/{tokens_out}"
    return told, finish in FINISHES.get(case, ()) and text == TEXT and (tokens_in, tokens_out) == (11, 7)


def main() -> None:
    """Try every way on every case; a stream that breaks exists only streamed."""
    url = sys.argv[1]
    ways = {**openai_ways(url), **anthropic_ways(url), **google_ways(url)}
    for way, call in ways.items():
        who, manner = way.split(", ")
        for case in ("good", "cut", *STATUSES, "broken"):
            if case == "broken" and manner == "plain":
                continue
            got, right = tried(call, case)
            print(json.dumps([who, manner, case, got, right]), flush=True)


if __name__ == "__main__":
    main()
