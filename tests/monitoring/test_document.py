"""The page on monitoring: its commands run, its tables and examples agree with the program."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from processes import PATIENCE, variables
from scripted_server import ServerThread, free_port

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


@dataclass(frozen=True)
class Shell:
    """Where a line is run as a person would: one model answers, and `archfb` is on the path."""

    folder: Path

    @property
    def place(self) -> dict[str, Any]:
        env = variables({"ARCHFB_CONFIG": f"{self.folder}/c.toml", "ARCHFB_STATE": f"{self.folder}/archfb.db"})
        return {"cwd": ROOT, "env": {**env, "HOME": str(self.folder), "PATH": f"{self.folder}:{env['PATH']}"}}

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        words = ["sh", "-c", line.replace(TEXTFILES, str(self.folder))]
        return subprocess.run(words, **self.place, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Return a shell beside a server that answers."""
    with ServerThread({"models": {"m1": [{}]}}) as server:
        chains = "\n".join(f'{phase} = ["m1"]' for phase in PHASES)
        (tmp_path / "c.toml").write_text(
            f'[providers.p]\napi = "openai-chat"\nbase_url = "{server.url}/v1"\n'
            f'[models.m1]\nprovider = "p"\nmodel = "m1"\n[chains]\n{chains}\n'
        )
        (tmp_path / "archfb").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archfb "$@"\n')
        (tmp_path / "archfb").chmod(0o755)
        (tmp_path / ".archfb.env").write_text("export A_KEY=1\n")
        yield Shell(tmp_path)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_works(shell: Shell, line: str) -> None:
    if "promtool" in line and shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    ended = shell.run("archfb health --quiet && " + line)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_crontab_line_is_silent_and_leaves_the_metrics(shell: Shell, tmp_path: Path) -> None:
    (line,) = (line for block in blocks("cron") for line in block.splitlines())
    assert line.startswith("* * * * * ")
    ended = shell.run(line.removeprefix("* * * * * "))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert 'model_health_status{model="m1"} 2' in (tmp_path / "archfb.prom").read_text()


def test_the_watcher_answers_a_scrape_while_it_runs(shell: Shell) -> None:
    (line,) = (line for block in blocks("bash") for line in block.splitlines())
    listen = f"127.0.0.1:{free_port()}"
    assert "127.0.0.1:9464" in line
    with subprocess.Popen(
        ["sh", "-c", f"exec {line.replace('127.0.0.1:9464', listen)}"], **shell.place, stdout=subprocess.DEVNULL
    ) as process:
        try:
            text = fetched(f"http://{listen}/metrics", 'model_health_status{model="m1"} 2')
            assert "archfb_probe_last_run_timestamp_seconds " in text
            assert json.loads(fetched(f"http://{listen}/health", "status"))["status"] == "OK"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def fetched(url: str, awaited: str) -> str:
    """Return what an address answers as soon as that is in it."""
    end = time.monotonic() + PATIENCE
    text = ""
    while time.monotonic() < end:
        try:
            with build_opener(ProxyHandler({})).open(url, timeout=PATIENCE) as answer:
                text = answer.read().decode()
        except OSError:
            pass
        if awaited in text:
            return text
        time.sleep(0.05)
    raise AssertionError(f"{awaited} never came: {text}")


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
