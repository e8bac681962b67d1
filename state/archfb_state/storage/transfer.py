"""A whole state carried from a file to PostgreSQL or back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from archfb_state.storage.copying import copy, copy_to_new_file
from archfb_state.storage.state_file import open_to_read
from archfb_state.storage.url import is_url
from archfb_state.storage.way import Core
from archfb_state.store import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.storage.postgres_way import PostgresWay


def migrate(source: str, target: str, *, vantage: str = "") -> int:
    """Copy a state from a path or URL to another, which knows nothing yet; return how many attempts.

    Raises StoreUnusable, StoreBusy, sqlite3.Error.
    """
    if is_url(source) and not is_url(target):
        return _from_shared(_way(source, vantage, writable=False), lambda c: copy_to_new_file(c, target))
    if is_url(target) and not is_url(source):
        return _to_shared(source, _way(target, vantage, writable=True))
    raise StoreUnusable("One of the two must be a file, the other a postgresql:// URL.")


def _way(url: str, vantage: str, *, writable: bool) -> PostgresWay:
    from archfb_state.storage.postgres_way import PostgresWay

    return PostgresWay(url, vantage, 600.0, Core(), writable)


def _from_shared(way: PostgresWay, work: Callable[[Any], int]) -> int:
    store = way.open()[0]
    try:
        return store._read(work)  # noqa: SLF001 - a store of our own making
    finally:
        store.close()


def _to_shared(path: str, way: PostgresWay) -> int:
    if not os.path.exists(path):  # noqa: PTH110
        raise StoreUnusable(f"There is no state at {path}.")
    database = open_to_read(path, 10.0)
    try:
        store = way.open()[0]
        try:
            return database.read(lambda source: store._write(lambda target: copy(source, target)))  # noqa: SLF001
        finally:
            store.close()
    finally:
        database.close()
