"""A service and a timer of the user's systemd, written as files that are known again."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archfb.scheduling.job import ScheduleError
from archfb.scheduling.marked import digest
from archfb.whole_file import put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.scheduling.crontab import Change
    from archfb.scheduling.job import Job

NAME = "archfb-health"
SERVICE, TIMER = f"{NAME}.service", f"{NAME}.timer"
PATIENCE = 60.0
_HEAD = "# archfb schedule: "


def folder(environ: Mapping[str, str]) -> Path:
    """Return where the user's units stand."""
    named = environ.get("XDG_CONFIG_HOME", "")
    base = Path(named) if named.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / ".config"
    return base / "systemd" / "user"


def units(job: Job) -> dict[str, str]:
    """Return the files by name."""
    run = " ".join(map(quoted, (*job.words, *job.stale)))
    settings = "".join(f"Environment={quoted(f'{name}={value}', command=False)}\n" for name, value in job.environ)
    file = f"EnvironmentFile={job.env_file.replace('%', '%%')}\n" if job.env_file is not None else ""
    service = (
        "[Unit]\nDescription=Probe the language models that are due\n\n[Service]\nType=oneshot\n"
        f"{settings}{file}ExecStart={run}\nSuccessExitStatus=1 2\nTimeoutStartSec={max(60, job.every)}\nNice=10\n"
    )
    timer = (
        f"[Unit]\nDescription=Probe the language models every {job.every} s\n\n[Timer]\nOnStartupSec=30\n"
        f"OnUnitActiveSec={job.every}\nRandomizedDelaySec={job.jitter}\nAccuracySec=1\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
    return {SERVICE: _headed(service), TIMER: _headed(timer)}


def quoted(word: str, *, command: bool = True) -> str:
    """Return a word as a unit file says it: % and (in a command) $ doubled, in quotes where it has to be."""
    word = word.replace("%", "%%")
    if command:
        word = word.replace("$", "$$")
    if word and not set(word) & set(" \t\"'\\;"):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _headed(body: str) -> str:
    return f"{_HEAD}{digest(os.fsencode(body))} (taken out by `archfb schedule remove --systemd`)\n{body}"


def is_ours(text: str) -> bool:
    """Say whether a file is as it was written."""
    head, _, body = text.partition("\n")
    return head.startswith(_HEAD + digest(os.fsencode(body)))


@dataclass(frozen=True, slots=True)
class Systemd:
    """The user's systemd: a folder of units, and the command that tells it of them."""

    folder: Path
    environ: Mapping[str, str]
    command: tuple[str, ...] = ("systemctl", "--user")

    def install(self, job: Job, *, force: bool = False) -> Change:
        """Write both files and start the timer; what fails leaves no file behind."""
        wanted, before = units(job), self._present()
        self._refuse_foreign(before, force=force)
        if before == wanted and self._run("is-enabled", "--quiet", TIMER).returncode == 0:
            return "unchanged"
        for name, text in wanted.items():
            _write(self.folder / name, text)
        try:
            self._must("daemon-reload")
            self._must("enable", "--now", TIMER)
        except ScheduleError:
            self._back_to(before)
            raise
        return "replaced" if before else "installed"

    def remove(self, *, force: bool = False) -> Change:
        """Stop the timer and take both files away."""
        before = self._present()
        if not before:
            return "absent"
        self._refuse_foreign(before, force=force)
        self._must("disable", "--now", TIMER)
        self._back_to({})
        self._must("daemon-reload")
        return "removed"

    def installed(self) -> str | None:
        """Return the files that stand there, one after the other; None where there are none."""
        return "\n".join(self._present().values()) or None

    def _present(self) -> dict[str, str]:
        found = {}
        for name in (SERVICE, TIMER):
            path = self.folder / name
            try:
                found[name] = path.read_text(encoding="utf-8", errors="surrogateescape")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise ScheduleError(f"Cannot read {path}: {error.strerror}.") from None
        return found

    def _back_to(self, files: Mapping[str, str]) -> None:
        for name in (SERVICE, TIMER):
            if name in files:
                _write(self.folder / name, files[name])
            else:
                (self.folder / name).unlink(missing_ok=True)

    def _refuse_foreign(self, present: Mapping[str, str], *, force: bool) -> None:
        for name, text in present.items():
            if not force and not is_ours(text):
                raise ScheduleError(
                    f"{self.folder / name} is not as archfb wrote it. Nothing was changed.",
                    hint="Give --force to lose what is in it.",
                )

    def _must(self, *words: str) -> None:
        ended = self._run(*words)
        if ended.returncode != 0:
            said = " ".join((ended.stderr or ended.stdout).split())[:300]
            raise ScheduleError(f"{' '.join((*self.command, *words))} ended with {ended.returncode}: {said}.")

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - the words are ours
                [*self.command, *words],
                env=dict(self.environ),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            raise ScheduleError("There is no systemctl here.", hint="Leave --systemd out to use cron.") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ScheduleError(f"systemctl cannot be run: {error}.") from None


def _write(path: Path, text: str) -> None:
    """Put a file there whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise ScheduleError(f"Cannot write {path}: {error.strerror}.") from None
