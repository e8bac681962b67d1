"""Java, Kotlin, Scala and Groovy imports. The first spec is "package NAME", the others are what is imported."""

from __future__ import annotations

from archfb.repository.imports import nearest, text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_LINE = regex(
    rb"\n[ \t]*+(?:(package)[ \t]+([\w.`]+)"
    rb"|import[ \t]+(?:static[ \t]+)?([\w`]+(?:\.[\w`]+)*(?:\.\*)?)(\.?\{[^}\n]*\})?)"
)


def find(content: bytes) -> list[str]:
    """Return "package NAME" and the imported names of a file, each once, in order."""
    specs: dict[str, None] = {}
    for match in _LINE.finditer(b"\n" + content):
        if match[1]:
            if not specs:
                specs["package " + text(match[2]).replace("`", "")] = None
            continue
        base = text(match[3]).replace("`", "").rstrip(".")
        if not match[4]:
            specs[base] = None
            continue
        for name in text(match[4]).strip(".{}").split(","):
            specs[f"{base}.{name.split('=>')[0].split(' as ')[0].strip()}"] = None
    return list(specs)


class Resolver:
    """Finds classes by package line and file name; several classes of one Kotlin file by their folder."""

    def __init__(self, tree: Tree) -> None:
        """Index every file under its class name and every folder under its package."""
        self._classes: dict[str, list[str]] = {}
        packages: dict[str, set[str]] = {}
        for path in tree.in_languages("Java", "Kotlin", "Scala", "Groovy"):
            specs = tree.specs.get(path, ())
            package = specs[0][8:] if specs and specs[0].startswith("package ") else ""
            folder, _, name = path.rpartition("/")
            stem = name.partition(".")[0]
            self._classes.setdefault(f"{package}.{stem}" if package else stem, []).append(path)
            packages.setdefault(package, set()).add(folder + "/")
        self._packages = {package: sorted(folders) for package, folders in packages.items()}

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the files (or the folders, for a whole package) that the imports mean."""
        for spec in specs:
            if not spec.startswith("package "):
                yield from self._one(path, spec)

    def _one(self, path: str, spec: str) -> Iterator[str]:
        name = spec
        for _ in range(4):
            if name.endswith((".*", "._")) and (folders := self._packages.get(name[:-2])):
                yield nearest(folders, path)
                return
            if classes := self._classes.get(name):
                yield nearest(classes, path)
                return
            name, _, last = name.rpartition(".")
            if name and name in self._packages and last[:1].isalpha():
                folder = nearest(self._packages[name], path)
                if not path.startswith(folder):
                    yield folder
                return
