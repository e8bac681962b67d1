"""The commands on a state that many machines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from postgres_server import PostgresServer, binaries
from processes import archfb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg")
    if binaries() is None:
        pytest.skip("no PostgreSQL server (initdb) on this machine; Debian's package is postgresql")
    server = PostgresServer.temporary("fsync=off")
    server.start()
    yield server
    server.remove()


def test_a_state_is_used_moved_and_looked_at_from_the_command_line(server: PostgresServer, tmp_path: Path) -> None:
    file, url = str(tmp_path / "archfb.db"), server.new()
    assert archfb("--state", file, "ask", "hello").returncode == 0
    moved = archfb("state", "migrate", "--from", file, "--to", url)
    assert (moved.returncode, moved.stdout) == (0, "")
    assert moved.stderr.startswith(
        "1 attempt and all that was learned from them are at postgresql://archfb@/state0?…"
    )
    again = archfb("state", "migrate", "--from", file, "--to", url)
    assert again.returncode == 2
    assert "holds a state already; nothing was copied" in again.stderr
    assert archfb("--state", url, "ask", "hello").returncode == 0
    assert 'status="ok"} 2' in archfb("--state", url, "metrics").stdout
    assert archfb("--state", url, "state", "check").returncode == 0
    assert archfb("--state", url, "state", "path").stdout == "postgresql://archfb@/state0?…\n"
    copy = str(tmp_path / "copy.db")
    assert archfb("--state", url, "state", "backup", copy).returncode == 0
    assert 'status="ok"} 2' in archfb("--state", copy, "metrics").stdout


def test_a_run_goes_on_without_the_database_and_the_next_one_merges(server: PostgresServer) -> None:
    url = server.new()
    assert archfb("--state", url, "ask", "hello").returncode == 0
    server.stop()
    away = archfb("--state", url, "ask", "hello")
    server.start()
    assert away.returncode == 0
    assert "refuses connections; is it running; going on from what was known" in away.stderr
    back = archfb("--state", url, "ask", "hello")
    assert "Merged what was kept here while the database was away (1 attempt)." in back.stderr
    assert 'status="ok"} 3' in archfb("--state", url, "metrics").stdout


def test_a_password_on_the_command_line_is_refused_and_not_repeated() -> None:
    refused = archfb("--state", "postgresql://me:canary@db.invalid/x", "ask", "hello")
    assert refused.returncode == 2
    assert "holds a password" in refused.stderr
    assert "canary" not in refused.stderr + refused.stdout
