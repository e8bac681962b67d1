"""Reading a repository, measured beside ripgrep and beside the least that Python can do.

    python benchmarks/repository.py REPOSITORY [--rounds 5] [--pairs 0] [--largest] [--repomix] [--gitingest] [--aider]

Every figure is of a whole process with its children, the median of the rounds, peers and archfb in turn in one run;
Python's modules are compiled before, as an installation has them. The repository is copied first; the source file of
median size, or with --largest the largest, is changed in the copy. With --pairs a second copy stays as it is, and so many
readings of both are compared one by one, which a machine of changing speed disturbs less. Peers other than ripgrep are asked only with their flag. repomix must be installed; gitingest and
aider get environments of their own. "analysis" is `archfb run all --offline` as a user calls it, without a cache.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peers import python_of

HERE = Path(__file__).resolve().parents[1]

# ruff: noqa: E501  # the floor is kept short
FLOOR = r"""
import hashlib, os, re, stat, subprocess, sys
root = os.fsencode(sys.argv[1])
ask = lambda *a: subprocess.run(["git", "-C", root, "ls-files", "-z", *a], capture_output=True).stdout.split(b"\0")[:-1]
paths = [one.split(b"\t", 1)[1] for one in ask("-s")] + ask("-o", "--exclude-standard")
script = re.compile(r"(?:from|import|require)[ \t(]*['\"]([^'\"\n]+)['\"]")
include = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[\"<]([^\">\n]+)", re.M)
jvm = re.compile(r"^import[ \t]+(?:static[ \t]+)?([\w.]+)", re.M)
find = {
    b".py": re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.M),
    b".go": re.compile(r"^import[ \t]*(?:\(([^)]*)\)|[\w.]*[ \t]*\"([^\"]+)\")", re.M),
    b".php": re.compile(r"^use[ \t]+([\w\\]+)", re.M), b".rs": re.compile(r"^[ \t]*(?:use|mod)[ \t]+([\w:]+)", re.M),
    b".rb": re.compile(r"^[ \t]*require(?:_relative)?[ \t(]*['\"]([^'\"]+)", re.M), b".java": jvm, b".kt": jvm,
    b".ts": script, b".js": script, b".tsx": script, b".c": include, b".h": include, b".cc": include, b".cpp": include,
}
lines = found = 0
for path in paths:
    full = os.path.join(root, path)
    try:
        status = os.lstat(full)
    except OSError:
        continue
    if not stat.S_ISREG(status.st_mode) or status.st_size > 1 << 20:
        continue
    with open(full, "rb") as file:
        content = file.read()
    if b"\0" in content[:8192]:
        continue
    hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    text = content.decode("utf-8", "replace")
    lines += text.count("\n")
    pattern = find.get(os.path.splitext(path)[1])
    found += len(pattern.findall(text)) if pattern else 0
