"""Each bad input gets the clear answer that is promised for it; the numbers are those of the promise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from archfb.config import actions

if TYPE_CHECKING:
    from tests.cli.config.conftest import World

MODEL = '[models.m]\nprovider = "openai"\nmodel = "x"\n'
PROVIDER = '[providers.p]\napi = "openai-chat"\nbase_url = "https://example.com/v1"\n'
PHASES = " Known: phase1, phase2, phase3, phase4, phase5, final."
KEY = "sk-proj-CANARYcanary0123456789CANARYcanary"


def test_row_01_no_configuration_is_the_shipped_one_and_said(world: World) -> None:
    config = world.load()
    assert [layer.name for layer in config.layers] == ["shipped"]
    assert config.notes[0].startswith("No configuration of your own; the shipped one is used (")


def test_row_01_a_named_file_that_is_missing(world: World) -> None:
    assert world.failure("gone.toml").problems == [
        "No configuration at gone.toml. Create one with `archfb config init`."
    ]
    world.environ["ARCHFB_CONFIG"] = "/gone/too.toml"
    assert world.failure().problems == [
        "No configuration at /gone/too.toml. Create one with `archfb config init`. (It is named by $ARCHFB_CONFIG.)"
    ]
    assert world.failure("").problems[0].startswith("No configuration at .")


def test_row_02_a_folder(world: World) -> None:
    (world.cwd / "conf.d").mkdir()
    assert world.failure("conf.d").problems == ["conf.d is a directory; expected a file."]
    (world.cwd / "fallback.toml").mkdir()
    assert world.failure().problems == ["./fallback.toml is a directory; expected a file."]


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ("[health]\ninterval 3\n", "line 2, column 10", "expected '=' after the name of a setting"),
        ("[health]\ninterval = \n", "line 2, column 12", "expected a value"),
        ("[health\ninterval = 30\n", "line 1, column 8", "expected ']' at the end of a table's name"),
        ("interval = 30 40\n", "line 1, column 15", "expected the end of the line after the value"),
        ('[chains]\nphase1 = ["a" "b"]\n', "line 2, column 15", "expected ',' or ']' in a list"),
        ('[chains]\nphase1 = ["a"', "line 2, column 14", "expected ',' or ']' in a list"),
        ('x = "abc\n', "line 1, column 9", "expected a closing quote"),
        ('x = "abc', "line 1, column 9", "expected a closing quote"),
        ('x = "\\q"\n', "line 1, column 8", "expected a TOML escape"),
        ("= 3\n", "line 1, column 1", "expected a setting (name = value) or a [table]"),
        ("x = {a = 1\n", "line 1, column 11", "expected ',' or '}'"),
        ("x = 2026-13-45\n", "line 1", "expected"),
    ],
)
def test_row_03_a_syntax_error(world: World, text: str, where: str, expected: str) -> None:
    [problem] = world.problems(text)
    assert problem.startswith(f"FILE {where}")
    assert expected in problem


def test_row_03_a_syntax_error_never_quotes_the_file(world: World) -> None:
    assert "CANARY" not in str(world.problems(f'api_key = "{KEY}\n')) + str(world.problems(f"{KEY} {KEY}\n"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[chians]\n", "FILE line 1: Unknown setting 'chians'. Did you mean 'chains'?"),
        (
            "[health]\nintervall = 30\n",
            "FILE line 2: Unknown setting 'intervall' in [health]. Did you mean 'interval'?",
        ),
        (
            '[chains]\nphase7 = ["m"]\n',
            "FILE line 2: Unknown phase 'phase7' in [chains]. Did you mean 'phase5'?" + PHASES,
        ),
        (
            '[strategies]\nphse3 = "x"\n',
            "FILE line 2: Unknown phase 'phse3' in [strategies]. Did you mean 'phase3'?" + PHASES,
        ),
        ("deadline = 3\n", "FILE line 1: Unknown setting 'deadline'. Did you mean 'routing.deadline'?"),
        (
            "[models.openai-default]\nwieght = 3\n",
            "FILE line 2: Unknown setting 'wieght' in [models.openai-default]. Did you mean 'weight'?",
        ),
        (
            "[complexity]\nzzz = 3\n",
            "FILE line 2: Unknown setting 'zzz' in [complexity]. Known: medium_from, high_from.",
        ),
    ],
)
def test_row_04_an_unknown_key_with_a_did_you_mean(world: World, text: str, problem: str) -> None:
    assert world.problems(text) == [problem]


@pytest.mark.parametrize(
    ("text", "name", "lines"),
    [
        ('[chains]\nphase1 = ["a"]\n# so\nphase1 = ["b"]\n', "chains.phase1", "2, 4"),
        ("[health]\ninterval = 20\n[state]\n[health]\n", "health", "1, 4"),
        ("health.interval = 20\nhealth.interval = 30\n", "health.interval", "1, 2"),
        ('[models."a b"]\nweight = 1\n"weight" = 2\n', 'models."a b".weight', "2, 3"),
        ("models = {m = {weight = 1, weight = 2}}\n", "models.m.weight", "1, 1"),
    ],
)
def test_row_05_a_key_that_is_set_twice(world: World, text: str, name: str, lines: str) -> None:
    assert world.problems(text) == [f"FILE: '{name}' is set twice (lines {lines})."]


def test_row_06_an_empty_chain(world: World) -> None:
    assert world.problems("[chains]\nphase2 = []\n") == ["FILE line 2: Chain phase2 has no models."]


def test_row_07_a_chain_that_names_what_is_not_defined(world: World) -> None:
    [problem] = world.problems('[chains]\nphase1 = [\n  "gemini-basic",\n  "m9",\n]\n')
    assert problem.startswith("FILE line 4: Chain phase1 names 'm9', which is not defined. Known: gemini-basic, ")
    [problem] = world.problems('[chains]\nphase1 = ["gemini-basik"]\n')
    assert "which is not defined. Did you mean 'gemini-basic'?" in problem
    [problem] = world.problems('[chains]\nphase1 = ["phase2"]\n')
    assert "A chain holds models, not phases." in problem


def test_row_07_a_model_that_names_a_provider_that_is_not_defined(world: World) -> None:
    assert world.problems('[models.m]\nprovider = "opena"\nmodel = "x"\n') == [
        "FILE line 2: Model 'm' names the provider 'opena', which is not defined. Did you mean 'openai'?"
    ]


def test_row_08_a_model_twice_in_a_chain(world: World) -> None:
    assert world.problems(MODEL + '[chains]\nphase1 = ["m", "gemini-basic", "m"]\n') == [
        "FILE line 5: Model m appears twice in chain phase1 (positions 1, 3)."
    ]


@pytest.mark.parametrize(
    ("value", "got"),
    [("-1", "-1"), ("nan", "nan"), ("inf", "inf"), ('"abc"', '"abc"'), ("true", "true"), ("[]", "a list")],
)
def test_row_09_a_weight_that_is_none(world: World, value: str, got: str) -> None:
    assert world.problems(f"{MODEL}weight = {value}\n") == [
        f"FILE line 4: weight of m must be a number ≥ 0; got {got}."
    ]


@pytest.mark.parametrize(
    ("table", "setting", "told"),
    [
        (MODEL, "weight = 1e12", "weight of m must be a number between 0 and 1e+06; got 1e+12."),
        (
            MODEL,
            f"context_window = {2**63}",
            f"context_window of m must be a whole number between 1 and 1e+09; got {2**63}.",
        ),
        (
            "[state]\n\n\n",
            'database = "mysql://db/x"',
            'database must be a path or postgresql://…; got "mysql://db/x".',
        ),
    ],
)
def test_a_refusal_names_the_limit_that_was_passed(world: World, table: str, setting: str, told: str) -> None:
    assert world.problems(f"{table}{setting}\n") == [f"FILE line 4: {told}"]


def test_row_09_weights_that_are_all_zero_are_accepted(world: World) -> None:
    names = world.load().chains["phase1"]
    text = "".join(f"[models.{name}]\nweight = 0\n" for name in names)
    models = world.load(world.put(text)).models
    assert {models[name].weight for name in names} == {0.0}


@pytest.mark.parametrize(
    ("value", "got"),
    [("0", "0 s"), ("-1", "-1 s"), ("nan", "nan s"), ('"5 bananas"', '"5 bananas"'), ("1e12", "1e+12 s")],
)
@pytest.mark.parametrize(
    ("table", "key", "label"),
    [
        ("providers.p", "timeout", "[providers.p] timeout"),
        ("providers.p", "connect_timeout", "[providers.p] connect_timeout"),
        ("providers.p", "idle_timeout", "[providers.p] idle_timeout"),
        ("health", "timeout", "timeout"),
    ],
)
def test_row_10_a_time_out_that_is_none(world: World, table: str, key: str, label: str, value: str, got: str) -> None:
    text = f"{PROVIDER}{key} = {value}\n" if table == "providers.p" else f"\n\n[{table}]\n{key} = {value}\n"
    assert world.problems(text) == [f"FILE line 4: {label} must be between 0.1 s and 1 h; got {got}."]


def test_row_11_a_deadline_below_a_time_out_is_a_note(world: World) -> None:
    config = world.load(world.put("[routing]\ndeadline = 2\n[providers.gemini]\ntimeout = 500\n"))
    assert config.notes == ("deadline 2 s is shorter than the provider's timeout 500 s and is what counts (gemini).",)


def test_row_12_an_interval_that_costs_too_much(world: World) -> None:
    assert world.problems("[health]\ninterval = 1\n") == [
        "FILE line 2: interval must be ≥ 10s (probes cost money); got 1s."
    ]


def test_row_13_a_configuration_of_50_mb(world: World) -> None:
    path = world.put("")
    os.truncate(path, 50_000_000)
    assert world.failure(path).problems == [f"{path}: Configuration is larger than 1 MB."]


def test_row_14_a_byte_order_mark_is_accepted(world: World) -> None:
    assert world.load(world.put(b"\xef\xbb\xbf[health]\r\ninterval = 60\r\n")).health.interval == 60


@pytest.mark.parametrize(
    ("data", "byte"), [(b"# ok\n\xff\xfe", 5), ("x = 1".encode("utf-16"), 0), (b"# \xed\xa0\x80", 2), (b"a\xc3", 1)]
)
def test_row_14_what_is_not_utf8(world: World, data: bytes, byte: int) -> None:
    assert world.problems(data) == [f"FILE is not UTF-8 (byte {byte})."]


@pytest.mark.parametrize("name", [r"\u001b[31mred", r"a\nb", "x" * 201, r"\u202eabc", " ", ""])
def test_row_15_a_name_that_cannot_be_shown(world: World, name: str) -> None:
    [problem] = world.problems(f'[models."{name}"]\nprovider = "openai"\nmodel = "x"\n')
    assert problem.startswith("FILE line 1: Model name may hold printable characters, ≤200; got '")
    assert problem.isprintable()
    assert len(problem) < 200


def test_row_15_the_same_for_providers(world: World) -> None:
    [problem] = world.problems('[providers."a\\nb"]\napi = "offline"\n')
    assert problem.startswith("FILE line 1: Provider name may hold printable characters")


def test_row_16_a_name_that_looks_like_markup(world: World) -> None:
    text = '[models."[red]x[/]"]\nprovider = "openai"\nmodel = "x"\n[chains]\nphase1 = ["[red]x[/]"]\n'
    assert world.load(world.put(text)).chains["phase1"] == ("[red]x[/]",)


def test_row_17_a_nul_in_a_path(world: World) -> None:
    assert world.failure("a\0b").problems == ["Cannot read a\ufffdb: its name holds a NUL byte."]


def test_row_20_a_missing_key_is_no_error_and_said(world: World) -> None:
    report = actions.check(None, environ=world.environ, cwd=world.cwd, user_dir=world.user_dir)
    assert report.ok
    wanted = "DEEPSEEK_API_KEY is not set (needed by deepseek-reasoner): it is skipped."
    assert wanted in report.notes


@pytest.mark.parametrize(("value", "state"), [("", "unset"), (" \t\n", "unset"), (" sk-abc\n", "set")])
def test_row_21_a_key_is_trimmed_and_blank_is_unset(world: World, value: str, state: str) -> None:
    states = actions.key_states(world.load(), {"DEEPSEEK_API_KEY": value})
    assert [one.state for one in states if one.provider == "deepseek"] == [state]


@pytest.mark.parametrize(("value", "position"), [("sk-abcdefg\nhij", 11), ("sk-abcdefghé", 12), ("sk ab", 3)])
def test_row_22_a_key_that_no_header_can_carry(world: World, value: str, position: int) -> None:
    world.environ["OPENAI_API_KEY"] = value
    report = actions.check(None, environ=world.environ, cwd=world.cwd, user_dir=world.user_dir)
    assert report.problems == (
        f"OPENAI_API_KEY holds characters that cannot be in a header (position {position}). Its value is not shown.",
    )
    assert value not in repr(report)


@pytest.mark.parametrize(
    "text",
    [
        f'{PROVIDER}api_key = "{KEY}"\n',
        f'{PROVIDER}api_key_env = "{KEY}"\n',
        f'{PROVIDER}api_key_env = "AIzaSyCANARYcanary0123456789CANARYcanary"\n',
        f'{PROVIDER}api-key = "short"\n',
        f'{PROVIDER}ky = "{KEY}"\n',
        f'\n\n\nOPENAI = "{KEY}"\n',
        f'\n\n[providers]\nopenai = "{KEY}"\n',
        f'\n\n[providers]\napi_key = "{KEY}"\n',
    ],
)
def test_row_23_a_key_in_the_configuration(world: World, text: str) -> None:
    [problem] = world.problems(text)
    assert problem == (
        "FILE: Keys do not belong in the configuration (line 4). "
        'Name the variable: api_key_env = "…". Value not shown.'
    )


def test_row_23_a_key_anywhere_else_is_not_shown_either(world: World) -> None:
    text = f"""\
