"""When a round of probes was last completed, as the state remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archfb_state.store import Store

NAME = "probe_last_run"


def remember(store: Store) -> None:
    """Write down that a round is complete."""
    store.meta(NAME, store.now())


def last_round(store: Store) -> float | None:
    """Return when a round was last completed (Unix seconds), None where none ever was."""
    found = store.meta(NAME)
    return float(found) if isinstance(found, int | float) else None
