"""What the wires' requests have in common: headers, the turns of a conversation, what a model refused before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.providers.exchange import Question, Target

CONTINUE = "Continue exactly where your answer stopped, without repeating anything and without any remark."
"""The last turn of a continuation: ending on the model's own turn is refused by newer models."""


def bearer(target: Target) -> dict[str, str]:
    """Return the header that most providers take a key in."""
    return {"authorization": f"Bearer {target.key.reveal()}"} if target.key else {}


def headers(more: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a JSON request."""
    return {"content-type": "application/json", "user-agent": f"archfb/{__version__}", **more}


def conversation(question: Question) -> list[tuple[str, str]]:
    """Return the turns: the prompt, and for a continuation the cut-off answer and the wish to go on."""
    if question.prefix is None:
        return [("user", question.prompt)]
    return [("user", question.prompt), ("assistant", question.prefix), ("user", CONTINUE)]


def may_stream(target: Target) -> bool:
    """Return whether to ask for a stream: the preset wants one and the model did not refuse it."""
    return target.model.stream and target.learned.get("stream") != ""


def output_limit(target: Target, question: Question, otherwise: int | None = None) -> int | None:
    """Return the output tokens to ask for: the question's, the preset's or `otherwise`, at most what the model takes
    where a refusal told that.
    """
    limit = question.max_output_tokens or target.model.max_output_tokens or otherwise
    most = target.learned.get("max_output_tokens", "")
    return min(limit, int(most)) if limit and most.isdecimal() else limit


def without_refused(body: dict[str, Any], target: Target, fields: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the body without the fields of parameters that this model refused for good (learned as "")."""
    refused = [name for name, instead in target.learned.items() if instead == ""]
    gone = {field for name in refused for field in (name, *fields.get(name, ()))}
    return {name: value for name, value in body.items() if name not in gone}
