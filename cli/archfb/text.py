"""Foreign text made inert: what models, providers, repositories and configurations say."""

from __future__ import annotations

import re

_BAD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\ud800-\udfff\u2028\u2029\ufeff\ufff9-\ufffb"  # surrogates, line separators, BOM, annotations
    "\U000e0000-\U000e007f]"  # tag characters
)
_BAD_ASCII = bytes(number for number in (*range(32), 127) if number not in b"\t\n")


def clean(text: str, *, limit: int | None = None, one_line: bool = False) -> str:
    """Return the text with everything that a terminal or a database could act on replaced by U+FFFD.

    Tab and newline stay; with `one_line` any run of white space becomes one space. A text longer than
    `limit` characters is cut and ends with "…".
    """
    text = text.replace("\r\n", "\n")
    if not text.isascii() or len(text.encode().translate(None, _BAD_ASCII)) < len(text):
        text = _BAD.sub("\ufffd", text)
    if one_line:
        text = " ".join(text.split())
    if limit is not None and len(text) > limit:
        text = text[: max(0, limit - 1)] + "…"
    return text


_TICKS = re.compile("`+")
_TICKS_OR_ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]|`+")


def code(text: str) -> str:
    """Return foreign text on one line as Markdown's inline code: its fence is longer than any backticks inside.

    As CommonMark has it, a blank parts the fence from a backtick that the text begins or ends with.
    """
    text = clean(text, one_line=True) or " "
    fence = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    pad = " " if "`" in (text[0], text[-1]) else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def prose(text: str) -> str:
    """Return foreign Markdown with the backticks escaped that lack a partner in it and would find one behind it."""
    parts: list[str] = []
    at = 0
    while (found := _TICKS_OR_ESCAPED.search(text, at)) is not None:
        mark = found[0]
        end = found.end() if mark[0] == "\\" else _closed(text, mark, found.end())
        parts += [text[at : found.start()], text[found.start() : end] if end else mark.replace("`", "\\`")]
        at = end or found.end()
    return "".join([*parts, text[at:]])


def _closed(text: str, fence: str, at: int) -> int:
    """Return where the code ends that a fence before `at` opens, 0 where nothing closes it."""
    return next((run.end() for run in _TICKS.finditer(text, at) if run[0] == fence), 0)
