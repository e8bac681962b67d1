"""States on a PostgreSQL server of the tests' own: opened as a host opens them, hurried, cut off, or as a guest's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from state_samples import CORE

from archfb_state.storage.opening import open_state
from archfb_state.storage.shared_store import SharedStore

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_server import PostgresServer

    from archfb_state.store import Store


def database(url: str) -> str:
    return url.split("/")[3].partition("?")[0]


def as_guest(server: PostgresServer, url: str, more: str = "") -> str:
    """Make a user who has no rights yet; return the URL as theirs."""
    name = f"guest_{database(url)}"
    server.execute(f"CREATE ROLE {name} LOGIN {more}")
    return url.replace("archfb@", f"{name}@")


def shared(url: str, folder: Path, vantage: str = "", **more: Any) -> Store:
    return open_state(url, folder=str(folder), vantage=vantage, **{**CORE, **more})


def hurried(store: Store) -> Store:
    """Let the store try the database again at once."""
    assert isinstance(store, SharedStore)
    store._retry_at = 0.0
    return store


def unheard(store: Store, what: str = "finish") -> Any:
    """Let the session be lost once the server has done the next commit, before its answer or the disk's is heard."""
    database: Any = cast("Any", store)._store._database

    def lost(*words: str) -> None:
        delattr(database, what)
        if what == "finish":
            database.finish(*words)
        database.close()
        getattr(database, what)(*words)

    setattr(database, what, lost)
    return database
