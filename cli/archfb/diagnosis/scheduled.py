"""Whether something probes by itself, and when it last did."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from archfb.diagnosis.finding import Finding
from archfb.scheduling.job import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DAEMONS = frozenset({"cron", "crond", "fcron", "dcron", "busybox-crond", "systemd-cron"})
PROCESSES = Path("/proc")
SEVERAL = 3
"""Intervals without a round of probes after which a schedule is said not to work."""


def schedule(environ: Mapping[str, str], processes: Path = PROCESSES) -> Iterator[Finding]:
    """Yield what is installed, and whether it can run."""
    text, timer = installed(environ)
    if text is None and timer is None:
        do = "archfb schedule show, then archfb schedule install."
        yield Finding("note", "schedule", "Nothing probes by itself; the health is as fresh as the last call.", do)
        return
    if timer is not None:
        yield Finding("ok", "schedule", "A timer of the user's systemd is installed.")
    if text is not None:
        yield Finding("ok", "schedule", "A line in the crontab is installed.")
        if not daemon_runs(processes):
            yield Finding(
                "wrong", "schedule", "No cron daemon seems to run: the line is never started.", "Start cron."
            )
        yield from interpreter(text)


def installed(environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the crontab's lines and the units, None where there are none or nobody can tell."""
    from archfb.scheduling.crontab import Crontab
    from archfb.scheduling.systemd import Systemd, folder

    try:
        text = Crontab(environ=environ).installed()
    except ScheduleError:
        text = None
    try:
        units = Systemd(folder(environ), environ).installed()
    except ScheduleError:
        units = None
    return text, units


def interpreter(text: str) -> Iterator[Finding]:
    """Yield whether the program that the line names is still there."""
    line = next((one for one in text.splitlines() if not one.startswith("#")), "")
    try:
        words = shlex.split(line.replace("\\%", "%"))
    except ValueError:
        words = []
    named = [words[at - 1] for at in range(1, len(words)) if words[at] == "-m"]
    if named and not Path(named[0]).exists():
        do = "archfb schedule install --force"
        yield Finding("wrong", "schedule", f"The crontab's line starts {named[0]}, which is gone.", do)


def daemon_runs(processes: Path = PROCESSES) -> bool:
    """Say whether a cron daemon runs; where processes cannot be listed it is believed to."""
    if not (processes / "self").exists():
        return True
    return any(_name(one) in DAEMONS for one in processes.glob("[0-9]*/comm"))


def _name(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def last_round(last: float | None, now: float, interval: float, *, scheduled: bool) -> Finding:
    """Return when a round of probes was last completed."""
    from archfb.views.phrases import age

    if last is None:
        return Finding("note", "schedule", "No round of probes was ever completed.", "archfb health")
    old = now - last > SEVERAL * interval
    since = age(last, now)
    what = f"The last complete round of probes was {'just now' if since == 'now' else f'{since} ago'}."
    if old and scheduled:
        do = "Run the line by hand as cron does: env -i HOME=$HOME sh -c '…'"
        return Finding("wrong", "schedule", f"{what} The schedule does not do its work.", do)
    return Finding("note" if old else "ok", "schedule", what, "archfb health" if old else "")
