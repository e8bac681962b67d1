"""Rust modules. Specs: "mod x", and paths like "crate::a::b" from `use`, groups expanded."""

from __future__ import annotations

import re

from archfb.repository.imports import text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_LINE = regex(
    rb"\n[ \t]*+(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:mod[ \t]+(?:r#)?(\w+)[ \t]*;"
    rb"|use[ \t]+([^;]{1,2000});|extern[ \t]+crate[ \t]+(\w+))"
)
_CRATE_NAME = regex(rb"(?s)\[(?:package|lib)\][^\[]*?\bname[ \t]*=[ \t]*\"([^\"\n]+)\"")


def find(content: bytes) -> list[str]:
    """Return modules declared and paths used by a Rust file, each once, in order."""
    specs: dict[str, None] = {}
    for match in _LINE.finditer(b"\n" + content):
        if match[1]:
            specs["mod " + text(match[1])] = None
        elif match[3]:
            specs[text(match[3])] = None
        else:
            for path in _expanded("".join(text(match[2]).split())):
                specs[path] = None
    return list(specs)


def _expanded(used: str, depth: int = 0) -> list[str]:
    head, brace, rest = used.partition("{")
    if not brace or depth > 8:
        return [re.sub(r"as\w*$", "", used) if "::" not in used else used.removeprefix("::")]
    inner = rest[: rest.rfind("}")] if "}" in rest else rest
    parts, level, start = [], 0, 0
    for at, char in enumerate(inner):
        level += (char == "{") - (char == "}")
        if char == "," and level == 0:
            parts.append(inner[start:at])
            start = at + 1
    parts.append(inner[start:])
    return [path for part in parts if part for path in _expanded(head.removeprefix("::") + part, depth + 1)]


class Resolver:
    """Finds modules by Rust's file layout, in this crate and in the other crates of the repository."""

    def __init__(self, tree: Tree) -> None:
        """Read the names of the crates from every Cargo.toml."""
        self._files = tree.files
        self._crates: dict[str, str] = {}
        self._roots: list[str] = []
        for path in tree.named("Cargo.toml"):
            folder = path.rpartition("/")[0]
            source = f"{folder}/src" if folder else "src"
            self._roots.append(source)
            for name in _CRATE_NAME.findall(tree.read(path) or b""):
                self._crates.setdefault(text(name).replace("-", "_"), source)
        self._roots.sort(key=len, reverse=True)

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the files that the modules and paths mean."""
        module = self._module_of(path)
        root = next((root for root in self._roots if path.startswith(root + "/")), path.rpartition("/")[0])
        for spec in specs:
            found = self._one(spec, module, root)
            if found is not None:
                yield found

    def _module_of(self, path: str) -> str:
        stem = path.removesuffix(".rs")
        folder, _, name = stem.rpartition("/")
        return folder if name in ("mod", "lib", "main") else stem

    def _one(self, spec: str, module: str, root: str) -> str | None:
        if spec.startswith("mod "):
            return self._file(f"{module}/{spec[4:]}")
        parts = spec.split("::")
        first = parts.pop(0)
        if first == "crate":
            return self._longest(root, parts)
        if first in ("super", "self"):
            base = module.rpartition("/")[0] if first == "super" else module
            while parts and parts[0] == "super":
                parts.pop(0)
                base = base.rpartition("/")[0]
            return self._longest(base, parts)
        if first in self._crates:
            return self._longest(self._crates[first], parts)
        return self._longest(module, [first, *parts], least=1)

    def _longest(self, base: str, parts: list[str], least: int = 0) -> str | None:
        for size in range(len(parts), least - 1, -1):
            found = self._file("/".join([base, *parts[:size]]))
            if found is not None:
                return found
        return None

    def _file(self, stem: str) -> str | None:
        for candidate in (f"{stem}.rs", f"{stem}/mod.rs", f"{stem}/lib.rs", f"{stem}/main.rs"):
            if candidate in self._files:
                return candidate
        return None
