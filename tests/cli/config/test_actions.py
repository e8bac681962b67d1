"""What the config commands say and write."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from archfb.config import actions
from archfb.config.effective import show
from archfb.config.load import load
from archfb.config.model import Layer
from archfb.config.schema import MODEL, TABLES
from archfb.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.config.conftest import World

    from archfb.config.effective import Effective

CANARY = "sk-CANARYcanary0123456789"


def shown(world: World, text: str) -> Effective:
    path = world.put(text)
    return show(path, environ=world.environ, cwd=world.cwd, user_dir=world.user_dir)


def check(world: World, explicit: str | None = None) -> actions.CheckReport:
    return actions.check(explicit, environ=world.environ, cwd=world.cwd, user_dir=world.user_dir)


def test_check_of_what_is_right(world: World) -> None:
    world.environ |= {"OPENAI_API_KEY": CANARY, "GEMINI_API_KEY": " "}
    report = check(world)
    assert report.ok
    assert [(one.provider, one.state) for one in report.keys] == [
        ("openai", "set"),
        ("anthropic", "unset"),
        ("gemini", "unset"),
        ("deepseek", "unset"),
        ("offline", "not needed"),
    ]
    assert report.layers[0].name == "shipped"
    assert CANARY not in repr(report)


def test_check_tells_everything_at_once(world: World) -> None:
    world.environ["HTTPS_PROXY"] = "x"
    report = check(world, world.put("chians = 1\n[health]\ninterval = 1\n"))
    assert [one.partition(" line ")[2] or one for one in report.problems] == [
        "1: Unknown setting 'chians'. Did you mean 'chains'?",
        "3: interval must be ≥ 10s (probes cost money); got 1s.",
        "HTTPS_PROXY 'x' is not a URL.",
    ]


def test_check_notes_a_webhook_that_would_be_told_nothing(world: World) -> None:
    report = check(world, world.put('[alerts]\nwebhook = "https://hook.example"\nsecret_env = "HOOK"\n'))
    assert report.ok
    assert "HOOK is not set (it signs what the webhook is told): nothing is sent unsigned." in report.notes


def test_a_bad_key_that_no_chain_needs_is_no_problem(world: World) -> None:
    world.environ["MINE"] = "a b"
    path = world.put('[providers.p]\napi = "openai-chat"\nbase_url = "https://x.example"\napi_key_env = "MINE"\n')
    assert check(world, path).ok


def test_show_says_where_each_value_came_from(world: World) -> None:
    world.put_user("[health]\ntimeout = 3\n")
    text = shown(world, '[models."a b"]\nprovider = "openai"\nmodel = "x\\"y"\n[health]\ninterval = 12.5\n').to_toml()
    for line in (
        "interval = 12.5  # --config",
        "timeout = 3  # user",
        "retry_count = 3  # shipped",
        '[models."a b"]',
        'model = "x\\"y"  # --config',
        "stream = true  # default",
    ):
        assert line in text.splitlines()


def test_what_show_prints_can_be_read_again(world: World) -> None:
    world.put_user('[routing]\nhedge = 0.95\nmax_cost = 1\n[alerts]\ncommand = ["a", "ü\\u0007\\u007f"]\n')
    first = world.load()
    path = world.put(shown(world, "").to_toml())
    again = world.load(path)
    for part in ("health", "thresholds", "routing", "complexity", "providers", "models", "chains", "alerts"):
        assert getattr(again, part) == getattr(first, part), part


def test_show_as_json_names_every_setting_that_is_in_force(world: World) -> None:
    document = json.loads(json.dumps(shown(world, "[health]\ninterval = 60\n").to_json()))
    assert document["settings"]["health.interval"] == {"value": 60, "layer": "--config"}
    assert document["settings"]["models.gemini-basic.probe"] == {"value": "auto", "layer": "default"}
    assert [one["name"] for one in document["layers"]] == ["shipped", "--config"]
    assert set(load(None, environ={}, cwd=world.cwd).origins) <= set(document["settings"])


def test_show_hides_what_may_be_secret(world: World) -> None:
    text = f"""\
