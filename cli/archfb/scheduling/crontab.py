"""The user's crontab: one marked line in it, and every other byte left as it is."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from archfb.errors import UsageError
from archfb.scheduling.job import ScheduleError
from archfb.scheduling.marked import find, marked, put, taken_out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.scheduling.job import Job

LONGEST = 990
"""Characters of a command that every cron takes."""

PATIENCE = 20.0
_NONE_YET = (b"no crontab", b"No such file")

Change = Literal["installed", "replaced", "unchanged", "removed", "absent"]


def line(job: Job) -> str:
    """Return the crontab line; in one, % means a new line unless it is escaped. Raises UsageError where too long."""
    words = shlex.join([*job.words, *job.stale, *(("--jitter", str(job.jitter)) if job.jitter else ())])
    settings = "".join(f"{name}={shlex.quote(value)} " for name, value in job.environ)
    loaded = f"set -a; . {shlex.quote(job.env_file)}; set +a; " if job.env_file is not None else ""
    command = f"{loaded}{settings}{words}{'' if job.mail else ' >/dev/null'}".replace("%", "\\%")
    if len(command) > LONGEST:
        raise UsageError(f"The command has {len(command)} characters; a crontab line takes {LONGEST}.")
    return f"{when(job.every)} {command}"


def when(every: int) -> str:
    """Return the five fields for a step in seconds that divides the hour or the day."""
    minutes = every // 60
    if minutes < 60:
        return f"{'*' if minutes == 1 else f'*/{minutes}'} * * * *"
    hours = minutes // 60
    return f"0 {'*' if hours == 1 else '0' if hours == 24 else f'*/{hours}'} * * *"


def block(job: Job) -> bytes:
    """Return the marked line as it stands in the crontab."""
    return marked(os.fsencode(line(job) + "\n"))


@dataclass(frozen=True, slots=True)
class Crontab:
    """The crontab behind a command (`crontab`, or one that takes the same words)."""

    command: tuple[str, ...] = ("crontab",)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def read(self) -> bytes:
        """Return the whole crontab, empty where there is none. Raises ScheduleError where that cannot be told."""
        ended = self._run("-l")
        if ended.returncode == 0:
            return ended.stdout
        if any(one in ended.stderr for one in _NONE_YET) and not ended.stdout:
            return b""
        raise self._said(ended)

    def write(self, text: bytes) -> None:
        """Replace the crontab, and see that it is what was written; an empty one is taken away."""
        ended = self._run("-", stdin=text) if text else self._run("-r")
        if ended.returncode != 0:
            raise self._said(ended)
        if self.read() != text:
            raise ScheduleError("The crontab is not what was written; did somebody else change it at the same time?")

    def install(self, job: Job, *, force: bool = False) -> Change:
        """Put the job's line in, or in the place of an earlier one."""
        before, new = self.read(), block(job)
        found = find(before)
        self._untouched(found is None or found.intact or force)
        after = put(before, new)
        if after == before:
            return "unchanged"
        self.write(after)
        return "installed" if found is None else "replaced"

    def remove(self, *, force: bool = False) -> Change:
        """Take the line out."""
        before = self.read()
        found = find(before)
        if found is None:
            return "absent"
        self._untouched(found.intact or force)
        self.write(taken_out(before))
        return "removed"

    def installed(self) -> str | None:
        """Return the lines that stand there, marks included; None where there are none."""
        text = self.read()
        found = find(text)
        return None if found is None else text[found.start : found.end].decode("utf-8", "replace")

    @staticmethod
    def _untouched(intact: bool) -> None:
        if not intact:
            raise ScheduleError(
                "The line of the schedule was changed by hand since it was written. Nothing was changed.",
                hint="Give --force to lose that change, or edit it: crontab -e",
            )

    def _run(self, word: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - the words are ours
                [*self.command, word],
                input=stdin,
                env={**self.environ, "LC_ALL": "C"},
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise ScheduleError("There is no crontab command here.", hint="Install cron, or use --systemd.") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ScheduleError(f"crontab cannot be run: {error}.") from None

    def _said(self, ended: subprocess.CompletedProcess[bytes]) -> ScheduleError:
        words = b" ".join((ended.stderr or ended.stdout).split()).decode("utf-8", "replace")
        return ScheduleError(f"crontab ended with {ended.returncode}: {words[:300] or 'no word why'}.")
