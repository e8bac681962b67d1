"""What providers' error codes, words and statuses mean: data for `classify`, one table a provider family.

A code that is in no table says nothing (`invalid_request_error`, `INVALID_ARGUMENT`, `invalid-argument`,
`api_error`, bare numbers): then the words decide, and after them the status.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OPENAI = {
    "invalid_api_key": Outcome.AUTH,
    "incorrect_api_key": Outcome.AUTH,
    "invalid_authentication": Outcome.AUTH,
    "account_deactivated": Outcome.AUTH,
    "ip_not_authorized": Outcome.AUTH,
    "mismatched_organization": Outcome.AUTH,
    "mismatched_project": Outcome.AUTH,
    "insufficient_permissions": Outcome.AUTH,
    "unsupported_country_region_territory": Outcome.AUTH,
    "request_forbidden": Outcome.AUTH,
    "insufficient_quota": Outcome.QUOTA_EXHAUSTED,
    "billing_not_active": Outcome.QUOTA_EXHAUSTED,
    "billing_hard_limit_reached": Outcome.QUOTA_EXHAUSTED,
    "credit_balance_exhausted": Outcome.QUOTA_EXHAUSTED,
    "organization_usage_limit_exceeded": Outcome.QUOTA_EXHAUSTED,
    "organization_spend_limit_exceeded": Outcome.QUOTA_EXHAUSTED,
    "project_spend_limit_exceeded": Outcome.QUOTA_EXHAUSTED,
    "rate_limit_exceeded": Outcome.RATE_LIMITED,
    "slow_down": Outcome.RATE_LIMITED,
    "model_not_found": Outcome.MODEL_NOT_FOUND,
    "model_not_available": Outcome.MODEL_NOT_FOUND,
    "model_not_supported": Outcome.MODEL_NOT_FOUND,
    "unsupported_model": Outcome.MODEL_NOT_FOUND,
    "context_length_exceeded": Outcome.CONTEXT_TOO_LONG,
    "string_above_max_length": Outcome.CONTEXT_TOO_LONG,
    "request_too_large": Outcome.CONTEXT_TOO_LONG,
    "content_filter": Outcome.CONTENT_FILTERED,
    "content_policy_violation": Outcome.CONTENT_FILTERED,
    "invalid_prompt": Outcome.CONTENT_FILTERED,
    "bio_policy": Outcome.CONTENT_FILTERED,
    "cyber_policy": Outcome.CONTENT_FILTERED,
    "server_is_overloaded": Outcome.OVERLOADED,
    "service_unavailable": Outcome.OVERLOADED,
    "service_unavailable_error": Outcome.OVERLOADED,
    "engine_overloaded": Outcome.OVERLOADED,
    "overloaded": Outcome.OVERLOADED,
    "server_error": Outcome.SERVER_ERROR,
    "internal_error": Outcome.SERVER_ERROR,
    "internal_server_error": Outcome.SERVER_ERROR,
    "unsupported_parameter": Outcome.INVALID_REQUEST,
    "unsupported_value": Outcome.INVALID_REQUEST,
    "unknown_parameter": Outcome.INVALID_REQUEST,
    "invalid_value": Outcome.INVALID_REQUEST,
    "missing_required_parameter": Outcome.INVALID_REQUEST,
}

_ANTHROPIC = {
    "authentication_error": Outcome.AUTH,
    "permission_error": Outcome.AUTH,
    "billing_error": Outcome.QUOTA_EXHAUSTED,
    "enforced_spend_limit_reached": Outcome.QUOTA_EXHAUSTED,
    "rate_limit_error": Outcome.RATE_LIMITED,
    "not_found_error": Outcome.MODEL_NOT_FOUND,
    "overloaded_error": Outcome.OVERLOADED,
    "timeout_error": Outcome.TIMEOUT,
}

_GOOGLE = {
    "API_KEY_INVALID": Outcome.AUTH,
    "API_KEY_EXPIRED": Outcome.AUTH,
    "API_KEY_SERVICE_BLOCKED": Outcome.AUTH,
    "API_KEY_HTTP_REFERRER_BLOCKED": Outcome.AUTH,
    "API_KEY_IP_ADDRESS_BLOCKED": Outcome.AUTH,
    "ACCESS_TOKEN_EXPIRED": Outcome.AUTH,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Outcome.AUTH,
    "CREDENTIALS_MISSING": Outcome.AUTH,
    "CONSUMER_INVALID": Outcome.AUTH,
    "CONSUMER_SUSPENDED": Outcome.AUTH,
    "SERVICE_DISABLED": Outcome.AUTH,
    "USER_PROJECT_DENIED": Outcome.AUTH,
    "UNAUTHENTICATED": Outcome.AUTH,
    "PERMISSION_DENIED": Outcome.AUTH,
    "BILLING_DISABLED": Outcome.QUOTA_EXHAUSTED,
    "RESOURCE_EXHAUSTED": Outcome.RATE_LIMITED,
    "RATE_LIMIT_EXCEEDED": Outcome.RATE_LIMITED,
    "rateLimitExceeded": Outcome.RATE_LIMITED,
    "NOT_FOUND": Outcome.MODEL_NOT_FOUND,
    "UNAVAILABLE": Outcome.OVERLOADED,
    "INTERNAL": Outcome.SERVER_ERROR,
    "UNKNOWN": Outcome.SERVER_ERROR,
    "DEADLINE_EXCEEDED": Outcome.TIMEOUT,
}

_OTHERS = {
    # Azure
    "DeploymentNotFound": Outcome.MODEL_NOT_FOUND,
    "unknown_model": Outcome.MODEL_NOT_FOUND,
    "RateLimitReached": Outcome.RATE_LIMITED,
    "NoCapacity": Outcome.OVERLOADED,
    "ResponsibleAIPolicyViolation": Outcome.CONTENT_FILTERED,
    "tokens_limit_reached": Outcome.CONTEXT_TOO_LONG,
    # Mistral
    "invalid_model": Outcome.MODEL_NOT_FOUND,
    "rate_limited": Outcome.RATE_LIMITED,
    "1300": Outcome.RATE_LIMITED,
    "1500": Outcome.MODEL_NOT_FOUND,
    # Z.ai
    "1000": Outcome.AUTH,
    "1001": Outcome.AUTH,
    "1002": Outcome.AUTH,
    "1003": Outcome.AUTH,
    "1110": Outcome.AUTH,
    "1112": Outcome.AUTH,
    "1113": Outcome.QUOTA_EXHAUSTED,
    "1211": Outcome.MODEL_NOT_FOUND,
    "1261": Outcome.CONTEXT_TOO_LONG,
    "1301": Outcome.CONTENT_FILTERED,
    "1302": Outcome.RATE_LIMITED,
    "1303": Outcome.RATE_LIMITED,
    "1304": Outcome.QUOTA_EXHAUSTED,
    "1305": Outcome.OVERLOADED,
    "1308": Outcome.QUOTA_EXHAUSTED,
    # llama.cpp, vLLM, Perplexity, Groq, OpenRouter and whoever follows them
    "exceed_context_size_error": Outcome.CONTEXT_TOO_LONG,
    "too_many_prompt_tokens": Outcome.CONTEXT_TOO_LONG,
    "context_window_exceeded": Outcome.CONTEXT_TOO_LONG,
    "unavailable_error": Outcome.OVERLOADED,
    "model_decommissioned": Outcome.MODEL_NOT_FOUND,
    "model_terms_required": Outcome.MODEL_NOT_FOUND,
    "NotFoundError": Outcome.MODEL_NOT_FOUND,
    "AuthenticationError": Outcome.AUTH,
    "RateLimitError": Outcome.RATE_LIMITED,
    "InternalServerError": Outcome.SERVER_ERROR,
    "ServiceUnavailableError": Outcome.OVERLOADED,
    "tool_use_failed": Outcome.INVALID_REQUEST,
    "insufficient_balance": Outcome.QUOTA_EXHAUSTED,
    "insufficient_credits": Outcome.QUOTA_EXHAUSTED,
    "payment_required": Outcome.QUOTA_EXHAUSTED,
    # Cerebras, Moonshot, DashScope, GitHub Models
    "queue_exceeded": Outcome.OVERLOADED,
    "engine_overloaded_error": Outcome.OVERLOADED,
    "exceeded_current_quota_error": Outcome.QUOTA_EXHAUSTED,
    "rate_limit_reached_error": Outcome.RATE_LIMITED,
    "invalid_authentication_error": Outcome.AUTH,
    "resource_not_found_error": Outcome.MODEL_NOT_FOUND,
    "Arrearage": Outcome.QUOTA_EXHAUSTED,
    "AllocationQuota.FreeTierOnly": Outcome.QUOTA_EXHAUSTED,
    "data_inspection_failed": Outcome.CONTENT_FILTERED,
    "DataInspectionFailed": Outcome.CONTENT_FILTERED,
    "unavailable_model": Outcome.MODEL_NOT_FOUND,
}

_GATEWAYS = {
    # OpenRouter's error_type and limit_source
    "string_too_long": Outcome.CONTEXT_TOO_LONG,
    "payload_too_large": Outcome.CONTEXT_TOO_LONG,
    "authentication": Outcome.AUTH,
    "provider_overloaded": Outcome.OVERLOADED,
    "provider_unavailable": Outcome.SERVER_ERROR,
    "refusal": Outcome.CONTENT_FILTERED,
    "server": Outcome.SERVER_ERROR,
    "timeout": Outcome.TIMEOUT,
    "openrouter_credits": Outcome.QUOTA_EXHAUSTED,
    "openrouter_key_limit": Outcome.QUOTA_EXHAUSTED,
    "openrouter_workspace_budget": Outcome.QUOTA_EXHAUSTED,
    "openrouter_guardrail_budget": Outcome.QUOTA_EXHAUSTED,
    "openrouter_in_flight_budget": Outcome.RATE_LIMITED,
    # LiteLLM's proxy
    "budget_exceeded": Outcome.QUOTA_EXHAUSTED,
    "auth_error": Outcome.AUTH,
    "expired_key": Outcome.AUTH,
    "no_db_connection": Outcome.AUTH,  # what a key gets that is not the master's, where no database knows others
    "token_not_found_in_db": Outcome.AUTH,
    "key_model_access_denied": Outcome.MODEL_NOT_FOUND,
    "team_model_access_denied": Outcome.MODEL_NOT_FOUND,
    "user_model_access_denied": Outcome.MODEL_NOT_FOUND,
    "org_model_access_denied": Outcome.MODEL_NOT_FOUND,
    # Bedrock, and gateways that hand its types on
    "ThrottlingException": Outcome.RATE_LIMITED,
    "ServiceQuotaExceededException": Outcome.RATE_LIMITED,
    "AccessDeniedException": Outcome.AUTH,
    "UnrecognizedClientException": Outcome.AUTH,
    "ExpiredTokenException": Outcome.AUTH,
    "ResourceNotFoundException": Outcome.MODEL_NOT_FOUND,
    "ModelNotReadyException": Outcome.OVERLOADED,
    "ServiceUnavailableException": Outcome.OVERLOADED,
    "InternalServerException": Outcome.SERVER_ERROR,
    "ModelErrorException": Outcome.SERVER_ERROR,
    "ModelStreamErrorException": Outcome.SERVER_ERROR,
    "ModelTimeoutException": Outcome.TIMEOUT,
}

CODES: Mapping[str, Outcome] = {**_OPENAI, **_ANTHROPIC, **_GOOGLE, **_OTHERS, **_GATEWAYS}

MONTHLY = frozenset(
    {"enforced_spend_limit_reached", "organization_spend_limit_exceeded", "project_spend_limit_exceeded"}
)
"""Codes of spend caps that end with the month."""


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


WORDS: Sequence[tuple[re.Pattern[str], Outcome]] = (
    (
        _any(
            r"credit balance is too low",
            r"insufficient (balance|credit|fund|quota)",
            r"specified (workspace )?API usage limits",
            r"spend(ing)? (limit|cap)",
            r"(prepayment|prepaid)? ?credits? (are|is|have been) (depleted|exhausted)",
            r"(out of|no|not enough|more) credits",
            r"used all available credits",
            # Gemini says the same of a minute, and names its own page.
            r"exceeded your current quota, please check your plan(?![^:]*: https://ai\.google)",
            r"\bkey limit exceeded",
            r"billing (is )?not active",
            r"account is not active, please check your billing",
        ),
        Outcome.QUOTA_EXHAUSTED,
    ),
    (
        _any(
            r"maximum context length",
            r"context (window|length|size)[^.]{0,40}(exceed|too|limit)",
            r"exceed(s|ed)? (the |this model'?s? )?(available |maximum |max )?(context|input token)",
            r"ContextWindowExceeded",
            r"longer than the model's context",
            r"`?inputs`? tokens \+ `?max_new_tokens`? must be",
            r"prompt (is )?too long",
            r"input (is too long|token count[^.]{0,20}exceeds)",
            r"too large for model with",
            r"(request|payload|body)[^.]{0,20} too large",
            r"reduce the length of (the|your) (messages|prompt|input)",
            r"total length of all messages is too long",
            r"maximum number of tokens allowed",
            r"input (or|and) output tokens must be reduced",
            r"tokens? (limit )?exceeds? (the )?limit",
        ),
        Outcome.CONTEXT_TOO_LONG,
    ),
    (
        _any(
            r"content (filtering|management) policy",
            r"blocked by[^.]{0,30}(safety|content|polic)",
            r"safety (system|filter|polic)",
            r"violat\w+[^.]{0,40}(polic|guideline)",
            r"content exists risk",
            r"prompt injection",
            r"usage policies",
            r"content[^.]{0,20}(was )?(flagged|filtered)",
            r"moderation",
        ),
        Outcome.CONTENT_FILTERED,
    ),
    (
        _any(
            r"(invalid|incorrect|missing|expired|wrong|no)( \w+)? (api|subscription) ?key",
            r"api key( \w+)? (is )?(not valid|invalid|expired|missing)",
            r"api key not (valid|found)",
            r"authentication fail",
            r"unauthori[sz]ed",
            r"unregistered callers",
            r"organization has been (disabled|restricted)",
            r"(country|region|location|territory)[^.]{0,40}not (supported|available|allowed)",
            r"not (supported|available) in your (country|region|location)",
            r"permission denied",
            r"access (token|denied)",
        ),
        Outcome.AUTH,
    ),
    (
        _any(
            r"model[^.]{0,120}(not found|does not exist|doesn't exist)",
            r"model[^.]{0,120}has been (deprecated|retired|shut down|decommissioned|removed)",
            r"(not found|unknown|invalid|no such|unsupported|nonexistent)( \w+)? model\b",
            r"model not (found|exist|available|supported)",
            r"model does not exist",
            r"supported (API )?model names are",
            r"not a (valid|supported|known) model",
            r"not found for api version",
            r"no (allowed providers|endpoints found)",
            r"not have access to (the |this )?model",
        ),
        Outcome.MODEL_NOT_FOUND,
    ),
    (
        _any(r"rate.?limit", r"too many (requests|concurrent)", r"requests per (minute|second|hour)"),
        Outcome.RATE_LIMITED,
    ),
    (_any(r"overloaded", r"at capacity", r"high demand", r"no capacity", r"server is busy"), Outcome.OVERLOADED),
)
"""Words, read only where no code decided; the first row that matches counts."""

STATUSES: Mapping[int, Outcome] = {
    401: Outcome.AUTH,
    402: Outcome.QUOTA_EXHAUSTED,
    403: Outcome.AUTH,
    404: Outcome.MODEL_NOT_FOUND,
    407: Outcome.NETWORK,
    408: Outcome.TIMEOUT,
    413: Outcome.CONTEXT_TOO_LONG,
    425: Outcome.OVERLOADED,
    429: Outcome.RATE_LIMITED,
    451: Outcome.AUTH,
    498: Outcome.OVERLOADED,
    499: Outcome.SERVER_ERROR,
    503: Outcome.OVERLOADED,
    504: Outcome.TIMEOUT,
    524: Outcome.TIMEOUT,
    529: Outcome.OVERLOADED,
}


def by_status(status: int) -> Outcome:
    """Return what an HTTP status alone says."""
    known = STATUSES.get(status)
    if known is not None:
        return known
    if 400 <= status < 500:
        return Outcome.INVALID_REQUEST
    return Outcome.SERVER_ERROR if status >= 500 else Outcome.MALFORMED


PARAMETERS: Mapping[str, str] = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "maxOutputTokens": "max_output_tokens",
    "temperature": "temperature",
    "reasoning": "reasoning",
    "reasoning_effort": "reasoning",
    "reasoning.effort": "reasoning",
    "effort": "reasoning",
    "thinking": "reasoning",
    "thinking.type": "reasoning",
    "thinking.budget_tokens": "reasoning",
    "thinking.enabled.budget_tokens": "reasoning",
    "thinking.type.enabled": "reasoning",
    "thinking.type.disabled": "reasoning",
    "thinking.type.adaptive": "reasoning",
    "output_config": "reasoning",
    "output_config.effort": "reasoning",
    "thinkingConfig": "reasoning",
    "thinking_config": "reasoning",
    "thinkingBudget": "reasoning",
    "thinking_budget": "reasoning",
    "thinkingLevel": "reasoning",
    "thinking_level": "reasoning",
    "stream": "stream",
    "stream_options": "stream_options",
    "stream_options.include_usage": "stream_options",
}
"""The providers' names of what we send, and ours."""
