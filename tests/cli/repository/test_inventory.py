from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sample_repositories import awkward, git, planted, visible, write

from archfb.repository import index, inventory
from archfb.repository.folders import Folders
from archfb.repository.git import commit_of
from archfb.repository.ignore import Layer, ignored, parse
from archfb.repository.records import ReadLimits
from archfb.repository.walk import walk


def taken(
    folder: Path, limits: ReadLimits | None = None, environ: dict[str, str] | None = None
) -> inventory.Inventory:
    return inventory.take(os.fsencode(folder), limits or ReadLimits(), {"PATH": os.environ["PATH"]} | (environ or {}))


def names(found: inventory.Inventory, *but: str) -> set[bytes]:
    return set(found.paths) | {name for why, some in found.skipped.items() for name in some if why not in but}


def test_the_files_of_an_awkward_repository_are_those_that_git_lists(tmp_path: Path) -> None:
    folder = awkward(tmp_path / "r")
    found = taken(folder)
    assert found.listing == "git"
    assert names(found, "special") == visible(folder)
    assert found.skipped["link"] == [b"escape", b"link.c", b"linkdir", b"loop", b"src/up"]
    assert found.skipped["submodule"] == [b"inner/"]
    assert found.skipped["special"] == [b"pipe"]


def test_without_git_a_walk_with_the_same_rules_and_the_index_read_directly_gives_the_same(tmp_path: Path) -> None:
    folder = awkward(tmp_path / "r")
    found = taken(folder, environ={"PATH": str(tmp_path)})
    assert found.listing == "index"
    assert names(found, "special") == visible(folder)
    assert found.notes == ["git cannot be asked here: its index was read directly"]


def test_a_folder_below_the_top_is_a_repository_of_its_own_files(tmp_path: Path) -> None:
    folder = awkward(tmp_path / "r")
    assert names(taken(folder / "nest")) == {b".gitignore", b"a.log", b"in/only.txt"}


def test_a_plain_folder_is_walked(tmp_path: Path) -> None:
    write(tmp_path / "p", {".gitignore": "*.log\n", "a.log": "x", "a.py": "x", "in/b.py": "x", "in/.git/config": "x"})
    found = taken(tmp_path / "p")
    assert (found.listing, found.paths) == ("walk", [b".gitignore", b"a.py", b"in/b.py"])


@pytest.mark.parametrize("version", [2, 3, 4])
def test_the_index_is_read_in_every_version(tmp_path: Path, version: int) -> None:
    folder = planted(tmp_path / "r", {f"folder-{n % 7}/file-{n}.txt": "x" for n in range(40)})
    git(folder, "add", "-A")
    if version == 3:
        write(folder, {"later.txt": "x"})
        git(folder, "add", "-N", "later.txt")
    git(folder, "update-index", "--index-version", str(version))
    assert index.tracked(os.fsencode(folder)) == git(folder, "ls-files", "-z").split(b"\0")[:-1]


@pytest.mark.parametrize(
    "content", [b"", b"DIRC", b"DIRC\0\0\0\x02\xff\xff\xff\xff" + bytes(20), b"DIRC\0\0\0\x02\0\0\0\x05" + bytes(400)]
)
def test_a_broken_index_is_no_index(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, {".git/index": content})
    assert index.tracked(os.fsencode(tmp_path)) is None


