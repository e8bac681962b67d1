# ruff: noqa: E501  # one row a line reads better
from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from archfb.repository import manifests
from archfb.repository.manifests.jvm import projects
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
group :test, :development, optional: true do
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
    (
        "node, built",
        {"package.json": '{"name": "n", "main": "build/index.cjs"}', "src/index.ts": ""},
        {("main", "n", "src/index.ts")},
    ),
    (
        "node, written",
        {"package.json": '{"name": "n", "main": "lib/n"}', "lib/n.js": "", "index.js": ""},
        {("main", "n", "lib/n")},
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


CARGO_MEMBER = '[package]\nname = "{}"\n[dependencies]\n'
CARGO_WORKSPACE = """[workspace]
members = ["tool", "crates/*", "examples"]
exclude = ["crates/old"]
[workspace.dependencies]
inside = { path = "lib/inside" }
"""


def test_members_of_a_cargo_workspace_are_those_it_names_and_those_they_are_built_on() -> None:
    files = {
        "Cargo.toml": CARGO_WORKSPACE,
        "tool/Cargo.toml": CARGO_MEMBER.format("tool")
        + 'inside = { workspace = true }\nnear = { path = "../near" }\n',
        "near/Cargo.toml": CARGO_MEMBER.format("near"),
        "lib/inside/Cargo.toml": CARGO_MEMBER.format("inside"),
        "crates/one/Cargo.toml": CARGO_MEMBER.format("one"),
        "crates/old/Cargo.toml": CARGO_MEMBER.format("old"),
        "crates/one/deep/Cargo.toml": CARGO_MEMBER.format("deep"),
        "examples/Cargo.toml": CARGO_MEMBER.format("examples") + 'http = "1"\n',
        "fuzz/Cargo.toml": CARGO_MEMBER.format("fuzz") + "[workspace]\n",
    }
    declared = collected(files)
    assert [one.path for one in declared.manifests] == [
        "Cargo.toml",
        "examples/Cargo.toml",
        "near/Cargo.toml",
        "tool/Cargo.toml",
        "crates/one/Cargo.toml",
        "lib/inside/Cargo.toml",
    ]
    assert declared.aside == ("crates/old/Cargo.toml", "crates/one/deep/Cargo.toml", "fuzz/Cargo.toml")
    assert ("http", "examples/Cargo.toml") in {(one.name, one.manifest) for one in declared.dependencies}


def test_packages_beside_each_other_without_a_workspace_are_all_there() -> None:
    files = {"a/Cargo.toml": CARGO_MEMBER.format("a"), "b/Cargo.toml": CARGO_MEMBER.format("b")}
    assert [one.path for one in collected(files).manifests] == ["a/Cargo.toml", "b/Cargo.toml"]


SOLUTION = """Microsoft Visual Studio Solution File, Format Version 12.00
Project("{9A19103F-16F7-4668-BE54-9A1E7A4F7556}") = "A", "src\\A\\A.csproj", "{1}"
EndProject
Project("{2150E333-8FDC-42A3-9474-1A3956D46DE8}") = "folder", "folder", "{2}"
EndProject
Project("{9A19103F-16F7-4668-BE54-9A1E7A4F7556}") = "A.Tests", "test\\A.Tests\\A.Tests.csproj", "{3}"
EndProject
"""
SOLUTION_X = """<Solution>
  <Folder Name="/test/">
    <Project Path="test/A.Tests/A.Tests.csproj" />
  </Folder>
  <Project Path="src\\A\\A.csproj" />
</Solution>
"""


@pytest.mark.parametrize(("name", "text"), [("All.sln", SOLUTION), ("All.slnx", SOLUTION_X)])
def test_members_of_a_solution_are_there_wherever_they_lie(name: str, text: str) -> None:
    files = {
        name: text,
        "src/A/A.csproj": "<Project/>",
        "test/A.Tests/A.Tests.csproj": '<Project><PackageReference Include="X"/></Project>',
        "samples/S/S.csproj": "<Project/>",
    }
    declared = collected(files)
    assert [one.path for one in declared.manifests] == ["src/A/A.csproj", "test/A.Tests/A.Tests.csproj"]
    assert declared.aside == ("samples/S/S.csproj",)
    assert [(one.name, one.kind) for one in declared.dependencies] == [("X", "development")]
    assert [one.name for one in declared.entry_points] == ["A"]


def test_modules_that_gradle_settings_include_are_there_wherever_they_lie() -> None:
    settings = """include(":samples:guide", ':core')
include 'tests:inner'
// include(":samples:none")
project(":moved").projectDir = file("examples/moved")
include ":moved"
"""
    files = {"settings.gradle.kts": settings} | dict.fromkeys(
        [
            f"{name}/build.gradle"
            for name in ("samples/guide", "core", "tests/inner", "examples/moved", "samples/none")
        ],
        "",
    )
    assert [one.path for one in collected(files).manifests] == [
        "core/build.gradle",
        "examples/moved/build.gradle",
        "samples/guide/build.gradle",
        "tests/inner/build.gradle",
    ]


MULTIPLATFORM = """kotlin {
  sourceSets {
    commonTest {
      dependencies {
        implementation(libs.check)
      }
    }
    val jvmMain by getting {
      dependencies {
        implementation("a:main:1")
        implementation(libs.bundles.both)
      }
    }
    jvmTest.dependencies {
      implementation(kotlin("test"))
    }
  }
}
dependencies {
  api("a:api:1")
}
"""


def test_dependencies_of_a_source_set_are_its_own() -> None:
    libraries = (
        '[libraries]\ncheck = "x:check:1"\none-a = { module = "x:one" }\ntwo = { group = "x", name = "two" }\n'
        '[bundles]\nboth = ["one-a", "two"]\n'
    )
    found = collected({"build.gradle.kts": MULTIPLATFORM, "gradle/libs.versions.toml": libraries}).dependencies
    assert [(one.name, one.scope, one.kind, one.line) for one in found] == [
        ("x:check", "commonTestImplementation", "development", 5),
        ("a:main", "jvmMainImplementation", "runtime", 10),
        ("x:one", "jvmMainImplementation", "runtime", 11),
        ("x:two", "jvmMainImplementation", "runtime", 11),
        ("org.jetbrains.kotlin:kotlin-test", "jvmTestImplementation", "development", 15),
        ("a:api", "api", "runtime", 20),
    ]


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


PLACES = """jobs:
  a:
    steps:
      - run: |
          cd app
          npm install
          npm test
          cd ..
          make test
      - working-directory: tools/x
        run: pytest -v x
      - name: elsewhere
        run: |
          cd $HOME/build
          make check
          cd -
          ctest ^
            --output-on-failure ^
            -j 2
          cmake --list-presets
"""


def test_ci_commands_are_told_with_the_folder_that_they_are_run_in() -> None:
    found = [(one.command, one.line) for one in collected({".github/workflows/ci.yml": PLACES}).commands]
    assert found == [
        ("cd app && npm test", 7),
        ("make test", 9),
        ("cd tools/x && pytest -v x", 11),
        ("cd $HOME/build && make check", 15),
        ("ctest --output-on-failure -j 2", 17),
        ("cd app && npm install", 6),
    ]


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"package.json": '{"devDependencies": {"a": "1"}}', "yarn.lock": ""}, ("yarn install", "yarn.lock")),
        ({"package.json": '{"packageManager": "pnpm@9", "dependencies": {"a": "1"}}'}, ("pnpm install", "package.json")),
        ({"package.json": '{"dependencies": {"a": "1"}}'}, None),
        ({"package.json": '{"name": "no dependencies"}', "yarn.lock": ""}, None),
        ({"pyproject.toml": "", "uv.lock": "", "poetry.lock": ""}, ("uv sync", "uv.lock")),
        ({"pyproject.toml": "", "poetry.lock": ""}, ("poetry install", "poetry.lock")),
        ({"pyproject.toml": "", "x/poetry.lock": ""}, None),
    ],
)  # fmt: skip
def test_packages_are_installed_with_what_locked_them(files: dict[str, str], command: tuple[str, str] | None) -> None:
    found = [(one.command, one.path) for one in collected(files).commands if one.purpose == "install"]
    assert found == ([command] if command else [])


