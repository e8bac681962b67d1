"""The one door: every ending becomes an exit code and words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE, variables

from archfb.door import command_of, enter, monitors, verbosity
from archfb.output import mask
from archfb.version import __version__

USAGE = [
    ("an unknown command", ["stauts"], 2, "error: No such command 'stauts'. Did you mean 'status', 'state'?"),
    ("an unknown option", ["status", "--jsno"], 2, "No such option: --jsno. Did you mean --json?"),
    (
        "an unknown option of health",
        ["health", "--jsno"],
        3,
        "No such option: --jsno. Did you mean --json?",
    ),
    ("an unknown option of a check", ["status", "--check", "--x"], 3, "error: No such option: --x"),
    ("an unknown phase", ["route", "phase7"], 2, "error: Unknown phase 'phase7'. Did you mean 'phase5'?"),
    ("an unknown phase of health", ["health", "--phase", "phas1"], 3, "error: Unknown phase 'phas1'. Did you mean"),
    ("two outputs", ["health", "--json", "--nagios"], 3, "error: Choose one output: --json or --nagios."),
    ("a missing argument", ["route"], 2, "error: Missing argument 'PHASE'."),
    ("a NUL byte", ["ask", "a\0b"], 2, "error: Argument 2 holds a NUL byte."),
    ("a NUL byte in a check", ["health", "--model", "\0"], 3, "error: Argument 3 holds a NUL byte."),
    ("a missing configuration", ["--config", "/none.toml", "status"], 2, "error: No configuration at /none.toml."),
    ("one for a check", ["--config", "/none.toml", "status", "--check"], 3, "error: No configuration at /none.toml."),
    ("an empty question", ["ask", " "], 2, "error: The question is empty."),
]


@pytest.mark.parametrize(("words", "code", "said"), [one[1:] for one in USAGE], ids=[one[0] for one in USAGE])
def test_rows_17_to_19_a_mistake_is_told(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 1 too."""
    assert enter(words) == code
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in err
    assert not out or json.loads(out)["ok"] is False


@pytest.mark.parametrize(
    ("early", "late"),
    [
        (["run", "--json"], ["run", "phase7", ".", "--json"]),
        (["run", "phase1", ".", "--max-files", "x", "--json"], ["run", "phase7", ".", "--json"]),
        (["ask", "--json", "--nope"], ["ask", " ", "--json"]),
        (["ask", "a\0b", "--json"], ["ask", " ", "--json"]),
        (["config", "check", "--json", "--nope"], ["--config", "/none.toml", "config", "check", "--json"]),
        (["route", "--json"], ["route", "phase7", "--json"]),
    ],
)
def test_a_mistake_has_the_same_fields_whether_parsing_or_the_command_finds_it(
    early: list[str], late: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    documents = []
    for words in (early, late):
        assert enter(words) == 2
        documents.append(json.loads(capsys.readouterr().out))
    assert [one["ok"] for one in documents] == [False, False]
    assert documents[0].keys() == documents[1].keys()
    assert documents[0]["error"].keys() == documents[1]["error"].keys() == {"code", "message", "retry_at"}


@pytest.mark.parametrize(
    "words", [["run", "phase1", ".", "--deadline"], ["ask", "hi", "--deadline"], ["route", "--x"]]
)
def test_a_mistake_echoes_no_key_in_its_document(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    key = "sk-" + "abcdefgh0123456789" * 2
    assert enter([*words, key, "--json"]) == 2
    assert key not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("words", "code"), [("ask hi", 2), ("status --json", 2), ("doctor", 2), ("status --check", 3)]
)
def test_a_clock_that_python_cannot_read_is_told(words: str, code: int, tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "def late(): raise OverflowError('timestamp too large to convert to C _PyTime_t')\n"
        "time.time = late\n"
        "from archfb.door import enter\n"
        "sys.exit(enter(sys.argv[1:]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--state", str(tmp_path / "s.db"), *words.split()],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=variables(),
    )
    told = "error: The system clock stands after the year 2262, which Python cannot read.\nSet it (NTP).\n"
    assert (ended.returncode, ended.stderr) == (code, told)
    assert ended.stdout == "" or json.loads(ended.stdout)["error"]["code"] == "usage"


