"""docs/decisions.md says what the code does: its words, weights and numbers are the code's own."""

from __future__ import annotations

import doctest
import importlib
import re
from dataclasses import fields
from math import log
from pathlib import Path

import pytest

import archfb_state.core
from archfb_state.core import breaker, complexity
from archfb_state.outcomes import RULES
from archfb_state.settings import Health, Settings

PAGE = (Path(__file__).parents[1] / "docs" / "decisions.md").read_text("utf-8")
CORE = Path(archfb_state.core.__file__ or "").parent

ROWS = re.findall(r"^\| `(\w+)\.(\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE)
"""(module or table, name, value) of every number in a table."""


def numbers() -> set[tuple[str, str]]:
    """Return every public number of the decisions, as (module, name)."""
    found = set()
    for path in CORE.glob("[a-z]*.py"):
        module = importlib.import_module(f"archfb_state.core.{path.stem}")
        own = re.findall(r"^([A-Z][A-Z_]*(?:, [A-Z_]+)*)(?:: \w+)? =", path.read_text("utf-8"), re.MULTILINE)
        names = [name for line in own for name in line.split(", ")]
        found |= {(path.stem, name) for name in names if isinstance(getattr(module, name), (int, float))}
    return found


@pytest.mark.parametrize(("where", "name", "value"), ROWS, ids=[f"{one}.{two}" for one, two, _ in ROWS])
def test_every_number_is_the_codes(where: str, name: str, value: str) -> None:
    settings = Settings()
    holder = getattr(settings, where, None) or importlib.import_module(f"archfb_state.core.{where}")
    assert getattr(holder, name) == float(value)


def test_every_number_of_the_code_is_on_the_page() -> None:
    told = {(where, name) for where, name, _ in ROWS}
    settings = {(table, one.name) for table in ("health", "thresholds") for one in fields(getattr(Settings(), table))}
    assert told == numbers() | settings


def test_every_outcome_and_what_it_entails() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (yes|no) \| (yes|no) \|$", PAGE, re.MULTILINE)
    told = {word: (repeat, hands == "yes", counts == "yes") for word, repeat, hands, counts in rows}
    assert told == {str(word): (rule.repeat, rule.hands_on, rule.counts) for word, rule in RULES.items()}


def test_the_weights_of_attempts() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert {kind: (float(good), float(bad)) for kind, good, bad in rows} == breaker._WEIGHTS


def test_what_phases_add_to_the_complexity() -> None:
    (line,) = re.findall(r"^    (phase2 .*)$", PAGE, re.MULTILINE)
    assert {one.split()[0]: float(one.split()[1]) for one in line.split(" · ")} == complexity.PHASES


def test_the_steps_of_the_suspicion_are_those_of_its_test() -> None:
    assert abs(breaker.FAILURE_STEP - log(0.50 / 0.05)) < 0.005
    assert abs(breaker.SUCCESS_STEP - log(0.95 / 0.50)) < 0.005
    assert Health().retry_count * breaker.FAILURE_STEP >= breaker.SUSPICION_LIMIT > 2 * breaker.FAILURE_STEP


BLOCKS = re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_examples_give_what_is_shown(block: str) -> None:
    example = doctest.DocTestParser().get_doctest(block, {}, "decisions", "docs/decisions.md", 0)
    told: list[str] = []
    assert doctest.DocTestRunner().run(example, out=told.append).failed == 0, "".join(told)
