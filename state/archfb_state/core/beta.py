"""The success of a model as a Beta posterior: its mean, and a bound that it passes 19 times of 20."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

PRIOR_SUCCESSES = 9.5
PRIOR_FAILURES = 0.5
"""The prior of a model that nothing is known of: ten calls of which nine and a half went well."""

_Z = -1.6448536269514722
_SKEW_TERM = (_Z * _Z - 1.0) / 6.0


def mean(successes: float, failures: float) -> float:
    """Return (a + 9.5) / (a + b + 10)."""
    return (successes + PRIOR_SUCCESSES) / (successes + failures + PRIOR_SUCCESSES + PRIOR_FAILURES)


@lru_cache(maxsize=1024)
def low(successes: float, failures: float) -> float:
    """Return about the 5 % quantile (Cornish and Fisher's expansion to the skewness), at least 0.01."""
    a, b = successes + PRIOR_SUCCESSES, failures + PRIOR_FAILURES
    n = a + b
    centre = a / n
    spread = sqrt(a * b / (n + 1.0)) / n
    skewness = 2.0 * (b - a) * sqrt(n + 1.0) / ((n + 2.0) * sqrt(a * b))
    return max(0.01, centre + spread * (_Z + _SKEW_TERM * skewness))
