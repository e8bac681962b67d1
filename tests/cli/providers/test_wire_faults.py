"""Every fault of a wire ends by the deadline and one second, in its class, over a real socket."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asking import CANARY, LIMITS, PATHS, ROOM, Ask, Timed, serving, target_at
from processes import PATIENCE
from scripted_server import ScriptedServer, refused_port
from timing import TRIES, best

from archfb.providers.exchange import Limits, Question, Reply
from archfb.providers.transport import Transport

SLACK = LIMITS.total + 1.0


def in_time(ask: Ask, wanted: str | None, *words: Any, **more: Any) -> Timed:
    """Ask, up to three times until it ends in time as wanted: on a busy machine anything may be late.

    The limits are short where one of them is to end it.
    """
    limits = LIMITS if wanted in ("total", "idle") else ROOM
    for _ in range(TRIES):
        reply, took, server = ask(*words, limits=limits, **more)
        if took < SLACK and (wanted == reply.code or limits is ROOM):
            break
    return reply, took, server


class Fault(NamedTuple):
    """What a server does, and how it must end: the outcome and code of a streamed answer, and of a plain one."""

    say: dict[str, Any]
    streamed: tuple[str, str | None]
    plain: tuple[str, str | None]


def alike(say: dict[str, Any], outcome: str, code: str | None) -> Fault:
    return Fault(say, (outcome, code), (outcome, code))


FIGURE_4 = {
    "refused": alike({}, "network", "refused"),
    "hang before headers": alike({"fault": "hang"}, "timeout", "total"),
    "hang mid-body": alike({"fault": "hang_body"}, "timeout", "idle"),
    "reset mid-stream": alike({"fault": "reset"}, "network", "reset"),
    "drip": Fault({"fault": "drip", "every": 0.1}, ("timeout", "idle"), ("timeout", "total")),
    "5 MB header": alike({"fault": "huge_header"}, "malformed", "wrong_protocol"),
    "200 MB body": alike({"fault": "huge_body"}, "malformed", "too_large"),
    "gzip bomb": alike({"fault": "gzip_bomb"}, "malformed", "too_large"),
    "bad JSON": alike({"fault": "bad_json"}, "malformed", "not_json"),
    "HTML 502": alike({"fault": "html"}, "server_error", None),
    "empty 200": alike({"fault": "empty"}, "malformed", "empty_body"),
    "error after a 200": alike({"fault": "stream_error", "status": 503}, "overloaded", None),
    "endless keep-alive": Fault({"fault": "keep_alive", "every": 0.05}, ("timeout", "idle"), ("timeout", "total")),
    "wrong Content-Length": alike({"fault": "wrong_length"}, "malformed", "cut_off"),
    "redirect": alike({"fault": "redirect"}, "network", "redirect"),
    "expired certificate": alike({}, "network", "tls"),
}
"""The sixteen faults of RELIABILITY.md's figure 4."""
WAYS = [(api, stream) for api in PATHS for stream in (True, False)]
CODELESS = ("error after a 200",)
"""Each protocol has a code of its own for these."""


async def faulty(
    name: str, fault: Fault, certificates: dict[str, Path]
) -> dict[tuple[str, bool], tuple[Reply, float]]:
    """Return how a fault ended in every protocol, streamed and plain, all at once, and the seconds that each took."""
    tls = serving(certificates, "expired") if name == "expired certificate" else None
    trusted = {"SSL_CERT_FILE": str(certificates["expired"])} if tls else {}
    script = {"default": {"text": "one two three four five six", **fault.say}}
    async with ScriptedServer(script, tls=tls) as server, Transport(environ=trusted) as transport:
        url = f"http://127.0.0.1:{refused_port()}" if name == "refused" else server.url

        async def one(api: str, stream: bool) -> tuple[Reply, float]:
            code = (fault.streamed if stream else fault.plain)[1]
            began = time.monotonic()
            limits = LIMITS if code in ("total", "idle") else ROOM
            reply = await transport.ask(target_at(url, api, stream=stream), Question("hi"), limits)
            return reply, time.monotonic() - began - limits.total

        return dict(zip(WAYS, await asyncio.gather(*(one(*way) for way in WAYS)), strict=True))


