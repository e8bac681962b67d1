"""The metrics of a state file, read without touching it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.config.model import Config


def stored(config: Config, path: str, environ: Mapping[str, str]) -> str:
    """Return the exposition of a state file, which is only looked at; safe in any thread.

    Raises StateError where there is a state that cannot be read: counters that seem to begin anew would be counted
    twice by who reads them.
    """
    from archfb.config.load import sharing
    from archfb.errors import StateError
    from archfb.metrics.exposition import exposition
    from archfb.metrics.reading import read
    from archfb_state.storage.opening import peek

    store = peek(path, **sharing(config, environ))
    try:
        text = exposition(read(config, store, environ))
        if store.opened.notes:
            raise StateError(" ".join(store.opened.notes))
        return text
    finally:
        store.close()
