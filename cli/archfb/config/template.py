"""The file that `archfb config init` writes: the shipped one, every setting commented out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from archfb.config.source import shipped_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD = """\
# archfb: your configuration. Every setting is here with the value that holds without it, commented out:
# remove the "# " before what you want to change, and delete the rest if you like.
# `archfb config check` says whether it can be used, `archfb config show` what is in force.
#
# Tables merge key by key with the shipped ones, lists replace them. Times are seconds, money is USD.
"""
_SETTING = re.compile(r"^([A-Za-z0-9_-]+ *= [^#\n]*?)(?:  )?( *#.*)?$", re.MULTILINE)
_KEY = re.compile(r'^api_key_env *= *"([^"]+)"', re.MULTILINE)


def template(environ: Mapping[str, str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the text, and the variables of the shipped providers whose key is set and is not."""
    shipped = Path(shipped_path()).read_text("utf-8")
    variables = list(dict.fromkeys(_KEY.findall(shipped)))
    found = tuple(name for name in variables if environ.get(name, "").strip())
    lacking = tuple(name for name in variables if name not in found)
    body = shipped[shipped.index("\n\n") + 1 :]
    keys = f"#\n# Keys in the environment when this was written: {_list(found)}. Not set: {_list(lacking)}.\n"
    return _HEAD + keys + _SETTING.sub(r"# \1\2", body), found, lacking


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