def strange(name: str, fault: Fault, found: dict[tuple[str, bool], tuple[Reply, float]]) -> dict[Any, Any]:
    """Return what did not end by its deadline and a second in its class."""
    out = {}
    for way, (reply, late) in found.items():
        outcome, code = fault.streamed if way[1] else fault.plain
        right = (
            reply.outcome == outcome and (reply.code == code or name in CODELESS) and reply.message and not reply.ok
        )
        if not right or late > 1.0 or CANARY in repr(reply):
            out[way] = (late, reply)
    return out


@pytest.mark.parametrize("name", FIGURE_4)
def test_every_fault_ends_in_time_and_in_its_class_in_every_protocol_streamed_and_plain(
    certificates: dict[str, Path], name: str
) -> None:
    for _ in range(TRIES):
        wrong = strange(name, FIGURE_4[name], asyncio.run(faulty(name, FIGURE_4[name], certificates)))
        if not wrong:
            return
    assert wrong == {}


VARIANTS: list[tuple[str, Any, bool, str, str | None]] = [
    ("reset before the answer", {"fault": "reset_early"}, True, "network", "reset"),
    ("closed before the answer", {"fault": "close"}, True, "network", "reset"),
    ("cut off in order", {"fault": "cut"}, True, "malformed", "cut_off"),
    ("cut off in order", {"fault": "cut"}, False, "malformed", "not_json"),
    ("HTML 200", {"fault": "html", "status": 200}, True, "malformed", "web_page"),
    (
        "error event after a 200",
        {"fault": "stream_error", "status": 429},
        True,
        "rate_limited",
        "rate_limit_exceeded",
    ),
    ("wrong Content-Length, too short", {"fault": "wrong_length", "size": -20}, False, "malformed", "not_json"),
    ("redirect", {"fault": "redirect", "status": 307, "to": "/v1/other"}, True, "network", "redirect"),
]


@pytest.mark.parametrize(
    ("name", "say", "stream", "outcome", "code"),
    VARIANTS,
    ids=[f"{row[0]}{'' if row[2] else ', plain'}" for row in VARIANTS],
)
def test_variants_of_faults_end_in_their_class(
    ask: Ask, name: str, say: Any, stream: bool, outcome: str, code: str | None
) -> None:
    reply, _, _ = ask({"text": "one two three four five six", **say}, stream=stream)
    assert (reply.outcome, reply.code) == (outcome, code), reply
    assert not reply.ok
    assert reply.message
    assert CANARY not in repr(reply)


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize(
    ("say", "outcome"),
    [
        ({"fault": "hang_body"}, "timeout"),
        ({"fault": "reset"}, "network"),
        ({"fault": "cut"}, "malformed"),
        ({"fault": "stream_error", "status": 503}, "overloaded"),
        ({"fault": "stream_error", "status": 429}, "rate_limited"),
        ({"fault": "stream_error", "status": 500}, "server_error"),
    ],
    ids=lambda value: value.get("fault", "") + str(value.get("status", "")) if isinstance(value, dict) else value,
)
def test_row_44_a_stream_that_breaks_keeps_its_partial_text_aside(ask: Ask, api: str, say: Any, outcome: str) -> None:
    after = 4 if api == "gemini" else 7
    spoken = {"text": "one two three four five six seven", "message": "boom", "after": after, **say}
    reply, took, _ = in_time(ask, "idle" if outcome == "timeout" else None, spoken, api)
    assert reply.outcome == outcome
    assert took < SLACK
    assert reply.text == ""
    assert "one" in reply.partial
    if outcome in ("overloaded", "rate_limited", "server_error"):
        assert "Stream failed after" in (reply.message or "")


