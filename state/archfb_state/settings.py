"""The numbers that the decisions read, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Strategy = Literal["balanced", "priority", "fastest", "cheapest"]
Tier = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a model is degraded (`warning`) and when it serves only as a last choice (`critical`)."""

    latency_warning: float = 5.0
    latency_critical: float = 10.0
    error_rate_warning: float = 0.10
    error_rate_critical: float = 0.25


@dataclass(frozen=True, slots=True)
class Health:
    """Probing and the breaker."""

    interval: float = 300.0
    timeout: float = 10.0
    retry_count: int = 3
    backoff_base: float = 30.0
    backoff_factor: float = 1.5
    backoff_max: float = 900.0
    probe_max_per_day: int = 500
    probe_usd_per_day: float = 0.50


@dataclass(frozen=True, slots=True)
class Settings:
    """What the decision core needs of the configuration."""

    health: Health = field(default_factory=Health)
    thresholds: Thresholds = field(default_factory=Thresholds)
    model_thresholds: Mapping[str, Thresholds] = field(default_factory=dict)

    def of(self, model: str) -> Thresholds:
        """Return the thresholds that hold for one model."""
        return self.model_thresholds.get(model, self.thresholds)
