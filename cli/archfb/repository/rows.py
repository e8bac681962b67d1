"""Rows of texts and numbers as bytes: what the cache keeps is read without loading the json module."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, TypeVar

    from archfb.repository.record import Record

    One = TypeVar("One", bound=Record)

_KINDS = {"str": str, "int": int, "float": float}


def dump(rows: Iterable[Sequence[object]]) -> bytes:
    """Return the rows as bytes. A NUL ends each text: one within is shown by its symbol."""
    cells = [str(cell) for row in rows for cell in row]
    content = "".join([f"{cell}\0" for cell in cells])
    if content.count("\0") != len(cells):
        content = "".join([cell.replace("\0", "\N{SYMBOL FOR NULL}") + "\0" for cell in cells])
    return content.encode("utf-8", "surrogatepass")


def texts(content: bytes) -> list[str]:
    """Return the texts of rows of one."""
    return content.decode("utf-8", "surrogatepass").split("\0")[:-1]


def records(kind: type[One], content: bytes) -> tuple[One, ...]:
    """Return the rows as records of a kind of texts and numbers; raises ValueError where they are none."""
    fields: dict[str, Any] = kind.__annotations__
    cells = texts(content)
    if len(cells) % len(fields):
        raise ValueError(f"not rows of {len(fields)}")
    columns = [
        cells[at :: len(fields)] if told == "str" else list(map(_KINDS[told], cells[at :: len(fields)]))
        for at, told in enumerate(fields.values())
    ]
    return tuple([kind(*row) for row in zip(*columns, strict=True)])
