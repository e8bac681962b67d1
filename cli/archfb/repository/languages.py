"""Which language a file is in, by name, first line and a few marks in its text, named as GitHub names them."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from archfb.repository.language_table import TABLE
from archfb.repository.patterns import regex

_TYPES = {"p": "programming", "m": "markup", "d": "data", "t": "prose"}
# Looked through for each mark that a repository has: to read it all takes longer than a small repository.
_TABLE = "\n" + TABLE.replace("\n  ", " ").replace("\n", " \n")


def _with(mark: str) -> str | None:
    """Return the language that has a mark."""
    at = _TABLE.find(f" {mark} ") if " " not in mark else -1
    while at >= 0:
        begin = _TABLE.rfind("\n", 0, at) + 3
        end = _TABLE.find(":", begin)
        if end < at:
            return _TABLE[begin:end]
        at = _TABLE.find(f" {mark} ", at + 1)  # that was a word of a language's name
    return None


@cache
def whole_names() -> dict[str, str]:
    """Return the language of each file name that tells it."""
    names: dict[str, str] = {}
    for line in reversed([line for line in _TABLE.split("\n") if " =" in line]):
        language, *marks = line.split(" =")
        names |= dict.fromkeys([mark.partition(" ")[0] for mark in marks], language[2 : language.index(":")])
    return names


def by_whole_name(name: str) -> str | None:
    """Return the language that a file's whole name tells, None where its extension may."""
    _, dot, extension = name.rpartition(".")
    return None if dot and not _ends_whole_names(extension) else whole_names().get(name)


@lru_cache(maxsize=4096)
def _ends_whole_names(extension: str) -> bool:
    at = _TABLE.find(f".{extension} ")
    while at >= 0 and _TABLE[_TABLE.rfind(" ", 0, at) + 1] != "=":
        at = _TABLE.find(f".{extension} ", at + 1)
    return at >= 0


@cache
def types() -> dict[str, str]:
    """Return the type of each language: programming, markup, data or prose."""
    return {line[2 : line.index(":")]: _TYPES[line[0]] for line in _TABLE.split("\n")[1:-1]}


# Languages that are counted with another.
GROUPS = {
    "Fish": "Shell",
    "Tcsh": "Shell",
    "Fortran Free Form": "Fortran",
    "Java Server Pages": "Java",
    "OpenCL": "C",
    "PostCSS": "CSS",
}
_COMPOUND = (".blade.php", ".cmake.in", ".sh.in", ".rs.in", ".tcl.in", ".frag.js")
# Extensions that several languages share are settled by looking into the file.
AMBIGUOUS = frozenset(
    {
        "h",
        "m",
        "ts",
        "inc",
        "pl",
        "pm",
        "t",
        "cls",
        "v",
        "d",
        "fs",
        "s",
        "l",
        "pro",
        "rs",
        "cgi",
        "in",
        "res",
        "config",
        "re",
        "sql",
        "es",
    }
)


@lru_cache(maxsize=4096)
def _by_extension(extension: str) -> str | None:
    return None if extension[:1] in ("", "=", "#") else _with(extension) or _with(extension.lower())


@cache
def _by_folded_name() -> dict[str, str]:
    return {name.lower(): language for name, language in whole_names().items()}


def by_name(name: str) -> str | None:
    """Return the language that a file's name tells, None where only its text can."""
    known = by_whole_name(name)
    if known is not None:
        return known
    _, dot, extension = name.rpartition(".")
    if dot:
        if name.endswith(_COMPOUND):
            return _by_extension(".".join(name.rsplit(".", 2)[1:]))
        if extension in ("in", "dist", "example", "sample", "tmpl"):
            return by_name(name[: -len(extension) - 1])
        found = _by_extension(extension)
        if found is not None:
            return found
    folded = _by_folded_name().get(name.lower())
    return folded if folded is not None else _by_prefix(name)


def _by_prefix(name: str) -> str | None:
    if name.startswith(("Dockerfile.", "Containerfile.")):
        return "Dockerfile"
    if name.startswith(("Makefile.", "GNUmakefile.")):
        return "Makefile"
    return None


