"""Records to rows and back: one description a table, nothing that a number or a text can break."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, get_args

from archfb_state.outcomes import Outcome
from archfb_state.records import (
    AccountRecord,
    Attempt,
    Breaker,
    DeploymentRecord,
    Level,
    MachineRecord,
    ModelRecord,
    Pending,
    Status,
    Transition,
)
from archfb_state.store import PhaseResult, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Converters = tuple[tuple[int, Callable[[Any], Any]], ...]

R = TypeVar("R")

_INT64 = 2**63 - 1
_OUTCOMES = {str(one): one for one in Outcome}
_STATUSES = frozenset(get_args(Status))
_LEVELS = frozenset(get_args(Level))
_BREAKERS = frozenset(get_args(Breaker))
_NONE = type(None)


class Unreadable(ValueError):
    """A stored row says something that this program never wrote."""


def clean_text(text: str) -> str:
    """Return the text as SQLite can keep it: lone surrogates and NUL become U+FFFD."""
    if text.isprintable():
        return text
    text = text.replace("\0", "\ufffd")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _whole(number: float) -> int:
    return max(-_INT64, min(_INT64, int(number))) if number - number == 0 else 0


compact = json.JSONEncoder(separators=(",", ":")).encode
"""Write JSON without spaces, ASCII only."""


def _numbers(text: str) -> tuple[float, ...]:
    values = json.loads(text)
    if not isinstance(values, list) or not all(type(one) in (int, float) and one - one == 0 for one in values):
        raise Unreadable(text)
    return tuple(map(float, values))


def _finite(values: Sequence[float]) -> str:
    return compact([one for one in values if one - one == 0])


def _length(text: str) -> int:
    return 0 if text == "[]" else text.count(",") + 1


def _grown(values: tuple[float, ...], before: tuple[float, ...], text: str) -> str | None:
    """Return the text of a list that got one number more, and perhaps lost its first; None for any other."""
    last = values[-1] if values else None
    if len(before) < 2 or last is None or last - last != 0 or _length(text) != len(before):
        return None
    if len(values) > len(before):
        return f"{text[:-1]},{last!r}]" if values[:-1] == before else None
    if values[:-1] == before[1:]:
        return f"[{text[text.index(',') + 1 : -1]},{last!r}]"
    return None


def _texts_out(texts: Mapping[str, str]) -> str:
    return compact(dict(texts))


def _texts(text: str) -> dict[str, str]:
    value = json.loads(text)
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Unreadable(text)
    return value


def _outcome(text: str) -> Outcome:
    return _OUTCOMES[text]


def _breaker(text: str) -> str:
    if text not in _BREAKERS:
        raise Unreadable(text)
    return text


def _status(text: str) -> str:
    return text if text in _STATUSES else "unknown"


def _level(text: str) -> str:
    return text if text in _LEVELS else ""


def _pending_out(pending: Sequence[Pending]) -> str:
    return compact([_one_pending_out(one) for one in pending])


def _one_pending_out(one: Pending) -> dict[str, Any]:
    return {"host": one.host, "at": one.at, "before": _sparse(one.before), "after": _sparse(one.after)}


def _sparse(record: DeploymentRecord) -> dict[str, Any]:
    row = zip(DEPLOYMENTS.columns, DEPLOYMENTS.to_row(record), strict=True)
    return {name: value for name, value in row if value is not None}


def _dense(value: dict[str, Any]) -> DeploymentRecord:
    record = DEPLOYMENTS.from_row(tuple(value.get(name) for name in DEPLOYMENTS.columns))
    if record is None:
        raise Unreadable(str(value))
    return record


def _pending_in(text: str) -> tuple[Pending, ...]:
    return tuple(
        Pending(clean_text(one["host"]), float(one["at"]), _dense(one["before"]), _dense(one["after"]))
        for one in json.loads(text)
    )


class Column(NamedTuple):
    """How one annotation is stored."""

    sql: str
    stored: type
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


_COLUMNS = {
    "str": Column("TEXT", str),
    "int": Column("INTEGER", int),
    "float": Column("REAL", float),
    "bool": Column("INTEGER", int, int, bool),
    "Kind": Column("TEXT", str),
    "Scope": Column("TEXT", str),
    "Outcome": Column("TEXT", str, str, _outcome),
    "Status": Column("TEXT", str, None, _status),
    "Level": Column("TEXT", str, None, _level),
    "Breaker": Column("TEXT", str, None, _breaker),
    "tuple[float, ...]": Column("TEXT", str, _finite, _numbers),
    "Mapping[str, str]": Column("TEXT", str, _texts_out, _texts),
    "tuple[Pending, ...]": Column("TEXT", str, _pending_out, _pending_in),
}


def _optional(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


class Table(Generic[R]):
    """One table's columns, taken from its record's fields in order."""

    def __init__(self, name: str, record: type[R]) -> None:
        """Look at each field's annotation once; a new annotation is a KeyError at import."""
        described = [(name, *_described(annotation)) for name, annotation in _annotated(record)]
        self.name = name
        self.columns = tuple(one for one, _, _ in described)
        self.list = ", ".join(self.columns)
        self._record = record
        self._get = attrgetter(*self.columns)
        self._kinds = [(column.stored, optional) for _, column, optional in described]
        self._sql = [(name, column.sql, optional) for name, column, optional in described]
        self._writes = _converters(described, "write")
        self._reads = _converters(described, "read")
        written = {at for at, _ in self._writes}
        self._plain = tuple(at for at in range(len(described)) if at not in written)
        """What no converter writes, whose words are sound."""
        self._reals = tuple(i for i, (stored, _) in enumerate(self._kinds) if stored is float)
        self._sound: set[tuple[type, ...]] = set()
        marks = ", ".join("?" * len(self.columns))
        self.insert = f"INSERT INTO {name} ({self.list}) VALUES ({marks})"  # noqa: S608 - names are ours
        self.select = f"SELECT {self.list} FROM {name}"  # noqa: S608 - names are ours

    def definitions(self) -> list[str]:
        """Return the columns' SQL definitions."""
        return [f"{name} {sql}{'' if optional else ' NOT NULL'}" for name, sql, optional in self._sql]

    def update(self, key: str) -> str:
        """Return the statement that replaces a row's values; the key's index is left alone."""
        places = {name: f"{name} = ?{at}" for at, name in enumerate(self.columns, 1)}
        where = places.pop(key)
        return f"UPDATE {self.name} SET {', '.join(places.values())} WHERE {where}"  # noqa: S608 - names are ours

    def upsert(self, *key: str) -> str:
        """Return the statement that inserts a row or replaces its values."""
        values = ", ".join(f"{name} = excluded.{name}" for name in self.columns if name not in key)
        return f"{self.insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {values}"

    def to_row(self, record: R) -> list[Any]:
        """Return the values to bind: any number or text is made fit to be stored."""
        return self.bound(record)[1]

    def bound(self, record: R, before: tuple[Sequence[Any], R] | None = None) -> tuple[R, list[Any]]:
        """Return the record as it is stored, and the values to bind.

        `before`, an earlier row and its record, saves writing out again what has not changed.
        """
        row: list[Any] = list(self._get(record))
        was = self._get(before[1]) if before else None
        shortened = self._write(row, was, before[0] if before else ())
        plain = self._plain if was is None else [at for at in self._plain if row[at] is not was[at]]
        if self._fit(row, plain) or shortened:
            record = self.from_row(tuple(row)) or record
        return record, row

    def _write(self, row: list[Any], was: Sequence[Any] | None, then: Sequence[Any]) -> bool:
        """Write out what has a converter and has changed; say whether numbers were left out."""
        shortened = False
        for at, write in self._writes:
            value = row[at]
            if was is not None and value is was[at]:
                row[at] = then[at]
                continue
            grown = _grown(value, was[at], then[at]) if was is not None and write is _finite else None
            text = row[at] = grown or write(value)
            if write is _finite and len(value) != _length(text):
                shortened = True
        return shortened

    def _fit(self, row: list[Any], places: Sequence[int]) -> bool:
        """Replace what SQLite cannot keep; say whether anything was."""
        changed = False
        for at in places:
            value = row[at]
            kind = value.__class__
            if kind is str:
                if value.isprintable():
                    continue
                fit: Any = clean_text(value)
            elif kind is float and value - value != 0:
                fit = None if self._kinds[at][1] else 0.0
            elif kind is int and not -_INT64 <= value <= _INT64:
                fit = _whole(value) if self._kinds[at][0] is int else float(_whole(value))
            else:
                continue
            changed = changed or fit != value
            row[at] = fit
        return changed

    def from_row(self, row: tuple[Any, ...]) -> R | None:
        """Return the record, or None where the row holds what cannot be one."""
        kinds = tuple(map(type, row))
        if kinds not in self._sound:
            row = self._repaired(row)
            if not row:
                return None
            self._sound.add(tuple(map(type, row)))
        return self._decoded(list(row))

    def _decoded(self, values: list[Any]) -> R | None:
        for at in self._reals:
            value = values[at]
            if value is not None and value - value != 0:
                return None
        try:
            for at, read in self._reads:
                values[at] = read(values[at])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return self._record(*values)

    def _repaired(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for at, (value, (stored, optional)) in enumerate(zip(row, self._kinds, strict=True)):
            if value is None and optional:
                continue
            if stored is float and type(value) is int:
                values[at] = float(value)
            elif stored is int and type(value) is float and value.is_integer():
                values[at] = int(value)
            elif type(value) is not stored:
                return ()
        return tuple(values)


def _annotated(record: type) -> list[tuple[str, str]]:
    """Return a record's fields in order, with their annotations as they are written."""
    if is_dataclass(record):
        return [(one.name, str(one.type)) for one in fields(record)]
    return [(name, str(getattr(one, "__forward_arg__", one))) for name, one in record.__annotations__.items()]


def _described(annotation: str) -> tuple[Column, bool]:
    base = annotation.removesuffix(" | None")
    return _COLUMNS[base], base != annotation


def _converters(described: Sequence[tuple[str, Column, bool]], which: str) -> Converters:
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for at, (_, column, optional) in enumerate(described):
        convert = getattr(column, which)
        if convert is not None:
            found.append((at, _optional(convert) if optional else convert))
    return tuple(found)


DEPLOYMENTS = Table("deployments", DeploymentRecord)
ACCOUNTS = Table("accounts", AccountRecord)
MODELS = Table("model_health", ModelRecord)
MACHINE = Table("machine", MachineRecord)
ATTEMPTS = Table("attempts", Attempt)
TRANSITIONS = Table("transitions", Transition)
RUNS = Table("runs", Run)
RESULTS = Table("phase_results", PhaseResult)


def stored(table: Table[R], record: R) -> R:
    """Return the record as it would come back from a table."""
    return table.bound(record)[0]
