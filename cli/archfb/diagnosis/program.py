"""The versions that run here."""

from __future__ import annotations

import platform
import sqlite3
from importlib import metadata
from typing import TYPE_CHECKING

from archfb.diagnosis.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

BESIDE = ("httpx", "typer", "rich", "sqlite-utils", "genai-prices")


def versions() -> Iterator[Finding]:
    """Yield the program's version and those of what it stands on."""
    from archfb.version import __version__

    system = f"{platform.system()} {platform.machine()}"
    yield Finding("ok", "versions", f"archfb {__version__}, Python {platform.python_version()}, {system}.")
    found = {name: version_of(name) for name in BESIDE}
    missing = [name for name, version in found.items() if version is None]
    yield Finding(
        "ok", "versions", ", ".join(f"{name} {version}" for name, version in found.items() if version) + "."
    )
    if missing:
        yield Finding("wrong", "versions", f"Not installed: {', '.join(missing)}.", "Install archfb anew.")


def version_of(name: str) -> str | None:
    """Return a distribution's version, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> Finding:
    """Return whether SQLite has the bug that can lose a WAL."""
    from archfb_state.storage.locking import has_wal_bug

    said = f"SQLite {'.'.join(map(str, version))}"
    if not has_wal_bug(version):
        return Finding("ok", "versions", f"{said}.")
    do = "Nothing to do: checkpoints exclude writers. SQLite 3.51.3, 3.50.7 and 3.44.6 do not need it."
    return Finding("note", "versions", f"{said} has a known WAL bug; safe mode on.", do)
