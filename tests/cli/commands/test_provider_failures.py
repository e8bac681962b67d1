"""What a person is told when a provider refuses, and how `ask` and `health` end: one lone model, no offline provider.

Each case runs the program twice as a process of its own on the same state: `ask`, whose sentence stands in
`error.message`, and then `health`.
"""

# ruff: noqa: E501 - what providers say stands as they said it

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asking import CANARY, PATHS
from processes import archfb
from scripted_server import ServerThread

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")


class Told(NamedTuple):
    """How a command ended: exit code, the document on stdout, stderr."""

    code: int
    document: dict[str, Any]
    err: str

    @property
    def sentence(self) -> str:
        return str(self.document["error"]["message"])

    @property
    def outcomes(self) -> list[str]:
        return [one["outcome"] for one in self.document["attempts"]]


def config(url: str, api: str, models: tuple[str, ...], more: str = "") -> str:
    """Return a configuration of models at one server that share a key."""
    lines = ["[routing]", "offline = false", 'strategy = "priority"', more]
    lines += ["[providers.p]", f'api = "{api}"', f'base_url = "{url}{PATHS[api]}"', 'api_key_env = "P_KEY"']
    lines += ["idle_timeout = 1", "timeout = 60", "connect_timeout = 30"]
    for name in models:
        lines += [f"[models.{name}]", 'provider = "p"', f'model = "{name}-id"', "stream = false"]
    names = ", ".join(f'"{name}"' for name in models)
    return "\n".join([*lines, "[chains]", *(f"{phase} = [{names}]" for phase in PHASES)]) + "\n"


