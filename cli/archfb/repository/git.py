"""Asking git, so that nothing in the repository's own configuration runs, waits or reaches the network."""

from __future__ import annotations

import os
import select
import subprocess  # git is the one program that reading a repository starts, with fixed arguments
import tempfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A repository's .git/config is as foreign as its files. What git can be made to run while listing and logging: an
# fsmonitor, hooks, a pager, gpg (log.showSignature), a transport when objects are missing (partial clones).
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.untrackedCache=keep",
    "credential.helper=",
    "diff.external=",
    "diff.orderFile=/dev/null",
    "gpg.program=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)


def environment(environ: Mapping[str, str], top: bytes) -> dict[bytes, bytes]:
    """Return the environment for git at `top`: no inherited GIT_*, no prompt, no lock, no transport."""
    kept = {os.fsencode(key): os.fsencode(value) for key, value in environ.items() if not key.startswith("GIT_")}
    return kept | {
        b"GIT_ALLOW_PROTOCOL": b"none",
        b"GIT_CEILING_DIRECTORIES": os.path.dirname(top),  # noqa: PTH120  # bytes
        b"GIT_NO_LAZY_FETCH": b"1",
        b"GIT_NO_REPLACE_OBJECTS": b"1",
        b"GIT_OPTIONAL_LOCKS": b"0",
        b"GIT_PAGER": b"cat",
        b"GIT_TERMINAL_PROMPT": b"0",
        b"GIT_WORK_TREE": top,
        b"LC_ALL": b"C",
    }


def top_of(root: bytes) -> bytes | None:
    """Return the nearest folder at or above `root` that holds a .git, None when there is none."""
    folder = root
    while True:
        if os.path.lexists(os.path.join(folder, b".git")):  # noqa: PTH118  # bytes
            return folder
        above = os.path.dirname(folder)  # noqa: PTH120  # bytes
        if above == folder:
            return None
        folder = above


class Git:
    """Starts git in one folder of one repository."""

    def __init__(self, root: bytes, top: bytes, environ: Mapping[str, str]) -> None:
        """Keep where and how; nothing is started yet."""
        self.root = root
        self.top = top
        self._env = environment(environ, top)

    def start(self, *arguments: str) -> Asked | None:
        """Start git and return at once; None when there is no git."""
        command = ["git", "--no-pager", "--literal-pathspecs"]
        for setting in _SAFE:
            command += ["-c", setting]
        # A file, not a pipe: it goes on while this process does other things.
        output = tempfile.TemporaryFile()  # noqa: SIM115  # closed by Asked
        alive, held = os.pipe()  # its end tells at once when git has ended; waiting with a time-out would poll
        try:
            process = subprocess.Popen(  # noqa: S603  # fixed arguments, no shell
                [*command, *arguments],
                cwd=self.root,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                pass_fds=(held,),
            )
        except OSError:
            output.close()
            os.close(alive)
            return None
        finally:
            os.close(held)
        return Asked(process, output, alive)


class Asked:
    """A git that is running."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes], alive: int) -> None:
        """Keep the process, where it writes, and a pipe that ends with it."""
        self._alive = alive
        self._process = process
        self._output = output

    def answer(self, timeout: float) -> bytes | None:
        """Return what it prints; None when it fails, or takes longer than `timeout` seconds and is killed."""
        output, complete = self.so_far(timeout)
        return output if complete else None

    def so_far(self, timeout: float) -> tuple[bytes, bool]:
        """Return what it prints within the time, and whether that is all; what is still running then is killed."""
        ended = bool(select.select([self._alive], [], [], timeout)[0])
        os.close(self._alive)
        if not ended:
            self._process.kill()
        complete = self._process.wait() == 0 and ended
        with self._output as output:
            output.seek(0)
            return output.read(), complete

    def stop(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()
        os.close(self._alive)
        self._output.close()