print(len(paths), lines, found)
"""
INVENTORY = """
import os, sys
from archfb.repository import inventory
from archfb.repository.records import ReadLimits
print(len(inventory.take(os.fsencode(sys.argv[1]), ReadLimits(), os.environ).paths))
"""
FACTS = """
import os, sys, pathlib
from archfb.repository import inventory
from archfb.repository.cache import Cache
from archfb.repository.records import ReadLimits
from archfb.repository.study import Study
limits = ReadLimits()
found = inventory.take(os.fsencode(sys.argv[1]), limits, os.environ)
study = Study(os.fsencode(sys.argv[1]), limits, Cache(pathlib.Path(sys.argv[2])))
print(len(study.read(found.paths, found.stats[::4])))
study.keep()
"""
READ = """
import sys, pathlib
from archfb.repository.read import read_repository
print(len(read_repository(pathlib.Path(sys.argv[1]), cache_dir=pathlib.Path(sys.argv[2])).files))
"""
PACK = """
import sys, pathlib
from archfb.repository.pack import pack
from archfb.repository.read import read_repository
print(pack(read_repository(pathlib.Path(sys.argv[1]), cache_dir=pathlib.Path(sys.argv[2])), 100_000).tokens)
"""


class Measured:
    """CPU seconds, wall seconds and the largest memory of whole processes."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.peak = 0

    def run(self, command: list[str], environ: dict[str, str]) -> None:
        """Run one process and add what it took."""
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ)
        _, _, used = os.wait4(process.pid, 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall.append(time.perf_counter() - started)
        self.cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        self.peak = max(self.peak, used.ru_maxrss // 1024)

    def __str__(self) -> str:
        return f"cpu {statistics.median(self.cpu):7.3f} s   wall {statistics.median(self.wall):7.3f} s   {self.peak:5} MiB"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("repository", type=Path)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--pairs", type=int, default=0)
    options.add_argument("--largest", action="store_true")
    options.add_argument("--repomix", action="store_true")
    options.add_argument("--gitingest", action="store_true")
    options.add_argument("--aider", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        subprocess.run(["cp", "-a", str(chosen.repository), str(copy)], check=True)
        changed, files = source(copy, largest=chosen.largest)
        if chosen.rounds:
            report(measured(copy, Path(place), chosen.rounds, changed, peers(chosen, copy, Path(place))), files)
        if chosen.pairs:
            print(
                f"{paired(copy, Path(place), chosen.pairs, changed):6.2f} x  (target 1.1)  one changed, median of pairs"
            )


def peers(chosen: argparse.Namespace, copy: Path, place: Path) -> dict[str, list[str]]:
    """Return the commands of the peers that were asked for."""
    found = {"rg --files --hidden": ["rg", "--files", "--hidden", str(copy)]} if shutil.which("rg") else {}
    if chosen.repomix:
        found["repomix"] = ["repomix", str(copy), "-o", str(place / "repomix.out")]
    if chosen.gitingest:
        gitingest = Path(python_of("gitingest")).parent / "gitingest"
        found["gitingest"] = [str(gitingest), str(copy), "-o", str(place / "gitingest.out")]
    if chosen.aider:
        found["aider, cold"] = found["aider, warm"] = aider(copy)
    return found


def aider(copy: Path) -> list[str]:
    """Return the command that prints aider's map of a repository; nothing of it needs the network."""
    asked = "--show-repo-map --map-tokens 4096 --model gpt-4o --yes-always --no-analytics --no-check-update"
    quiet = "--no-show-release-notes --no-show-model-warnings --no-gitignore --no-pretty"
    program = Path(python_of("aider")).parent / "aider"
    return ["env", "-C", str(copy), str(program), *asked.split(), *quiet.split()]


def environment(place: Path) -> dict[str, str]:
    """Return an environment without the user's folders, with compiled modules kept in `place`."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {
        "AIDER_ANALYTICS_DISABLE": "1",
        "HOME": str(place),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OPENAI_API_KEY": "none",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": f"{HERE / 'cli'}:{HERE / 'state'}",
        "PYTHONPYCACHEPREFIX": str(place / "compiled"),
        "XDG_CACHE_HOME": str(place / "cache"),
    }


def measured(copy: Path, place: Path, rounds: int, target: Path, others: dict[str, list[str]]) -> dict[str, Measured]:
    """Return what each step took; `target` is the file to be changed."""
    python = [sys.executable, "-c"]
    results: dict[str, Measured] = {}
    original = target.read_bytes()
    environ = environment(place)

    def fresh(number: int, name: str) -> str:
        return str(place / f"cache-{name}-{number}")

    for number in range(-1, rounds):  # the first time is for compiling
        commands = {"python -c pass": [*python, "pass"], **(others if number >= 0 else {})}
        commands["floor"] = [*python, FLOOR, str(copy)]
        commands["inventory"] = [*python, INVENTORY, str(copy)]
        commands["facts, cold"] = [*python, FACTS, str(copy), fresh(number, "facts")]
        commands["read, cold"] = [*python, READ, str(copy), fresh(number, "read")]
        commands["read, nothing changed"] = [*python, READ, str(copy), fresh(number, "read")]
        commands["read, one changed"] = [*python, READ, str(copy), fresh(number, "read")]
        commands["pack 100k, cold"] = [*python, PACK, str(copy), fresh(number, "pack")]
        commands["analysis, cold"] = analysis(copy, place, number)
        for name, command in commands.items():
            if name == "read, one changed":
                target.write_bytes(original + b"\n" * (number + 2))
            if name in ("aider, cold", "analysis, cold"):
                forget(copy, place)
            (results.setdefault(name, Measured()) if number >= 0 else Measured()).run(command, environ)
        target.write_bytes(original)
    return results


def paired(copy: Path, place: Path, pairs: int, target: Path) -> float:
    """Return the CPU of reading with one file changed ÷ with none, the median over the pairs."""
    unchanged, original, environ = place / "unchanged", target.read_bytes(), environment(place)
    subprocess.run(["cp", "-a", str(copy), str(unchanged)], check=True)
    time.sleep(0.1)  # until no file is too young to be told by its times
    commands = [[sys.executable, "-c", READ, str(one), str(place / "pairs")] for one in (unchanged, copy)]
    ratios = []
    for number in range(-2, pairs):  # the first times are for compiling and for the cache
        taken = Measured()
        for command in commands:
            if command is commands[1] and number >= -1:
                target.write_bytes(original + b"\n" * (number + 2))
            taken.run(command, environ)
        if number >= 0:
            ratios.append(taken.cpu[1] / taken.cpu[0])
    return statistics.median(ratios)


def analysis(copy: Path, place: Path, number: int) -> list[str]:
    """Return the command of a whole offline analysis."""
    words = ["run", "all", str(copy), "--offline", "--out", str(place / f"out-{number}"), "--fresh"]
    return [sys.executable, "-m", "archfb", *words, "--state", str(place / "state.db"), "-q"]


def forget(copy: Path, place: Path) -> None:
    """Remove what aider and archfb know of earlier times."""
    for folder in [*copy.glob(".aider.tags.cache*"), place / "cache"]:
        shutil.rmtree(folder, ignore_errors=True)


def source(copy: Path, *, largest: bool) -> tuple[Path, int]:
    """Return the source file of median size, or the largest, and how many files there are."""
    from archfb.repository.read import read_repository

    with tempfile.TemporaryDirectory() as cache:
        repo = read_repository(copy, cache_dir=cache)
    found = sorted((one.size, one.path) for one in repo.files if one.role == "source" and one.whole)
    return copy / found[-1 if largest else len(found) // 2][1], len(repo.files)


TARGETS = (
    ("inventory", "rg --files --hidden", 3.0, "inventory - python ≤ 3 x rg --files"),
    ("facts, cold", "floor", 2.0, "facts of every file, cold ≤ 2 x the floor"),
    ("read, nothing changed", "inventory", 2.0, "nothing changed ≤ 2 x inventory"),
    ("read, one changed", "read, nothing changed", 1.1, "one changed ≤ 1.1 x nothing changed"),
    ("facts, cold", "repomix", 0.10, "facts ≤ 0.10 x repomix"),
    ("facts, cold", "gitingest", 0.06, "facts ≤ 0.06 x gitingest"),
    ("analysis, cold", "aider, cold", 0.10, "a whole offline analysis ≤ 0.10 x aider's cold map"),
)


TEN = ("read, nothing changed", "python -c pass", 3.0, "of ten files, nothing changed ≤ 3 x Python's start")


def report(results: dict[str, Measured], files: int) -> None:
    """Print the table and the ratios."""
    for name, one in results.items():
        print(f"{name:24} {one}")
    start = statistics.median(results["python -c pass"].cpu)
    for ours, theirs, limit, said in (*TARGETS, *([TEN] if files <= 10 else [])):
        if theirs in results:
            mine = statistics.median(results[ours].cpu) - (start if ours == "inventory" else 0.0)
            print(f"{mine / statistics.median(results[theirs].cpu):6.2f} x  (target {limit})  {said}")
    if "repomix" in results:
        ratio = statistics.median(results["pack 100k, cold"].wall) / statistics.median(results["repomix"].wall)
        print(f"{ratio:6.2f} x  (target 0.15)  packed context, cold, wall ≤ 0.15 x repomix")
        print(f"{results['pack 100k, cold'].peak / results['repomix'].peak:6.2f} x  (target 0.25)  its memory")


if __name__ == "__main__":
    main()
