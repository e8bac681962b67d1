"""What follows a round of a watch: the metrics file refreshed, alerts told, without keeping the screen waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.errors import ArchfbError
from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archfb.alerts.rounds import Telling
    from archfb.routing.table import StatusTable
    from archfb.watching.rounds import Round
    from archfb_state.store import Store


class AfterRounds:
    """Refreshes a file after each round, and begins to tell; `export` and `begin` do it."""

    def __init__(
        self,
        store: Store,
        *,
        export: Callable[[], None] | None,
        begin: Callable[[StatusTable, float], Telling | None],
    ) -> None:
        """Keep how it is done; `begin` is given the table and when the round began (Unix seconds)."""
        self._store = store
        self._export = export
        self._begin = begin
        self._telling: Telling | None = None

    def after(self, table: StatusTable, ended: Round) -> Sequence[str]:
        """Take note of a round; one that found nothing due was complete, too."""
        if self._store.opened.saving:
            if not ended.results and ended.failure is None:
                from archfb.probing.last_round import remember

                remember(self._store)
            if self._telling is None and ended.failure is None:
                self._telling = self._begin(table, ended.started_at)
        return self._exported()

    def _exported(self) -> Sequence[str]:
        if self._export is None:
            return ()
        try:
            self._export()
        except (ArchfbError, StoreBusy, StoreUnusable, OSError) as error:
            return (str(error),)
        return ()

    def poll(self) -> Sequence[str]:
        """Remember what has arrived, and say what has not."""
        telling = self._telling
        if telling is None or not telling.done:
            return ()
        self._telling = None
        telling.settle(self._store)
        return telling.notes()

    def finish(self) -> Sequence[str]:
        """Give what is on its way a moment; what did not arrive is told after the next round of somebody."""
        if self._telling is None:
            return ()
        self._telling.wait(0.2)
        return self.poll()
