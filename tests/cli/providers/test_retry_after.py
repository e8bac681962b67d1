"""Every form of "come back later"."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.providers.retry_after import LONGEST, next_month, next_pacific_midnight, prose, retry_after, seconds_until

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()

FORMS: list[tuple[str, float | None]] = [
    ("2", 2.0),
    ("0", 0.0),
    ("2.5", 2.5),
    ("+3", 3.0),
    (" 7 ", 7.0),
    ("37s", 37.0),
    ("120ms", 0.12),
    ("21m36.001s", 1296.001),
    ("1h2m3s", 3723.0),
    ("6m0s", 360.0),
    ("1d", 86400.0),
    ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
    ("2026-11-23T12:01:00Z", 60.0),
    ("2026-11-23T13:01:00+01:00", 60.0),
    (str(int(NOW) + 44), 44.0),
    (str((int(NOW) + 44) * 1000), 44.0),
    # ignored or clamped
    ("-5", None),
    ("NaN", None),
    ("nan", None),
    ("inf", None),
    ("soon", None),
    ("", None),
    ("1e400", None),
    ("9" * 400, None),
    ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
    ("9999-12-31T23:59:59Z", LONGEST),
    ("99999999", LONGEST),
    ("0x10", None),
    ("\u0661\u0662", None),
    # a date in the past is 0
    ("Mon, 23 Nov 2015 12:00:30 GMT", 0.0),
    ("1970-01-01T00:00:00Z", 0.0),
]


@pytest.mark.parametrize(("text", "seconds"), FORMS)
def test_rows_38_and_39_every_form_is_read_or_ignored(text: str, seconds: float | None) -> None:
    assert seconds_until(text, NOW) == (None if seconds is None else pytest.approx(seconds, abs=0.01))


PROSE: list[tuple[str, float | None]] = [
    ("Please try again in 579ms. Visit https://x", 0.579),
    ("Please try again in 1m9.696s.", 69.696),
    ("Please try again in 2.3s. Need more tokens?", 2.3),
    ("Please retry in 36.06s.", 36.06),
    ("Please retry after 20 seconds.", 20.0),
    ("try again in 3 minutes 5 seconds", 185.0),
    ("Please wait for 1 hour", 3600.0),
    ("Please wait 71893 seconds before retrying.", 71893.0),
    ("Please try again later.", None),
    ("Please retry shortly", None),
    ("error 500", None),
]


@pytest.mark.parametrize(("text", "seconds"), PROSE)
def test_prose_is_read_where_it_names_a_time(text: str, seconds: float | None) -> None:
    assert prose(text) == (None if seconds is None else pytest.approx(seconds))


INFO = {"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}]}}
SOURCES: list[tuple[dict[str, str], Any, str, float | None]] = [
    ({"retry-after": "2"}, INFO, "try again in 9s", 2.0),
    ({"retry-after-ms": "1500"}, None, "", 1.5),
    ({"retry-after": "1", "retry-after-ms": "0"}, None, "", 1.0),
    ({"retry-after": "soon"}, INFO, "", 37.0),
    ({}, INFO, "try again in 9s", 37.0),
    ({}, {"error": {"retry_after": 4}}, "", 4.0),
    ({}, {"retry_after": "4s"}, "", 4.0),
    ({}, {"retry_after": True}, "", None),
    ({}, {"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(int(NOW + 30) * 1000)}}}}, "", 30.0),
    ({}, {"error": {"metadata": {"headers": {"Retry-After": "17"}}}}, "", 17.0),
    ({}, {"error": {"retry_after": "2026-11-23T12:00:08Z"}}, "", 8.0),
    ({}, {"error": "text"}, "try again in 9s", 9.0),
    ({}, [1], "", None),
]


@pytest.mark.parametrize(("headers", "body", "message", "seconds"), SOURCES)
def test_headers_win_over_the_body_and_the_body_over_prose(
    headers: dict[str, str], body: Any, message: str, seconds: float | None
) -> None:
    assert retry_after(headers, [body], message, NOW) == seconds


@given(st.text())
def test_no_text_raises_or_leaves_the_range(text: str) -> None:
    for seconds in (seconds_until(text, NOW), prose("try again in " + text)):
        assert seconds is None or 0 <= seconds <= LONGEST


@given(st.integers(0, 80_000))
def test_the_same_wait_reads_the_same_in_every_form(wait: int) -> None:
    at = datetime.fromtimestamp(NOW + wait, UTC)
    forms = [str(wait), f"{wait}s", f"{wait}.0", f"{wait * 1000}ms", format_datetime(at, usegmt=True), at.isoformat()]
    assert {seconds_until(form, NOW) for form in forms} == {float(wait)}


def test_months_and_pacific_days_end_when_they_end() -> None:
    assert datetime.fromtimestamp(next_month(NOW), UTC) == datetime(2026, 12, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(next_pacific_midnight(NOW), UTC) == datetime(2026, 11, 24, 8, tzinfo=UTC)
    december = datetime(2026, 12, 31, 23, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(next_month(december), UTC) == datetime(2027, 1, 1, tzinfo=UTC)
