"""Frozen records as the dataclasses module makes them, without that module.

Its import and the code that it writes for each class take longer than reading a small repository.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeVar, cast, dataclass_transform

    Class = TypeVar("Class")
    One = TypeVar("One")
else:

    def cast(_: str, value: object) -> object:
        """Return the value; for type checkers."""
        return value

    def dataclass_transform(**_: object):  # for type checkers only
        """Return the decorator that does nothing."""
        return lambda record: record


class Record:
    """What the records share. Equal when of one class with equal fields, those named in `_aside` left out."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()
    _aside: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}
    _puts: ClassVar[tuple[Any, ...]] = ()

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


@dataclass_transform(frozen_default=True)
def record(cls: type[Class]) -> type[Class]:
    """Return the class with a slot for each annotated field; what stands beside a field is its default."""
    names = tuple(cls.__annotations__)
    kept = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__", *names)}
    told = {
        "__slots__": names,
        "__match_args__": names,
        "_defaults": {name: vars(cls)[name] for name in names if name in vars(cls)},
    }
    made: Any = type(cls.__name__, (Record,), kept | told)
    type.__setattr__(made, "_puts", tuple([vars(made)[name].__set__ for name in names]))
    return cast("type[Class]", made)


def values(one: Any) -> tuple[Any, ...]:
    """Return the values of a record's fields, in order."""
    return tuple([getattr(one, name) for name in one.__match_args__])


def changed(one: One, **named: Any) -> One:
    """Return the record with some of its fields changed."""
    kept: Any = one
    return type(one)(**(dict(zip(kept.__match_args__, values(one), strict=True)) | named))
