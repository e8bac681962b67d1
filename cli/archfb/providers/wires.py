"""The protocols by name: the one place that says which module speaks which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.providers import chat, gemini, messages, responses
from archfb.providers.probes import can_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.providers.exchange import HttpRequest, Question, Target
    from archfb.providers.reading import Reading


__all__ = ["WIRES", "Wire", "can_metadata"]


class Wire(NamedTuple):
    """The two pure halves of a protocol: a question as a request, and one decoded event taken into a reading."""

    request: Callable[[Target, Question], HttpRequest]
    read: Callable[[Reading, Any], None]


WIRES: Mapping[str, Wire] = {
    "openai-chat": Wire(chat.request, chat.read),
    "openai-responses": Wire(responses.request, responses.read),
    "anthropic": Wire(messages.request, messages.read),
    "gemini": Wire(gemini.request, gemini.read),
}
