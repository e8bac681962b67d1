"""What each kind of setting takes, and the sentence for what it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.config import shown
from archfb.config.urls import REFUSING, url_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.config.schema import Setting

TEXT_LIMIT = 4096
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
INFINITE = float("inf")


class Wrong(NamedTuple):
    """The end of a sentence whose beginning is the setting, or a whole sentence; a refusal names the setting last."""

    end: str
    element: int | None = None
    whole: bool = False
    refusal: bool = False

    def sentence(self, label: str) -> str:
        """Return the sentence about the setting of this label."""
        if self.whole:
            return self.end
        if self.refusal:
            return f"{self.end} ({label})."
        return f"{label} {self.end}{'' if self.end.endswith('?') else '.'}"


def problem_of(setting: Setting, value: Any) -> Wrong | None:
    """Return what is wrong with a value, or None."""
    return _KINDS[setting.kind](setting, value)


def seconds(number: float) -> str:
    """Return a span in the unit in which it reads best: "0.1 s", "1 h", "7 d"."""
    for size, unit in ((86400, "d"), (3600, "h")):
        if number >= size and number % size == 0:
            return f"{number / size:g} {unit}"
    return f"{number:g} s"


def _seconds(setting: Setting, value: Any) -> Wrong | None:
    if _is_number(value) and setting.low <= value <= setting.high:
        return None
    got = f"{shown.value(value)} s" if _is_number(value) else shown.value(value)
    if setting.why and _is_number(value) and value < setting.low:
        return Wrong(f"must be ≥ {setting.low:g}s ({setting.why}); got {got.replace(' s', 's')}")
    return Wrong(f"must be between {seconds(setting.low)} and {seconds(setting.high)}; got {got}")


def _number(setting: Setting, value: Any) -> Wrong | None:
    if _is_number(value) and setting.low <= value <= setting.high:
        return None
    return Wrong(f"must be a number {_bounds(setting, value)}; got {shown.value(value)}")


def _integer(setting: Setting, value: Any) -> Wrong | None:
    if isinstance(value, int) and not isinstance(value, bool) and setting.low <= value <= setting.high:
        return None
    return Wrong(f"must be a whole number {_bounds(setting, value)}; got {shown.value(value)}")


def _switch(_setting: Setting, value: Any) -> Wrong | None:
    return None if isinstance(value, bool) else Wrong(f"must be true or false; got {shown.value(value)}")


def _text(_setting: Setting, value: Any) -> Wrong | None:
    if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= TEXT_LIMIT:
        return None
    return Wrong(f"must be a text of printable characters; got {shown.value(value)}")


def _choice(setting: Setting, value: Any) -> Wrong | None:
    if isinstance(value, str) and value in setting.choices:
        return None
    near = shown.did_you_mean(value, setting.choices) if isinstance(value, str) else ""
    found = f"must be one of {', '.join(setting.choices)}; got {shown.value(value)}"
    return Wrong(f"{found}.{near}" if near else found)


def _names(_setting: Setting, value: Any) -> Wrong | None:
    if not isinstance(value, list):
        return Wrong(f'must be a list of models, as in ["gemini-basic"]; got {shown.value(value)}')
    return _each_text(value, "a model's name")


def _arguments(_setting: Setting, value: Any) -> Wrong | None:
    if not isinstance(value, list) or not value:
        return Wrong(f'must be a list of arguments, as in ["notify-send", "archfb"]; got {shown.value(value)}')
    return _each_text(value, "an argument")


def _each_text(values: list[Any], what: str) -> Wrong | None:
    for at, one in enumerate(values):
        if not isinstance(one, str) or not one or "\0" in one:
            return Wrong(f"must hold texts only; position {at + 1} is {shown.value(one)}, not {what}", at)
    return None


def _url(setting: Setting, value: Any) -> Wrong | None:
    if not isinstance(value, str):
        return Wrong(f"must be https://host[/path]; got {shown.value(value)}")
    problem = url_problem(value, query=setting.kind == "url")
    return None if problem is None else Wrong(problem, refusal=problem.startswith(REFUSING))


def _variable(setting: Setting, value: Any) -> Wrong | None:
    if isinstance(value, str):
        if shown.looks_like_key(value):
            return Wrong(shown.KEY_IN_FILE, whole=True)
        if _VARIABLE.fullmatch(value):
            return None
    got = "" if isinstance(value, str) else f"; got {shown.value(value)}"
    return Wrong(f"must be the name of an environment variable, as in {setting.sample}{got}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _bounds(setting: Setting, value: Any) -> str:
    """Return what a number may be; a limit that is hardly ever met is named to who passed it."""
    if setting.high >= 1e6 and not (_is_number(value) and setting.high < value < INFINITE):
        return f"≥ {setting.low:g}"
    return f"between {setting.low:g} and {setting.high:g}"


def _database(setting: Setting, value: Any) -> Wrong | None:
    from archfb_state.storage.url import is_url

    problem = _text(setting, value)
    if problem is None and is_url(value):
        from archfb_state.storage.postgres_failures import refuse_password
        from archfb_state.store import StoreUnusable

        try:
            refuse_password(value)
        except StoreUnusable as error:
            return Wrong(str(error), whole=True)
    elif problem is None and _OTHER_SCHEME.match(value):
        return Wrong(f"must be a path or postgresql://…; got {shown.value(value)}")
    return problem


_KINDS: dict[str, Callable[[Setting, Any], Wrong | None]] = {
    "seconds": _seconds,
    "number": _number,
    "integer": _integer,
    "switch": _switch,
    "text": _text,
    "choice": _choice,
    "names": _names,
    "arguments": _arguments,
    "url": _url,
    "base_url": _url,
    "variable": _variable,
    "database": _database,
}