@pytest.mark.parametrize(
    ("files", "test", "lint"),
    [
        ({"build.gradle": "", "src/main/java/A.java": ""}, "./gradlew test", []),
        ({"build.gradle": "x\n  apply plugin: 'checkstyle'\n"}, "./gradlew test", [("./gradlew checkstyleMain", 2)]),
        ({"build.gradle.kts": 'plugins { id("io.gitlab.arturbosch.detekt") }'}, "./gradlew test", [("./gradlew detekt", 1)]),
        ({"build.gradle": "", "a/build.gradle": "", "a/src/commonMain/kotlin/A.kt": "", "b/build.gradle": "", "b/common/src/B.kt": ""}, "./gradlew allTests", []),
        ({"build.gradle": "", "a/build.gradle": "", "b/build.gradle": "", "b/common/src/B.kt": ""}, "./gradlew test", []),
    ],
    ids=["plain", "checkstyle", "detekt", "several platforms", "one of several"],
)  # fmt: skip
def test_gradle_is_asked_for_the_tasks_that_it_has(
    files: dict[str, str], test: str, lint: list[tuple[str, int]]
) -> None:
    found = collected({"gradlew": "", **files}).commands
    assert [one.command for one in found if one.purpose == "test"] == [test]
    assert [(one.command, one.line) for one in found if one.purpose == "lint"] == lint