[state]
database = "postgresql://me@db/archfb?passfile=/x/{CANARY}"
[alerts]
webhook = "https://hooks.example/services/T0/{CANARY}"
ping = "https://ping.example/uuid?x={CANARY}"
command = ["curl", "{CANARY}"]
[providers.p]
api = "openai-chat"
base_url = "https://x.example/{CANARY}/v1"
"""
    found = shown(world, text)
    assert "CANARY" not in found.to_toml() + json.dumps(found.to_json())
    assert 'webhook = "https://hooks.example/…"  # --config, partly hidden' in found.to_toml()
    assert 'database = "postgresql://me@db/archfb?…"  # --config, partly hidden' in found.to_toml()


def test_show_of_what_is_wrong_tells_the_problems(world: World) -> None:
    with pytest.raises(ConfigurationError, match="Unknown setting 'x'"):
        shown(world, "x = 1")


def test_paths(world: World) -> None:
    world.put("", "fallback.toml")
    report = actions.paths(None, environ=world.environ, cwd=world.cwd, user_dir=world.user_dir)
    assert [(one.name, one.exists, one.used) for one in report.layers] == [
        ("shipped", True, True),
        ("user", False, False),
        ("./fallback.toml", True, True),
    ]
    assert report.trusted == str(world.user_dir / "trusted")
    assert report.state.endswith("/archfb/archfb.db")
    broken = actions.paths(world.put("= 1"), environ=world.environ, cwd=world.cwd, user_dir=world.user_dir)
    assert (broken.layers[2].used, broken.state) == (False, "(the configuration cannot be read)")


def test_init_writes_every_setting_commented_out(world: World, tmp_path: Path) -> None:
    world.environ |= {"OPENAI_API_KEY": CANARY}
    path = tmp_path / "new" / "fallback.toml"
    report = actions.init(path, environ=world.environ)
    assert report == actions.InitReport(
        str(path), ("OPENAI_API_KEY",), ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY")
    )
    text = path.read_text("utf-8")
    assert CANARY not in text
    assert "Keys in the environment when this was written: OPENAI_API_KEY. Not set: ANTHROPIC" in text
    settings = [key for table in TABLES.values() for key in table] + list(MODEL)
    assert [key for key in settings if f"\n# {key} = " not in text] == []

    def leaves(content: object) -> bool:
        return not isinstance(content, dict) or any(leaves(one) for one in content.values())

    assert not leaves(tomllib.loads(text))


def test_what_init_wrote_changes_nothing_and_uncommented_is_the_shipped_one(world: World, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    actions.init(path, environ={})
    plain = world.load()
    config = world.load(str(path))
    assert config.layers[1] == Layer("--config", str(path))
    assert (config.models, config.chains, config.health) == (plain.models, plain.chains, plain.health)
    lines = path.read_text("utf-8").splitlines()
    body = lines[lines.index(next(line for line in lines if line.startswith("[state]"))) :]
    path.write_text("\n".join(re.sub(r"^# (?=[a-z_0-9]+ = )", "", line) for line in body), "utf-8")
    assert world.load(str(path)).origins["models.gemini-basic.weight"] == "--config"


def test_init_replaces_nothing_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        actions.init(path, environ={})
    actions.init(path, environ={}, force=True)
    assert path.read_text("utf-8").startswith("# archfb")
    with pytest.raises(UsageError, match="Cannot write"):
        actions.init(path / "below", environ={})


def test_the_users_own_file(world: World) -> None:
    assert actions.user_file(world.environ, world.user_dir) == world.user_dir / "fallback.toml"


def test_what_to_say_of_a_key(world: World) -> None:
    states = {
        one.provider: one
        for one in actions.key_states(world.load(), {"OPENAI_API_KEY": "a b", "GEMINI_API_KEY": "x"})
    }
    assert states["openai"].sentence == (
        "OPENAI_API_KEY holds characters that cannot be in a header (position 2). Its value is not shown."
    )
    assert (states["gemini"].sentence, states["offline"].sentence) == (None, None)
    assert states["deepseek"].sentence == (
        "DEEPSEEK_API_KEY is not set (needed by deepseek-reasoner): it is skipped."
    )
