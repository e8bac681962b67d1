from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb_state.core.complexity import TIERS, complexity


@pytest.mark.parametrize(
    ("chars", "tier"),
    [(0, "low"), (4999, "low"), (5000, "medium"), (19999, "medium"), (20000, "high"), (10**9, "high")],
)
def test_size_decides_against_the_configured_limits(chars: int, tier: str) -> None:
    assert complexity(chars, 5000, 20000, phase="phase1")[0] == tier


RAISED: list[tuple[dict[str, Any], bool]] = [
    ({"phase": "phase3"}, False),
    ({"phase": "final", "deep": True}, False),
    ({"phase": "phase3", "deep": True, "files": 30}, True),
    ({"phase": "phase3", "deep": True, "files": 29}, False),
    ({"phase": "phase3", "files": 10_000, "languages": 4}, True),
    ({"phase": "phase1", "files": 10_000, "languages": 40}, False),
    ({"phase": "phase1", "files": -5, "languages": 0, "deep": True}, False),
    ({"phase": "phase4", "files": 40, "languages": 1, "deep": True}, True),
]


@pytest.mark.parametrize(("asked", "raised"), RAISED)
def test_what_is_asked_may_raise_it_by_one_tier(asked: dict[str, Any], raised: bool) -> None:
    for chars, at in ((10, 0), (6000, 1)):
        tier, terms = complexity(chars, 5000, 20000, **asked)
        assert tier == TIERS[at + raised]
        assert terms["raised"] == raised
        assert terms["size"] == at
    assert complexity(10**6, 5000, 20000, **asked)[0] == "high"


def test_the_terms_are_shown() -> None:
    _, terms = complexity(7000, 5000, 20000, phase="phase3", files=12, languages=3, deep=True)
    wanted = {"size": 1.0, "phase": 0.3, "files": 0.12, "languages": 0.2, "reasoning": 0.4, "raised": 1.0}
    assert terms == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ({"phase": "phase1"}, {}),
        ({"phase": "phase2"}, {"phase": 0.1}),
        ({"phase": "phase3"}, {"phase": 0.3}),
        ({"phase": "phase4"}, {"phase": 0.2}),
        ({"phase": "phase5"}, {}),
        ({"phase": "final"}, {"phase": 0.3}),
        ({"phase": "phase1", "files": -3, "languages": -3}, {}),
        ({"phase": "phase1", "files": 1, "languages": 1}, {"files": 0.01}),
        ({"phase": "phase1", "files": 41, "languages": 2}, {"files": 0.4, "languages": 0.1}),
        ({"phase": "phase1", "languages": 5, "deep": True}, {"languages": 0.3, "reasoning": 0.4}),
    ],
)
def test_each_term_has_its_weight_and_its_bounds(asked: dict[str, Any], terms: dict[str, float]) -> None:
    _, found = complexity(0, 5000, 20000, **asked)
    assert {name: value for name, value in found.items() if value} == pytest.approx(terms)


@given(
    st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**5), st.sampled_from(["phase1", "phase3", "x"]),
    st.integers(0, 10**6), st.integers(0, 99), st.booleans(),
)  # fmt: skip
def test_it_never_lowers(chars: int, one: int, more: int, phase: str, files: int, languages: int, deep: bool) -> None:
    plain, _ = complexity(chars, one, one + more, phase="phase1")
    tier, _ = complexity(chars, one, one + more, phase=phase, files=files, languages=languages, deep=deep)
    assert TIERS.index(tier) - TIERS.index(plain) in {0, 1}
