"""Frozen records as the dataclasses module makes them, without that module.

Its import and the code that it writes for each class take longer than reading a small repository; so would making
each class twice, as a decorator that adds slots has to.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

    One = TypeVar("One")
else:

    def cast(_: str, value: object) -> object:
        """Return the value; for type checkers."""
        return value

    def dataclass_transform(**_: object):  # for type checkers only
        """Return the decorator that does nothing."""
        return lambda record: record


@dataclass_transform(frozen_default=True)
class _Frozen(type):
    """Makes a class with a slot for each annotated field; what stands beside a field is its default."""

    def __new__(cls, name: str, bases: tuple[type, ...], told: dict[str, Any]) -> _Frozen:
        fields = tuple(told["__annotations__"]) if bases else ()
        told["__slots__"] = told["__match_args__"] = fields
        told["_defaults"] = {field: told.pop(field) for field in fields if field in told}
        made = type.__new__(cls, name, bases, told)
        type.__setattr__(made, "_puts", tuple([vars(made)[field].__set__ for field in fields]))
        return made


class Record(metaclass=_Frozen):
    """What the records share. Equal when of one class with equal fields, those named in `_aside` left out."""

    _aside: ClassVar[tuple[str, ...]] = ()
    if TYPE_CHECKING:
        __match_args__: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, Any]]
        _puts: ClassVar[tuple[Any, ...]]

    def __init__(self, *given: Any, **named: Any) -> None:
        """Take a value for each field, by place or by name."""
        if named or len(given) != len(self._puts):
            given = self._completed(given, named)
        for put, value in zip(self._puts, given):  # noqa: B905  # as many as there are
            put(self, value)

    def _completed(self, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        names = self.__match_args__
        known = self._defaults | dict(zip(names, given, strict=False)) | named
        if len(given) > len(names) or len(known) != len(names) or any(name in named for name in names[: len(given)]):
            raise TypeError(f"{type(self).__name__}({', '.join(names)}) got {given!r} and {named!r}")
        return tuple([known[name] for name in names])

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays as it is")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays as it is")

    def compared(self) -> tuple[Any, ...]:
        """Return what makes it equal to another."""
        return tuple([getattr(self, name) for name in self.__match_args__ if name not in self._aside])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self is other or self.compared() == other.compared()

    def __hash__(self) -> int:
        return hash(self.compared())

    def __repr__(self) -> str:
        shown = ", ".join(
            [f"{name}={getattr(self, name)!r}" for name in self.__match_args__ if name not in self._aside]
        )
        return f"{type(self).__qualname__}({shown})"

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), values(self)


def values(one: Any) -> tuple[Any, ...]:
    """Return the values of a record's fields, in order."""
    return tuple([getattr(one, name) for name in one.__match_args__])


def changed(one: One, **named: Any) -> One:
    """Return the record with some of its fields changed."""
    kept: Any = one
    return type(one)(**(dict(zip(kept.__match_args__, values(one), strict=True)) | named))
