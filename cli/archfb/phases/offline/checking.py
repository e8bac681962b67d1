"""How a part of the repository is tested: the command for one file, and for each part that matters."""

from __future__ import annotations

import re
from collections import Counter
from shlex import join, quote
from typing import TYPE_CHECKING

from archfb.phases.importance import folder
from archfb.phases.offline import layout, working
from archfb.phases.offline.facts import bare_name, said
from archfb.repository.languages import types
from archfb.repository.manifests import jvm
from archfb.text import code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import File

MODULES = 6
"""Modules of a flat package whose tests are told one by one."""

TOGETHER = 4
"""Tests that one rule names at most."""

_SCRIPT_RUNNERS = {"vitest": "vitest run", "jest": "jest", "mocha": "mocha", "ava": "ava"}
_STARTERS = (("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bunx"), ("bun.lockb", "bunx"))


def one_file_lines(facts: Facts) -> list[str]:
    """Say how a single test file is run, with the largest of the commonest language as the example."""
    tests = _own_tests(facts) or inline(facts)
    if not tests:
        return []
    common = Counter(one.language for one in tests).most_common(1)[0][0]
    alone = [one for one in tests if one.language == common]
    example = next((one for one in alone if _target(facts, one.path)), alone[0])
    if common == "Rust" and not _target(facts, example.path):
        example = next((one for one in inline(facts) if _inner(facts, one.path)), example)
    command = command_for(facts, [example])
    if command is None or command in {one.command for one in working.best_commands(facts, "test")}:
        return []
    return [said(f"One test file: {code(command)}", example.path)]


def _own_tests(facts: Facts) -> list[File]:
    """Return the files that hold tests, by their names; all test code where no name tells."""
    named = [one for one in facts.tests if working.test_name(one.path) is not None]
    if root := _main_root(named):
        named = [one for one in named if one.path.startswith(root)]
    return named or [
        one
        for one in facts.tests
        if types().get(one.language or "") == "programming" and not _OF_EXAMPLES.search(one.path)
    ]


_OF_EXAMPLES = re.compile(r"(?:^|/)(?:examples?|bench(?:es|marks?)?)/")

LOOKED_AT = 200
"""Files that are looked at for tests inside them."""


def inline(facts: Facts) -> list[File]:
    """Return the source files of Rust that hold their own tests, the most telling first."""
    if facts.inline is None:
        rust = [one for one in facts.chiefs if one.language == "Rust"][:LOOKED_AT]
        facts.inline = [one for one in rust if any(line.startswith("#[cfg(test)]") for line in facts.lines(one.path))]
    return facts.inline


def _main_root(named: list[File]) -> str:
    """Return the top folder of tests, as "tests/", where nearly all tests lie; "" where there is none such.

    What is named like a test beside it is product code that helps to test.
    """
    roots = Counter(one.path.partition("/")[0] for one in named if _root(one.path) == one.path.partition("/")[0])
    root, number = next(iter(roots.most_common(1)), ("", 0))
    return f"{root}/" if root.lower() in _TEST_ROOTS and number * 10 >= len(named) * 9 else ""


_TEST_ROOTS = {"test", "tests", "spec", "specs"}


def command_for(facts: Facts, tests: Sequence[File], home: str = "") -> str | None:
    """Return the command that runs these tests, or all below a folder; None where it cannot be told."""
    language = tests[0].language or ""
    make = _COMMANDS.get(language)
    return make(facts, [one.path for one in tests], home) if make is not None else None


def _names(facts: Facts) -> set[str]:
    return {one.name.lower() for one in facts.repo.dependencies}


def _said_by_the_project(facts: Facts, word: str) -> bool:
    return word in _names(facts) or any(word in one.command for one in facts.repo.commands)


def _python(facts: Facts, paths: list[str], home: str) -> str | None:
    if _said_by_the_project(facts, "pytest"):
        return f"pytest {_typed(paths, home)}"
    return f"python -m unittest {join(paths)}" if paths and not home else None


