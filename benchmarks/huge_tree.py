"""Make a tree as large as an operating system's: 78,635 files, 1.4 GB, in git, and read it.

    python benchmarks/huge_tree.py FOLDER SOURCE… [--files 78635] [--megabytes 1400] [--rounds 3]

FOLDER gets copies of the files of the SOURCEs (repositories of which files of text are wanted), each with a line of
its own so that no two contents are equal, in folders of about 16; files are joined until the size is reached. Then
`archfb run phase1 --offline` is measured on it: cold, with nothing changed, and with a limit of a tenth of its files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from repository import Measured, environment

COMMENT = {".c": "/* {} */", ".h": "/* {} */", ".go": "// {}", ".php": "// {}", ".java": "// {}", ".js": "// {}"}


def sources(folders: list[Path]) -> list[Path]:
    """Return the tracked text files of the repositories, in order."""
    found = []
    for folder in folders:
        listed = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "-z"], check=True, capture_output=True, text=True
        )
        paths = [folder / name for name in listed.stdout.split("\0")[:-1]]
        found += [path for path in paths if path.suffix in COMMENT and path.is_file() and not path.is_symlink()]
    return found


def make(folder: Path, contents: list[tuple[str, bytes]], files: int, size: int) -> None:
    """Write the tree and add it to an index."""
    folder.mkdir(parents=True)
    written = at = 0
    for number in range(files):
        suffix, content = contents[at % len(contents)]
        at += 1
        while written + len(content) < (number + 1) * size // files:
            more = contents[at % len(contents)]
            at += 1
            if more[0] == suffix and len(content) < 500_000:
                content += more[1]
        home = folder / f"part{number // 1600}" / f"unit{number // 16 % 100}"
        home.mkdir(parents=True, exist_ok=True)
        text = COMMENT[suffix].format(number).encode() + b"\n" + content
        (home / f"file{number}{suffix}").write_bytes(text)
        written += len(text)
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "All of it"], check=True)


def command(folder: Path, place: Path, *more: str) -> list[str]:
    """Return the command line of the offline discovery."""
    words = ["run", "phase1", str(folder), "--offline", "--fresh", "--json", "-q", "--state", str(place / "s.db")]
    return [sys.executable, "-m", "archfb", *words, *more]


def main() -> None:
    """Make it where it is missing, then measure."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("sources", type=Path, nargs="+")
    options.add_argument("--files", type=int, default=78_635)
    options.add_argument("--megabytes", type=int, default=1_400)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    if not chosen.folder.exists():
        contents = [(path.suffix, path.read_bytes()) for path in sources(chosen.sources)]
        make(chosen.folder, contents, chosen.files, chosen.megabytes * 1_000_000)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        environ = environment(place)
        measured = {"cold": Measured(), "nothing changed": Measured()}
        for number in range(-1, chosen.rounds):
            shutil.rmtree(place / "cache", ignore_errors=True)
            for one in measured.values():
                (one if number >= 0 else Measured()).run(command(chosen.folder, place), environ)
        for what, one in measured.items():
            print(f"{what:16} {one}")
        limited(chosen, place, environ)


def limited(chosen: argparse.Namespace, place: Path, environ: dict[str, str]) -> None:
    """Print what is said of files beyond a limit, and check the count."""
    most = chosen.files // 10
    ended = subprocess.run(
        command(chosen.folder, place, "--max-files", str(most)),
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )
    said = f"{chosen.files - most:,} not read"
    notes = [line for line in (json.dumps(json.loads(ended.stdout)) + ended.stderr).split('"') if "not read" in line]
    told = "counted exactly" if any(said in one for one in notes) else notes
    print(f"--max-files {most}: exit {ended.returncode}, {told}")


if __name__ == "__main__":
    main()
