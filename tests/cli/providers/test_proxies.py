"""Requests go through the proxy that the variables name, and a wrong variable is told."""

from __future__ import annotations

import asyncio

import pytest
from asking import ROOM, target_at
from scripted_server import ScriptedServer

from archfb.providers.exchange import Question, Reply
from archfb.providers.proxies import proxy_for
from archfb.providers.transport import Transport

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
def test_a_request_goes_through_the_proxy_that_the_variables_name(
    url: str, environ: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(url, environ) == proxy


def test_requests_go_through_a_proxy() -> None:
    async def main() -> tuple[Reply, list[str]]:
        async with ScriptedServer({"default": {"text": "by proxy"}}) as proxy:
            async with Transport(environ={"HTTP_PROXY": proxy.url}) as transport:
                reply = await transport.ask(target_at("http://10.255.255.1:9"), Question("hi"), ROOM)
            return reply, [request["path"] for request in proxy.requests]

    reply, paths = asyncio.run(main())
    assert (reply.outcome, reply.text) == ("ok", "by proxy")
    assert paths == ["/v1/chat/completions"]


def test_row_54_nothing_is_sent_where_a_proxy_variable_is_malformed() -> None:
    async def main() -> tuple[Reply, int]:
        async with ScriptedServer({"default": {"text": "hi"}}) as server:
            async with Transport(environ={"HTTPS_PROXY": "ftp://me:secret@p"}) as transport:
                reply = await transport.ask(target_at(server.url), Question("hi"), ROOM)
            return reply, server.counts["requests"]

    reply, asked = asyncio.run(main())
    assert (reply.outcome, reply.code, asked) == ("network", "proxy", 0)
    assert reply.message == "HTTPS_PROXY 'ftp://…@p' is not a URL."
