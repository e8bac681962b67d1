"""`archfb ask`, against a server that answers by script."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

# ruff: noqa: E501 - a table reads best in rows

Start = Callable[..., Any]
ONLY_MODELS = "[routing]\noffline = false\n"
FAILING = {"status": 500, "message": "it broke"}


def test_an_answer_goes_to_stdout_and_nothing_else(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"text": "Hello there."}])
    assert here.run("ask", "Hello?") == 0
    assert capsys.readouterr() == ("Hello there.\n", "")


def test_json_has_the_fields_of_the_contract(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"text": "Hi.", "usage": {"input": 11, "output": 7}}])
    assert here.run("ask", "Hello?", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    assert (document["ok"], document["text"], document["model"], document["error"]) == (True, "Hi.", "m1", None)
    assert (document["complexity"], document["finish_reason"]) == ("low", "stop")
    assert document["usage"] == {
        "input_tokens": 11,
        "output_tokens": 7,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
    }
    assert document["cost_usd"] == pytest.approx(25e-6)
    assert [(one["model"], one["outcome"]) for one in document["attempts"]] == [("m1", "ok")]
    assert [(one["model"], one["eligible"]) for one in document["decision"]][:1] == [("m1", True)]


def test_a_dead_model_is_gone_round_and_said(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(
        '[strategies]\nphase1 = "priority"\n', m1=[{"status": 400, "message": "no"}], m2=[{"text": "Second."}]
    )
    assert here.run("ask", "Hello?") == 0
    out, err = capsys.readouterr()
    assert out == "Second.\n"
    first, second = err.splitlines()
    assert first.startswith("phase1 ask: m1 invalid_request after ")
    assert first.endswith(" s (no)")
    assert second == "phase1 ask: asking m2"


def test_all_failed_is_told_as_a_table(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(ONLY_MODELS, m1=[FAILING], m2=[{"status": 401, "message": "bad key"}])
    assert here.run("ask", "Hello?", "-q") == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0].startswith("error: ")
    assert lines[1].split() == [
        "Model",
        "How",
        "Took",
        "What",
        "it",
        "said",
        "Since",
        "What",
        "to",
        "do",
        "Try",
        "again",
    ]
    assert sorted(line.split()[0] for line in lines[3:5]) == ["m1", "m2"]
    assert "500: it broke" in err
    assert "401: bad key" in err


def test_a_failing_ask_still_prints_its_one_document(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(ONLY_MODELS, m1=[FAILING])
    assert here.run("ask", "Hello?", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert document["error"]["code"] == "all_failed"
    assert {one["outcome"] for one in document["attempts"]} == {"server_error"}


@pytest.mark.parametrize("words", [["--model", "m9"], ["--chain", "phase9"]])
def test_so_does_one_that_never_began(place: Start, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    here = place(m1=[{"text": "x"}])
    assert here.run("ask", "Hello?", "--json", *words) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["attempts"], document["error"]["code"]) == (False, [], "usage")


def test_the_offline_answer_after_failures_is_marked_with_the_reasons(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=[{"status": 401, "message": "bad key"}])
    assert here.run("ask", "Hello?", "-q") == 0
    err = capsys.readouterr().err
    assert err == "warning: no model answered; this is the offline provider's answer. m1: auth\n"


def test_the_offline_answer_is_a_failure_under_strict(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"status": 401, "message": "bad key"}])
    assert here.run("ask", "Hello?", "--strict") == 1
    assert capsys.readouterr().out == ""
    assert here.run("ask", "Hello?", "--strict", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["ok"], document["model"], document["error"]["code"]) == (False, "offline", "no_usable_model")


def test_what_a_model_says_reaches_the_terminal_inert(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows 88 and 89: OSC 52, CSI, bidirectional controls, markup, a lone surrogate and NUL."""
    said = "a\x1b]52;c;aGk=\x07b\x1b[2Jc\u202ed[/]e\x00f\ud800g"
    here = place(m1=[{"text": said}])
    assert here.run("ask", "Hello?") == 0
    assert capsys.readouterr().out == "a\ufffd]52;c;aGk=\ufffdb\ufffd[2Jc\ufffdd[/]e\ufffdf\ufffdg\n"
    assert here.run("ask", "Hello?", "--json") == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\\u0000" not in out
    assert "\\ud800" not in out


def test_a_dash_reads_the_question_from_stdin(
    place: Start, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("From a pipe?"))
    here = place(m1=[{"text": "Yes."}])
    assert here.run("ask", "-") == 0
    assert here.server.requests[-1]["body"]["messages"][-1]["content"] == "From a pipe?"


def test_events_go_to_a_log_for_aggregation(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"text": "Hi."}])
    assert here.run("ask", "a secret question", "--log-json", f"{here.folder}/log") == 0
    text = (here.folder / "log").read_text()
    events = [json.loads(line)["event"] for line in text.splitlines()]
    assert events[:3] == ["decision", "asking", "attempt"]
    assert "call" in events
    assert "secret question" not in text
    assert (here.folder / "log").stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_a_usage_error(place: Start, capsys: pytest.CaptureFixture[str]) -> None:
    here = place(m1=[{"text": "Hi."}])
    assert here.run("ask", "Hello?", "--log-json", str(here.folder)) == 2
    assert "Cannot write the log" in capsys.readouterr().err


def test_a_limit_on_what_one_run_may_cost_is_each_questions_own(
    place: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    here = place(m1=[{"text": "Hi.", "usage": {"input": 11, "output": 7}}])
    path = here.folder / "c.toml"
    path.write_text(
        path.read_text().replace("output_price = 2.0", "output_price = 1000.0\nmax_output_tokens = 8")
        + "[routing]\noffline = false\nmax_cost = 0.01\n"
    )
    assert [here.run("ask", "Hello?", "--json") for _ in range(3)] == [0, 0, 0]
    assert capsys.readouterr().err == ""


HALF = {"text": "Half an ans", "finish": "length"}
CUT: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "continued": ([HALF, {"text": "wer is better."}], "Half an answer is better.\n", ""),
    "cut again": ([HALF, {"text": "wer is", "finish": "length"}], "Half an answer is\n", ", and again after it had been continued once."),
    "refused": ([HALF, {"status": 400, "message": "no"}], "Half an ans\n", "; it could not be continued (invalid_request)."),
}  # fmt: skip


@pytest.mark.parametrize("case", CUT)
def test_an_answer_that_was_cut_off_is_continued_once_else_marked(
    place: Start, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    script, text, warned = CUT[case]
    here = place(m1=script)
    assert here.run("ask", "Hello?") == 0
    out, err = capsys.readouterr()
    assert out == text
    assert [line for line in err.splitlines() if line.startswith("warning: ")] == (
        [f"warning: the answer was cut off at the model's output limit{warned}"] if warned else []
    )
    assert here.server.counts["models"]["m1"] == 2
