"""A PostgreSQL server of the tests' own: made in a temporary folder, on a socket in it, and gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from processes import PATIENCE

PORT = 5499
"""Part of the socket's name only: no port is opened."""

SETTINGS = (
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=32MB",
    "lc_messages=C",
    "autovacuum_naptime=10s",
)


def binaries() -> Path | None:
    """Return the folder of the newest server's programs, None where there is none."""
    found = [Path(one).parent for one in (shutil.which("initdb"),) if one]
    places = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")
    for place in places:
        found += [one.parent for one in Path(place).glob("*/bin/initdb")]
    versions = [one for one in found if (one / "postgres").exists()]
    return max(
        versions, key=lambda one: [int(part) for part in one.parent.name.split(".") if part.isdigit()], default=None
    )


def _account() -> str | None:
    """Return the account that a server may run as, since it refuses to be root's; None: our own."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


class PostgresServer:
    """One server; `url()` makes a new database in it."""

    def __init__(self, folder: Path, programs: Path, *settings: str) -> None:
        self.folder, self._programs, self._settings = folder, programs, settings
        self.account = _account()
        self._numbers = count()
        self._emptied: str | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if self.account is not None:
            shutil.chown(folder, self.account)
        self._run(
            "initdb", "-D", str(folder / "data"), "-U", "archfb", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"
        )
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def temporary(cls, *settings: str) -> PostgresServer:
        """Make one in a new folder with a short name: sockets' names are short."""
        programs = binaries()
        assert programs is not None
        folder = Path(tempfile.mkdtemp(prefix="archfb-pg-"))
        folder.chmod(0o755)
        return cls(folder, programs, *settings)

    def as_its_account(self) -> dict[str, object]:
        """Return what starts a process as the account that the server runs as."""
        return {} if self.account is None else {"user": self.account, "group": pwd.getpwnam(self.account).pw_gid}

    def _run(self, *words: str) -> None:
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        done = subprocess.run(
            [str(self._programs / words[0]), *words[1:]],
            capture_output=True,
            text=True,
            env=environ,
            cwd=self.folder,
            check=False,
            **self.as_its_account(),  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [part for one in (*SETTINGS, *self._settings) for part in ("-c", one)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(PORT)),
                    *options,
                ],
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                cwd=self.folder,
                start_new_session=True,
                **self.as_its_account(),  # type: ignore[call-overload]
            )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(Exception):
                self.execute("SELECT 1")
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop (SIGINT: at once, but cleanly; SIGQUIT: as in a crash)."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
        self.process = None

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Do one statement as the server's owner."""
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True, connect_timeout=30) as session:
            cursor = session.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def address(self, database: str, user: str = "archfb") -> str:
        """Return a database's URL."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={PORT}"

    def new(self) -> str:
        """Make a database and return its URL."""
        name = f"state{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def emptied(self) -> str:
        """Return a database without any state, always the same one: a new one takes longer."""
        self._emptied = self._emptied or self.new()
        name = self._emptied.split("/")[3].partition("?")[0]
        self.execute("DROP SCHEMA IF EXISTS archfb, archfb_here CASCADE", name)
        return self._emptied
