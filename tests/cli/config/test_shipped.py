"""The shipped fallback.toml says what is promised of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archfb.config.model import PHASES, Alerts, Complexity, Model, Provider, Routing
from archfb.config.schema import NAMED, TABLES
from archfb.config.source import shipped_path
from archfb.routing.prices import price
from archfb_state.settings import Health, Thresholds

if TYPE_CHECKING:
    from tests.cli.config.conftest import World

ROOT = Path(__file__).parents[3]

CHAINS = {
    "phase1": ("gemini-basic", "claude-basic", "openai-default", "openai-mini-low"),
    "phase2": ("gemini-reasoning", "openai-reasoning-medium", "claude-reasoning", "deepseek-reasoner"),
    "phase3": ("gemini-reasoning", "openai-reasoning-high", "claude-reasoning", "deepseek-reasoner"),
    "phase4": ("gemini-basic", "openai-reasoning-medium", "claude-basic", "openai-precise"),
    "phase5": ("gemini-basic", "claude-basic", "openai-mini-medium", "openai-default"),
    "final": ("gemini-reasoning", "openai-reasoning-high", "claude-reasoning", "deepseek-reasoner"),
}
PRESETS = {
    "gemini-basic": ("low", 1.0),
    "gemini-reasoning": ("high", 0.9),
    "claude-basic": ("medium", 0.85),
    "claude-reasoning": ("high", 0.85),
    "openai-default": ("medium", 0.75),
    "openai-precise": ("medium", 0.75),
    "openai-mini-low": ("low", 0.8),
    "openai-mini-medium": ("low", 0.8),
    "openai-reasoning-medium": ("medium", 0.7),
    "openai-reasoning-high": ("high", 0.7),
    "deepseek-reasoner": ("medium", 0.6),
}


def test_it_is_the_file_at_the_root_of_the_checkout() -> None:
    assert Path(shipped_path()) == ROOT / "fallback.toml"


def test_its_chains_tiers_and_weights_are_the_promised_ones(world: World) -> None:
    config = world.load()
    assert dict(config.chains) == CHAINS
    assert {name: (config.models[name].tier, config.models[name].weight) for name in config.chained} == PRESETS


def test_what_it_states_is_what_the_program_assumes_without_it(world: World) -> None:
    config = world.load()
    assert (config.health, config.thresholds) == (Health(), Thresholds())
    assert (config.routing, config.complexity, config.alerts) == (Routing(), Complexity(), Alerts())
    assert (config.keep_days, config.database, config.strategies) == (30, None, {})


def test_the_tables_of_settings_have_the_same_defaults_as_the_records() -> None:
    records = {"health": Health(), "thresholds": Thresholds(), "routing": Routing(), "complexity": Complexity()}
    for table, record in records.items():
        assert {key: one.default for key, one in TABLES[table].items()} == {
            key: getattr(record, key) for key in TABLES[table]
        }
    for key in ("timeout", "connect_timeout", "idle_timeout"):
        assert NAMED["providers"][key].default == getattr(Provider("p", "offline"), key)
    for key in ("tier", "weight", "stream", "probe"):
        assert NAMED["models"][key].default == getattr(Model("m", "p", "i"), key)


def test_every_setting_of_a_plain_table_stands_in_it() -> None:
    text = (ROOT / "fallback.toml").read_text("utf-8")
    for table, settings in TABLES.items():
        if table != "strategies":
            section = text.split(f"[{table}]", 1)[1].split("\n[", 1)[0]
            assert [key for key in settings if f"{key} = " not in section] == [], table


@pytest.mark.parametrize(
    ("name", "api", "base_url", "variable"),
    [
        ("openai", "openai-responses", "https://api.openai.com/v1", "OPENAI_API_KEY"),
        ("anthropic", "anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
        ("gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"),
        ("deepseek", "openai-chat", "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
        ("offline", "offline", "", None),
    ],
)
def test_its_providers(world: World, name: str, api: str, base_url: str, variable: str | None) -> None:
    one = world.load().providers[name]
    assert (one.api, one.base_url, one.api_key_env) == (api, base_url, variable)


def test_precise_is_default_at_a_low_temperature(world: World) -> None:
    models = world.load().models
    assert models["openai-precise"].temperature == 0.2
    assert models["openai-default"].temperature is None
    assert models["openai-precise"].id == models["openai-default"].id


def test_the_price_data_knows_every_model(world: World) -> None:
    config = world.load()
    for name in config.chained:
        found = price(config.models[name], config.providers[config.models[name].provider])
        assert None not in (found.input, found.output, found.cached, found.window), name


def test_the_older_presets_load_with_the_same_chains_and_weights(world: World) -> None:
    config = world.load(str(ROOT / "tests/fallback_legacy.toml"))
    shipped = world.load()

    def shape(config: object, phase: str) -> list[tuple[object, ...]]:
        models = [config.models[name] for name in config.chains[phase]]  # type: ignore[attr-defined]
        return [(one.provider, one.tier, one.weight, one.temperature) for one in models]

    assert [shape(config, phase) for phase in PHASES] == [shape(shipped, phase) for phase in PHASES]
    ids = {(config.models[name].id, config.models[name].reasoning) for name in config.chained}
    assert {("o1", "high"), ("o1", "medium"), ("o3-mini", "low"), ("o3-mini", "medium"), ("gpt-4o", None)} < ids
    older = {"gemini-2.0-flash", "gemini-2.5-flash-preview-05-20", "claude-3-7-sonnet-20250219", "deepseek-reasoner"}
    assert older < {name for name, _ in ids}


def test_nothing_in_it_is_a_key() -> None:
    text = (ROOT / "fallback.toml").read_text("utf-8")
    providers = tomllib.loads(text)["providers"].values()
    assert all(set(one) <= set(NAMED["providers"]) for one in providers)
