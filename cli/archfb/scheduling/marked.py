"""Lines of ours in a file of somebody else: marked, found again, and known to be as they were written."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

from archfb.scheduling.job import ScheduleError

_BEGIN = rb"# archfb schedule: begin"
_END = rb"# archfb schedule: end"
_BLOCK = re.compile(rb"^" + _BEGIN + rb" ([0-9a-f]{8})\b[^\n]*\n(.*?)^" + _END + rb" \1\n", re.MULTILINE | re.DOTALL)
_ANY = re.compile(rb"^# archfb schedule: (?:begin|end)\b", re.MULTILINE)


class Block(NamedTuple):
    """Where marked lines stand (bytes from the beginning), and whether nobody changed them since."""

    start: int
    end: int
    intact: bool


def digest(body: bytes) -> str:
    """Return the mark by which lines are known again."""
    return blake2b(body, digest_size=4).hexdigest()


def marked(body: bytes) -> bytes:
    """Return the lines between their marks."""
    mark = digest(body).encode()
    about = b"written by `archfb schedule install`, taken out by `archfb schedule remove`"
    return b"%s %s (%s)\n%s%s %s\n" % (_BEGIN, mark, about, body, _END, mark)


def find(text: bytes) -> Block | None:
    """Return the marked lines, or None. Raises ScheduleError where the marks do not belong together."""
    found = list(_BLOCK.finditer(text))
    if len(found) * 2 != len(_ANY.findall(text)) or len(found) > 1:
        raise ScheduleError(
            "The marks of the schedule in the crontab do not belong together. Nothing was changed.",
            hint="Take the lines that name 'archfb schedule' out by hand: crontab -e",
        )
    if not found:
        return None
    return Block(found[0].start(), found[0].end(), digest(found[0][2]).encode() == found[0][1])


def put(text: bytes, block: bytes) -> bytes:
    """Return the text with the block where one stands already, else at the end."""
    found = find(text)
    if found is not None:
        return text[: found.start] + block + text[found.end :]
    return text + (b"\n" if text and not text.endswith(b"\n") else b"") + block


def taken_out(text: bytes) -> bytes:
    """Return the text without the block."""
    found = find(text)
    return text if found is None else text[: found.start] + text[found.end :]
