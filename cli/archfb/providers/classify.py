"""A failed answer by its right name: codes before words, bodies before statuses.

The order: the most specific code that a table knows, then a few facts that refine it (a daily quota behind a rate
limit, a request that no wait can make fit), then words, then the status. What an upstream provider said inside a
gateway's error counts before what the gateway says.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.providers.codes import CODES, MONTHLY, WORDS, by_status
from archfb.providers.foreign import count, dig, items, string, words
from archfb.providers.refusals import refused_parameter
from archfb.providers.retry_after import LONGEST, instant, next_month, next_pacific_midnight, odd_wait, retry_after
from archfb.providers.verdicts import Verdict
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archfb_state.outcomes import Scope


LONGEST_TEXT = 8000
"""Characters in which an error's words are looked for."""


_PASSING = (Outcome.RATE_LIMITED, Outcome.OVERLOADED)
"""Outcomes that pass after the wait that is named."""


class Facts(NamedTuple):
    """What an error body says: codes, the most specific first, words, the parameter it names, its own status."""

    codes: tuple[str, ...]
    message: str
    param: str | None
    status: int | None


def classify(status: int, headers: Mapping[str, str], body: Any, now: float) -> Verdict:
    """Return the verdict on an error.

    `status` is HTTP's (200 inside a stream), `headers` have lower-case names, `body` is decoded JSON or text, `now`
    is in Unix seconds.
    """
    layers = list(_layers(body))
    facts = [_facts(layer) for layer in layers] or [
        Facts((), body.strip() if isinstance(body, str) else "", None, None)
    ]
    codes = tuple(code for one in facts for code in one.codes) + _header_code(headers)
    message = next((one.message for one in facts if one.message), "")
    said = next((one.status for one in facts if one.status), None) or (status if status >= 400 else None)
    outcome = _outcome(codes, " ".join(one.message for one in facts)[:LONGEST_TEXT], said, facts[0])
    quota = _daily_quota(layers) if outcome is Outcome.RATE_LIMITED else None
    if quota:
        outcome = Outcome.QUOTA_EXHAUSTED
    parameter, substitute = (
        refused_parameter(facts[0].param, message) if outcome is Outcome.INVALID_REQUEST else (None, None)
    )
    hint = retry_after(headers, (body, *layers), message, now) if quota or outcome in _PASSING else None
    ignored = f"(Hint to retry in {hint:g}s ignored.) " if quota and hint is not None else ""
    return Verdict(
        outcome,
        ignored + message,
        _shown(codes),
        hint if outcome in _PASSING else None,
        _reset(codes, layers, message, quota, now) if outcome is Outcome.QUOTA_EXHAUSTED else None,
        _scope(outcome, message, quota, headers),
        _window(body, message) if outcome is Outcome.CONTEXT_TOO_LONG else None,
        parameter,
        substitute,
        _request_id(body, message),
        odd_wait(headers, now) if outcome in _PASSING else None,
    )


_REQUEST_ID = re.compile(r"\brequest id:? ?\(?(req_[0-9a-zA-Z]{6,64}|[0-9a-f]{8}-[0-9a-f-]{27})", re.IGNORECASE)


def _request_id(body: Any, message: str) -> str | None:
    """Return the request's id: Anthropic puts it beside the error, OpenAI into the sentence of a server error."""
    told = _REQUEST_ID.search(message)
    return string(dig(body, "request_id")) or string(dig(body, "error", "request_id")) or (told[1] if told else None)


def _layers(body: Any) -> Iterator[Any]:
    """Yield the error objects of a body, what a gateway quotes from upstream before the gateway's own."""
    if isinstance(body, list):
        body = body[0] if body else None
    error = dig(body, "error")
    own = error if isinstance(error, dict) else body
    quoted = dig(own, "metadata", "raw")
    if string(quoted):
        yield from _layers(_json(quoted) or {"message": quoted})
    inside = _inside(words(own) or words(error) or words(dig(own, "message")))
    if inside:
        yield from _layers(inside)
    listed = dig(own, "errors", 0)
    if isinstance(listed, dict) and own is body:
        yield listed
    if isinstance(own, dict):
        yield {**own, "message": error} if isinstance(error, str) else own
    if own is not body and isinstance(body, dict):
        yield {name: value for name, value in body.items() if name in ("code", "type")}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _inside(message: str) -> Any:
    """Return the error body that a message holds as text, as gateways hand on what they were told."""
    at = message.find('{"error"') if '{"error"' in message else message.find("{")
    if at < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(message[:LONGEST_TEXT], at)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(dig(found, "error"), dict) else None


def _header_code(headers: Mapping[str, str]) -> tuple[str, ...]:
    named = headers.get("x-amzn-errortype")
    return (named.partition(":")[0],) if named else ()


