"""What manifests declare, gathered; and the repository as the manifest readers see it."""

from __future__ import annotations

from functools import cached_property

from archfb.repository.ignore import compiled
from archfb.repository.records import Command, Convention, Dependency, EntryPoint, Manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class View:
    """Names and contents of the repository's files."""

    def __init__(self, paths: Sequence[str], read: Callable[[str], bytes | None]) -> None:
        """Keep the paths and the way to read one."""
        self.paths = paths
        self._read = read
        self._texts: dict[str, str] = {}

    @cached_property
    def files(self) -> frozenset[str]:
        """All paths."""
        return frozenset(self.paths)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    @cached_property
    def _by_ending(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, paths in self._by_name.items():
            found.setdefault(name.rpartition(".")[2], []).extend(paths)
        return found

    def named(self, *names: str) -> list[str]:
        """Return the paths with one of these file names, shallow ones first."""
        return sorted((path for name in names for path in self._by_name.get(name, ())), key=_shallow)

    def ending(self, *endings: str) -> list[str]:
        """Return the paths whose name ends with "." and one of these, shallow ones first."""
        return sorted((path for ending in endings for path in self._by_ending.get(ending, ())), key=_shallow)

    def text(self, path: str) -> str:
        """Return a file's text, "" when it cannot be read or is too large."""
        if path not in self._texts:
            self._texts[path] = (self._read(path) or b"").decode("utf-8-sig", "replace").replace("\r\n", "\n")
        return self._texts[path]


def _shallow(path: str) -> tuple[int, str]:
    return path.count("/"), path


class Gathered:
    """What one ecosystem's reader found. `members` are manifests that a workspace names, wherever they lie."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.manifests: list[Manifest] = []
        self.dependencies: list[Dependency] = []
        self.entry_points: list[EntryPoint] = []
        self.commands: list[Command] = []
        self.conventions: list[Convention] = []
        self.members: set[str] = set()
        self.not_members: set[str] = set()
        self.notes: list[str] = []

    def manifest(
        self,
        path: str,
        ecosystem: str,
        name: object = "",
        *,
        version: object = "",
        requires: object = "",
        description: object = "",
        note: str = "",
    ) -> None:
        """Add a manifest; its folder is the member."""
        self.manifests.append(
            Manifest(
                path,
                ecosystem,
                folder_of(path) or ".",
                word(name),
                word(version),
                word(requires),
                word(description)[:300],
                "member",
                note,
            )
        )

    def depends(self, path: str, scope: str, kind: str, names: Iterable[tuple[str, str]], text: str = "") -> None:
        """Add dependencies (name and what is asked of it); the line is where the name first stands, quoted if so."""
        for name, spec in names:
            if name:
                self.dependencies.append(
                    Dependency(name, spec, scope, kind, path, line_of(text, name) if text else 0)
                )


def word(value: object) -> str:
    """Return a string as it is and anything else as nothing."""
    return value if isinstance(value, str) else ""


def folder_of(path: str) -> str:
    """Return the folder of a path, "" at the root."""
    return path.rpartition("/")[0]


def below(folder: str, name: str) -> str:
    """Return folder/name, "./" and doubled slashes worked out."""
    parts: list[str] = [part for part in folder.split("/") if part and part != "."]
    for part in name.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def matches(glob: str, folder: str) -> bool:
    """Return whether a workspace's glob names this folder."""
    pattern = compiled(glob.encode("utf-8", "replace"))
    return pattern is not None and pattern.match(folder.encode("utf-8", "surrogateescape")) is not None


def line_of(text: str, needle: str, start: int = 0) -> int:
    """Return the number of the line where the needle first stands, quoted if it does anywhere; 0 for nowhere."""
    for quoted in (f'"{needle}"', f"'{needle}'", needle):
        at = text.find(quoted, start)
        if at >= 0:
            return text.count("\n", 0, at) + 1
    return 0
