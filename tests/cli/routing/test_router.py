"""Opening a router: what it refuses, and what it hands on."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest
from routing_bench import config
from scripted_server import ServerThread

from archfb.errors import ConfigurationError, UsageError
from archfb.routing.router import Router
from archfb_state.storage.memory_store import MemoryStore


def opened(environ: dict[str, str]) -> dict[str, str]:
    async def main() -> dict[str, str]:
        async with Router.open(config({"m": {}}), environ=environ, store=MemoryStore()) as router:
            return router.desk.transport.environ

    return asyncio.run(main())


def test_row_54_a_proxy_variable_that_is_no_url_is_refused_with_its_name() -> None:
    with pytest.raises(ConfigurationError, match=r"HTTPS_PROXY 'x' is not a URL\.") as refused:
        opened({"HTTPS_PROXY": "x"})
    assert refused.value.exit_code == 2


def test_proxies_and_certificates_are_those_of_the_environment_given() -> None:
    environ = {"HTTPS_PROXY": "http://proxy.example:3128", "SSL_CERT_FILE": "/certificates.pem"}
    assert opened(environ) == environ


def test_a_date_to_come_back_at_is_read_by_the_clock_of_the_state() -> None:
    there = 1_790_000_000.0
    store = MemoryStore(clock=lambda: there)

    async def main(url: str) -> None:
        async with Router.open(config({"m": {"base_url": f"{url}/v1"}}), environ={}, store=store) as router:
            await router.ask("phase1", "hi")

    refused = {"status": 429, "headers": {"Retry-After": formatdate(there + 60, usegmt=True)}}
    with ServerThread({"default": refused}) as server:
        asyncio.run(main(server.url))
    assert [one.retry_after_s for one in store.attempts()] == [60.0]


def test_a_router_that_was_closed_says_so() -> None:
    async def late() -> None:
        async with Router.open(config({"a": {}}), store=MemoryStore(), environ={}) as router:
            pass
        await router.ask("phase1", "x")

    with pytest.raises(UsageError, match="This router is closed"):
        asyncio.run(late())
