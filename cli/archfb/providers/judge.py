"""What a response amounts to: first what the API says of it, then what the program can make of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archfb.providers.exchange import Usage
from archfb.providers.verdicts import Verdict
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.providers.reading import Reading

NOTHING = Verdict(Outcome.OK)
_TITLE = re.compile(r"<title[^>]*>([^<]{1,200})", re.IGNORECASE)
_PAGE = re.compile(r"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)


def classify(status: int, headers: Mapping[str, str], body: Any, now: float) -> Verdict:
    """Return the verdict on an error; its tables are loaded when the first error comes."""
    from archfb.providers import classify as errors

    return errors.classify(status, headers, body, now)


def api_verdict(reading: Reading, status: int, headers: Mapping[str, str], now: float, *, streamed: bool) -> Verdict:
    """Return whether the API answered at all: OK also for an empty text, a tool call or an answer cut short."""
    if reading.error is not None:
        return classify(status, headers, reading.error, now)
    if not reading.known:
        return Verdict(Outcome.MALFORMED, "The answer is JSON, but not of this protocol.", "wrong_protocol")
    if reading.ending == "filtered" or (reading.refusal and not reading.text):
        return Verdict(Outcome.CONTENT_FILTERED, reading.refusal or "The answer was withheld.", reading.finish)
    if reading.ending == "failed":
        return Verdict(Outcome.SERVER_ERROR, "The provider broke the answer off.", reading.finish)
    if reading.ending == "overloaded":
        return Verdict(Outcome.OVERLOADED, "The provider ran short while answering.", reading.finish)
    if streamed and not reading.complete:
        return Verdict(Outcome.MALFORMED, "The answer was cut off: the stream ended without its end.", "cut_off")
    return NOTHING


def usable_verdict(reading: Reading) -> Verdict:
    """Return what the program can make of an answer that the API gave without complaint."""
    text = "".join(reading.text).strip()
    if reading.ending == "length":
        told = "Stopped at its output limit" + ("." if text else ", with nothing to show.")
        return Verdict(Outcome.TRUNCATED, told)
    if reading.ending == "tool" or reading.tool:
        return Verdict(Outcome.MALFORMED, "Called a tool, though none was offered.", "tool_call")
    if not text:
        return Verdict(Outcome.MALFORMED, "Answered with nothing, though it stopped normally.", "empty")
    return NOTHING


def no_json(text: bytes, status: int, headers: Mapping[str, str], now: float) -> Verdict:
    """Return the verdict on a body that is no JSON: a web page, plain words, or nothing."""
    shown = text[:4000].decode("utf-8", "replace")
    if _PAGE.match(shown):
        return _page(shown, status, headers, now)
    if status >= 400:
        verdict = classify(status, headers, shown, now)
        return verdict if verdict.message else replace(verdict, message=f"HTTP {status} without a body.")
    if not shown.strip():
        return Verdict(Outcome.MALFORMED, "The answer was empty.", "empty_body")
    return Verdict(
        Outcome.MALFORMED, f"Answer was not valid JSON ({len(text)} bytes, starts '{shown[:40]}').", "not_json"
    )


def _page(shown: str, status: int, headers: Mapping[str, str], now: float) -> Verdict:
    """A page is a gateway's: its 5xx, 401, 402, 407 and 429 mean what they say, anything else is a wrong address."""
    title = _TITLE.search(shown)
    named = f" (title '{title[1].strip()}')" if title else ""
    message = f"Got a web page{named}; proxy or wrong base_url?"
    if status >= 500 or status in (401, 402, 407, 408, 429):
        return replace(classify(status, headers, "", now), message=message)
    return Verdict(Outcome.MALFORMED, message, "web_page")


def unreadable(status: int, headers: Mapping[str, str], now: float) -> Verdict:
    """Return the verdict on an HTTP error whose body is too long or broken: the status and the headers are left."""
    return replace(classify(status, headers, "", now), message=f"HTTP {status} with an unreadable body.")


def usage(reading: Reading) -> Usage:
    """Return the provider's own numbers."""
    return Usage(reading.input_tokens, reading.output_tokens, reading.reasoning_tokens, reading.cached_tokens)


def error_verdict(body: Any, status: int, headers: Mapping[str, str], now: float) -> Verdict:
    """Return the verdict on an HTTP error with a JSON body."""
    verdict = classify(status, headers, body, now)
    return verdict if verdict.message else replace(verdict, message=f"HTTP {status}.")
