"""Opening a state on PostgreSQL: for a run, or only to look at it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from archfb_state.storage.postgres_way import PostgresWay, check_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb_state.storage.shadow import Shadow
    from archfb_state.storage.way import Core
    from archfb_state.store import Store


def open_shared(
    url: str, core: Core, *, patience: float, vantage: str, folder: str | None, warn: Callable[[str], None] | None
) -> Store:
    """Open for a run, which goes on locally while the database is away; raises StoreUnusable."""
    from archfb_state.storage.shared_store import SharedStore

    check_url(url)
    return SharedStore(PostgresWay(url, vantage, patience, core), _shadow(url, vantage, folder, core), warn)


def peek_shared(url: str, core: Core, *, patience: float, vantage: str, folder: str | None) -> Store:
    """Open to read only; while the database is away, what was last known of it."""
    from archfb_state.storage.shared_store import SharedStore

    check_url(url)
    way = PostgresWay(url, vantage, patience, core, writable=False)
    return SharedStore(way, _shadow(url, vantage, folder, core))


def _shadow(url: str, vantage: str, folder: str | None, core: Core) -> Shadow | None:
    from hashlib import blake2b

    from archfb_state.storage.shadow import Shadow

    if folder is None:
        return None
    name = blake2b(f"{url}\n{vantage}".encode("utf-8", "replace"), digest_size=6).hexdigest()
    return Shadow(os.path.join(folder, f"shared-{name}.db"), core)  # noqa: PTH118
