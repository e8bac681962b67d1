"""The page on monitoring: its commands run, its tables and examples agree with the program."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import variables
from scripted_server import ServerThread

from archfb.alerts.decide import Alert
from archfb.alerts.document import document
from archfb.alerts.send import LONGEST, signature
from archfb.config.model import PHASES
from archfb.config.schema import ALERTS
from archfb_state.store import BUCKETS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
TEXTFILES = "/var/lib/prometheus/node-exporter"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Any]:
    """Return a function that runs a line as a person would, where one model answers."""
    with ServerThread({"models": {"m1": [{}]}}) as server:
        chains = "\n".join(f'{phase} = ["m1"]' for phase in PHASES)
        (tmp_path / "c.toml").write_text(
            f'[providers.p]\napi = "openai-chat"\nbase_url = "{server.url}/v1"\n'
            f'[models.m1]\nprovider = "p"\nmodel = "m1"\n[chains]\n{chains}\n'
        )
        (tmp_path / "archfb").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archfb "$@"\n')
        (tmp_path / "archfb").chmod(0o755)
        (tmp_path / ".archfb.env").write_text("export A_KEY=1\n")
        env = variables({"ARCHFB_CONFIG": f"{tmp_path}/c.toml", "ARCHFB_STATE": f"{tmp_path}/archfb.db"})
        env |= {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{env['PATH']}"}

        def run(line: str) -> subprocess.CompletedProcess[str]:
            words = ["sh", "-c", line.replace(TEXTFILES, str(tmp_path))]
            return subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

        yield run


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works(shell: Any, line: str) -> None:
    if "promtool" in line and shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    ended = shell("archfb health --quiet && " + line)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_crontab_line_is_silent_and_leaves_the_metrics(shell: Any, tmp_path: Path) -> None:
    (line,) = (line for block in blocks("cron") for line in block.splitlines())
    assert line.startswith("* * * * * ")
    ended = shell(line.removeprefix("* * * * * "))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert 'model_health_status{model="m1"} 2' in (tmp_path / "archfb.prom").read_text()


def test_the_table_has_the_metrics_with_the_labels_and_words_of_the_program() -> None:
    from archfb.metrics import exposition

    source = Path(exposition.__file__).read_text("utf-8")
    rows = re.findall(r"^\| `((?:model|archfb)_\w+)` \| (.*?) \| (.*?) \|$", TEXT, re.MULTILINE)
    assert {name for name, _, _ in rows} == set(re.findall(r'"((?:archfb|model)_[a-z_]+)"', source))
    for name, labels, words in rows:
        assert f'"{words}"' in source, name
        assert all(f'"{label}"' in source for label in re.findall(r"`(\w+)`", labels))


def test_the_buckets_are_those_of_the_program() -> None:
    listed = ", ".join(f"{bound:g}" for bound in BUCKETS[:-1]) + f" and {BUCKETS[-1]:g} seconds"
    assert listed in " ".join(TEXT.split())


def test_the_settings_are_those_of_the_program() -> None:
    (example,) = blocks("toml")
    assert set(tomllib.loads(example)["alerts"]) == set(ALERTS)
    assert f"about {LONGEST:.0f} seconds" in TEXT


def test_the_document_is_what_is_sent() -> None:
    at = 1_767_225_600.0
    reason = "open: 3 failures in a row (timeout)"
    alert = Alert("problem", "claude-basic", "healthy", "unavailable", reason, at + 30)
    (example,) = blocks("json")
    sent = document([alert], at=at, sender="build-7", usable={"phase1": 3})
    assert sent.decode() == example.strip()
    assert json.loads(sent)["schema"] == 1


def test_the_check_of_a_signature_accepts_what_is_sent_and_nothing_else() -> None:
    (code,) = blocks("python")
    scope: dict[str, Any] = {}
    exec(code, scope)
    header = signature(b"body", "secret")
    assert scope["genuine"](b"body", header, "secret")
    assert not scope["genuine"](b"bodY", header, "secret")
    assert not scope["genuine"](b"body", header, "other")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_scrape_configuration(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    (tmp_path / "prometheus.yml").write_text(example)
    words = ["promtool", "check", "config", f"{tmp_path}/prometheus.yml"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
