"""The small tables as records, kept between transactions for as long as no other process wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from archfb_state.core.latest import Latest
from archfb_state.records import AccountRecord, DeploymentRecord, MachineRecord, ModelRecord, Snapshot
from archfb_state.storage.flights import ALL, SKEW, Flights
from archfb_state.storage.rows import ACCOUNTS, DEPLOYMENTS, MACHINE, MODELS, TRANSITIONS, Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from archfb_state.decisions import Credits
    from archfb_state.records import Attempt, Changes, ModelRef

R = TypeVar("R")

_LEASES = "SELECT name, acquired_at, expires_at FROM leases"
_SHARING = "SELECT model, deployment, account FROM model_health WHERE deployment = ? OR account = ?"
_MACHINE_ROW = f"{MACHINE.select} WHERE id = 1"
_MACHINE_SAVE = (
    f"INSERT INTO machine (id, {MACHINE.list}) VALUES (1, {', '.join('?' * len(MACHINE.columns))}) "  # noqa: S608
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{one} = excluded.{one}' for one in MACHINE.columns)}"
)

EVERYTHING = (DEPLOYMENTS.select, ACCOUNTS.select, MODELS.select, _MACHINE_ROW, ALL, _LEASES)
"""The statements that read every small table: for a database that is far away, worth to be sent at once."""


class Kept(dict[str, R | None]):
    """One table's rows by key; None where the table has no (readable) row."""

    def __init__(self, table: Table[R], key: str) -> None:
        """Describe the table; nothing is read."""
        super().__init__()
        self.table = table
        self.key_at = table.columns.index(key)
        self.one = f"{table.select} WHERE {key} = ?"
        self.save = table.upsert(key)
        self.change = table.update(key)
        self.drop = f"DELETE FROM {table.name} WHERE {key} = ?"  # noqa: S608 - names are ours
        self.whole = False
        self.there: dict[str, R] = {}
        """The rows that there are; replaced where one changes, since snapshots hold it."""
        self.damaged: set[str] = set()
        self._parsed: dict[str, tuple[tuple[Any, ...], R]] = {}

    def forget(self) -> None:
        """Another process wrote: read again when needed."""
        self.clear()
        self.there, self.whole = {}, False

    def need(self, connection: sqlite3.Connection, key: str) -> None:
        """Read one row, unless it is known."""
        if key not in self and not self.whole:
            row = connection.execute(self.one, (key,)).fetchone()
            record = self[key] = None if row is None else self._parse(key, row)
            if record is not None:
                self.there = {**self.there, key: record}

    def need_all(self, connection: sqlite3.Connection) -> None:
        """Read every row, unless they are known."""
        if not self.whole:
            for row in connection.execute(self.table.select).fetchall():
                key = str(row[self.key_at])
                self[key] = self._parse(key, row)
            self.there, self.whole = {key: one for key, one in self.items() if one is not None}, True

    def _parse(self, key: str, row: tuple[Any, ...]) -> R | None:
        known = self._parsed.get(key)
        if known is not None and known[0] == row:
            return known[1]
        record = self.table.from_row(row)
        if record is None:
            self.damaged.add(key)
        else:
            self.damaged.discard(key)
            self._parsed[key] = (row, record)
        return record

    def put(self, connection: sqlite3.Connection, key: str, record: R) -> None:
        """Write one row."""
        record, row = self.table.bound(record, self._parsed.get(key))
        if self.get(key) is None:
            connection.execute(self.save, row)
        else:
            connection.execute(self.change, row)
        self._parsed[key] = (tuple(row), record)
        self[key] = record
        self.there = {**self.there, key: record}
        self.damaged.discard(key)

    def drop_damaged(self, connection: sqlite3.Connection) -> None:
        """Delete the rows that could not be read."""
        for key in sorted(self.damaged):
            connection.execute(self.drop, (key,))
        self.damaged.clear()


class _Touched(NamedTuple):
    """What an attempt may touch, and what that was worked out from."""

    refs: Sequence[ModelRef]
    mine: tuple[str, str, str]
    models: set[str]
    deployments: set[str]
    accounts: set[str]


