"""Asking git, so that nothing in the repository's own configuration runs, waits or reaches the network."""

from __future__ import annotations

import os
import select

from archfb.repository.folders import Folders

TYPE_CHECKING = False
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
    "core.packedGitLimit=48m",
    "core.packedGitWindowSize=1m",
    "core.deltaBaseCacheLimit=24m",
    "credential.helper=",
    "diff.external=",
    "diff.orderFile=/dev/null",
    "gpg.program=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)

_SIGKILL, _SIGPIPE = 9, 13  # everywhere; the signal module takes longer to load than git to start
_WARNINGS = 65_536  # bytes: a hostile tree can make git warn without end
_HEAD = 1_000  # bytes that .git/HEAD and what it names may have
_HELD = 9  # the number under which git keeps the pipe open


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


def commit_of(top: bytes) -> str | None:
    """Return the commit that is checked out at `top` where two small files tell it, None where git must be asked."""
    try:
        with Folders(os.path.join(top, b".git")) as folders:  # noqa: PTH118  # bytes
            head = (folders.read(b"HEAD", _HEAD) or b"").strip()
            name = head.removeprefix(b"ref: ")
            said = head if name == head else (folders.read(name, _HEAD) or b"").strip()
    except OSError:  # a worktree's .git is a file
        return None
    return said.decode() if len(said) in (40, 64) and not said.strip(b"0123456789abcdef") else None


class Git:
    """Starts git in one folder of one repository."""

    def __init__(self, root: bytes, top: bytes, environ: Mapping[str, str]) -> None:
        """Keep where and how; nothing is started yet."""
        self.root = root
        self.top = top
        self._env = environment(environ, top)
        self._program = program(environ)

    def start(self, *arguments: str, warned: bool = False) -> Asked | None:
        """Start git and return at once, its warnings kept where they are wanted; None when there is no git."""
        if self._program is None:
            return None
        command = [b"git", b"-C", self.root, b"--no-pager", b"--literal-pathspecs"]
        for setting in _SAFE:
            command += [b"-c", setting.encode()]
        # A file, not a pipe: it goes on while this process does other things. The pipe's end tells at once, without
        # polling, when git has ended.
        output = scratch()
        warnings = bounded() if warned else -1
        alive, held = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, warnings, 2)
            if warnings >= 0
            else (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, held, _HELD if held != _HELD else _HELD + 1),
        ]
        try:
            # A fixed program with fixed arguments and no shell; the subprocess module would double the time to start.
            process = os.posix_spawn(
                self._program,
                [*command, *(one.encode() for one in arguments)],
                self._env,
                file_actions=actions,
                setsigdef=[_SIGPIPE],
            )
        except OSError:
            os.close(output)
            os.close(alive)
            if warnings >= 0:
                os.close(warnings)
            return None
        finally:
            os.close(held)
        return Asked(process, output, alive, warnings)


def scratch() -> int:
    """Return a descriptor of a file without a name, in memory where that is possible."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("git")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def bounded() -> int:
    """Return a descriptor of a file in memory that takes no more than 64 KiB; -1 where there is no such thing."""
    import fcntl

    if not hasattr(os, "memfd_create") or not hasattr(fcntl, "F_SEAL_GROW"):
        return -1
    file = os.memfd_create("git", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(file, _WARNINGS)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW)
    return file


def program(environ: Mapping[str, str]) -> str | None:
    """Return where git is, None when it is nowhere on the path."""
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        path = f"{folder}/git"
        if folder and os.path.isabs(folder) and os.access(path, os.X_OK):  # noqa: PTH117  # text, as it came
            return path
    return None


class Asked:
    """A git that is running."""

    def __init__(self, process: int, output: int, alive: int, warnings: int = -1) -> None:
        """Keep the process, the files where it writes answer and warnings, and a pipe that ends with it."""
        self._process = process
        self._output = output
        self._alive = alive
        self._warnings = warnings
        self.warned = b""
        """What it warned of, once it has ended."""

    def answer(self, timeout: float) -> bytes | None:
        """Return what it prints; None when it fails, or takes longer than `timeout` seconds and is killed."""
        output, complete = self.so_far(timeout)
        return output if complete else None

    def so_far(self, timeout: float) -> tuple[bytes, bool]:
        """Return what it prints within the time, and whether that is all; what is still running then is killed."""
        ended = bool(select.select([self._alive], [], [], timeout)[0])
        complete = self._reap(kill=not ended) and ended
        with open(self._output, "rb") as output:  # noqa: PTH123  # a descriptor
            output.seek(0)
            return output.read(), complete

    def stop(self) -> None:
        """End it now."""
        self._reap(kill=True)
        os.close(self._output)

    def _reap(self, *, kill: bool) -> bool:
        """Wait for its end; return whether it succeeded."""
        os.close(self._alive)
        if kill:
            os.kill(self._process, _SIGKILL)
        _, status = os.waitpid(self._process, 0)
        if self._warnings >= 0:
            self.warned = os.pread(self._warnings, _WARNINGS, 0).rstrip(b"\0")
            os.close(self._warnings)
        return os.waitstatus_to_exitcode(status) == 0
