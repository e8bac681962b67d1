"""The wheel, built and installed outside the checkout, works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*words: str, cwd: Path, **env: str) -> str:
    """Run a program without the checkout on its path; it must end well. Returns what it printed."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(words, cwd=cwd, env={**variables, **env}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", str(CHECKOUT), "-w", str(folder)]
    run(sys.executable, "-m", "pip", *words, cwd=folder)
    return next(folder.glob("*.whl"))


def lend(folder: Path) -> None:
    """Link into a folder of packages what the wheel says it needs, and nothing else, without asking an index."""
    wanted, known = ["archfb"], set[str]()
    while wanted:
        found = distribution(wanted.pop())
        for line in found.requires or []:
            needs = Requirement(line)
            name = canonicalize_name(needs.name)
            if name not in known and (needs.marker is None or needs.marker.evaluate({"extra": ""})):
                known.add(name)
                wanted.append(name)
    for name in known:
        found = distribution(name)
        for top in {one.parts[0] for one in found.files or []} - {"..", "__pycache__"}:
            (folder / top).symlink_to(Path(str(found.locate_file(top))))


def test_the_wheel_carries_both_components_and_the_shipped_configuration(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert archive.read("archfb/fallback.toml") == (CHECKOUT / "fallback.toml").read_bytes()
    assert {"archfb/__main__.py", "archfb/py.typed", "archfb_state/store.py", "archfb_state/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_installed_elsewhere_it_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"), cwd=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    words = ["--python", python, "install", "-q", "--no-deps", "--no-index", "--no-compile", str(wheel)]
    run(sys.executable, "-m", "pip", *words, cwd=tmp_path)
    lend(next((tmp_path / "venv" / "lib").glob("*/site-packages")))
    archfb = str(tmp_path / "venv" / "bin" / "archfb")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "main.py").write_text("def main():\n    return 42\n")

    assert run(archfb, "--version", cwd=tmp_path).startswith("archfb ")
    assert str(tmp_path / "venv") in run(archfb, "config", "path", cwd=tmp_path)
    document = json.loads(run(archfb, "run", "phase2", str(repo), "--json", cwd=tmp_path))
    assert [(one["phase"], one["status"]) for one in document["phases"]] == [("phase1", "done"), ("phase2", "done")]
    assert "gemini-basic" in run(python, "-m", "archfb", "status", cwd=tmp_path)
