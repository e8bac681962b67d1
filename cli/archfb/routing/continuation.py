"""An answer that was cut at its output limit is continued once, by whoever began it, and joined without a seam."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archfb.providers.exchange import Usage
from archfb.routing.plan import CHARS_PER_TOKEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from archfb.providers.exchange import Question
    from archfb.routing.answer import Answer

    Build = Callable[[int | None], Question]
    """Makes the question for the input tokens that a window leaves (None: unknown)."""

OVERLAP = 400
"""Characters in which a continuation may repeat the end of what it continues."""

LEAST_OVERLAP = 12
"""A shorter repetition may be meant."""

WINDOW_FULL = "model_context_window_exceeded"
"""Anthropic's: the window had no room for more, and has less for a conversation that holds the answer as well."""


async def continued(answer: Answer, build: Build, ask: Callable[[Build, str], Awaitable[Answer]]) -> Answer:
    """Return an answer with its continuation where it was cut; what comes of that stands in `truncated`.

    `ask` asks the one model named, and may fail: the answer then stays cut, and the attempts count all the same.
    """
    if not answer.truncated or answer.offline or answer.model is None or answer.finish_reason == WINDOW_FULL:
        return answer
    return merged(answer, await ask(_going_on(build, answer.text), answer.model))


def _going_on(build: Build, begun: str) -> Build:
    taken = int(len(begun) / CHARS_PER_TOKEN)

    def going_on(budget: int | None) -> Question:
        left = None if budget is None else max(1, budget - taken)
        return replace(build(left), prefix=begun, offline=None)

    return going_on


def merged(first: Answer, rest: Answer) -> Answer:
    """Return a cut answer and what came of continuing it as one: text, tokens, cost and attempts of both."""
    both = replace(
        first,
        attempts=(*first.attempts, *rest.attempts),
        cost_usd=None if first.cost_usd is None or rest.cost_usd is None else first.cost_usd + rest.cost_usd,
    )
    if not rest.ok or rest.offline:
        return both
    return replace(
        both,
        text=joined(first.text, rest.text),
        finish_reason=rest.finish_reason,
        usage=_sum(first.usage, rest.usage),
        truncated=rest.truncated,
        continued=True,
    )


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(
        total(one.input_tokens, other.input_tokens),
        total(one.output_tokens, other.output_tokens),
        total(one.reasoning_tokens, other.reasoning_tokens),
        total(one.cached_tokens, other.cached_tokens),
    )


def total(one: int | None, other: int | None) -> int | None:
    """Return the sum of what is known."""
    return other if one is None else one if other is None else one + other


def joined(begun: str, rest: str) -> str:
    """Return an answer and its continuation as one text; what the continuation repeats of the end is left out.

    One that begins anew from the beginning counts for both.
    """
    if rest.startswith(begun):
        return rest
    for size in range(min(OVERLAP, len(begun), len(rest)), LEAST_OVERLAP - 1, -1):
        if begun.endswith(rest[:size]):
            return begun + rest[size:]
    return begun + rest