class Remembered:
    """All small tables; `refresh` within a transaction makes them true as of it."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.deployments: Kept[DeploymentRecord] = Kept(DEPLOYMENTS, "deployment")
        self.accounts: Kept[AccountRecord] = Kept(ACCOUNTS, "account")
        self.models: Kept[ModelRecord] = Kept(MODELS, "model")
        self.machine: MachineRecord | None = None
        self.flights = Flights()
        self._last_touched: Latest[_Touched] = Latest()
        self.leases: list[tuple[str, float, float]] | None = None
        self.credits: dict[str, Credits] = {}
        """The round robin's memory by slot, as far as it was read."""
        self._version: int | None = None

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Forget everything if another connection has committed since the last call."""
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Forget everything."""
        self.deployments.forget()
        self.accounts.forget()
        self.models.forget()
        self.flights.forget()
        self.credits.clear()
        self.machine = self.leases = self._version = None

    def damaged(self) -> tuple[set[str], set[str], set[str]]:
        """Return the models, deployments and accounts whose rows could not be read."""
        return self.models.damaged, self.deployments.damaged, self.accounts.damaged

    def restore(self, connection: sqlite3.Connection, changes: Changes) -> None:
        """Write down what was rebuilt; a damaged row that nothing is known of goes."""
        for kept in (self.models, self.deployments, self.accounts):
            kept.drop_damaged(connection)
        self.apply(connection, changes)

    def snapshot(self, connection: sqlite3.Connection, now: float) -> Snapshot:
        """Return everything as of now."""
        for kept in (self.deployments, self.accounts, self.models):
            kept.need_all(connection)
        return Snapshot(
            now,
            self.deployments.there,
            self.accounts.there,
            self.models.there,
            self._machine(connection),
            self.flights.counts(connection, now),
            self._leases(connection, now),
            self.flights.waiting(connection, now),
        )

    def rows_for(
        self, connection: sqlite3.Connection, attempt: Attempt, refs: Sequence[ModelRef], now: float
    ) -> Snapshot:
        """Return what one attempt may touch: its own rows, and those of the models that share something with it."""
        machine = self._machine(connection)
        if not (self.models.whole and self.deployments.whole and self.accounts.whole):
            touched = self._touched(connection, attempt, refs)
            for key in touched.models - self.models.keys():
                self.models.need(connection, key)
            for key in touched.deployments - self.deployments.keys():
                self.deployments.need(connection, key)
            for key in touched.accounts - self.accounts.keys():
                self.accounts.need(connection, key)
            for one in machine.pending:
                self.deployments.need(connection, one.before.deployment)
        return Snapshot(now, self.deployments.there, self.accounts.there, self.models.there, machine)

    def _touched(self, connection: sqlite3.Connection, attempt: Attempt, refs: Sequence[ModelRef]) -> _Touched:
        mine = attempt.model, attempt.deployment, attempt.account
        last = self._last_touched.get(attempt.model)
        if last is not None and last.refs is refs and last.mine == mine:
            return last
        named = [
            (ref.model, ref.deployment, ref.account)
            for ref in refs
            if ref.deployment == attempt.deployment or ref.account == attempt.account
        ]
        sharing = named or _readable(connection.execute(_SHARING, mine[1:]))
        models, deployments, accounts = (set(one) for one in zip(mine, *sharing, strict=True))
        found = _Touched(refs, mine, models, deployments, accounts)
        return self._last_touched.keep(attempt.model, found) if named else found

    def _machine(self, connection: sqlite3.Connection) -> MachineRecord:
        if self.machine is None:
            row = connection.execute(_MACHINE_ROW).fetchone()
            self.machine = (MACHINE.from_row(row) if row else None) or MachineRecord()
        return self.machine

    def _leases(self, connection: sqlite3.Connection, now: float) -> dict[str, float]:
        if self.leases is None:
            self.leases = _spans(connection.execute(_LEASES))
        return {name: ends for name, began, ends in self.leases if began <= now + SKEW and ends > now}

    def apply(self, connection: sqlite3.Connection, changes: Changes) -> None:
        """Write down what an event changed."""
        for key, deployment in changes.deployments.items():
            self.deployments.put(connection, key, deployment)
        for key, account in changes.accounts.items():
            self.accounts.put(connection, key, account)
        for key, model in changes.models.items():
            self.models.put(connection, key, model)
        if changes.machine is not None:
            self.machine, row = MACHINE.bound(changes.machine)
            connection.execute(_MACHINE_SAVE, row)
        for transition in changes.transitions:
            connection.execute(TRANSITIONS.insert, TRANSITIONS.to_row(transition))


def _readable(rows: Iterable[tuple[Any, ...]]) -> list[tuple[str, str, str]]:
    return [(one, two, three) for one, two, three in rows if type(one) is type(two) is type(three) is str]


def _spans(rows: Iterable[tuple[Any, ...]]) -> list[tuple[str, float, float]]:
    return [(str(name), began, ends) for name, began, ends in rows if type(began) is type(ends) is float]
