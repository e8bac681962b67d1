"""The metrics over HTTP: two pages, on this machine unless told otherwise, in nobody's way."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from processes import PATIENCE
from routing_bench import config

from archfb.commands.table import verdict_of
from archfb.errors import StateError, UsageError
from archfb.metrics.serve import AT_ONCE, Address, Page, address, is_loopback, pages, serving
from archfb_state.storage.opening import open_state

LOCAL = Address("127.0.0.1", 0)


def fetch(where: Address, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Return status, content type and body."""
    connection = http.client.HTTPConnection(where.host, where.port, timeout=PATIENCE)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type") or "", answer.read().decode()
    finally:
        connection.close()


def one(make: Callable[[], Page]) -> dict[str, Callable[[], Page]]:
    return {"/metrics": make}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_without_a_host_is_this_machine(text: str, where: tuple[str, int]) -> None:
    assert tuple(address(text)) == where


@pytest.mark.parametrize("text", ["", "host", "host:", "host:http", ":65536", "::1:80", ":-1", "[::1]", "h:\uff11"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--serve must be HOST:PORT, such as 127\.0\.0\.1:9464; got"):
        address(text)


def test_the_pages_are_those_of_the_state(tmp_path: Path) -> None:
    path = f"{tmp_path}/archfb.db"
    open_state(path).close()
    with serving(LOCAL, pages(config({"a": {}}), path, {}, verdict_of)) as where:
        status, kind, body = fetch(where, "/metrics?x=1")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert 'model_consecutive_failures{model="a"} 0\n' in body
        status, kind, body = fetch(where, "/health")
        assert (status, kind) == (503, "application/json")
        assert json.loads(body)["code"] == 3
        assert fetch(where, "/metrics", "HEAD")[::2] == (200, "")


def test_other_paths_and_methods_are_refused() -> None:
    with serving(LOCAL, one(lambda: Page(200, "text/plain", "x 1\n"))) as where:
        assert fetch(where, "/")[0] == 404
        assert fetch(where, "/../etc/passwd")[0] == 404
        assert fetch(where, "/metrics", "POST")[0] == 501


def test_a_state_that_cannot_be_read_is_a_503_that_tells_no_path() -> None:
    def fail() -> Page:
        raise StateError("/home/somebody/archfb.db is damaged")

    with serving(LOCAL, one(fail)) as where:
        assert fetch(where, "/metrics") == (
            503, "text/plain; charset=utf-8", "The state cannot be read (StateError).\n"
        )  # fmt: skip


def test_a_port_in_use_is_a_clear_error() -> None:
    with serving(LOCAL, {}) as where:
        with pytest.raises(UsageError) as caught, serving(where, {}):
            raise AssertionError("two servers at one port")
        assert caught.value.message == f"Cannot serve metrics at {where}: address already in use."


def test_a_host_that_is_not_this_machines_is_a_clear_error() -> None:
    with (
        pytest.raises(UsageError, match=r"Cannot serve metrics at 192\.0\.2\.1:0: "),
        serving(Address("192.0.2.1", 0), {}),
    ):
        raise AssertionError("listening at a documentation address")


def test_clients_that_say_nothing_leave_room_for_one_that_does() -> None:
    with serving(LOCAL, one(lambda: Page(200, "text/plain", "x 1\n"))) as where:
        silent = [socket.create_connection(where) for _ in range(AT_ONCE - 1)]
        assert fetch(where, "/metrics")[0] == 200
        for each in silent:
            each.close()


def test_one_client_too_many_is_turned_away_and_the_next_one_served_again() -> None:
    with serving(LOCAL, one(lambda: Page(200, "text/plain", "x 1\n"))) as where:
        silent = [socket.create_connection(where) for _ in range(AT_ONCE)]
        with pytest.raises((OSError, http.client.HTTPException)):
            fetch(where, "/metrics")
        for each in silent:
            each.close()
        for _ in range(100):
            with suppress(OSError, http.client.HTTPException):
                assert fetch(where, "/metrics")[0] == 200
                return
            time.sleep(0.02)
        raise AssertionError("nobody was served again")


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("localhost", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("here", False)],
)
def test_which_hosts_only_this_machine_reaches(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here


def test_a_slow_page_does_not_hold_up_who_started_it() -> None:
    asked, go = threading.Event(), threading.Event()

    def slow() -> Page:
        asked.set()
        go.wait(5)
        return Page(200, "text/plain", "x 1\n")

    with serving(LOCAL, one(slow)) as where:
        client = threading.Thread(target=fetch, args=(where, "/metrics"))
        client.start()
        assert asked.wait(PATIENCE)
    go.set()
    client.join(PATIENCE)
    assert not client.is_alive()
