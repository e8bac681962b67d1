"""A replayed strategy, compared as a whole."""

from __future__ import annotations

from dataclasses import replace

from rendering import text_of

from archfb.routing.replay import Figures, Replay
from archfb.views.replay_view import replay_json, replay_view

FOUND = Replay(
    "cheapest",
    calls=1200,
    changed=340,
    known=0.62,
    actual=Figures(12.5, 3400.0, 4.0, 31.0),
    replayed=Figures(3.25, 4100.5, 4.0, 18.5),
    low=Figures(-9.75, 100.0, 0.0, -20.25),
    high=Figures(-8.0, 1300.0, 0.01, -4.0),
)


def test_figures_stand_beside_each_other_with_their_bounds() -> None:
    assert text_of(replay_view(FOUND, "phase3", 90), 90) == (
        "phase3: 1,200 calls again with cheapest; 340 would have asked another model first.\n"
        "\n"
        "                         As it was  As it would be  Change, 5 %      95 %\n"
        "─────────────────────────────────────────────────────────────────────────\n"
        "Cost                        $12.50           $3.25       -$9.75    -$8.00\n"
        "Seconds                    3,400.0         4,100.5       +100.0  +1,300.0\n"
        "Calls without an answer        4.0             4.0            0         0\n"
        "Wasted attempts               31.0            18.5        -20.2      -4.0\n"
        "\n"
        "62 % of it is known from the very call, the rest from what the models did around then.\n"
    )


def test_a_narrow_terminal_gets_lines() -> None:
    said = text_of(replay_view(FOUND, "phase3", 50), 50)
    assert "Cost: $12.50, would be $3.25 (-$9.75 to -$8.00)\n" in said


def test_what_is_hardly_known_is_called_a_guess() -> None:
    assert "Take the figures for a guess." in text_of(replay_view(replace(FOUND, known=0.2), "phase3", 90), 120)


def test_nothing_replayed_is_said() -> None:
    assert text_of(replay_view(replace(FOUND, calls=0), "final", 90)) == (
        "No call of final was recorded in that time.\n"
    )
    assert text_of(replay_view(replace(FOUND, calls=0), None, 90)) == "No call was recorded in that time.\n"


def test_the_document_has_every_figure() -> None:
    told = replay_json(FOUND, "phase3")
    assert told["change_p5"] == {"cost_usd": -9.75, "seconds": 100.0, "failures": 0.0, "wasted_attempts": -20.25}
    assert (told["phase"], told["calls"], told["changed"], told["known"]) == ("phase3", 1200, 340, 0.62)
