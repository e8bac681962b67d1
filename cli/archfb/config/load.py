"""From the layers to the effective configuration."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

from archfb.config import shown, source
from archfb.config.build import build
from archfb.config.check import Problem, check_layer, check_together
from archfb.config.folders import expand, state_folder
from archfb.config.model import Layer
from archfb.config.schema import NAMED, TABLES
from archfb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from archfb.config.model import Config
    from archfb.config.source import Place, Source

DATABASE = "archfb.db"
TOLD = 200
"""Problems of one file that are told; a file that has more was not written for archfb."""


class Gathered:
    """The layers that were read, what they make together, and every problem of them."""

    def __init__(self) -> None:
        """Begin with empty tables."""
        self.layers: list[Source] = []
        self.merged: dict[str, dict[str, Any]] = {table: {} for table in (*TABLES, *NAMED)}
        self.origins: dict[str, str] = {}
        self.invalid: set[str] = set()
        """Dotted keys that are set, but wrongly."""
        self.found: dict[str, list[Problem]] = {}
        """Problems inside a layer's file, by the layer's name."""
        self.problems: list[str] = []
        """All problems as sentences."""
        self.notes: list[str] = []
        self.untrusted: str | None = None


def load(explicit: str | None, *, environ: Mapping[str, str], cwd: Path, user_dir: Path | None = None) -> Config:
    """Return the effective configuration.

    `explicit` is the value of --config. Raises ConfigurationError with every problem of every layer.
    """
    gathered = gather(explicit, environ=environ, cwd=cwd, user_dir=user_dir)
    if gathered.problems:
        raise ConfigurationError(gathered.problems, hint=hint_of(gathered))
    layers = tuple(Layer(one.place.layer, one.place.path) for one in gathered.layers)
    return build(gathered.merged, gathered.origins, layers, gathered.notes, environ)


def state_path(option: str | None, config: Config, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Return where the state is (a path, or a postgresql:// URL), and whether somebody asked for it by name."""
    for named in (option, environ.get("ARCHFB_STATE", "").strip() or None, config.database):
        if named is not None:
            return expand(named, environ), True
    return os.path.join(state_folder(environ), DATABASE), False  # noqa: PTH118  a string is wanted


class Sharing(TypedDict):
    """What a state on PostgreSQL needs beside its URL, as `open_state` and `peek` take it."""

    vantage: str
    folder: str


def sharing(config: Config, environ: Mapping[str, str]) -> Sharing:
    """Return how a state that many machines share is seen from here, and where it is kept while it is away."""
    return Sharing(vantage=config.vantage or "", folder=state_folder(environ))


def gather(explicit: str | None, *, environ: Mapping[str, str], cwd: Path, user_dir: Path | None = None) -> Gathered:
    """Return what the layers hold, with their problems as sentences that name file, line and key."""
    gathered = gather_from(source.places(explicit, environ, cwd, user_dir), environ, user_dir)
    if all(one.place.layer == source.SHIPPED for one in gathered.layers):
        where = shown.file(gathered.layers[0].place.path) if gathered.layers else "unreadable"
        gathered.notes.append(f"No configuration of your own; the shipped one is used ({where}).")
    return gathered


def gather_from(places: Iterable[Place], environ: Mapping[str, str], user_dir: Path | None) -> Gathered:
    """Return what the files at these places hold, the shipped one first."""
    gathered = Gathered()
    for place in places:
        try:
            one = source.read(place)
        except ConfigurationError as error:
            gathered.problems += error.problems
            continue
        if one is not None and not _is_copy(one, gathered):
            _add(one, gathered, environ, user_dir)
    if gathered.layers and gathered.layers[0].place.layer == source.SHIPPED:
        _together(gathered)
    return gathered


