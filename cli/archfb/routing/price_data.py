"""The bundled price data (genai-prices), read into the shape of `known_prices.json`. Importing it takes 0.2 s.

`python -m archfb.routing.price_data > cli/archfb/routing/known_prices.json` writes that file again after an update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import time

    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider

HOUSES = ("openai", "anthropic", "google", "deepseek")
"""The providers whose models are in the small table: those of the shipped configuration."""
_DATED = ("claude-3-7-sonnet-20250219", "gemini-2.5-flash-preview-05-20")
"""Names that configurations of an older generation use, and the data knows by their beginning only."""
_NOT_TEXT = (
    "audio",
    "embedding",
    "image",
    "live",
    "moderation",
    "realtime",
    "robotics",
    "transcribe",
    "tts",
    "whisper",
)


def version() -> str:
    """Return the name and version of the installed price data."""
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def look_up(name: str, house: str) -> tuple[dict[str, Any] | None, str]:
    """Return a model's window and rates, or None where the price data does not know it; and the data's version."""
    from genai_prices.data_snapshot import get_snapshot

    snapshot = get_snapshot()
    provider = next((one for one in snapshot.providers if one.id == house), None)
    found = provider.find_model(name, all_providers=snapshot.providers) if provider is not None else None
    return (None if found is None else entry(found)), version()


def small_table() -> dict[str, Any]:
    """Return what `known_prices.json` holds: the text models of four houses, by each exact name they go by."""
    from genai_prices.data_snapshot import get_snapshot

    providers = sorted(get_snapshot().providers, key=lambda one: one.id not in HOUSES)
    return {
        "version": version(),
        "hosts": {one.id: one.api_pattern for one in providers},
        "providers": {one.id: _house(one) for one in providers if one.id in HOUSES},
    }


def written(table: dict[str, Any]) -> str:
    """Return the table as JSON with a model a line, so that a change of a price is a change of one line."""
    import json

    top = [f"{json.dumps(key)}: {json.dumps(table[key])}" for key in ("version", "hosts")]
    houses = []
    for name, house in table["providers"].items():
        models = ",\n".join(f"{json.dumps(model)}: {json.dumps(one)}" for model, one in house["models"].items())
        houses.append(f'{json.dumps(name)}: {{"models": {{\n{models}\n}}, "same": {json.dumps(house["same"])}}}')
    return "{\n" + ",\n".join([*top, '"providers": {\n' + ",\n".join(houses) + "\n}"]) + "\n}\n"


def entry(found: ModelInfo) -> dict[str, Any]:
    """Return one model's window and rates. Of several rates the last whose condition is met holds."""
    prices = found.prices
    rates = [_conditional(one) for one in prices] if isinstance(prices, list) else [_rates(prices)]
    return {"window": found.context_window, "rates": rates}


def _house(provider: Provider) -> dict[str, Any]:
    models: dict[str, Any] = {}
    same: dict[str, str] = {}
    for name in sorted({*_DATED, *(name for one in provider.models for name in _names(one))}):
        found = provider.find_model(name)
        if found is None or any(word in found.id for word in _NOT_TEXT):
            continue
        made = entry(found)
        if made["rates"][-1]["input"] is not None and made["rates"][-1]["output"] is not None:
            models[found.id] = made
            if name != found.id:
                same[name] = found.id
    return {"models": dict(sorted(models.items())), "same": same}


def _names(found: ModelInfo) -> Iterator[str]:
    yield found.id
    for clause in (found.match, *getattr(found.match, "or_", ())):
        exact = getattr(clause, "equals", None)
        if exact is not None:
            yield exact.lower()


def _conditional(one: ConditionalPrice) -> dict[str, Any]:
    condition: Any = one.constraint
    if hasattr(condition, "start_date"):
        return {"from": condition.start_date.isoformat(), **_rates(one.prices)}
    if condition is not None:
        return {"hours": [_utc(condition.start_time), _utc(condition.end_time)], **_rates(one.prices)}
    return _rates(one.prices)


def _utc(one: time) -> str:
    from datetime import UTC, date, datetime

    moment = datetime.combine(date(2000, 1, 1), one)
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime("%H:%M:%S")


def _rates(prices: ModelPrice) -> dict[str, Any]:
    keys = ("input_mtok", "output_mtok", "cache_read_mtok")
    found = [getattr(prices, key, None) for key in keys]
    base = [_at(one, 0) for one in found]
    starts = sorted({tier.start for one in found for tier in getattr(one, "tiers", ())})
    rates: dict[str, Any] = dict(zip(("input", "output", "cached"), base, strict=True))
    if starts:
        rates["above"] = [[start, *(_at(one, start + 1) for one in found)] for start in starts]
    return rates


def _at(price: Any, tokens: int) -> float | None:
    if price is None or not hasattr(price, "tiers"):
        return None if price is None else float(price)
    return float(next((tier.price for tier in reversed(price.tiers) if tokens > tier.start), price.base))


if __name__ == "__main__":
    print(written(small_table()), end="")
