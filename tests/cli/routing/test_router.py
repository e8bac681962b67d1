"""Opening a router: what it refuses, and what it hands on."""

from __future__ import annotations

import asyncio

import pytest
from routing_bench import config

from archfb.errors import ConfigurationError
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
