"""How each model family takes reasoning, temperature and output limits: data, read by the wires.

The first row whose pattern matches the id (lower case, without a vendor's prefix) counts. What is written here comes
from the providers' model and migration pages and from recorded refusals, as of November 2026; a newer id falls to
the last row of its maker, and what that one gets wrong is learned from the refusal (`Target.learned`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.config.model import Reasoning

Sampling = Literal["always", "never", "unless_thinking", "only_disabled"]
"""When a temperature may be sent: `unless_thinking` also where reasoning is left alone, `only_disabled` not then."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All efforts that any provider knows, from the least to the most."""


class OpenAIFamily(NamedTuple):
    """`efforts` maps our word to the effort sent; a word that is not in it sends none."""

    pattern: str
    efforts: Mapping[str, str]
    temperature: Sampling = "always"
    limit: str = "max_tokens"
    thinking: Mapping[str, str] = {}
    """Our word to the `thinking.type` that DeepSeek and z.ai take beside or instead of an effort."""


_OLD = {"disabled": "low", "enabled": "medium", "low": "low", "medium": "medium", "high": "high"}
_MINIMAL = {**_OLD, "disabled": "minimal"}
_NONE = {**_OLD, "disabled": "none"}
_PRO = dict.fromkeys(_OLD, "high")
_PLAIN = {"low": "low", "medium": "medium", "high": "high"}
_SWITCH = {"disabled": "disabled", "enabled": "enabled", "low": "enabled", "medium": "enabled", "high": "enabled"}
_NEW_LIMIT = "max_completion_tokens"

OPENAI: Sequence[OpenAIFamily] = (
    OpenAIFamily(r"o1-(mini|preview)", {}, "never", _NEW_LIMIT),
    OpenAIFamily(r"o\d", _OLD, "never", _NEW_LIMIT),
    OpenAIFamily(r"gpt-5(\.\d+)?-chat", {}, "always", _NEW_LIMIT),
    OpenAIFamily(r"gpt-5(\.\d+)?-pro", _PRO, "never", _NEW_LIMIT),
    OpenAIFamily(r"gpt-5(\.\d+)?-codex", _OLD, "never", _NEW_LIMIT),
    OpenAIFamily(r"gpt-5(?!\.)", _MINIMAL, "never", _NEW_LIMIT),
    OpenAIFamily(r"gpt-5\.[1-4](?!\d)", _NONE, "unless_thinking", _NEW_LIMIT),
    OpenAIFamily(r"gpt-5\.", _NONE, "only_disabled", _NEW_LIMIT),
    OpenAIFamily(r"gpt-oss", {**_OLD, "disabled": "low"}),
    OpenAIFamily(r"gpt-6(\.\d+)?-astra", _OLD, "never", _NEW_LIMIT),
    OpenAIFamily(r"gpt-6(\.\d+)?-(sol|terra|luna)|gpt-6\.", _NONE, "only_disabled", _NEW_LIMIT),
    OpenAIFamily(r"gpt-([6-9]|\d\d)", _OLD, "never", _NEW_LIMIT),
    OpenAIFamily(r"(chat)?gpt-", {}),
    OpenAIFamily(r"deepseek", _PLAIN, "unless_thinking", thinking=_SWITCH),
    OpenAIFamily(r"glm-", {}, thinking=_SWITCH),
    OpenAIFamily(
        r"grok-3-mini", {"disabled": "low", "low": "low", "medium": "low", "high": "high"}, limit=_NEW_LIMIT
    ),
    OpenAIFamily(r"grok-4\.3(?!\d)", {**_NONE, "enabled": "low"}),
    OpenAIFamily(r"grok-(4\.[4-9]|[5-9])(?!\d)", {**_PLAIN, "disabled": "low"}),
    OpenAIFamily(r"grok", {}),
    OpenAIFamily(r"(mistral|magistral|ministral|devstral)", {"high": "high"}),
    OpenAIFamily(r"", _PLAIN),
)


class AnthropicFamily(NamedTuple):
    """`mode`: no thinking, a budget of tokens, adaptive thinking with an effort; `off` is what turns it off."""

    pattern: str
    mode: Literal["none", "budget", "adaptive"]
    off: str | None = None
    """The `thinking.type` that turns it off; None where it is off unless asked for, "low" where it only gets less."""
    temperature: Sampling = "unless_thinking"
    output: int = 8192
    """`max_tokens` where nobody says: the API demands one."""


