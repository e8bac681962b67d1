"""A whole reading as bytes, column by column, so that an unchanged repository is taken up again quickly."""

from __future__ import annotations

from array import array

from archfb.repository import rows
from archfb.repository.cache import ANALYSER
from archfb.repository.inventory import STATS
from archfb.repository.record import Record, values
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
    from collections.abc import Mapping, Sequence
    from typing import Any

    from archfb.repository.records import Repository

_MAGIC = b"archfb-picture\n"
_ALL_KINDS = (*KINDS, "unreadable", "own")
_DECLARED: dict[str, type[Record] | None] = {
    "manifests": Manifest,
    "aside": None,
    "lock_files": None,
    "submodules": None,
    "dependencies": Dependency,
    "entry_points": EntryPoint,
    "commands": Command,
    "conventions": Convention,
    "notes": None,
}  # by field of Declared; None for plain texts
_TABLES = ("folders", "spoken", "own", "languages", *_DECLARED)
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
    ("cycles", "i"),
    ("members", "i"),
    ("own", "q"),
)
_TRACKED, _WITHHELD, _WHOLE = 1, 2, 4


class Picture:
    """What is kept: `paths` joined by NUL, `hashes` 20 bytes each, tables of texts, and columns of numbers.

    `tracked` is how many of the files are; `stats` is what lstat said when each file was read (zeros where that
    cannot be relied on).
    """

    def __init__(
        self,
        tracked: int,
        paths: bytes,
        hashes: bytes,
        tables: Mapping[str, bytes],
        columns: Mapping[str, array[Any]],
    ) -> None:
        """Keep them."""
        self.tracked = tracked
        self.paths = paths
        self.hashes = hashes
        self.tables = tables
        self.columns = columns

    def dump(self) -> bytes:
        """Return the picture as bytes."""
        parts = [self.paths, self.hashes, *(self.tables[name] for name in _TABLES)]
        parts += [self.columns[name].tobytes() for name, _ in _COLUMNS]
        head = " ".join(map(str, [ANALYSER, self.tracked, *map(len, parts)]))
        return b"".join([_MAGIC, head.encode(), b"\n", *parts])


def load(content: bytes | None) -> Picture | None:
    """Return the picture, None where the bytes are none (of this version)."""
    if content is None or not content.startswith(_MAGIC):
        return None
    try:
        end = content.index(b"\n", len(_MAGIC))
        analyser, tracked, *sizes = map(int, content[len(_MAGIC) : end].split())
        if analyser != ANALYSER:
            return None
        at, parts = end + 1, []
        for size in sizes:
            parts.append(content[at : at + size])
            at += size
        paths, hashes, *rest = parts
        tables = dict(zip(_TABLES, rest, strict=False))
        columns: dict[str, array[Any]] = {}
        for (name, kind), part in zip(_COLUMNS, rest[len(_TABLES) :], strict=True):
            columns[name] = array(kind)
            columns[name].frombytes(part)
    except ValueError:
        return None
    return Picture(tracked, paths, hashes, tables, columns)


def draw(
    repository: Repository,
    declared: Mapping[str, bytes],
    paths: bytes,
    stats: array[int],
    counted: Sequence[str | None],
    own: Mapping[str, Sequence[int]],
) -> Picture:
    """Return the picture of what was read.

    `declared` are the tables of what is, `counted` the languages that the files' bytes count for, `own` has the stats
    of what this program wrote.
    """
    files = repository.files
    folders = sorted({target for file in files for target in file.imports if target.endswith("/")})
    number = {path: at for at, path in enumerate([*(file.path for file in files), *folders])}
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
        "cycles": array("i", [len(cycle) for cycle in repository.cycles]),
        "members": array("i", [number[path] for cycle in repository.cycles for path in cycle]),
        "own": array("q", [one for told in own.values() for one in told]),
    }
    tables = {
        **declared,
        "folders": rows.dump(zip(folders)),
        "spoken": rows.dump(zip(spoken)),
        "own": rows.dump(zip(own)),
        "languages": rows.dump(map(values, repository.languages)),
    }
    hashes = b"".join([bytes.fromhex(file.hash) if file.hash else bytes(20) for file in files])
    return Picture(sum(file.tracked for file in files), paths, hashes, tables, columns)


def files_of(picture: Picture, paths: Sequence[str]) -> list[File]:
    """Return the files of a picture; raises IndexError or ValueError where it does not hold together."""
    columns = picture.columns
    spoken: list[str | None] = [*rows.texts(picture.tables["spoken"]), None]
    imports = _grouped(columns["outs"], columns["targets"], [*paths, *rows.texts(picture.tables["folders"])])
    digits = picture.hashes.hex()
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


def _grouped(sizes: array[int], numbers: array[int], names: Sequence[str]) -> list[tuple[str, ...]]:
    groups, at, told = [], 0, numbers.tolist()
    for size in sizes:
        groups.append(tuple([names[one] for one in told[at : at + size]]) if size else ())
        at += size
    return groups


def cycles_of(picture: Picture, paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return the import cycles; raises IndexError where the picture does not hold together."""
    return tuple(_grouped(picture.columns["cycles"], picture.columns["members"], paths))


def counted_as(picture: Picture, at: int) -> str | None:
    """Return the language that a file's bytes were counted for, None where they were not."""
    number: int = picture.columns["counted"][at]
    return None if number < 0 else rows.texts(picture.tables["spoken"])[number]


def own_of(picture: Picture) -> dict[str, list[int]]:
    """Return what this program wrote, by path, with its stats."""
    told = picture.columns["own"].tolist()
    return {path: told[STATS * at : STATS * at + STATS] for at, path in enumerate(rows.texts(picture.tables["own"]))}


def tables_of(declared: Declared) -> dict[str, bytes]:
    """Return what was declared as tables."""
    told = {name: getattr(declared, name) for name in _DECLARED}
    return {
        name: rows.dump(zip(told[name]) if kind is None else map(values, told[name]))
        for name, kind in _DECLARED.items()
    }


def declared_of(tables: Mapping[str, bytes]) -> Declared:
    """Return what was declared from its tables; raises ValueError where they do not hold together."""
    told: dict[str, Any] = {
        name: tuple(rows.texts(tables[name])) if kind is None else rows.records(kind, tables[name])
        for name, kind in _DECLARED.items()
    }
    return Declared(**told)


def languages_of(picture: Picture) -> tuple[Language, ...]:
    """Return the shares of the languages; raises ValueError where the picture does not hold together."""
    return rows.records(Language, picture.tables["languages"])
