"""What goes between the program and a provider: one question out, one reply back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb_state.outcomes import Outcome
from archfb_state.records import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.config.model import Model, Provider
    from archfb.providers.keys import Key
    from archfb_state.outcomes import Scope


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a model. `offline` is what the offline provider answers, made only when it is asked."""

    prompt: str
    system: str | None = None
    max_output_tokens: int | None = None
    offline: Callable[[], str] | None = None
    prefix: str | None = None
    """The cut-off answer that is to be continued, if this is a continuation."""
    lacks: str = ""
    """What did not fit into the prompt whole, in a sentence for people; never sent."""

    @property
    def chars(self) -> int:
        """Return the size of the context in characters, which the complexity goes by."""
        return len(self.prompt) + len(self.system or "") + len(self.prefix or "")


class Target(NamedTuple):
    """A model ready to be asked: its preset, its provider, the key read late, what it was learned to refuse."""

    model: Model
    provider: Provider
    key: Key | None = None
    learned: Mapping[str, str] = NOTHING


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request, made by a wire and sent by the transport. Keys are in `headers` only."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = None


class Limits(NamedTuple):
    """Seconds: `total` for the whole attempt (already cut to the deadline), `connect`, `idle` between bytes."""

    total: float
    connect: float = 10.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """The provider's own numbers; None where it reported none or nonsense."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


class Reply(NamedTuple):
    """How one HTTP exchange ended: an answer (`ok`, or `truncated` with text) or a failure by its right name."""

    outcome: Outcome
    text: str = ""
    finish_reason: str | None = None
    usage: Usage = Usage()
    latency_ms: float = 0.0
    ttft_ms: float | None = None
    http_status: int | None = None
    message: str | None = None
    """One cleaned line, at most 300 characters, without any key."""
    code: str | None = None
    request_id: str | None = None
    model_reported: str | None = None
    retry_after_s: float | None = None
    reset_at: float | None = None
    """Unix seconds at which a quota or limit ends, where the answer says."""
    scope: Scope | None = None
    window: int | None = None
    """The true context window in tokens, where a refusal names it."""
    parameter: str | None = None
    """The one parameter that an `invalid_request` refused, by our name: max_output_tokens, max_output_tokens_name,
    temperature, reasoning, stream, stream_options.
    """
    substitute: str | None = None
    """What the wire should send instead ("" = leave it out)."""
    remaining_requests: int | None = None
    remaining_tokens: int | None = None
    remaining_reset_at: float | None = None
    note: str | None = None
    """What was odd about it, and what was made of that: one cleaned line for who asks."""
    partial: str = ""
    """Text that had arrived before a stream failed."""
    streamed: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is an answer to use."""
        return self.outcome is Outcome.OK or (self.outcome is Outcome.TRUNCATED and bool(self.text.strip()))
