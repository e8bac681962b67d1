"""The rules of the rules file: what a change must do and must not do here, each with the place that says so."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from archfb.phases.offline import care, checking, upkeep, working
from archfb.phases.offline.facts import listed, said, shown
from archfb.phases.offline.identity import main_manifests
from archfb.text import code, prose

if TYPE_CHECKING:
    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import Convention


class _Form(NamedTuple):
    """How a convention reads as a rule: those with one `group` become one rule."""

    pattern: re.Pattern[str]
    rule: str
    group: str = ""


def _form(pattern: str, rule: str, group: str = "") -> _Form:
    return _Form(re.compile(pattern), rule, group)


_FORMS = (
    _form(r"^indentation is by (\w+)$", "{}", "indent"),
    _form(r"^indentation width is (\w+)$", "{}", "indent"),
    _form(r"^lines are at most (\d+) characters$", "Keep lines within {} characters"),
    _form(r"^imports are sorted", "sorted as isort does", "imports"),
    _form(r"^one import per line$", "one on a line", "imports"),
    _form(r"^types are checked with (\S+)$", "{code}", "types"),
    _form(r"^type checking is strict$", "strict", "types"),
    _form(r"^TypeScript is strict$", "TypeScript is strict: let no type be implied as `any`"),
    _form(r"^PHP is analysed with phpstan, level (\w+)$", "Keep `phpstan` clean at level {}"),
    _form(r"^.* checked with (\S+)(?:, with settings of its own)?$", "Keep {code} clean"),
    _form(r"^(.*) (?:is|are) formatted with (.*)$", "Format {} with {}"),
    _form(r"^a warning fails the tests$", "Let no test warn: a warning fails it"),
    _form(r"^coverage must be at least (\d+) %$", "Keep test coverage at {} % or more"),
    _form(r"^commit messages are checked with (\S+)$", "Write commit messages that {code} accepts"),
    _form(r"^(?:pre-commit) runs (.*)$", "Run `pre-commit run --all-files` before you finish; it runs {}"),
    _form(r"^(Python|Node|Ruby|Go|Rust) (\S+) is used$", "Develop with {} {}"),
)

_FORMATTERS = (
    ("pom.xml", "spotless-maven-plugin", "mvn spotless:apply"),
    ("build.gradle", "spotless", "./gradlew spotlessApply"),
    ("build.gradle.kts", "spotless", "./gradlew spotlessApply"),
)
"""Formatters that a build file brings: the file, the word in it, the command."""

_ELSEWHERE = re.compile(
    r"^(?:changes are recorded|how to contribute|rules for coding assistants|the architecture|tests live in)"
)


def rule_lines(facts: Facts) -> list[str]:
    """Return what the repository demands of a change: where to read first, language, checks, tests, records."""
    return [
        *_guides(facts),
        *_versions(facts),
        *_dependencies(facts),
        *_conventions(facts),
        *_formatters(facts),
        *checking.test_rules(facts),
        *upkeep.public_names(facts),
        *upkeep.changelog(facts),
        *upkeep.generated(facts),
        *_vendored(facts),
        *_merge(facts),
    ]


def _guides(facts: Facts) -> list[str]:
    found = []
    for path in care.guides(facts)[:3]:
        name = path.rpartition("/")[2].lower()
        if name.startswith(("agents", "claude")):
            found.append(said(f"Follow {code(path)}: it was written for coding assistants and goes first", path))
        elif name.startswith("architecture"):
            found.append(said(f"Read {code(path)} before you move code between parts", path))
        else:
            found.append(said(f"Follow {code(path)} when you make a change", path))
    return found


_RELEASE = re.compile(
    r"<(?:maven\.compiler\.(?:release|source)|release)>(\d[\d.]*)<|sourceCompatibility\D{1,30}(\d+)"
)


def _versions(facts: Facts) -> list[str]:
    """Say for which versions of its language code must be written."""
    found = []
    for one in [one for one in main_manifests(facts) if one.requires and "/" not in one.path][:2]:
        asked = shown(one.requires)
        wanted = asked if asked.lower().startswith(one.ecosystem.lower()) else f"{one.ecosystem} {asked}"
        text = f"Write for {code(wanted)}: use nothing that its lowest version lacks"
        found.append(said(text, one.path, facts.line_of(one.path, one.requires)))
    for path in ("pom.xml", "build.gradle", "build.gradle.kts"):
        for at, line in enumerate(facts.lines(path) if path in facts.repo.by_path else (), 1):
            if (match := _RELEASE.search(line)) is not None:
                found.append(said(f"Write Java {match[1] or match[2]}: code is compiled for it", path, at))
                break
    return found


def _dependencies(facts: Facts) -> list[str]:
    """Say whether dependencies may be added, and how the locked ones are changed."""
    found = []
    if working.no_dependencies(facts):
        own = main_manifests(facts)[0]
        found.append(said(f"Add no dependency at run time: {code(own.name)} has none", own.path))
    locks = [one for one in facts.repo.lock_files if "/" not in one]
    if locks:
        text = f"Change {listed([code(one) for one in locks[:3]])} with its tool alone, never by hand"
        found.append(said(text, locks[0]))
    return found


def _conventions(facts: Facts) -> list[str]:
    """Return the settings of the project's tools as rules."""
    grouped: dict[str, list[tuple[str, Convention]]] = {}
    for one in facts.repo.conventions:
        told = not working.is_own(facts, one.path) or _ELSEWHERE.match(one.text) or _required(facts, one)
        if told or not _applies(facts, one):
            continue
        form, words = _as_rule(one)
        grouped.setdefault(form.group if form and form.group else words, []).append((words, one))
    return [_rule(group, members) for group, members in grouped.items()]