def test_tracked_files_that_are_gone_are_a_reported_skip(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x", "b.py": "x"}, commit=True)
    (folder / "b.py").unlink()
    found = taken(folder)
    assert (found.paths, found.skipped) == ([b"a.py"], {"missing": [b"b.py"]})


def test_an_ignore_rule_never_hides_tracked_files(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {".gitignore": "/*\n", "a.py": "x", "in/b.py": "x"}, commit=True)
    assert taken(folder).paths == [b".gitignore", b"a.py", b"in/b.py"]


def test_a_tracked_path_through_a_link_is_not_followed(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {"sub/passwd": "ours", "a.py": "x"}, commit=True)
    (folder / "sub" / "passwd").unlink()
    (folder / "sub").rmdir()
    (folder / "sub").symlink_to("/etc")
    found = taken(folder)
    assert found.paths == [b"a.py"]
    with Folders(os.fsencode(folder)) as folders:
        assert folders.read(b"sub/passwd", 100) is None
        assert [folders.at(one) for one in (b"..", b"../r", b"/etc", b"./..", b"no", b"a.py")] == [None] * 6


def test_pipes_sockets_devices_and_links_are_never_opened_to_wait(tmp_path: Path) -> None:  # row 81
    folder = planted(tmp_path / "r", {"a.py": "x"})
    os.mkfifo(folder / "pipe.py")
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(os.path.relpath(folder / "s"))
        (folder / "zero.py").symlink_to("/dev/zero")
        (folder / "round").symlink_to("round")
        found = taken(folder)
        assert found.skipped == {"link": [b"round", b"zero.py"], "special": [b"pipe.py", b"s"]}
        with Folders(os.fsencode(folder)) as folders:
            assert [folders.read(name, 10) for name in (b"pipe.py", b"s", b"zero.py", b"round")] == [None] * 4


def test_limits_are_met_and_said(tmp_path: Path) -> None:  # row 83
    folder = planted(
        tmp_path / "r", {f"{n:03}.txt": "x" for n in range(50)} | {"1/2/3/4/deep.txt": "x", "large": "x" * 99}
    )
    found = taken(folder, ReadLimits(files=20))
    assert (len(found.paths), found.not_listed) == (20, 32)
    assert found.notes == ["Stopped at limit 20 files: 32 not read; use --max-files"]
    found = taken(folder, ReadLimits(depth=3, content=50))
    assert found.skipped == {"deep": [b"1/2/3/4/deep.txt"]}
    assert found.notes == [
        "Stopped at limit 50 bytes in 1 larger file; use --max-file-size",
        "Stopped at limit 3 folders deep: 1 file not read; use --max-depth",
    ]


def test_a_walk_counts_what_it_does_not_list(tmp_path: Path) -> None:
    write(tmp_path / "p", {f"{n:03}.txt": "x" for n in range(50)})
    walked = walk(os.fsencode(tmp_path / "p"), None, ReadLimits(files=20))
    assert (len(walked.paths), walked.not_listed) == (20, 30)


def test_nothing_in_the_repositorys_git_configuration_runs(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x", ".gitattributes": "* diff=x filter=x\n"}, commit=True)
    canary, script = tmp_path / "canary", tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch '{canary}'\n")
    script.chmod(0o755)
    keys = [
        "core.fsmonitor",
        "core.hooksPath",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "diff.external",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.clean",
        "filter.x.process",
        "gpg.program",
        "credential.helper",
        "pager.log",
        "pager.ls-files",
        "alias.log",
        "alias.ls-files",
        "remote.origin.uploadpack",
        "uploadpack.packObjectsHook",
    ]
    for key in keys:
        git(folder, "config", key, f"!{script}" if key.startswith("alias") else str(script))
    git(folder, "config", "log.showSignature", "true")
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        write(folder, {f".git/hooks/{hook}": script.read_text()})
        (folder / ".git/hooks" / hook).chmod(0o755)
    found = taken(folder)
    assert found.paths == [b".gitattributes", b"a.py"]
    assert found.git is not None
    from archfb.repository import churn

    assert churn.count(churn.start(found.git, 10), 5.0, 10, {"a.py"}).commits == 1
    assert not canary.exists()


def test_missing_objects_are_not_fetched(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x"}, commit=True)
    canary = tmp_path / "canary"
    git(folder, "config", "remote.origin.url", f"ext::sh -c 'touch {canary}'")
    git(folder, "config", "remote.origin.promisor", "true")
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "core.repositoryFormatVersion", "1")
    git(folder, "config", "protocol.ext.allow", "always")
    tree = git(folder, "rev-parse", "HEAD^{tree}").decode().strip()
    (folder / ".git/objects" / tree[:2] / tree[2:]).unlink()
    found = taken(folder)
    from archfb.repository import churn

    assert found.git is not None
    assert churn.count(churn.start(found.git, 10), 5.0, 10, {"a.py"}).files == ()
    assert found.paths == [b"a.py"]
    assert not canary.exists()


HEADS = {
    "a branch": lambda folder: git(folder, "checkout", "-q", "-b", "some/branch"),
    "a commit": lambda folder: git(folder, "checkout", "-q", "--detach"),
    "packed": lambda folder: git(folder, "pack-refs", "--all"),
    "another name": lambda folder: git(folder, "symbolic-ref", "HEAD", "refs/heads/alias"),
    "no commit yet": lambda folder: git(folder, "checkout", "-q", "--orphan", "new"),
    "a tag of its own": lambda folder: git(folder, "tag", "-a", "-m", "x", "v1"),
}


@pytest.mark.parametrize("how", HEADS)
def test_the_commit_is_the_one_that_git_tells(tmp_path: Path, how: str) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x"}, commit=True)
    git(folder, "symbolic-ref", "refs/heads/alias", git(folder, "symbolic-ref", "HEAD").decode().strip())
    HEADS[how](folder)
    told = subprocess.run(["git", "-C", folder, "rev-parse", "-q", "--verify", "HEAD^{commit}"], capture_output=True)
    listing = inventory.Listing(os.fsencode(folder), ReadLimits(), os.environ)
    assert (listing.commit() or "") == told.stdout.decode().strip()
    listing.inventory()


def test_of_a_worktree_too(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x"}, commit=True)
    git(folder, "worktree", "add", "-q", str(tmp_path / "w"))
    listing = inventory.Listing(os.fsencode(tmp_path / "w"), ReadLimits(), os.environ)
    assert listing.commit() == git(folder, "rev-parse", "HEAD").decode().strip()
    listing.inventory()


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/hostname", "refs/heads/pipe", "refs/heads/link", "", "config"]
)
def test_a_head_that_leads_elsewhere_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x"}, commit=True)
    (tmp_path / "secret").write_text("a" * 40)
    os.mkfifo(folder / ".git/refs/heads/pipe")
    (folder / ".git/refs/heads/link").symlink_to(tmp_path / "secret")
    (folder / ".git/HEAD").write_text(f"ref: {name}\n")
    assert commit_of(os.fsencode(folder)) is None


def test_a_work_tree_elsewhere_and_git_variables_of_the_caller_change_nothing(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {"a.py": "x"}, commit=True)
    other = planted(tmp_path / "other", {"theirs.py": "x"}, commit=True)
    git(folder, "config", "core.worktree", str(other))
    found = taken(folder, environ={"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": "/nowhere"})
    assert found.paths == [b"a.py"]


GLOBS = st.text(alphabet="ab*?/[]!-.\\ #", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(["a", "!a", "b", "a"])
@example(["!a", "a", "!a"])
@given(st.lists(GLOBS, min_size=1, max_size=4))
def test_any_rules_mean_what_they_mean_to_git(tmp_path_factory: pytest.TempPathFactory, globs: list[str]) -> None:
    folder = tmp_path_factory.mktemp("g")
    content = "\n".join(globs).encode()
    planted(
        folder, dict.fromkeys(["a", "b", "ab", "a.b", "b-a", "a b", "d/a", "d/b", "d/e/a", "d/e/b.a", "e/ab/a"], "x")
    )
    write(folder, {".gitignore": content})
    layers = [Layer(b"", parse(content))]
    walked = walk(os.fsencode(folder), os.fsencode(folder), ReadLimits())
    assert set(walked.paths) == visible(folder), content
    assert ignored(b"a", is_folder=False, layers=layers) == (b"a" not in visible(folder))
