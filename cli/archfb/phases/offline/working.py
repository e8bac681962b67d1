"""Statements about working here: commands, conventions, automation, tests, dependencies, technology."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from archfb.phases.importance import folder, ours
from archfb.phases.offline.facts import bare_name, count, listed, said, shown
from archfb.phases.offline.identity import main_manifests
from archfb.text import code, prose

if TYPE_CHECKING:
    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import Command, Dependency, File

PURPOSES = {
    "install": "Install",
    "build": "Build",
    "test": "Test",
    "lint": "Lint",
    "format": "Format",
    "types": "Check types",
    "run": "Run",
    "docs": "Build the documentation",
    "release": "Release",
}
KINDS = {
    "runtime": "At run time",
    "peer": "As peers",
    "optional": "Optionally",
    "build": "To build",
    "development": "For development",
    "managed": "With managed versions",
}
_CHECKS = re.compile(r"test|check|lint|^ci|build|typ|verify|main|travis|circleci")
_WORKFLOW = re.compile(
    r"^(?:\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml|\.travis\.yml|appveyor\.yml|"
    r"azure-pipelines\.yml|Jenkinsfile|\.cirrus\.yml|\.buildkite/[^/]+\.ya?ml|\.woodpecker\.ya?ml)$"
)


def language_lines(facts: Facts, limit: int = 6) -> list[str]:
    """Say which languages the code is in, each with its most central file."""
    found = []
    for one in facts.repo.languages[:limit]:
        files = [file for file in facts.repo.files if file.language == one.name and file.kind == "text"]
        chief = max(files, key=lambda file: (file.role == "source", file.rank, file.lines, file.path), default=None)
        if chief is not None and one.share >= 0.001:
            text = f"{one.name}: {one.share:.1%} of the code, {count(one.files, 'file')}"
            found.append(said(text, chief.path))
    return found


def require_lines(facts: Facts) -> list[str]:
    """Say which versions of its language the project asks for."""
    found = []
    for one in main_manifests(facts):
        if one.requires and "/" not in one.path:
            line = facts.line_of(one.path, one.requires)
            asked = shown(one.requires)
            wanted = asked if asked.lower().startswith(one.ecosystem.lower()) else f"{one.ecosystem} {asked}"
            found.append(said(f"Needs {code(wanted)}", one.path, line))
    return found[:4]


def best_commands(facts: Facts, purpose: str, limit: int = 3) -> list[Command]:
    """Return the commands for a purpose: the project's own words before an automation's, shallow before deep."""
    found = [one for one in facts.repo.commands if one.purpose == purpose and is_own(facts, one.path)]
    found = [one for one in found if one.source != "ci" or purpose not in _NOT_BY_CI]
    found = [one for one in found if not _INSTALLS_A_TOOL.search(one.command) and not _is_elsewhere(facts, one)]
    if purpose == "install":
        found = [one for one in found if one.source != "ci" or _SETS_UP.search(one.command)]
        found = [one for one in found if one.source != "ci" or not one.command.startswith("cd ")]
    if purpose not in ("test", "build"):
        found = [one for one in found if one.source != "ci" or not _OF_THE_AUTOMATION.search(one.command)]
    found.sort(key=lambda one: (_awkward(one), _ORDER.get(one.source.lower(), 1), _depth(one), one.path, one.line))
    found = [one for one in found if one.source != "ci" or not _awkward(one)]
    if found and not _awkward(found[0]):
        found = [one for one in found if not _awkward(one)]
    if any("/" not in one.path for one in found):
        found = [one for one in found if not one.command.startswith("cd ")]
    if found and found[0].source != "ci":
        found = [one for one in found if one.source != "ci"]
    unique: dict[str, Command] = {}
    for one in found:
        unique.setdefault(one.command, one)
    plain = [one for one in unique.values() if not any(one.command.startswith(two + " -") for two in unique)]
    return plain[:limit]


def _is_elsewhere(facts: Facts, one: Command) -> bool:
    """Whether an automation's command is for what is not in the repository: a clone, a folder or script it makes."""
    if one.source != "ci":
        return False
    if (away := _GOES_TO.match(one.command)) is not None:
        home = away[1].removeprefix("./").rstrip("/") + "/"
        return not any(file.path.startswith(home) for file in facts.repo.files)
    if (program := _PROGRAM.match(one.command)) is not None:
        return program[1] not in facts.repo.by_path
    return one.command.startswith("make") and not any(name in facts.repo.by_path for name in _MADE_FROM)


