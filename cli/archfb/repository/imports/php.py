"""PHP imports. Specs: "namespace NAME" first, then "A\\B" for `use`, "./path" for `require`."""

from __future__ import annotations

from archfb.repository.imports import joined, nearest, text
from archfb.repository.patterns import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archfb.repository.imports.tree import Tree

_HAS_REQUIRE = regex(rb"(?:require|include)(?:_once)?[ \t(]+[^\n]{0,40}['\"]")
_LINE = regex(
    rb"\n(?:namespace[ \t]+([\w\\]+)|use[ \t]+(?:(?:function|const)[ \t]+)?(\\?\w[\w\\]*\\?)(\{[^}]{0,4000}\})?)"
)


def find(content: bytes) -> list[str]:
    """Return the namespace and the imported names of a PHP file, each once, in order."""
    specs: dict[str, None] = {}
    content = b"\n" + content
    for match in _LINE.finditer(content):
        if match[1]:
            specs.setdefault("namespace " + text(match[1]))
        else:
            _add_use(specs, text(match[2]), match[3])
    if b"require" in content or b"include" in content:
        for match in _HAS_REQUIRE.finditer(content):
            found = _REQUIRED.match(content, match.start())
            if found:
                specs["./" + text(found[1]).lstrip("/")] = None
    return list(specs)


_REQUIRED = regex(
    rb"(?:require|include)(?:_once)?[ \t(]+(?:(?:__DIR__"
    rb"|dirname\(__FILE__\))[ \t]*\.[ \t]*)?['\"]([^'\"\n]+\.\w+)['\"]"
)


def _add_use(specs: dict[str, None], base: str, group: bytes | None) -> None:
    if group is None:
        specs[base.strip("\\")] = None
        return
    for name in text(group).strip("{}").split(","):
        words = name.split()
        if words:
            specs[f"{base.strip(chr(92))}\\{words[0]}"] = None


class Resolver:
    """Finds classes by namespace line and file name, as PSR-4 lays them out."""

    def __init__(self, tree: Tree) -> None:
        """Index every class and namespace folder."""
        self._files = tree.files
        self._classes: dict[str, list[str]] = {}
        for path in tree.in_languages("PHP", "Hack"):
            specs = tree.specs.get(path, ())
            if specs and specs[0].startswith("namespace "):
                stem = path.rpartition("/")[2].partition(".")[0]
                self._classes.setdefault(f"{specs[0][10:]}\\{stem}", []).append(path)

    def resolve(self, path: str, specs: Sequence[str]) -> Iterator[str]:
        """Return the files that the names mean."""
        for spec in specs:
            if spec.startswith("./"):
                target = joined(path.rpartition("/")[0], spec[2:])
                if target in self._files:
                    yield target
            elif classes := self._classes.get(spec):
                yield nearest(classes, path)
