from __future__ import annotations

from math import exp, lgamma, log

import pytest

from archfb_state.core import beta


def below(x: float, a: float, b: float, steps: int = 20_000) -> float:
    """Return the share of Beta(a, b) below x, by the midpoints of u = t^a, which tames both ends."""
    whole = exp(lgamma(a) + lgamma(b) - lgamma(a + b))
    mapped = x**a
    total = 0.0
    for step in range(steps):
        u = mapped * (step + 0.5) / steps
        total += exp((b - 1) * log(1 - u ** (1 / a)))
    return total * mapped / steps / a / whole


@pytest.mark.parametrize(("good", "bad"), [(0, 0), (0, 3), (10, 0), (40, 10), (25, 25), (0, 50), (49, 1)])
def test_the_low_bound_is_passed_about_19_times_of_20(good: float, bad: float) -> None:
    assert below(beta.low(good, bad), good + 9.5, bad + 0.5) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("good", "bad", "low"),
    [(0, 0, 0.799273), (10, 0, 0.894412), (0, 3, 0.518285), (5, 5, 0.553101), (50, 0, 0.963505)],
)
def test_the_low_bound_is_the_expansions(good: float, bad: float, low: float) -> None:
    assert beta.low(good, bad) == pytest.approx(low, abs=1e-6)


def test_the_mean_is_that_of_the_prior_and_the_evidence() -> None:
    assert beta.mean(0, 0) == 0.95
    assert beta.mean(10, 10) == 19.5 / 30


@pytest.mark.parametrize(("good", "bad"), [(0, 1e9), (0, 1e300)])
def test_the_bound_never_reaches_zero(good: float, bad: float) -> None:
    assert beta.low(good, bad) == 0.01
