"""The one place where the HTTP library is named: its maintained heir has the same interface."""

from __future__ import annotations

import sys

# Where click and rich are installed, httpx imports its own command line with them: 40 ms that nobody here uses.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402 - see above

__all__ = ["httpx"]
