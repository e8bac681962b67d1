"""JavaScript and TypeScript: package.json, and the workspaces that npm, yarn, pnpm and lerna name."""

from __future__ import annotations

import re

from archfb.repository.manifests.declared import Gathered, below, folder_of, line_of, matches, word
from archfb.repository.manifests.jsonc import parse_object
from archfb.repository.manifests.purpose import purpose_of_script
from archfb.repository.records import Command, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from archfb.repository.manifests.declared import View

_SCOPES = {
    "dependencies": "runtime",
    "devDependencies": "development",
    "optionalDependencies": "optional",
    "peerDependencies": "peer",
}
_RUNNERS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
)
_STARTS = ("index.js", "index.ts", "src/index.ts", "src/index.tsx", "src/index.js")


def gather(view: View) -> Gathered:
    """Return what the package.json files declare."""
    found = Gathered()
    globs = _workspaces(view)
    packages = view.named("package.json")
    for path in packages:
        _package(view, path, found, _belongs(path, globs))
    if globs and "package.json" in view.files:
        members = {path for path in packages if _belongs(path, globs)}
        found.members |= members
        found.not_members |= set(packages) - members
    _installs(view, found)
    return found


def _installs(view: View, found: Gathered) -> None:
    """Add how the packages that the top manifest names are installed, where the package manager is known."""
    document = (parse_object(view.text("package.json")) or {}) if "package.json" in view.files else {}
    lock = next((lock for lock, _ in _RUNNERS if lock in view.files), "")
    if (lock or word(document.get("packageManager"))) and any(document.get(scope) for scope in _SCOPES):
        command = f"{runner(view, document)} install"
        found.commands.append(Command("install", command, lock or "package.json", 1, "ecosystem"))


def _belongs(path: str, globs: list[tuple[str, bool]]) -> bool:
    if path == "package.json":
        return True
    folder = folder_of(path)
    if "node_modules" in folder.split("/"):
        return False
    belongs = False
    for glob, wanted in globs:
        if matches(glob, folder) or (glob.endswith("/**") and matches(glob[:-3], folder)):
            belongs = wanted
    return belongs


def _workspaces(view: View) -> list[tuple[str, bool]]:
    """Return the globs of the members' folders, and whether each takes in or leaves out."""
    listed: list[str] = []
    if "pnpm-workspace.yaml" in view.files:
        listed += _yaml_list(view.text("pnpm-workspace.yaml"), "packages")
    for path, key in (("package.json", "workspaces"), ("lerna.json", "packages")):
        document = (parse_object(view.text(path)) or {}) if path in view.files else {}
        value = document.get(key)
        value = value.get("packages") if isinstance(value, dict) else value
        listed += [glob for glob in value if isinstance(glob, str)] if isinstance(value, list) else []
    return [(glob.removeprefix("!").removeprefix("./").rstrip("/"), not glob.startswith("!")) for glob in listed]


def _yaml_list(text: str, key: str) -> list[str]:
    """Return the plain items below a top-level key of a YAML document."""
    found: list[str] = []
    inside = False
    for line in (line for line in text.splitlines() if len(line) < 300):
        if re.match(rf"{key}\s*:", line):
            inside = True
            found += re.findall(r"[\"']?([^\s\"',\[\]]+)[\"']?", line.partition(":")[2].partition(" #")[0])
        elif inside and (item := re.match(r"\s*-\s+[\"']?([^\"'#]+?)[\"']?\s*(?:#.*)?$", line)):
            found.append(item[1])
        elif inside and line.strip() and not line.startswith((" ", "#", "-")):
            break
    return found


def _package(view: View, path: str, found: Gathered, is_member: bool) -> None:
    text = view.text(path)
    document = parse_object(text) or {}
    if not document:
        note = "" if re.fullmatch(r"\s*\{\s*\}\s*", text) else "cannot be parsed as JSON"
        found.manifest(path, "node", note=note)
        return
    engines = document.get("engines")
    requires = engines.get("node") if isinstance(engines, dict) else ""
    found.manifest(
        path,
        "node",
        document.get("name"),
        version=document.get("version"),
        requires=requires,
        description=document.get("description"),
    )
    for scope, kind in _SCOPES.items():
        table = document.get(scope)
        if isinstance(table, dict):
            start = max(0, text.find(f'"{scope}"'))
            optional = document.get("optionalDependencies") if scope == "dependencies" else None
            for name, spec in table.items():
                if not (isinstance(optional, dict) and name in optional):
                    found.dependencies.append(
                        _dependency(name, word(spec), scope, kind, path, line_of(text, name, start))
                    )
    if is_member or path.count("/") < 3:
        _entries(view, path, document, found, text)
        _scripts(view, path, document, found, text)


def _dependency(name: str, spec: str, scope: str, kind: str, path: str, line: int) -> Any:
    from archfb.repository.records import Dependency

    return Dependency(name, spec, scope, kind, path, line)


def _entries(view: View, path: str, document: dict[str, Any], found: Gathered, text: str) -> None:
    folder, name = folder_of(path), word(document.get("name"))
    bins = document.get("bin")
    if isinstance(bins, str):
        bins = {name.rpartition("/")[2]: bins}
    for command, target in bins.items() if isinstance(bins, dict) else ():
        found.entry_points.append(
            EntryPoint("bin", command, below(folder, word(target)), path, line_of(text, word(target)))
        )
    main = next(
        (target for key in ("main", "module", "browser") if (target := word(document.get(key)))), ""
    ) or _exported(document.get("exports"))
    written = next((name for name in _STARTS if below(folder, name) in view.files), "")
    there = any(below(folder, main + ending) in view.files for ending in ("", ".js", "/index.js"))
    if main and (there or not written):
        found.entry_points.append(EntryPoint("main", name or path, below(folder, main), path, line_of(text, main)))
    elif written and name:  # what is declared may be made from it, and then is not in the repository
        kind = "main" if main else "library"
        found.entry_points.append(EntryPoint(kind, name, below(folder, written), path, line_of(text, main or name)))


def _exported(exports: object, depth: int = 0) -> str:
    if isinstance(exports, str):
        return exports
    if isinstance(exports, dict) and depth < 6:
        for key in (".", "import", "default", "require", "node"):
            if key in exports:
                return _exported(exports[key], depth + 1)
    return ""


def runner(view: View, document: dict[str, Any]) -> str:
    """Return the package manager that the repository uses: npm, pnpm, yarn or bun."""
    named = word(document.get("packageManager")).partition("@")[0]
    if named:
        return named
    return next((name for lock, name in _RUNNERS if lock in view.files), "npm")


def _scripts(view: View, path: str, document: dict[str, Any], found: Gathered, text: str) -> None:
    scripts = document.get("scripts")
    tool = runner(view, parse_object(view.text("package.json")) or {} if "package.json" in view.files else document)
    at = max(0, text.find('"scripts"'))
    folder = folder_of(path)
    for name, body in scripts.items() if isinstance(scripts, dict) else ():
        prefix = f"cd {folder} && " if folder else ""
        call = f"{tool} {name}" if name in ("test", "start") or tool in ("pnpm", "yarn") else f"{tool} run {name}"
        purpose = purpose_of_script(name, word(body))
        if purpose is not None:
            found.commands.append(Command(purpose, prefix + call, path, line_of(text, name, at), "manifest"))