def test_projects_of_gradle_have_the_names_and_folders_that_the_settings_give_them() -> None:
    settings = """include 'clients',
    'connect:api'
include(":mock")
project(":mock").name = "mock3"
include ':far'
project(':far').projectDir = file('lib/far')
"""
    assert projects(settings) == {
        "clients": ":clients",
        "connect/api": ":connect:api",
        "mock": ":mock3",
        "lib/far": ":far",
    }


NO_SHELL = """jobs:
  a:
    steps:
      - uses: actions/github-script@v7
        with:
          script: |
            const text = `build and test it`;
      - run: |
          import pytest
          pytest.main()
        shell: python
      - shell: python {0}
        run: import tox.test
      - run: |
          python3 -c "
          with open('tox.json') as f:
              build(f)
          "
          python - <<'END'
          import build
          END
          make test
      - uses: some/emulator@v2
        with:
          script: ./gradlew check
"""


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"Gemfile": 'gem "rails"\ngem "rubocop-rails-omakase", require: false\n'}, "bundle exec rubocop"),
        ({"a.gemspec": "s.add_development_dependency 'rubocop'\n", "Gemfile": "gemspec\n"}, "bundle exec rubocop"),
        ({"Gemfile": 'gem "rubocop"\n', "bin/rubocop": "#!/usr/bin/env ruby\n"}, "bin/rubocop"),
        ({"Gemfile": 'gem "rails"\n'}, None),
        ({"tools/Gemfile": 'gem "rubocop"\n'}, None),
    ],
)
def test_rubocop_is_run_as_the_repository_has_it(files: dict[str, str], command: str | None) -> None:
    found = [one for one in collected({".rubocop.yml": "AllCops:\n", **files}).commands if one.purpose == "lint"]
    assert [(one.command, one.path) for one in found] == ([] if command is None else [(command, ".rubocop.yml")])
    assert all(one.purpose != "lint" for one in collected(files).commands)


def test_only_shell_is_read_for_commands() -> None:
    found = collected({".github/workflows/ci.yml": NO_SHELL}).commands
    assert [(one.command, one.line) for one in found] == [("make test", 22), ("./gradlew check", 25)]


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
    ("hello world", None), ("python3 -m pip --disable-pip-version-check install pytest pytest-xdist", "install"), ("uv tool install tox@.", "install"),
    ("cargo install cargo-fuzz", "install"), ("cargo install --path .", "build"), ("go install github.com/x/y@latest", "install"), ("go install ./...", "build"),
    ("scripts/test", "test"), ("bash ci/lint.sh", "lint"), ("script/cibuild", "test"), ("./build.ps1", "build"), ("bin/rails test", "test"),
    ("bin/rspec spec", "test"), ("cd test_suite && cargo test --features x", "test"), ("cd tests && ls", None), ("RUSTFLAGS=-Dx PATH=$HOME/bin:$PATH make richtest", "test"),
    ("${{ env.CARGO }} test --workspace", "test"), ("$CARGO build", "build"), ("poetry@build --version | grep x", None), ("pipx install dist/*.whl", "install"),
    ("cargo hack check --each-feature", "build"), ("meson setup build && ninja -C build test", "test"), ("make -C build check", "test"), ("gem install rspec", "install"),
    ("npm install -g jest", "install"), ("./meson.py compile -C builddir", "build"), ("python3 ./run_tests.py --backend=ninja", "test"), ("vendor/bin/phpunit", "test"),
    ("./gradlew :core:jvmTest", "test"), ("./phpunit install", "test"),
    ("getdeps.py fetch --no-tests fmt", None), ("taplo fmt --check", "format"), ("go fmt ./...", "format"), ("read_version yarn", None), ("yarn", "install"),
    ("cd web && yarn", "install"), ("cmake --install out", None), ("cmake --build out", "build"), ("scripts/check", None), ("ruby .github/scripts/check-markdown.rb x", None), ("./runtest --verbose", "test"), ("scripts/cmakelint.sh", None),
    ("make REDIS_CFLAGS='-Werror' -j4", "build"), ("./vendor/bin/psalm.phar --set-baseline=x.xml --no-progress", None), ("vendor/bin/psalm --no-progress", "lint"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "purpose"), PURPOSES)
