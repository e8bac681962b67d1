"""Every finding says how it is, and what to do."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archfb.config.load import load
from archfb.config.model import Alerts, Config
from archfb.diagnosis import configured, network, program, scheduled, stored
from archfb.diagnosis.finding import Finding
from archfb.errors import ConfigurationError
from archfb_state.records import DeploymentRecord, ModelRecord, Snapshot
from archfb_state.storage.opening import open_state, peek
from archfb_state.store import StoreBusy

NOW = 1_800_000_000.0
CONFIG = """
[providers.local]
api = "openai-chat"
base_url = "http://127.0.0.1:8123/v1"
[models.odd]
provider = "local"
model = "never-heard-of"
[models.known]
provider = "openai"
model = "gpt-4o-mini"
[chains]
phase1 = ["odd", "known"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "c.toml").write_text(CONFIG)
    found = load(str(tmp_path / "c.toml"), environ={"HOME": str(tmp_path)}, cwd=tmp_path)
    return replace(found, chains={"phase1": ("odd", "known")})


def said(findings: Any) -> list[tuple[str, str]]:
    return [(one.level, one.what) for one in findings]


SQLITE = [
    ((3, 40, 1), "note", "SQLite 3.40.1 has a known WAL bug; safe mode on."),
    ((3, 51, 2), "note", "SQLite 3.51.2 has a known WAL bug; safe mode on."),
    ((3, 51, 3), "ok", "SQLite 3.51.3."),
    ((3, 44, 6), "ok", "SQLite 3.44.6."),
    ((3, 50, 7), "ok", "SQLite 3.50.7."),
]


@pytest.mark.parametrize(("version", "level", "what"), SQLITE)
def test_row_68_the_bug_of_sqlite_is_named_by_version(version: tuple[int, ...], level: str, what: str) -> None:
    assert said([program.sqlite(version)]) == [(level, what)]


def test_versions_of_what_it_stands_on_are_told() -> None:
    first, second = program.versions()
    assert first.what.startswith("archfb ")
    assert "httpx " in second.what
    assert program.version_of("no-such-distribution") is None


def test_models_are_named_that_are_gone_or_that_nobody_knows_the_price_of(config: Config) -> None:
    assert said(configured.models(config, {})) == [
        ("note", "The price data does not know odd ('never-heard-of' at local): its cost is unknown.")
    ]
    gone = list(configured.models(config, {"odd": "retired: x"}))
    assert said(gone) == [("wrong", "odd ('never-heard-of' at local) is retired: x.")]
    assert "archfb reset odd" in gone[0].do


def test_a_retired_deployment_retires_its_models(config: Config) -> None:
    from archfb.routing.roster import roster

    members = roster(config, {}, b"salt")
    name = members["odd"].ref.deployment
    rows = Snapshot(NOW, deployments={name: DeploymentRecord(name, breaker="retired")})
    assert list(stored.retired(config, members, rows)) == ["odd"]


def test_keys_are_named_and_never_shown(config: Config) -> None:
    found = list(configured.keys(config, {"OPENAI_API_KEY": "sk-canary"}))
    assert said(found) == [("ok", "OPENAI_API_KEY is set (used by known).")]
    (missing,) = configured.keys(config, {})
    assert (missing.level, missing.do) == ("note", "To use it: export OPENAI_API_KEY=…")
    (bad,) = configured.keys(config, {"OPENAI_API_KEY": "sk-\u00e9canary"})
    assert bad.level == "wrong"
    assert "canary" not in "".join(map(str, [*found, missing, bad]))


def test_a_webhook_that_would_be_told_nothing_is_wrong(config: Config) -> None:
    mute = replace(config, alerts=Alerts(webhook="https://hook.example", secret_env="HOOK"))
    keys = {"OPENAI_API_KEY": "sk-x"}
    told = "HOOK is not set (it signs what the webhook is told): nothing is sent unsigned."
    assert said(configured.keys(mute, keys))[1:] == [("wrong", told)]
    assert said(configured.keys(mute, {**keys, "HOOK": "s"}))[1:] == []
    assert said(configured.keys(replace(mute, alerts=Alerts(secret_env="HOOK")), keys))[1:] == []