def _facts(error: Any) -> Facts:
    details = items(dig(error, "details"))
    deeper = [dig(error, "details", "error_code"), dig(error, "innererror", "code")]
    deeper += sorted(code for code in MONTHLY if code in _loose_words(error))
    deeper += _routed(dig(error, "metadata"))
    deeper += [dig(one, "reason") for one in (*details, *items(dig(error, "errors")))]
    codes = [*deeper, dig(error, "code"), dig(error, "status"), dig(error, "type"), dig(error, "object")]
    codes.append(words(dig(error, "__type")).rpartition("#")[2])
    status = next((code for code in (dig(error, "code"), dig(error, "status_code")) if _is_status(code)), None)
    loose = _loose_words(error)
    named = string(dig(error, "param")) or _location(error)
    return Facts(tuple(one for one in codes if string(one)), loose, named, int(status) if status else None)


def _routed(metadata: Any) -> list[Any]:
    """Return OpenRouter's own types. Its "invalid_prompt" is about roles; OpenAI's is about what is asked."""
    kind = dig(metadata, "error_type")
    return [dig(metadata, "limit_source"), kind if kind != "invalid_prompt" else None]


def _is_status(code: Any) -> bool:
    return (isinstance(code, int) and 400 <= code < 600) or (
        isinstance(code, str) and bool(re.fullmatch("[45][0-9]{2}", code))
    )


def _loose_words(error: Any) -> str:
    """Return the message, wherever this server puts it (FastAPI lists what is wrong under `detail`)."""
    for place in ("message", "msg", "detail", "details", "error_description", "title"):
        value = dig(error, place)
        if string(value):
            return str(value)
    return "; ".join(words(dig(one, "msg")) for one in items(dig(error, "detail")) if string(dig(one, "msg")))


def _location(error: Any) -> str | None:
    """Return the last name of FastAPI's `loc`, or the last field that Google names."""
    place = items(dig(error, "detail", 0, "loc"))
    if place:
        return string(place[-1])
    for detail in items(dig(error, "details")):
        field = string(dig(detail, "fieldViolations", 0, "field"))
        if field:
            return field.rsplit(".", 1)[-1]
    return None


def _outcome(codes: tuple[str, ...], text: str, status: int | None, first: Facts) -> Outcome:
    """Decide: codes, what refines them, words, status."""
    coded = next((CODES[code] for code in codes if code in CODES), None)
    if coded is Outcome.RATE_LIMITED:
        return _refined(text)
    if coded is not None:
        return coded
    worded = next((outcome for pattern, outcome in WORDS if pattern.search(text)), None)
    # A status that already says what is wrong is not overruled by words of another trade.
    if worded is not None and _words_may(worded, status):
        return worded
    if status == 404:
        return _missing(text, first)
    return by_status(status) if status else (worded or Outcome.SERVER_ERROR)


_TELLING = {
    401: (Outcome.QUOTA_EXHAUSTED,),
    402: (),
    429: (Outcome.QUOTA_EXHAUSTED, Outcome.CONTEXT_TOO_LONG, Outcome.OVERLOADED),
}
"""Statuses that say much, and the words that may still say it better."""


def _words_may(worded: Outcome, status: int | None) -> bool:
    if status is not None and status >= 500:
        return worded in (Outcome.OVERLOADED, Outcome.CONTEXT_TOO_LONG, Outcome.MODEL_NOT_FOUND)
    return status not in _TELLING or worded in _TELLING[status]


_TOO_LARGE = re.compile(r"request too large", re.IGNORECASE)
_LIMIT = re.compile(r"limit:? ([0-9]{1,12})", re.IGNORECASE)
_BILLING = WORDS[0][0]
LEAST_LIMIT = 1000
"""A "request too large" for a limit below this speaks of an account with next to no quota, not of a long request."""


def _refined(text: str) -> Outcome:
    """Tell a rate limit from a request that no wait makes fit ("Request too large ...") and from an empty account."""
    limit = _LIMIT.search(text)
    if _TOO_LARGE.search(text) and not (limit and int(limit[1]) < LEAST_LIMIT):
        return Outcome.CONTEXT_TOO_LONG
    return Outcome.QUOTA_EXHAUSTED if _BILLING.search(text) else Outcome.RATE_LIMITED


_ADDRESS = re.compile(
    r"resource not found|page not found|(invalid|unknown) (url|path|route)|not a chat model|endpoint", re.IGNORECASE
)


