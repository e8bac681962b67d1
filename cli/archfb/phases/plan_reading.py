"""Reading a model's plan, leniently: what it says is taken as far as it can be understood, and nothing raises."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archfb.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 2_000_000
"""Characters of an answer that are looked at."""

_FENCED = re.compile(r"```[ \t]*[\w+-]*[ \t]*\n(.*?)```", re.DOTALL)
_AGENTS = ("agents", "analysis_agents", "agent_assignments", "team")
_FILES = ("file_assignments", "files", "assigned_files", "file_paths", "paths")
_NAMES = ("name", "title", "role")
_CHARGES = ("description", "charge", "focus", "purpose", "expertise")
_DUTIES = ("responsibilities", "tasks", "questions", "goals")


@dataclass(frozen=True, slots=True)
class DraftAgent:
    """An agent as a model wrote it; `files` are names, not yet paths."""

    id: str
    name: str
    description: str
    responsibilities: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan as a model wrote it. `repaired` says that its JSON was broken and mended."""

    plan: str
    agents: tuple[DraftAgent, ...]
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why no plan could be read; a sentence for the model that is asked once more."""

    problem: str


def read_plan(answer: str) -> Draft | Unreadable:
    """Return the plan in an answer: plain JSON, fenced JSON, the largest object in it, or broken JSON mended."""
    text = answer[:LONGEST].strip()
    seen = False
    for value in _values(text):
        seen = True
        if (draft := _draft(value, repaired=False)) is not None:
            return draft
    if (draft := _draft(_mended(text), repaired=True)) is not None:
        return draft
    if seen:
        return Unreadable("The JSON has no list 'agents' in which at least one agent has file_assignments.")
    return Unreadable("No JSON object was found." if text else "The answer was empty.")


def _values(text: str) -> Iterator[Any]:
    """Yield what can be read as JSON, the likeliest first."""
    for candidate in [text, *sorted(_FENCED.findall(text), key=len, reverse=True)]:
        if (value := _loaded(candidate)) is not None:
            yield value
    yield from _embedded(text)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _embedded(text: str) -> list[Any]:
    """Return the objects that stand somewhere in the text, the longest first, and a list that nothing surrounds.

    A list further in belongs to something that is broken around it, which mending keeps more of.
    """
    decoder = json.JSONDecoder()
    found: list[tuple[int, Any]] = []
    at = tried = 0
    while tried < 200 and (start := _next_bracket(text, at)) >= 0:
        tried += 1
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        if isinstance(value, dict) or tried == 1:
            found.append((end - start, value))
        at = end
    found.sort(key=lambda pair: -pair[0])
    return [value for _, value in found]


def _next_bracket(text: str, at: int) -> int:
    places = [one for one in (text.find("{", at), text.find("[", at)) if one >= 0]
    return min(places, default=-1)


def _mended(text: str) -> Any:
    """Return broken JSON repaired; the library is loaded only here."""
    start = _next_bracket(text, 0)
    if start < 0:
        return None
    from json_repair import loads

    try:
        return loads(text[start:])
    except (ValueError, RecursionError, IndexError, TypeError, AttributeError, KeyError):
        return None


def _draft(value: Any, *, repaired: bool, depth: int = 0) -> Draft | None:
    """Return a plan from JSON of roughly the right shape, also one level further in; None where nobody has files."""
    if isinstance(value, list):
        return _of_list(value, repaired=repaired, depth=depth)
    if not isinstance(value, dict):
        return None
    agents = _agents(_first(value, _AGENTS))
    if any(one.files for one in agents):
        return Draft(_sentence(value.get("plan") or value.get("summary")), agents, repaired)
    inner = [one for one in value.values() if isinstance(one, dict | list)]
    return _deeper(inner, repaired=repaired, depth=depth)


def _of_list(value: list[Any], *, repaired: bool, depth: int) -> Draft | None:
    agents = _agents(value)
    if any(one.files for one in agents):
        return Draft("", agents, repaired)
    return _deeper(value, repaired=repaired, depth=depth)


def _deeper(values: list[Any], *, repaired: bool, depth: int) -> Draft | None:
    if depth >= 2:
        return None
    found = (_draft(one, repaired=repaired, depth=depth + 1) for one in values[:50])
    return next((one for one in found if one is not None), None)


def _first(value: dict[Any, Any], names: tuple[str, ...]) -> Any:
    return next((value[name] for name in names if value.get(name)), None)


def _agents(value: Any) -> tuple[DraftAgent, ...]:
    """Return the agents of a list, or of an object from id to agent."""
    if isinstance(value, dict):
        rows = [{"id": name, **one} for name, one in value.items() if isinstance(one, dict)]
    elif isinstance(value, list):
        rows = [one for one in value if isinstance(one, dict)]
    else:
        rows = []
    return tuple(_agent(row, at) for at, row in enumerate(rows[:100], 1))


def _agent(row: dict[Any, Any], at: int) -> DraftAgent:
    name = _sentence(_first(row, _NAMES))
    return DraftAgent(
        _sentence(row.get("id")) or f"agent_{at}",
        name or f"Agent {at}",
        _sentence(_first(row, _CHARGES)),
        tuple(_sentence(one) for one in _strings(_first(row, _DUTIES)))[:20],
        tuple(_strings(_first(row, _FILES))),
    )


def _strings(value: Any) -> list[str]:
    """Return the strings of a list; also where an item is an object with a path, or all is one string."""
    if isinstance(value, str):
        return [one.strip(" \t-*\"'") for one in re.split(r"[\n,]", value) if one.strip(" \t-*\"'")]
    if isinstance(value, dict):
        value = [name for name in value if isinstance(name, str)]
    if not isinstance(value, list):
        return []
    flat = [_first(one, ("path", "file", "name", "text")) if isinstance(one, dict) else one for one in value]
    return [one for one in flat if isinstance(one, str) and one.strip()][:20_000]


def _sentence(value: Any) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    return clean(str(value), one_line=True, limit=4000)
