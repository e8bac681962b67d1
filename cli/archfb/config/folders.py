"""The user's folders, as platformdirs names them, from the environment that was given."""

from __future__ import annotations

import sys
from posixpath import isabs, join
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APP = "archfb"
_PLACES = {
    "linux": {"CONFIG": ".config", "STATE": ".local/state"},
    "darwin": {"CONFIG": "Library/Application Support", "STATE": "Library/Application Support"},
}


def working_folder() -> Path:
    """Return the working folder; a relative path of nothing where it is gone, so that absolute paths still do."""
    from pathlib import Path

    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def config_folder(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the folder of the user's configuration, whether it exists or not."""
    return _folder("CONFIG", environ, platform)


def state_folder(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the folder of the user's state, whether it exists or not."""
    return _folder("STATE", environ, platform)


def home(environ: Mapping[str, str]) -> str:
    """Return the home folder: $HOME where it is absolute, else that of the account, else the root."""
    named = environ.get("HOME", "")
    return named if isabs(named) else _account_home()


def expand(path: str, environ: Mapping[str, str]) -> str:
    """Return the path with a leading ~ replaced by the home folder."""
    return home(environ) + path[1:] if path == "~" or path.startswith("~/") else path


def _folder(kind: str, environ: Mapping[str, str], platform: str) -> str:
    # Importing platformdirs costs more than all the rest of `load`, so its two common rules stand here.
    named = environ.get(f"XDG_{kind}_HOME", "")
    if isabs(named):
        return join(named, APP)
    if platform in _PLACES:
        return join(home(environ), _PLACES[platform][kind], APP)
    import platformdirs

    return platformdirs.user_config_dir(APP) if kind == "CONFIG" else platformdirs.user_state_dir(APP)


def _account_home() -> str:
    import os
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"
