"""Every recorded provider response is read right: outcome, text, finish reason and tokens."""

from __future__ import annotations

import pytest
from recorded import API_OF_WIRE, Case, all_cases, api_outcome, secondary_cases

CASES = all_cases()
SECONDARY = secondary_cases()
pytestmark = pytest.mark.skipif(not CASES, reason="the recorded provider cases are not here (ARCHFB_SHARED)")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_every_recorded_case_is_read_right(case: Case) -> None:
    got = api_outcome(case)
    expect = case.expect
    assert got.outcome in {expect["outcome"], *expect.get("also_acceptable", [])}, got
    text = "".join(got.reading.text)
    assert text.startswith(expect["text_prefix"])
    assert len(text) == expect["text_len"]
    reading = got.reading
    seen = (reading.finish, reading.input_tokens, reading.output_tokens, reading.reasoning_tokens, reading.model)
    wanted = tuple(
        expect[name]
        for name in ("finish_reason", "input_tokens", "output_tokens", "reasoning_tokens", "model_reported")
    )
    assert seen == wanted


@pytest.mark.parametrize("case", SECONDARY, ids=[case.id for case in SECONDARY])
def test_every_quoted_error_is_read_right(case: Case) -> None:
    assert api_outcome(case).outcome == case.expect["outcome"]


def test_the_table_of_providers_and_outcomes_has_no_wrong_one() -> None:
    wrong = [
        case.id
        for case in CASES
        if api_outcome(case).outcome not in {case.expect["outcome"], *case.expect.get("also_acceptable", [])}
    ]
    assert wrong == []


def test_where_no_second_reading_is_allowed_the_first_one_is_met() -> None:
    first = [case for case in CASES if api_outcome(case).outcome == case.expect["outcome"]]
    assert len(CASES) - len(first) <= 3, [case.id for case in CASES if case not in first]


@pytest.mark.parametrize("case", [case for case in CASES if case.stream][:12], ids=lambda case: case.id)
def test_streams_are_read_the_same_when_split_at_every_byte(case: Case) -> None:
    assert api_outcome(case, size=1) == api_outcome(case)


def test_every_wire_has_a_protocol() -> None:
    assert {case.wire for case in CASES} <= set(API_OF_WIRE)
