"""The explained decision, compared as a whole."""

from __future__ import annotations

from rendering import text_of

from archfb.views.route_table import route_view
from archfb_state.decisions import Decision, Ranked

NOW = 1_800_000_000.0
DECISION = Decision(
    "phase2",
    "medium",
    "balanced",
    (
        Ranked("claude-basic", "healthy", 0.8123, True, "tier medium fits", {"weight": 0.85, "success": 0.955}),
        Ranked("[b]x[/]", "degraded", 0.1, True, "degraded: counts a quarter", {"weight": 0.7}, group=1),
        Ranked("gemini-basic", "unavailable", 0.0, False, "3 failures in a row", retry_at=NOW + 90),
        Ranked("openai-mini-low", "unavailable", 0.0, False, "no key (OPENAI_API_KEY)"),
    ),
    {"size": 1, "files": 214},
)

WHOLE = """\
phase2: medium complexity (size 1, files 214), balanced

#  Model            Status       Score  Why                         Terms                        Retry
──────────────────────────────────────────────────────────────────────────────────────────────────────
1  claude-basic     healthy      0.812  tier medium fits            weight=0.85 success=0.955        -
2  [b]x[/]          degraded     0.100  degraded: counts a quarter  weight=0.7                       -
-  gemini-basic     unavailable      -  3 failures in a row                                    in 90 s
-  openai-mini-low  unavailable      -  no key (OPENAI_API_KEY)                                      -

First claude-basic, then [b]x[/].
"""


def test_the_decision_is_shown_with_every_candidate() -> None:
    assert text_of(route_view(DECISION, 110, NOW), 110) == WHOLE


def test_a_narrow_terminal_gets_lines() -> None:
    assert text_of(route_view(DECISION, 40, NOW), 100) == (
        "phase2: medium complexity (size 1, files 214), balanced\n"
        "1 claude-basic: tier medium fits\n"
        "2 [b]x[/]: degraded: counts a quarter\n"
        "- gemini-basic: 3 failures in a row\n"
        "- openai-mini-low: no key (OPENAI_API_KEY)\n"
        "First claude-basic, then [b]x[/].\n"
    )


def test_nobody_is_said_to_be_nobody() -> None:
    assert text_of(route_view(Decision("final", "high", "priority", ()), 80, NOW)).endswith(
        "Nobody can be asked now.\n"
    )
