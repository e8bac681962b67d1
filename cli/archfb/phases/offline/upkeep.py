"""What must be kept in step with a change: the record for users, public names, generated files."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from archfb.phases.importance import folder
from archfb.phases.offline.care import generated_groups, maker
from archfb.phases.offline.facts import count, said
from archfb.text import code

if TYPE_CHECKING:
    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import File

_RECORD = re.compile(r"^(?:change(?:s|log|_log)|history|news|releases?)(?:\.(?:md|rst|txt|adoc))?$", re.IGNORECASE)
_FRAGMENTS = re.compile(
    r"^(?P<home>\.changes|\.changeset|changelog\.d|changes\.d|newsfragments|news\.d|\.unreleased|changelogs/unreleased)/"
)
_MOVED = re.compile(r"releases page|github releases|only on|no longer (?:updated|maintained)|moved to", re.IGNORECASE)

SEVERAL = 5
"""Records of packages from which on each package is taken to keep its own."""


def changelog(facts: Facts) -> list[str]:
    """Say where what users notice is recorded: in a fragment, the package's record, or the one at the top."""
    for one in facts.repo.files:
        if (match := _FRAGMENTS.match(one.path)) is not None:
            home = match["home"]
            place = next(
                (path for path in (f".{home.strip('.')}.yaml", f"{home}/README.md") if path in facts.repo.by_path),
                one.path,
            )
            return [
                said(
                    f"Record what users notice as a file in {code(home + '/')}; the changelog is made from these",
                    place,
                )
            ]
    records = [one for one in facts.repo.files if _RECORD.match(one.path.rpartition("/")[2]) and one.kind == "text"]
    records = [one for one in records if not any(_MOVED.search(line) for line in facts.lines(one.path)[:12])]
    deep = [one for one in records if one.path.count("/") > 1 and one.role not in {"test", "example"}]
    top = [one for one in records if "/" not in one.path]
    if len(deep) >= SEVERAL and len(deep) > len(top):
        name = deep[0].path.rpartition("/")[2]
        text = f"Record what users notice in the package's own {code(name)} ({count(len(deep), 'package')} keep one)"
        return [said(text, deep[0].path)]
    if not top:
        return []
    best = max(top, key=lambda one: (facts.churn.get(one.path, 0), -len(one.path)))
    return [said(f"Record what users notice in {code(best.path)}", best.path)]


def public_names(facts: Facts) -> list[str]:
    """Say where names become public, where one file mostly re-exports its siblings."""
    found = []
    for one in facts.source[:60]:
        stem = one.path.rpartition("/")[2].partition(".")[0]
        inside = [name for name in one.imports if folder(name).startswith(folder(one.path)) and name in facts.members]
        outside = [path for path in facts.importers.get(one.path, ()) if facts.repo.by_path[path].role != "source"]
        if stem in {"__init__", "index", "lib", "mod"} and len(inside) >= 5 and len(outside) >= 3:
            text = f"Export a new public name from {code(one.path)}, which re-exports {count(len(inside), 'module')}"
            found.append(said(text, one.path, facts.import_line(one.path, inside[0])))
    return found[:2]


def generated(facts: Facts, limit: int = 6) -> list[str]:
    """Say which files are generated, from what and how they are made anew."""
    merged: dict[tuple[str, str], list[list[File]]] = {}
    for files in generated_groups(facts):
        by = maker(facts.lines(files[0].path)[:20])[0].partition(" ")[0].rstrip(":")
        home = folder(files[0].path)
        merged.setdefault((by, "") if by else (folder(home), files[0].path.rpartition(".")[2]), []).append(files)
    return [_generated(facts, groups) for groups in list(merged.values())[:limit]]


def _generated(facts: Facts, groups: list[list[File]]) -> str:
    """Return the rule for groups of files that one tool makes; the first stands for all."""
    first, number = groups[0][0], sum(len(files) for files in groups)
    by, at = maker(facts.lines(first.path)[:20])
    where = f"in {code(_above(groups) + '/')}" if _above(groups) else "here"
    what = f"the {number:,} generated files {where}, as {code(first.path)}" if number > 1 else code(first.path)
    made = f" (made by {code(by.split()[0].rstrip(':'))})" if by else ""
    how = _origin(facts, first, several=number > 1)
    return said(f"Do not edit {what}{made}{': ' if how else ''}{how}", first.path, at)


def _above(groups: list[list[File]]) -> str:
    """Return the deepest folder that holds all of them."""
    homes = [folder(files[0].path).split("/") for files in groups]
    shared = takewhile(lambda names: len(set(names)) == 1, zip(*homes, strict=False))
    return "/".join(names[0] for names in shared)


def _origin(facts: Facts, first: File, *, several: bool) -> str:
    """Return what to do instead of editing: change the file that they are made from, run what makes them."""
    home, stem = folder(first.path), _stem(first.path)
    siblings = [one for one in facts.repo.files if folder(one.path) == home and one.kind == "text"]
    made_from = [one for one in siblings if _stem(one.path) == stem and one.path.rpartition(".")[2] in _SOURCES]
    if made_from:
        what = "each is" if several else "it is"
        return f"change what {what} made from ({code(made_from[0].path)}) and make it anew"
    if first.language == "Go" and any(_generates(facts, one) for one in siblings):
        return f"change the source and run `go generate` in its folder ({code('./' + home)})"
    return ""


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def _generates(facts: Facts, file: File) -> bool:
    return file.language == "Go" and any(line.startswith("//go:generate") for line in facts.lines(file.path))


_SOURCES = {"l", "y", "ll", "yy", "lex", "proto", "thrift", "g4", "peg", "re2c", "rl", "pyx", "in", "tmpl"}
"""Endings of files that other files are generated from."""