def test_refused(ask: Ask) -> None:
    reply, took, _ = in_time(ask, "refused", {}, url=f"http://127.0.0.1:{refused_port()}")
    assert (reply.outcome, reply.code, reply.http_status) == ("network", "refused", None)
    assert took < SLACK


def test_row_52_an_expired_certificate_is_told_with_its_date_and_this_clock(
    ask: Ask, certificates: dict[str, Path]
) -> None:
    trusted = {"SSL_CERT_FILE": str(certificates["expired"])}
    reply, took, server = in_time(ask, "tls", {}, tls=serving(certificates, "expired"), environ=trusted)
    assert (reply.outcome, reply.code) == ("network", "tls")
    assert (reply.message or "").startswith("Certificate of 127.0.0.1 expired 2016-01-01; clock here says 20")
    assert took < SLACK
    assert server.counts["requests"] == 0


def test_row_52_a_self_signed_certificate_is_untrusted(ask: Ask, certificates: dict[str, Path]) -> None:
    reply, _, server = ask({}, tls=serving(certificates, "valid"))
    assert (reply.outcome, reply.code) == ("network", "tls")
    assert "untrusted" in (reply.message or "")
    assert server.counts["requests"] == 0


def test_a_custom_certificate_authority_is_honoured(ask: Ask, certificates: dict[str, Path]) -> None:
    trusted = {"SSL_CERT_FILE": str(certificates["valid"])}
    reply, _, _ = ask({"text": "hello"}, tls=serving(certificates, "valid"), environ=trusted)
    assert (reply.outcome, reply.text) == ("ok", "hello")


def test_a_certificate_file_that_is_missing_is_told(ask: Ask, certificates: dict[str, Path], tmp_path: Path) -> None:
    missing = {"SSL_CERT_FILE": str(tmp_path / "none.pem")}
    reply, _, _ = ask({}, tls=serving(certificates, "valid"), environ=missing)
    assert (reply.outcome, reply.code) == ("network", "tls")
    assert "SSL_CERT_FILE" in (reply.message or "")


def test_http_spoken_to_a_tls_port_and_tls_to_an_http_port(ask: Ask, certificates: dict[str, Path]) -> None:
    async def main() -> list[str | None]:
        async with (
            ScriptedServer(tls=serving(certificates, "valid")) as tls,
            ScriptedServer() as plain,
            Transport(environ={}) as transport,
        ):
            wrong = [tls.url.replace("https", "http"), plain.url.replace("http", "https")]
            replies = [await transport.ask(target_at(url), Question("hi"), Limits(60.0, 0.5)) for url in wrong]
        return [reply.outcome for reply in replies]

    assert set(asyncio.run(main())) <= {"network", "malformed"}


def test_a_host_that_does_not_exist_and_a_resolver_that_does_not_answer() -> None:
    import socket

    from archfb.providers.network import from_system

    codes = {
        socket.EAI_AGAIN: "no_resolver",
        socket.EAI_NONAME: "dns",
        socket.EAI_FAIL: "no_resolver",
    }
    for number, code in codes.items():
        wrapped = RuntimeError("wrapped")
        wrapped.__cause__ = socket.gaierror(number, "words")
        verdict = from_system(wrapped, "models.example")
        assert verdict is not None
        assert (verdict.outcome, verdict.code) == ("network", code)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("ENETUNREACH", "no_route"),
        ("EHOSTUNREACH", "no_route"),
        ("ENETDOWN", "no_route"),
        ("ECONNREFUSED", "refused"),
        ("ECONNRESET", "reset"),
        ("ETIMEDOUT", "connect_timeout"),
    ],
)
def test_the_systems_errors_have_their_names_even_in_a_group(number: str, code: str) -> None:
    import errno

    from archfb.providers.network import from_system

    group = OSError("All connection attempts failed")
    group.__cause__ = ExceptionGroup("several", [OSError(getattr(errno, number), "words")])
    verdict = from_system(group, "h")
    assert verdict is not None
    assert verdict.code == code


