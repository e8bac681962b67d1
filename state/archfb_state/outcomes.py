"""How an attempt ended, in fifteen words, and what each word entails."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple


class Outcome(StrEnum):
    """The outcome of one attempt: the same word in JSON, database, metrics and messages."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    AUTH = "auth"
    MODEL_NOT_FOUND = "model_not_found"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTERED = "content_filtered"
    INVALID_REQUEST = "invalid_request"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    NETWORK = "network"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    CANCELLED = "cancelled"


Scope = Literal["deployment", "account", "model"]
"""Who a limit belongs to, where the answer named it."""

Repeat = Literal["never", "once", "last_resort", "without_parameter"]


class Rule(NamedTuple):
    """One row of the outcome table."""

    repeat: Repeat
    hands_on: bool
    counts: bool
    """Whether it adds to a deployment's consecutive failures."""


RULES: dict[Outcome, Rule] = {
    Outcome.OK: Rule("never", False, False),
    Outcome.RATE_LIMITED: Rule("last_resort", True, False),
    Outcome.QUOTA_EXHAUSTED: Rule("never", True, False),
    Outcome.AUTH: Rule("never", True, False),
    Outcome.MODEL_NOT_FOUND: Rule("never", True, False),
    Outcome.CONTEXT_TOO_LONG: Rule("never", True, False),
    Outcome.CONTENT_FILTERED: Rule("never", True, False),
    Outcome.INVALID_REQUEST: Rule("without_parameter", True, False),
    Outcome.OVERLOADED: Rule("once", True, True),
    Outcome.SERVER_ERROR: Rule("once", True, True),
    Outcome.TIMEOUT: Rule("never", True, True),
    Outcome.NETWORK: Rule("once", True, True),
    Outcome.MALFORMED: Rule("once", True, True),
    Outcome.TRUNCATED: Rule("never", True, False),
    Outcome.CANCELLED: Rule("never", False, False),
}
