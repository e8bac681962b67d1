"""`archfb metrics` and `archfb health --textfile`, against a server that answers by script."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from processes import PATIENCE, archfb
from prometheus_client.parser import text_string_to_metric_families

from archfb.commands.metrics import served
from archfb.door import enter
from archfb.session import Session

Start = Callable[..., Any]
GOOD = [{"text": "ok"}]
BROKEN = [{"status": 500, "message": "it broke"}]


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Return a metric's samples by their labels' values."""
    found = [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == name]
    return {tuple(one.labels.values()): one.value for one in found}


def test_a_call_and_a_probe_are_counted(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place('[strategies]\nphase1 = "priority"\n', m1=BROKEN, m2=GOOD)
    assert here.run("ask", "x") == 0
    assert here.run("health", "--all", "-q") in (0, 1)
    capsys.readouterr()
    assert here.run("metrics") == 0
    out, err = capsys.readouterr()
    assert err == ""
    requests = values(out, "model_requests_total")
    assert requests["phase1", "m2", "ok"] == 1
    assert requests["phase1", "m1", "server_error"] == 2
    assert requests["probe", "m2", "ok"] >= 1
    assert values(out, "model_fallbacks_total") == {("phase1", "m1", "m2"): 1}
    assert values(out, "model_health_status")["m2",] == 2
    assert values(out, "model_cost_usd_total")["m2",] > 0
    assert values(out, "archfb_chain_usable_models")["phase1",] >= 1
    assert values(out, "archfb_probe_last_run_timestamp_seconds")[()] > 1_700_000_000


def test_counters_outlive_the_process_and_a_reset(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    for _ in range(2):
        assert here.run("ask", "x") == 0
    assert here.run("reset", "m1") == 0
    capsys.readouterr()
    assert here.run("metrics") == 0
    assert values(capsys.readouterr().out, "model_requests_total") == {("phase1", "m1", "ok"): 2}


def test_a_fresh_machine_has_metrics_and_creates_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["metrics"]) == 0
    out = capsys.readouterr().out
    assert values(out, "model_health_status")["gemini-basic",] == 0
    assert not values(out, "archfb_chain_usable_models")
    assert not (home / "state").exists()


def test_the_text_is_utf_8_in_any_locale(tmp_path: Path) -> None:
    text = '[models."snow☃"]\nprovider = "offline"\nmodel = "x"\n[chains]\nphase1 = ["snow☃"]\n'
    (tmp_path / "c.toml").write_text(f'[providers.offline]\napi = "offline"\n{text}', "utf-8")
    ended = archfb("metrics", "--config", f"{tmp_path}/c.toml", env={"LC_ALL": "C"}, encoding="utf-8")
    assert ended.stderr == ""
    assert 'model_cost_usd_total{model="snow☃"} 0' in ended.stdout


def test_a_textfile_says_what_metrics_says_and_nothing_is_printed(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    assert here.run("ask", "x") == 0
    capsys.readouterr()
    path = here.folder / "archfb.prom"
    assert here.run("metrics", "--textfile", str(path)) == 0
    assert capsys.readouterr() == ("", "")
    assert here.run("metrics") == 0
    assert path.read_text() == capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_health_writes_the_textfile_beside_its_answer(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    path = here.folder / "archfb.prom"
    for probes in (1, 1):
        assert here.run("health", "--quiet", "--textfile", str(path)) == 0
        assert capsys.readouterr() == ("", "")
        assert sum(values(path.read_text(), "model_requests_total").values()) == probes
        path.unlink()


def test_row_75_nothing_is_probed_for_a_textfile_that_cannot_be(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    for command in ("health", "metrics"):
        assert here.run(command, "--textfile", "/gone/a.prom") == 3
        said = "error: Cannot write /gone/a.prom atomically: /gone is no folder.\n"
        assert capsys.readouterr() == ("", said)
        assert here.run(command, "--textfile", "a.txt") == 3
        assert "Cannot write a.txt atomically: its name must end in .prom." in capsys.readouterr().err
    assert not here.server.requests


def test_a_state_that_cannot_be_read_leaves_the_textfile_as_it_was(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    path = here.folder / "archfb.prom"
    path.write_text("old 1\n")
    (here.folder / "archfb.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert here.run("metrics", "--textfile", str(path)) == 2
    assert "archfb.db" in capsys.readouterr().err
    assert path.read_text() == "old 1\n"


def test_a_watcher_can_be_scraped_while_it_works_and_says_where(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=GOOD)
    assert here.run("health", "-q") == 0
    one = Session(config=here.options[1], state=here.options[3])
    with served(one, one.load(), "127.0.0.1:0"):
        url = capsys.readouterr().err.split()[-1].rstrip(".")
        with build_opener(ProxyHandler({})).open(url, timeout=PATIENCE) as answer:
            assert values(answer.read().decode(), "model_health_status") == {("m1",): 2}
        assert here.run("ask", "x") == 0
        with build_opener(ProxyHandler({})).open(url.replace("metrics", "health"), timeout=PATIENCE) as answer:
            assert json.load(answer)["status"] == "OK"


def test_an_address_that_others_reach_is_warned_of(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=GOOD)
    one = Session(config=here.options[1], state=here.options[3], quiet=True)
    with served(one, one.load(), "0.0.0.0:0"):
        assert "can read the metrics; there is no password." in capsys.readouterr().err
    with served(one, one.load(), None):
        assert capsys.readouterr().err == ""
