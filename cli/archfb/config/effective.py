"""The effective configuration with the layer of each value: what `archfb config show` prints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archfb.config import shown
from archfb.config.load import gather, hint_of
from archfb.config.schema import NAMED, TABLES
from archfb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from archfb.config.load import Gathered
    from archfb.config.schema import Setting

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Value:
    """One setting in force. `layer` is "default" where no file sets it; `hidden` where a part is not shown."""

    path: tuple[str, ...]
    value: Any
    layer: str
    hidden: bool = False

    @property
    def key(self) -> str:
        """Return the dotted key."""
        return shown.dotted(self.path)


@dataclass(frozen=True, slots=True)
class Effective:
    """Every setting in force, and the files it came from."""

    layers: tuple[tuple[str, str], ...]
    values: tuple[Value, ...]
    notes: tuple[str, ...]

    def to_toml(self) -> str:
        """Return it as TOML, the layer of each value beside it."""
        lines = [f"# {name}: {shown.file(path)}" for name, path in self.layers]
        table: tuple[str, ...] = ()
        for one in self.values:
            if one.path[:-1] != table:
                table = one.path[:-1]
                lines += ["", f"[{shown.dotted(table)}]"]
            hidden = ", partly hidden" if one.hidden else ""
            lines.append(f"{shown.key(one.path[-1])} = {toml(one.value)}  # {one.layer}{hidden}")
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON document; `settings` maps each dotted key to its value and layer."""
        settings = {
            one.key: {"value": one.value, "layer": one.layer} | ({"hidden": True} if one.hidden else {})
            for one in self.values
        }
        layers = [{"name": name, "path": path} for name, path in self.layers]
        return {"schema": 1, "layers": layers, "settings": settings, "notes": list(self.notes)}


def show(explicit: str | None, *, environ: Mapping[str, str], cwd: Path, user_dir: Path | None = None) -> Effective:
    """Return what is in force and where each value came from. Raises ConfigurationError with every problem."""
    gathered = gather(explicit, environ=environ, cwd=cwd, user_dir=user_dir)
    if gathered.problems:
        raise ConfigurationError(gathered.problems, hint=hint_of(gathered))
    layers = tuple((one.place.layer, one.place.path) for one in gathered.layers)
    return Effective(layers, tuple(_values(gathered)), tuple(gathered.notes))


def toml(value: Any) -> str:
    """Return a value of a setting as TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return json.dumps(value)


def _values(gathered: Gathered) -> Iterator[Value]:
    for table, settings in TABLES.items():
        yield from _table((table,), settings, gathered.merged[table], gathered.origins)
        if table == "complexity":
            for named, inner in NAMED.items():
                for name, one in gathered.merged[named].items():
                    yield from _table((named, name), inner, one, gathered.origins)


def _table(
    path: tuple[str, ...], settings: Mapping[str, Setting], content: Mapping[str, Any], origins: Mapping[str, str]
) -> Iterator[Value]:
    for key, one in settings.items():
        value = content.get(key, one.default)
        if value is None:
            continue
        visible = _visible(one.kind, key, value)
        layer = origins.get(shown.dotted((*path, key)), DEFAULT)
        yield Value((*path, key), visible, layer, visible != value)


def _visible(kind: str, key: str, value: Any) -> Any:
    """Return a value without what may be secret in it: passwords, and the paths of web hooks."""
    if kind == "url":
        return shown.host_only(value)
    if kind == "arguments":
        return ["…" if shown.looks_like_key(one) else one for one in value]
    addressed = kind in ("base_url", "text", "database") and "://" in value and key != "model"
    return shown.address(value) if addressed else value