def test_a_connection_that_nobody_accepts_is_a_connect_timeout() -> None:
    import socket

    async def main() -> Any:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            fillers = [socket.socket() for _ in range(8)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            await asyncio.sleep(0.05)
            async with Transport(environ={}) as transport:
                began = time.monotonic()
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                reply = await transport.ask(target_at(url), Question("hi"), Limits(0.6, 0.3, 0.3))
                took = time.monotonic() - began
            for filler in fillers:
                filler.close()
            return reply, took

    reply, took = asyncio.run(main())
    assert (reply.outcome, reply.code) == ("network", "connect_timeout"), reply
    assert took < 1.6


def test_row_45_keep_alive_lines_before_the_answer_do_no_harm(ask: Ask) -> None:
    reply, _, _ = ask({"text": "hello", "before": ": keep-alive\n\n" * 20})
    assert (reply.outcome, reply.text) == ("ok", "hello")


def test_row_45_says_how_long_nothing_came(ask: Ask) -> None:
    reply, _, _ = in_time(ask, "idle", {"fault": "keep_alive", "every": 0.05})
    assert reply.message == "No content for 0.3 s; gave up."


def test_with_reasoning_on_silence_is_allowed_up_to_the_whole_time(ask: Ask) -> None:
    reply, took, _ = in_time(ask, "total", {"fault": "keep_alive", "every": 0.05}, reasoning="high")
    assert (reply.outcome, reply.code) == ("timeout", "total")
    assert LIMITS.total <= took < SLACK


def test_a_cancelled_ask_is_cancelled_at_once() -> None:
    async def main() -> float:
        async with ScriptedServer({"default": {"fault": "hang"}}) as server, Transport(environ={}) as transport:
            task = asyncio.create_task(transport.ask(target_at(server.url), Question("hi"), Limits(30.0)))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return time.monotonic() - began

    assert best(lambda: asyncio.run(main()), within=0.5) < 0.5


CLIENT = """
import asyncio, json, resource, sys
sys.path[:0] = ["cli", "state"]
from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Question, Target
from archfb.providers.transport import Transport
async def main():
    got = {}
    async with Transport(environ={}) as transport:
        for api, path in json.loads(sys.argv[2]).items():
            faults = ["huge_body", "gzip_bomb", "huge_header"] + ["nested"] * (api == "openai-chat")
            for fault, stream in ((fault, stream) for fault in faults for stream in (True, False)):
                target = Target(Model("m", "p", fault, stream=stream), Provider("p", api, sys.argv[1] + path))
                got[f"{api} {fault} {stream}"] = (await transport.ask(target, Question("hi"), Limits(60.0))).outcome
    print(json.dumps([peak(), got]))
def peak():
    try:  # what getrusage tells on Linux begins with the peak of the process that started this one
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
asyncio.run(main())
"""


def test_rows_46_and_47_no_answer_takes_more_than_150_mb(tmp_path: Path) -> None:
    here = Path(__file__).parents[2]
    nested = {"body": '{"a": [' + "[]," * 3_200_000 + "[]]}"}
    script = {
        "models": {fault: {"fault": fault} for fault in ("huge_body", "gzip_bomb", "huge_header")}
        | {"nested": nested}
    }
    (tmp_path / "script.json").write_text(json.dumps(script))
    arguments = ["--port-file", str(tmp_path / "port"), "--script", str(tmp_path / "script.json")]
    server = subprocess.Popen([sys.executable, str(here / "scripted_server.py"), *arguments])
    try:
        until = time.monotonic() + PATIENCE
        while not (tmp_path / "port").exists() and time.monotonic() < until:
            time.sleep(0.02)
        words = [f"http://127.0.0.1:{(tmp_path / 'port').read_text()}", json.dumps(PATHS)]
        run = subprocess.run(
            [sys.executable, "-c", CLIENT, *words], cwd=here.parent, capture_output=True, text=True, check=True
        )
    finally:
        server.terminate()
        server.wait(PATIENCE)
    peak, got = json.loads(run.stdout)
    assert len(got) == 26
    assert set(got.values()) == {"malformed"}, got
    assert peak < 150
