"""From checked tables to frozen records."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from archfb.config.folders import expand
from archfb.config.kinds import seconds
from archfb.config.model import PHASES, Alerts, Complexity, Config, Model, Provider, Routing
from archfb_state.settings import Health, Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archfb.config.model import Layer

Tables = dict[str, dict[str, Any]]


def build(
    merged: Tables,
    origins: Mapping[str, str],
    layers: tuple[Layer, ...],
    notes: Iterable[str],
    environ: Mapping[str, str],
) -> Config:
    """Return the configuration that checked and merged tables describe."""
    thresholds = Thresholds(**merged["thresholds"])
    state = merged["state"]
    config = Config(
        health=Health(**merged["health"]),
        thresholds=thresholds,
        routing=Routing(**merged["routing"]),
        complexity=Complexity(**merged["complexity"]),
        providers={name: _provider(name, one) for name, one in merged["providers"].items()},
        models={name: _model(name, one, thresholds) for name, one in merged["models"].items()},
        chains={phase: tuple(merged["chains"][phase]) for phase in PHASES},
        strategies=merged["strategies"],
        alerts=_alerts(merged["alerts"]),
        database=expand(state["database"], environ) if "database" in state else None,
        vantage=state.get("vantage"),
        keep_days=state.get("keep_days", 30),
        layers=layers,
        origins=origins,
    )
    return _with_notes(config, [*notes, *short_deadline(config, config.routing.deadline)])


def _provider(name: str, one: Mapping[str, Any]) -> Provider:
    url = one.get("base_url")
    return Provider(name, **one) if url is None else Provider(name, **{**one, "base_url": url.rstrip("/")})


_LIMITS = tuple(one.name for one in fields(Thresholds))
_RENAMED = {"model": "id"}


def _model(name: str, one: Mapping[str, Any], thresholds: Thresholds) -> Model:
    known = {_RENAMED.get(key, key): value for key, value in one.items() if key not in _LIMITS}
    own = {key: one[key] for key in _LIMITS if key in one}
    if own:
        known["thresholds"] = Thresholds(**{key: own.get(key, getattr(thresholds, key)) for key in _LIMITS})
    return Model(name=name, **known)


def _alerts(one: Mapping[str, Any]) -> Alerts:
    return Alerts(**{**one, "command": tuple(one.get("command", ()))})


def short_deadline(config: Config, deadline: float) -> list[str]:
    """Return a note where the deadline of a call (seconds) ends before one attempt's time-out could."""
    used = {config.models[name].provider for name in config.chained}
    longest = max((config.providers[name] for name in used), key=lambda one: one.timeout)
    if deadline >= longest.timeout:
        return []
    longer = f"the provider's timeout {seconds(longest.timeout)}"
    return [f"deadline {seconds(deadline)} is shorter than {longer} and is what counts ({longest.name})."]


def _with_notes(config: Config, notes: list[str]) -> Config:
    from dataclasses import replace

    return replace(config, notes=tuple(notes)) if notes else config
