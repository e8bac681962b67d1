"""Files that import each other stay together, groups are of similar size, and the same files give the same groups."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archfb.phases.clusters import clusters


def island(name: str, size: int) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return the files of a chain of modules that import each other."""
    paths = [f"{name}/{at}.py" for at in range(size)]
    return dict.fromkeys(paths, 40), {one: [other] for one, other in pairwise(paths)}


def sources(kit: Any, *islands: tuple[dict[str, int], dict[str, list[str]]]) -> Any:
    texts = {path: kit.body("x", lines) for files, _ in islands for path, lines in files.items()}
    imports = {path: targets for _, edges in islands for path, targets in edges.items()}
    return kit.repository(texts, imports)


def test_islands_of_the_import_graph_become_the_groups(kit: Any) -> None:
    repo = sources(kit, island("a", 6), island("b", 6), island("c", 6))
    groups = clusters(repo.files, 3)
    assert sorted({one.path[0] for one in group}.pop() for group in groups) == ["a", "b", "c"]
    assert all(len({one.path[0] for one in group}) == 1 for group in groups)


def test_imports_count_for_more_than_folders(kit: Any) -> None:
    texts = {path: kit.body("x") for path in ("a/1.py", "a/2.py", "b/1.py", "b/2.py")}
    repo = kit.repository(texts, {"a/1.py": ["b/1.py"], "a/2.py": ["b/2.py"]})
    groups = {frozenset(one.path for one in group) for group in clusters(repo.files, 2)}
    assert groups == {frozenset({"a/1.py", "b/1.py"}), frozenset({"a/2.py", "b/2.py"})}


def test_a_package_that_is_imported_as_a_whole_stays_together(kit: Any) -> None:
    texts = {f"{home}/{at}.go": kit.body("x") for home in ("a", "b") for at in range(4)}
    repo = kit.repository(texts | {"main.go": kit.body("m")}, {"main.go": ["a/", "b/"]})
    groups = clusters(repo.files, 2)
    homes = [{one.path[0] for one in group if one.path != "main.go"} for group in groups]
    assert sorted(homes, key=sorted) == [{"a"}, {"b"}]


def test_what_is_left_over_is_no_group_of_its_own(kit: Any) -> None:
    repo = sources(kit, island("a", 8), island("b", 8), ({"z/tiny.py": 3}, {}))
    groups = clusters(repo.files, 3)
    sizes = [sum(one.tokens for one in group) for group in groups]
    assert len(groups) == 3
    assert min(sizes) > 0.12 * sum(sizes) / 3


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_many_files_are_grouped_by_folder_first_and_none_is_lost(kit: Any, count: int) -> None:
    texts = {f"f{at % 30}/{at}.py": kit.body("x", 5 + at % 40) for at in range(150)}
    repo = kit.repository(texts)
    groups = clusters(repo.files, count)
    assert len(groups) == count
    assert sorted(one.path for group in groups for one in group) == sorted(texts)
    assert groups == clusters(tuple(reversed(repo.files)), count)


@given(
    st.lists(st.integers(1, 200), min_size=0, max_size=25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=40),
    st.integers(1, 5),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_file_is_in_exactly_one_group(
    kit: Any, sizes: list[int], edges: list[tuple[int, int]], count: int
) -> None:
    paths = [f"d{at % 3}/{at}.py" for at in range(len(sizes))]
    imports: dict[str, list[str]] = {}
    for one, other in edges:
        if one < len(paths) and other < len(paths) and one != other:
            imports.setdefault(paths[one], []).append(paths[other])
    repo = kit.repository({path: kit.body("x", size + 2) for path, size in zip(paths, sizes, strict=True)}, imports)
    groups = clusters(repo.files, count)
    assert sorted(one.path for group in groups for one in group) == sorted(paths)
    assert len(groups) <= count
    assert all(groups)


def test_a_file_beside_a_much_larger_one_ends_the_evening_out(kit: Any) -> None:
    repo = sources(kit, ({"a/tiny.py": 3, "b/large.py": 90}, {}))
    assert sorted(one.path for group in clusters(repo.files, 2) for one in group) == ["a/tiny.py", "b/large.py"]