def _add(one: Source, gathered: Gathered, environ: Mapping[str, str], user_dir: Path | None) -> None:
    """Check one layer and lay it over the others."""
    checked = check_layer(one.raw)
    problems = checked.problems
    if one.place.layer == source.FOUND:
        from archfb.config import trust

        refused = list(trust.refused(one.raw, gathered.merged["models"]))
        if refused and not trust.is_trusted(source.digest(one.data), trust.store_path(environ, user_dir)):
            gathered.untrusted = one.place.shown
            there = {problem.path for problem in refused}
            problems = [problem for problem in problems if problem.path not in there] + refused
    gathered.layers.append(one)
    gathered.invalid.update(shown.dotted(problem.path) for problem in problems)
    gathered.found[one.place.layer] = problems
    for table, content in checked.tables.items():
        _merge(one, table, content, gathered)


def _merge(one: Source, table: str, content: Mapping[str, Any], gathered: Gathered) -> None:
    target, layer, origins = gathered.merged[table], one.place.layer, gathered.origins
    if table == "state" and "database" in content:
        content = {**content, "database": _beside(content["database"], one.place)}
    if table in TABLES:
        target.update(content)
        for key in content:
            origins[f"{table}.{key}"] = layer
        return
    for name, inner in content.items():
        target.setdefault(name, {}).update(inner)
        start = f"{table}.{shown.key(name)}."
        for key in inner:
            origins[start + key] = layer


def _beside(database: str, place: Place) -> str:
    """Return the database's path as seen from the file that names it."""
    if database.startswith("~") or "://" in database:
        return database
    return os.path.join(os.path.dirname(place.path), database)  # noqa: PTH118, PTH120  a string is wanted


def _together(gathered: Gathered) -> None:
    """Check the layers as one; a problem is told with the file that set what it is about."""
    for problem in islice(check_together(gathered.merged, gathered.origins, gathered.invalid), TOLD):
        gathered.found[_blamed(problem, gathered)].append(problem)
    for one in gathered.layers:
        gathered.problems += _told(one, gathered.found[one.place.layer])


def _blamed(problem: Problem, gathered: Gathered) -> str:
    """Return the layer that set what a problem is about, or the highest that has the table around it."""
    above = (one.place.layer for one in reversed(gathered.layers) if _has(one.raw, problem.path))
    return gathered.origins.get(shown.dotted(problem.path)) or next(above, gathered.layers[-1].place.layer)


def _has(content: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(content, dict) or part not in content:
            return False
        content = content[part]
    return True


def _told(one: Source, problems: list[Problem]) -> list[str]:
    """Return problems as sentences with file and line, in the order of the file."""
    if not problems:
        return []
    from archfb.config.lines import Lines

    lines = Lines(one.text)
    placed = sorted(
        ((lines.line(problem.path, problem.element), problem.text) for problem in problems),
        key=lambda found: found[0] or 0,
    )
    where = shown.file(one.place.shown)
    told = list(dict.fromkeys(_sentence(where, line, text) for line, text in placed))
    return told if len(told) <= TOLD else [*told[:TOLD], f"{where}: and {len(told) - TOLD} more problems."]


def _sentence(where: str, line: int | None, text: str) -> str:
    if text == shown.KEY_IN_FILE:
        return f"{where}: {text.format(at=f' (line {line})' if line else '')}"
    return f"{where}{f' line {line}' if line else ''}: {text}"


def _is_copy(one: Source, gathered: Gathered) -> bool:
    """Whether a file that was found is the shipped one, of this or of an earlier release."""
    if one.place.layer != source.FOUND:
        return False
    from archfb.config.trust import RELEASED

    shipped = [layer.data for layer in gathered.layers if layer.place.layer == source.SHIPPED]
    if one.data not in shipped and not (RELEASED and source.digest(one.data) in RELEASED):
        return False
    gathered.notes.append("./fallback.toml is a copy of a shipped file, and no layer.")
    return True


def hint_of(gathered: Gathered) -> str | None:
    """Return what to do about an untrusted file, if that is what is wrong."""
    if gathered.untrusted is None:
        return None
    return f"Read {gathered.untrusted}; if you would have written it so: archfb config trust {gathered.untrusted}"