def _typed(paths: list[str], home: str) -> str:
    """Return the folder, else the paths, as a shell takes them: a name may hold what it would act on."""
    return join([home] if home else paths)


def _go(_: Facts, paths: list[str], home: str) -> str:
    return f"go test {quote(f'./{home}/...' if home else f'./{folder(paths[0])}')}"


def _java(facts: Facts, paths: list[str], home: str) -> str | None:
    module = _module(facts, home or paths[0])
    stem = quote(paths[0].rpartition("/")[2].partition(".")[0])
    if "pom.xml" in facts.repo.by_path:
        start = "./mvnw" if "mvnw" in facts.repo.by_path else "mvn"
        where = f" --projects {quote(module)} --also-make" if module else ""
        one = "" if home else f" -Dtest={stem} -Dsurefire.failIfNoSpecifiedTests=false"
        return f"{start} test{where}{one}"
    if any(name in facts.repo.by_path for name in (*jvm.BUILDS, *jvm.SETTINGS)):
        return _gradle(facts, paths, home)
    return None


_ON_A_PLATFORM = re.compile(r"(?:src/(?P<set>\w+)Test|(?P<folder>common|jvm)/test)/")


def _gradle(facts: Facts, paths: list[str], home: str) -> str | None:
    """Return Gradle's task for tests of one project: a filter or a folder fits no build of several."""
    included = _projects(facts)
    projects = Counter(layout.nearest(included.keys(), path) or _module(facts, path) for path in paths)
    project, number = projects.most_common(1)[0]
    if home and (not project or number * 2 < len(paths) or not f"{home}/".startswith(f"{project}/")):
        return None
    found = _ON_A_PLATFORM.match(paths[0][len(project) :].lstrip("/"))
    platform = ((found["set"] or found["folder"]) if found else "").replace("common", "jvm")
    task = f"{platform}Test" if platform else "test"
    where = included.get(project, f":{project.replace('/', ':')}") + ":" if project else ""
    one = "" if home else f" --tests {quote(paths[0].rpartition('/')[2].partition('.')[0])}"
    return f"./gradlew {quote(where + task)}{one}"


def _projects(facts: Facts) -> dict[str, str]:
    """Return Gradle's names (":a:b") of the projects that its settings include, by folder."""
    settings = next((name for name in jvm.SETTINGS if name in facts.repo.by_path), "")
    return jvm.projects("\n".join(facts.lines(settings))) if settings else {}


def _module(facts: Facts, path: str) -> str:
    """Return the nearest folder above a path, below the top, that has a manifest; "" where there is none."""
    return layout.nearest({folder(one.path) for one in facts.repo.manifests}, path)


def _script(facts: Facts, paths: list[str], home: str) -> str | None:
    runner = next((command for name, command in _SCRIPT_RUNNERS.items() if name in _names(facts)), None)
    start = next((word for lock, word in _STARTERS if lock in facts.repo.by_path), "npx")
    return f"{start} {runner} {_typed(paths, home)}" if runner else None


def _php(facts: Facts, paths: list[str], home: str) -> str | None:
    own = next((one for one in ("phpunit", "bin/phpunit") if one in facts.repo.by_path), None)
    if own is None and "phpunit/phpunit" not in _names(facts):
        return None
    return f"{'./' + own if own else 'vendor/bin/phpunit'} {quote(home or paths[0])}"


def _ruby(facts: Facts, paths: list[str], home: str) -> str | None:
    module = _module(facts, home or paths[0])
    inside = [path.removeprefix(f"{module}/") if module else path for path in paths]
    go = f"cd {quote(module)} && " if module else ""
    if inside and all(path.endswith("_spec.rb") for path in inside):
        return f"{go}bundle exec rspec{'' if home else ' ' + join(inside)}"
    return None if home else f"{go}bundle exec ruby -Ilib -Itest {quote(inside[0])}"


def _rust(facts: Facts, paths: list[str], home: str) -> str:
    """Return cargo's way: an integration test by its name, tests inside a file by its module."""
    module = _module(facts, home or paths[0])
    crate = next((one.name for one in facts.repo.manifests if folder(one.path) == module and one.name), "")
    one = "" if home else _target(facts, paths[0]) or _inner(facts, paths[0])
    return f"cargo test{f' -p {quote(crate)}' if crate and module else ''}{one}"


