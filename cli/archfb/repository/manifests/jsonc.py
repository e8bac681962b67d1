"""JSON of manifests, also with comments and trailing commas."""

from __future__ import annotations

import json

from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Every token ends somewhere, closed or not, and gives nothing back: linear whatever the text.
_TOKEN = regex(r'"(?:[^"\\\n]|\\.)*+"?|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|,(?=\s*[}\]])')


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the object that a text is, None when it is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def parse_jsonc(content: bytes) -> Any:
    """Return the value, None when it is not JSON even so."""
    text = content.decode("utf-8-sig", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        bare = _TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)
        return json.loads(_TOKEN.sub(lambda match: match[0] if match[0].startswith('"') else " ", bare))
    except (ValueError, RecursionError):
        return None
