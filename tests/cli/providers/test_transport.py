"""What leaves the transport: replies with their times and limits, no secrets, connections used again, probes, proxies."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asking import CANARY, LIMITS, PATHS, Ask, target_at
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import ScriptedServer

from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Reply, Target, Usage
from archfb.providers.inflate import BadEncodingError, Inflate, decoder
from archfb.providers.keys import Key, key_problem, read_key
from archfb.providers.proxies import proxy_for, proxy_problem
from archfb.providers.transport import Transport
from archfb.providers.wires import can_metadata

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("extra", [{}, {"gzip": True}, {"content_type": "text/plain"}, {"before": " \n\n"}], ids=str)
def test_every_wire_answers_streamed_and_plain(ask: Ask, api: str, stream: bool, extra: dict[str, Any]) -> None:
    say = {"text": "hello there", "thought": "hmm, a greeting", "usage": {"input": 5, "output": 3, "cached": 2}, **extra}
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
        async with ScriptedServer({"default": {"text": "abcdefgh", "thought": "xyz", "pace": 0.02}}) as server, Transport(environ={}) as transport:
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


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "2"}, 2.0), ({"retry-after": "-5"}, None), ({"retry-after": "soon"}, None), ({"retry-after-ms": "250"}, 0.25)],
)
def test_row_38_retry_after_reaches_the_reply(ask: Ask, headers: dict[str, str], seconds: float | None) -> None:
    reply, _, _ = ask({"status": 429, "message": "slow down", "headers": headers})
    assert (reply.outcome, reply.retry_after_s, reply.message) == ("rate_limited", seconds, "slow down")


def test_row_40_rate_headers_reach_the_reply(ask: Ask) -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10s", "x-ratelimit-remaining-tokens": "-1"}
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
        async with ScriptedServer() as other, ScriptedServer({"default": {"fault": "redirect", "to": other.url + "/v1"}}) as server:
            async with Transport(environ={}) as transport:
                reply = await transport.ask(target_at(server.url), Question("hi"), LIMITS)
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
    assert read_key(Provider("p", "openai-chat", api_key_env="K"), {"K": "  sk-x \n"}).reveal() == "sk-x"  # type: ignore[union-attr]
    assert read_key(Provider("p", "openai-chat", api_key_env="K"), {"K": "  "}) is None


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
    assert CANARY not in f"{key!r} {key} {target!r} {[key]} {vars(Usage) if False else ''}"


def test_lone_surrogates_and_nul_in_a_prompt_do_not_stop_it(ask: Ask) -> None:
    reply, _, server = ask({"text": "ok"}, question=Question("file \udcff and \x00", system="\ud800"))
    assert reply.outcome == "ok"
    assert server.requests[-1]["body"]["messages"][1]["content"] == "file ? and \x00"


def test_connections_are_used_again_and_many_calls_do_not_share_one() -> None:
    async def main() -> tuple[int, int, set[str]]:
        async with ScriptedServer({"default": {"text": "hi", "delay": 0.02}}) as server, Transport(environ={}) as transport:
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
            return await transport.ask(target_at("https://models.example"), Question("hi"), LIMITS)

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
    async with Transport(environ={}, resolve=lambda host, port: time.sleep(30)) as transport:
        target = Target(Model("m", "p", "m"), Provider("p", "openai-chat", "https://models.example"))
        print((await transport.ask(target, Question("hi"), Limits(0.3))).outcome)
asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True)
    assert run.stdout == "timeout\n"


PROXIES: list[tuple[str, dict[str, str], str | None]] = [
    ("https://a.example/v1", {}, None),
    ("https://a.example/v1", {"HTTPS_PROXY": "http://p:8080"}, "http://p:8080"),
    ("https://a.example/v1", {"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "http://low:1"),
    ("http://a.example/v1", {"HTTPS_PROXY": "http://p:8080"}, None),
    ("http://a.example/v1", {"HTTP_PROXY": "p:8080"}, "http://p:8080"),
    ("http://a.example/v1", {"HTTP_PROXY": "http://evil", "REQUEST_METHOD": "GET"}, None),
    ("https://a.example/v1", {"ALL_PROXY": "http://p:1"}, "http://p:1"),
    ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example, .example"}, None),
    ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, "http://p:1"),
    ("https://a.example:8443/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example:8443"}, None),
    ("https://xa.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"}, "http://p:1"),
    ("http://127.0.0.1:1/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "127.0.0.1"}, None),
    ("http://[::1]:1/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "::1"}, None),
    ("https://a.example/v1", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
]


@pytest.mark.parametrize(("url", "environ", "proxy"), PROXIES)
def test_a_request_goes_through_the_proxy_that_the_variables_name(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environ) == proxy


@pytest.mark.parametrize(
    ("value", "wrong"),
    [("http://p:8080", False), ("p:8080", False), ("localhost", False), ("", False), ("x", True), ("http://", True), ("http://p:port", True), ("ftp://p", True), ("http://a b", True)],
)  # fmt: skip
def test_row_54_a_malformed_proxy_variable_is_told(value: str, wrong: bool) -> None:
    said = proxy_problem({"HTTPS_PROXY": value})
    assert said == (f"HTTPS_PROXY '{value}' is not a URL." if wrong else None)


def test_row_54_a_proxys_password_is_hidden() -> None:
    assert proxy_problem({"HTTPS_PROXY": "ftp://me:secret@p"}) == "HTTPS_PROXY 'ftp://***@p' is not a URL."


def test_requests_go_through_a_proxy() -> None:
    async def main() -> tuple[Reply, list[str]]:
        async with ScriptedServer({"default": {"text": "by proxy"}}) as proxy:
            async with Transport(environ={"HTTP_PROXY": proxy.url}) as transport:
                reply = await transport.ask(target_at("http://10.255.255.1:9"), Question("hi"), LIMITS)
            return reply, [request["path"] for request in proxy.requests]

    reply, paths = asyncio.run(main())
    assert (reply.outcome, reply.text) == ("ok", "by proxy")
    assert paths == ["/v1/chat/completions"]


@given(st.binary(max_size=2000), st.lists(st.integers(1, 99), max_size=40), st.sampled_from([31, 15, -15]))
def test_compressed_answers_are_read_wherever_they_are_cut(data: bytes, cuts: list[int], wbits: int) -> None:
    import zlib

    packed, press = zlib.compress(data, wbits=wbits), Inflate()
    if wbits == -15:
        cuts = []
    out = b""
    for size in cuts:
        out += b"".join(press.feed(packed[:size]))
        packed = packed[size:]
    assert out + b"".join(press.feed(packed)) == data


def test_several_gzip_members_are_one_answer_and_other_encodings_are_refused() -> None:
    import gzip

    assert b"".join(Inflate().feed(gzip.compress(b"one ") + gzip.compress(b"two"))) == b"one two"
    with pytest.raises(BadEncodingError):
        decoder("br")
    with pytest.raises(BadEncodingError):
        list(Inflate().feed(b"this is not compressed at all, whatever the header said"))


OFFLINE = Target(Model("offline", "offline", "offline"), Provider("offline", "offline"))


def test_the_offline_provider_answers_without_a_socket_or_an_http_library() -> None:
    program = """
