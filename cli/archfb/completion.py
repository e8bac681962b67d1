"""Words that a shell may complete: phases, models and providers of the configuration in force."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archfb.config.model import Config


def _config() -> Config | None:
    """Return the configuration; a broken one completes nothing and says nothing."""
    from archfb.config.folders import working_folder
    from archfb.config.load import load
    from archfb.errors import ArchfbError

    try:
        return load(None, environ=os.environ, cwd=working_folder())
    except ArchfbError:
        return None


def phases() -> list[str]:
    """Return the phases."""
    from archfb.config.model import PHASES

    return list(PHASES)


def phases_and_all() -> list[str]:
    """Return the phases, and the word for all of them."""
    return [*phases(), "all"]


def models() -> list[str]:
    """Return the models that are defined."""
    config = _config()
    return list(config.models) if config else []


def providers() -> list[str]:
    """Return the providers that are defined."""
    config = _config()
    return list(config.providers) if config else []
