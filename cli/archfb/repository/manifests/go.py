"""Go: go.mod."""

from __future__ import annotations

import re

from archfb.repository.manifests.declared import Gathered, folder_of
from archfb.repository.patterns import regex
from archfb.repository.records import Command, Dependency, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from archfb.repository.manifests.declared import View

_LINE = regex(r"(?:require[ \t]+)?([\w.~/-]+\.[\w.~/-]+|[\w.~-]+(?:/[\w.~-]+)+)[ \t]+(v[^\s/]+)[ \t]*(//.*)?$")
_MAIN = regex(r"^package main\b", re.MULTILINE)


def gather(view: View) -> Gathered:
    """Return what the go.mod files declare, and the folders with a main package."""
    found = Gathered()
    paths = view.named("go.mod")
    for path in paths:
        _module(view, path, found)
    if "go.mod" in view.files:
        found.commands += [
            Command("test", "go test ./...", "go.mod", 1, "ecosystem"),
            Command("build", "go build ./...", "go.mod", 1, "ecosystem"),
        ]
    if paths:
        _programs(view, found)
    return found


def _module(view: View, path: str, found: Gathered) -> None:
    module = version = block = ""
    for number, line in enumerate(view.text(path).splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("//") or len(line) > 500:
            continue
        if words[0] == "module" and len(words) > 1:
            module = words[1].strip('"')
        elif words[0] == "go" and len(words) > 1 and not block:
            version = words[1]
        elif words[-1] == "(":
            block = words[0]
        elif words[0] == ")":
            block = ""
        elif block == "require" or words[0] == "require":
            _require(path, line.strip(), number, found)
        elif (block == "tool" or words[0] == "tool") and words[-1] != "tool":
            found.dependencies.append(Dependency(words[-1], "", "tool", "development", path, number))
    found.manifest(path, "go", module, requires=f"go {version}" if version else "")
    found.entry_points.append(EntryPoint("library", module, folder_of(path) or ".", path, 1))


def _require(path: str, line: str, number: int, found: Gathered) -> None:
    match = _LINE.match(line)
    if match and "indirect" not in (match[3] or ""):
        found.dependencies.append(Dependency(match[1], match[2], "require", "runtime", path, number))


def is_named_for_its_folder(path: str) -> bool:
    """Return whether a Go file bears its folder's name: where no main.go is, a program's main stands there."""
    folder, _, name = path.rpartition("/")
    return bool(folder) and name == folder.rpartition("/")[2] + ".go"


def _programs(view: View, found: Gathered) -> None:
    for path in [*view.named("main.go"), *(path for path in view.ending("go") if is_named_for_its_folder(path))]:
        folder = folder_of(path)
        if _MAIN.search(view.text(path)):
            name = folder.rpartition("/")[2] or next(
                (one.name.rpartition("/")[2] for one in found.manifests if one.path == "go.mod"), "main"
            )
            found.entry_points.append(EntryPoint("program", name, path, path))
