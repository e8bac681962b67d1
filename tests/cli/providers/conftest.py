"""Fixtures of the provider tests: one ask over a real socket, and certificates of their own."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from asking import ROOM, Ask, Timed, target_at
from scripted_server import ScriptedServer

from archfb.providers.exchange import Limits, Question
from archfb.providers.transport import Transport


@pytest.fixture
def ask() -> Ask:
    """Return a function that asks a scripted server once and tells the reply, the seconds it took, and the server."""

    def asked(
        behaviours: Any,
        api: str = "openai-chat",
        *,
        limits: Limits = ROOM,
        tls: ssl.SSLContext | None = None,
        environ: dict[str, str] | None = None,
        url: str | None = None,
        question: Question | None = None,
        **model: Any,
    ) -> Timed:
        async def main() -> Timed:
            script = (
                behaviours if isinstance(behaviours, dict) and "models" in behaviours else {"default": behaviours}
            )
            async with ScriptedServer(script, tls=tls) as server, Transport(environ=environ or {}) as transport:
                began = time.monotonic()
                target = target_at(url or server.url, api, **model)
                reply = await transport.ask(target, question or Question("hi"), limits)
                return reply, time.monotonic() - began, server

        return asyncio.run(main())

    return asked


_CA = """[ca]
default_ca = d
[d]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = p
copy_extensions = copy
unique_subject = no
[p]
commonName = supplied
"""


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return freshly made certificates for 127.0.0.1 ("valid", "expired") and their "key"."""
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "ca.cnf").write_text(_CA)
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    dates = ["-startdate", "20150101000000Z", "-enddate", "20160101000000Z"]
    signing = ["ca", "-batch", "-config", "ca.cnf", "-selfsign"]
    commands = [
        ["req", "-x509", *new, "-keyout", "key.pem", "-out", "valid.pem", "-days", "30", *name],
        ["req", "-new", "-key", "key.pem", "-out", "request.pem", *name],
        [*signing, "-keyfile", "key.pem", "-in", "request.pem", "-out", "expired.pem", "-notext", *dates],
    ]
    try:
        for command in commands:
            subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"openssl cannot make certificates here: {error}")
    return {kind: folder / f"{kind}.pem" for kind in ("valid", "expired", "key")}
