"""What a model costs: everything is counted, and what is unknown stays unknown."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.config.model import Api, Model, Provider
from archfb.providers.exchange import Usage
from archfb.routing import price_data, prices
from archfb.routing.prices import Price, Step, cost, price

OPENAI = Provider("openai", "openai-responses", "https://api.openai.com/v1")
LOCAL = Provider("local", "openai-chat", "http://127.0.0.1:8080/v1")


def model(name: str, **more: float | int) -> Model:
    return Model("m", "p", name, **more)  # type: ignore[arg-type]


def test_the_small_table_is_what_the_price_data_says() -> None:
    table = prices.known()
    if table["version"] != price_data.version():
        pytest.skip(f"the table is of {table['version']}; python -m archfb.routing.price_data writes it again")
    assert table == price_data.small_table()
    with open(prices.__file__.replace("prices.py", "known_prices.json"), encoding="utf-8") as file:  # noqa: PTH123
        assert file.read() == price_data.written(table)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        (OPENAI, "gpt-4o"),
        (OPENAI, "GPT-4o"),
        (Provider("mine", "gemini", "https://generativelanguage.googleapis.com/v1beta"), "models/gemini-2.0-flash"),
        (Provider("anthropic", "anthropic", "https://gateway.example/v1"), "claude-3-7-sonnet-20250219"),
        (Provider("x", "anthropic", "http://127.0.0.1:1"), "claude-sonnet-5-5"),
        (Provider("x", "openai-chat", "https://api.deepseek.com"), "deepseek-reasoner"),
    ],
)
def test_usual_models_are_known(provider: Provider, name: str) -> None:
    found = price(model(name), provider)
    assert None not in (found.input, found.output, found.window)
    assert found.version == prices.known()["version"]


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        (LOCAL, "gpt-4o"),
        (LOCAL, "llama"),
        (OPENAI, "gpt-nobody"),
        (Provider("x", "openai-chat", "https://x.example"), "o1"),
    ],
)
def test_what_is_not_known_is_unknown_and_never_free(provider: Provider, name: str) -> None:
    found = price(model(name), provider)
    assert found == Price()
    assert cost(found, Usage(1, 1), provider.api) is None


def test_other_models_are_looked_up_in_the_whole_price_data() -> None:
    groq = Provider("groq", "openai-chat", "https://api.groq.com/openai/v1")
    found = price(model("llama-3.3-70b-versatile"), groq)
    assert found.input is not None
    dated = price(model("claude-3-5-sonnet-20241022"), Provider("a", "anthropic", "https://api.anthropic.com/v1"))
    assert (dated.input, dated.output) == (3.0, 15.0)


def test_the_configuration_wins() -> None:
    both = price(model("gpt-4o", input_price=1, output_price=2), OPENAI)
    assert (both.input, both.output, both.cached, both.window, both.version) == (1, 2, None, 128000, "configuration")
    one = price(model("gpt-4o", output_price=2), OPENAI)
    assert (one.input, one.output, one.cached) == (2.5, 2, 1.25)
    assert price(model("gpt-4o", context_window=5), OPENAI).window == 5
    assert price(model("x", input_price=0, output_price=0), LOCAL).input == 0
    long = price(model("gpt-6.1-sol", input_price=1), OPENAI)
    assert [(step.input, step.output, step.cached) for step in long.steps] == [(1, 15.0, None)]


def test_the_offline_provider_costs_nothing() -> None:
    found = price(model("offline"), Provider("offline", "offline"))
    assert (found.input, found.output, cost(found, Usage(), "offline")) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("api", "usage", "usd"),
    [
        ("openai-responses", Usage(1000, 100, 40, 400), 600 * 10 + 400 * 1 + 100 * 50),
        ("openai-chat", Usage(1000, 100), 1000 * 10 + 100 * 50),
        ("anthropic", Usage(500, 100, 40, 400), 500 * 10 + 400 * 1 + 100 * 50),
        ("gemini", Usage(1000, 100, 40, 400), 600 * 10 + 400 * 1 + 140 * 50),
        ("gemini", Usage(0, 0), 0),
        ("openai-chat", Usage(10, 1, None, 999), 10 * 1 + 1 * 50),
        ("openai-chat", Usage(None, 100), None),
        ("openai-chat", Usage(100, None), None),
        ("anthropic", Usage(900, 0, None, 101), 900 * 20 + 101 * 2),
        ("openai-chat", Usage(1001, 1, None, 101), 900 * 20 + 101 * 2 + 70),
    ],
)
def test_cost_counts_all(api: Api, usage: Usage, usd: float | None) -> None:
    found = cost(Price(10, 50, 1, steps=(Step(1000, 20, 70, 2),)), usage, api)
    assert found == (None if usd is None else pytest.approx(usd / 1e6))


def test_cached_input_of_unknown_price_counts_as_input() -> None:
    assert cost(Price(10, 50), Usage(100, 0, None, 60), "openai-chat") == pytest.approx(100 * 10 / 1e6)
    assert cost(Price(None, 50), Usage(0, 100), "openai-chat") is None


@pytest.mark.parametrize(
    ("name", "moment", "rate"),
    [
        ("gemini-4-argon", datetime(2026, 11, 30, 23, 59, tzinfo=UTC), 2.0),
        ("gemini-4-argon", datetime(2026, 12, 1, tzinfo=UTC), 4.0),
    ],
)
def test_prices_go_by_the_date_they_are_asked_for(name: str, moment: datetime, rate: float) -> None:
    google = Provider("gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta")
    assert price(model(name), google, at=moment.timestamp()).input == rate


@given(
    st.sampled_from(["deepseek-v4-pro", "deepseek-flash", "deepseek-reasoner", "deepseek-v4-flash", "deepseek-v3.2"]),
    st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
)
def test_the_rates_in_force_are_those_that_the_price_data_takes(name: str, moment: datetime) -> None:
    from genai_prices.data_snapshot import get_snapshot

    deepseek = Provider("deepseek", "openai-chat", "https://api.deepseek.com")
    _, listed = get_snapshot().find_provider_model(name, None, "deepseek", None)
    rates = listed.get_prices(moment)
    found = price(model(name), deepseek, at=moment.timestamp())
    assert (found.input, found.output) == (float(rates.input_mtok), float(rates.output_mtok))  # type: ignore[arg-type]


def test_the_usual_way_never_loads_the_price_data() -> None:
    import subprocess

    code = (
        "import sys; from pathlib import Path; from archfb.config.load import load\n"
        "from archfb.routing.prices import price\n"
        "config = load(None, environ={'HOME': '/nowhere'}, cwd=Path('/'))\n"
        "found = [price(one, config.providers[one.provider]).input for one in config.models.values()]\n"
        "assert None not in found\n"
        "heavy = {'genai_prices', 'httpx', 'platformdirs', 'pydantic', 'difflib', 'asyncio', 'hashlib'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == 0
