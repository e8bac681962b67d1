"""The history is asked of git once a commit, and only when it is wanted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sample_repositories import git, planted

from archfb.errors import RepositoryError
from archfb.repository.read import read_repository
from archfb.repository.records import Changed, Repository


class World:
    """A repository, and a git that writes down what it is asked."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = planted(place / "repo", {"a.py": "import b\n", "b.py": "x = 1\n"}, commit=True)
        self.said = place / "said"
        self.said.touch()
        program = place / "bin" / "git"
        program.parent.mkdir()
        real = shutil.which("git")
        program.write_text(f'#!/bin/sh\necho "$*" >> {self.said}\nexec {real} "$@"\n')
        program.chmod(0o755)

    def read(self, **options: object) -> Repository:
        environ = os.environ | {"PATH": f"{self.place / 'bin'}:{os.environ['PATH']}"}
        return read_repository(self.folder, cache_dir=self.place / "cache", environ=environ, **options)  # type: ignore[arg-type]

    def asked(self) -> int:
        """Return how often a history was asked for since the last time."""
        lines = self.said.read_text().splitlines()
        self.said.write_text("")
        return sum(" log " in line for line in lines)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_reading_asks_for_no_history_until_it_is_wanted_and_then_once(world: World) -> None:
    repo = world.read()
    assert world.asked() == 0
    assert repo.churn.files == (Changed("a.py", 1), Changed("b.py", 1))
    assert repo.churn.commits == 1
    assert world.asked() == 1
    assert world.read().churn == repo.churn
    assert world.read(history=True).churn == repo.churn
    assert world.asked() == 0


def test_a_history_that_will_be_wanted_is_asked_for_while_the_rest_is_read(world: World) -> None:
    repo = world.read(history=True)
    assert repo.churn.commits == 1
    assert world.asked() == 1
    assert world.read() == repo
    assert world.asked() == 0


def test_another_commit_or_other_files_are_another_history(world: World) -> None:
    before = world.read().churn
    (world.folder / "a.py").write_text("import b, c\n")
    git(world.folder, "commit", "-qam", "More.")
    world.asked()
    after = world.read().churn
    assert (before.commits, after.commits, after.files[0]) == (1, 2, Changed("a.py", 2))
    (world.folder / "b.py").unlink()
    assert world.read().churn.files == (Changed("a.py", 2),)
    assert world.asked() == 2


def test_what_is_kept_of_a_history_may_be_damaged(world: World) -> None:
    from archfb.repository.cache import Cache

    repo = world.read()
    assert repo.churn.commits == 1
    cache = Cache(world.place / "cache")
    key = repo.past._key  # type: ignore[attr-defined]
    for content in (b"", b"[]", b"{", b'{"commit": 1}', cache.picture(key)[:-9]):  # type: ignore[index]
        cache.keep_picture(key, content)
        assert world.read().churn == repo.churn
    cache.close()


def test_a_history_asked_for_and_not_wanted_is_let_go(world: World) -> None:
    repo = world.read(history=True)
    process = repo.past._asked._process  # type: ignore[attr-defined]
    del repo
    with pytest.raises(ChildProcessError):
        os.waitpid(process, os.WNOHANG)


def test_an_empty_repository_leaves_no_git_behind(tmp_path: Path) -> None:
    folder = planted(tmp_path / "empty", {"gone.py": "x\n"}, commit=True)
    (folder / "gone.py").unlink()
    with pytest.raises(RepositoryError):
        read_repository(folder, cache_dir=tmp_path / "cache", history=True)
