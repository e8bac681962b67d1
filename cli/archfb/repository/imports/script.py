"""JavaScript and TypeScript imports. Specs are module specifiers; workspaces and tsconfig paths are followed."""

from __future__ import annotations

import json

from archfb.repository.imports import joined, text
from archfb.repository.manifests.jsonc import parse_jsonc
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from archfb.repository.imports.tree import Tree

# Each begins with a literal word, so that the search skips to it.
_FROM = regex(rb"from[ \t]{0,20}(?:\r?\n[ \t]{0,20})?(?:'([^'\n]{1,300})'|\"([^\"\n]{1,300})\")")
_IMPORT = regex(
    rb"import[ \t]{0,8}\(?\s{0,40}(?:/\*[^*]{0,80}\*/\s{0,40})?(?:'([^'\n]{1,300})'|\"([^\"\n]{1,300})\")"
)
_REQUIRE = regex(rb"require(?:\.resolve)?[ \t]{0,8}\(\s{0,40}(?:'([^'\n]{1,300})'|\"([^\"\n]{1,300})\")")
_ENDINGS = (
    ".ts",
    ".tsx",
    ".d.ts",
    ".js",
    ".jsx",
    ".mjs",
    ".cjs",
    ".mts",
    ".cts",
    ".vue",
    ".svelte",
    ".astro",
    ".json",
)
_SWAPS = {".js": (".ts", ".tsx", ".d.ts"), ".jsx": (".tsx",), ".mjs": (".mts", ".d.mts"), ".cjs": (".cts", ".d.cts")}


def find(content: bytes) -> list[str]:
    """Return the module specifiers of a script, each once."""
    specs: dict[str, None] = {}
    for pattern in (_FROM, _IMPORT, _REQUIRE):
        for match in pattern.finditer(content):
            specs[text(match[1] or match[2])] = None
    return [spec for spec in specs if not spec.startswith(("node:", "http:", "https:", "data:"))]


class Resolver:
    """Finds files by Node's and TypeScript's rules."""

    def __init__(self, tree: Tree) -> None:
        """Read the names of workspace packages and the paths of every tsconfig."""
        self._files = tree.files
        self._packages: dict[str, tuple[str, dict[str, Any]]] = {}
        self._own: dict[str, dict[str, Any]] = {}
        for path in tree.named("package.json"):
            self._add_package(path, tree.read(path))
        self._paths: dict[str, list[tuple[str, str, list[str]]]] = {}
        for name in ("jsconfig.json", "tsconfig.base.json", "tsconfig.json"):
            for path in tree.named(name):
                self._add_paths(path, tree.read(path))
        self._cache: dict[tuple[str, str], str | None] = {}

    def _add_package(self, path: str, content: bytes | None) -> None:
        try:
            package = json.loads(content or b"{}")
        except (ValueError, RecursionError):
            return
        if isinstance(package, dict):
            folder = path.rpartition("/")[0]
            self._own[folder] = package
            if isinstance(package.get("name"), str) and "node_modules/" not in path:
                self._packages.setdefault(package["name"], (folder, package))

    def _add_paths(self, path: str, content: bytes | None) -> None:
        options = parse_jsonc(content or b"{}")
        options = options.get("compilerOptions") if isinstance(options, dict) else None
        if not isinstance(options, dict):
            return
        folder = path.rpartition("/")[0]
        base_url = options.get("baseUrl")
        base = joined(folder, base_url) if isinstance(base_url, str) else folder
        found = self._paths.setdefault(folder, [])
        paths = options.get("paths")
        for pattern, targets in paths.items() if isinstance(paths, dict) else ():
            head, star, tail = pattern.partition("*")
            if isinstance(targets, list) and base is not None and not tail:
                places = [joined(base, target) for target in targets if isinstance(target, str)]
                found.append((head, star, [place for place in places if place is not None]))
        if isinstance(base_url, str) and base is not None:
            found.append(("", "*", [f"{base}/*".lstrip("/")]))

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the files that the specifiers mean."""
        folder = path.rpartition("/")[0]
        for spec in specs:
            key = (folder, spec)
            if key not in self._cache:
                self._cache[key] = self._one(folder, spec.partition("?")[0] or spec)
            found = self._cache[key]
            if found is not None:
                yield found

    def _one(self, folder: str, spec: str) -> str | None:
        if spec.startswith("."):
            target = joined(folder, spec)
            return None if target is None else self._file(target)
        return self._mapped(folder, spec) or self._subpath(folder, spec) or self._package(spec)

    def _file(self, stem: str) -> str | None:
        if stem in self._files:
            return stem
        dot = stem.rfind(".")
        for swap in _SWAPS.get(stem[dot:], ()) if dot > 0 else ():
            if stem[:dot] + swap in self._files:
                return stem[:dot] + swap
        for ending in _ENDINGS:
            if stem + ending in self._files:
                return stem + ending
        start = f"{stem}/index" if stem else "index"
        for ending in _ENDINGS:
            if start + ending in self._files:
                return start + ending
        return None

    def _mapped(self, folder: str, spec: str) -> str | None:
        while True:
            for head, star, targets in self._paths.get(folder, ()):
                if spec == head if not star else spec.startswith(head):
                    for target in targets:
                        found = self._file(target.replace("*", spec[len(head) :], 1).rstrip("/"))
                        if found is not None:
                            return found
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def _subpath(self, folder: str, spec: str) -> str | None:
        if not spec.startswith("#"):
            return None
        while True:
            mapped = self._own.get(folder, {}).get("imports")
            if isinstance(mapped, dict):
                return self._conditional(folder, mapped.get(spec))
            if not folder:
                return None
            folder = folder.rpartition("/")[0]

    def _conditional(self, folder: str, target: object) -> str | None:
        if isinstance(target, str):
            place = joined(folder, target)
            return None if place is None else self._file(place)
        for value in target.values() if isinstance(target, dict) else ():
            found = self._conditional(folder, value)
            if found is not None:
                return found
        return None

    def _package(self, spec: str) -> str | None:
        parts = spec.split("/")
        size = 2 if spec.startswith("@") else 1
        known = self._packages.get("/".join(parts[:size]))
        if known is None:
            return None
        folder, package = known
        below = "/".join(parts[size:])
        if below:
            return self._exported(folder, package, "./" + below) or self._below(folder, below)
        for key in ("source", "module", "main", "types", "typings"):
            if isinstance(package.get(key), str):
                found = self._conditional(folder, package[key])
                if found is not None:
                    return found
        return self._exported(folder, package, ".") or self._below(folder, "index")

    def _exported(self, folder: str, package: dict[str, Any], key: str) -> str | None:
        exports = package.get("exports")
        if isinstance(exports, dict) and key in exports:
            return self._conditional(folder, exports[key])
        return self._conditional(folder, exports) if key == "." and isinstance(exports, str) else None

    def _below(self, folder: str, below: str) -> str | None:
        start = f"{folder}/" if folder else ""
        for place in (f"{start}src/{below}", f"{start}{below}", f"{start}lib/{below}", f"{start}src/node/{below}"):
            found = self._file(place)
            if found is not None:
                return found
        return None
