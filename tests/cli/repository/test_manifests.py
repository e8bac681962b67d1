# ruff: noqa: E501  # one row a line reads better
from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from archfb.repository import manifests
from archfb.repository.manifests.purpose import purpose_of, purpose_of_script

if TYPE_CHECKING:
    from archfb.repository.manifests import Declared


def collected(files: dict[str, str]) -> Declared:
    return manifests.collect(sorted(files), lambda path: files[path].encode())


def by_scope(declared: Declared) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in declared.dependencies:
        found.setdefault(f"{one.manifest}:{one.scope}", []).append(one.name)
    return found


PYPROJECT = """[project]
name = "thing"
version = "1.2"
requires-python = ">=3.11"
description = "A thing."
dependencies = ["requests>=2 ; python_version > '3'", "rich[jupyter]"]
[project.optional-dependencies]
fast = ["uvloop"]
[project.scripts]
thing = "thing.cli:main"
[dependency-groups]
test = ["pytest"]
dev = [{include-group = "test"}, "ruff"]
loop = [{include-group = "loop"}, "x"]
[build-system]
requires = ["hatchling"]
[tool.pytest.ini_options]
testpaths = ["tests"]
"""
POETRY = """[tool.poetry]
name = "p"
[tool.poetry.dependencies]
python = "^3.9"
httpx = "^0.27"
[tool.poetry.group.dev.dependencies]
pytest = {version = "^8"}
"""
SETUP = """from setuptools import setup
NEEDS = ["six"]
setup(name="old", install_requires=NEEDS + ["attrs>=1"], extras_require={"x": ["y"]},
      entry_points={"console_scripts": ["old=old.main:run"]}, version=__import__("os").system("touch /tmp/x"))
"""
PACKAGE = {
    "name": "web",
    "version": "1.0.0",
    "bin": {"web": "./bin/web.js"},
    "main": "./lib/index.js",
    "packageManager": "pnpm@9.1.0",
    "scripts": {"test": "vitest run", "build": "tsc", "postinstall": "x", "lint:fix": "eslint --fix"},
    "dependencies": {"vue": "^3"},
    "devDependencies": {"vitest": "^1"},
    "peerDependencies": {"react": "*"},
    "optionalDependencies": {"fsevents": "*"},
}
CARGO = """[package]
name = "tool"
version = "0.1.0"
rust-version = "1.80"
[dependencies]
serde = { version = "1", features = ["derive"] }
renamed = { package = "real", version = "2" }
[dev-dependencies]
insta = "1"
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[[bin]]
name = "extra"
path = "src/extra.rs"
"""
GO = """module example.org/tool

go 1.22

require (
\texample.org/a v1.0.0
\texample.org/b/v2 v2.1.0 // indirect
)
require example.org/c v0.1.0
"""
POM = """<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><groupId>g</groupId><artifactId>parent</artifactId>
<version>1</version><packaging>pom</packaging><properties><v>4.13</v></properties><modules><module>core</module><module>test-it</module></modules>
<dependencyManagement><dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>${v}</version></dependency>
</dependencies></dependencyManagement></project>"""
CORE = """<project><parent><groupId>g</groupId></parent><artifactId>core</artifactId><dependencies>
<dependency><groupId>${project.groupId}</groupId><artifactId>other</artifactId></dependency>
<dependency><groupId>junit</groupId><artifactId>junit</artifactId><scope>test</scope></dependency></dependencies></project>"""
GRADLE = """plugins { id 'java' }
dependencies {
    implementation 'com.google.guava:guava:33.0'
    implementation(libs.commons.lang)
    testImplementation("org.junit.jupiter:junit-jupiter:5.10")
    api project(':core')
    annotationProcessor 'a:b:1'
}
application { mainClass = 'com.example.Main' }
"""
CATALOGUE = '[libraries]\ncommons-lang = { group = "org.apache.commons", name = "commons-lang3", version = "3" }\n'
GEMSPEC = """Gem::Specification.new 'gem-a', '1.0' do |s|
  s.summary = "A gem"
  s.executables = ['gem-a']
  s.add_dependency 'rack', '>= 3', '< 4'
  s.add_development_dependency "rspec"
end
"""
GEMFILE = """source 'https://example.org'
gemspec
gem 'rake'
if ENV['x']
  gem 'maybe'
end
group :test, :development do
  gem 'simplecov', require: false
end
gem 'pry', group: :development
"""
COMPOSER = {
    "name": "a/b",
    "require": {"php": ">=8.1", "ext-json": "*", "symfony/yaml": "^7"},
    "require-dev": {"phpunit/phpunit": "^11"},
    "bin": ["bin/tool"],
    "autoload": {"psr-4": {"A\\B\\": "src/"}},
    "scripts": {"test": "phpunit"},
}
CSPROJ = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net9.0</TargetFramework></PropertyGroup>
<ItemGroup><PackageReference Include="Serilog" Version="4.0"/><PackageReference Include="Analyzer" PrivateAssets="all"/>
<ProjectReference Include="..\\Core\\Core.csproj"/></ItemGroup></Project>"""
CONFIGURE = """AC_INIT([prog],[2.1])
AM_INIT_AUTOMAKE
dnl AC_CHECK_LIB([no],[x])
AC_CHECK_LIB([onig],[onig_version])
AC_SEARCH_LIBS([dlopen], [dl dld])
PKG_CHECK_MODULES([GLIB], [glib-2.0 >= 2.40 zlib])
"""
MAKEFILE_AM = "bin_PROGRAMS = prog\nprog_SOURCES = src/other.c src/main.c\nlib_LTLIBRARIES = libprog.la\nTESTS = t\n"
CMAKE = """cmake_minimum_required(VERSION 3.20)
project(cm VERSION 1.5 LANGUAGES CXX)
find_package(Boost 1.70 REQUIRED)
pkg_check_modules(X REQUIRED libpng>=1.6)
add_executable(app src/app.cpp)
add_library(core STATIC src/core.cpp)
enable_testing()
"""
MESON = (
    "project('me', 'c', version : '3.1')\nzl = dependency('zlib', version : '>=1.2')\nexecutable('me', 'main.c')\n"
)

DEPENDENCIES: list[tuple[str, dict[str, str], dict[str, list[str]]]] = [
    (
        "python",
        {"pyproject.toml": PYPROJECT},
        {
            "pyproject.toml:runtime": ["requests", "rich"],
            "pyproject.toml:extra:fast": ["uvloop"],
            "pyproject.toml:group:test": ["pytest"],
            "pyproject.toml:group:dev": ["pytest", "ruff"],
            "pyproject.toml:group:loop": ["x"],
            "pyproject.toml:build": ["hatchling"],
        },
    ),
    (
        "poetry",
        {"pyproject.toml": POETRY},
        {"pyproject.toml:runtime": ["httpx"], "pyproject.toml:group:dev": ["pytest"]},
    ),
    ("setup.py", {"setup.py": SETUP}, {"setup.py:runtime": ["six", "attrs"], "setup.py:extra:x": ["y"]}),
    (
        "setup.cfg",
        {
            "setup.cfg": (
                "[metadata]\nname = c\n[options]\ninstall_requires =\n  a>=1\n  # no\n  b\n[options.e"
                "xtras_require]\nx = y; z\n"
            )
        },
        {"setup.cfg:runtime": ["a", "b"], "setup.cfg:extra:x": ["y", "z"]},
    ),
    (
        "requirements",
        {
            "requirements.txt": "a==1 # why\n-r other.txt\n\nb[x]>=2\n",
            "requirements-dev.txt": "pytest\n",
            "notes.txt": "no\n",
        },
        {"requirements-dev.txt:requirements-dev": ["pytest"], "requirements.txt:requirements": ["a", "b"]},
    ),
    (
        "pipfile",
        {"Pipfile": '[packages]\na = "*"\n[dev-packages]\nb = "*"\n'},
        {"Pipfile:packages": ["a"], "Pipfile:dev-packages": ["b"]},
    ),
    (
        "node",
        {"package.json": json.dumps(PACKAGE)},
        {
            "package.json:dependencies": ["vue"],
            "package.json:devDependencies": ["vitest"],
            "package.json:optionalDependencies": ["fsevents"],
            "package.json:peerDependencies": ["react"],
        },
    ),
    (
        "rust",
        {"Cargo.toml": CARGO},
        {
            "Cargo.toml:dependencies": ["serde", "real"],
            "Cargo.toml:dev-dependencies": ["insta"],
            "Cargo.toml:dependencies (cfg(unix))": ["libc"],
        },
    ),
    ("go", {"go.mod": GO}, {"go.mod:require": ["example.org/a", "example.org/c"]}),
    (
        "maven",
        {"pom.xml": POM, "core/pom.xml": CORE},
        {
            "pom.xml:managed": ["junit:junit"],
            "core/pom.xml:compile": ["g:other"],
            "core/pom.xml:test": ["junit:junit"],
        },
    ),
    (
        "gradle",
        {"build.gradle": GRADLE, "gradle/libs.versions.toml": CATALOGUE},
        {
            "build.gradle:implementation": ["com.google.guava:guava", "org.apache.commons:commons-lang3"],
            "build.gradle:testImplementation": ["org.junit.jupiter:junit-jupiter"],
            "build.gradle:api": [":core"],
            "build.gradle:annotationProcessor": ["a:b"],
        },
    ),
    (
        "ruby",
        {"gem-a.gemspec": GEMSPEC, "Gemfile": GEMFILE, "lib/a.rb": ""},
        {
            "gem-a.gemspec:runtime": ["rack"],
            "gem-a.gemspec:development": ["rspec"],
            "Gemfile:default": ["gem-a", "rake", "maybe"],
            "Gemfile:test,development": ["simplecov"],
            "Gemfile:development": ["pry"],
        },
    ),
    (
        "php",
        {"composer.json": json.dumps(COMPOSER)},
        {
            "composer.json:require": ["php", "ext-json", "symfony/yaml"],
            "composer.json:require-dev": ["phpunit/phpunit"],
        },
    ),
    (
        "dotnet",
        {"App/App.csproj": CSPROJ},
        {
            "App/App.csproj:PackageReference": ["Serilog", "Analyzer"],
            "App/App.csproj:ProjectReference": ["Core/Core.csproj"],
        },
    ),
    (
        "autotools",
        {
            "configure.ac": CONFIGURE,
            "Makefile.am": MAKEFILE_AM,
            "src/main.c": "",
            "src/other.c": "",
            "src/prog.h": "",
        },
        {
            "configure.ac:AC_CHECK_LIB": ["onig"],
            "configure.ac:AC_SEARCH_LIBS": ["dl", "dld"],
            "configure.ac:PKG_CHECK_MODULES": ["glib-2.0", "zlib"],
            "configure.ac:build tool": ["autoconf", "automake", "pkg-config"],
        },
    ),
    (
        "cmake",
        {"CMakeLists.txt": CMAKE, "src/app.cpp": ""},
        {"CMakeLists.txt:find_package": ["Boost"], "CMakeLists.txt:pkg_check_modules": ["libpng"]},
    ),
    ("meson", {"meson.build": MESON, "main.c": ""}, {"meson.build:dependency": ["zlib"]}),
    (
        "submodules",
        {".gitmodules": '[submodule "x"]\n\tpath = deps/x\n\turl = y\n'},
        {".gitmodules:submodule": ["deps/x"]},
    ),
]


@pytest.mark.parametrize(
    ("files", "expected"), [row[1:] for row in DEPENDENCIES], ids=[row[0] for row in DEPENDENCIES]
)
def test_direct_dependencies_are_those_declared(files: dict[str, str], expected: dict[str, list[str]]) -> None:
    assert by_scope(collected(files)) == expected


ENTRIES: list[tuple[str, dict[str, str], set[tuple[str, str, str]]]] = [
    (
        "python",
        {
            "pyproject.toml": PYPROJECT,
            "src/thing/__init__.py": "",
            "src/thing/cli.py": "",
            "src/thing/__main__.py": "",
        },
        {
            ("script", "thing", "src/thing/cli.py:main"),
            ("library", "thing", "src/thing"),
            ("module", "python -m thing", "src/thing/__main__.py"),
        },
    ),
    ("setup.py", {"setup.py": SETUP, "old/main.py": ""}, {("script", "old", "old/main.py:run")}),
    ("node", {"package.json": json.dumps(PACKAGE)}, {("bin", "web", "bin/web.js"), ("main", "web", "lib/index.js")}),
    (
        "rust",
        {"Cargo.toml": CARGO, "src/main.rs": "", "src/lib.rs": "", "src/bin/more.rs": ""},
        {
            ("bin", "extra", "src/extra.rs"),
            ("bin", "tool", "src/main.rs"),
            ("bin", "more", "src/bin/more.rs"),
            ("library", "tool", "src/lib.rs"),
        },
    ),
    (
        "go",
        {"go.mod": GO, "cmd/x/main.go": "package main\n", "in/main.go": "package in\n"},
        {("library", "example.org/tool", "."), ("program", "x", "cmd/x/main.go")},
    ),
    ("maven", {"pom.xml": CORE, "src/main/java/A.java": ""}, {("library", "core", "src/main/java")}),
    ("gradle", {"build.gradle": GRADLE}, {("main", "com.example.Main", "com.example.Main")}),
    (
        "ruby",
        {"gem-a.gemspec": GEMSPEC, "lib/a.rb": "", "exe/gem-a": ""},
        {("library", "gem-a", "lib"), ("bin", "gem-a", "exe/gem-a")},
    ),
    ("php", {"composer.json": json.dumps(COMPOSER)}, {("bin", "tool", "bin/tool"), ("library", "a/b", "src")}),
    ("dotnet", {"App/App.csproj": CSPROJ, "App/Program.cs": ""}, {("program", "App", "App/Program.cs")}),
    (
        "autotools",
        {
            "configure.ac": CONFIGURE,
            "Makefile.am": MAKEFILE_AM,
            "src/main.c": "",
            "src/other.c": "",
            "src/prog.h": "",
        },
        {("program", "prog", "src/main.c"), ("library", "libprog", "src/prog.h")},
    ),
    (
        "cmake",
        {"CMakeLists.txt": CMAKE, "src/app.cpp": ""},
        {("program", "app", "src/app.cpp"), ("library", "core", ".")},
    ),
    ("meson", {"meson.build": MESON, "main.c": ""}, {("program", "me", "main.c")}),
]


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in ENTRIES], ids=[row[0] for row in ENTRIES])
def test_entry_points_are_those_declared(files: dict[str, str], expected: set[tuple[str, str, str]]) -> None:
    assert {(one.kind, one.name, one.target) for one in collected(files).entry_points} == expected


BROKEN = [
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "package.json",
    "Cargo.toml",
    "pom.xml",
    "composer.json",
    "a.csproj",
    "vcpkg.json",
]


@pytest.mark.parametrize("path", BROKEN)
@pytest.mark.parametrize("content", ["{[(<", "[" * 5_000, '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "\0"])
def test_a_manifest_that_cannot_be_parsed_is_a_note(path: str, content: str) -> None:
    declared = collected({path: content})
    assert [one.path for one in declared.manifests] == [path]
    assert declared.notes == (f"{path} {declared.manifests[0].note}",)
    assert "cannot be parsed" in declared.notes[0]


WORKSPACE = {
    "package.json": '{"name": "root", "private": true}',
    "pnpm-workspace.yaml": "packages:\n  - 'packages/*' # here\n  - \"play/**\"\n  - '!play/no'\nother:\n  - x\n",
    "packages/a/package.json": '{"name": "a"}',
    "packages/a/template-x/package.json": '{"name": "t"}',
    "packages/a/node_modules/m/package.json": '{"name": "m"}',
    "play/package.json": '{"name": "p"}',
    "play/deep/fixtures/x/package.json": '{"name": "f"}',
    "play/no/package.json": '{"name": "n"}',
}


@pytest.mark.parametrize("by", ["pnpm", "npm", "lerna"])
def test_members_are_those_that_the_workspace_names(by: str) -> None:
    files = dict(WORKSPACE)
    globs = ["packages/*", "play/**", "!play/no"]
    if by != "pnpm":
        del files["pnpm-workspace.yaml"]
        files["package.json" if by == "npm" else "lerna.json"] = json.dumps(
            {"workspaces" if by == "npm" else "packages": globs}
        )
    declared = collected(files)
    assert [one.path for one in declared.manifests] == [
        "package.json", "play/package.json", "packages/a/package.json", "play/deep/fixtures/x/package.json",
    ]  # fmt: skip
    assert declared.aside == ("packages/a/template-x/package.json", "play/no/package.json")


def test_manifests_of_examples_and_fixtures_stand_aside_but_a_module_that_is_named_does_not() -> None:
    declared = collected({"pom.xml": POM, "core/pom.xml": CORE, "test-it/pom.xml": CORE, "examples/x/pom.xml": CORE})
    assert [one.path for one in declared.manifests] == ["pom.xml", "core/pom.xml", "test-it/pom.xml"]
    assert declared.aside == ("examples/x/pom.xml",)


def test_dependencies_say_their_line_and_kind() -> None:
    found = collected({"package.json": json.dumps(PACKAGE, indent=1)}).dependencies
    assert {(one.name, one.kind) for one in found} == {
        ("vue", "runtime"),
        ("vitest", "development"),
        ("react", "peer"),
        ("fsevents", "optional"),
    }
    lines = json.dumps(PACKAGE, indent=1).split("\n")
    assert all(f'"{one.name}"' in lines[one.line - 1] for one in found)


def test_a_secret_in_a_declaration_is_not_repeated() -> None:
    token = "ghp_" + "a1B2" * 9
    files = {
        "requirements.txt": f"x @ git+https://user:{token}@example.org/x\n",
        ".github/workflows/ci.yml": f"  - run: TOKEN={token} make test\n",
    }
    declared = collected(files)
    assert token not in repr(declared)
    assert [one.command for one in declared.commands if one.source == "ci"] == [
        "TOKEN=[redacted: github-token] make test"
    ]


CI = """jobs:
  tests:
    steps:
      - name: pytest is not run here
      - run: uv run --locked tox run
        env: {A: pytest}
      - name: b
        run: |
          # a comment
          sudo apt-get install x
          cmake -B build \\
            -DX=1
          make -j"$(nproc)" check
      - run: >
          npm
          run lint