_COMPDEF = b"#compdef "
_SHELLCHECK = regex(rb"# shellcheck shell=(?:ba|z|k|da)?sh\b")
_SHEBANG = regex(rb"#!\s*(\S+)(?:[ \t]+(?:-\S+[ \t]+){0,5}+([^\s=]+))?")
_MODELINE = regex(rb"-\*-[ \t]*(?:.*mode:[ \t]*)?([A-Za-z+#-]+)")
_MODES = {
    b"c++": "C++",
    b"python": "Python",
    b"ruby": "Ruby",
    b"perl": "Perl",
    b"sh": "Shell",
    b"tcl": "Tcl",
    b"cperl": "Perl",
}


def by_shebang(head: bytes) -> str | None:
    """Return the language of the interpreter in the first line, None where there is none known."""
    if head.startswith(_COMPDEF) or _SHELLCHECK.match(head):
        return "Shell"
    if not head.startswith(b"#!"):
        return None
    found = _SHEBANG.match(head)
    if found is None:
        return None
    program = found[1].rpartition(b"/")[2]
    if program == b"env" and found[2]:
        program = found[2].rpartition(b"/")[2]
    name = program.decode("ascii", "replace")
    return _with("#!" + name) or _with("#!" + name.rstrip("0123456789."))


# Patterns as text: `re` compiles (and keeps) one when a file needs it, and starting up pays for none.
# These, asked of every header, begin with a literal newline, so that the search skips from line to line, and never go
# back into a line's blanks.
_OBJECTIVE_C_LINE = rb"@(?:interface|class|protocol|property|end|implementation)\b|#import[ \t]"
_CPP_LINE = (
    rb"template[ \t]*<|(?:public|private|protected):|class[ \t]+\w+|(?:using[ \t]+)?namespace[ \t]+\w+"
    rb"|constexpr\b|catch[ \t]*\(|try\b"
    rb"|#[ \t]*include[ \t]*<(?:cstdint|string|vector|map|list|array|set|memory|functional|utility|algorithm"
    rb"|[io]?o?stream|iostream|unordered_\w+|string_view|optional)>"
)
_OBJECTIVE_C = rb"\n[ \t]*+(?:%b)" % _OBJECTIVE_C_LINE
_CPP = rb"\n[ \t]*+(?:%b)" % _CPP_LINE
_MORE_THAN_C = rb"\n[ \t]*+(?:%b|%b)" % (_OBJECTIVE_C_LINE, _CPP_LINE)
_STANDARD = rb"std::(?<=\bstd::)\w"
_MARKS: dict[str, tuple[tuple[str, bytes], ...]] = {
    "h": (("Objective-C", _OBJECTIVE_C), ("C++", _CPP), ("C++", _STANDARD)),
    "m": (
        ("Objective-C", _OBJECTIVE_C),
        ("MATLAB", rb"(?m)^[ \t]*(?:%|function\b)"),
    ),
    "ts": (("XML", rb"\A\s*(?:<\?xml|<!DOCTYPE TS|<TS\b)"),),
    "inc": (
        ("PHP", rb"<\?php"),
        ("C++", _CPP),
        ("C++", _STANDARD),
        ("C", rb"(?m)^[ \t]*(?:#[ \t]*(?:include|define|if|ifdef|ifndef)\b|/\*|//|static\b|\{)"),
        ("BitBake", rb"(?m)^[A-Z_]+[ \t]*[?+:]*="),
    ),
    "pl": (("Prolog", rb"(?m)^[^#\n]*:-"), ("Raku", rb"(?m)^[ \t]*use v6")),
    "t": (
        ("Raku", rb"(?m)^[ \t]*use v6"),
        ("Turing", rb"(?m)^[ \t]*(?:var|const)\s+\w+\s*:="),
    ),
    "cls": (
        ("TeX", rb"(?m)^[ \t]*\\(?:Needs|Provides|document)"),
        ("VBA", rb"(?m)^VERSION \d"),
    ),
    "v": (
        ("Coq", rb"(?m)^[ \t]*(?:Require|Theorem|Lemma|Definition|Proof)\b"),
        ("V", rb"(?m)^(?:pub )?fn \w"),
    ),
    "d": (("Makefile", rb"(?m)^[\w./-]+(?:\.o|\.lo)?[ \t]*:[ \t]"),),
    "rs": (("XML", rb"\A\s*<\?xml"), ("RenderScript", rb"(?m)^#pragma\s+(?:rs|version)")),
    "l": (
        ("Lex", rb"(?m)^%(?:[%{}]|option\b)"),
        ("Common Lisp", rb"(?m)^[ \t]*\((?:def|in-package|in-module)"),
        ("Roff", rb"(?m)^\.(?:TH|SH|\\\")"),
    ),
    "cgi": (("Shell", rb"\A#!.*sh\b"), ("Python", rb"\A#!.*python")),
    "es": (("Erlang", rb"(?m)^[ \t]*(?:%|main[ \t]*\()|\A#!.*escript"),),
    "sql": (
        (
            "PLpgSQL",
            rb"(?im)^\\i\b|\bAS[ \t]+\$\$|\bLANGUAGE[ \t]+'?plpgsql\b|\bBEGIN(?:[ \t]+WORK)?[ \t]*;",
        ),
        (
            "PLSQL",
            rb"(?i)\$\$PLSQL_|\bXMLTYPE\b|\bsysdate\b|\bsystimestamp\b|\.nextval\b|\bCONNECT[ \t]+BY\b",
        ),
        (
            "TSQL",
            rb"(?im)^[ \t]*GO\b|\bBEGIN[ \t]+(?:TRY|CATCH)\b|\bDECLARE[ \t]+@|\[dbo\]|OUTPUT[ \t]+INSERTED",
        ),
    ),
    "res": (("XML", rb"\A\s*<\?xml"),),
    "config": (("XML", rb"\A\s*<"),),
}
_LOOKED_AT = 65_536
_FALLBACK: dict[str, str | None] = {
    "inc": None,
    "config": None,
    "in": None,
    "pro": None,
    "m": "Objective-C",
    "d": "D",
    "l": "Lex",
}


