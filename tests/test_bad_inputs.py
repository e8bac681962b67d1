"""Ninety-two bad inputs and their clear answers: each has a test that names its row.

The rows that need a misbehaving provider, a damaged state or a terminal are tested beside what meets them; here are
those that a file, a variable or an argument makes, through the command line, as `ask` and as `health` end then.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archfb.door import enter

ROWS = range(1, 93)
NAMED = re.compile(r"_rows?_(\d+(?:_(?:to|and)_\d+)*)(?=_|$)")
PROVIDER = '[providers.p]\napi = "openai-chat"\nbase_url = "https://models.example/v1"\napi_key_env = "P_KEY"\n'
MODEL = '[models.m]\nprovider = "p"\nmodel = "x"\n'
KEY = "sk-canary-0123456789abcdef0123456789"


def rows_of(name: str) -> set[int]:
    """Return the rows that a test's name gives: row_07, rows_29_to_31, row_88_and_89, rows_03_to_15_and_49_to_51."""
    found: set[int] = set()
    for one in NAMED.findall(name):
        for part in one.split("_and_"):
            first, _, last = part.partition("_to_")
            found.update(range(int(first), int(last or first) + 1))
    return found


def names() -> Iterator[str]:
    """Return the name of every test function."""
    for path in Path(__file__).parent.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_every_row_is_named_by_a_test() -> None:
    named = {row for name in names() for row in rows_of(name)}
    assert [row for row in ROWS if row not in named] == []
    assert named <= set(ROWS)


def test_the_rows_of_a_name_are_read() -> None:
    assert rows_of("test_row_07_a") == {7}
    assert rows_of("test_rows_29_to_31_a_quota") == {29, 30, 31}
    assert rows_of("test_row_88_and_89") == {88, 89}
    assert rows_of("test_rows_03_to_05_and_49_to_51_a") == {3, 4, 5, 49, 50, 51}
    assert rows_of("test_a_row_is_written_5_times") == set()


CONFIGURATIONS: list[tuple[int, str | bytes, str]] = [
    (3, "[health]\ninterval 3\n", "line 2, column 10: "),
    (4, "[chians]\n", "Unknown setting 'chians'. Did you mean 'chains'?"),
    (4, '[chains]\nphase7 = ["gemini-basic"]\n', "Unknown phase 'phase7' in [chains]. Did you mean 'phase5'?"),
    (5, "[health]\ninterval = 20\ninterval = 30\n", "'health.interval' is set twice (lines 2, 3)."),
    (6, "[chains]\nphase1 = []\n", "Chain phase1 has no models."),
    (7, '[chains]\nphase1 = ["m9"]\n', "Chain phase1 names 'm9', which is not defined. Known: "),
    (8, '[chains]\nphase1 = ["gemini-basic", "gemini-basic"]\n', "appears twice in chain phase1 (positions 1, 2)."),
    (9, PROVIDER + MODEL + "weight = nan\n", "weight of m must be a number ≥ 0; got nan."),
    (10, PROVIDER + 'timeout = "5 bananas"\n', 'timeout must be between 0.1 s and 1 h; got "5 bananas".'),
    (12, "[health]\ninterval = 1\n", "interval must be ≥ 10s (probes cost money); got 1s."),
    (14, "# ü".encode("utf-16"), "is not UTF-8 (byte 0)."),
    (15, '[models."a\\u001b[31m\\nb"]\nprovider = "p"\n', "Model name may hold printable characters, ≤200"),
    (23, PROVIDER + f'api_key = "{KEY}"\n', "Keys do not belong in the configuration (line 5)."),
    (49, PROVIDER.replace("https", "ftp"), "[providers.p] base_url must be https://host[/path]"),
    (49, PROVIDER.replace("models.", f"user:{KEY}@models."), "[providers.p] base_url must be https://host[/path]"),
    (50, PROVIDER.replace("https", "http"), "Refusing plain http to models.example; only loopback"),
    (51, PROVIDER.replace("https://models.example", "http://169.254.169.254"), "Refusing link-local address"),
]  # fmt: skip


def both(*words: str) -> list[int]:
    """Return how `ask` and `health` end with these options."""
    return [enter(["ask", "hi", *words]), enter(["health", *words])]


@pytest.mark.parametrize(("row", "text", "said"), CONFIGURATIONS, ids=[f"row_{one[0]:02}" for one in CONFIGURATIONS])
def test_rows_03_to_15_and_49_to_51_configurations_are_refused(
    row: int, text: str | bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert both("--config", str(path), "--json") == [2, 3]
    out, err = capsys.readouterr()
    assert said in err, row
    assert str(path) in err
    assert KEY not in out + err
    assert "\x1b" not in out + err
    assert "Traceback" not in err


def test_rows_01_to_02_and_13_files_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = tmp_path / "huge.toml"
    huge.touch()
    os.truncate(huge, 50_000_000)
    told = {
        "gone.toml": "No configuration at gone.toml. Create one with `archfb config init`.",
        str(tmp_path): f"{tmp_path} is a directory; expected a file.",
        str(huge): "Configuration is larger than 1 MB.",
        "": "--config is empty; name a file.",
    }
    for path, said in told.items():
        assert both("--config", path) == [2, 3]
        assert said in capsys.readouterr().err


def test_row_01_the_shipped_configuration_is_named_to_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["ask", "hi", "-v"]) == 0
    assert "No configuration of your own; the shipped one is used (" in capsys.readouterr().err