def _formatters(facts: Facts) -> list[str]:
    """Say how code is formatted where the build does it."""
    found = []
    for path, word, command in _FORMATTERS:
        at = next((at for at, line in enumerate(facts.lines(path), 1) if word in line), 0)
        if at:
            found.append(said(f"Run {code(command)} before you finish: it formats the code", path, at))
    return found


def _as_rule(one: Convention) -> tuple[_Form | None, str]:
    text = shown(one.text)
    for form in _FORMS:
        if (match := form.pattern.match(text)) is not None:
            words = match.groups()
            return form, form.rule.format(*map(prose, words), code=code(next(iter(words), "")))
    return None, prose(text[:1].upper() + text[1:])


def _rule(group: str, members: list[tuple[str, Convention]]) -> str:
    words = list(dict.fromkeys(word for word, _ in members))
    first = members[0][1]
    if group == "indent":
        width = next((word for word in words if word.isdigit()), "")
        kind = "tabs" if "tab" in words else "spaces" if "space" in words else "columns"
        text = f"Indent with {width} {kind}" if width and kind != "tabs" else f"Indent with {kind}"
    elif group == "imports":
        text = f"Keep imports {' and '.join(words)}"
    elif group == "types":
        told = listed(" ".join(f" {word}" for word in words).replace("  strict", " (strict)").split("  "), 4).strip()
        text = f"Annotate types: {told} must pass" if words != ["strict"] else "Type checking is strict"
    else:
        text = words[0]
    return said(text, first.path, first.line)


def _required(facts: Facts, one: Convention) -> bool:
    """Whether the version that a tool's file asks for is the manifest's own."""
    return one.topic == "versions" and any(two.requires and two.requires in one.text for two in facts.repo.manifests)


def _applies(facts: Facts, one: Convention) -> bool:
    """Whether an editor's setting stands in a section for code: the first in the file may be for something else."""
    if one.path != ".editorconfig":
        return True
    above = [line.strip() for line in facts.lines(one.path)[: one.line]]
    section = next((line[1:-1] for line in reversed(above) if line.startswith("[") and line.endswith("]")), "*")
    patterns = _globs(section)
    own = [file.path.rpartition("/")[2] for file in facts.source[:200]]
    return any(fnmatchcase(name, pattern) for name in own for pattern in patterns)


def _globs(section: str) -> list[str]:
    match = re.match(r"^([^{]*)\{([^}]*)\}(.*)$", section)
    if match is None:
        return [section.rpartition("/")[2]]
    return [f"{match[1]}{one.strip()}{match[3]}".rpartition("/")[2] for one in match[2].split(",")]


def _vendored(facts: Facts) -> list[str]:
    return [
        re.sub(r"is a vendored copy \(([^)]*)\): do not edit", r"(\1) is a copy: do not edit it", line)
        for line in care.vendored_lines(facts)[:3]
    ]


def _merge(facts: Facts) -> list[str]:
    """Say which workflows check a pull request, on one line."""
    found = working.checking_workflows(facts)
    if not found:
        return []
    names = listed([code(path) for path, _ in found], 5)
    return [said(f"A pull request is checked by {names}", found[0][0], found[0][1])]