_GOES_TO = re.compile(r"cd ([\w./-]+)")
_PROGRAM = re.compile(r"\./((?!vendor/|node_modules/|build/|target/|dist/|\.?venv/|out/)[\w./-]+)")
_MADE_FROM = ("Makefile", "makefile", "GNUmakefile", "Makefile.am", "Makefile.in", "configure", "configure.ac")

_NOT_BY_CI = {"run", "docs", "release"}
"""Purposes that an automation's steps only seem to have."""

_INSTALLS_A_TOOL = re.compile(
    r"\bpip3?(?: --?[\w-]+)* install (?!.*\s(?:-r|-e|--editable|\.|--group))"
    r"|\b(?:npm|pnpm|yarn|bun) (?:i|install|add) (?:[^&|;\n]* )?[^-&|;\s]"
    r"|\bnpm (?:i|install) -g|\bgem install|phpunit install$|\bbrew install|\b(?:uv|dotnet) tool |\bpipx "
    r"|\bcargo install (?!.*--path)|\bgo (?:install \S+@|get\b)"
)
"""An automation's way to a tool of its own: nothing that a person sets the project up with."""

_SETS_UP = re.compile(
    r"\b(?:npm|pnpm|yarn|bun|pip3?|uv|poetry|pdm|pipenv|bundle|composer|go mod|cargo|dotnet|mix|conda|mvnw?"
    r"|gradlew?)\b"
)
"""Package managers: another program that an automation calls to set up is its own affair."""

_OF_THE_AUTOMATION = re.compile(r"(?:^|[\s=/\"'])\.(?:github|circleci|buildkite|gitlab|forgejo|woodpecker)/")
"""What lies among an automation's files sets up or checks the automation, unless it builds or tests."""

_ORDER = {"manifest": 0, "make": 0, "makefile": 0, "configuration": 1, "ecosystem": 1, "ci": 2}


def _depth(one: Command) -> int:
    return one.command.startswith("cd ") if one.path.startswith(".") else one.path.count("/")


_CANNOT_TYPE = re.compile(r"\$|^\w+=\S*$|^(?:unzip|tar|7z|SET|set) |%\w+%")


def _awkward(one: Command) -> bool:
    """Whether a person could not just type it: it needs an automation's variables, sets one, or is very long."""
    return len(one.command) > 110 or _CANNOT_TYPE.search(one.command) is not None


def is_own(facts: Facts, path: str) -> bool:
    """Return whether a file speaks for the project, and not for a test, an example or a copy."""
    file = facts.repo.by_path.get(path)
    return file is None or (ours(file) and file.role not in {"test", "example"})


def command_lines(facts: Facts, each: int = 3) -> list[str]:
    """Say how the project is installed, built, tested and so on, with the exact commands."""
    found: list[str] = []
    for purpose, word in PURPOSES.items():
        best = best_commands(facts, purpose, each)
        found += [said(f"{word}: {code(one.command)}", one.path, one.line) for one in best]
    return found


def convention_lines(facts: Facts, limit: int = 20, told: tuple[str, ...] = ()) -> list[str]:
    """Say what the project's configuration enforces; what stands in files `told` of already is left out."""
    found: dict[str, str] = {}
    for one in facts.repo.conventions:
        if is_own(facts, one.path) and one.path not in told:
            topic = f"{one.topic[:1].upper()}{one.topic[1:]}: " if one.topic else ""
            found.setdefault(one.topic + one.text, said(f"{topic}{prose(shown(one.text))}", one.path, one.line))
    return list(found.values())[:limit]


def workflows(facts: Facts) -> list[File]:
    """Return the files of continuous integration."""
    return [one for one in facts.repo.files if _WORKFLOW.match(one.path) and not one.withheld]


def automation_lines(facts: Facts, limit: int = 8, *, of_a_change: bool = False) -> list[str]:
    """Say what runs in continuous integration, by name and occasion: first (or only) what checks a change."""
    found: list[str] = []
    ordered = sorted(workflows(facts), key=lambda one: (not _CHECKS.search(one.path.rpartition("/")[2]), one.path))
    for one in ordered:
        name, at = _workflow_name(facts, one.path)
        occasions = _occasions(facts.lines(one.path))
        if len(found) == limit or (of_a_change and not {"pull_request", "merge_group"} & {*occasions}):
            continue
        when = f" on {listed(occasions, 4)}" if occasions else ""
        found.append(said(f"{code(one.path)}{name} runs{when}", one.path, at))
    return found


