"""How many bytes are in which language, counted as GitHub counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.repository import classify, languages
from archfb.repository.records import Language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.repository.attributes import Attributes
    from archfb.repository.records import File


def counted_as(file: File, attributes: Attributes) -> str | None:
    """Return the language that a file's bytes count for, None where they do not count."""
    if file.kind != "text" or file.language is None:
        return None
    said = attributes.of(file.path) if attributes else {}
    detectable = said.get("linguist-detectable")
    if detectable == "false" or (detectable != "true" and not languages.counts(file.language)):
        return None
    documents = said.get("linguist-documentation") or ("true" if classify.is_documentation(file.path) else "false")
    return None if documents == "true" else said.get("linguist-language", file.language)


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
