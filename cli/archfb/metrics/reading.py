"""What the metrics are made from, read from the state at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archfb.verdict import OFFLINE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.config.model import Config
    from archfb.routing.table import StatusTable
    from archfb_state.store import Counter, Store


@dataclass(frozen=True, slots=True)
class Reading:
    """Health, totals since the state began, and when a round of probes was last completed (Unix seconds)."""

    table: StatusTable
    counters: Sequence[Counter]
    fallbacks: Mapping[tuple[str, str, str], int]
    usable: Mapping[str, int]
    """Usable models by phase, for the chains that have a model whose key is set or not needed."""
    probe_last_run: float | None = None


def read(config: Config, store: Store, environ: Mapping[str, str]) -> Reading:
    """Return a reading of the state. Raises ConfigurationError where a key cannot be one."""
    from archfb.probing.last_round import last_round
    from archfb.routing.roster import roster
    from archfb.routing.table import status_table

    table = status_table(config, roster(config, environ, store.salt), store.snapshot())
    return Reading(table, store.counters(), store.fallbacks(), usable(config, table), last_round(store))


def usable(config: Config, table: StatusTable) -> dict[str, int]:
    """Return how many models of each chain could be asked now; the offline provider does not count."""
    able = {one.name: one.usable for one in table.models if one.keyed and one.account != OFFLINE_ACCOUNT}
    chains = {phase: [able[name] for name in chain if name in able] for phase, chain in config.chains.items()}
    return {phase: sum(chain) for phase, chain in chains.items() if chain}
