"""The effective configuration as frozen values; `archfb.config.load` makes it from the layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb_state.settings import Health, Settings, Strategy, Thresholds, Tier

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")

Api = Literal["openai-responses", "openai-chat", "anthropic", "gemini", "offline"]
Reasoning = Literal["disabled", "enabled", "low", "medium", "high"]
Probe = Literal["auto", "metadata", "completion", "none"]


@dataclass(frozen=True, slots=True)
class Provider:
    """A wire protocol, a base URL and the name of the variable that holds the key."""

    name: str
    api: Api
    base_url: str = ""
    api_key_env: str | None = None
    timeout: float = 120.0
    connect_timeout: float = 10.0
    idle_timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Model:
    """A named preset: provider, model id and how to ask it."""

    name: str
    provider: str
    id: str
    reasoning: Reasoning | None = None
    temperature: float | None = None
    tier: Tier = "medium"
    weight: float = 1.0
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    stream: bool = True
    probe: Probe = "auto"
    thresholds: Thresholds | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """How a call goes through its chain."""

    strategy: Strategy = "balanced"
    deadline: float = 600.0
    max_concurrency: int = 8
    attempts_per_model: int = 2
    on_refusal: Literal["next", "stop"] = "next"
    offline: bool = True
    hedge: float = 0.0
    max_cost: float | None = None
    max_cost_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Complexity:
    """Characters of context: below `medium_from` low, below `high_from` medium, else high."""

    medium_from: int = 5000
    high_from: int = 20000


@dataclass(frozen=True, slots=True)
class Alerts:
    """Where changes of status are told."""

    webhook: str | None = None
    command: tuple[str, ...] = ()
    secret_env: str | None = None
    remind: float = 86400.0
    ping: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """One file that took part: "shipped", "user", "--config", "$ARCHFB_CONFIG" or "./fallback.toml"."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Config:
    """The effective configuration. `origins` maps a dotted key to the name of the layer that set it."""

    health: Health
    thresholds: Thresholds
    routing: Routing
    complexity: Complexity
    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    chains: Mapping[str, tuple[str, ...]]
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    alerts: Alerts = field(default_factory=Alerts)
    database: str | None = None
    vantage: str | None = None
    keep_days: int = 30
    layers: tuple[Layer, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """Return what the decision core needs."""
        from archfb_state.settings import Settings

        own = {name: one.thresholds for name, one in self.models.items() if one.thresholds is not None}
        return Settings(self.health, self.thresholds, own)

    @property
    def chained(self) -> tuple[str, ...]:
        """Return the models that some chain names, in order of first mention."""
        return tuple(dict.fromkeys(name for chain in self.chains.values() for name in chain))

    def strategy(self, phase: str) -> Strategy:
        """Return the strategy of one phase."""
        return self.strategies.get(phase, self.routing.strategy)
