"""How much a request asks of a model: its size first, then what is asked, as a score with its terms."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archfb_state.settings import Tier

TIERS: tuple[Tier, ...] = ("low", "medium", "high")

PHASES = {"phase2": 0.1, "phase3": 0.3, "phase4": 0.2, "final": 0.3}
"""What a phase adds: analysis of code and the synthesis ask for more than listing or checking."""
PER_FILE, MOST_FILES = 0.01, 0.4
PER_LANGUAGE, MOST_LANGUAGES = 0.1, 0.3
DEEP = 0.4
"""What an explicit wish for deep reasoning adds."""
RAISES = 1.0
"""The sum of what is asked from which the tier is one higher: no single term reaches it."""


def complexity(
    chars: int,
    medium_from: int,
    high_from: int,
    *,
    phase: str,
    files: int = 0,
    languages: int = 0,
    deep: bool = False,
) -> tuple[Tier, dict[str, float]]:
    """Return the tier that a request needs, and the terms of how it came about.

    Size decides: below `medium_from` characters low, below `high_from` medium, else high. What is asked (phase 0 to
    0.3, files 0.01 each up to 0.4, languages beyond the first 0.1 each up to 0.3, deep reasoning 0.4) raises it by
    one tier when it adds up to 1, and never lowers it.
    """
    return _needed(int(chars >= medium_from) + int(chars >= high_from), phase, files, languages, deep)


@lru_cache(maxsize=256)
def _needed(size: int, phase: str, files: int, languages: int, deep: bool) -> tuple[Tier, dict[str, float]]:
    """Return the tier and its terms: the same mapping for the same request, so that it is written out once."""
    asked = {
        "phase": PHASES.get(phase, 0.0),
        "files": min(max(files, 0) * PER_FILE, MOST_FILES),
        "languages": min(max(languages - 1, 0) * PER_LANGUAGE, MOST_LANGUAGES),
        "reasoning": DEEP if deep else 0.0,
    }
    raised = int(sum(asked.values()) >= RAISES - 1e-9 and size < len(TIERS) - 1)
    return TIERS[size + raised], {"size": float(size), **asked, "raised": float(raised)}
