"""Statements about what needs care, where to start, and what was not seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archfb.phases.importance import entry_files, weight
from archfb.phases.offline.facts import count, listed, said, shown
from archfb.phases.offline.layout import TEST_DATA, is_aside
from archfb.phases.offline.purpose import purpose, readme
from archfb.text import code, prose

if TYPE_CHECKING:
    from archfb.phases.importance import Module
    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import EntryPoint, File

LARGE = 800
"""Lines from which a source file is told as large."""

_MARKS = ("TODO", "FIXME", "XXX", "HACK")
_MARKER = re.compile(rf"(?<!\w)(?:{'|'.join(_MARKS)})(?!\w)[:( ]*(?P<text>.{{0,90}})")
_MADE_BY = re.compile(
    r"(?:generated|produced|created)\s+(?:automatically\s+)?(?:(?:by|from|with|using|running|the|an?)\s+)+"
    r"(?P<by>[^\s,;*][^,;*]{1,60})",
    re.IGNORECASE,
)
_GUIDES = ("agents", "claude", "contributing", "development", "developing", "hacking", "architecture")
_VENDOR = re.compile(
    r"(?:^|/)(?:vendor|vendored|_vendor|third[_-]?party|node_modules|externals?|deps|bower_components)/"
)
_IN_A_PACKAGE = re.compile(r"(?:^|/)src/\w+/(?:java|kotlin|scala|groovy)/")
"""Where folders are packages: one called vendor is about vendors."""


def hot_lines(facts: Facts, limit: int = 6, within: set[str] | None = None) -> list[str]:
    """Say which source files (or which of these) change most often, and whether others build on them."""
    churn = facts.repo.churn
    own = facts.own
    known = [one for one in churn.files if one.path in own and (within is None or one.path in within)]
    hot = [one for one in known if one.commits > 1][:limit]
    span = f"the last {churn.commits:,} commits" if not churn.complete else f"{churn.commits:,} commits"
    found = []
    for one in hot:
        file = own[one.path]
        based = f", and {count(file.importers, 'file imports', 'files import')} it" if file.importers else ""
        found.append(said(f"{code(one.path)} changed in {one.commits:,} of {span}{based}", one.path))
    return found


def large_lines(facts: Facts, limit: int = 5) -> list[str]:
    """Say which source files are large, and their largest definitions."""
    large = sorted((one for one in facts.source if one.lines >= LARGE), key=lambda one: (-one.lines, one.path))
    found = []
    for one in large[:limit]:
        defined = facts.named(one.path, 3)
        text = f"{code(one.path)} has {count(one.lines, 'line')}" + (f": {defined}" if defined else "")
        found.append(said(text, one.path, facts.first_line(one.path)))
    return found


def depended_lines(facts: Facts, limit: int = 6) -> list[str]:
    """Say which files most others break with, as a rule: who must be looked at when they change."""
    found = []
    ordered = [one for one in facts.modules if len(one.importers) >= 3]
    ordered.sort(key=lambda one: (-len(one.importers), -one.weight, one.name))
    for one in ordered[:limit]:
        users = sorted(one.importers, key=lambda path: (-weight(facts.repo.by_path[path]), path))
        names = listed([code(path) for path in users], 3)
        text = f"{code(one.name)}: imported by {names}"
        found.append(said(text, one.chief.path, facts.first_line(one.chief.path)))
    return found


def pressure_lines(facts: Facts, limit: int = 6) -> list[str]:
    """Say of the files that most others build on, or that change most, both, and who builds on them."""
    churn = facts.repo.churn
    span = f"the last {churn.commits:,} commits" if not churn.complete else f"{churn.commits:,} commits"
    often = {one.path: one.commits for one in churn.files}
    return [_pressure(facts, module, often, span) for module in _pressed(facts, often)[:limit]]


def _pressed(facts: Facts, often: dict[str, int]) -> list[Module]:
    """Return the modules by dependents and changes in turn, the highest of each first."""
    code = [one for one in facts.modules if one.chief.language in facts.spoken and not _is_number(one.chief.path)]
    users = [one for one in code if len(one.importers) >= 3]
    users.sort(key=lambda one: (-len(one.importers), one.name))
    hot = sorted(code, key=lambda one: (-max(often.get(file.path, 0) for file in one.files), one.name))
    hot = [one for one in hot if any(_is_often(often.get(file.path, 0), facts) for file in one.files)]
    turns = [one for pair in zip(users, hot, strict=False) for one in pair]
    return list({one.name: one for one in [*turns, *users, *hot]}.values())


def _is_often(commits: int, facts: Facts) -> bool:
    """Whether a file changes so often that it is worth telling: in one commit of a hundred, and in several."""
    return commits >= 5 and commits * 100 >= facts.repo.churn.commits


def _is_number(path: str) -> bool:
    return path.rpartition("/")[2].partition(".")[0].lower() in {"version", "_version"}


def _pressure(facts: Facts, module: Module, often: dict[str, int], span: str) -> str:
    chief = max(module.files, key=lambda one: (often.get(one.path, 0), one is module.chief, one.path))
    commits = often.get(chief.path, 0)
    parts = []
    if len(module.importers) >= 3:
        users = sorted(module.importers, key=lambda path: (-weight(facts.repo.by_path[path]), path))
        product = [path for path in users if facts.repo.by_path[path].role == "source"] or users
        parts.append(f"{count(len(users), 'file imports', 'files import')} it, {code(product[0])} for one")
    if _is_often(commits, facts):
        what = "it" if chief.path == module.name else code(chief.path)
        parts.append(f"{commits:,} of {span} changed {what}")
    return said(f"{code(module.name)}: {'; '.join(parts)}", chief.path, facts.first_line(chief.path))


def generated_lines(facts: Facts, limit: int = 6) -> list[str]:
    """Say which files are generated, and by what where their heads tell."""
    return [_generated(facts, files) for files in generated_groups(facts)[:limit]]


def generated_groups(facts: Facts) -> list[list[File]]:
    """Return the generated code files, those of one folder and kind together, the largest group first."""
    groups: dict[tuple[str, str], list[File]] = {}
    for one in facts.repo.files:
        if _VENDOR.search(one.path):
            continue
        if one.kind in {"generated", "marked"} and one.role in {"source", "config"} and one.language:
            groups.setdefault((one.path.rpartition("/")[0], one.path.rpartition(".")[2]), []).append(one)
    return sorted(groups.values(), key=lambda files: (-len(files), files[0].path))


def _generated(facts: Facts, files: list[File]) -> str:
    first = files[0]
    name, at = maker(facts.lines(first.path)[:20])
    by = f" by {code(name)}" if name else ""
    if len(files) == 1:
        return said(f"{code(first.path)} is generated{by}: change its source, not the file", first.path, at)
    home = first.path.rpartition("/")[0]
    where = f"in {code(home + '/')}" if home else "in the top folder"
    return said(f"{count(len(files), 'file')} {where} are generated{by}, e.g. {code(first.path)}", first.path, at)


def maker(head: tuple[str, ...]) -> tuple[str, int]:
    """Return the tool that a generated file's head names ("" where it names none), and the line."""
    for at, line in enumerate(head, 1):
        if (match := _MADE_BY.search(line)) is not None:
            return shown(re.split(r"\.(?:\s|$)", match["by"])[0].strip(" `'\"")), at
        if re.search(r"generated", line, re.IGNORECASE):
            return "", at
    return "", 1