class Place:
    """A server that behaves by script, and the program beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: ServerThread | None = None

    def start(
        self, say: list[dict[str, Any]] | dict[str, Any], api: str = "openai-chat", *, models: tuple[str, ...] = ("x",),
        metadata: dict[str, Any] | None = None, more: str = "",
    ) -> None:  # fmt: skip
        each = say if isinstance(say, dict) and "x-id" in say else {f"{name}-id": say for name in models}
        free = {"metadata": metadata} if metadata else {}
        self.server = ServerThread({"models": each, **free})
        address = self.server.__enter__().url
        (self.folder / "c.toml").write_text(config(address, api, models, more))

    def run(self, *words: str, **env: str) -> Told:
        options = ["--json", "--config", f"{self.folder}/c.toml", "--state", f"{self.folder}/s.db"]
        ended = archfb(*words, *options, env={"P_KEY": CANARY, **env})
        assert "Traceback" not in ended.stderr
        assert CANARY not in ended.stdout + ended.stderr
        return Told(ended.returncode, json.loads(ended.stdout), ended.stderr)

    def stop(self) -> None:
        if self.server is not None:
            self.server.__exit__(None, None, None)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    here = Place(tmp_path)
    yield here
    here.stop()


def openai(status: int, message: str, **fields: Any) -> dict[str, Any]:
    return {"status": status, "body": {"error": {"message": message, **fields}}}


def anthropic(status: int, kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "body": {"type": "error", "error": {"type": kind, "message": message, **more}}}


def google(status: int, word: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    error = {"code": status, "message": message, "status": word, "details": list(details)}
    return {"status": status, "body": {"error": error}}


BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
DELAY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"}
REJECTED = r"x: Provider rejected the key in P_KEY \(fingerprint [0-9a-f]{8}\)\. "

REFUSALS = {
    "row_25_a_key_that_is_rejected": (
        "openai-chat",
        openai(401, "Incorrect API key provided.", code="invalid_api_key"),
        "auth",
        REJECTED + r"The one model using it is blocked\.",
    ),
    "row_26_a_bad_gemini_key_is_no_bad_request": (
        "gemini",
        google(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY),
        "auth",
        REJECTED + r"The one model using it is blocked\.",
    ),
    "row_27_a_region_that_is_not_served": (
        "openai-chat",
        openai(403, "Country, region, or territory not supported", code="unsupported_country_region_territory"),
        "auth",
        r"x: Provider does not serve this region/account \(unsupported_country_region_territory\)\.",
    ),
    "row_28_no_credit": (
        "openai-chat",
        openai(429, "You exceeded your current quota.", code="insufficient_quota", type="insufficient_quota"),
        "quota_exhausted",
        r"x: Account has no credit \(insufficient_quota\)\. Retrying will not help; top up at the provider\.",
    ),
    "row_28_payment_required": (
        "openai-chat",
        openai(402, "Insufficient Balance"),
        "quota_exhausted",
        r"x: Account has no credit \(HTTP 402\)\. Retrying will not help; top up at the provider\.",
    ),
    "row_29_a_monthly_spend_cap_in_words": (
        "anthropic",
        anthropic(429, "rate_limit_error", "This organization met enforced_spend_limit_reached."),
        "quota_exhausted",
        r"x: Monthly spend cap reached; resumes \d{4}-\d\d-01\.",
    ),
    "row_29_a_monthly_spend_cap": (
        "anthropic",
        anthropic(
            429, "rate_limit_error", "Spend limit reached.", details={"error_code": "enforced_spend_limit_reached"}
        ),
        "quota_exhausted",
        r"x: Monthly spend cap reached; resumes \d{4}-\d\d-01\.",
    ),
    "row_30_ones_own_spend_limit": (
        "anthropic",
        anthropic(
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits. You will regain access on FUTURE at 00:00 UTC.",
        ),
        "quota_exhausted",
        r"x: Your own spend limit is reached; resumes FUTURE\.",
    ),
}


def in_ten_days() -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(days=10)).strftime("%Y-%m-%d")


@pytest.mark.parametrize("name", REFUSALS)
def test_rows_25_to_30_end_as_the_table_says(place: Place, name: str) -> None:
    api, say, outcome, sentence = json.loads(json.dumps(REFUSALS[name]).replace("FUTURE", in_ten_days()))
    place.start(say, api, metadata={"x-id": say, "/v1/models": say} if outcome == "auth" else None)
    asked = place.run("ask", "hi")
    assert (asked.code, asked.outcomes) == (1, [outcome])
    assert re.search(sentence, asked.sentence), asked.sentence
    assert sentence.split("(")[0].replace("\\", "")[:30] in asked.err
    checked = place.run("health")
    assert (checked.code, checked.document["models"][0]["status"]) == (2, "unavailable")


@pytest.mark.parametrize(
    ("chained", "told"),
    [("x", "The one model using it is blocked"), ("xy", "All 2 models using it are blocked"),
     ("xyz", "All 3 models using it are blocked")],
)  # fmt: skip
def test_row_25_counts_the_models_of_chains_that_share_the_key(place: Place, chained: str, told: str) -> None:
    place.start(openai(401, "no", code="invalid_api_key"), models=("x", "y", "z"))
    path, names = place.folder / "c.toml", ", ".join(f'"{name}"' for name in chained)
    path.write_text(path.read_text().replace('["x", "y", "z"]', f"[{names}]"))
    asked = place.run("ask", "hi")
    assert (asked.code, asked.outcomes) == (1, ["auth"])
    assert re.search(REJECTED + rf"{told}\.", asked.sentence), asked.sentence
    assert place.run("health").code == 2


def test_row_31_a_daily_quota_holds_until_its_reset_whatever_the_hint_says(place: Place) -> None:
    place.start(google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", DAILY, DELAY), "gemini")
    asked = place.run("ask", "hi")
    assert (asked.code, asked.outcomes) == (1, ["quota_exhausted"])
    told = r"x: Daily quota used; held until \d{4}-\d\d-\d\d 0[78]:00 UTC \(provider's 37s hint ignored\)\."
    assert re.search(told, asked.sentence), asked.sentence
    assert asked.document["error"]["retry_at"].endswith(("07:00:00Z", "08:00:00Z"))


def test_row_32_a_model_that_is_not_found(place: Place) -> None:
    missing = openai(404, "The model `x-id` does not exist", code="model_not_found")
    place.start(
        missing, "openai-responses", metadata={"x-id": missing, "/v1/models": {"body": {"data": [{"id": "y"}]}}}
    )
    asked = place.run("ask", "hi")
    assert (asked.code, asked.outcomes) == (1, ["model_not_found"])
    assert "x: Model 'x-id' not found or no access; will be checked once more." in asked.sentence
    checked = place.run("health", "--all")
    assert checked.code in (1, 2)
    assert checked.document["models"][0]["status"] == "unavailable"


@pytest.mark.parametrize("api", list(PATHS))
def test_row_32_health_alone_asks_twice_for_a_model_that_is_not_there(place: Place, api: str) -> None:
    missing = openai(404, "The model `x-id` does not exist", code="model_not_found")
    place.start(missing, api, metadata={"x-id": missing, "/v1/models": {"body": {"data": [{"id": "y"}]}}})
    checked = place.run("health")
    assert checked.code == 2
    assert [one["kind"] for one in checked.document["probes"]] == ["metadata", "completion"]
    assert checked.document["models"][0]["reason"] == "retired: not found or no access, checked twice"
    assert "x: retired: not found or no access, checked twice" in place.run("ask", "hi").sentence


def test_row_33_a_prompt_that_is_too_long_goes_on_to_a_larger_window(place: Place) -> None:
    refused = openai(
        400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded"
    )  # fmt: skip
    place.start({"x-id": refused, "y-id": {"text": "took it"}}, models=("x", "y"))
    asked = place.run("ask", "word " * 8000)
    assert (asked.code, asked.outcomes, asked.document["text"]) == (0, ["context_too_long", "ok"], "took it")
    assert re.search(r"Prompt ≈ 11,\d{3} tokens; x takes 8,192\. Trying y…", asked.err), asked.err


def test_row_33_a_prompt_that_no_window_takes(place: Place) -> None:
    refused = openai(
        400, "This model's maximum context length is 8192 tokens.", code="context_length_exceeded"
    )  # fmt: skip
    place.start(refused)
    asked = place.run("ask", "word " * 8000)
    assert (asked.code, asked.outcomes) == (1, ["context_too_long"])
    assert re.search(r"x: Prompt ≈ 11,\d{3} tokens; x takes 8,192\. None takes it\.", asked.sentence), asked.sentence
    again = place.run("ask", "word " * 8000)
    assert (again.code, again.outcomes) == (1, [])
    assert "x: window too small (prompt of about 11," in again.sentence


def test_row_33_the_provider_counts_the_tokens_better(place: Place) -> None:
    told = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
    place.start(openai(400, told, code="context_length_exceeded"))
    asked = place.run("ask", "hi")
    assert "x: Prompt ≈ 9,001 tokens; x takes 8,192. None takes it." in asked.sentence, asked.sentence


def test_row_34_a_request_that_is_too_large(place: Place) -> None:
    place.start(anthropic(413, "request_too_large", "Request exceeds the maximum size"), "anthropic")
    asked = place.run("ask", "word " * 20_000)
    assert (asked.code, asked.outcomes) == (1, ["context_too_long"])
    assert "x: Request is 0.1 MB; limit 32 MB. None takes it." in asked.sentence, asked.sentence


@pytest.mark.parametrize(("on_refusal", "code", "outcomes"), [("next", 0, ["content_filtered", "ok"]), ("stop", 1, ["content_filtered"])])  # fmt: skip
def test_row_35_a_refusal_goes_on_unless_it_is_to_stand(
    place: Place, on_refusal: str, code: int, outcomes: list[str]
) -> None:
    place.start({"x-id": {"finish": "refusal", "text": ""}, "y-id": {"text": "fine"}}, models=("x", "y"), more=f'on_refusal = "{on_refusal}"')  # fmt: skip
    asked = place.run("ask", "hi")
    assert (asked.code, asked.outcomes) == (code, outcomes)
    assert "x content_filtered after" in asked.err
    assert "(x declined: " in asked.err
    if code:
        assert 'A refusal ended the call (on_refusal = "stop"): x: x declined (content_filter)' in asked.sentence


def test_row_36_a_refused_parameter_is_adapted_once_and_remembered(place: Place) -> None:
    refused = openai(
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        code="unsupported_parameter", param="max_tokens", type="invalid_request_error",
    )  # fmt: skip
    place.start([refused, {"text": "fine"}])
    text = (place.folder / "c.toml").read_text()
    (place.folder / "c.toml").write_text(text.replace("stream = false", "stream = false\nmax_output_tokens = 99"))
    asked = place.run("ask", "hi", "-v")
    assert (asked.code, asked.outcomes) == (0, ["invalid_request", "ok"])
    assert "x refused max_output_tokens: asked again with max_completion_tokens for it, and remembered" in asked.err
    assert place.run("ask", "hi").outcomes == ["ok"]
    assert place.server is not None
    sent = [request["body"] for request in place.server.server.requests]
    assert [{"max_tokens", "max_completion_tokens"} & set(body) for body in sent] == [
        {"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"},
    ]  # fmt: skip


def test_row_36_an_output_limit_refused_by_its_name_and_by_its_size_is_adapted_in_both_and_both_are_remembered(
    place: Place,
) -> None:
    by_name = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    by_size = "max_tokens is too large: 9000. This model supports at most 4096 completion tokens, whereas you provided 9000."
    details = {"type": "invalid_request_error"}
    name = openai(400, by_name, code="unsupported_parameter", param="max_tokens", **details)
    size = openai(400, by_size, code="invalid_value", param="max_completion_tokens", **details)
    place.start([name, size, {"text": "fine"}])
    text = (place.folder / "c.toml").read_text()
    (place.folder / "c.toml").write_text(text.replace("stream = false", "stream = false\nmax_output_tokens = 9000"))
    assert place.run("ask", "hi").outcomes == ["invalid_request", "invalid_request", "ok"]
    assert place.run("ask", "hi").outcomes == ["ok"]
    assert place.server is not None
    bodies = [request["body"] for request in place.server.server.requests]
    limits = [{key: value for key, value in body.items() if key.startswith("max_")} for body in bodies]
    learned = {"max_completion_tokens": 4096}
    assert limits == [{"max_tokens": 9000}, {"max_completion_tokens": 9000}, learned, learned]


def test_row_37_a_probe_on_responses_asks_for_16_tokens_whatever_the_preset_says(place: Place) -> None:
    place.start({"text": "OK"}, "openai-responses")
    text = (place.folder / "c.toml").read_text()
    more = 'stream = false\nmax_output_tokens = 1\nprobe = "completion"'
    (place.folder / "c.toml").write_text(text.replace("stream = false", more))
    checked = place.run("health", "--all")
    assert (checked.code, checked.document["probes"][0]["outcome"]) == (0, "ok")
    assert place.server is not None
    assert place.server.server.requests[-1]["body"]["max_output_tokens"] == 16


ODD = {
    "row_38_minus_five": ({"retry-after": "-5"}, "ignored"),
    "row_38_no_number": ({"retry-after": "NaN"}, "ignored"),
    "row_38_no_date": ({"retry-after": "soon"}, "ignored"),
    "row_38_far_away": ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, "cut to 24 h"),
    "row_39_in_the_past": ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
    "row_40_less_than_nothing": ({"x-ratelimit-remaining-requests": "-1"}, None),
}


@pytest.mark.parametrize("name", ODD)
def test_rows_38_to_40_odd_headers_do_no_harm(place: Place, name: str) -> None:
    headers, noted = ODD[name]
    outcome = "rate_limited"
    place.start(
        {"x-id": {**openai(429, "slow down"), "headers": headers}, "y-id": {"text": "fine"}}, models=("x", "y")
    )
    asked = place.run("ask", "hi", "-v")
    assert (asked.code, asked.outcomes) == (0, [outcome, "ok"])
    waits = asked.document["attempts"][0]["retry_after_s"]
    assert waits is None or 0 <= waits <= 32 * 86400
    told = [line for line in asked.err.splitlines() if "Retry-After" in line]
    assert told == ([] if noted is None else [f"x: Retry-After '{headers['retry-after']}' {noted}"])


NEXT = {
    "row_41_an_empty_body": ({"fault": "empty"}, "malformed", "The answer was empty."),
    "row_41_nothing_said": ({"text": ""}, "malformed", "Answered with nothing, though it stopped normally."),
    "row_41_stopped_at_its_limit": ({"text": "", "finish": "length"}, "truncated", "Stopped at its output limit, with nothing to show."),
    "row_42_no_json": ({"fault": "bad_json"}, "malformed", "Answer was not valid JSON (41 bytes, starts '{\"choices\": "),
    "row_43_a_web_page": ({"fault": "html", "status": 200}, "malformed", "Got a web page (title '502 Bad Gateway'); proxy or wrong base_url?"),
    "row_44_an_error_inside": ({"fault": "stream_error", "text": "a b c d e f g h"}, "overloaded", "Stream failed after "),
    "row_45_keep_alive_for_ever": ({"fault": "keep_alive"}, "timeout", "No content for 1 s; gave up."),
    "row_46_without_end": ({"fault": "huge_body"}, "malformed", "Answer passed the limit of 10 MB; cut."),
    "row_47_a_bomb": ({"fault": "gzip_bomb"}, "malformed", "Compressed answer expands past the limit of 10 MB; cut."),
    "row_48_a_redirect": ({"fault": "redirect", "to": "http://203.0.113.9/"}, "network", "Refused redirect to 203.0.113.9 (keys are not sent on)."),
}  # fmt: skip


@pytest.mark.parametrize("name", NEXT)
def test_rows_41_to_48_the_next_model_answers_and_the_attempt_is_recorded(place: Place, name: str) -> None:
    say, outcome, message = NEXT[name]
    place.start({"x-id": say, "y-id": {"text": "fine"}}, models=("x", "y"))
    config = place.folder / "c.toml"
    config.write_text(config.read_text().replace("stream = false", "stream = true"))
    asked = place.run("ask", "hi", "--deadline", "90")
    assert (asked.code, asked.document["text"], asked.document["model"]) == (0, "fine", "y")
    assert set(asked.outcomes[:-1]) == {outcome}
    assert message in asked.document["attempts"][0]["message"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://models.example", "[providers.p] base_url must be https://host[/path]"),  # row 49
        ("http://models.example", "plain http to models.example; only loopback and private hosts may be plain"),  # row 50
        ("http://169.254.169.254", "link-local address 169.254.169.254"),  # row 51
    ],
)  # fmt: skip
def test_rows_49_to_51_end_as_configuration_errors(place: Place, url: str, told: str) -> None:
    (place.folder / "c.toml").write_text(config(url, "openai-chat", ("x",)))
    asked = place.run("ask", "hi")
    assert (asked.code, asked.document["error"]["code"]) == (2, "configuration")
    assert told in asked.sentence
    assert place.run("health").code == 3


def test_row_53_a_machine_without_a_network_marks_no_model_down(place: Place) -> None:
    text = config("https://one.invalid", "openai-chat", ("x",))
    other = '[providers.q]\napi = "openai-chat"\nbase_url = "https://two.invalid/v1"\n[models.y]\nprovider = "q"\nmodel = "y"\n'
    (place.folder / "c.toml").write_text(text.replace("[chains]", other + "[chains]").replace('["x"]', '["x", "y"]'))
    asked = place.run("ask", "hi")
    assert asked.code == 1
    assert set(asked.outcomes) == {"network"}
    assert asked.sentence.startswith(
        "This machine seems offline (no resolver, no route, or two hosts at once); no model was marked down. x: "
    )
    checked = place.run("health", "--all")
    assert checked.code == 3
    assert "offline" in checked.err
    assert [one["consecutive_failures"] for one in checked.document["models"]] == [0, 0]


def test_row_54_a_malformed_proxy_variable_is_named_with_exit_2_and_3(place: Place) -> None:
    place.start({"text": "fine"})
    asked = place.run("ask", "hi", HTTPS_PROXY="x")
    assert (asked.code, asked.document["error"]["code"]) == (2, "configuration")
    assert asked.sentence == "HTTPS_PROXY 'x' is not a URL."
    assert place.run("health", "--all", HTTPS_PROXY="x").code == 3


def test_row_90_nonsense_token_counts_are_stored_as_unknown(place: Place) -> None:
    place.start({"text": "fine", "usage": {"input": -1, "output": 2**63}})
    asked = place.run("ask", "hi")
    assert (asked.code, asked.document["usage"]["input_tokens"], asked.document["usage"]["output_tokens"]) == (0, None, None)  # fmt: skip
    import sqlite3

    with sqlite3.connect(place.folder / "s.db") as database:
        assert database.execute("SELECT input_tokens, output_tokens FROM attempts").fetchall() == [(None, None)]
    database.close()
