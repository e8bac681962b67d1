"""How a model's health is asked for at little or no cost, and how the answer is checked.

Metadata proves that the key is accepted and the model exists, not that it can answer; a completion proves that too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from archfb.providers import gemini, messages
from archfb.providers.exchange import HttpRequest, Question
from archfb.providers.families import gemini_family
from archfb.providers.foreign import dig, items, string
from archfb.providers.requests import bearer, headers
from archfb.providers.responses import LEAST_OUTPUT
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.config.model import Provider
    from archfb.providers.exchange import Reply, Target

LEAST_THINKING = 64
"""Output tokens below which a thinking Gemini answers 200 with no text."""
PROMPT = "Reply with the single word OK."

Check = Literal["by_id", "in_list", "tags", "balance"]


class Step(NamedTuple):
    """One free request, and what its answer is checked for."""

    request: HttpRequest
    check: Check


def can_metadata(provider: Provider) -> bool:
    """Return whether a provider has free metadata to ask."""
    return provider.api == "offline" or provider.api in _STEPS


def steps(target: Target) -> tuple[Step, ...]:
    """Return the free requests that settle whether a key is accepted and a model exists, in order."""
    host = urlsplit(target.provider.base_url)
    special = _HOSTS.get(host.hostname or "") or _PORTS.get(host.port or 0)
    made = (special if target.provider.api == "openai-chat" else None) or _STEPS.get(target.provider.api)
    return made(target) if made else ()


def _openai_by_id(target: Target) -> tuple[Step, ...]:
    url = f"{_base(target)}/models/{quote(target.model.id, safe='@.-_~:')}"
    return (Step(HttpRequest("GET", url, headers(bearer(target))), "by_id"), *_listed(target))


def _listed(target: Target) -> tuple[Step, ...]:
    return (Step(HttpRequest("GET", f"{_base(target)}/models", headers(bearer(target))), "in_list"),)


def _deepseek(target: Target) -> tuple[Step, ...]:
    root = _base(target).removesuffix("/v1").removesuffix("/beta")
    balance = HttpRequest("GET", f"{root}/user/balance", headers(bearer(target)))
    return (*_listed(target), Step(balance, "balance"))


def _ollama(target: Target) -> tuple[Step, ...]:
    root = _base(target).removesuffix("/v1")
    return (Step(HttpRequest("GET", f"{root}/api/tags", headers(bearer(target))), "tags"),)


def _anthropic(target: Target) -> tuple[Step, ...]:
    url = f"{_base(target)}/models/{quote(target.model.id, safe='@.-_~')}"
    return (Step(HttpRequest("GET", url, messages.key_headers(target)), "by_id"),)


def _gemini(target: Target) -> tuple[Step, ...]:
    return (Step(HttpRequest("GET", gemini.model_url(target), gemini.key_headers(target)), "by_id"),)


def _base(target: Target) -> str:
    return target.provider.base_url.rstrip("/")


_STEPS: Mapping[str, Callable[[Target], tuple[Step, ...]]] = {
    "openai-responses": _openai_by_id,
    "openai-chat": _listed,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
_HOSTS: Mapping[str, Callable[[Target], tuple[Step, ...]]] = {
    "api.openai.com": _openai_by_id,
    "api.deepseek.com": _deepseek,
}
_PORTS: Mapping[int, Callable[[Target], tuple[Step, ...]]] = {11434: _ollama}
"""Ollama is known by its port: its tags list what is pulled without loading anything."""


def goes_on(step: Step, reply: Reply) -> bool:
    """Return whether to ask the next step: after a success, or where this address told nothing of the model."""
    unknown = step.check == "by_id" and reply.code in ("no_metadata", "wrong_protocol", "web_page", "not_json")
    return reply.outcome is Outcome.OK or unknown


def checked(step: Step, target: Target, reply: Reply, body: Any) -> Reply:
    """Return a metadata reply judged by what it says, not only by its status."""
    if reply.http_status in (404, 405, 501) and not _names_model(reply, target):
        return _told(reply, Outcome.INVALID_REQUEST, "no_metadata", "This server tells nothing of its models.")
    if reply.http_status != 200 or body is None:
        return reply
    return _CHECKS[step.check](target, reply, body)


def _names_model(reply: Reply, target: Target) -> bool:
    return reply.outcome is Outcome.MODEL_NOT_FOUND and (
        target.model.id in (reply.message or "") or reply.code in ("model_not_found", "not_found_error", "NOT_FOUND")
    )


def _told(reply: Reply, outcome: Outcome, code: str | None = None, message: str | None = None) -> Reply:
    return reply._replace(outcome=outcome, code=code, message=message, text="", partial="")


def _strange(reply: Reply) -> Reply:
    return _told(reply, Outcome.MALFORMED, "wrong_protocol", "The answer to a question about models names none.")


def _by_id(target: Target, reply: Reply, body: Any) -> Reply:
    """Check that the model object is about this model: an alias may answer with the dated id that it stands for."""
    named = string(dig(body, "id")) or string(dig(body, "name"))
    if named is None or dig(body, "error"):
        return _strange(reply)
    wanted = target.model.id.removeprefix("models/").removesuffix("-latest")
    if not named.removeprefix("models/").startswith(wanted) and dig(body, "type") != "model":
        return _strange(reply)
    return _told(reply, Outcome.OK)._replace(model_reported=named)


def _in_list(target: Target, reply: Reply, body: Any) -> Reply:
    rows = items(dig(body, "data")) or items(dig(body, "models")) or items(body)
    ids = {name for row in rows for name in _ids(row)}
    if not ids:
        return _strange(reply)
    wanted = target.model.id.removeprefix("models/")
    if wanted in ids or f"{wanted}:latest" in ids:
        return _told(reply, Outcome.OK)._replace(model_reported=wanted)
    message = f"Model '{wanted}' is not among the {len(ids)} that this server lists."
    return _told(reply, Outcome.MODEL_NOT_FOUND, "not_listed", message[:300])._replace(scope="model")


def _ids(row: Any) -> list[str]:
    if isinstance(row, str):
        return [row]
    named = [string(dig(row, key)) for key in ("id", "name", "model", "canonical_slug")]
    aliases = [string(one) for one in items(dig(row, "aliases"))]
    return [name.removeprefix("models/") for name in (*named, *aliases) if name]


def _balance(target: Target, reply: Reply, body: Any) -> Reply:  # noqa: ARG001 - a check like the others
    if dig(body, "is_available") is False:
        empty = _told(reply, Outcome.QUOTA_EXHAUSTED, "is_available", "The account has no balance.")
        return empty._replace(scope="account")
    return _told(reply, Outcome.OK) if dig(body, "is_available") is True else _strange(reply)


_CHECKS: Mapping[Check, Callable[[Target, Reply, Any], Reply]] = {
    "by_id": _by_id,
    "in_list": _in_list,
    "tags": _in_list,
    "balance": _balance,
}


def completion(target: Target) -> tuple[Target, Question]:
    """Return the cheapest real generation: 16 output tokens (a thinking Gemini needs 64), the least reasoning."""
    thinks = target.provider.api == "gemini" and _thinks_always(target.model.id)
    least = LEAST_THINKING if thinks else LEAST_OUTPUT
    easy = replace(target.model, reasoning="disabled", temperature=None, stream=False, max_output_tokens=least)
    return target._replace(model=easy), Question(PROMPT, max_output_tokens=least)


def _thinks_always(model: str) -> bool:
    family = gemini_family(model)
    return family.field is not None and family.values.get("disabled") != 0


def completed(reply: Reply) -> Reply:
    """Return a completion's reply with an answer cut at its limit taken as the success that it is."""
    return reply._replace(outcome=Outcome.OK, message=None) if reply.outcome is Outcome.TRUNCATED else reply