import asyncio, socket, sys
sys.path[:0] = ["cli", "state"]
from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Target
from archfb.providers.transport import Transport
class Refuse(socket.socket):
    def connect(self, *_): raise AssertionError
socket.socket = Refuse
async def main():
    async with Transport() as transport:
        target = Target(Model("offline", "offline", "offline"), Provider("offline", "offline"))
        print((await transport.ask(target, Question("What is\\nthis?"), Limits(1.0))).text)
        print((await transport.probe(target, "metadata", Limits(1.0))).outcome)
    print([name for name in ("httpx", "httpcore", "ssl", "anyio", "certifi") if name in sys.modules and name != "ssl"])
asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    told, probed, loaded = run.stdout.splitlines()
    assert told.startswith("This is the offline provider: no model was asked")
    assert told.endswith("The prompt has 13 characters in 2 lines and begins: What is this?")
    assert (probed, loaded) == ("ok", "[]")


def test_the_offline_provider_gives_the_prepared_answer_and_always_the_same() -> None:
    async def main(question: Question) -> list[Reply]:
        async with Transport(environ={}) as transport:
            return [await transport.ask(OFFLINE, question, Limits(1.0)) for _ in range(2)]

    first, second = asyncio.run(main(Question("hi", offline=lambda: "prepared")))
    assert first == second
    assert (first.outcome, first.text, first.model_reported) == ("ok", "prepared", "offline")
    assert asyncio.run(main(Question("")))[0].text.endswith("The prompt has 0 characters in 1 line.")


def probed(script: dict[str, Any], api: str, kind: str = "metadata", **model: Any) -> tuple[Reply, list[dict[str, Any]]]:
    async def main() -> tuple[Reply, list[dict[str, Any]]]:
        async with ScriptedServer(script) as server, Transport(environ={}) as transport:
            reply = await transport.probe(target_at(server.url, api, **model), kind, LIMITS)
            return reply, list(server.requests)

    return asyncio.run(main())


