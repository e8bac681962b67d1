"""Definitions with their line numbers, by one regular expression per language."""

from __future__ import annotations

import re
from functools import cache

from archfb.repository.records import Definition

_MAX_LINE = 200
_MAX_DEFINITIONS = 2_000

# Each begins with a literal newline, so that the search skips from line to line. Groups: indent, kind, name.
_PATTERNS: dict[str, str] = {
    "Python": (
        r"(?P<indent>[ \t]{0,80}+)(?:async[ \t]+)?(?P<kind>def|class)[ \t]+(?P<name>\w+)[^\n]*"
        r"|(?P<name2>[A-Z][A-Z0-9_]{2,})[ \t]*(?::[^=\n]+)?=[^=\n][^\n]*"
    ),
    "JavaScript": (
        r"(?P<indent>[ \t]{0,80}+)(?:export[ \t]+)?(?:default[ \t]+)?(?:declare[ \t]+)?(?:abstract[ \t]+)?"
        r"(?:(?:async[ \t]+)?(?P<kind>function\*?|class|interface|enum|namespace|module|type)[ \t]+"
        r"(?P<name>[\w$]+)[^\n]*"
        r"|(?P<kind2>const|let|var)[ \t]+(?P<name2>[\w$]+)[^\n=]{0,200}=[ \t]*(?:async[ \t]*)?"
        r"(?:\([^\n]{0,300}=>|function|[\w$]+[ \t]*=>|class)[^\n]*"
        r"|(?:[\w$]{1,80}\.){1,4}(?P<name4>[\w$]{1,100})[ \t]*=[ \t]*(?:async[ \t]*)?"
        r"(?:\([^\n]{0,300}=>|(?P<kind4>function)|[\w$]+[ \t]*=>|class)[^\n]*"
        r"|(?:(?:public|private|protected|static|readonly|override|get|set|async)[ \t]+){0,6}"
        r"(?P<name3>(?!(?:if|for|while|switch|catch|return|function|else|do)\b)[\w$]{1,100})[ \t]*"
        r"(?:<[^\n>]{0,200}>)?\([^\n;]{0,300}\)[^\n;=]{0,100}\{[ \t]*)"
    ),
    "Go": r"(?P<indent>)(?P<kind>func|type|var|const)[ \t]+(?:\([^)\n]*\)[ \t]*)?(?P<name>\w+)[^\n]*",
    "Java": (
        r"(?P<indent>[ \t]{0,80}+)(?:(?:public|private|protected|internal|static|final|abstract|sealed"
        r"|open|override|data|inline|suspend|default|synchronized|native|case|implicit|lazy"
        r"|partial|virtual|async|readonly|extern|unsafe|strictfp|non-sealed|operator|infix|value"
        r"|inner|companion|const)[ \t]+){0,8}"
        r"(?:(?P<kind>class|interface|enum|record|@interface|object|fun|def|trait|struct"
        r"|namespace|delegate)[ \t]+(?:<[^\n>]*>[ \t]*)?(?P<name>[\w.`]+)[^\n]*"
        r"|(?P<name2>(?!\?|(?:return|throw|new|else|if|for|while|switch|catch|assert|yield|await"
        r"|using|package|import)\b)[\w<>\[\],.?@ \t]{1,120}?[ \t](?!(?:if|for|while|switch|catch"
        r"|new)\b)\w+)[ \t]*\([^\n;]{0,300}(?:\{|,|\(|\)(?=[ \t]*\n[ \t]*\{))[ \t]*)"
    ),
    "Rust": (
        r"(?P<indent>[ \t]{0,80}+)(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:default[ \t]+)?(?:const[ \t]+)?(?"
        r":async[ \t]+)?(?:unsafe[ \t]+)?(?:extern[ \t]+\"[^\"\n]*\"[ \t]+)?(?:(?P<kind>fn"
        r"|struct|enum|trait|mod|union|type|static)[ \t]+(?P<name>\w+)"
        r"|(?P<kind2>impl)\b(?:<[^\n{]{0,200}?>)?[ \t]+(?P<name2>[^\n{]{1,120}?)[ \t]*\{"
        r"|(?P<kind3>macro_rules!)[ \t]*(?P<name3>\w+))[^\n]*"
    ),
    "PHP": (
        r"(?P<indent>[ \t]{0,80}+)(?:(?:abstract|final|public|private|protected|static"
        r"|readonly)[ \t]+){0,8}(?P<kind>function|class|interface|trait"
        r"|enum)[ \t]+&?(?P<name>\w+)[^\n]*"
    ),
    "Ruby": (
        r"(?P<indent>[ \t]{0,80}+)(?P<kind>def|class(?![ \t]*<<)|module)[ \t]+(?P<name>[\w.:?!=<>\[\]+*/-]+)[^\n]*"
    ),
    "C": (
        r"(?P<indent>)(?:(?P<kind>\#[ \t]*define)[ \t]+(?P<name>\w+)\([^\n]*"
        r"|(?P<kind2>(?:typedef[ \t]+)?(?:struct|union|enum|class|namespace))[ \t]+(?:\w+[ \t]+)?"
        r"(?P<name2>\w+)[^;\n]*"
        r"|(?P<name3>(?!(?:return|else|if|for|while|switch|goto|case|typedef|using)\b)"
        r"[A-Za-z_][\w \t*&:<>,~]{0,160}?[\w~*&]{1,80}[ \t]*\((?:[^;\n]{0,300}|[^\n]{0,300}\)[ \t]*)(?=\n|\Z)))"
    ),
    "Swift": (
        r"(?P<indent>[ \t]{0,80}+)(?:(?:public|private|internal|fileprivate|open|static|final"
        r"|override|mutating|class|@\w+)[ \t]+){0,8}(?P<kind>func|class|struct|enum|protocol"
        r"|extension|actor)[ \t]+(?P<name>[\w.]+)[^\n]*"
    ),
    "Shell": r"(?P<indent>)(?:(?P<kind>function)[ \t]+(?P<name>[\w.-]+)|(?P<name2>[\w.-]+)[ \t]*\(\))[^\n]*",
    "HCL": (
        r"(?P<indent>)(?P<kind>resource|data|module|variable|output|provider|locals"
        r"|terraform)[ \t]*(?P<name>[^{\n]*)\{"
    ),
    "Elixir": (
        r"(?P<indent>[ \t]{0,80}+)(?P<kind>defmodule|def|defp|defmacro|defprotocol"
        r"|defimpl)[ \t]+(?P<name>[\w.?!]+)[^\n]*"
    ),
    "Lua": r"(?P<indent>[ \t]{0,80}+)(?:local[ \t]+)?(?P<kind>function)[ \t]+(?P<name>[\w.:]+)[^\n]*",
    "Markdown": r"(?P<indent>)(?P<kind>\#{1,4})[ \t]+(?P<name>[^\n]{1,120})",
    "Makefile": r"(?P<indent>)(?P<name>[A-Za-z0-9][\w./-]*)[ \t]*:(?!=)[^\n]*",
    "SQL": (
        r"(?P<indent>)(?i:(?P<kind>create[ \t]+(?:or[ \t]+replace[ \t]+)?(?:unique[ \t]+)?(?:ta"
        r"ble|view|index|function|procedure|trigger"
        r"|type))[ \t]+(?:if[ \t]+not[ \t]+exists[ \t]+)?(?P<name>[\w.\"`]+))[^\n]*"
    ),
    "Protocol Buffer": r"(?P<indent>[ \t]{0,80}+)(?P<kind>message|service|enum|rpc)[ \t]+(?P<name>\w+)[^\n]*",
    "Haskell": (
        r"(?P<indent>)(?:(?P<kind>data|newtype|class|instance|type"
        r"|module)[ \t]+(?P<name>[\w.']+)|(?P<name2>[a-z_][\w']*)[ \t]*::)[^\n]*"
    ),
    "Zig": (
        r"(?P<indent>[ \t]{0,80}+)(?:pub[ \t]+)?(?:export[ \t]+)?(?:inline[ \t]+)?(?P<kind>fn|const"
        r"|test)[ \t]+(?P<name>[\w\"]+)[^\n]*"
    ),
}
_SAME = {
    "Cython": "Python",
    "TypeScript": "JavaScript",
    "Vue": "JavaScript",
    "Svelte": "JavaScript",
    "Astro": "JavaScript",
    "Kotlin": "Java",
    "Scala": "Java",
    "Groovy": "Java",
    "C#": "Java",
    "C++": "C",
    "Objective-C": "C",
    "Objective-C++": "C",
    "Cuda": "C",
    "Yacc": "C",
    "Lex": "C",
    "Hack": "PHP",
    "Crystal": "Ruby",
    "Dart": "Java",
    "MDX": "Markdown",
    "GraphQL": "Protocol Buffer",
    "PLpgSQL": "SQL",
}


