"""The reference page, made from the tables: `python -m archfb.config.reference > docs/configuration.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.config.effective import toml
from archfb.config.kinds import seconds
from archfb.config.schema import ABOUT, NAMED, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archfb.config.schema import Setting

_INTRO = """\
# Configuration

This page is generated from the tables that archfb checks a configuration with.

The configuration is TOML. Layers, each over the one before: the shipped `fallback.toml`, the user's
(`archfb config path` says where), then one of `--config PATH`, `$ARCHFB_CONFIG` and `./fallback.toml`, the first
that is given. Tables merge key by key, lists replace. `archfb config show` says which layer each value came from,
`archfb config check` tells every mistake at once, `archfb config init` writes a file to start from.

A `./fallback.toml` was found, not chosen. Until `archfb config trust PATH` it may set only what is marked † below,
and that of models that exist. Keys belong in no file: a provider names the environment variable that holds its key.
"""

_TYPES = {
    "switch": "true or false",
    "text": "text",
    "database": "text",
    "names": "list of models",
    "arguments": "list of texts",
    "url": "URL",
    "base_url": "URL",
    "variable": "name of a variable",
}


def reference() -> str:
    """Return the page as Markdown."""
    sections = [_INTRO]
    for table, about in ABOUT.items():
        named = table in NAMED
        settings = NAMED[table] if named else TABLES[table]
        sections.append("\n".join(_section(f"{table}.NAME" if named else table, about, settings)))
    return "\n".join(sections)


def _section(title: str, about: str, settings: dict[str, Setting]) -> Iterator[str]:
    yield f"## `[{title}]`\n\n{about}\n"
    yield "| setting | takes | default | |\n|---|---|---|---|"
    for key, one in settings.items():
        yield f"| `{key}`{' †' if one.found else ''} | {_takes(one)} | {_default(one)} | {one.doc} |"
    yield ""


def _takes(one: Setting) -> str:
    if one.choices:
        return ", ".join(f"`{choice}`" for choice in one.choices)
    if one.kind == "seconds":
        return f"seconds, {seconds(one.low)} to {seconds(one.high)}"
    if one.kind in ("number", "integer"):
        what = "whole number" if one.kind == "integer" else "number"
        return f"{what} ≥ {one.low:g}" if one.high >= 1e6 else f"{what}, {one.low:g} to {one.high:g}"
    return _TYPES[one.kind]


def _default(one: Setting) -> str:
    if one.required:
        return "required"
    return "" if one.default is None else f"`{toml(one.default)}`"


if __name__ == "__main__":
    print(reference(), end="")
