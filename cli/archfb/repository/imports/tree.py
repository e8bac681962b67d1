"""The repository as the resolvers see it."""

from __future__ import annotations

from functools import cached_property

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Tree:
    """Paths with their languages and import specs, and a way to read small declaring files."""

    def __init__(
        self,
        languages: Mapping[str, str],
        specs: Mapping[str, Sequence[str]],
        read: Callable[[str], bytes | None],
        paths: Sequence[str],
    ) -> None:
        """Keep them. `languages` and `specs` go by path; `paths` are all files."""
        self._languages = languages
        self.specs = specs
        self.read = read
        self.paths = paths

    @cached_property
    def files(self) -> frozenset[str]:
        """All paths."""
        return frozenset(self.paths)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Paths by file name, in order."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[2], []).append(path)
        return found

    def named(self, name: str) -> list[str]:
        """Return the paths with this file name, in order."""
        return self.by_name.get(name, [])

    def in_languages(self, *languages: str) -> Iterator[str]:
        """Return the paths in any of these languages, in order."""
        for path in self.paths:
            if self._languages.get(path) in languages:
                yield path

    def importing(self) -> Iterator[tuple[str, str, Sequence[str]]]:
        """Return path, language and specs of what imports something, in order."""
        for path in self.paths:
            specs = self.specs.get(path)
            if specs:
                yield path, self._languages[path], specs
