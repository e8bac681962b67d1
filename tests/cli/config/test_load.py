"""How layers lie over each other, and where the state is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archfb.config.load import load, state_path
from archfb.config.model import PHASES, Config
from archfb.config.schema import HEALTH, MODEL, NAMED, PROVIDER, TABLES
from archfb.errors import ConfigurationError
from archfb.text import clean

if TYPE_CHECKING:
    from tests.cli.config.conftest import World


def layers(world: World, explicit: str | None = None) -> list[str]:
    return [layer.name for layer in world.load(explicit).layers]


def test_tables_merge_key_by_key_and_lists_replace(world: World) -> None:
    world.put_user('[health]\ninterval = 60\ntimeout = 5\n[chains]\nphase1 = ["claude-basic"]\n')
    path = world.put('[health]\ninterval = 90\n[chains]\nphase1 = ["openai-default", "gemini-basic"]\n')
    config = world.load(path)
    assert (config.health.interval, config.health.timeout, config.health.retry_count) == (90, 5, 3)
    assert config.chains["phase1"] == ("openai-default", "gemini-basic")
    assert [config.origins[f"health.{key}"] for key in ("interval", "timeout", "retry_count")] == [
        "--config",
        "user",
        "shipped",
    ]


def test_a_model_can_be_changed_in_one_setting_or_be_new(world: World) -> None:
    path = world.put(
        '[models.gemini-basic]\nweight = 0.5\n[models."a.b c"]\nprovider = "openai"\nmodel = "x"\ninput_price = 1\n'
        "latency_warning = 7\n[thresholds]\nlatency_critical = 20\n"
    )
    config = world.load(path)
    assert (config.models["gemini-basic"].weight, config.models["gemini-basic"].provider) == (0.5, "gemini")
    new = config.models["a.b c"]
    assert (new.id, new.input_price, new.output_price, new.tier, new.weight) == ("x", 1.0, None, "medium", 1.0)
    assert new.thresholds is not None
    assert (new.thresholds.latency_warning, new.thresholds.latency_critical) == (7, 20)
    assert config.settings.of("a.b c") == new.thresholds
    assert config.origins['models."a.b c".model'] == "--config"
    assert "a.b c" not in config.chained


def test_only_the_first_given_of_the_three_last_layers_counts(world: World) -> None:
    chosen, named = world.put("", "a.toml"), world.put("", "b.toml")
    world.put("[complexity]\nmedium_from = 9\n", "fallback.toml")
    assert layers(world) == ["shipped", "./fallback.toml"]
    world.environ["ARCHFB_CONFIG"] = named
    assert layers(world) == ["shipped", "$ARCHFB_CONFIG"]
    assert layers(world, chosen) == ["shipped", "--config"]
    world.environ["ARCHFB_CONFIG"] = " "
    assert layers(world) == ["shipped", "./fallback.toml"]


def test_named_paths_are_relative_to_the_working_folder_and_know_home(world: World) -> None:
    world.put("", "sub/a.toml")
    assert world.load("sub/a.toml").layers[1].path == str(world.cwd / "sub/a.toml")
    world.environ["HOME"] = str(world.cwd)
    assert world.load("~/sub/a.toml").layers[1].path == str(world.cwd / "sub/a.toml")


def test_a_model_without_its_required_settings(world: World) -> None:
    assert world.problems(
        '[models.m]\nweight = 1\n[providers.p]\ntimeout = 3\n[models.gemini-basik]\ntier = "low"\n'
    ) == [
        "FILE line 1: Model 'm' lacks provider and model.",
        "FILE line 3: Provider 'p' lacks api and base_url.",
        "FILE line 5: Model 'gemini-basik' lacks provider and model. Did you mean 'gemini-basic'?",
    ]


def test_what_is_set_wrongly_is_not_also_missing(world: World) -> None:
    assert world.problems('[models.m]\nprovider = 3\nmodel = "x"\n[chains]\nphase1 = 3\n') == [
        "FILE line 2: provider of m must be a text of printable characters; got 3.",
        'FILE line 5: Chain phase1 must be a list of models, as in ["gemini-basic"]; got 3.',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("health = 3", "line 1: 'health' must be a table; got 3."),
        ("[models]\nm = 3", "line 2: 'models.m' must be a table; got 3."),
        ("[health]\ninterval = 1e9", "line 2: interval must be between 10 s and 7 d; got 1e+09 s."),
        ('[routing]\nstrategy = "best"', 'must be one of balanced, priority, fastest, cheapest; got "best".'),
        ('[routing]\nstrategy = "balancd"', "got \"balancd\". Did you mean 'balanced'?"),
        ('[strategies]\nphase3 = "x"', "line 2: strategy of phase3 must be one of balanced"),
        ("[routing]\nhedge = 1.5", "line 2: hedge must be a number between 0 and 1; got 1.5."),
        ("[routing]\noffline = 1", "line 2: offline must be true or false; got 1."),
        (
            "[routing]\nmax_concurrency = 2.5",
            "line 2: max_concurrency must be a whole number between 1 and 1024; got 2.5.",
        ),
        ("[routing]\nmax_cost = -1", "line 2: max_cost must be a number ≥ 0; got -1."),
        (
            "[models.gemini-basic]\ninput_price = -1",
            "line 2: input_price of gemini-basic must be a number ≥ 0; got -1.",
        ),
        ("[models.gemini-basic]\ntemperature = 3", "temperature of gemini-basic must be a number between 0 and 2"),
        (
            "[models.gemini-basic]\ncontext_window = 8192",
            "max_output_tokens of gemini-basic must be below its context_window",
        ),
        ("[thresholds]\nlatency_warning = 11", "line 2: latency_warning must be ≤ latency_critical; got 11 and 10."),
        ("[thresholds]\nerror_rate_critical = 0.05", "line 2: error_rate_warning must be ≤ error_rate_critical"),
        (
            "[models.gemini-basic]\nlatency_critical = 4",
            "line 2: latency_warning of gemini-basic must be ≤ latency_critical",
        ),
        ("[complexity]\nmedium_from = 30000", "line 2: medium_from must be ≤ high_from; got 30000 and 20000."),
        ("[health]\nbackoff_max = 20", "line 2: backoff_base must be ≤ backoff_max; got 30 and 20."),
        ('[chains]\nphase1 = ["gemini-basic", 3]', "line 2: Chain phase1 must hold texts only; position 2 is 3"),
        ("[alerts]\ncommand = []", "line 2: command must be a list of arguments"),
        ('[alerts]\nwebhook = "http://example.com/x"', "Refusing plain http to example.com"),
        ('[alerts]\nsecret_env = "my secret"', "secret_env must be the name of an environment variable"),
        (
            '[providers.offline]\napi = "openai-chat"\nbase_url = "https://x.example"',
            "provider 'offline' must have api",
        ),
        ('[models.offline]\nprovider = "openai"', "The model 'offline' must have the provider 'offline'."),
        ("[health]\ninterval = 1979-05-27", "got a date or time."),
        ("x = 1" + "0" * 5000, ": expected a number of fewer digits."),
        ("x = " + "[" * 100_000, ": The brackets are nested too deeply."),
        ("a." * 100 + "b = 1", "line 1: This line has more than 60 dots."),
    ],
)
def test_impossible_values(world: World, text: str, problem: str) -> None:
    [found] = world.problems(text)
    assert problem in found


def test_a_web_hook_may_have_a_query(world: World) -> None:
    path = world.put('[alerts]\nwebhook = "https://x.example/hook?id=1"\ncommand = ["a", "b"]\nremind = 60\n')
    alerts = world.load(path).alerts
    assert (alerts.webhook, alerts.command, alerts.remind) == ("https://x.example/hook?id=1", ("a", "b"), 60)


def test_a_file_that_cannot_be_read_and_one_that_is_no_file(world: World) -> None:
    assert world.failure("/dev/zero").problems == ["/dev/zero is not a regular file."]
    loop = world.cwd / "loop"
    loop.symlink_to(loop)
    assert world.failure("loop").problems[0].startswith("Cannot read loop: ")


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(world: World) -> None:
    import os

    os.mkfifo(world.cwd / "fallback.toml")
    assert world.failure().problems == ["./fallback.toml is not a regular file."]


@pytest.mark.parametrize(
    ("option", "variable", "configured", "expected"),
    [
        ("/o.db", "/v.db", "/c.db", ("/o.db", True)),
        (None, "/v.db", "/c.db", ("/v.db", True)),
        (None, " ", "/c.db", ("/c.db", True)),
        (None, "~/v.db", None, ("/home/me/v.db", True)),
        (None, "", None, ("/home/me/.local/state/archfb/archfb.db", False)),
        (None, "", "postgresql://db/archfb", ("postgresql://db/archfb", True)),
        (None, "", "~/c.db", ("/home/me/c.db", True)),
    ],
)
def test_where_the_state_is(
    world: World, option: str | None, variable: str, configured: str | None, expected: tuple[str, bool]
) -> None:
    environ = {"HOME": "/home/me", "ARCHFB_STATE": variable}
    path = world.put(f'[state]\ndatabase = "{configured}"\n' if configured else "")
    config = load(path, environ=environ, cwd=world.cwd, user_dir=world.user_dir)
    if "darwin" not in __import__("sys").platform:
        assert state_path(option, config, environ) == expected


def test_a_relative_database_stands_beside_the_file_that_names_it(world: World) -> None:
    path = world.put('[state]\ndatabase = "my.db"\nvantage = "here"\nkeep_days = 3\n', "sub/a.toml")
    config = world.load(path)
    assert (config.database, config.vantage, config.keep_days) == (str(world.cwd / "sub/my.db"), "here", 3)


VALUES = st.recursive(
    st.sampled_from(
        ["true", "1", "-1", "nan", "inf", '"x"', '""', "1979-05-27", "0.5", '"https://h"', '"gemini-basic"']
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: f"[{', '.join(many)}]")
        | st.dictionaries(st.sampled_from(["weight", "api", "model", "x"]), inner, max_size=2).map(
            lambda many: "{" + ", ".join(f"{key} = {value}" for key, value in many.items()) + "}"
        )
    ),
    max_leaves=4,
)
KEYS = st.sampled_from([*TABLES, *NAMED, *PHASES, *HEALTH, *PROVIDER, *MODEL, "m", "openai", '"\\u001b"', "zzz"])
LINES = st.one_of(
    st.tuples(st.lists(KEYS, min_size=1, max_size=3).map(".".join), VALUES).map(" = ".join),
    st.lists(KEYS, min_size=1, max_size=2).map(lambda parts: f"[{'.'.join(parts)}]"),
    st.sampled_from(["chains.phase1 = [", '"gemini-basic",', "]", "'''", '"""', "# x", "", "[[models]]", "="]),
)