def knows(language: str | None) -> bool:
    """Return whether there are outlines of texts in this language."""
    return _key(language) in _PATTERNS


def outline(language: str | None, text: str) -> tuple[Definition, ...]:
    """Return the definitions of a text in line order, at most 2,000; empty for languages that are not known here."""
    return with_lines(language, text)[0]


def with_lines(language: str | None, text: str) -> tuple[tuple[Definition, ...], str]:
    """Return the definitions of a text in line order, at most 2,000, and the whole lines where they stand."""
    if not knows(language):
        return (), ""
    pattern, kinds, names = _compiled(_key(language))
    found: list[tuple[int, int, str, str, str]] = []
    lines: list[str] = []
    line, at = 0, 0
    text = "\n" + text + "\n"
    for match in pattern.finditer(text, 0, len(text) - 1):
        line += text.count("\n", at, match.start() + 1)
        at = match.start() + 1
        found.append((line, *_read(match, kinds, names)))
        lines.append(text[at : text.index("\n", match.end()) + 1])
        if len(found) == _MAX_DEFINITIONS:
            break
    return _nested(found), "".join(lines)


def _key(language: str | None) -> str:
    return _SAME.get(language or "", language or "")


@cache
def _compiled(key: str) -> tuple[re.Pattern[str], tuple[int, ...], tuple[int, ...]]:
    """Return a language's pattern and which of its groups are kinds and names."""
    pattern = re.compile(r"\n(?:" + _PATTERNS[key] + ")")
    kinds, names = (
        tuple(at - 1 for group, at in pattern.groupindex.items() if group.startswith(what))
        for what in ("kind", "name")
    )
    return pattern, kinds, names


def _read(match: re.Match[str], kinds: tuple[int, ...], names: tuple[int, ...]) -> tuple[int, str, str, str]:
    """Return the width of the indent, the kind, the name and the whole line of a definition."""
    groups = match.groups("")
    kind = name = ""
    for at in kinds:
        kind = kind or groups[at]
    for at in names:
        name = name or groups[at]
    text = " ".join(match[0].split())[:_MAX_LINE].removesuffix("{").rstrip()
    words = name.split("(", 1)[0].split()
    return len(groups[0].expandtabs(4)), " ".join(kind.split()), words[-1] if words else "", text


def _nested(found: list[tuple[int, int, str, str, str]]) -> tuple[Definition, ...]:
    """Turn the widths of indents into depths."""
    stack: list[int] = []
    nested = []
    for line, indent, kind, name, text in found:
        while stack and stack[-1] >= indent:
            stack.pop()
        nested.append(Definition(line, len(stack), kind, name, text))
        stack.append(indent)
    return tuple(nested)