def test_a_usage_line_and_the_way_to_help_stand_below(capsys: pytest.CaptureFixture[str]) -> None:
    enter(["route"])
    assert capsys.readouterr().err == (
        "error: Missing argument 'PHASE'.\n"
        "Usage: archfb route [OPTIONS] [PHASE] [REPO]\n"
        "Try 'archfb route --help'.\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        (["run", "phase7", "."], "Usage: archfb run [OPTIONS] {PHASE} {REPO} [PATH]..."),
        (["ask", "x", "--chain", "phase7"], "Usage: archfb ask [OPTIONS] {PROMPT}"),
        (["health", "--phase", "phase7"], "Usage: archfb health [OPTIONS]"),
    ],
)
def test_row_18_an_unknown_phase_gets_a_usage_line_before_anything_is_read(
    words: list[str], usage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(words) in (2, 3)
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "error: Unknown phase 'phase7'. Did you mean 'phase5'?",
        usage,
        f"Try 'archfb {words[0]} --help'.",
    ]


KEY = "sk-" + "a1B2c3D4" * 4


@pytest.mark.parametrize(
    "words",
    [
        ["--api-key", KEY, "status"],
        [f"--api-key={KEY}", "status"],
        ["ask", "--openai-api-key", KEY, "hello"],
        ["ask", "hello", f"--token={KEY}"],
        ["health", "--key", KEY],
        ["run", "phase1", ".", "--api_key", KEY],
        ["ask", "--model", KEY, "hello"],
        [KEY],
        ["status", KEY],
    ],
)
def test_row_24_a_key_on_the_command_line_is_refused_and_not_echoed(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert enter(words) == (3 if words[0] == "health" else 2)
    out, err = capsys.readouterr()
    assert KEY not in out + err
    assert KEY[:12] not in out + err


def test_row_24_a_key_option_is_answered_with_what_to_do_instead(capsys: pytest.CaptureFixture[str]) -> None:
    enter(["ask", "--api-key", KEY, "hello"])
    assert capsys.readouterr().err == (
        "error: Keys are not options: a command line can be read by others.\n"
        'Set the provider\'s variable instead, and name it in the configuration: api_key_env = "…".\n'
    )


def test_the_version_needs_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert (enter(["--version"]), capsys.readouterr().out) == (0, f"archfb {__version__}\n")
    assert (enter(["-v", "--version"]), capsys.readouterr().out) == (0, f"archfb {__version__}\n")


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter([]) == 0
    assert capsys.readouterr().out.startswith("Usage: archfb [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_options_of_all_commands_stand_before_or_after(
    place: str, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--state", f"{tmp_path}/s.db"]
    assert enter([*given, "state", "path"] if place == "before" else ["state", "path", *given]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/s.db\n"


def test_the_last_of_two_options_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["--state", "/a", "state", "--state", "/b", "path", "--state", "/c"]) == 0
    assert capsys.readouterr().out == "/c\n"


COMMANDS = [
    (["status"], "status"),
    (["--config", "health", "status"], "status"),
    (["-vv", "--state", "x", "health"], "health"),
    (["--config=x", "ask", "y"], "ask"),
    ([], None),
    (["--help"], None),
]


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_the_command_is_found_among_the_words(words: list[str], command: str | None) -> None:
    assert command_of(words) == command


def test_only_checks_are_monitored() -> None:
    assert monitors(["health"])
    assert monitors(["status", "--check"])
    assert not monitors(["status"])
    assert not monitors(["ask", "health", "--check"])


@pytest.mark.parametrize(
    ("words", "level"), [(["-v"], 1), (["-vv"], 2), (["-qv"], 1), (["--verbose", "-v"], 2), (["-x"], 0)]
)
def test_verbosity_is_counted(words: list[str], level: int) -> None:
    assert verbosity(words) == level


def test_a_key_of_the_environment_is_masked_wherever_it_stands() -> None:
    assert mask("401: bad abcdefgh!", {"MY_API_KEY": "abcdefgh", "HOME": "bad"}) == "401: bad (hidden)!"
    assert mask(f"bad {KEY}", {}) == "bad (hidden)"
    assert mask("a task-force", {}) == "a task-force"
