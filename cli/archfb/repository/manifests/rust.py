"""Rust: Cargo.toml of packages and workspaces."""

from __future__ import annotations

from archfb.repository.manifests import toml
from archfb.repository.manifests.declared import Gathered, below, folder_of, line_of, matches, word
from archfb.repository.records import Command, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from archfb.repository.manifests.declared import View

_SCOPES = {"dependencies": "runtime", "dev-dependencies": "development", "build-dependencies": "build"}


def gather(view: View) -> Gathered:
    """Return what the Cargo.toml files declare."""
    found = Gathered()
    paths = view.named("Cargo.toml")
    documents = {path: toml.parse(view.text(path)) for path in paths}
    for path in paths:
        _cargo(view, path, documents[path], found)
    root = documents.get("Cargo.toml")
    if isinstance(root, dict) and "workspace" in root:
        members = _members(root, {path: one for path, one in documents.items() if isinstance(one, dict)})
        found.members |= members
        found.not_members |= set(paths) - members
    if paths and folder_of(paths[0]) == "":
        found.commands += [
            Command("test", "cargo test", "Cargo.toml", 1, "ecosystem"),
            Command("build", "cargo build", "Cargo.toml", 1, "ecosystem"),
        ]
    return found


def _members(root: dict[str, Any], documents: dict[str, dict[str, Any]]) -> set[str]:
    """Return the manifests of a workspace: those it names, and those below it that they are built on by path."""
    workspace = _table(root, "workspace")
    excluded = [below("", word(one)) for one in _list(workspace, "exclude")]
    shared = {name: _path_of(spec) for name, spec in _table(workspace, "dependencies").items()}
    waiting = ["Cargo.toml"] + [
        path
        for path in documents
        if any(matches(below("", word(glob)), folder_of(path)) for glob in _list(workspace, "members"))
    ]
    members: set[str] = set()
    while waiting:
        path = waiting.pop()
        folder = folder_of(path)
        if path in members or path not in documents:
            continue
        if any(folder == one or folder.startswith(one + "/") for one in excluded):
            continue
        members.add(path)
        waiting += [below(target, "Cargo.toml") for target in _paths(documents[path], folder, shared)]
    return members


def _paths(document: dict[str, Any], folder: str, shared: dict[str, str]) -> Iterator[str]:
    """Return the folders that a package's dependencies by path lie in."""
    tables = [document, *(one for one in _table(document, "target").values() if isinstance(one, dict))]
    for name, spec in (item for table in tables for scope in _SCOPES for item in _table(table, scope).items()):
        if isinstance(spec, dict) and spec.get("workspace") is True and shared.get(name):
            yield below("", shared[name])
        elif path := _path_of(spec):
            yield below(folder, path)


def _path_of(spec: object) -> str:
    return word(spec.get("path")) if isinstance(spec, dict) else ""


def _list(of: dict[str, Any], key: str) -> list[Any]:
    value = of.get(key)
    return value if isinstance(value, list) else []


def _cargo(view: View, path: str, document: dict[str, Any] | str, found: Gathered) -> None:
    text = view.text(path)
    if isinstance(document, str):
        found.manifest(path, "rust", note=document)
        return
    package, workspace = _table(document, "package"), _table(document, "workspace")
    found.manifest(
        path,
        "rust",
        package.get("name"),
        version=package.get("version"),
        requires=package.get("rust-version"),
        description=package.get("description"),
    )
    for scope, kind in _SCOPES.items():
        found.depends(path, scope, kind, _named(_table(document, scope)), text)
    for target, table in _table(document, "target").items():
        for scope, kind in _SCOPES.items():
            if isinstance(table, dict):
                found.depends(path, f"{scope} ({target})", kind, _named(_table(table, scope)), text)
    found.depends(path, "workspace", "managed", _named(_table(workspace, "dependencies")), text)
    if package:
        _entries(view, path, document, word(package.get("name")), found, text)


def _table(of: dict[str, Any], key: str) -> dict[str, Any]:
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def _named(table: dict[str, Any]) -> list[tuple[str, str]]:
    named = []
    for name, spec in table.items():
        version = word(spec.get("version")) if isinstance(spec, dict) else word(spec)
        package = word(spec.get("package")) if isinstance(spec, dict) else ""
        named.append((package or name, version))
    return named


def _entries(view: View, path: str, document: dict[str, Any], name: str, found: Gathered, text: str) -> None:
    folder = folder_of(path)
    declared = document.get("bin")
    for one in declared if isinstance(declared, list) else ():
        if isinstance(one, dict):
            program = word(one.get("name"))
            target = word(one.get("path")) or f"src/bin/{program}.rs"
            found.entry_points.append(EntryPoint("bin", program, below(folder, target), path, line_of(text, program)))
    listed = {entry.target for entry in found.entry_points}
    main, library = (
        below(folder, "src/main.rs"),
        below(folder, word(_table(document, "lib").get("path")) or "src/lib.rs"),
    )
    if main in view.files and main not in listed:
        found.entry_points.append(EntryPoint("bin", name, main, path))
    start = below(folder, "src/bin") + "/"
    for source in view.paths:
        if (
            source.startswith(start)
            and source.endswith(".rs")
            and source not in listed
            and source.count("/") == start.count("/")
        ):
            found.entry_points.append(EntryPoint("bin", source.rpartition("/")[2].removesuffix(".rs"), source, path))
    if library in view.files:
        found.entry_points.append(EntryPoint("library", name, library, path))
