"""The state: where it is, whether it is sound, what it says of models, and whether it is from the future."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from archfb.diagnosis.finding import Finding
from archfb_state.core.decay import in_the_future
from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archfb.config.model import Config
    from archfb.routing.roster import Roster
    from archfb_state.records import Snapshot
    from archfb_state.store import Store

READ_WHOLE = 256 * 2**20
"""Bytes up to which a file is checked whole: some seconds."""

NEEDED = 64 * 2**20
"""Bytes of disk under which the next writes may fail."""


def place(path: str) -> Iterator[Finding]:
    """Yield what is to be said of the file and its folder, before it is opened."""
    from archfb_state.storage.examination import examine

    if "://" in path:
        return
    try:
        found = examine(os.path.abspath(path))  # noqa: PTH100
    except StoreUnusable as error:
        yield Finding("wrong", "state", f"{error}", "Name another file with --state.")
        return
    if found.file_system is not None:
        do = "Use a local disk (--state, $ARCHFB_STATE, [state] database)."
        yield Finding("wrong", "state", f"{path} is on {found.file_system}; SQLite is unsafe there.", do)
    if found.exists and found.mode & 0o077:
        yield Finding("note", "state", f"{path} can be used by others (mode {found.mode:04o}).", f"chmod 600 {path}")
    yield from folder(Path(path).absolute().parent)
    yield from set_aside(Path(path))


def folder(where: Path) -> Iterator[Finding]:
    """Yield what keeps a folder from taking the state."""
    if not where.is_dir():
        return
    if not os.access(where, os.W_OK | os.X_OK):
        yield Finding("wrong", "state", f"{where} cannot be written: nothing will be saved.", "Use --state.")
    free = shutil.disk_usage(where).free
    if free < NEEDED:
        yield Finding("wrong", "state", f"The disk of {where} has only {free // 2**20} MB left.", "Make room.")


def set_aside(path: Path) -> Iterator[Finding]:
    """Yield the damaged files that earlier runs put aside."""
    kept = sorted(path.parent.glob(f"{path.name}.corrupt-*")) if path.parent.is_dir() else []
    names = [one.name for one in kept if not one.name.endswith(("-wal", "-shm"))]
    if names:
        do = "Delete them once nobody wants to look into them."
        yield Finding("note", "state", f"Damaged states were put aside: {', '.join(names)}.", do)


def soundness(path: str, store: Store) -> Iterator[Finding]:
    """Yield whether the stored state can be read whole."""
    size = 0 if "://" in path else _size(path)
    if size > READ_WHOLE:
        do = "`archfb state check` reads all of it."
        yield Finding("note", "state", f"State at {path}: {size // 2**20} MB, too much to be read whole here.", do)
        return
    try:
        problems = store.check()
    except (StoreBusy, StoreUnusable, sqlite3.Error) as error:
        yield Finding("wrong", "state", f"State at {path} cannot be read: {error}", "Name another with --state.")
        return
    for problem in problems:
        yield _told(problem)
    if not problems:
        yield Finding("ok", "state", f"State at {path} is sound ({_sized(size)}).")


def _told(problem: str) -> Finding:
    """Return a problem: rows that are ignored are no reason to fail, a damaged file is."""
    if problem.endswith("ignored"):
        return Finding("note", "state", f"{problem}.", "Nothing to do: what they told is learned again.")
    do = "The next run that writes puts it aside and starts fresh; a copy is made by `archfb state backup`."
    return Finding("wrong", "state", problem, do)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0


def _sized(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, size // 1024)} kB"


def clock(rows: Snapshot) -> Iterator[Finding]:
    """Yield whether the state remembers a time that has not come yet."""
    seen = [
        at for one in rows.models.values() for at in (one.last_success_at, one.last_failure_at, one.last_probe_at)
    ]
    newest = max((at for at in seen if at is not None), default=None)
    if newest is not None and in_the_future(newest, rows.at):
        from archfb.views.phrases import duration

        what = f"Clock moved back {duration(newest - rows.at)}; ages shown as 0 until it catches up."
        yield Finding("wrong", "clock", what, "Set the clock (NTP), or `archfb reset` the models it concerns.")
    else:
        yield Finding("ok", "clock", "The clock is not behind what is stored.")


def retired(config: Config, members: Roster, rows: Snapshot) -> dict[str, str]:
    """Return why each model of a chain is known to be gone."""
    found = {}
    for name in config.chained:
        record = rows.deployments.get(members[name].ref.deployment)
        if record is not None and record.breaker == "retired":
            found[name] = "retired: the provider does not know it, or gives no access to it"
    return found