def _is_hidden(file: File) -> bool:
    return file.path.rpartition("/")[2].startswith(".")


def vendored_lines(facts: Facts) -> list[str]:
    """Say where copies of other projects lie."""
    found: dict[str, list[File]] = {}
    for one in facts.repo.files:
        own = (
            one.kind == "vendored" and one.role not in {"test", "example", "docs"} and not TEST_DATA.search(one.path)
        )
        match = _VENDOR.search(one.path) if own else None
        if match is not None and not _IN_A_PACKAGE.search(match.string[: match.start()] + "/"):
            parts = one.path[match.end() :].split("/")
            found.setdefault(one.path[: match.end()] + (parts[0] if len(parts) > 1 else ""), []).append(one)
    copies = [home for home, files in found.items() if any(not _is_hidden(one) for one in files)]
    ordered = sorted(copies, key=lambda home: (-len(found[home]), home))
    return [
        said(
            f"{code(home.rstrip('/') + '/')} is a vendored copy ({count(len(found[home]), 'file')}): do not edit",
            found[home][0].path,
        )
        for home in ordered[:4]
    ]


def marker_lines(facts: Facts, files: list[File], limit: int = 6) -> list[str]:
    """Say what the authors themselves marked as unfinished, in these files."""
    found = []
    for one in files:
        for at, line in enumerate(facts.lines(one.path), 1):
            match = _MARKER.search(line) if any(word in line for word in _MARKS) else None
            if match is None or not re.search(r"//|#|/\*|\*|--|<!--|;|'", line[: match.start()]):
                continue
            text = shown(match["text"]).strip(" :-*/)").strip()
            if len(text) > 12:
                found.append(said(f"Marked by its authors: “{prose(text)}”", one.path, at))
                break
        if len(found) >= limit:
            break
    return found


