"""Every setting there is, as tables: type, bounds, default and what it means.

Validation, `config show`, `config init` and the reference page all read these tables.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from archfb.config.model import PHASES

Kind = Literal[
    "seconds",
    "number",
    "integer",
    "switch",
    "text",
    "choice",
    "names",
    "arguments",
    "url",
    "base_url",
    "variable",
    "database",
]


class Setting(NamedTuple):
    """One setting. Bounds are inclusive; `default` None means absent, and then `sample` shows what it may be."""

    kind: Kind
    doc: str
    default: object = None
    low: float = 0.0
    high: float = 1e9
    choices: tuple[str, ...] = ()
    required: bool = False
    sample: str = ""
    why: str = ""
    """Said after the bounds in an error, where they surprise."""
    found: bool = False
    """An untrusted ./fallback.toml may set it."""


HOUR = 3600.0
DAY = 86400.0
STRATEGIES = ("balanced", "priority", "fastest", "cheapest")
TIERS = ("low", "medium", "high")
APIS = ("openai-responses", "openai-chat", "anthropic", "gemini", "offline")
REASONING = ("disabled", "enabled", "low", "medium", "high")
PROBES = ("auto", "metadata", "completion", "none")


def _timeout(default: float, doc: str) -> Setting:
    return Setting("seconds", doc, default, 0.1, HOUR)


STATE = {
    "database": Setting(
        "database",
        "The state file. Absent: `archfb.db` in the user state folder. A relative path starts at the file that names "
        "it. `$ARCHFB_STATE` and `--state` win. Or `postgresql://…`, shared by many machines.",
        sample='"~/archfb.db"',
    ),
    "vantage": Setting(
        "text",
        "Where this machine stands, in a database that many share: health is shared by those that name the same.",
        sample='"office"',
    ),
    "keep_days": Setting(
        "integer", "Days that single attempts are kept; hourly roll-ups stay 400 days.", 30, 1, 36500
    ),
}

HEALTH = {
    "interval": Setting(
        "seconds", "Between two probes of a healthy model.", 300.0, 10, 7 * DAY, why="probes cost money"
    ),
    "timeout": _timeout(10.0, "How long one probe may take."),
    "retry_count": Setting("integer", "Consecutive failures until a model is unavailable.", 3, 1, 100),
    "backoff_base": Setting("seconds", "First wait before an unavailable model is tried again.", 30.0, 0.001, DAY),
    "backoff_factor": Setting("number", "Growth of that wait each time the trial fails.", 1.5, 1, 10),
    "backoff_max": Setting("seconds", "The longest such wait.", 900.0, 0.001, 7 * DAY),
    "probe_max_per_day": Setting("integer", "Probes per model and day; beyond it metadata only.", 500, 0, 1_000_000),
    "probe_usd_per_day": Setting("number", "USD that the probes of all models may cost in a day.", 0.50, 0, 1e6),
}


def _threshold(default: float | None, doc: str, high: float, kind: Kind, found: bool = True) -> Setting:
    return Setting(kind, doc, default, 0.0 if high == 1 else 0.001, high, found=found)


THRESHOLDS = {
    "latency_warning": _threshold(5.0, "Seconds to an answer from which a model is degraded.", HOUR, "seconds"),
    "latency_critical": _threshold(
        10.0, "Seconds from which it serves only when nothing better can.", HOUR, "seconds"
    ),
    "error_rate_warning": _threshold(
        0.10, "Failures ÷ calls from which a model is degraded, from 10 calls on.", 1, "number"
    ),
    "error_rate_critical": _threshold(
        0.25, "Failures ÷ calls from which it serves only when nothing better can.", 1, "number"
    ),
}

ROUTING = {
    "strategy": Setting(
        "choice", "How the candidates of a call are ordered.", "balanced", choices=STRATEGIES, found=True
    ),
    "deadline": Setting("seconds", "One call may take, over all its attempts.", 600.0, 0.1, DAY),
    "max_concurrency": Setting("integer", "Calls in flight at once.", 8, 1, 1024),
    "attempts_per_model": Setting(
        "integer", "Attempts at one model within one call, only for errors worth repeating.", 2, 1, 10
    ),
    "on_refusal": Setting(
        "choice", "What a content filter's refusal does to the call.", "next", choices=("next", "stop")
    ),
    "offline": Setting("switch", "The offline provider stands at the end of every chain.", True),
    "hedge": Setting(
        "number", "Quantile of a model's latency after which a second one is asked too; 0 = never.", 0.0, 0, 1
    ),
    "max_cost": Setting("number", "USD one run may spend; absent = no limit.", None, 0, 1e9, sample="5.0"),
    "max_cost_per_day": Setting(
        "number", "USD all runs on this state may spend in a day; absent = no limit.", None, 0, 1e9, sample="20.0"
    ),
}

COMPLEXITY = {
    "medium_from": Setting("integer", "Characters of context from which a call is medium.", 5000, 1, 1e9, found=True),
    "high_from": Setting("integer", "Characters of context from which a call is high.", 20000, 1, 1e9, found=True),
}

PROVIDER = {
    "api": Setting("choice", "The wire protocol.", choices=APIS, required=True),
    "base_url": Setting(
        "base_url",
        "What the protocol's paths are put after: `https://host[/path]`; `http://` only for loopback and private "
        "hosts. Required, but for `offline`.",
        sample='"https://…"',
    ),
    "api_key_env": Setting(
        "variable",
        "The environment variable that holds the key; never a key itself. Absent: no key is sent.",
        sample='"OPENAI_API_KEY"',
    ),
    "timeout": _timeout(120.0, "One attempt may take, first byte to last; cut to what the deadline leaves."),
    "connect_timeout": _timeout(10.0, "Connecting may take."),
    "idle_timeout": _timeout(60.0, "The longest silence inside an answer; with reasoning on, `timeout` counts."),
}

MODEL = {
    "provider": Setting("text", "The name of its provider.", required=True),
    "model": Setting("text", "The provider's id for it.", required=True),
    "reasoning": Setting("choice", "Absent: the provider's default.", choices=REASONING, sample='"medium"'),
    "temperature": Setting("number", "Absent: not sent.", None, 0, 2, sample="0.2"),
    "tier": Setting("choice", "The complexity it is meant for.", "medium", choices=TIERS, found=True),
    "weight": Setting(
        "number", "Its share among the models that suit; 0 = only when all others failed.", 1.0, 0, 1e6, found=True
    ),
    "context_window": Setting(
        "integer", "Tokens. Absent: from the bundled price data, else unknown.", None, 1, 1e9, sample="1000000"
    ),
    "max_output_tokens": Setting("integer", "Absent: the provider's own limit.", None, 1, 1e9, sample="8192"),
    "input_price": Setting(
        "number",
        "USD per million tokens. Absent: from the bundled price data, else unknown.",
        None,
        0,
        1e6,
        sample="0.1",
    ),
    "output_price": Setting("number", "USD per million tokens, likewise.", None, 0, 1e6, sample="0.4"),
    "stream": Setting("switch", "Ask for a streamed answer.", True),
    "probe": Setting("choice", "What a probe of it may be.", "auto", choices=PROBES),
} | {
    name: _threshold(None, f"Its own `{name}`; absent: that of [thresholds].", one.high, one.kind, found=False)
    for name, one in THRESHOLDS.items()
}

CHAINS = {phase: Setting("names", f"The models of {phase}, in order.", found=True) for phase in PHASES}
PHASE_STRATEGIES = {
    phase: Setting("choice", f"The strategy of {phase}.", choices=STRATEGIES, sample='"priority"', found=True)
    for phase in PHASES
}

ALERTS = {
    "webhook": Setting("url", "POSTed as JSON on changes of status.", sample='"https://…"'),
    "command": Setting("arguments", "Run without a shell, the JSON on stdin.", sample='["notify-send", "archfb"]'),
    "secret_env": Setting(
        "variable", "The variable whose value signs the webhook's body.", sample='"ARCHFB_WEBHOOK_SECRET"'
    ),
    "remind": Setting("seconds", "Until a state that lasts is told again.", DAY, 60, 365 * DAY),
    "ping": Setting("url", "Dead man's switch, called after each complete probe round.", sample='"https://…"'),
}

TABLES: dict[str, dict[str, Setting]] = {
    "state": STATE,
    "health": HEALTH,
    "thresholds": THRESHOLDS,
    "routing": ROUTING,
    "complexity": COMPLEXITY,
    "chains": CHAINS,
    "strategies": PHASE_STRATEGIES,
    "alerts": ALERTS,
}
"""Tables whose keys are settings."""

NAMED: dict[str, dict[str, Setting]] = {"providers": PROVIDER, "models": MODEL}
"""Tables whose keys are names that the user chooses, each a table of settings."""

ABOUT = {
    "state": "What is remembered between calls.",
    "health": "Probing, and when a model is taken out.",
    "thresholds": "When a model is degraded (warning), and when it serves only if nothing better can (critical).",
    "routing": "How a call goes through its chain.",
    "complexity": "Which tier a context of so many characters asks for.",
    "providers": "A wire protocol, a base URL, and the name of the variable that holds the key.",
    "models": "Presets that chains name: a provider's model and how it is asked.",
    "chains": "The models of each phase, in order.",
    "strategies": "Strategies of single phases, over that of [routing].",
    "alerts": "What is told when a status changes.",
}


def setting(path: tuple[str, ...]) -> Setting | None:
    """Return the setting at a path of keys, or None where there is none."""
    if len(path) == 2 and path[0] in TABLES:
        return TABLES[path[0]].get(path[1])
    if len(path) == 3 and path[0] in NAMED:
        return NAMED[path[0]].get(path[2])
    return None
