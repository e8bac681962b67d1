"""git's ignore rules, for folders where git itself cannot be asked, and git's attribute patterns.

The rules are those of gitignore(5): the last match wins, a folder's own file counts more than one above it, and
nothing can be taken back inside a folder that is itself ignored.
"""

from __future__ import annotations

import re

from archfb.repository.record import Record

_MAX_PATTERN = 1_000


class Rule(Record):
    """One line of an ignore file. `rooted` patterns match the path below their folder, others the name alone."""

    match: re.Pattern[bytes]
    keeps: bool
    folders_only: bool
    rooted: bool


def parse(content: bytes) -> list[Rule]:
    """Return the rules of an ignore file, in order; lines that git would not understand match nothing."""
    rules = []
    lines = [line.removesuffix(b"\r") for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    # Of equal lines only the last can decide.
    for line in reversed(dict.fromkeys(reversed(lines))):
        rule = _rule(line)
        if rule is not None:
            rules.append(rule)
    return rules


def _rule(line: bytes) -> Rule | None:
    if line.startswith(b"#"):
        return None
    line = _unpadded(line)
    keeps = line.startswith(b"!")
    line = line[keeps:]
    folders_only = line.endswith(b"/")
    line = line[: len(line) - folders_only]
    if not line or len(line) > _MAX_PATTERN:
        return None
    rooted = b"/" in line
    pattern = compiled(line.removeprefix(b"/") if rooted else line)
    return None if pattern is None else Rule(pattern, keeps, folders_only, rooted)


def _unpadded(line: bytes) -> bytes:
    """Return a line without its trailing spaces; one that a backslash quotes stays."""
    bare = line.rstrip(b" ")
    quoted = (len(bare) - len(bare.rstrip(b"\\"))) % 2 == 1
    return line[: len(bare) + 1] if quoted else bare


def compiled(glob: bytes) -> re.Pattern[bytes] | None:
    """Return a pattern for the whole path (or name), None for a glob that can match nothing.

    A star followed by more is settled at the first place where what follows fits, as is each "**/" but the last: that
    never loses a match, and no glob can then take more than the square of the path's length.
    """
    parts = _parts(glob)
    if parts is None:
        return None
    sections: list[list[bytes | None]] = [[]]
    for part in parts:
        if part == _DEEP:
            sections.append([])
        else:
            sections[-1].append(None if part == _STAR else part)
    built = [_section(section) for section in sections]
    middle = b"".join(b"(?>(?:[^/]*/)*?" + section + b")" for section in built[1:-1])
    last = b"(?:.*/)?" + built[-1] if len(built) > 1 else b""
    try:
        return re.compile(b"(?s:" + built[0] + middle + last + rb")\Z")
    except (re.error, RecursionError):
        return None


_STAR, _DEEP = b"*", b"**/"


def _section(parts: list[bytes | None]) -> bytes:
    """Return the pattern of what lies between two "**/"; None stands for a star."""
    chunks: list[list[bytes]] = [[]]
    for part in parts:
        if part is None:
            chunks.append([])
        else:
            chunks[-1].append(part)
    texts = [b"".join(chunk) for chunk in chunks]
    middle = b"".join(b"(?>[^/]*?" + text + b")" for text in texts[1:-1])
    return texts[0] + middle + (b"[^/]*" + texts[-1] if len(texts) > 1 else b"")


def _parts(glob: bytes) -> list[bytes] | None:
    """Return the glob as patterns of one character each, _STAR and _DEEP; None where it is malformed."""
    parts: list[bytes] = []
    at = 0
    while at < len(glob):
        piece, at = _piece(glob, at)
        if piece is None:
            return None
        if piece not in (_STAR, _DEEP) or not parts or parts[-1] != piece:
            parts.append(piece)
    return parts


def _piece(glob: bytes, at: int) -> tuple[bytes | None, int]:
    char = glob[at : at + 1]
    if char == b"*":
        return _stars(glob, at)
    if char == b"?":
        return b"[^/]", at + 1
    if char == b"[":
        return _bracket(glob, at)
    if char == b"\\":
        return (None, at) if at + 1 == len(glob) else (re.escape(glob[at + 1 : at + 2]), at + 2)
    return re.escape(char), at + 1


def _stars(glob: bytes, at: int) -> tuple[bytes, int]:
    end = at
    while glob[end : end + 1] == b"*":
        end += 1
    if end - at == 2 and (at == 0 or glob[at - 1 : at] == b"/"):
        if end == len(glob):
            return b".*", end
        if glob[end : end + 1] == b"/":
            return _DEEP, end + 1
    return _STAR, end


_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"!-~",
    b"lower": rb"a-z",
    b"print": rb" -~",
    b"punct": rb"!-/:-@\[-`{-~",
    b"space": rb"\s",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}


def _bracket(glob: bytes, at: int) -> tuple[bytes | None, int]:
    at += 1
    negated = glob[at : at + 1] in (b"!", b"^")
    at += negated
    inside: list[bytes] = []
    first = True
    while first or glob[at : at + 1] != b"]":
        if at >= len(glob):
            return None, at
        member, at = _member(glob, at)
        if member is None:
            return None, at
        inside.append(member)
        first = False
    body = b"".join(inside)
    if negated:
        return b"(?!/)[^" + body + b"]", at + 1
    return (b"(?!/)[" + body + b"]" if body else b"(?!)"), at + 1


def _member(glob: bytes, at: int) -> tuple[bytes | None, int]:
    if glob.startswith(b"[:", at) and (end := glob.find(b":]", at)) > 0:
        return _CLASSES.get(glob[at + 2 : end]), end + 2
    low, at = _char(glob, at)
    if low is None:
        return None, at
    if glob[at : at + 1] == b"-" and glob[at + 1 : at + 2] not in (b"]", b""):
        high, at = _char(glob, at + 1)
        if high is None:
            return None, at
        return (b"%b-%b" % (_hex(low), _hex(high)) if low <= high else b""), at
    return _hex(low), at


def _char(glob: bytes, at: int) -> tuple[bytes | None, int]:
    if glob[at : at + 1] == b"\\":
        at += 1
    char = glob[at : at + 1]
    return (char or None), at + 1


def _hex(char: bytes) -> bytes:
    return b"\\x%02x" % char[0]


class Layer(Record):
    """The rules of one folder's ignore file, for paths that begin with its prefix (b"" or ending with "/")."""

    prefix: bytes
    rules: list[Rule]


def ignored(path: bytes, *, is_folder: bool, layers: list[Layer]) -> bool:
    """Return whether git would ignore the path, given that no folder above it is. `layers` from the top down."""
    name = path.rpartition(b"/")[2]
    for layer in reversed(layers):
        below = path[len(layer.prefix) :]
        for rule in reversed(layer.rules):
            if rule.folders_only and not is_folder:
                continue
            if rule.match.match(below if rule.rooted else name):
                return not rule.keeps
    return False