@pytest.mark.parametrize("api", PATHS)
def test_metadata_is_free_and_its_answer_is_checked(api: str) -> None:
    reply, requests = probed({"models": {"m": [{}], "other": [{}]}}, api)
    assert (reply.outcome, reply.model_reported) == ("ok", "m")
    assert {request["method"] for request in requests} == {"GET"}
    reply, _ = probed({"models": {"other": [{}]}}, api)
    assert (reply.outcome, reply.scope) == ("model_not_found", "model")
    everywhere = ("m", "models", "/v1/models", "/v1/models/m", "/v1beta/models/m")
    for status, outcome in ((401, "auth"), (429, "rate_limited"), (500, "server_error"), (503, "overloaded")):
        reply, _ = probed({"metadata": dict.fromkeys(everywhere, [{"status": status}])}, api)
        assert reply.outcome == outcome
    for say in ({"body": {"hello": 1}}, {"fault": "html", "status": 200}, {"fault": "empty"}, {"body": "[]"}):
        reply, _ = probed({"metadata": dict.fromkeys(everywhere, [say])}, api)
        assert reply.outcome == "malformed", say


def test_a_server_without_a_list_of_models_is_blamed_on_nobody() -> None:
    reply, _ = probed({"metadata": {"/v1/models": [{"status": 404, "body": "404 page not found"}]}}, "openai-chat")
    assert (reply.outcome, reply.code) == ("invalid_request", "no_metadata")


def test_deepseek_and_ollama_are_asked_their_own_way() -> None:
    from archfb.providers import probes

    def urls(base: str) -> list[str]:
        target = Target(Model("m", "p", "llama3"), Provider("p", "openai-chat", base), Key("K", CANARY))
        return [step.request.url for step in probes.steps(target)]

    assert urls("https://api.deepseek.com/v1") == ["https://api.deepseek.com/v1/models", "https://api.deepseek.com/user/balance"]
    assert urls("http://localhost:11434/v1") == ["http://localhost:11434/api/tags"]
    assert urls("https://api.openai.com/v1")[0] == "https://api.openai.com/v1/models/llama3"
    assert urls("http://localhost:8000/v1") == ["http://localhost:8000/v1/models"]
    target = Target(Model("m", "p", "llama3"), Provider("p", "openai-chat", "http://x"))
    good = Reply(reply_outcome("ok"), http_status=200)
    tags = probes.steps(Target(target.model, Provider("p", "openai-chat", "http://localhost:11434")))[0]
    assert probes.checked(tags, target, good, {"models": [{"name": "llama3:latest"}]}).outcome == "ok"
    balance = probes.steps(Target(target.model, Provider("p", "openai-chat", "https://api.deepseek.com")))[1]
    assert probes.checked(balance, target, good, {"is_available": False}).outcome == "quota_exhausted"
    assert probes.checked(balance, target, good, {"is_available": True}).outcome == "ok"


def reply_outcome(word: str) -> Any:
    from archfb_state.outcomes import Outcome

    return Outcome(word)


COMPLETIONS: list[tuple[str, str, int]] = [
    ("openai-chat", "gpt-4o", 16), ("openai-responses", "gpt-5-mini", 16), ("anthropic", "claude-haiku-4-5", 16),
    ("gemini", "gemini-2.5-flash", 16), ("gemini", "gemini-2.5-pro", 64), ("gemini", "gemini-3-pro-preview", 64), ("gemini", "gemini-2.0-flash", 16),
]  # fmt: skip


@pytest.mark.parametrize(("api", "model", "tokens"), COMPLETIONS)
def test_row_37_a_completion_probe_asks_for_as_little_as_is_taken(api: str, model: str, tokens: int) -> None:
    reply, requests = probed({"default": [{"text": "OK"}]}, api, "completion", id=model, reasoning="high", temperature=0.2)
    assert reply.outcome == "ok"
    body = requests[0]["body"]
    limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    limits.append(body.get("generationConfig", {}).get("maxOutputTokens"))
    assert [one for one in limits if one is not None] == [tokens]
    assert "temperature" not in json.dumps(body)


def test_a_completion_probe_cut_at_its_limit_is_a_success_and_nonsense_is_none() -> None:
    assert probed({"default": [{"text": "", "finish": "length"}]}, "openai-chat", "completion")[0].outcome == "ok"
    assert probed({"default": [{"text": ""}]}, "openai-chat", "completion")[0].outcome == "malformed"
    assert probed({"default": [{"status": 503}]}, "openai-chat", "completion")[0].outcome == "overloaded"


def test_every_api_says_whether_it_has_metadata() -> None:
    assert all(can_metadata(Provider("p", api)) for api in ("openai-chat", "openai-responses", "anthropic", "gemini", "offline"))  # type: ignore[arg-type]
