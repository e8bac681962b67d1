"""What one process claims for a while: leases and parts of a budget."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from archfb_state.storage.flights import SKEW

if TYPE_CHECKING:
    import sqlite3

    from archfb_state.store import Lease

_ACQUIRE = (
    "INSERT INTO leases (name, token, pid, acquired_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (name) DO UPDATE SET token = excluded.token, pid = excluded.pid, "
    "acquired_at = excluded.acquired_at, expires_at = excluded.expires_at "
    "WHERE typeof(leases.expires_at) <> 'real' OR leases.expires_at <= ?4 OR leases.acquired_at > ?4 + ?6 "
    "OR leases.token = ?2 "
    "RETURNING token"
)
PROBE = "probe:"
"""How the names of the leases begin under which a probe is made, and which its process gives back before it ends."""
ANSWER = f"{PROBE}answer:"
"""How those of them begin under which an answer is bought for several runs."""
_HOLDER = "SELECT token, pid FROM leases WHERE name = ?"
_RELEASE = "DELETE FROM leases WHERE name = ? AND token = ?"
_HELD = "SELECT 1 FROM leases WHERE name = ? AND token = ?"
_TAKEN = (
    "SELECT (SELECT count FROM budgets WHERE budget = ?1), (SELECT usd FROM budgets WHERE budget = ?1), "
    "(SELECT TOTAL(usd) FROM reservations WHERE budget = ?1 AND expires_at > ?2 AND reserved_at <= ?2 + ?3), "
    "EXISTS (SELECT 1 FROM reservations WHERE id = ?4)"
)
_RESERVE = "INSERT INTO reservations (id, budget, usd, reserved_at, expires_at) VALUES (?, ?, ?, ?, ?)"
ADD = (
    "INSERT INTO budgets (budget, count, usd, updated_at) VALUES (?, ?, ?, ?) ON CONFLICT (budget) DO UPDATE SET "
    "count = budgets.count + excluded.count, usd = budgets.usd + excluded.usd, updated_at = excluded.updated_at"
)
"""Adds to what a budget has had: budget, count, USD, instant."""
_CENT_DUST = 1e-9


def new_token() -> str:
    """Return 16 hex digits that nobody guesses or repeats."""
    return os.urandom(8).hex()


def acquire(connection: sqlite3.Connection, lease: Lease, now: float, pid: int) -> Lease | None:
    """Win the lease in one statement, or return None; a probe's whose holder was killed is taken over.

    Other leases end by time alone: a trial is not begun again because the process that began it has ended. So does
    a probe's whose holder is no process of this machine: `pid` is 0.
    """
    name = lease.name
    mine = (name, lease.token, pid, now, lease.expires_at, SKEW)
    row = connection.execute(_ACQUIRE, mine).fetchone()
    if row is None and name.startswith(PROBE):
        holder = connection.execute(_HOLDER, (name,)).fetchone()
        if holder is not None and _gone(holder[1]):
            connection.execute(_RELEASE, (name, holder[0]))
            row = connection.execute(_ACQUIRE, mine).fetchone()
    return lease if row else None


def _gone(pid: object) -> bool:
    """Say whether no process of this machine has this number any more, or one that has ended already."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Say whether Linux tells so; False elsewhere."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False


def release(connection: sqlite3.Connection, lease: Lease) -> None:
    """Give a lease back, if it is still the same one."""
    connection.execute(_RELEASE, (lease.name, lease.token))


def lost(connection: sqlite3.Connection, lease: Lease | None, deployment: str) -> bool:
    """Say whether what was found out of a deployment comes too late: another has won its lease since."""
    if lease is None or not lease.is_on(deployment):
        return False
    return connection.execute(_HELD, (lease.name, lease.token)).fetchone() is None


def reservation_of(budget: str, token: str | None) -> str:
    """Return what a reservation is called that has this token, or a new one."""
    return f"{token or new_token()}:{budget}"


def budget_of(reservation: str) -> str:
    """Return the budget that a reservation belongs to."""
    return reservation.partition(":")[2]


def spent(connection: sqlite3.Connection, budget: str, now: float) -> tuple[int, float]:
    """Return a budget's count, and its USD spent or reserved."""
    count, usd, reserved, _ = connection.execute(_TAKEN, (budget, now, SKEW, "")).fetchone()
    return int(_amount(count)), _amount(usd) + _amount(reserved)


def _amount(found: Any) -> float:
    """Return a number; nothing for what somebody else wrote in its place."""
    return found if isinstance(found, (int, float)) and found - found == 0 else 0


def reserve(
    connection: sqlite3.Connection,
    reservation: str,
    usd: float,
    limits: tuple[float | None, int | None],
    now: float,
    seconds: float,
) -> str | None:
    """Return a reservation, held already or made now; None where a limit (USD, count) would be passed."""
    budget, (limit_usd, limit_count) = budget_of(reservation), limits
    count, settled, reserved, held = connection.execute(_TAKEN, (budget, now, SKEW, reservation)).fetchone()
    if held:
        return reservation
    if limit_usd is not None and _amount(settled) + _amount(reserved) + usd > limit_usd + _CENT_DUST:
        return None
    if limit_count is not None and _amount(count) + 1 > limit_count:
        return None
    connection.execute(_RESERVE, (reservation, budget, usd, now, now + seconds))
    connection.execute(ADD, (budget, 1, 0.0, now))
    return reservation


def withdraw(connection: sqlite3.Connection, reservation: str, usd: float | None) -> list[tuple[str, int, float]]:
    """Take a reservation back, and return what is to be added to its budget for it: count and USD below zero.

    With USD, it was surely made: if it is gone, so much of it was settled.
    """
    held = connection.execute("DELETE FROM reservations WHERE id = ?", (reservation,)).rowcount == 1
    if held or usd is not None:
        return [(budget_of(reservation), -1, 0.0 if held else -(usd or 0.0))]
    return []


def spend(connection: sqlite3.Connection, reservation: str, usd: float, now: float) -> None:
    """Settle a reservation, expired or not; a second time changes nothing."""
    if connection.execute("DELETE FROM reservations WHERE id = ?", (reservation,)).rowcount == 1:
        connection.execute(ADD, (budget_of(reservation), 0, usd, now))