[models.m]
provider = "{KEY}"
model = "x"
weight = "{KEY}"
tier = "{KEY}"
["{KEY}"]
[models."{KEY}"]
{KEY} = 1
[providers.p]
api = "openai-chat"
base_url = "https://user:{KEY}@example.com/{KEY}?key={KEY}#{KEY}"
[chains]
phase1 = ["{KEY}"]
phase2 = "{KEY}"
{KEY} = 1
[alerts]
webhook = "ftp://{KEY}@x/{KEY}"
command = [1, "{KEY}"]
"""
    problems = world.problems(text)
    assert len(problems) >= 10
    assert "CANARY" not in "".join(problems)
    assert "CANARY" not in "".join(world.problems(f'[{KEY}]\n["{KEY}"]\n'))


def test_row_86_a_found_file_may_not_choose_providers_or_state_until_trusted(world: World) -> None:
    text = '[providers.openai]\nbase_url = "https://evil.example/v1"\n[state]\ndatabase = "/tmp/x.db"\n'
    world.put(text, "fallback.toml")
    failure = world.failure()
    assert failure.problems == [
        (
            "./fallback.toml line 2: providers.openai.base_url may not be set here: "
            "the file was found, not chosen, and is not trusted."
        ),
        (
            "./fallback.toml line 4: state.database may not be set here: "
            "the file was found, not chosen, and is not trusted."
        ),
    ]
    assert failure.hint is not None
    assert "archfb config trust ./fallback.toml" in failure.hint


def test_every_problem_of_every_layer_is_told_at_once(world: World) -> None:
    world.put_user("[health]\ninterval = 1\n[routing]\nhedge = 2\n")
    text = """\
chians = 1
[models.m]
provider = "nobody"
weight = -1
[chains]
phase1 = ["m", "m", "m9"]
phase2 = []
[thresholds]
latency_warning = 50
"""
    problems = world.problems(text)
    user = world.user_dir / "fallback.toml"
    assert [one.replace(str(user), "USER").split(":")[0] for one in problems] == [
        "USER line 2",
        "USER line 4",
        "FILE line 1",
        "FILE line 2",
        "FILE line 3",
        "FILE line 4",
        "FILE line 6",
        "FILE line 6",
        "FILE line 7",
        "FILE line 9",
    ]
