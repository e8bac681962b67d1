"""Alerts and pings as `archfb health` makes them: after the answer, and without a say in it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from processes import variables
from scripted_server import refused_port

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
        assert process.wait(5) == 130
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


def test_a_busy_system_whose_calls_make_probes_needless_is_still_watched(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    from archfb.probing.last_round import NAME, last_round
    from archfb_state.opening import open_state

    here = place(m1=GOOD)
    assert here.run("health") == 0
    store = open_state(f"{here.folder}/archfb.db")
    try:
        store.meta(NAME, store.now() - 1000)
        assert here.run("health", "-q") == 0
        assert store.now() - (last_round(store) or 0) < 60
    finally:
        store.close()
