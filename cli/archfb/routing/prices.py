"""What a model costs and how much it can read: the configuration first, then the bundled price data, else unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.config.model import Api, Config, Model, Provider
    from archfb.providers.exchange import Usage

_HOUSES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "google": "google",
    "deepseek": "deepseek",
}
"""Provider names, as configured, whose models the price data lists under this id, whatever host serves them."""
_WIRES = {"openai-responses": "openai", "anthropic": "anthropic", "gemini": "google"}
"""Protocols that one house speaks; openai-chat is everybody's, so it says nothing of the price."""


@dataclass(frozen=True, slots=True)
class Step:
    """Prices for a request whose prompt is larger than `above` tokens; they hold for all of its tokens."""

    above: int
    input: float | None
    output: float | None
    cached: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens, and the window in tokens; None is unknown, never free.

    `version` says where the prices come from: "configuration", or the price data and its version. `cached` is the
    price of input that the provider had cached. `steps` are dearer prices of long prompts, the longest last.
    """

    input: float | None = None
    output: float | None = None
    cached: float | None = None
    window: int | None = None
    version: str | None = None
    steps: tuple[Step, ...] = ()

    def at(self, prompt_tokens: int) -> Step:
        """Return the prices for a prompt of this size."""
        found = Step(0, self.input, self.output, self.cached)
        for step in self.steps:
            if prompt_tokens > step.above:
                found = step
        return found


def price(model: Model, provider: Provider, *, at: float | None = None) -> Price:
    """Return what the model costs at a time (Unix seconds; None is now, for prices that go by date or hour)."""
    if provider.api == "offline":
        return Price(0.0, 0.0, 0.0, model.context_window, "offline")
    listed = Price()
    if model.input_price is None or model.output_price is None or model.context_window is None:
        listed = _listed(model.id, provider, at)
    return _configured(model, listed)


def free(model: Model, provider: Provider) -> bool:
    """Say whether the model is known to cost nothing."""
    known = price(model, provider)
    return (known.input, known.output) == (0.0, 0.0)


def is_free(config: Config, name: str) -> bool:
    """Say whether the model of that name is known to cost nothing; of one that was renamed nothing is known."""
    model = config.models.get(name)
    return model is not None and free(model, config.providers[model.provider])


def cost(price: Price, usage: Usage, api: Api) -> float | None:
    """Return the USD of one answer, everything counted; None where a price or a count is unknown.

    Anthropic's input leaves out cached tokens and Gemini's output leaves out thoughts, so they are added. Cached
    tokens whose price is unknown count as other input, which is never too little.
    """
    if api == "offline":
        return 0.0
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    cached = usage.cached_tokens or 0
    prompt = usage.input_tokens + (cached if api == "anthropic" else 0)
    cached = min(cached, prompt)
    output = usage.output_tokens + ((usage.reasoning_tokens or 0) if api == "gemini" else 0)
    rates = price.at(prompt)
    if rates.input is None or rates.output is None:
        return None
    of_cached = rates.input if rates.cached is None else rates.cached
    return ((prompt - cached) * rates.input + cached * of_cached + output * rates.output) / 1e6


def _configured(model: Model, listed: Price) -> Price:
    """Return listed prices with those of the configuration in their place."""
    both = model.input_price is not None and model.output_price is not None
    steps = tuple(_over(model, step) for step in listed.steps) if not both else ()
    base: Price = _over(model, listed)
    return replace(
        base,
        window=model.context_window or listed.window,
        version="configuration" if both else listed.version,
        steps=steps,
    )


def _over(model: Model, rates: Any) -> Any:
    if model.input_price is not None:
        rates = replace(rates, input=model.input_price, cached=None)
    return rates if model.output_price is None else replace(rates, output=model.output_price)


def _listed(model_id: str, provider: Provider, at: float | None) -> Price:
    """Return what the price data says of a model.

    The small table that comes with archfb answers for the usual models of four houses; the price data itself, which
    takes a fifth of a second to load, is asked only for others at a host that it knows.
    """
    table = known()
    name = model_id.lower().removeprefix("models/")
    host = _host(provider.base_url, table["hosts"])
    house = host or _HOUSES.get(provider.name) or _WIRES.get(provider.api)
    entry = _entry(table["providers"].get(house, {}), name)
    version = table["version"]
    if entry is None and host is not None:
        entry, version = _looked_up(name, host)
    return Price() if entry is None else _priced(entry, version, at)


def _host(base_url: str, hosts: Mapping[str, str]) -> str | None:
    if base_url.startswith("http:"):
        return None
    return next((house for house, pattern in hosts.items() if re.match(pattern, base_url)), None)


def _entry(house: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    if not house:
        return None
    found: dict[str, Any] | None = house["models"].get(house["same"].get(name, name))
    return found


@lru_cache(maxsize=1)
def known() -> dict[str, Any]:
    """Return the small table of prices that comes with archfb."""
    import json
    from pathlib import Path

    table: dict[str, Any] = json.loads(Path(__file__).with_name("known_prices.json").read_bytes())
    return table


@lru_cache(maxsize=256)
def _looked_up(name: str, house: str) -> tuple[dict[str, Any] | None, str]:
    from archfb.routing.price_data import look_up

    return look_up(name, house)


def _priced(entry: Mapping[str, Any], version: str, at: float | None) -> Price:
    rates = _in_force(entry["rates"], at)
    steps = tuple(Step(*step) for step in rates.get("above", ()))
    return Price(rates["input"], rates["output"], rates["cached"], entry["window"], version, steps)


def _in_force(rates: list[dict[str, Any]], at: float | None) -> dict[str, Any]:
    """Return the rates that hold at a time: the last whose condition is met, as the price data defines it."""
    if len(rates) == 1:
        return rates[0]
    from datetime import UTC, datetime

    now = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
    day, hour = now.strftime("%Y-%m-%d"), now.strftime("%H:%M:%S")
    return next((one for one in reversed(rates) if _holds(one, day, hour)), rates[0])


def _holds(rates: Mapping[str, Any], day: str, hour: str) -> bool:
    if "from" in rates:
        return bool(day >= rates["from"])
    if "hours" not in rates:
        return True
    start, end = rates["hours"]
    inside: bool = start <= hour < end if start <= end else hour >= start or hour < end
    return inside