def _target(facts: Facts, path: str) -> str:
    """Return how cargo is told one file of integration tests; "" for any other file."""
    home, _, name = path.rpartition("/")
    above = folder(home)
    manifest = f"{above}/Cargo.toml".lstrip("/")
    if home.rpartition("/")[2] != "tests" or not name.endswith(".rs") or manifest not in facts.repo.by_path:
        return ""
    own = any(line.startswith(("[[test]]", "autotests")) for line in facts.lines(manifest))
    return "" if own else f" --test {quote(name.removesuffix('.rs'))}"


def _inner(facts: Facts, path: str) -> str:
    """Return the name by which the tests inside a file are chosen, its module's; "" for a crate's root."""
    module = _module(facts, path)
    inside = path.removeprefix(f"{module}/" if module else "").removeprefix("src/").removesuffix(".rs")
    inside = inside.removesuffix("/mod")
    return (
        ""
        if inside in ("lib", "main", "mod") or inside.startswith("bin/")
        else f" {quote(inside.replace('/', '::') + '::')}"
    )


def _shell(facts: Facts, paths: list[str], home: str) -> str | None:
    """Return automake's way, where its list of tests names the file."""
    lists = "\n".join(facts.lines("Makefile.am")) if "Makefile.am" in facts.repo.by_path else ""
    named = [path for path in paths if re.search(rf"(?<![\w/.-]){re.escape(path)}(?![\w.-])", lists)]
    return f"make check TESTS={quote(named[0])}" if named and not home else None


def _tcl(facts: Facts, paths: list[str], home: str) -> str | None:
    """Return how a script at the top hands one unit to the Tcl program that runs them, where that takes one."""
    for script in [one.path for one in facts.repo.files if "/" not in one.path and one.language == "Shell"]:
        text = "\n".join(facts.lines(script))
        found = _RUNS_TCL.search(text)
        helper = found[1] if found else ""
        unit = paths[0].removeprefix(f"{folder(helper)}/").removesuffix(".tcl")
        lines = "\n".join(facts.lines(helper)) if helper in facts.repo.by_path else ""
        known = any(re.search(rf"(?<![\w/]){re.escape(one)}(?![\w/])", lines) for one in (unit, folder(unit)) if one)
        if known and _ONE_UNIT.search(lines) and not home:
            return f"{quote(f'./{script}')} --single {quote(unit)}"
    return None


_RUNS_TCL = re.compile(r"(?m)^[^#\n]{0,200}?([\w./-]{1,200}\.tcl)[ \t]+[\"']?\$(?:\{@\}|@|\*)[\"']?[ \t]*$")
_ONE_UNIT = re.compile(r"--single(?!\w)")

_COMMANDS = {
    "Python": _python,
    "Go": _go,
    "Java": _java,
    "Kotlin": _java,
    "JavaScript": _script,
    "TypeScript": _script,
    "TSX": _script,
    "JSX": _script,
    "PHP": _php,
    "Ruby": _ruby,
    "Rust": _rust,
    "Shell": _shell,
    "Tcl": _tcl,
}


INSIDE = 3
"""Files that hold their own tests from which on that is the way here."""


def test_rules(facts: Facts) -> list[str]:
    """Say where a new test goes, and which tests to run after a change in which part."""
    tests = _own_tests(facts)
    inner = _placing_inside(facts)
    if not tests and not inner:
        return []
    return [*(inner or _placing(facts, tests)), *part_lines(facts)]


def _placing_inside(facts: Facts) -> list[str]:
    """Say where unit tests go in Rust, where several files hold their own."""
    found = inline(facts)
    if len(found) < INSIDE:
        return []
    text = f"Put unit tests into a `#[cfg(test)]` module of the file that they test, as {code(found[0].path)} does"
    lines = [said(text, found[0].path, facts.line_of(found[0].path, "#[cfg(test)]"))]
    whole = [one for one in facts.tests if _RUST_TEST.search(one.path)]
    if len(whole) >= INSIDE:
        text = f"Put integration tests into the crate's `tests/`, as {code(whole[0].path)} is"
        lines.append(said(text, whole[0].path))
    return lines


