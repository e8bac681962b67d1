# ruff: noqa: E501  # one row a line reads better
"""No text, however made, takes the readers more than time in proportion to its size."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from timing import cpu_seconds

from archfb.repository import classify, commands, imports, languages, manifests, outline, secrets, tokens
from archfb.repository.attributes import Attributes
from archfb.repository.ignore import parse
from archfb.repository.manifests.declared import View
from archfb.repository.manifests.jsonc import parse_jsonc

SIZE = 1 << 15
UNITS = [
    "a", " ", "\n", "\t \n", "(", ")", "{", '"', "'", "\\", '\\"', "/*", "/* ", "#", "# a\n", "-", "- a\n", ",", ", ", ".", "a.", "=", "a=", ":",
    "import ", "\nimport (", "\nfrom a import (", "from ", "\nuse a::{", "\nuse A\\{", "require(", "import a.{\n", "#include ", "#include <", "\n#include <",
    "eyJ", "eyJaaaaaaaaaa.", "://a:", "://a:b", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN -----END ", "AKIA", "sk-", "password=", "password = '", "token: a\n",
    "mvn ", "make ", "run: |\n", "  - run: a\n", "script:\n- ", "do |", "end\n", "gem 'a'\n", "gem '", "group :a do\n", "project(", "find_package(a\n",
    "${", "${a", "<a>", "<!--", "<dependency>", "implementation 'a:b:1'\n", "[a]\n", "a = [", "a==1\n", "-S ", "*", "**/", "[!a", "AC_CHECK_LIB([", "const a=", "f()", "x<",
]  # fmt: skip
FINDERS = ["Python", "TypeScript", "Go", "Java", "Rust", "PHP", "Ruby", "C"]
MANIFESTS = [
    "pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "Pipfile", "package.json", "pnpm-workspace.yaml", "Cargo.toml", "go.mod", "pom.xml",
    "build.gradle", "a.gemspec", "Gemfile", "Rakefile", "composer.json", "a.csproj", "configure.ac", "Makefile.am", "CMakeLists.txt", "meson.build",
    "vcpkg.json", "conanfile.py", ".gitmodules", ".github/workflows/ci.yml", ".gitlab-ci.yml", "Makefile", "justfile", ".python-version", "phpstan.neon",
    ".editorconfig", ".pre-commit-config.yaml", "tsconfig.json", "gradle/libs.versions.toml",
]  # fmt: skip


def seconds(work: Callable[[], object], within: float = 0.3) -> float:
    return cpu_seconds(work, within=within)


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_looking_for_imports_definitions_secrets_and_kinds(unit: str) -> None:
    text = (unit * (SIZE // len(unit)))[:SIZE]
    content = text.encode()
    spent = {f"imports {one}": seconds(lambda one=one: imports.find(one, content)) for one in FINDERS}
    spent |= {
        f"outline {one}": seconds(lambda one=one: outline.outline(one, text))
        for one in [*FINDERS, "Shell", "Markdown", "SQL", "Makefile"]
    }
    spent["secrets"] = seconds(lambda: secrets.redact(text, "a.yaml"))
    spent["tokens"] = seconds(lambda: tokens.estimate(text))
    spent["kind"] = seconds(lambda: classify.kind("a.js", content, "JavaScript"))
    spent["shebang"] = seconds(lambda: languages.by_shebang(b"#!/usr/bin/env " + content))
    spent |= {
        f"language {one}": seconds(lambda one=one: languages.by_text(f"a.{one}", "C", content))
        for one in sorted(languages.AMBIGUOUS)
    }
    spent["jsonc"] = seconds(lambda: parse_jsonc(content))
    spent["ignore"] = seconds(lambda: parse(content))
    spent["attributes"] = seconds(lambda: Attributes([(".gitattributes", content)]))
    assert {name: time for name, time in spent.items() if time > 0.3} == {}


@pytest.mark.parametrize("path", MANIFESTS)
def test_reading_manifests(path: str) -> None:
    spent = {}
    for unit in UNITS:
        text = unit * (SIZE // len(unit))
        spent[unit] = seconds(lambda text=text: manifests.collect([path], lambda _: text.encode()), 1.0)
        spent["ci " + unit] = seconds(lambda text=text: commands.gather(View([path], lambda _: text.encode())), 1.0)
    assert {unit: time for unit, time in spent.items() if time > 1.0} == {}


@pytest.mark.parametrize("glob", ["*a" * 400, "**/" * 300 + "b", "*" * 900, "[" * 900, "?" * 900, "a*" * 200 + "b"])
def test_matching_ignore_patterns(glob: str) -> None:
    rules = parse(glob.encode())
    assert seconds(lambda: [rule.match.match(b"a" * 255) for rule in rules], 1.0) < 1.0
    assert seconds(lambda: [rule.match.match(b"a/" * 1_000) for rule in rules], 1.0) < 1.0
