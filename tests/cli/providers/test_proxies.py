"""Requests go through the proxy that the variables name, and a wrong variable is told."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
from asking import CANARY, ROOM, serving, target_at
from scripted_server import ScriptedServer, refused_port
from tunnel import Tunnel

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
    ("http://10.1.2.3/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
    ("http://[fd00::7]/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "fd00::/8"}, None),
    ("http://11.1.2.3/v1", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8, x/9"}, "http://p:1"),
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


def by_tunnel(
    tunnel: Tunnel, certificates: dict[str, Path], kind: str = "valid", user: str = "", host: str = "127.0.0.1"
) -> Reply:
    """Ask an https server through a tunnel, as a user whose variables say so."""

    async def main() -> Reply:
        async with ScriptedServer({"default": {"text": "fine"}}, tls=serving(certificates, kind)) as server, tunnel:
            proxy = f"http://{user}{tunnel.place}"
            environ = {"HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(certificates[kind])}
            async with Transport(environ=environ) as transport:
                return await transport.ask(target_at(f"https://{host}:{server.port}"), Question("hi"), ROOM)

    return asyncio.run(main())


def test_https_goes_through_a_tunnel_that_sees_no_key(certificates: dict[str, Path]) -> None:
    tunnel = Tunnel(user=base64.b64encode(b"me:secret word"))
    reply = by_tunnel(tunnel, certificates, user="me:secret%20word@")
    assert (reply.outcome, reply.text) == ("ok", "fine")
    assert [head.split()[0] for head in tunnel.heads] == [b"CONNECT"]
    assert CANARY.encode() not in tunnel.heads[0]


@pytest.mark.parametrize("user", ["", "me:secret%20word@"])
def test_row_52_a_certificate_that_expired_is_told_with_its_date_behind_a_proxy_too(
    certificates: dict[str, Path], user: str
) -> None:
    tunnel = Tunnel(user=base64.b64encode(b"me:secret word") if user else None)
    reply = by_tunnel(tunnel, certificates, "expired", user)
    assert (reply.outcome, reply.code) == ("network", "tls")
    assert (reply.message or "").startswith("Certificate of 127.0.0.1 expired 2016-01-01; clock here says 20")


def test_row_52_a_certificate_of_another_host_is_told_with_this_clock(certificates: dict[str, Path]) -> None:
    reply = by_tunnel(Tunnel(), certificates, host="box.internal")
    assert (reply.outcome, reply.code) == ("network", "tls")
    assert "Certificate of box.internal is untrusted: " in (reply.message or "")
    assert "clock here says 20" in (reply.message or "")


REFUSING: dict[str, tuple[Tunnel, str, str]] = {
    "no password": (Tunnel(user=b"nobody has this"), "proxy", "The proxy wants a user and a password (HTTP 407): "),
    "502": (Tunnel("502 Bad Gateway"), "proxy", "The proxy refused: 502 Bad Gateway"),
    "403": (Tunnel("403 Forbidden"), "proxy", "The proxy refused: 403 Forbidden"),
    "drops it": (Tunnel(""), "reset", "127.0.0.1 (through the proxy 127.0.0.1:"),
}


@pytest.mark.parametrize("case", REFUSING)
def test_a_proxy_that_refuses_is_named_as_what_failed(certificates: dict[str, Path], case: str) -> None:
    tunnel, code, message = REFUSING[case]
    reply = by_tunnel(tunnel, certificates, user="me:wrong@")
    assert (reply.outcome, reply.code) == ("network", code)
    assert (reply.message or "").startswith(message)
    assert "wrong" not in (reply.message or "")


def through(proxy: str) -> Reply:
    """Ask a private host by plain http through a proxy."""

    async def main() -> Reply:
        async with Transport(environ={"HTTP_PROXY": proxy}) as transport:
            return await transport.ask(target_at("http://box.internal:9"), Question("hi"), ROOM)

    return asyncio.run(main())


def test_a_proxy_that_wants_a_password_for_plain_http_says_so() -> None:
    async def main() -> Reply:
        async with (
            Tunnel(user=b"nobody has this") as proxy,
            Transport(environ={"HTTP_PROXY": proxy.place}) as transport,
        ):
            return await transport.ask(target_at("http://box.internal:9"), Question("hi"), ROOM)

    reply = asyncio.run(main())
    assert (reply.outcome, reply.code, reply.http_status) == ("network", "proxy", 407)
    assert (reply.message or "").startswith("The proxy wants a user and a password (HTTP 407): ")


def test_a_proxy_that_is_not_there_is_told_and_not_its_password() -> None:
    reply = through(f"http://me:secret@127.0.0.1:{refused_port()}")
    assert (reply.outcome, reply.code) == ("network", "refused")
    assert reply.message == f"127.0.0.1:{refused_port()} (the proxy) refused the connection."


def test_a_socks_proxy_without_the_package_for_it_says_what_to_install() -> None:
    reply = through("socks5://127.0.0.1:1")
    assert (reply.outcome, reply.code) == ("network", "proxy")
    assert reply.message == "A SOCKS proxy needs a package more: pip install socksio."


def test_a_plain_connection_makes_no_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*_: object, **__: object) -> None:
        raise AssertionError("a TLS context was made")

    async def main() -> Reply:
        async with ScriptedServer({"default": {"text": "hi"}}) as server, Transport(environ={}) as transport:
            return await transport.ask(target_at(server.url), Question("hi"), ROOM)

    monkeypatch.setattr("ssl.SSLContext", made)
    assert asyncio.run(main()).text == "hi"
