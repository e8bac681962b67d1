"""Turns the words of a command line into values, without the 60 ms that loading pydantic for it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args, get_origin

import typer

from archfb.suggest import did_you_mean

_WORDS = {int: "a whole number", float: "a number"}


def light(command: Any) -> Any:
    """Give every parameter of a command, and of its sub-commands, a coercion of plain Python.

    Typer builds its own from pydantic at the first use where `_runtime_param` is unset; should a later Typer
    not know that attribute, it goes on with its own and only time is lost.
    """
    for param in command.params:
        _lighten(param)
    whole_help = command.get_help_option

    def get_help_option(ctx: Any) -> Any:
        option = whole_help(ctx)
        return option if option is None else _lighten(option)

    command.get_help_option = get_help_option
    for below in getattr(command, "commands", {}).values():
        light(below)
    return command


def _lighten(param: Any) -> Any:
    if (kind := plain_kind(param.type_descriptor.annotation)) is not None:
        param._runtime_param = Plain(kind, choices(param), param.min, param.max)  # noqa: SLF001 - see `light`
    return param


def choices(param: Any) -> tuple[str, ...]:
    """Return the words that a parameter may be, if it has a list of them."""
    return tuple(str(one) for one in param.type_descriptor.choices or ())


def plain_kind(annotation: Any) -> type | None:
    """Return the type that one word becomes, or None where Typer has to do it."""
    if get_origin(annotation) is list:
        return plain_kind(get_args(annotation)[0])
    if annotation in {str, int, float, bool}:
        return annotation  # type: ignore[no-any-return]
    words = get_args(annotation)
    return str if words and all(isinstance(one, str) for one in words) else None


@dataclass(frozen=True, slots=True)
class Plain:
    """One parameter's coercion: a type, the words allowed, the limits of a number."""

    kind: type
    words: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        """Return the value; raises BadParameter with what was expected."""
        if param.multiple or param.nargs == -1:
            return tuple(self._one(one, param, ctx) for one in value or ())
        return None if value is None else self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        found = self._number(value, param, ctx) if self.kind in _WORDS else value
        if self.words and found not in self.words:
            near = did_you_mean(str(found), self.words)
            raise typer.BadParameter(f"choose from {', '.join(self.words)}.{near}", ctx=ctx, param=param)
        return found

    def _number(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        try:
            number = self.kind(value)
        except (ValueError, OverflowError):
            number = None
        low = self.least is not None and number is not None and not number >= self.least
        high = self.most is not None and number is not None and not number <= self.most
        if number is None or number != number or low or high:
            raise typer.BadParameter(f"expected {self._expected()}.", ctx=ctx, param=param)
        return number

    def _expected(self) -> str:
        limits = [f"at least {self.least:g}"] if self.least is not None else []
        limits += [f"at most {self.most:g}"] if self.most is not None else []
        return " ".join([_WORDS[self.kind], " and ".join(limits)]).strip()
