"""A state on PostgreSQL behind PgBouncer, whose sessions are handed on after each transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes import PATIENCE
from state_samples import CORE, attempt, choosing

from archfb_state.settings import Settings
from archfb_state.storage.opening import open_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

PORT = 6499
"""Part of the socket's name only: no port is opened."""


def settings(server: PostgresServer, folder: Path) -> str:
    return (
        f"[databases]\n* = host={server.folder} port=5499 user=archfb\n"
        f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nlisten_port = {PORT}\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = 1\nlogfile = {folder}/log\n"
    )


@pytest.fixture
def pooled(postgres: PostgresServer) -> Iterator[str]:
    """Return the URL of a state without anything, at a pooler with one session for everybody."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer on this machine; Debian's package is pgbouncer")
    with tempfile.TemporaryDirectory(prefix="archfb-pool-") as name:
        folder = Path(name)
        (folder / "ini").write_text(settings(postgres, folder))
        for one in (folder, folder / "ini"):
            with suppress(PermissionError, TypeError):
                shutil.chown(one, postgres.account)  # type: ignore[arg-type]
        with subprocess.Popen([program, "-q", str(folder / "ini")], **postgres.as_its_account()) as process:  # type: ignore[call-overload]
            until = time.monotonic() + PATIENCE
            while not (folder / f".s.PGSQL.{PORT}").exists():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.02)
            yield postgres.emptied().replace(f"host={postgres.folder}&port=5499", f"host={folder}&port={PORT}")
            process.kill()


def test_hosts_that_share_a_session_do_not_see_through_each_others_settings(pooled: str, tmp_path: Path) -> None:
    import psycopg

    stores = [open_state(pooled, folder=str(tmp_path / one), vantage=one, **CORE) for one in ("office", "cloud")]
    for n in range(8):
        for at, store in enumerate(stores):
            one = attempt(10 * n + at, f"model-{at}")
            store.decide("slot", one.call_id, choosing("a", "b"))
            store.record([one], Settings(), ended=one.call_id)
    assert [list(store.snapshot().models) for store in stores] == [["model-0"], ["model-1"]]
    assert [store.news() for store in stores] == [None, None]
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as session:
        left = session.execute(
            "SELECT current_setting('search_path'), coalesce(current_setting('archfb.vantage', true), ''), "
            "current_setting('synchronous_commit'), (SELECT count(*) FROM pg_prepared_statements)"
        ).fetchone()
    assert left == ('"$user", public', "", "on", 0)
    for store in stores:
        assert store.opened.notes == ()
        store.close()