def test_every_mistake_of_a_configuration_is_a_finding() -> None:
    found = list(configured.broken(ConfigurationError(["one", "two"], hint="do this")))
    assert [(one.level, one.do) for one in found] == [("wrong", "do this")] * 2


def test_a_state_that_others_can_use_and_one_put_aside_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"")
    path.chmod(0o644)
    for name in ("s.db.corrupt-1", "s.db.corrupt-1-wal"):
        (tmp_path / name).write_text("")
    assert said(stored.place(str(path))) == [
        ("note", f"{path} can be used by others (mode 0644)."),
        ("note", "Damaged states were put aside: s.db.corrupt-1."),
    ]
    assert said(stored.place("postgresql://db/x")) == []


def test_a_state_that_cannot_be_one_is_wrong(tmp_path: Path) -> None:
    """Rows 55 and 58."""
    (tmp_path / "link").symlink_to("nowhere")
    assert said(stored.place(str(tmp_path))) == [("wrong", f"State file {tmp_path} is a directory.")]
    assert "does not exist" in next(stored.place(str(tmp_path / "link"))).what


def test_a_network_disk_and_a_full_one_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 67."""
    from archfb_state.storage import examination

    monkeypatch.setattr(examination, "network_of", lambda *_: "nfs4")
    monkeypatch.setattr(stored, "NEEDED", 2**63)
    levels = said(stored.place(str(tmp_path / "s.db")))
    assert levels[0] == ("wrong", f"{tmp_path}/s.db is on nfs4; SQLite is unsafe there.")
    assert levels[1][0] == "wrong"
    assert "MB left." in levels[1][1]


@pytest.mark.usefixtures("permissions_bind")
def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be written" in next(stored.folder(tmp_path)).what


def filled(path: Path) -> Path:
    store = open_state(str(path))
    store.drain("m", by="me", why="x", until=9e9)
    store.close()
    return path


def soundness(path: Path) -> list[Finding]:
    store = peek(str(path))
    try:
        return list(stored.soundness(str(path), store))
    finally:
        store.close()


def test_a_sound_state_is_said_to_be_one_with_its_size(tmp_path: Path) -> None:
    (found,) = soundness(filled(tmp_path / "s.db"))
    assert found.level == "ok"
    assert " is sound (" in found.what


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """Row 71."""
    path = filled(tmp_path / "s.db")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE model_health SET successes = 'abc'")
    db.close()
    (found,) = soundness(path)
    assert (found.level, found.what) == ("note", "1 row of model_health cannot be read; ignored.")


def test_a_large_state_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "READ_WHOLE", 10)
    (found,) = soundness(filled(tmp_path / "s.db"))
    assert (found.level, found.do) == ("note", "`archfb state check` reads all of it.")


def test_a_state_that_is_held_is_told() -> None:
    class Held:
        def check(self) -> list[str]:
            raise StoreBusy("State is held by pid 7.")

    (found,) = stored.soundness(":memory:", Held())  # type: ignore[arg-type]
    assert (found.level, found.what) == ("wrong", "State at :memory: cannot be read: State is held by pid 7.")


@pytest.mark.parametrize(("ahead", "level"), [(86400.0, "wrong"), (30.0, "ok"), (-5.0, "ok")])
def test_a_clock_behind_the_state_is_told(ahead: float, level: str) -> None:
    """Row 70."""
    rows = Snapshot(NOW, models={"m": ModelRecord("m", last_success_at=NOW + ahead)})
    (found,) = stored.clock(rows)
    assert found.level == level
    if level == "wrong":
        assert found.what == "Clock moved back 24 h; ages shown as 0 until it catches up."


def test_proxies_are_shown_without_their_passwords() -> None:
    """Row 54 beside one that is right."""
    (found,) = network.proxies({"HTTPS_PROXY": "http://me:canary@proxy:3128"})
    assert (found.level, "canary" in found.what, "proxy:3128" in found.what) == ("note", False, True)
    (wrong,) = network.proxies({"HTTPS_PROXY": "not a url"})
    assert wrong.level == "wrong"
    assert list(network.proxies({})) == []


def test_each_host_is_asked_for_once(config: Config) -> None:
    doors = network.doors(config)
    assert [(one.host, one.port, one.tls) for one in doors] == [
        ("127.0.0.1", 8123, False),
        ("api.openai.com", 443, True),
    ]


def raising(error: OSError) -> Any:
    def knock(_: network.Door) -> float:
        raise error

    return knock


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("x")
    error.verify_message = "certificate has expired"
    return error


ERRORS = [
    (socket.gaierror(-2, "unknown"), "cannot be resolved."),
    (TimeoutError(), "did not answer within 10 s."),
    (ConnectionRefusedError(111, "refused"), "refuses connections."),
    (OSError(113, "No route to host"), "cannot be reached: No route to host."),
    (untrusted(), "has a certificate that is not trusted: certificate has expired."),
]


@pytest.mark.parametrize(("error", "what"), ERRORS, ids=[type(one[0]).__name__ for one in ERRORS])
def test_a_host_that_is_not_reached_is_told_with_what_to_do(error: OSError, what: str) -> None:
    found = network.tried(network.Door("h", 443, True, "p"), raising(error))
    assert (found.level, found.what) == ("wrong", f"h:443 (p) {what}")
    assert found.do


def test_a_host_is_reached_for_real() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = network.tried(network.Door("127.0.0.1", server.getsockname()[1], False, "p"), network.opened)
    assert found.level == "ok"
    assert "answers (TCP, not encrypted, " in found.what


def test_behind_a_proxy_only_the_proxy_is_tried(config: Config) -> None:
    seen: list[network.Door] = []

    def knock(door: network.Door) -> float:
        seen.append(door)
        return 0.01

    found = list(network.reached(config, {"https_proxy": "http://me:pw@proxy:3128"}, knock))
    assert [(one.host, one.port) for one in seen] == [("proxy", 3128)]
    assert [one.level for one in found] == ["note", "ok"]
    seen.clear()
    assert len(list(network.reached(config, {}, knock))) == 2


def fake_processes(folder: Path, *names: str) -> Path:
    (folder / "self").mkdir(parents=True)
    for number, name in enumerate(names, start=10):
        (folder / str(number)).mkdir()
        (folder / str(number) / "comm").write_text(f"{name}\n")
    return folder


def test_a_cron_daemon_is_looked_for(tmp_path: Path) -> None:
    assert scheduled.daemon_runs(fake_processes(tmp_path / "a", "bash", "cron"))
    assert not scheduled.daemon_runs(fake_processes(tmp_path / "b", "bash"))
    assert scheduled.daemon_runs(tmp_path / "nowhere")


CRONTAB = """#!/bin/sh
echo '# archfb schedule: begin {mark} (x)'
echo '* * * * * /gone/python -m archfb health'
echo '# archfb schedule: end {mark}'
"""


def test_a_line_that_cannot_run_is_wrong(tmp_path: Path) -> None:
    from archfb.scheduling.marked import digest

    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "crontab"
    program.write_text(CRONTAB.format(mark=digest(b"* * * * * /gone/python -m archfb health\n")))
    program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path)}
    found = list(scheduled.schedule(environ, fake_processes(tmp_path / "proc", "bash")))
    assert said(found) == [
        ("ok", "A line in the crontab is installed."),
        ("wrong", "No cron daemon seems to run: the line is never started."),
        ("wrong", "The crontab's line starts /gone/python, which is gone."),
    ]


def test_nothing_that_probes_is_noted(tmp_path: Path) -> None:
    (found,) = scheduled.schedule({"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert (found.level, found.do) == ("note", "archfb schedule show, then archfb schedule install.")


ROUNDS = [
    (None, True, "note", "No round of probes was ever completed."),
    (NOW - 100, True, "ok", "The last complete round of probes was 2 min ago."),
    (NOW - 3600, False, "note", "The last complete round of probes was 60 min ago."),
    (
        NOW - 3600,
        True,
        "wrong",
        "The last complete round of probes was 60 min ago. The schedule does not do its work.",
    ),
]


@pytest.mark.parametrize(("last", "planned", "level", "what"), ROUNDS)
def test_the_last_round_is_judged_by_the_schedule(last: float | None, planned: bool, level: str, what: str) -> None:
    assert said([scheduled.last_round(last, NOW, 300, scheduled=planned)]) == [(level, what)]
