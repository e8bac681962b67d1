"""Commands and conventions that CI files, Makefiles, task runners and tool settings show."""

from __future__ import annotations

import re

from archfb.repository import ci
from archfb.repository.manifests.purpose import purpose_of_script
from archfb.repository.patterns import regex
from archfb.repository.records import Command, Convention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from archfb.repository.manifests.declared import View

_MOST = 200


def gather(view: View) -> list[Command]:
    """Return the commands in CI files, Makefiles and task runners, each once, with where it stands."""
    found = list(ci.commands(view))
    for path in view.named(
        "Makefile", "GNUmakefile", "makefile", "justfile", "Justfile", "Taskfile.yml", "Taskfile.yaml"
    ):
        if "/" not in path:
            found += _targets(view, path)
    found += _runners(view)
    once: dict[tuple[str, str], Command] = {}
    for one in found:
        once.setdefault((one.purpose, one.command), one)
    return list(once.values())[:_MOST]


_TARGET = regex(r"^([A-Za-z][\w-]*)(?:[ \t][^:=\n]*)?:(?!=)")


def _targets(view: View, path: str) -> Iterator[Command]:
    tool = {"j": "just", "t": "task"}.get(path[:1].lower(), "make")
    text = view.text(path)
    pattern = re.compile(r"^  ([A-Za-z][\w:-]*):[ \t]*$") if tool == "task" else _TARGET
    for number, line in enumerate(text.split("\n"), 1):
        match = pattern.match(line)
        whole = match is not None and tool == "make" and match[1] in ("all", "default")
        purpose = "build" if whole else purpose_of_script(match[1]) if match else None
        if match and purpose:
            yield Command(
                purpose,
                "make" if whole else f"{tool} {match[1]}",
                path,
                number,
                "makefile",
            )


def _runners(view: View) -> Iterator[Command]:
    for path, pattern, command, purpose in _RUNNERS:
        if path in view.files:
            text = view.text(path)
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                yield Command(purpose, command, path, text.count("\n", 0, match.start()) + 1, "configuration")


_RUNNERS = (
    ("tox.ini", r"^\[(?:tox|testenv)", "tox", "test"),
    ("pyproject.toml", r"^\[tool\.tox", "tox run", "test"),
    ("noxfile.py", r"^@nox\.session|^import nox", "nox", "test"),
    ("pyproject.toml", r"^\[tool\.pytest|^\[tool\.pytest\.ini_options\]", "pytest", "test"),
    ("pytest.ini", r"^\[pytest\]", "pytest", "test"),
    ("setup.cfg", r"^\[tool:pytest\]", "pytest", "test"),
    ("conftest.py", r"", "pytest", "test"),
    ("tests/conftest.py", r"", "pytest", "test"),
    (".rspec", r"", "bundle exec rspec", "test"),
    (".pre-commit-config.yaml", r"^repos:", "pre-commit run --all-files", "lint"),
    ("mix.exs", r"defmodule", "mix test", "test"),
    ("deno.json", r"", "deno test", "test"),
    ("build.zig", r"", "zig build test", "test"),
    ("Package.swift", r"", "swift test", "test"),
    ("pubspec.yaml", r"", "dart test", "test"),
)

