"""Small repositories made for tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GIT = {
    "PATH": os.environ.get("PATH", ""),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


def git(folder: Path, *arguments: str) -> bytes:
    """Run git in a folder, with no configuration but the folder's own."""
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=GIT, capture_output=True, check=True)
    return done.stdout


def write(folder: Path, files: Mapping[str | bytes, str | bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def planted(folder: Path, files: Mapping[str | bytes, str | bytes], *, commit: bool = False) -> Path:
    """Make a git repository of these files; with `commit` they are committed."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    write(folder, files)
    if commit:
        git(folder, "add", "-A", "-f")
        git(folder, "commit", "-q", "-m", "first")
    return folder


IGNORES = r"""*.log
!keep.log
/build
sub/*.tmp
**/gen/
foo/**/bar
\#hash
\!bang
trail\ @
spaces.txt   @
[ab]x.txt
*.o
!/important.o
docs/
secret?.env
deep/*
!deep/keep/
# a comment

/only-root.txt
linkdir/
*.py[co]
a/**
!a/b/
[!q-s]range.txt
[[:digit:]]class.txt
**/anywhere
end/**/tail
star*mid*end
""".replace("@", "")  # two rules end in blanks


def awkward(folder: Path) -> Path:
    """Make a repository of awkward names and ignore rules, links, pipes and a repository inside."""
    names = [
        "a.log",
        "keep.log",
        "x/keep.log",
        "build/out",
        "src/build/out",
        "sub/a.tmp",
        "sub/in/a.tmp",
        "gen/f",
        "p/gen/f",
        "p/q/gen/f",
        "foo/bar",
        "foo/1/bar",
        "foo/1/2/bar",
        "#hash",
        "!bang",
        "trail",
        "spaces.txt",
        "ax.txt",
        "cx.txt",
        "m.o",
        "important.o",
        "n/important.o",
        "docs/i.md",
        "n/docs/i.md",
        "n/docs2/i.md",
        "secret1.env",
        "secret12.env",
        "deep/a",
        "deep/keep/b",
        "deep/other/c",
        "only-root.txt",
        "n/only-root.txt",
        "m.pyc",
        "m.py",
        "main.c",
        ".hidden/file",
        ".env",
        "a/x",
        "a/b/y",
        "arange.txt",
        "rrange.txt",
        "5class.txt",
        "xclass.txt",
        "q/anywhere/f",
        "anywhere",
        "end/tail",
        "end/1/tail",
        "end/1/2/tail",
        "starAmidBend",
        "starmidend",
        "node_modules/pkg/index.js",
        "vendor/lib/x.go",
    ]
    odd: dict[str | bytes, str | bytes] = dict.fromkeys(names, "x\n")
    odd |= dict.fromkeys(
        ["trail ", "with space/f.txt", "ünïcode/ß.txt", "new\nline.txt", "tab\t.txt", 'quote".txt'], "x\n"
    )
    odd |= {b"bad-\xff-utf8.txt": "x\n", "\x1b[31mred.txt": "x\n", "l" * 250 + ".txt": "x\n"}
    odd |= {".gitignore": IGNORES, "crlf/.gitignore": "*.crlf\r\n", "crlf/a.crlf": "x", "bom/a.bom": "x"}
    odd |= {"bom/.gitignore": b"\xef\xbb\xbf*.bom\n", ".ignore": "for-others.txt\n", "for-others.txt": "x"}
    odd |= {
        "nest/.gitignore": "!a.log\n/only.txt\nlocal.txt\n*.c\n",
        "nest/a.log": "x",
        "nest/b.log": "x",
        "nest/only.txt": "x",
    }
    odd |= {"nest/in/only.txt": "x", "nest/local.txt": "x", "nest/in/local.txt": "x", "nest/z.c": "x"}
    odd |= {"neg/.gitignore": "*\n!.gitignore\n!*.md\n!*/\n", "neg/a.md": "x", "neg/a.txt": "x", "neg/in/b.md": "x"}
    odd |= {"neg/in/b.txt": "x", "excluded-by-info.txt": "x"}
    planted(folder, odd)
    write(folder, {".git/info/exclude": "excluded-by-info.txt\n", "forced.log": "x", "build/forced": "x"})
    git(folder, "add", "-f", "forced.log", "build/forced", "m.py")
    planted(folder / "inner", {"f.txt": "x"})
    for target, name in (
        ("main.c", "link.c"),
        ("src", "linkdir"),
        ("/etc/passwd", "escape"),
        ("loop", "loop"),
        ("..", "src/up"),
    ):
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")
    (folder / "empty").mkdir()
    return folder


def visible(folder: Path) -> set[bytes]:
    """Return what git itself lists: tracked, and untracked but not ignored."""
    return set(git(folder, "ls-files", "-z", "-c", "-o", "--exclude-standard").split(b"\0")) - {b""}
