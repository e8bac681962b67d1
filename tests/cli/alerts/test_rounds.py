"""After a round: told in the background, remembered once it arrived, and never in the way of the probe."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from health_rows import NOW, health, row
from routing_bench import FakeClock, config
from scripted_server import ServerThread, refused_port

from archfb.alerts import rounds
from archfb.alerts.decide import Told
from archfb.alerts.rounds import Sending, Telling, after_round, remember, standings, without_keys
from archfb.alerts.send import Post
from archfb.config.model import Alerts, Config
from archfb_state.storage.memory_store import MemoryStore

DOWN = row("a", "unavailable", "open: 3 failures in a row (timeout)", retry_in=400)


def watched(**alerts: Any) -> Config:
    return replace(config({"a": {"env": "A_KEY"}, "b": {}}), alerts=Alerts(**alerts))


def told(on: Config, store: MemoryStore, *rows: Any, complete: bool = True, **environ: str) -> list[str] | None:
    """Let one round pass; returns the notes, or None where there was nothing to tell."""
    post = Post(environ, 2.0, lambda _: None)
    telling = after_round(on, store, health(*(rows or (DOWN,))), environ, complete=complete, post=post)
    if telling is None:
        return None
    telling.wait()
    telling.settle(store)
    return telling.notes()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=FakeClock(NOW))


def test_a_webhook_gets_one_document_a_round(store: MemoryStore) -> None:
    with ServerThread({"paths": {"/hook": [{}]}}) as server:
        on = replace(watched(webhook=f"{server.url}/hook", secret_env="S"), vantage="here")
        remember(store, {"webhook": {"b": Told(seen="degraded", at=NOW - 900, changes=(NOW - 300,))}})
        assert told(on, store, DOWN, row("b", "degraded", "slow (warning)"), S=" s3cret ") == []
        (request,) = server.requests
        assert request["body"] == {
            "schema": 1,
            "at": "2027-01-15T08:00:00Z",
            "from": "here",
            "text": "archfb: a is unavailable: open: 3 failures in a row (timeout). b is degraded: slow (warning).",
            "alerts": [
                {"kind": "problem", "model": "a", "from": "healthy", "to": "unavailable",
                 "reason": "open: 3 failures in a row (timeout)", "retry_at": "2027-01-15T08:06:40Z"},
                {"kind": "problem", "model": "b", "from": "healthy", "to": "degraded",
                 "reason": "slow (warning)", "retry_at": None},
            ],
            "chains": {"phase1": {"usable": 1}, "phase2": {"usable": 1}},
        }  # fmt: skip
        assert told(on, store, DOWN, row("b", "degraded", "slow (warning)"), S="s3cret") is None
        assert told(on, store, row("a"), row("b", "unavailable", account="#"), S="s3cret") == []
        assert server.requests[-1]["body"]["text"] == "archfb: a is healthy again."


def test_the_text_says_which_chain_has_nobody_left(store: MemoryStore) -> None:
    with ServerThread({"paths": {"/hook": [{}]}}) as server:
        assert told(watched(webhook=f"{server.url}/hook"), store) == []
        text = server.requests[0]["body"]["text"]
    assert text.endswith("\nNo usable model left for phase1, phase2.")


def test_row_91_what_did_not_arrive_is_noted_and_told_after_the_next_round(
    store: MemoryStore,
) -> None:
    url = f"http://127.0.0.1:{refused_port()}/hook"
    (note,) = told(watched(webhook=url), store) or []
    assert note.startswith("[alerts] webhook failed: ")
    assert note.endswith("refused the connection, 3 tries.")
    with ServerThread({"paths": {"/hook": [{}]}}) as server:
        assert told(watched(webhook=f"{server.url}/hook"), store) == []
        assert len(server.requests) == 1


def test_one_receiver_that_is_down_does_not_repeat_what_another_took(store: MemoryStore, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    script = f"import sys; open({str(kept)!r}, 'a').write(sys.stdin.read())"
    on = watched(webhook=f"http://127.0.0.1:{refused_port()}/", command=(sys.executable, "-c", script))
    for _ in range(2):
        notes = told(on, store) or []
        assert [note.split(" failed")[0] for note in notes] == ["[alerts] webhook"]
    assert json.loads(kept.read_text())["alerts"][0]["model"] == "a"


def test_nothing_is_sent_unsigned_where_a_secret_is_asked_for(store: MemoryStore) -> None:
    with ServerThread({"paths": {"/hook": [{}]}}) as server:
        on = watched(webhook=f"{server.url}/hook", secret_env="S")
        assert told(on, store, S="  ") == [
            "[alerts] webhook failed: S is not set (it signs what the webhook is told): nothing is sent unsigned."
        ]
        assert not server.requests


def test_a_ping_follows_each_complete_round_and_no_other(store: MemoryStore) -> None:
    with ServerThread({"paths": {"/ping": [{}]}}) as server:
        on = watched(ping=f"{server.url}/ping")
        assert told(on, store, row("a")) == []
        assert told(on, store, row("a"), complete=False) is None
        assert told(on, store, DOWN) == []
        assert [one["method"] for one in server.requests] == ["GET", "GET"]


def test_while_another_process_tells_nothing_is_told_twice(store: MemoryStore) -> None:
    on = watched(command=("true",))
    assert store.acquire(rounds.LEASE, 60) is not None
    assert told(on, store) is None


def test_the_lease_is_given_back_whether_there_was_news_or_not(store: MemoryStore) -> None:
    on = watched(command=("true",))
    for rows in ([row("a")], [DOWN], [DOWN]):
        told(on, store, *rows)
        lease = store.acquire(rounds.LEASE, 60)
        assert lease is not None
        store.release(lease)


def test_a_machine_that_is_offline_tells_nothing(store: MemoryStore) -> None:
    assert after_round(watched(command=("true",)), store, health(DOWN, offline=True), {}, complete=True) is None


def test_without_alerts_nothing_is_done(store: MemoryStore) -> None:
    assert told(watched(), store) is None
    assert store.meta(rounds.MEMORY) is None


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (row("a"), True),
        (DOWN, True),
        (row("a", "unavailable", drained=True, retry_in=9000), False),
        (row("a", "unavailable", held=True, retry_in=60), False),
        (row("a", "unavailable", held=True, retry_in=6000), True),
        (row("a", "unavailable", "no key (A)", keyed=False), False),
    ],
)
def test_drains_short_holds_and_missing_keys_are_no_news(one: Any, counts: bool) -> None:
    assert [seen.counts for seen in standings(health(one), 300)] == [counts]


@pytest.mark.parametrize(
    ("one", "briefly"),
    [
        (row("a"), False),
        (DOWN, False),
        (row("a", "unavailable", held=True, retry_in=60), True),
        (row("a", "unavailable", held=True, retry_in=6000), False),
        (row("a", "unavailable", held=True, retry_in=60, drained=True), False),
        (row("a", "unavailable", held=True, retry_in=60, keyed=False), False),
    ],
)
def test_a_short_hold_is_seen_as_one(one: Any, briefly: bool) -> None:
    assert [seen.briefly for seen in standings(health(one), 300)] == [briefly]


def test_the_offline_provider_is_no_news_at_all() -> None:
    assert standings(health(row("a", account="#")), 300) == []


def test_a_command_is_given_no_key() -> None:
    environ = {"A_KEY": "k", "S": "s", "PATH": "/bin"}
    assert without_keys(watched(secret_env="S"), environ) == {"PATH": "/bin"}


def test_waiting_ends_in_time_and_what_is_late_is_not_remembered(store: MemoryStore) -> None:
    go = threading.Event()

    def stuck() -> None:
        go.wait(10)

    lease = store.acquire(rounds.LEASE, 60)
    telling = Telling([Sending("webhook", stuck, {})], lease)
    telling.wait(0.05)
    assert not telling.done
    telling.settle(store)
    assert telling.notes() == ["[alerts] webhook failed: no answer yet."]
    assert store.meta(rounds.MEMORY) is None
    go.set()


def test_a_bug_while_sending_is_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling([Sending("webhook", lambda: str(1 / 0), {})])
    telling.wait()
    assert telling.notes() == ["[alerts] webhook failed: ZeroDivisionError: division by zero."]
    assert capsys.readouterr().err == ""