def test_a_command_is_for_what_its_words_say(command: str, purpose: str | None) -> None:
    assert purpose_of(command) == purpose


@pytest.mark.parametrize(
    ("name", "purpose"),
    [
        ("test:unit", "test"),
        ("pretest", None),
        ("dev", "run"),
        ("lint", "lint"),
        ("odd", None),
        ("check", "test"),
        ("run_tests", "test"),
        ("test:eslint", "lint"),
        ("test:types", "types"),
        ("test:lib", "test"),
    ],
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


def test_a_script_called_check_is_for_what_it_runs() -> None:
    assert purpose_of_script("check", "tsc --noEmit && eslint .") == "types"
    assert purpose_of_script("check:types", "tsc --noEmit") == "types"
    assert purpose_of_script("check", "node all.js") == "lint"
    assert purpose_of_script("check", "pnpm build && vitest run") == "test"
    assert purpose_of_script("bench", "node run.js") is None
    assert purpose_of_script("create-test", "node x.js") is None


ENTRIES = [
    (
        {"g.gemspec": "Gem::Specification.new do |s|\n s.name = 'g'\n s.executables = all.grep(%r!^exe/!) { |f| File.basename(f) }\n s.bindir = 'exe'\nend\n", "exe/g": "", "exe/h": "", "bin/setup": ""},
        [("bin", "g", "exe/g"), ("bin", "h", "exe/h")],
    ),
    ({"g.gemspec": "Gem::Specification.new do |s|\n s.name = 'g'\nend\n", "bin/setup": ""}, []),
    (
        {"go.mod": "module m\n", "tools/draw/draw.go": "package main\n\nfunc main() {}\n", "lib/lib.go": "package lib\n", "cmd/x/main.go": "package main\n"},
        [("library", "m", "."), ("program", "draw", "tools/draw/draw.go"), ("program", "x", "cmd/x/main.go")],
    ),
    (
        {"configure.ac": "AC_INIT([curl])\n", "Makefile.am": "SUBDIRS = src lib\n", "src/Makefile.am": "bin_PROGRAMS = curl\ncurl_SOURCES = $(FILES)\n", "src/curl.c": "", "lib/Makefile.am": "lib_LTLIBRARIES = libcurl.la\n",
         "tests/Makefile.am": "bin_PROGRAMS = none\n", "deps/x/CMakeLists.txt": "project(x)\nadd_library(x x.c)\n"},
        [("library", "libcurl", "lib"), ("program", "curl", "src/curl.c")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), ENTRIES)
def test_entry_points_that_a_manifest_only_points_at(
    files: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    declared = collected(files)
    assert sorted((one.kind, one.name, one.target) for one in declared.entry_points) == expected
    assert not {"src/Makefile.am", "deps/x/CMakeLists.txt"} & {one.path for one in declared.manifests}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("project(it)\nset(TARGET ${PROJECT_NAME}_cli)\nadd_executable(${TARGET} main.c)\n", [("program", "it_cli")]),
        ('project(it)\nset(NAME "lib${PROJECT_NAME}")\nadd_library(${NAME} INTERFACE)\n', [("library", "libit")]),
        ("project(it)\nadd_executable(${UNKNOWN} main.c)\nadd_library(${PROJECT_NAME} a.c)\n", [("library", "it")]),
        ("set(LOOP ${LOOP}x)\nadd_executable(${LOOP} a.c)\n", []),
    ],
)
def test_the_names_of_targets_are_those_that_variables_of_the_file_hold(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert [(one.kind, one.name) for one in collected({"CMakeLists.txt": text}).entry_points] == expected
