"""Alerts and pings as `archfb health` makes them: after the answer, and without a say in it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from health_rows import NOW, health, row
from processes import PATIENCE, variables
from routing_bench import FakeClock, config
from scripted_server import refused_port

from archfb.commands.telling import begin, nothing_due
from archfb.config.model import Alerts
from archfb.probing.last_round import NAME, last_round
from archfb.session import Session
from archfb_state.storage.memory_store import MemoryStore
from archfb_state.storage.opening import open_state
from archfb_state.store import StoreBusy

Start = Callable[..., Any]
GOOD = [{"text": "ok"}]
BAD_KEY = [{"status": 401, "message": "bad key"}]


def refusing(place: Start, **more: Any) -> Any:
    """Return a place whose one model is refused, and known to be."""
    here = place(m1=BAD_KEY)
    here.server.put({"models": {"m1": BAD_KEY}, "metadata": {"/v1/models": BAD_KEY, "m1": BAD_KEY}, **more})
    assert here.run("ask", "x", "--model", "m1") == 1
    return here


def configured(here: Any, alerts: str) -> None:
    """Add an [alerts] table."""
    path = here.folder / "c.toml"
    path.write_text(f"{path.read_text()}\n[alerts]\n{alerts}\n")


def test_a_change_is_told_by_the_round_that_finds_it_and_once(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = refusing(place)
    kept = here.folder / "kept"
    script = f"import sys; open({str(kept)!r}, 'a').write(sys.stdin.read())"
    configured(here, f"command = {json.dumps([sys.executable, '-c', script])}")
    for _ in range(2):
        assert here.run("health", "-q") == 2
    (alert,) = json.loads(kept.read_text())["alerts"]
    assert (alert["kind"], alert["model"], alert["to"]) == ("problem", "m1", "unavailable")


def test_row_91_a_webhook_that_is_down_is_a_note_and_changes_no_exit(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = refusing(place)
    capsys.readouterr()
    without = here.run("health", "--all", "--json")
    shown = json.loads(capsys.readouterr().out)
    configured(here, f'webhook = "http://127.0.0.1:{refused_port()}/hook?token=hidden"')
    assert here.run("health", "--all", "--json") == without
    out, err = capsys.readouterr()
    assert [one["status"] for one in json.loads(out)["models"]] == [one["status"] for one in shown["models"]]
    assert "[alerts] webhook failed: " in err
    assert "refused the connection, 3 tries." in err
    assert "hidden" not in err


def test_row_91_a_webhook_that_hangs_holds_nothing_back(place: Start) -> None:
    here = refusing(place, paths={"/hook": [{"fault": "hang"}]})
    configured(here, f'webhook = "{here.server.url}/hook"')
    words = [sys.executable, "-m", "archfb", "health", "--all", "--json", *here.options]
    with subprocess.Popen(words, env=variables(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = "".join(iter(process.stdout.readline, "}\n")) + "}"
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert [one["name"] for one in json.loads(text)["models"]] == ["m1"]


def test_each_complete_round_pings_also_when_nothing_was_due(place: Start) -> None:
    here = place(m1=GOOD)
    here.server.put({"models": {"m1": GOOD}, "metadata": {"/ping": [{}]}})
    configured(here, f'ping = "{here.server.url}/ping"')
    for rounds in (1, 2, 3):
        assert here.run("health", "--quiet") == 0
        assert here.server.counts["paths"]["/ping"] == rounds
    assert here.run("status") == 0
    assert here.server.counts["paths"]["/ping"] == 3


@pytest.mark.parametrize("before", [None, 1000.0])
def test_a_busy_system_whose_calls_make_probes_needless_is_still_watched(place: Start, before: float | None) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    store = open_state(f"{here.folder}/archfb.db")
    try:
        if before is not None:
            store.meta(NAME, store.now() - before)
        assert here.run("health", "-q") == 0
        assert store.now() - (last_round(store) or 0) < 60
    finally:
        store.close()
    assert [one["method"] for one in here.server.requests] == ["POST"]


def test_a_state_that_is_busy_is_no_reason_for_another_exit() -> None:
    class Busy(MemoryStore):
        def acquire(self, name: str, seconds: float) -> Any:
            raise StoreBusy

    on = replace(config({"a": {}}), alerts=Alerts(command=("true",)))
    assert begin(Session(), on, Busy(clock=FakeClock(NOW)), health(row("a", "unavailable")), NOW) is None


def test_a_round_of_nothing_leaves_a_machine_without_keys_or_a_state_it_cannot_write_alone(tmp_path: Path) -> None:
    on = replace(config({"a": {"env": "A_KEY"}}), alerts=Alerts(ping="http://127.0.0.1:1/"))
    one = Session(state=f"{tmp_path}/archfb.db", environ={})
    assert nothing_due(one, on, health(row("a", keyed=False))) == (None, True)
    assert not (tmp_path / "archfb.db").exists()
    one.state = "/proc/archfb.db"
    assert nothing_due(one, on, health(row("a"))) == (None, False)