def unseen_lines(facts: Facts) -> list[str]:
    """Say what of the repository this analysis could not see."""
    repo = facts.repo
    found = [f"- {sentence}" for sentence in [repo.skipped_sentence()] if sentence]
    if repo.withheld:
        found.append(f"- Withheld by name: {listed([code(one) for one in repo.withheld], 6)}")
    if facts.secrets:
        paths = sorted({one.path for one in facts.secrets})
        first = facts.secrets[0]
        names = listed([code(one) for one in paths], 5)
        text = f"{count(len(facts.secrets), 'likely secret')} redacted in {count(len(paths), 'file')}: {names}"
        found.append(said(text, first.path, first.line))
    if repo.submodules:
        found.append(f"- Submodules are listed, not read: {listed([code(one) for one in repo.submodules], 6)}")
    if repo.not_listed:
        found.append(f"- {repo.not_listed:,} files lie beyond the limit and were not read")
    return found


def guides(facts: Facts) -> list[str]:
    """Return the paths of the documents that are written for contributors, the top ones first."""
    found = []
    for one in facts.repo.files:
        stem = one.path.rpartition("/")[2].partition(".")[0].lower()
        if stem in _GUIDES and one.path.count("/") <= 1 and (one.kind == "text" or one.path.startswith(".")):
            found.append(one.path)
    return sorted(found, key=lambda path: (_GUIDES.index(path.rpartition("/")[2].partition(".")[0].lower()), path))


def start_lines(facts: Facts, limit: int = 10) -> list[str]:
    """Say where to start reading, in order, and why each."""
    found: dict[str, str] = {}
    if (path := readme(facts)) is not None:
        found[path] = said(f"{code(path)}: what the project says it is", path)
    for path in guides(facts)[:2]:
        of_parts = "architecture" in path.lower()
        what = "its parts and why they are so" if of_parts else "how its authors want changes made"
        found[path] = said(f"{code(path)}: {what}", path)
    for path in _shallow_entries(facts)[:2]:
        found.setdefault(path, said(f"{code(path)}: execution or use begins here", path))
    for file in facts.chiefs[:limit]:
        found.setdefault(file.path, _start(facts, file))
    return [f"{at}. {line[2:]}" for at, line in enumerate(list(found.values())[:limit], 1)]


DEEPEST = 3
"""Folders above an entry point from which on it is a tool inside some part, and no place to begin."""


def _shallow_entries(facts: Facts) -> list[str]:
    """Return the entry points of the product that are nearest to the top: programs, then what is most used."""
    own = [path for path in entry_files(facts.repo) if path in facts.own]
    entries = [path for path in own if not is_aside(path)] or own
    shallow = min((path.count("/") for path in entries), default=0)
    near = [path for path in entries if path.count("/") <= min(shallow + 1, DEEPEST)]
    libraries = {one.target: one.name for one in facts.repo.entry_points if _is_library(one)}
    programs = [path for path in near if path not in libraries]
    users = {path: _product_users(facts, path) for path in near if path in libraries}
    used = [path for path in users if users[path] or not any(users.values())]
    return [*programs, *sorted(used, key=lambda path: (-_namesakes(libraries, path), -users[path]))]


def _product_users(facts: Facts, path: str) -> int:
    return sum(facts.repo.by_path[user].role != "test" for user in facts.users(path))


def _namesakes(libraries: dict[str, str], path: str) -> int:
    """Return how many crates are called after this one, as `serde_derive` is after `serde`: it is what they serve."""
    if not path.endswith(".rs"):
        return 0
    return sum(name.startswith((f"{libraries[path]}_", f"{libraries[path]}-")) for name in libraries.values())


def _is_library(one: EntryPoint) -> bool:
    return one.kind == "library" or (one.kind == "main" and one.manifest.endswith("package.json"))


def _built_on(users: int, what: str) -> str:
    return f"{count(users, 'file builds', 'files build')} on {what}"


def _start(facts: Facts, file: File) -> str:
    about, defined = purpose(facts, file.path), facts.named(file.path, 3)
    parts = [f"“{about[0]}”"] if about else []
    parts += [f"defines {defined}"] if defined and not about else []
    package = not facts.importers.get(file.path)
    parts += [_built_on(file.importers, "its package" if package else "it")] if file.importers else []
    text = f"{code(file.path)}: {'; '.join(parts) or count(file.lines, 'line')}"
    return said(text, file.path, about[1] if about else facts.first_line(file.path))
