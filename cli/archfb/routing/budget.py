"""Spending limits over processes: reserved before a request is made, settled with what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archfb.routing.desk import Desk


def limited(desk: Desk) -> bool:
    """Whether spending has any limit."""
    routing = desk.config.routing
    return routing.max_cost is not None or routing.max_cost_per_day is not None


def reserve(desk: Desk, usd: float, seconds: float) -> str | None:
    """Reserve `usd` in each budget that has a limit; "" where none has, None where one would be passed."""
    routing = desk.config.routing
    limits = {desk.budget: routing.max_cost, f"day:{desk.day}": routing.max_cost_per_day}
    kept: list[str] = []
    for name, limit in limits.items():
        if limit is None:
            continue
        reservation = desk.store.reserve(name, usd, limit, seconds=seconds)
        if reservation is None:
            settle(desk, " ".join(kept), 0.0)
            return None
        kept.append(reservation)
    return " ".join(kept)


def settle(desk: Desk, reservation: str, usd: float) -> None:
    """Replace what was reserved by what was really spent."""
    for one in reservation.split():
        desk.store.spend(one, usd)