_BUDGET = r"claude-(3-7|(sonnet|opus)-4(-\d{8}|-[0-5]|@|$)|haiku-4-5)"

ANTHROPIC: Sequence[AnthropicFamily] = (
    AnthropicFamily(r"claude-3-(opus|sonnet|haiku)", "none", temperature="always", output=4096),
    AnthropicFamily(r"claude-(3-5|2|instant)", "none", temperature="always"),
    AnthropicFamily(_BUDGET, "budget"),
    AnthropicFamily(r"claude-(opus|sonnet)-4-6", "adaptive"),
    AnthropicFamily(r"claude-\w+-4-[7-9]", "adaptive", temperature="never"),
    AnthropicFamily(r"claude-sonnet-5-[5-9]", "adaptive", "between_tools", "never"),
    AnthropicFamily(r"claude-(opus-5-[5-9]|fable|mythos)", "adaptive", "low", "never"),
    AnthropicFamily(r"claude-", "adaptive", "disabled", "never"),
    AnthropicFamily(r"", "budget", "disabled"),
)

BUDGETS: Mapping[str, int] = {"low": 2048, "medium": 8192, "enabled": 8192, "high": 16384}
"""Thinking tokens for Claude's budget mode; the least that is taken is `LEAST_BUDGET`."""
LEAST_BUDGET = 1024


class GeminiFamily(NamedTuple):
    """`field`: "thinkingBudget" (tokens, 0 off, -1 as it sees fit) or "thinkingLevel" (words); None: cannot think."""

    pattern: str
    field: Literal["thinkingBudget", "thinkingLevel"] | None
    values: Mapping[str, Any] = {}


_TOKENS = {"disabled": 0, "enabled": -1, "low": 1024, "medium": 8192, "high": 24576}
_LEVELS = {"disabled": "minimal", "low": "low", "medium": "medium", "high": "high"}

GEMINI: Sequence[GeminiFamily] = (
    GeminiFamily(r"gemini-2\.5-pro", "thinkingBudget", {**_TOKENS, "disabled": 128}),
    GeminiFamily(r"gemini-2\.5", "thinkingBudget", _TOKENS),
    GeminiFamily(r"gemini-[12]", None),
    GeminiFamily(r"gemini-3-pro", "thinkingLevel", {**_LEVELS, "disabled": "low", "medium": "high"}),
    GeminiFamily(r"gemini-\d+(\.\d+)?-pro|gemini-pro", "thinkingLevel", {**_LEVELS, "disabled": "low"}),
    GeminiFamily(r"gemini-3(\.[0-6])?-flash|gemini-[\d.]+-flash-lite|gemini-flash-lite", "thinkingLevel", _LEVELS),
    GeminiFamily(r"gemini-", "thinkingLevel", {**_LEVELS, "disabled": "low"}),
    GeminiFamily(r"", None),
)


def bare(model: str) -> str:
    """Return a model id in lower case without what stands before its last slash."""
    return model.rsplit("/", 1)[-1].lower()


@lru_cache(maxsize=256)
def openai_family(model: str) -> OpenAIFamily:
    """Return the row of a model asked over one of OpenAI's protocols."""
    name = bare(model)
    return next(row for row in OPENAI if re.match(row.pattern, name))


@lru_cache(maxsize=256)
def anthropic_family(model: str) -> AnthropicFamily:
    """Return the row of a model asked over the Messages protocol."""
    name = bare(model)
    return next(row for row in ANTHROPIC if re.match(row.pattern, name))


@lru_cache(maxsize=256)
def gemini_family(model: str) -> GeminiFamily:
    """Return the row of a model asked over Gemini's protocol."""
    name = bare(model)
    return next(row for row in GEMINI if re.match(row.pattern, name))


def may_sample(rule: Sampling, reasoning: Reasoning | None) -> bool:
    """Return whether a temperature may be sent along with this reasoning."""
    allowed = {
        "always": True,
        "never": False,
        "unless_thinking": reasoning in (None, "disabled"),
        "only_disabled": reasoning == "disabled",
    }
    return allowed[rule]