_CONVENTIONS: tuple[tuple[str, str, str, str], ...] = (
    # topic, file, pattern (group 1 goes into the text), text
    ("style", "pyproject.toml", r"^\[tool\.ruff(?:\.lint|\.format)?\]", "Python is checked with ruff"),
    ("style", "ruff.toml", r"", "Python is checked with ruff"),
    ("style", "pyproject.toml", r"^line-length\s*=\s*(\d+)", "lines are at most {} characters"),
    ("style", "ruff.toml", r"^line-length\s*=\s*(\d+)", "lines are at most {} characters"),
    ("style", "pyproject.toml", r"^\[tool\.black\]", "Python is formatted with black"),
    ("style", "pyproject.toml", r"^\[tool\.isort\]|^\[tool\.ruff\.lint\.isort\]", "imports are sorted (isort rules)"),
    ("style", "pyproject.toml", r"^force-single-line\s*=\s*true", "one import per line"),
    ("types", "pyproject.toml", r"^\[tool\.mypy\]", "types are checked with mypy"),
    ("types", "mypy.ini", r"^\[mypy\]", "types are checked with mypy"),
    ("types", "pyproject.toml", r"^strict\s*=\s*true", "type checking is strict"),
    ("types", "pyproject.toml", r"^\[tool\.pyright\]", "types are checked with pyright"),
    ("tests", "pyproject.toml", r"^filterwarnings\s*=\s*\[\s*\"error\"", "a warning fails the tests"),
    ("tests", "pyproject.toml", r"^testpaths\s*=\s*\[\s*\"([^\"]+)\"", "tests live in {}"),
    ("tests", "pyproject.toml", r"^fail_under\s*=\s*(\d+)", "coverage must be at least {} %"),
    ("style", ".flake8", r"", "Python is checked with flake8"),
    ("style", "setup.cfg", r"^\[flake8\]", "Python is checked with flake8"),
    ("types", "tsconfig.json", r"\"strict\"\s*:\s*true", "TypeScript is strict"),
    ("style", ".editorconfig", r"^indent_style\s*=\s*(\w+)", "indentation is by {}"),
    ("style", ".editorconfig", r"^indent_size\s*=\s*(\w+)", "indentation width is {}"),
    ("style", ".editorconfig", r"^max_line_length\s*=\s*(\d+)", "lines are at most {} characters"),
    ("style", ".rubocop.yml", r"", "Ruby is checked with rubocop"),
    ("style", ".golangci.yml", r"", "Go is checked with golangci-lint"),
    ("style", ".golangci.yaml", r"", "Go is checked with golangci-lint"),
    ("style", "rustfmt.toml", r"", "Rust is formatted with the repository's rustfmt settings"),
    ("style", ".rustfmt.toml", r"", "Rust is formatted with the repository's rustfmt settings"),
    ("style", "clippy.toml", r"", "Rust is checked with clippy, with settings of its own"),
    ("style", ".clang-format", r"^BasedOnStyle\s*:\s*(\w+)", "C and C++ are formatted with clang-format, style {}"),
    ("style", ".php-cs-fixer.dist.php", r"", "PHP is formatted with php-cs-fixer"),
    ("style", "phpcs.xml.dist", r"", "PHP is checked with phpcs"),
    ("types", "phpstan.neon.dist", r"^[ \t]*level\s*:\s*(\w+)", "PHP is analysed with phpstan, level {}"),
    ("types", "phpstan.neon", r"^[ \t]*level\s*:\s*(\w+)", "PHP is analysed with phpstan, level {}"),
    ("style", "biome.json", r"", "JavaScript and TypeScript are checked with biome"),
    ("versions", ".python-version", r"^[ \t]*(\S+)", "Python {} is used"),
    ("versions", ".nvmrc", r"^[ \t]*(\S+)", "Node {} is used"),
    ("versions", ".node-version", r"^[ \t]*(\S+)", "Node {} is used"),
    ("versions", ".ruby-version", r"^[ \t]*(\S+)", "Ruby {} is used"),
    ("versions", ".go-version", r"^[ \t]*(\S+)", "Go {} is used"),
    ("versions", "rust-toolchain.toml", r"^channel\s*=\s*\"([^\"]+)\"", "Rust {} is used"),
    ("versions", "rust-toolchain", r"^[ \t]*([\w.-]+)[ \t]*$", "Rust {} is used"),
    ("commits", ".commitlintrc.json", r"", "commit messages are checked with commitlint"),
    ("commits", "commitlint.config.js", r"", "commit messages are checked with commitlint"),
    ("commits", ".changeset/config.json", r"", "changes are recorded as changesets"),
)
_BY_NAME = (
    (
        regex(r"^(?:\.eslintrc(?:\.\w+)?|eslint\.config\.\w+)$"),
        "style",
        "JavaScript and TypeScript are checked with ESLint",
    ),
    (regex(r"^(?:\.prettierrc(?:\.\w+)?|prettier\.config\.\w+)$"), "style", "code is formatted with Prettier"),
    (
        regex(r"^(?:\.github/)?CONTRIBUTING(?:\.\w+)?$", re.IGNORECASE),
        "contributing",
        "how to contribute is written down",
    ),
    (
        regex(r"^(?:docs/)?(?:ARCHITECTURE|DESIGN)(?:\.\w+)?$", re.IGNORECASE),
        "architecture",
        "the architecture is written down",
    ),
    (
        regex(r"^(?:AGENTS|CLAUDE)\.md$|^\.cursorrules$"),
        "assistants",
        "rules for coding assistants exist already",
    ),
    (
        regex(r"^CHANGE(?:S|LOG)(?:\.\w+)?$|^(?:HISTORY|NEWS)(?:\.\w+)?$", re.IGNORECASE),
        "changes",
        "changes are recorded for users",
    ),
)


def conventions(view: View) -> list[Convention]:
    """Return what tool settings say about how to work here, each with its place."""
    found: list[Convention] = []
    for topic, path, pattern, text in _CONVENTIONS:
        if path not in view.files:
            continue
        content = view.text(path)
        match = re.search(pattern, content, re.MULTILINE)
        if match:
            said = text.format(match[1]) if match.re.groups else text
            found.append(Convention(topic, said, path, content.count("\n", 0, match.start()) + 1 if pattern else 1))
    for path in view.paths:
        if path.count("/") < 2:
            found += [Convention(topic, text, path, 1) for pattern, topic, text in _BY_NAME if pattern.match(path)]
    found += _hooks(view)
    return sorted(
        {(one.topic, one.text): one for one in reversed(found)}.values(),
        key=lambda one: (one.topic, one.path, one.line),
    )


def _hooks(view: View) -> Iterator[Convention]:
    if ".pre-commit-config.yaml" in view.files:
        text = view.text(".pre-commit-config.yaml")
        ids = re.findall(r"(?m)^[ \t]{0,40}-?[ \t]{0,40}id:[ \t]*([\w.-]+)", text)
        if ids:
            yield Convention(
                "hooks", "pre-commit runs " + ", ".join(dict.fromkeys(ids)), ".pre-commit-config.yaml", 1
            )
