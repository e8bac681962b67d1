"""What leaves the transport: replies with their times and limits, no secrets, connections used again."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asking import CANARY, PATHS, ROOM, Ask, target_at
from processes import PATIENCE
from scripted_server import ScriptedServer

from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Reply, Target
from archfb.providers.keys import Key, key_problem, read_key
from archfb.providers.transport import Transport

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("extra", [{}, {"gzip": True}, {"content_type": "text/plain"}, {"before": " \n\n"}], ids=str)
def test_every_wire_answers_streamed_and_plain(ask: Ask, api: str, stream: bool, extra: dict[str, Any]) -> None:
    say = {
        "text": "hello there",
        "thought": "hmm, a greeting",
        "usage": {"input": 5, "output": 3, "cached": 2},
        **extra,
    }
    reply, _, _ = ask(say, api, stream=stream)
    assert (reply.outcome, reply.text, reply.partial, reply.streamed) == ("ok", "hello there", "", stream)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 3)
    assert (reply.http_status, reply.request_id, reply.message) == (200, "req_scripted", None)
    assert reply.model_reported in ("m", None)
    assert reply.latency_ms > 0
    assert (reply.ttft_ms is not None) is stream


def test_the_time_to_the_first_token_is_that_of_the_answer_not_of_a_thought(ask: Ask) -> None:
    calls: list[int] = []

    async def main() -> Reply:
        async with (
            ScriptedServer({"default": {"text": "abcdefgh", "thought": "xyz", "pace": 0.02}}) as server,
            Transport(environ={}) as transport,
        ):
            return await transport.ask(target_at(server.url), Question("hi"), Limits(3.0), lambda: calls.append(1))

    reply = asyncio.run(main())
    assert reply.ttft_ms is not None
    assert 0.07 * 1000 < reply.ttft_ms < reply.latency_ms
    assert calls == [1]


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize(
    ("finish", "text", "outcome", "ok"),
    [
        ("length", "half", "truncated", True),
        ("length", "", "truncated", False),
        ("length", " \n", "truncated", False),
        ("stop", "", "malformed", False),
        ("stop", " \n", "malformed", False),
        ("refusal", "", "content_filtered", False),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_rows_35_and_41_what_the_program_makes_of_an_ending(
    ask: Ask, api: str, finish: str, text: str, outcome: str, ok: bool, stream: bool
) -> None:
    reply, _, _ = ask({"text": text, "finish": finish}, api, stream=stream)
    assert (reply.outcome, reply.ok) == (outcome, ok)


@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_a_tool_call_is_malformed_and_its_preamble_kept_aside(ask: Ask, api: str) -> None:
    reply, _, _ = ask({"text": "I will look", "finish": "tool"}, api)
    assert (reply.outcome, reply.code, reply.partial) == ("malformed", "tool_call", "I will look")


@pytest.mark.parametrize("api", PATHS)
def test_servers_that_ignore_stream_or_leave_out_usage_or_the_done_marker_are_understood(ask: Ask, api: str) -> None:
    for say in ({"plain": True}, {"no_usage": True}, {"no_done": True}):
        reply, _, _ = ask({"text": "hello", **say}, api)
        assert (reply.outcome, reply.text) == ("ok", "hello")


SAID = {"type": "message", "content": [{"type": "output_text", "text": "Hello, all of it."}]}


@pytest.mark.parametrize(("output", "text"), [([SAID], "Hello, all of it."), ([], "Hello")])
def test_what_a_response_holds_at_its_end_counts_before_its_deltas(ask: Ask, output: list[Any], text: str) -> None:
    end = {"object": "response", "status": "completed", "output": output}
    events = [
        {"type": "response.output_text.delta", "delta": "Hello"},
        {"type": "response.completed", "response": end},
    ]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    reply, _, _ = ask([{"body": body, "content_type": "text/event-stream"}], "openai-responses")
    assert (reply.outcome, reply.text, reply.finish_reason) == ("ok", text, "completed")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250"}, 0.25),
    ],
)
def test_row_38_retry_after_reaches_the_reply(ask: Ask, headers: dict[str, str], seconds: float | None) -> None:
    reply, _, _ = ask({"status": 429, "message": "slow down", "headers": headers})
    assert (reply.outcome, reply.retry_after_s, reply.message) == ("rate_limited", seconds, "slow down")


def test_row_40_rate_headers_reach_the_reply(ask: Ask) -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "10s",
        "x-ratelimit-remaining-tokens": "-1",
    }
    reply, _, _ = ask({"text": "hi", "headers": headers})
    assert (reply.remaining_requests, reply.remaining_tokens) == (0, None)
    assert reply.remaining_reset_at is not None


def test_row_42_bad_json_is_shown_cleaned(ask: Ask) -> None:
    reply, _, _ = ask({"body": '{"choices": \x1b[31m'})
    assert reply.outcome == "malformed"
    assert reply.message == "Answer was not valid JSON (17 bytes, starts '{\"choices\": \ufffd[31m')"


def test_row_43_a_web_page_is_named(ask: Ask) -> None:
    reply, _, _ = ask({"fault": "html"})
    assert reply.message == "Got a web page (title '502 Bad Gateway'); proxy or wrong base_url?"


def test_row_46_says_what_the_limit_is(ask: Ask) -> None:
    assert ask({"fault": "huge_body"})[0].message == "Answer passed the limit of 10 MB; cut."
    assert ask({"fault": "gzip_bomb"})[0].message == "Compressed answer expands past the limit of 10 MB; cut."


def test_row_48_no_redirect_is_followed_with_a_key() -> None:
    async def main() -> tuple[Reply, int]:
        async with (
            ScriptedServer() as other,
            ScriptedServer({"default": {"fault": "redirect", "to": other.url + "/v1"}}) as server,
        ):
            async with Transport(environ={}) as transport:
                reply = await transport.ask(target_at(server.url), Question("hi"), ROOM)
            return reply, other.counts["requests"]

    reply, asked = asyncio.run(main())
    assert (reply.outcome, reply.code, asked) == ("network", "redirect", 0)
    assert reply.message == "Refused redirect to 127.0.0.1 (keys are not sent on)."


@pytest.mark.parametrize("count", [-1, 2**63, "7", 1.5, True, None, [], 1e400])
@pytest.mark.parametrize("api", PATHS)
def test_row_90_nonsense_token_counts_are_unknown(ask: Ask, api: str, count: Any) -> None:
    reply, _, _ = ask({"text": "hi", "usage": {"input": count, "output": count}}, api, stream=False)
    assert reply.outcome == "ok"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (None, None)


def test_row_22_a_key_with_a_newline_inside_is_told_by_its_position() -> None:
    assert key_problem("sk-abcdefgh\nX-Evil: 1") == "holds characters that cannot be in a header (position 12)"
    assert key_problem("sk-abcdefghé") == "holds characters that cannot be in a header (position 12)"
    provider = Provider("p", "openai-chat", api_key_env="K")
    key = read_key(provider, {"K": "  sk-x \n"})
    assert key is not None
    assert key.reveal() == "sk-x"
    assert read_key(provider, {"K": "  "}) is None


ECHOES: list[dict[str, Any]] = [
    {"status": 401, "message": f"Incorrect API key provided: {CANARY}."},
    {"status": 400, "message": f"Bearer {CANARY} was sent", "code": CANARY},
    {"status": 429, "body": f"plain words with {CANARY}"},
    {"status": 500, "message": "x" * 290 + CANARY},
    {"status": 400, "body": '{"error": {"message": ' + json.dumps(f"{CANARY}\u0000{CANARY}") + "}}"},
    {"text": f"Your key is {CANARY}", "headers": {"x-request-id": CANARY}},
    {"text": f"{CANARY}", "fault": "reset"},
    {"body": f'{{"{CANARY}'},
    {"fault": "redirect", "to": f"http://{CANARY}/"},
]


@pytest.mark.parametrize("say", ECHOES, ids=range(len(ECHOES)))
@pytest.mark.parametrize("api", PATHS)
def test_a_canary_key_is_in_no_reply_whatever_the_server_echoes(ask: Ask, api: str, say: dict[str, Any]) -> None:
    reply, _, server = ask(say, api)
    assert any(CANARY in json.dumps(request["headers"]) for request in server.requests)
    assert CANARY not in repr(reply)
    assert CANARY[:20] not in repr(reply)
    assert len(reply.message or "") <= 300
    assert all(char.isprintable() for char in reply.message or "")


def test_the_key_shows_in_no_repr() -> None:
    key = Key("K", CANARY)
    target = Target(Model("m", "p", "m"), Provider("p", "anthropic", "https://h"), key)
    assert CANARY not in f"{key!r} {key} {target!r} {[key]}"


def test_lone_surrogates_and_nul_in_a_prompt_do_not_stop_it(ask: Ask) -> None:
    reply, _, server = ask({"text": "ok"}, question=Question("file \udcff and \x00", system="\ud800"))
    assert reply.outcome == "ok"
    assert server.requests[-1]["body"]["messages"][1]["content"] == "file ? and \x00"


def test_connections_are_used_again_and_many_calls_do_not_share_one() -> None:
    async def main() -> tuple[int, int, set[str]]:
        async with (
            ScriptedServer({"default": {"text": "hi", "delay": 0.02}}) as server,
            Transport(environ={}) as transport,
        ):
            for _ in range(5):
                await transport.ask(target_at(server.url), Question("hi"), Limits(5.0))
            once = server.connections
            several = [transport.ask(target_at(server.url), Question("hi"), Limits(5.0)) for _ in range(40)]
            outcomes = {reply.outcome for reply in await asyncio.gather(*several)}
            return once, server.connections, {str(one) for one in outcomes}

    assert asyncio.run(main()) == (1, 40, {"ok"})


def test_row_53_a_machine_without_a_resolver_is_told_as_such_and_holds_nobody_up() -> None:
    def dead(host: str, port: int) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    def missing(host: str, port: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main(resolve: Any) -> Reply:
        async with Transport(environ={}, resolve=resolve) as transport:
            return await transport.ask(target_at("https://models.example"), Question("hi"), ROOM)

    assert asyncio.run(main(dead)).code == "no_resolver"
    reply = asyncio.run(main(missing))
    assert (reply.outcome, reply.code, reply.message) == ("network", "dns", "There is no host models.example.")


def test_row_53_a_resolver_that_hangs_ends_with_the_time_out_and_does_not_keep_the_process() -> None:
    program = """
import asyncio, sys, time
sys.path[:0] = ["cli", "state"]
from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Target
from archfb.providers.transport import Transport
async def main():
    async with Transport(environ={}, resolve=lambda host, port: time.sleep(600)) as transport:
        target = Target(Model("m", "p", "m"), Provider("p", "openai-chat", "https://models.example"))
        print((await transport.ask(target, Question("hi"), Limits(0.3))).outcome)
asyncio.run(main())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert run.stdout == "timeout\n"