"""


def test_ci_commands_are_found_with_their_lines() -> None:
    found = [(one.purpose, one.command, one.line) for one in collected({".github/workflows/ci.yml": CI}).commands]
    assert found == [
        ("test", "uv run --locked tox run", 5),
        ("test", 'make -j"$(nproc)" check', 13),
        ("build", "cmake -B build -DX=1", 11),
        ("lint", "npm run lint", 15),
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".gitlab-ci.yml": "test:\n  script:\n    - bundle exec rspec\n    - echo x\n"}, ("bundle exec rspec", ".gitlab-ci.yml", 3)),
        ({".travis.yml": "script: cargo test --all\n"}, ("cargo test --all", ".travis.yml", 1)),
        ({"Makefile": "all: x\n\ntest: all\n\tgo test\nX := 1\n"}, ("make test", "Makefile", 3)),
        ({"justfile": "test *args:\n  pytest\n"}, ("just test", "justfile", 1)),
        ({"package.json": json.dumps(PACKAGE)}, ("pnpm test", "package.json", 1)),
        ({"Rakefile": "x\ntask default: :test\n", "Gemfile": ""}, ("bundle exec rake", "Rakefile", 2)),
        ({"go.mod": GO}, ("go test ./...", "go.mod", 1)),
        ({"tox.ini": "[tox]\n"}, ("tox", "tox.ini", 1)),
        ({"pyproject.toml": PYPROJECT}, ("pytest", "pyproject.toml", 17)),
        ({"pom.xml": POM, "mvnw": ""}, ("./mvnw verify", "pom.xml", 1)),
        ({"build.gradle.kts": "", "gradlew": ""}, ("./gradlew test", "build.gradle.kts", 1)),
        ({"phpunit.xml.dist": ""}, ("vendor/bin/phpunit", "phpunit.xml.dist", 1)),
        ({"CMakeLists.txt": CMAKE}, ("ctest --test-dir build", "CMakeLists.txt", 7)),
        ({"configure.ac": CONFIGURE, "Makefile.am": MAKEFILE_AM}, ("make check", "Makefile.am", 4)),
    ],
)  # fmt: skip
def test_the_first_test_command_is_the_best_evidenced(files: dict[str, str], expected: tuple[str, str, int]) -> None:
    tests = [one for one in collected(files).commands if one.purpose == "test"]
    assert (tests[0].command, tests[0].path, tests[0].line) == expected


PURPOSES = [
    ("make check VERBOSE=yes", "test"), ("mvn verify javadoc:jar", "test"), ("mvn install -Dmaven.test.skip", "build"),
    ("bundle exec rake", "test"), ("bundle exec rake install:x", None), ("make docs/test.md", "docs"), ("pnpm run test-unit", "test"),
    ("npm t", "test"), ("ruff format .", "format"), ("ruff check .", "lint"), ("cargo fmt --check", "format"), ("mypy src", "types"),
    ("go build ./...", "build"), ("./gradlew build", "test"), ("npm ci", "install"), ("npm start", "run"), ("twine upload", "release"),
    ("hello world", None),
]  # fmt: skip


@pytest.mark.parametrize(("command", "purpose"), PURPOSES)
def test_a_command_is_for_what_its_words_say(command: str, purpose: str | None) -> None:
    assert purpose_of(command) == purpose


@pytest.mark.parametrize(
    ("name", "purpose"), [("test:unit", "test"), ("pretest", None), ("dev", "run"), ("lint", "lint"), ("odd", None)]
)
def test_a_script_is_for_what_its_name_says(name: str, purpose: str | None) -> None:
    assert purpose_of_script(name) == purpose


def test_conventions_are_read_from_settings_with_their_place() -> None:
    files = {
        ".editorconfig": "[*]\nindent_style = tab\n",
        "pyproject.toml": "[tool.ruff]\nline-length = 99\n[tool.mypy]\nstrict = true\n",
        "tsconfig.json": '{"compilerOptions": {"strict": true}}',
        ".pre-commit-config.yaml": "repos:\n- repo: x\n  hooks:\n  - id: ruff\n  - id: mypy\n",
        "CONTRIBUTING.md": "x",
    }
    found = {(one.text, one.path, one.line) for one in collected(files).conventions}
    assert found == {
        ("indentation is by tab", ".editorconfig", 2),
        ("Python is checked with ruff", "pyproject.toml", 1),
        ("lines are at most 99 characters", "pyproject.toml", 2),
        ("types are checked with mypy", "pyproject.toml", 3),
        ("type checking is strict", "pyproject.toml", 4),
        ("TypeScript is strict", "tsconfig.json", 1),
        ("pre-commit runs ruff, mypy", ".pre-commit-config.yaml", 1),
        ("how to contribute is written down", "CONTRIBUTING.md", 1),
    }
