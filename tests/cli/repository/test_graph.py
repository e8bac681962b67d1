from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.repository import graph

NAMES = [f"n{number}" for number in range(8)]
GRAPHS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), unique=True, min_size=1), max_size=8
)


def test_what_is_imported_most_ranks_first_and_the_ranks_sum_to_one() -> None:
    drawn = graph.build({"a": ["c"], "b": ["c"], "c": ["d"]}, ["a", "b", "c", "d"])
    assert sorted(drawn.rank, key=lambda path: -drawn.rank[path]) == ["d", "c", "a", "b"]
    assert sum(drawn.rank.values()) == pytest.approx(1)
    assert drawn.layer == {"a": 2, "b": 2, "c": 1, "d": 0}
    assert drawn.importers == {"c": 2, "d": 1}


def test_declarations_of_types_make_no_circle() -> None:
    drawn = graph.build({"a.js": ["b.d.ts"], "b.d.ts": ["a.js"], "c.js": ["d.js"], "d.js": ["c.js"]}, [])
    assert drawn.cycles == (("c.js", "d.js"),)
    assert drawn.importers["a.js"] == 1


def test_who_is_silent_has_no_say_in_the_rank_unless_all_are() -> None:
    edges = {"tests/a": ["helper", "x"], "tests/b": ["helper"], "m": ["x"]}
    paths = ["helper", "m", "tests/a", "tests/b", "x"]
    drawn = graph.build(edges, paths, {"tests/a", "tests/b"})
    assert drawn.rank["x"] > drawn.rank["helper"] == drawn.rank["tests/a"] == drawn.rank["m"]
    assert sum(drawn.rank.values()) == pytest.approx(1)
    assert drawn.importers == {"helper": 2, "x": 2}
    assert graph.build(edges, paths, set(edges)) == graph.build(edges, paths)


def test_cycles_are_found_the_largest_first_and_are_one_layer() -> None:
    drawn = graph.build({"a": ["b"], "b": ["a", "x"], "x": ["y"], "y": ["z"], "z": ["x"]}, list("abxyz"))
    assert drawn.cycles == (("x", "y", "z"), ("a", "b"))
    assert drawn.layer == {"a": 1, "b": 1, "x": 0, "y": 0, "z": 0}


def test_a_folder_imported_as_one_stands_for_its_files_but_not_their_tests() -> None:
    drawn = graph.build({"main.go": ["p/"]}, ["main.go", "p/a.go", "p/a_test.go", "p/b.go"])
    assert drawn.importers == {"p/": 1, "p/a.go": 1, "p/b.go": 1}
    assert drawn.rank["p/a.go"] == drawn.rank["p/b.go"] > drawn.rank["main.go"]
    assert set(drawn.rank) == {"main.go", "p/a.go", "p/b.go"}


def test_a_chain_of_ten_thousand_needs_no_recursion() -> None:
    paths = [f"{number:05}" for number in range(10_000)]
    drawn = graph.build({path: [following] for path, following in pairwise(paths)}, paths)
    assert drawn.layer["00000"] == 9_999


@given(GRAPHS)
def test_any_graph_keeps_its_order_whatever_the_order_of_its_edges(edges: dict[str, list[str]]) -> None:
    drawn = graph.build(edges, NAMES)
    again = graph.build({path: edges[path][::-1] for path in reversed(edges)}, NAMES)
    assert drawn == again
    assert all(drawn.layer[path] >= drawn.layer[target] for path, targets in edges.items() for target in targets)
    for cycle in drawn.cycles:
        assert all(reaches(edges, one, other) for one in cycle for other in cycle if one != other)


def reaches(edges: dict[str, list[str]], one: str, other: str) -> bool:
    seen, todo = {one}, [one]
    while todo:
        for target in edges.get(todo.pop(), ()):
            if target == other:
                return True
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return False
