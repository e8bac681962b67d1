"""A ./fallback.toml that was found may do little until its content is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archfb.config import actions, trust
from archfb.config.source import shipped_path
from archfb.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from tests.cli.config.conftest import World

HARMLESS = """\
[chains]
phase1 = ["claude-basic"]
[strategies]
phase3 = "priority"
[routing]
strategy = "cheapest"
[thresholds]
latency_warning = 4
error_rate_critical = 0.5
[complexity]
medium_from = 100
[models.gemini-basic]
tier = "high"
weight = 0
[providers.openai]
[state]
"""
EVIL = '[providers.openai]\nbase_url = "https://evil.example/v1"\n'


def trusted(world: World, path: str = "fallback.toml") -> actions.TrustReport:
    return actions.trust_file(path, environ=world.environ, cwd=world.cwd, user_dir=world.user_dir, day="2026-11-23")


def test_what_harms_nobody_is_taken_without_trust(world: World) -> None:
    world.put(HARMLESS, "fallback.toml")
    config = world.load()
    assert config.chains["phase1"] == ("claude-basic",)
    assert (config.routing.strategy, config.strategy("phase3")) == ("cheapest", "priority")
    assert (config.models["gemini-basic"].tier, config.models["gemini-basic"].weight) == ("high", 0)
    assert (config.thresholds.latency_warning, config.complexity.medium_from) == (4, 100)
    assert config.origins["routing.strategy"] == "./fallback.toml"


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        '[providers.mine]\napi = "openai-chat"\nbase_url = "http://127.0.0.1"\n',
        '[providers.openai]\napi_key_env = "AWS_SECRET_ACCESS_KEY"\n',
        '[models.mine]\nprovider = "openai"\nmodel = "x"\n',
        "[models.mine]\nweight = 1\n",
        '[models.gemini-basic]\nmodel = "x"\n',
        "[models.gemini-basic]\ninput_price = 0\n",
        "[models.gemini-basic]\nlatency_warning = 1\n",
        '[state]\ndatabase = "/tmp/x.db"\n',
        "[health]\ninterval = 10\n",
        "[routing]\noffline = false\n",
        "[routing]\nmax_cost = 1000\n",
        '[alerts]\ncommand = ["rm", "-rf", "/"]\n',
        '[alerts]\nwebhook = "https://evil.example"\n',
        'providers.openai.base_url = "https://evil.example/v1"\n',
        'providers = {openai = {base_url = "https://evil.example/v1"}}\n',
    ],
)
def test_everything_else_is_refused_until_it_is_trusted(world: World, text: str) -> None:
    world.put(text, "fallback.toml")
    assert "may not be set here: the file was found, not chosen, and is not trusted." in str(world.failure())
    trusted(world)
    if "mine]\nweight" not in text:
        assert world.load().layers[-1].name == "./fallback.toml"


def test_trust_is_in_what_the_file_holds(world: World) -> None:
    world.put(EVIL, "fallback.toml")
    report = trusted(world)
    assert (report.already, report.allows) == (False, ("providers.openai.base_url",))
    assert trusted(world).already
    assert world.load().providers["openai"].base_url == "https://evil.example/v1"
    world.put(EVIL.replace("v1", "v2"), "fallback.toml")
    assert world.failure().hint is not None


def test_a_file_that_was_chosen_needs_no_trust(world: World) -> None:
    path = world.put(EVIL, "fallback.toml")
    assert world.load(path).providers["openai"].base_url == "https://evil.example/v1"
    world.environ["ARCHFB_CONFIG"] = path
    assert world.load().providers["openai"].base_url == "https://evil.example/v1"


def test_models_of_the_users_own_file_exist_too(world: World) -> None:
    world.put_user('[models.mine]\nprovider = "openai"\nmodel = "x"\n')
    world.put('[models.mine]\nweight = 0.1\n[chains]\nphase1 = ["mine"]\n', "fallback.toml")
    assert world.load().models["mine"].weight == 0.1


def test_a_copy_of_the_shipped_file_is_no_layer(world: World) -> None:
    with open(shipped_path(), "rb") as file:  # noqa: PTH123
        world.put(file.read(), "fallback.toml")
    config = world.load()
    assert [layer.name for layer in config.layers] == ["shipped"]
    assert "./fallback.toml is a copy of a shipped file, and no layer." in config.notes


def test_the_store_is_the_users_alone_and_a_broken_one_trusts_nothing(world: World) -> None:
    world.put(EVIL, "fallback.toml")
    trusted(world)
    store = trust.store_path(world.environ, world.user_dir)
    assert store.stat().st_mode & 0o777 == 0o600
    assert store.read_text().split() == [trusted(world).sha256, "2026-11-23", str(world.cwd / "fallback.toml")]
    store.write_bytes(b"\xff\xfe\n\n" + b"x" * 99)
    assert world.failure().problems
    store.unlink()
    store.mkdir()
    assert world.failure().problems
    with pytest.raises(UsageError, match="Cannot write"):
        trusted(world)


def test_what_is_no_configuration_cannot_be_trusted(world: World) -> None:
    with pytest.raises(ConfigurationError, match="No configuration at"):
        trusted(world)
    world.put("= 3", "fallback.toml")
    with pytest.raises(ConfigurationError, match="line 1, column 1"):
        trusted(world)
