"""A whole reading as bytes, column by column, so that an unchanged repository is taken up again quickly."""

from __future__ import annotations

import json
from array import array

from archfb.repository.cache import ANALYSER
from archfb.repository.record import values
from archfb.repository.records import (
    KINDS,
    ROLES,
    Command,
    Convention,
    Declared,
    Dependency,
    EntryPoint,
    File,
    Language,
    Manifest,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_MAGIC = b"archfb-picture\n"
_ALL_KINDS = (*KINDS, "unreadable", "own")
_COLUMNS = (
    ("stats", "q"),
    ("language", "h"),
    ("counted", "h"),
    ("kind", "b"),
    ("role", "b"),
    ("lines", "q"),
    ("tokens", "q"),
    ("rank", "d"),
    ("layer", "i"),
    ("importers", "i"),
    ("flags", "b"),
    ("outs", "i"),
    ("targets", "i"),
)
_TRACKED, _WITHHELD, _WHOLE = 1, 2, 4


class Picture:
    """What is kept: `paths` joined by NUL, `hashes` 20 bytes each, the columns, and in `about` what is small.

    `stats` is what lstat said when each file was read (zeros where that cannot be relied on).
    """

    def __init__(
        self, about: dict[str, Any], paths: bytes, hashes: bytes, folders: list[str], columns: dict[str, array[Any]]
    ) -> None:
        """Keep them."""
        self.about = about
        self.paths = paths
        self.hashes = hashes
        self.folders = folders
        self.columns = columns

    def dump(self) -> bytes:
        """Return the picture as bytes."""
        parts = [self.paths, self.hashes, "\0".join(self.folders).encode("utf-8", "surrogateescape")]
        parts += [self.columns[name].tobytes() for name, _ in _COLUMNS]
        head = json.dumps(
            {"sizes": [len(part) for part in parts], "about": self.about}, separators=(",", ":")
        ).encode()
        return b"".join([_MAGIC, head, b"\n", *parts])


def load(content: bytes | None) -> Picture | None:
    """Return the picture, None where the bytes are none (of this version)."""
    if content is None or not content.startswith(_MAGIC):
        return None
    try:
        end = content.index(b"\n", len(_MAGIC))
        head = json.loads(content[len(_MAGIC) : end])
        if head["about"]["analyser"] != ANALYSER:
            return None
        at, parts = end + 1, []
        for size in head["sizes"]:
            parts.append(content[at : at + size])
            at += size
        columns: dict[str, array[Any]] = {}
        for (name, kind), part in zip(_COLUMNS, parts[3:], strict=True):
            columns[name] = array(kind)
            columns[name].frombytes(part)
    except (ValueError, KeyError, TypeError):
        return None
    folders = parts[2].decode("utf-8", "surrogateescape").split("\0") if parts[2] else []
    return Picture(head["about"], parts[0], parts[1], folders, columns)


def draw(
    files: Sequence[File], paths: bytes, stats: array[int], counted: Sequence[str | None], about: dict[str, Any]
) -> Picture:
    """Return the picture of what was read; `counted` are the languages that the files' bytes count for."""
    number = {file.path: at for at, file in enumerate(files)}
    folders = sorted({target for file in files for target in file.imports if target.endswith("/")})
    number |= {folder: len(files) + at for at, folder in enumerate(folders)}
    spoken = sorted({file.language for file in files if file.language} | {name for name in counted if name})
    speech = {language: at for at, language in enumerate(spoken)}
    kinds, roles = {kind: at for at, kind in enumerate(_ALL_KINDS)}, {role: at for at, role in enumerate(ROLES)}
    columns: dict[str, array[Any]] = {
        "stats": stats,
        "language": array("h", [speech.get(file.language or "", -1) for file in files]),
        "counted": array("h", [speech.get(name or "", -1) for name in counted]),
        "kind": array("b", [kinds[file.kind] for file in files]),
        "role": array("b", [roles[file.role] for file in files]),
        "lines": array("q", [file.lines for file in files]),
        "tokens": array("q", [file.tokens for file in files]),
        "rank": array("d", [file.rank for file in files]),
        "layer": array("i", [file.layer for file in files]),
        "importers": array("i", [file.importers for file in files]),
        "flags": array(
            "b", [_TRACKED * file.tracked + _WITHHELD * file.withheld + _WHOLE * file.whole for file in files]
        ),
        "outs": array("i", [len(file.imports) for file in files]),
        "targets": array("i", [number[target] for file in files for target in file.imports]),
    }
    hashes = b"".join([bytes.fromhex(file.hash) if file.hash else bytes(20) for file in files])
    return Picture(about | {"analyser": ANALYSER, "spoken": spoken}, paths, hashes, folders, columns)


def files_of(picture: Picture, paths: Sequence[str]) -> list[File]:
    """Return the files of a picture; raises IndexError or ValueError where it does not hold together."""
    columns = picture.columns
    spoken: list[str | None] = [*picture.about["spoken"], None]
    names = [*paths, *picture.folders]
    digits = picture.hashes.hex()
    imports, at = [], 0
    targets = columns["targets"].tolist()
    for count in columns["outs"]:
        imports.append(tuple([names[target] for target in targets[at : at + count]]) if count else ())
        at += count
    sizes = columns["stats"][::4]
    return [
        File(
            path,
            size,
            digits[here : here + 40],
            _ALL_KINDS[kind],
            spoken[language],
            ROLES[role],
            lines,
            tokens,
            rank,
            layer,
            out,
            importers,
            bool(flags & _TRACKED),
            bool(flags & _WITHHELD),
            bool(flags & _WHOLE),
        )
        for path, size, here, kind, language, role, lines, tokens, rank, layer, out, importers, flags in zip(
            paths,
            sizes,
            range(0, len(digits), 40),
            columns["kind"],
            columns["language"],
            columns["role"],
            columns["lines"],
            columns["tokens"],
            columns["rank"],
            columns["layer"],
            imports,
            columns["importers"],
            columns["flags"],
            strict=True,
        )
    ]


def counted_as(picture: Picture, at: int) -> str | None:
    """Return the language that a file's bytes were counted for, None where they were not."""
    number: int = picture.columns["counted"][at]
    name: str = picture.about["spoken"][number]
    return None if number < 0 else name


def declared_as_json(declared: Declared) -> dict[str, Any]:
    """Return what was declared as plain lists."""
    return {
        "manifests": [values(one) for one in declared.manifests],
        "aside": declared.aside,
        "lock_files": declared.lock_files,
        "submodules": declared.submodules,
        "dependencies": [values(one) for one in declared.dependencies],
        "entry_points": [values(one) for one in declared.entry_points],
        "commands": [values(one) for one in declared.commands],
        "conventions": [values(one) for one in declared.conventions],
        "notes": declared.notes,
    }


def declared_from_json(value: dict[str, Any]) -> Declared:
    """Return what was declared from plain lists; raises TypeError or KeyError where they do not fit."""
    return Declared(
        tuple(Manifest(*one) for one in value["manifests"]),
        tuple(value["aside"]),
        tuple(value["lock_files"]),
        tuple(value["submodules"]),
        tuple(Dependency(*one) for one in value["dependencies"]),
        tuple(EntryPoint(*one) for one in value["entry_points"]),
        tuple(Command(*one) for one in value["commands"]),
        tuple(Convention(*one) for one in value["conventions"]),
        tuple(value["notes"]),
    )


def languages_from_json(value: Sequence[Any]) -> tuple[Language, ...]:
    """Return shares from plain lists."""
    return tuple(Language(*one) for one in value)