def _missing(text: str, first: Facts) -> Outcome:
    """A 404 that speaks of no model says that the address is wrong."""
    if first.param == "model":
        return Outcome.MODEL_NOT_FOUND
    nothing = not first.codes and not first.message.strip()
    return (
        Outcome.INVALID_REQUEST
        if nothing or _ADDRESS.search(text) or text.startswith("404")
        else Outcome.MODEL_NOT_FOUND
    )


def _daily_quota(layers: list[Any]) -> str | None:
    """Return the quota of Google's QuotaFailure that lasts for a day or is nought: its delay hint is too short."""
    found: list[str] = []
    for detail in (detail for layer in layers for detail in items(dig(layer, "details"))):
        for violation in items(dig(detail, "violations")):
            name = words(dig(violation, "quotaId")) or words(dig(violation, "quotaMetric"))
            if "perday" in name.lower().replace("_", "") or dig(violation, "quotaValue") in ("0", 0):
                found.append(name)
        limit = words(dig(detail, "metadata", "quota_limit"))
        if "perday" in limit.lower():
            found.append(limit)
    return found[0] if found else None


_REGAIN = re.compile(r"regain access on ([0-9]{4}-[0-9]{2}-[0-9]{2})(?: at ([0-9]{2}:[0-9]{2}))?", re.IGNORECASE)


def _reset(codes: tuple[str, ...], layers: list[Any], message: str, quota: str | None, now: float) -> float | None:
    """Return when a quota ends, where the answer says or the provider's rules do."""
    if quota:
        return next_pacific_midnight(now)
    if MONTHLY.intersection(codes):
        return next_month(now)
    found = _REGAIN.search(message)
    told = [string(dig(layer, "metadata", "resets_at")) for layer in layers]
    told += [f"{found[1]}T{found[2] or '00:00'}"] if found else []
    at = instant(next((one for one in told if one), ""))
    return at if at is not None and now < at < now + 40 * LONGEST else None


_WHOSE = r"(?:account|organi[sz]ation|team|project|workspace)"
_ACCOUNT = re.compile(
    rf"\b{_WHOSE}(?:'?s)?(?: \w+)? rate limit|\brate limit (?:\w+ )?for (?:your |the |this )?{_WHOSE}\b|"
    r"concurrent connections|free-models-per|per account",
    re.IGNORECASE,
)
_ONE_MODEL = re.compile(
    rf"\bmodel: |(limit reached|rate.?limited) (for (?!{_WHOSE}\b)|upstream)|limit_r[pd]m/|for model\b", re.IGNORECASE
)
_SCOPES = ("x-ratelimit-scope", "x-ratelimit-type")
_HOLDERS = re.compile(rf"\b(?:{_WHOSE}|user|tenant)", re.IGNORECASE)


def _limited(message: str, headers: Mapping[str, str]) -> Scope | None:
    """Return whose rate limit it is: what the words say, of which one model is the narrowest, then a header."""
    told = " ".join(headers.get(name, "") for name in _SCOPES)
    if _ONE_MODEL.search(message) or "model" in told.lower():
        return "deployment"
    return "account" if _ACCOUNT.search(message) or _HOLDERS.search(told) else None


def _scope(outcome: Outcome, message: str, quota: str | None, headers: Mapping[str, str]) -> Scope | None:
    """Return who a limit belongs to, where that is certain."""
    if outcome is Outcome.AUTH:
        return "account"
    if outcome is Outcome.MODEL_NOT_FOUND:
        return "model"
    if outcome is Outcome.QUOTA_EXHAUSTED:
        return "deployment" if quota and "permodel" in quota.lower().replace("_", "") else "account"
    return _limited(message, headers) if outcome is Outcome.RATE_LIMITED else None


_WINDOWS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"maximum context length (?:is|of) ([0-9]{3,9})",
        r"([0-9]{3,9}) maximum context length",
        r"> ([0-9]{3,9}) maximum",
        r"tokens allowed \(?([0-9]{3,9})",
        r"context (?:window|length|size)(?: of| is|:)? \(?([0-9]{3,9})",
        r"context limit: [0-9]{1,9} \+ [0-9]{1,9} > ([0-9]{3,9})",
        r"max_new_tokens`? must be <= ([0-9]{3,9})",
        r"Limit ([0-9]{3,9}), Requested",
    )
)


def _window(body: Any, message: str) -> int | None:
    """Return the true window in tokens where a refusal names it."""
    told = count(dig(body, "error", "n_ctx"))
    if told:
        return told
    found = next((match for match in (pattern.search(message) for pattern in _WINDOWS) if match), None)
    return int(found[1]) if found else None


def _shown(codes: tuple[str, ...]) -> str | None:
    """Return the code to record: the one that decided, else the first."""
    known = next((code for code in codes if code in CODES), None)
    return (known or (codes[0] if codes else None)) if codes else None
