"""What was worked out last is kept for as many names as are ever asked together, and no more."""

from __future__ import annotations

from archfb_state.core.latest import MOST, Latest


def test_a_name_has_its_last_value_until_there_are_too_many_names() -> None:
    kept: Latest[int] = Latest()
    for n in range(MOST):
        assert kept.keep(str(n), n) == n
    assert len(kept) == MOST
    assert (kept["0"], kept[str(MOST - 1)]) == (0, MOST - 1)
    assert kept.keep("one more", -1) == -1
    assert kept == {"one more": -1}
