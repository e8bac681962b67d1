"""Ask language models through chains that heal themselves; importing this loads no HTTP stack."""

from __future__ import annotations

from archfb.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from archfb.agents import LoadBalancer, ModelManager
    from archfb.errors import ArchfbError
    from archfb.routing.answer import Answer
    from archfb.routing.router import Router
    from archfb_state.decisions import Decision

__all__ = ["Answer", "ArchfbError", "Decision", "LoadBalancer", "ModelManager", "Router", "__version__"]

_HOMES = {
    "Answer": "archfb.routing.answer",
    "ArchfbError": "archfb.errors",
    "Decision": "archfb_state.decisions",
    "LoadBalancer": "archfb.agents",
    "ModelManager": "archfb.agents",
    "Router": "archfb.routing.router",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'archfb' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