def checking_workflows(facts: Facts) -> list[tuple[str, int]]:
    """Return the workflows that check every pull request, each with the line on which it says so."""
    found = []
    for one in workflows(facts):
        lines = facts.lines(one.path)
        if "pull_request" in _occasions(lines) and _CHECKS.search(one.path.rpartition("/")[2]):
            at = next((at for at, line in enumerate(lines, 1) if re.search(r"\bpull_request\b", line)), 1)
            found.append((one.path, at))
    return found


def _workflow_name(facts: Facts, path: str) -> tuple[str, int]:
    for at, line in enumerate(facts.lines(path)[:30], 1):
        if line.startswith("name:"):
            name = line[5:].strip(" \"'")
            return f" (“{prose(shown(name))}”)", at
    return "", 1


def _occasions(lines: tuple[str, ...]) -> list[str]:
    """Return the events of a workflow's `on:`."""
    for at, line in enumerate(lines):
        match = re.match(r"^['\"]?on['\"]?:\s*(.*)$", line)
        if match is None:
            continue
        if match[1].strip():
            return re.findall(r"[a-z_]+", match[1].partition("#")[0])[:5]
        found = []
        for inner in lines[at + 1 :]:
            if inner.strip() and not inner.startswith((" ", "\t")):
                break
            if event := re.match(r"^(?:  |    )(?:- )?([a-z_]+):?\s*(?:#.*)?$", inner):
                found.append(event[1])
        depth_one = [one for one in found if one in _EVENTS]
        return depth_one[:5]
    return []


_EVENTS = {
    "push",
    "pull_request",
    "pull_request_target",
    "schedule",
    "workflow_dispatch",
    "workflow_call",
    "workflow_run",
    "release",
    "issues",
    "issue_comment",
    "merge_group",
    "label",
    "create",
    "delete",
}


def dependency_lines(facts: Facts, names: int = 12, groups: int = 12) -> list[str]:
    """Say what the product depends on, by kind and manifest."""
    by_group: dict[tuple[str, str, str], list[Dependency]] = defaultdict(list)
    for one in facts.repo.dependencies:
        if is_own(facts, one.manifest):
            by_group[one.kind, one.manifest, one.scope].append(one)
    rank = list(KINDS)

    def order(key: tuple[str, str, str]) -> tuple[int, int, int, str, str]:
        kind, manifest, scope = key
        return (manifest.count("/"), rank.index(kind) if kind in rank else 9, -len(by_group[key]), manifest, scope)

    ordered = sorted(by_group, key=order)
    found = [_group(key, by_group[key], names) for key in ordered[:groups]]
    if len(ordered) > groups:
        manifests = {key[1] for key in ordered[groups:]}
        number = sum(len(by_group[key]) for key in ordered[groups:])
        found.append(f"- {number:,} more in {count(len(manifests), 'further manifest')}, e.g. {code(min(manifests))}")
    return found


def _group(key: tuple[str, str, str], members: list[Dependency], names: int) -> str:
    kind, manifest, scope = key
    told = listed([f"{code(one.name)}{_spec(one)}" for one in members], names)
    within = "" if scope in {kind, ""} else f" ({prose(shown(scope))})"
    return said(f"{KINDS.get(kind, kind)}{within}: {told}", manifest, members[0].line)


def _spec(one: Dependency) -> str:
    spec = prose(shown(one.spec))
    return f" {spec}" if spec and spec not in {"*", "^*"} and len(spec) <= 24 else ""


def no_dependencies(facts: Facts) -> list[str]:
    """Say so where the one package declares nothing that is needed at run time: that is a rule worth keeping."""
    own = main_manifests(facts)
    declared = {one.kind for one in facts.repo.dependencies if own and one.manifest == own[0].path}
    if len(own) != 1 or "/" in own[0].path or not declared or "runtime" in declared:
        return []
    return [said(f"{code(own[0].name)} needs no other package at run time", own[0].path)]


