"""Reading foreign JSON: whatever a provider sends, these return a plain value or None and never raise."""

from __future__ import annotations

from typing import Any

MOST_TOKENS = 2**53
"""More than this is no count: it could not have come through every JSON reader unharmed."""


def dig(value: Any, *path: str | int) -> Any:
    """Return what stands at a path of keys and positions, or None where it leads nowhere."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def string(value: Any) -> str | None:
    """Return a string that is not empty, or None."""
    return value if isinstance(value, str) and value else None


def words(value: Any) -> str:
    """Return a string as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""


def items(value: Any) -> list[Any]:
    """Return a list as it is, anything else as an empty one."""
    return value if isinstance(value, list) else []


def table(value: Any) -> dict[str, Any]:
    """Return an object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def count(value: Any) -> int | None:
    """Return a token count; None for what cannot be one (negative, 2^63, a string, a fraction, true)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value < MOST_TOKENS or value != int(value):
        return None
    return int(value)
