"""What is scheduled: one command line that means the same wherever it is started from, and how often."""

from __future__ import annotations

import math
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archfb.errors import ArchfbError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.config.model import Config

MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440)
"""Steps that a crontab can say without a gap at the end of the hour or day."""

STEPS_PER_INTERVAL = 5
"""Runs per probe interval: what is due is then found at most a fifth late, and the rest of the runs do nothing."""

MOST_JITTER = 30
CARRIED = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "PYTHONPATH")
"""Variables that decide where things are, which the job therefore gets as they are here."""

_NAMED = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=.")


class ScheduleError(ArchfbError):
    """The schedule cannot be read or changed."""

    code = "schedule"


@dataclass(frozen=True, slots=True)
class Job:
    """A command line, what it needs around it, and how often it runs (`every` and `jitter` are seconds)."""

    words: tuple[str, ...]
    every: int
    jitter: int
    environ: tuple[tuple[str, str], ...] = ()
    env_file: str | None = None
    mail: bool = False
    """Whether cron may mail the table whenever a model is not well; mistakes are mailed in any case."""

    @property
    def stale(self) -> tuple[str, ...]:
        """Return the option that lets a run end at once while all evidence is younger than one step."""
        return ("--if-stale", str(self.every))


def job(
    interpreter: str,
    config: Config,
    environ: Mapping[str, str],
    *,
    cwd: str,
    config_option: str | None = None,
    state_option: str | None = None,
    every: float | None = None,
    jitter: float | None = None,
    env_file: str | None = None,
    mail: bool = False,
) -> Job:
    """Return the job for what is in force here; paths become absolute. Raises UsageError for what no job can be."""
    step = step_of(config.health.interval, every)
    spread = min(MOST_JITTER, step // 3) if jitter is None else math.floor(jitter)
    if not 0 <= spread < step:
        raise UsageError(f"--jitter must be less than the {step} s from one run to the next; got {spread} s.")
    options = [
        *_option("--config", config_option or environ.get("ARCHFB_CONFIG"), cwd),
        *_option("--state", state_option or environ.get("ARCHFB_STATE"), cwd),
        *_option("--log-json", environ.get("ARCHFB_LOG"), cwd),
    ]
    carried = tuple((name, environ[name]) for name in CARRIED if environ.get(name))
    found = Job(
        (interpreter, "-m", "archfb", "health", "--quiet", *options),
        step,
        spread,
        carried,
        None if env_file is None else readable(_absolute(env_file, cwd)),
        mail,
    )
    refuse_control((*found.words, *(value for _, value in carried), found.env_file or ""))
    return found


def step_of(interval: float, asked: float | None) -> int:
    """Return the seconds from one run to the next; raises UsageError for a step that a crontab cannot say."""
    if asked is None:
        fitting = [one for one in MINUTES if one * 60 * STEPS_PER_INTERVAL <= interval]
        return 60 * max(fitting, default=1)
    if asked / 60 not in MINUTES:
        known = ", ".join(f"{one}m" if one < 60 else f"{one // 60}h" for one in MINUTES)
        raise UsageError(f"--every must be one of {known}; got {asked:g} s.")
    return int(asked)


def _option(name: str, value: str | None, cwd: str) -> tuple[str, ...]:
    return (name, _absolute(value.strip(), cwd)) if value and value.strip() else ()


def _absolute(path: str, cwd: str) -> str:
    return path if "://" in path else os.path.normpath(os.path.join(cwd, os.path.expanduser(path)))  # noqa: PTH111, PTH118


def refuse_control(texts: Sequence[str]) -> None:
    """Raise UsageError where a text holds a character that ends a line, or that no path has."""
    for one in texts:
        if any(ord(char) < 32 or ord(char) == 127 for char in one):
            raise UsageError("A path of the schedule holds a control character; a crontab cannot say it.")


def readable(path: str) -> str:
    """Return the path of a file of variables; raises UsageError where others could read or change the keys in it."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.", hint="Write NAME=value lines there.") from None
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is no regular file.")
    if found.st_mode & 0o077:
        raise UsageError(
            f"{path} can be read by others (mode {found.st_mode & 0o777:04o}).", hint=f"chmod 600 {path}"
        )
    return path


def variables_in(path: str) -> frozenset[str]:
    """Return the names that a file of variables sets to something; never their values."""
    with open(path, encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
        return frozenset(found[1] for line in lines if (found := _NAMED.match(line)))
