"""What a file or a project says about itself: its docstring, its head comment, its README's first sentence."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from archfb.text import clean, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archfb.phases.offline.facts import Facts

HEAD = 60
"""Lines in which a file introduces itself, if it does."""

_LEGAL = re.compile(
    r"copyright|licen[cs]e|spdx|all rights reserved|warrant|redistribut|permission is|apache\.org|\(c\)|©|"
    r"author of this|contributed to|portions of this file|available under|"
    r"permission to|you may (?:opt to )?use|copies of the software|free software",
    re.IGNORECASE,
)
_CHAFF = re.compile(
    r"^(?:!|-\*-|eslint|@ts-|ts-|prettier|pylint|noqa|mypy|type:|ruff|flake8|vim:|coding|frozen_string|go:|\+build|"
    r"nolint|istanbul|jshint|global |@flow|@format|@jsx|use strict|region|#|<|\{|=+$|-+$|\*+$|nocov|cython:|typed:|"
    r"rubocop|encoding|#!|https?:|todo|fixme|xxx|import |from |const |@(?!file|brief|overview|module))",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"^\s*(?://[/!]?|#(?!include|define|if|pragma)|\*(?!/)|/\*+!?|--|;+|<!--|%)\s?(?P<text>.*?)(?:\*/|-->)?\s*$"
)
_DOCSTRING = re.compile(r"^\s*[rRuUbB]*(?P<quote>\"\"\"|''')(?P<text>.*)$")
_SENTENCE = re.compile(r"(?<=[^\s.][a-z\d)\]`\"'])[.!?](?=\s+[A-Z`*\[(]|\s*$)")
_MARKUP = re.compile(
    r"\[!\[|!\[|^\s*[<|=~^*_-]{3,}|^\s*</?[a-zA-Z]|^\s*\[?\[!|^\.\. |^\s*:\w+:|^\s*```|^\s*[|>+]"
    r"|^\s*\[[^\]\n]+\]:\s"
)
_POINTER = re.compile(r"(?:see|visit|read|check out|please|click)\b", re.IGNORECASE)
_HEADING = re.compile(r"#|[=-]{3,}\s*$")
_DANGLING = re.compile(r"\b(?:a|an|and|at|by|for|from|in|of|on|or|see|the|to|with)$", re.IGNORECASE)
_ITSELF = re.compile(r"this (?:readme|document|file|page|guide)\b", re.IGNORECASE)
_DEMANDS = re.compile(
    r"(?:you(?:'ll| will)? (?:can|may|must|need|should)|make sure|ensure|install|note"
    r"|to (?:build|get|install|run|start|use)|we (?:build|recommend|test|use)|before (?:you|we)|first,?)\b"
    r"|.* (?:(?:only|officially) supported|(?:is|are) required|must be installed)\b",
    re.IGNORECASE,
)
_EMPHASIS = re.compile(r"(?<![\w*])(\*\*|__)(?=\S)(.{1,120}?)(?<=\S)\1(?![\w*])")
_OPENS_A_TAG = re.compile(r"<[a-zA-Z!][^<>]*$")
_SAYS_WHAT = (
    r"(?i:the )?{}(?:\.js|[ -]\w+)? (?:is|are|provides|lets|helps|enables|makes|offers|gives|allows|implements)\b"
)
_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)|\[([^\]\n]*)\]\[[^\]\n]*\]|<(https?://[^>\s]+)>")


def purpose(facts: Facts, path: str) -> tuple[str, int] | None:
    """Return the first sentence in which a source file introduces itself, and its line; None where it does not."""
    head = facts.lines(path)[:HEAD]
    for at, line in enumerate(head):
        if (opening := _DOCSTRING.match(line)) is not None:
            return _docstring(opening, head, at)
        if line.strip() and not _COMMENT.match(line):
            break
    return _package_comment(head) or _comment(head)


def _docstring(opening: re.Match[str], head: Sequence[str], at: int) -> tuple[str, int] | None:
    texts: list[str] = []
    for line in [opening["text"], *head[at + 1 :]]:
        body, closing, _ = line.partition(opening["quote"])
        texts.append(body)
        if closing:
            break
    return _first_sentence(enumerate(texts, at + 1))


def _package_comment(head: Sequence[str]) -> tuple[str, int] | None:
    """Return a Go package's comment, which may stand below the licence."""
    for at, line in enumerate(head):
        if re.match(r"^(?://|/\*)\s*Package \w+ ", line):
            rest = takewhile(_COMMENT.match, head[at : at + 8])
            return _first_sentence((at + n, re.sub(r"^(?://|/\*)\s?", "", one)) for n, one in enumerate(rest, 1))
    return None