def outcome(explicit: str | None, cwd: Path) -> Config | list[str]:
    """Return the configuration, or the problems that stood in its way."""
    try:
        return load(explicit, environ={"HOME": "/nowhere"}, cwd=cwd)
    except ConfigurationError as error:
        return error.problems


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(LINES, max_size=12).map(lambda lines: "\n".join(lines).encode()), st.binary(max_size=200)))
@pytest.mark.parametrize("found", [False, True])
def test_no_file_makes_load_raise_anything_but_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, found: bool, data: bytes
) -> None:
    cwd = tmp_path_factory.getbasetemp()
    (cwd / "fallback.toml").write_bytes(data)
    loaded = outcome(None if found else "fallback.toml", cwd)
    if isinstance(loaded, Config):
        assert set(loaded.chains) == set(PHASES)
        assert all(loaded.models[name].provider in loaded.providers for name in loaded.chained)
    else:
        assert loaded
        assert all(clean(problem, one_line=True) == problem and len(problem) < 2000 for problem in loaded)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40).filter(lambda path: not Path(path).exists()))
def test_no_path_makes_load_raise_anything_but_a_configuration_error(path: str) -> None:
    loaded = outcome(path, Path("/nowhere"))
    assert not isinstance(loaded, Config)
    assert all(clean(problem, one_line=True) == problem for problem in loaded)


def test_a_file_of_ten_thousand_mistakes_is_told_in_part_and_at_once(world: World) -> None:
    names = ", ".join(f'"n{at}"' for at in range(40_000))
    assert len(world.problems(f"[chains]\nphase1 = [{names}]\n")) == 200
    problems = world.problems("".join(f"k{at} = 1\n" for at in range(9999)))
    assert (len(problems), problems[-1]) == (201, "FILE: and 9799 more problems.")


def test_a_password_in_the_databases_url_is_refused_and_not_shown(world: World) -> None:
    path = world.put('[state]\ndatabase = "postgresql://me:canary@db/archfb"\n', "a.toml")
    with pytest.raises(ConfigurationError, match="The URL of PostgreSQL at db/archfb holds a password") as caught:
        world.load(path)
    assert "canary" not in str(caught.value)