_RUST_TEST = re.compile(r"(?:^|/)tests/[^/]+\.rs$")


def _placing(facts: Facts, tests: list[File]) -> list[str]:
    own = {folder(one.path) for one in facts.source}
    beside = [one for one in tests if folder(one.path) in own]
    names = Counter(name for one in tests if (name := working.test_name(one.path)))
    common = names.most_common(1)[0][0] if names else None
    named = f", named {code(common)}" if common else ""
    if len(beside) * 2 > len(tests):
        return [said(f"Put a test beside the code that it tests{named}", beside[0].path)]
    example = next((one for one in tests if working.test_name(one.path) == common), tests[0])
    home, number = Counter(_root(one.path) for one in tests).most_common(1)[0]
    if home and number * 3 > len(tests) * 2:
        return [said(f"Put tests in {code(home + '/')}{named}", example.path)]
    text = f"Put a test into its part's own folder of tests{named}, as {code(example.path)} is"
    return [said(text, example.path)]


def _root(path: str) -> str:
    """Return the folder of tests that a test lies in."""
    parts = path.split("/")[:-1]
    at = next((at for at, part in enumerate(parts, 1) if part.lower() in _TEST_ROOTS), None)
    return "/".join(parts[:at]) if at is not None else "/".join(parts[:1])


def part_lines(facts: Facts, limit: int = 8) -> list[str]:
    """Say which command tests which part: by folder where parts have tests of their own, else by module."""
    found: dict[str, str] = {}
    alone: list[str] = []
    for one in layout.parts(facts, limit):
        home, tests = _tests_below(facts, one.name)
        command = command_for(facts, tests, home) if tests else None
        if command is None:
            alone += _by_module(facts, {file.path for file in one.files})
        else:
            found.setdefault(
                command, said(f"After a change in {code(one.name + '/')} run {code(command)}", tests[0].path)
            )
    return [*found.values(), *alone[: max(0, MODULES - len(found))]]


def _tests_below(facts: Facts, name: str) -> tuple[str, list[File]]:
    """Return the part's folder, or else its package's, that has tests below it, and these."""
    own = [*inline(facts), *_own_tests(facts)]
    mirrored = _main_root(own) + name.rpartition("/")[2]
    project = layout.nearest(_projects(facts).keys(), name)
    for home in filter(None, (name, project, _module(facts, name), mirrored if "/" in mirrored else "")):
        tests = [one for one in own if one.path.startswith(home + "/")]
        if tests:
            return home, tests
    return "", []


def _by_module(facts: Facts, within: set[str]) -> list[str]:
    found: list[str] = []
    told = {"go test ./"}
    for one in [one for one in facts.chiefs if one.path in within]:
        tests = _tests_of(facts, one)
        command = command_for(facts, tests) if tests else None
        if command is not None and command not in told and len(found) < MODULES:
            told.add(command)
            found.append(said(f"After a change in {code(one.path)} run {code(command)}", tests[0].path))
    return found


def _tests_of(facts: Facts, source: File) -> list[File]:
    """Return the tests named after a file, and those that import it and little else of the product.

    The latter only where they are few: some of many would be told as if they were the ones.
    """
    alike = facts.tests_by_name.get(bare_name(source.path), [])
    named = [one for one in alike if working.is_twin(source.path, one.path)]
    narrow = [
        facts.repo.by_path[path]
        for path in facts.users(source.path)
        if facts.repo.by_path[path].role == "test"
        and working.test_name(path)
        and working.in_one_package(source.path, path)
        and sum(name in facts.members for name in facts.repo.by_path[path].imports) <= 2
    ]
    told = list({one.path: one for one in [*named, *narrow]}.values())
    return told if len(told) <= TOGETHER else named[:TOGETHER]
