"""One PostgreSQL server for all tests of the state."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from postgres_server import PostgresServer, binaries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a running server that keeps nothing safe from a crash of the machine, for speed."""
    server = new_server("fsync=off")
    server.start()
    yield server
    server.remove()


@pytest.fixture
def own(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """Return the server as one that a test may stop, kill and start again; the next test finds it running.

    What it has said to keep outlives its own crash all the same: it has given it to the system.
    """
    yield postgres
    if postgres.process is None:
        postgres.start()


def new_server(*settings: str) -> PostgresServer:
    """Make a server, or skip with the reason."""
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    if binaries() is None:
        pytest.skip("no PostgreSQL server (initdb) on this machine; Debian's package is postgresql")
    return PostgresServer.temporary(*settings)
