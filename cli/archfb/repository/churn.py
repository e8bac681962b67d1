"""Which files change most, from the newest commits."""

from __future__ import annotations

from archfb.repository.records import Changed, Churn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from archfb.repository.git import Asked, Git

_SHOWN = 200
# When time runs out the newest commits that came whole are cut to one of these, so that a somewhat busier machine
# gives the same answer.
_STEPS = (4_000, 2_000, 1_000, 500, 250, 100)


def start(git: Git, commits: int, commit: str | None = None) -> Asked | None:
    """Start asking for the files of the newest commits below the root, up to `commit` or what is checked out."""
    return git.start(
        "log",
        f"--max-count={commits}",
        "--format=%x00",
        "--name-only",
        "-z",
        "--relative",
        "--no-renames",
        "--no-merges",
        "--no-show-signature",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=all",
        commit or "HEAD",
        "--",
        ".",
    )


def count(asked: Asked | None, timeout_s: float, commits: int, known: Collection[str]) -> Churn:
    """Return how often each known file changed. Takes at most `timeout_s` seconds."""
    if asked is None:
        return Churn()
    output, complete = asked.so_far(timeout_s)
    groups = _groups(output)
    note = ""
    if not complete:
        keep = next((step for step in _STEPS if step < len(groups)), 0)
        groups = groups[:keep]
        note = f"only the newest {keep:,} commits were looked at" if keep else "the history could not be read in time"
    counted: dict[bytes, int] = {}
    for group in groups:
        for path in group:
            counted[path] = counted.get(path, 0) + 1
    named = ((path.decode("utf-8", "surrogateescape"), times) for path, times in counted.items())
    changed = sorted(
        (Changed(path, times) for path, times in named if path in known), key=lambda one: (-one.commits, one.path)
    )
    return Churn(len(groups), complete and len(groups) < commits, tuple(changed[:_SHOWN]), note)


def _groups(output: bytes) -> list[list[bytes]]:
    """Split git's output: two NULs and a newline begin the names of a commit, a NUL ends each name."""
    return [[name for name in part.split(b"\0") if name] for part in output.split(b"\0\0\n")[1:]]
