"""What this program wrote into the repository itself: it is no part of what is read.

Else each writing would change what the next run reads, and the rules and every answer with it.
"""

from __future__ import annotations

from archfb.repository.digests import blake2b
from archfb.repository.patterns import regex

BEGIN = b"<!-- archfb:begin"
END = b"<!-- archfb:end -->"

_BACKUP = regex(r"\.([0-9a-f]{8})\.bak$")
_RESULT = regex(r"^(?:phase[1-5]|final)\.md$")
_ORIGIN = regex(rb"\nFrom [\d,]+ files?(?: at commit [0-9a-f]+)? \(content [0-9a-f]{12}\)\.[^\n]*\n$")
_RUN = regex(rb'\{\s*"schema": 1,\s*"ok": (?:true|false),\s*"run_id": "')
_FRONT = regex(rb'---\ndescription: "Working rules of [^\n]*"\nglobs:\nalwaysApply: true\n---\s*')
_TAIL = 4_000
_LOG = regex(rb'\{"at":"\d{4}-\d\d-\d\dT[\d:.]{8,15}Z","event":"')
_LOCK = regex(rb"(?:\d+ +\d+\.\d+\n)?")
_PROSE = (".md", ".mdc", ".mdx", ".markdown", ".txt", ".rst", ".adoc")
_SQLITE, _OURS, _AT = b"SQLite format 3\0", b"arfb", 68  # a database's head, and where it names its application
_BESIDE = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", b"\x18\xe2\x2d\x00", b"\x00\x2d\xe2\x18")


def backup_mark(content: bytes) -> str:
    """Return what the name of a file's copy says of its content: 8 hex digits."""
    return blake2b(content, digest_size=4).hexdigest()


def without(name: str, content: bytes) -> bytes | None:
    """Return a file's content without the section of rules; None where the whole file is this program's writing.

    A state, its log and what lies beside them (a database's own journal, a lock) are no content either: each run
    changes them.
    """
    if content.startswith(_SQLITE):
        return None if content[_AT : _AT + 4] == _OURS else content
    if name.endswith(".bak"):
        found = _BACKUP.search(name)
        return None if found and found[1] == backup_mark(content) else content
    if name == "run.json":
        return None if _RUN.match(content) else content
    if name.endswith(".md") and _RESULT.match(name) and _ORIGIN.search(content[-_TAIL:]):
        return None
    if name.endswith(("-wal", "-shm", "-lock")):
        return None if content[:4] in _BESIDE or _LOCK.fullmatch(content) else content
    if content.startswith(b'{"at":"'):
        return None if _LOG.match(content) else content
    may_hold_rules = name.endswith(_PROSE) or "." not in name[1:]
    return _without_section(content) if may_hold_rules and BEGIN in content else content


def _without_section(content: bytes) -> bytes | None:
    begin, end = content.find(BEGIN), content.find(END)
    if end < begin or content.count(BEGIN) != 1 or content.count(END) != 1:
        return content
    before, after = content[:begin], content[end + len(END) :]
    # One line feed was put before the section and one behind it.
    before = before.removesuffix(b"\r\n") if before.endswith(b"\r\n") else before.removesuffix(b"\n")
    after = after.removeprefix(b"\r\n") if after.startswith(b"\r\n") else after.removeprefix(b"\n")
    rest = before + after
    return None if not rest.strip() or _FRONT.fullmatch(rest) else rest
