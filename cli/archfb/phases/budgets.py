"""How many tokens of material each phase's questions carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.routing.plan import OUTPUT_RESERVE

if TYPE_CHECKING:
    from archfb.config.model import Config, Model

CEILINGS = {
    "phase1": 24_000,
    "phase2": 32_000,
    "phase3": 48_000,
    "phase4": 80_000,
    "phase5": 80_000,
    "final": 32_000,
}
"""Tokens beyond which more material makes an answer dearer but not better: the middle of long prompts is lost."""

UNKNOWN = 24_000
"""Tokens where no window of the chain is known."""

PROMPT = 1_500
"""Tokens kept for the role's instruction and the fences."""

LEAST = 1_000
"""Below this no question makes sense; the router leaves such a model out."""


def budget(config: Config, phase: str, model: str | None = None, *, offline: bool = False) -> int:
    """Return a phase's tokens of material: from the largest window that its chain is configured with.

    It goes by the configuration alone, not by who is well now, so that an interrupted run splits its work the same
    way when it goes on. A candidate with a smaller window is given a smaller pack by the router's `build`.
    """
    names = (model,) if model is not None else config.chains.get(phase, ())
    windows = [] if offline else [_input(config, config.models[name]) for name in names if name in config.models]
    if not windows:
        return CEILINGS[phase]
    largest = max((one for one in windows if one is not None), default=UNKNOWN)
    return max(LEAST, min(CEILINGS[phase], largest - PROMPT))


def _input(config: Config, model: Model) -> int | None:
    window = model.context_window
    if window is None:
        from archfb.routing.prices import price

        window = price(model, config.providers[model.provider]).window
    return None if window is None else window - min(model.max_output_tokens or OUTPUT_RESERVE, window // 2)


def within(budget_tokens: int | None, own: int) -> int:
    """Return the material's tokens for a window that leaves `budget_tokens` for all input (None: the phase's own)."""
    return own if budget_tokens is None else max(LEAST // 2, min(own, budget_tokens - PROMPT))
