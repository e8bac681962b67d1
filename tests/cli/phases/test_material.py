"""Earlier results fit the budget they are given; what is cut says so, and nothing is lost on the way to a map."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.phases.material import _merged, batches, contents, file_list, fitted, grouped
from archfb.phases.prompting import Material
from archfb.phases.reduction import condensed
from archfb.repository.records import Piece
from archfb.repository.tokens import estimate


def block(name: str, lines: int) -> Material:
    return Material(name, "\n".join(f"- statement {at} about something of the shop" for at in range(lines)))


def test_what_fits_is_left_alone() -> None:
    blocks = [block("a", 3), block("b", 4)]
    assert fitted(blocks, 10_000) == blocks
    assert fitted([], 10) == []


def test_the_long_are_cut_at_a_line_and_say_so_and_the_short_stay_whole() -> None:
    short, long = block("short", 2), block("long", 500)
    kept = fitted([short, long], 1000)
    assert kept[0] == short
    lines = kept[1].text.splitlines()
    assert lines[-1].startswith("(shortened: ")
    assert int(lines[-1].split()[1].replace(",", "")) + len(lines) - 1 == 500
    assert lines[:-1] == long.text.splitlines()[: len(lines) - 1]


@given(st.lists(st.integers(0, 120), max_size=5), st.integers(200, 3000))
def test_fitted_material_stays_about_its_budget(sizes: list[int], tokens: int) -> None:
    kept = fitted([block(str(at), size) for at, size in enumerate(sizes)], tokens)
    assert sum(estimate(one.text) for one in kept) <= tokens * 1.1 + 20 * len(kept)


@given(st.lists(st.integers(0, 200), max_size=5), st.integers(60, 2000))
def test_groups_hold_every_line_once_in_order_each_within_its_budget(sizes: list[int], tokens: int) -> None:
    blocks = [block(str(at), size) for at, size in enumerate(sizes)]
    groups = grouped(blocks, tokens)
    told = [line for group in groups for one in group for line in one.text.splitlines()]
    assert told == [line for one in blocks for line in one.text.splitlines()]
    assert all(sum(estimate(one.text) for one in group) <= tokens + 40 for group in groups)


def test_a_block_longer_than_a_group_is_split_and_numbered() -> None:
    titles = [one.title for group in grouped([block("a", 100)], 300) for one in group]
    assert titles == [f"a (part {at})" for at in range(1, len(titles) + 1)]
    assert len(titles) > 1


def test_without_a_model_the_first_third_of_each_section_stands_in() -> None:
    text = "## One\n\n- a\n- b\n- c\n\n## Two\n\n- d\n"
    assert condensed([Material("x", text)]) == "## One\n- a\n## Two\n- d\n"


def test_the_file_list_names_what_matters_first_and_counts_what_it_leaves_out(shop: Any) -> None:
    whole = file_list(shop, 10_000).text.splitlines()
    assert whole[1].split(" · ")[0].startswith("shop/")
    assert "tests/test_cart.py" in whole[-1]
    assert ".env" not in "\n".join(whole)
    short = file_list(shop, 60).text
    assert "further files are not listed)" in short


def test_batches_hold_each_line_once_and_split_a_large_file(kit: Any) -> None:
    repo = kit.repository({"big.py": kit.body("big", 3000), "small.py": kit.body("small", 10)})
    found = batches(repo, ["big.py", "small.py"], 3000)
    seen = [(one.path, one.first, one.last) for pieces in found for one in pieces]
    assert ("small.py", 1, 0) in seen
    parts = sorted((first, last) for path, first, last in seen if path == "big.py")
    assert len(parts) > 1
    assert parts[0][0] == 1
    assert all(one[1] + 1 == other[0] for one, other in pairwise(parts))
    for pieces in found:
        assert len({one.path for one in pieces}) == len(pieces)
        assert estimate(contents(repo, pieces, 3000).text) <= 3000


@pytest.mark.parametrize("tokens", [400, 900, 3000])
def test_contents_never_pass_their_budget(shop: Any, tokens: int) -> None:
    pieces = [one for part in batches(shop, list(shop.by_path), 3000) for one in part]
    assert estimate(contents(shop, pieces, tokens).text) <= tokens


def test_pieces_of_a_file_that_follow_each_other_are_shown_as_one() -> None:
    pieces = [
        Piece("a.py", 1, 40),
        Piece("a.py", 41, 90),
        Piece("a.py", 95, 99),
        Piece("b.py", 100, 120),
        Piece("c.py"),
    ]
    merged = (Piece("a.py", 1, 90), *pieces[2:])
    assert _merged(pieces) == merged