def test_row_11_a_short_deadline_is_a_note_for_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    said = "deadline 2 s is shorter than the provider's timeout 120 s and is what counts"
    assert enter(["ask", "hi", "--deadline", "2"]) == 0
    assert said not in capsys.readouterr().err
    assert enter(["ask", "hi", "--deadline", "2", "-v"]) == 0
    assert said in capsys.readouterr().err


def test_row_24_a_key_for_a_path_is_not_echoed(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["config", "check"], ["config", "check", "--json"], ["ask", "hi"], ["state", "path"]):
        assert enter([*words, "--config", KEY]) == 2
        out, err = capsys.readouterr()
        assert KEY not in out + err


def test_a_check_that_fails_is_one_document_with_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text("[chians]\n[chains]\nphase1 = []\n")
    assert enter(["config", "check", "--json", "--config", str(tmp_path / "c.toml")]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], len(document["problems"])) == (False, 2)
    assert document["error"]["code"] == "configuration"


@pytest.mark.parametrize("more", ["", "[routing]\noffline = false\n"], ids=["with offline", "without"])
@pytest.mark.parametrize("value", [None, "", " \n"], ids=["unset", "empty", "blank"])
def test_rows_20_to_21_a_missing_key_is_an_error_only_where_nothing_else_is_usable(
    value: str | None, more: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("P_KEY", value)
    path = tmp_path / "c.toml"
    path.write_text(more + PROVIDER + MODEL + '[chains]\nphase1 = ["m"]\n')
    assert enter(["ask", "hi", "--json", "--config", str(path)]) == (1 if more else 0)
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is not bool(more)
    assert [one["why"] for one in document["decision"] if one["model"] == "m"] == ["no key (P_KEY)"]


@pytest.mark.parametrize("value", ["sk-abcdefgh\nij", "sk-abcdefghé"])
def test_row_22_a_key_that_no_header_can_carry_is_not_shown(
    value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", value)
    assert enter(["config", "check"]) == 2
    out, err = capsys.readouterr()
    assert "GEMINI_API_KEY holds characters that cannot be in a header (position 1" in out + err
    assert "abcdefgh" not in out + err


def folder(at: Path) -> Path:
    at.mkdir()
    return at


def dangling(at: Path) -> Path:
    at.symlink_to(at.parent / "gone.db")
    return at


def text(at: Path) -> Path:
    at.write_text("shopping list, which is no database at all\n" * 20)
    return at


def foreign(at: Path) -> Path:
    with sqlite3.connect(at) as db:
        db.execute("CREATE TABLE other (x)")
        db.execute("PRAGMA application_id = 7")
    db.close()
    return at


STATES: list[tuple[int, Callable[[Path], Path], str]] = [
    (55, folder, "State file {} is a directory."),
    (56, lambda at: at / "below" / "it.db", "Cannot create {}: "),
    (58, dangling, "{} is a link to "),
    (59, text, "{} is not an archfb state file (first bytes b'shopping"),
    (60, foreign, "application_id differs (0x7); not touched"),
]


@pytest.mark.parametrize(("row", "made", "said"), STATES, ids=[f"row_{one[0]}" for one in STATES])
def test_rows_55_to_60_states_that_are_none_are_refused_and_not_touched(
    row: int, made: Callable[[Path], Path], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = made(tmp_path / "s.db")
    before = path.read_bytes() if path.is_file() else b""
    assert both("--state", str(path)) == [2, 3]
    err = capsys.readouterr().err
    assert said.format(path) in err
    assert err.count("--state") <= 2, f"row {row}: the hint stands twice"
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_row_62_a_newer_state_is_not_written_and_health_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--state", str(tmp_path / "s.db")]
    assert enter(["ask", "hi", *options]) == 0
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert both(*options) == [0, 3]
    assert "State is from archfb ≥ schema 99; this is schema 1. Running without saving." in capsys.readouterr().err


def test_row_86_a_found_configuration_is_refused_until_it_is_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fallback.toml").write_text(PROVIDER + '[state]\ndatabase = "x.db"\n')
    monkeypatch.chdir(tmp_path)
    assert both() == [2, 3]
    assert "archfb config trust ./fallback.toml" in capsys.readouterr().err
    assert enter(["config", "trust", "fallback.toml"]) == 0
    assert enter(["ask", "hi"]) == 0
    (tmp_path / "fallback.toml").write_text(PROVIDER)
    assert both() == [2, 3]
