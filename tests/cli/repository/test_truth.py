"""Real repositories against what their own tools say of them.

Needs the folder of facts (`$ARCHFB_SHARED/repository_truth`, by default beside the checkout) and, below
`$ARCHFB_REPOSITORIES`, a checkout of each repository at the commit that its facts name. Skipped where missing.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from archfb.repository.pack import batches, overview, pack
from archfb.repository.read import read_repository
from archfb.repository.records import Repository

SHARED = Path(os.environ.get("ARCHFB_SHARED", Path(__file__).parents[4] / "shared")) / "repository_truth"
CHECKOUTS = os.environ.get("ARCHFB_REPOSITORIES")
NAMES = ["click", "gson", "jq", "sinatra", "vite"]


def facts(name: str) -> dict[str, Any]:
    path = SHARED / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"no facts at {path}")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module", params=NAMES)
def known(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any], Repository]:
    name = request.param
    truth = facts(name)
    folder = Path(CHECKOUTS) / name if CHECKOUTS else None
    if folder is None or not folder.is_dir():
        pytest.skip(f"no checkout of {truth['repo']} below $ARCHFB_REPOSITORIES")
    repo = read_repository(folder, cache_dir=tmp_path_factory.mktemp("cache"))
    if repo.commit != truth["commit"]:
        pytest.skip(f"{folder} is not at {truth['commit']}")
    return name, truth, repo


def test_every_tracked_file_is_listed(known: tuple[str, dict[str, Any], Repository]) -> None:
    _, truth, repo = known
    assert len(repo.files) + sum(skip.count for skip in repo.skipped) == truth["tracked_files"]


def test_the_manifests_are_the_members(known: tuple[str, dict[str, Any], Repository]) -> None:
    _, truth, repo = known
    expected = {path for path in truth["manifests"] if path not in repo.lock_files}
    assert {one.path for one in repo.manifests} == expected
    assert set(truth["manifests"]) - expected <= set(repo.lock_files)


def test_the_first_five_languages_are_the_same_within_two_points(
    known: tuple[str, dict[str, Any], Repository],
) -> None:
    _, truth, repo = known
    total = sum(truth["languages_linguist"].values())
    expected = sorted(truth["languages_linguist"].items(), key=lambda one: -one[1])[:5]
    assert [one.name for one in repo.languages[:5]] == [name for name, _ in expected]
    assert all(abs(one.share - size / total) < 0.02 for one, (_, size) in zip(repo.languages, expected, strict=False))


def wanted(name: str, truth: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Return the direct dependencies by manifest and scope ("" for all scopes of a manifest)."""
    found: dict[tuple[str, str], set[str]] = {}
    for key, names in truth["direct_dependencies"].items():
        bare = {one.split(" ")[0] for one in names}
        path, _, scope = key.partition(":")
        if name == "click":
            found["pyproject.toml", key] = bare
        elif name == "vite":
            found[f"{path}/package.json".removeprefix("./"), scope] = bare
        elif name != "jq":
            found[path, scope] = bare
    return found


def test_direct_dependencies_are_exact(known: tuple[str, dict[str, Any], Repository]) -> None:
    name, truth, repo = known
    for (path, scope), names in wanted(name, truth).items():
        found = {one.name for one in repo.dependencies if one.manifest == path and scope in ("", one.scope)}
        assert found == names, (path, scope)


def test_entry_points_and_the_test_command_are_found(known: tuple[str, dict[str, Any], Repository]) -> None:
    name, truth, repo = known
    found = {(one.name, one.target) for one in repo.entry_points}
    assert [one for one in truth["entry_points"] if (one["name"], one["target"]) not in found] == []
    tests = [one.command for one in repo.commands if one.purpose == "test"]
    ci = truth["test_command"]["ci"]
    expected = (
        ["tox run", truth["test_command"]["underlying"]] if name == "click" else [ci] if isinstance(ci, str) else ci
    )
    assert all(any(one in command for command in tests) for one in expected)


def test_every_context_of_it_stays_within_its_budget(known: tuple[str, dict[str, Any], Repository]) -> None:
    _, _, repo = known
    for budget in (1_000, 8_000, 60_000):
        assert pack(repo, budget).tokens <= budget
        assert overview(repo, budget).tokens <= budget
    sources = [file.path for file in repo.files if file.role == "source"]
    for batch in batches(repo, sources, 30_000)[:4]:
        packed = pack(repo, 30_000, files=batch.pieces)
        assert (packed.shortened, packed.left_out) == ((), ())


def test_the_import_graph_of_click_is_exact(tmp_path: Path) -> None:
    truth = facts("click")
    if not CHECKOUTS or not (Path(CHECKOUTS) / "click").is_dir():
        pytest.skip("no checkout of click below $ARCHFB_REPOSITORIES")
    repo = read_repository(Path(CHECKOUTS) / "click", cache_dir=tmp_path)

    def module(path: str) -> str:
        return path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    ours = [file for file in repo.ranked() if file.path.startswith("src/click/") and file.language == "Python"]
    edges = {(module(file.path), module(target)) for file in ours for target in file.imports}
    assert edges == {tuple(line.split()) for line in (SHARED / "click.edges.txt").read_text().splitlines()}
    central = {name for name, _ in truth["import_graph"]["top20_pagerank"]}
    assert len(central & {module(file.path) for file in ours[:20]}) >= 16


def test_the_most_included_headers_of_jq_are_found(tmp_path: Path) -> None:
    truth = facts("jq")
    if not CHECKOUTS or not (Path(CHECKOUTS) / "jq").is_dir():
        pytest.skip("no checkout of jq below $ARCHFB_REPOSITORIES")
    repo = read_repository(Path(CHECKOUTS) / "jq", cache_dir=tmp_path)
    counted: dict[str, int] = {}
    for file in repo.files:
        for target in file.imports if file.path.startswith("src/") else ():
            counted[target] = counted.get(target, 0) + 1
    first = sorted(counted, key=lambda path: (-counted[path], path))[:20]
    assert len(set(first) & {path for path, _ in truth["include_graph"]["top20_in_degree"]}) >= 16
    names = {one.name for one in repo.dependencies}
    assert {"onig", "m", "vendor/oniguruma", "autoconf", "automake", "libtool", "bison", "flex"} <= names


def test_the_awkward_repository_lists_what_git_lists(tmp_path: Path) -> None:
    generator = SHARED / "make_ignore_cases.py"
    if not generator.is_file():
        pytest.skip(f"no generator at {generator}")
    subprocess.run(
        ["python3", str(generator), str(tmp_path / "r"), str(tmp_path / "truth.json")],
        check=True,
        capture_output=True,
    )
    expected = set(json.loads((tmp_path / "truth.json").read_text())["visible"])
    repo = read_repository(tmp_path / "r", cache_dir=tmp_path / "cache")
    skipped = {name for skip in repo.skipped if skip.reason != "special" for name in skip.names}
    assert {file.path for file in repo.files} | skipped == expected