def by_text(name: str, named: str | None, head: bytes) -> str | None:
    """Return the language of a file given what its name tells and its first bytes."""
    if by_whole_name(name) is not None or _by_prefix(name) is not None:
        return named
    extension = name.rpartition(".")[2].lower()
    if extension not in AMBIGUOUS:
        plain = "." not in name
        return (by_shebang(head) if plain else None) or named or by_shebang(head) or _by_modeline(head)
    if extension == "in":
        return named if name.endswith(_COMPOUND) else by_shebang(head)
    head = head[:_LOOKED_AT]
    lines = b"\n" + head
    # Most headers are C: one search and a plain one tell so.
    if extension == "h" and re.search(_MORE_THAN_C, lines) is None and b"std::" not in head:
        return named
    for language, pattern in _MARKS.get(extension, ()):
        if re.search(pattern, lines if pattern.startswith(rb"\n") else head):
            return language
    return _FALLBACK.get(extension, named)


def _by_modeline(head: bytes) -> str | None:
    found = _MODELINE.search(head, 0, 300)
    return _MODES.get(found[1].lower()) if found else None


_ALIASES = {
    "js": "JavaScript",
    "ts": "TypeScript",
    "cpp": "C++",
    "c-plus-plus": "C++",
    "csharp": "C#",
    "golang": "Go",
}


@cache
def _by_folded_language() -> dict[str, str]:
    return {name.lower().replace(" ", "-"): name for name in types()} | _ALIASES


def called(name: str) -> str:
    """Return the language of that name, however it is spelt; the name itself where none is known."""
    return _by_folded_language().get(name.lower().replace(" ", "-"), name)


def counts(language: str | None) -> bool:
    """Return whether the language counts in the shares (programming and markup do; data and prose do not)."""
    return language is not None and types().get(language) in ("programming", "markup")
