"""Trust in a ./fallback.toml that was found, not chosen: remembered by what the file holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archfb.config import shown
from archfb.config.check import Problem
from archfb.config.folders import config_folder
from archfb.config.schema import NAMED, TABLES, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STORE = "trusted"
RELEASED: frozenset[str] = frozenset()
"""SHA-256 of the shipped files of earlier releases: copies of them are no layer."""


def store_path(environ: Mapping[str, str], user_dir: Path | None) -> Path:
    """Return the file that remembers which contents are trusted: a line each, the SHA-256 first."""
    return Path(user_dir or config_folder(environ)) / STORE


def is_trusted(digest: str, store: Path) -> bool:
    """Return whether a content is trusted; a store that cannot be read trusts nothing."""
    try:
        lines = store.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(line.split(maxsplit=1)[:1] == [digest] for line in lines)


def remember(digest: str, path: str, store: Path, day: str) -> bool:
    """Trust a content from now on; False where it already was. Raises OSError."""
    if is_trusted(digest, store):
        return False
    store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(store, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as file:
        file.write(f"{digest}  {day}  {shown.file(path)}\n")
    return True


def refused(raw: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what an untrusted file sets although it may set only chains, strategies, thresholds, complexity,
    [routing] strategy, and the tier and weight of models that exist."""
    for path in leaves(raw):
        one = setting(path)
        if one is None or (one.found and (path[0] != "models" or path[1] in models)):
            continue
        yield Problem(
            path, f"{shown.spelled(path)} may not be set here: the file was found, not chosen, and is not trusted."
        )


def leaves(raw: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the path of each setting of a parsed file, known or not."""
    for table, content in raw.items():
        for key, value in content.items() if isinstance(content, dict) and table in {**TABLES, **NAMED} else ():
            if table in NAMED and isinstance(value, dict):
                yield from ((table, key, inner) for inner in value)
            else:
                yield (table, key)
