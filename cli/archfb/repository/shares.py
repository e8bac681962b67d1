"""How many bytes are in which language, counted as GitHub counts them."""

from __future__ import annotations

from archfb.repository import counted, languages
from archfb.repository.records import Language

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.repository.attributes import Attributes
    from archfb.repository.records import File

_LONG_LINES = 110
_COUNTED = frozenset(["text", "marked", "minified", "vendored"])


def counted_as(file: File, attributes: Attributes) -> str | None:
    """Return the language that a file's bytes count for, None where they do not count."""
    if file.kind not in _COUNTED or not file.size:
        return None
    said = attributes.of(file.path) if attributes else {}
    language = languages.called(said["linguist-language"]) if "linguist-language" in said else file.language
    if language is None or _packed(file):
        return None
    detectable = said.get("linguist-detectable")
    if detectable == "false" or (detectable != "true" and not languages.counts(language)):
        return None
    return None if counted.left_out(file.path, said) else languages.GROUPS.get(language, language)


def _packed(file: File) -> bool:
    """Return whether it is a script or style sheet whose lines have more than 110 bytes on average."""
    return file.path.lower().endswith((".js", ".css")) and (file.size - file.lines) // (file.lines + 1) > _LONG_LINES


def count(files: Sequence[File], attributes: Attributes) -> tuple[Language, ...]:
    """Return the shares of the languages, the largest first."""
    counted: dict[str, list[int]] = {}
    for file in files:
        name = counted_as(file, attributes)
        if name is not None:
            entry = counted.setdefault(name, [0, 0])
            entry[0] += 1
            entry[1] += file.size
    return _shared(counted)


def _shared(counted: Mapping[str, Sequence[int]]) -> tuple[Language, ...]:
    total = sum(size for _, size in counted.values()) or 1
    shares = (Language(name, number, size, size / total) for name, (number, size) in counted.items())
    return tuple(sorted(shares, key=lambda one: (-one.size, one.name)))


def regrown(shares: Sequence[Language], grown: Mapping[str, int]) -> tuple[Language, ...]:
    """Return the shares after each language grew by so many bytes."""
    return _shared({one.name: (one.files, one.size + grown.get(one.name, 0)) for one in shares})
