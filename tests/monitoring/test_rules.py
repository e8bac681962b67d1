"""The alert rules: judged and run by promtool, and agreeing with what the program counts as a failure."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from archfb_state.outcomes import RULES, Outcome
from archfb_state.settings import Health, Thresholds

FOLDER = Path(__file__).parents[2] / "monitoring"
RULES_TEXT = (FOLDER / "alerts.yml").read_text("utf-8")

FAILED = {str(one) for one, rule in RULES.items() if rule.counts} | {
    str(one) for one in (Outcome.AUTH, Outcome.QUOTA_EXHAUSTED, Outcome.MODEL_NOT_FOUND, Outcome.INVALID_REQUEST)
}
"""Outcomes that are held against somebody; a rate limit is a hold and no failure, the rest is nobody's fault."""

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def ended(*words: str) -> tuple[int, str]:
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@promtool
def test_promtool_takes_the_rules() -> None:
    code, said = ended("check", "rules", "alerts.yml")
    assert (code, "SUCCESS: 7 rules found" in said) == (0, True), said


@promtool
def test_promtool_runs_the_tests_of_the_rules() -> None:
    code, said = ended("test", "rules", "alerts_test.yml")
    assert (code, "SUCCESS" in said) == (0, True), said


def test_every_rule_has_a_test_in_which_it_fires() -> None:
    tests = (FOLDER / "alerts_test.yml").read_text("utf-8")
    names = re.findall(r"- alert: (\w+)", RULES_TEXT)
    assert len(names) == 7
    for name in names:
        assert re.search(rf"alertname: {name}\n\s+exp_alerts:\n", tests), name


@pytest.mark.parametrize("name", ["alerts.yml", "dashboard.json"])
def test_what_counts_as_failed_is_what_the_program_holds_against_somebody(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    found = re.findall(r'status=~\\?"([a-z_|]+)\\?"', text)
    assert found
    assert {one for words in found for one in words.split("|")} == FAILED
    assert all(set(words.split("|")) == FAILED for words in found)


def test_the_thresholds_are_the_defaults() -> None:
    assert f"> {Thresholds().error_rate_critical}" in RULES_TEXT
    assert f"timestamp_seconds > {3 * Health().interval:g}" in RULES_TEXT