def unpinned(facts: Facts) -> list[str]:
    """Say where run-time dependencies carry no version at all and no lock file holds them."""
    if facts.repo.lock_files:
        return []
    loose = [one for one in facts.repo.dependencies if one.kind == "runtime" and one.spec in {"", "*"}]
    loose = [one for one in loose if is_own(facts, one.manifest)]
    if not loose:
        return []
    names = listed([code(one.name) for one in loose], 6)
    return [said(f"No version is asked for, and no lock file holds one: {names}", loose[0].manifest, loose[0].line)]


def lock_lines(facts: Facts) -> list[str]:
    """Say which lock files pin the dependencies."""
    own = [one for one in facts.repo.lock_files if one.count("/") <= 1]
    return [said(f"Versions are locked in {code(one)}", one) for one in own[:4]]


_PATTERNS = (
    (re.compile(r"(?:^|/)test_[^/]+\.py$"), "test_*.py"),
    (re.compile(r"_test\.(?:go|py|rb|dart|exs?)$"), "*_test.*"),
    (re.compile(r"\.test\.[cm]?[jt]sx?$"), "*.test.*"),
    (re.compile(r"\.spec\.[cm]?[jt]sx?$"), "*.spec.*"),
    (re.compile(r"_spec\.rb$"), "*_spec.rb"),
    (re.compile(r"Tests\.(?:java|kt|cs|php|swift)$"), "*Tests.*"),
    (re.compile(r"Test\.(?:java|kt|cs|php|swift)$"), "*Test.*"),
    (re.compile(r"\.phpt$"), "*.phpt"),
)


def testing_lines(facts: Facts) -> list[str]:
    """Say where tests live, how they are named, how large they are beside the source."""
    tests = facts.tests
    if not tests:
        return []
    lines, source = sum(one.lines for one in tests), sum(one.lines for one in facts.source)
    size = f"{count(len(tests), 'file')} with {lines:,} lines, beside {source:,} of source"
    found = [said(f"Tests: {size}, in {_test_homes(tests)}", tests[0].path)]
    own = {folder(one.path) for one in facts.source}
    beside = [one for one in tests if folder(one.path) in own]
    if len(beside) * 2 > len(tests):
        found.append(said("Most tests stand beside the source that they test", beside[0].path))
    return found + _test_names(tests)


def _test_homes(tests: list[File]) -> str:
    homes = Counter("/".join(folder(one.path).split("/")[:2]) for one in tests)
    named = [
        f"{code(home + '/')} ({number:,})" if home else f"the top ({number:,})"
        for home, number in homes.most_common(3)
    ]
    return listed(named, 3)


def _test_names(tests: list[File]) -> list[str]:
    """Say how most test files are named, with one as an example."""
    named = [(name, one) for one in tests if (name := test_name(one.path)) is not None]
    if not named:
        return []
    common, number = Counter(name for name, _ in named).most_common(1)[0]
    example = next(one for name, one in named if name == common)
    return [said(f"Tests are named {code(common)} ({count(number, 'file')})", example.path)]


_PLAIN = {"init", "index", "main", "lib", "mod"}


def test_name(path: str) -> str | None:
    """Return the pattern that a test file is named by, None where its name tells nothing."""
    return next((name for pattern, name in _PATTERNS if pattern.search(path)), None)


def is_twin(source: str, test: str) -> bool:
    """Return whether a test bears a source file's name and lies in the same package, or in the only one."""
    bare = bare_name(source)
    if len(bare) < 3 or bare in _PLAIN or bare != bare_name(test) or test_name(test) is None:
        return False
    if test.endswith("_test.go"):
        return folder(source) == folder(test)
    return in_one_package(source, test)


def in_one_package(source: str, test: str) -> bool:
    """Return whether a source file and a test belong to one package, or one of them to the whole repository."""
    return _package_of(source) in {"", _package_of(test)} or _package_of(test) == ""


def _package_of(path: str) -> str:
    """Return the folder in which source and tests stand beside each other: what is before `src`, `lib`, `tests` …"""
    parts = path.split("/")[:-1]
    at = next((at for at, part in enumerate(parts) if part in _SIDES), None)
    return "/".join(parts[:at]) if at is not None else "/".join(parts)


_SIDES = {"src", "lib", "test", "tests", "spec", "Tests", "__tests__", "Test"}