def _comment(head: Sequence[str]) -> tuple[str, int] | None:
    """Return the first comment at the file's head that is neither licence nor an instruction to a tool."""
    block: list[tuple[int, str]] = []
    for at, line in enumerate([*head, ""], 1):
        match = _COMMENT.match(line)
        if match is not None and match["text"].strip():
            block.append((at, match["text"]))
            continue
        if found := _of_block(block):
            return found
        block = []
        if line.strip() and match is None:
            return None
    return None


def _of_block(block: list[tuple[int, str]]) -> tuple[str, int] | None:
    if not block or any(_LEGAL.search(text) for _, text in block):
        return None
    return _first_sentence((at, text) for at, text in block if not _CHAFF.match(text.strip()))


def _first_sentence(lines: Iterable[tuple[int, str]]) -> tuple[str, int] | None:
    """Return the first sentence of the first paragraph, and the line on which it begins."""
    texts: list[str] = []
    start = 0
    for at, text in lines:
        bare = text.strip(" \t*/#")
        if not bare:
            if texts:
                break
            continue
        start = start or at
        texts.append(bare)
    whole = clean(" ".join(texts), one_line=True)
    ends = _SENTENCE.search(whole)
    sentence = (whole[: ends.start()] if ends else whole).strip(" .:")
    words = len(sentence.split())
    if (
        words < 3
        or _DANGLING.search(sentence)
        or _LEGAL.search(sentence)
        or sum(one.isalpha() for one in sentence) < len(sentence) / 2
    ):
        return None
    return prose(clean(sentence, limit=240)), start


def readme(facts: Facts) -> str | None:
    """Return the path of the top README."""
    names = {one.path.lower(): one.path for one in facts.repo.files if "/" not in one.path}
    wanted = ("readme.md", "readme.rst", "readme", "readme.txt", "readme.adoc", "readme.markdown")
    return next((names[one] for one in wanted if one in names), None)


def introduction(facts: Facts) -> tuple[str, str, int] | None:
    """Return (sentence, path, line): the first full sentence of the README's prose.

    Where a paragraph above its second heading says what the thing that it is named after is, that one goes first.
    """
    path = readme(facts)
    if path is None:
        return None
    found = _first_sentences(facts.lines(path))
    title = next((line.strip("# \t") for line in facts.lines(path)[:1]), "")
    what = re.compile(_SAYS_WHAT.format(re.escape(title)))
    best = next((one for one in found if title and what.match(one[0])), next(iter(found), None))
    return None if best is None else (best[0], path, best[1])


def _first_sentences(lines: Sequence[str]) -> list[tuple[str, int]]:
    """Return the first sentences of the README's paragraphs up to its second heading; at least one, if any."""
    found: list[tuple[str, int]] = []
    headings = 0
    paragraph: list[tuple[int, str]] = []
    inside = False  # a tag that goes on over several lines
    for at, line in enumerate([*lines[:120], ""], 1):
        began, inside = inside, ">" not in line if inside else _OPENS_A_TAG.search(line) is not None
        is_prose = not (began or inside) and _is_prose(line)
        if is_prose:
            plain = _EMPHASIS.sub(r"\2", line)
            paragraph.append((at, _LINK.sub(lambda m: m[1] or m[2] or m[3], plain)))
            continue
        if paragraph and (said := _prose(paragraph)) is not None:
            found.append(said)
        headings += bool(_HEADING.match(line))
        if headings > (1 if found else 2):
            break
        paragraph = []
    return found


def _is_prose(line: str) -> bool:
    is_code = line.startswith(("    ", "\t"))
    return (
        bool(line.strip())
        and not is_code
        and not _MARKUP.search(line)
        and not line.lstrip().startswith(("#", "- ", "* "))
    )


def _prose(paragraph: list[tuple[int, str]]) -> tuple[str, int] | None:
    found = _first_sentence(paragraph)
    if found is None or len(found[0].split()) < 5:
        return None
    return None if any(one.match(found[0]) for one in (_POINTER, _ITSELF, _DEMANDS)) else found
