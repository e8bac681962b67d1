"""What the provider tests share: targets, limits, and the type of one ask over a real socket."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripted_server import ScriptedServer

from archfb.config.model import Model, Provider
from archfb.providers.exchange import Limits, Reply, Target
from archfb.providers.keys import Key

CANARY = "sk-canary-4f1c0de5ec2e7"
PATHS = {"openai-chat": "/v1", "openai-responses": "/v1", "anthropic": "/v1", "gemini": "/v1beta"}
ROOM = Limits(total=60.0, connect=30.0, idle=30.0)
"""For whatever does not end by a limit: a busy machine takes its time."""
LIMITS = Limits(total=0.8, connect=0.4, idle=0.3)
"""For what ends by one."""


def target_at(url: str, api: str = "openai-chat", *, learned: dict[str, str] | None = None, **model: Any) -> Target:
    """Return a model `m` behind one protocol at a server's address."""
    preset = Model(**{"name": "preset", "provider": "p", "id": "m", **model})
    return Target(preset, Provider("p", api, url + PATHS[api], "P_KEY"), Key("P_KEY", CANARY), learned or {})  # type: ignore[arg-type]


Timed = tuple[Reply, float, ScriptedServer]
Ask = Callable[..., Timed]


def serving(certificates: dict[str, Path], kind: str) -> ssl.SSLContext:
    """Return a server's TLS context with one of the certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates[kind], certificates["key"])
    return context
