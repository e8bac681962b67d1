"""Putting the rules into files: a marked section, everything outside it kept byte for byte."""

from __future__ import annotations

import difflib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archfb.errors import Partial, UsageError
from archfb.phases.output import plain_path, write_whole
from archfb.phases.records import plain
from archfb.phases.results import Rules
from archfb.repository.own import BEGIN, END, backup_mark
from archfb.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from archfb.phases.options import RunResult

HEAD = BEGIN + b" (written by `archfb run final --write`; edit outside this section) -->"

LARGEST = 4_000_000
"""Bytes of a file that rules are written into; anything larger was not meant."""


@dataclass(frozen=True, slots=True)
class RulesChange:
    """What writing the rules into one file does. `before` is None for a new file; `path` is where links lead."""

    path: Path
    before: bytes | None
    after: bytes

    @property
    def changed(self) -> bool:
        """Whether anything is written at all."""
        return self.before != self.after

    @property
    def backup(self) -> Path | None:
        """Return where the old content is kept; None where there is none or nothing changes."""
        if self.before is None or not self.changed:
            return None
        return self.path.with_name(f"{self.path.name}.{backup_mark(self.before)}.bak")

    @property
    def diff(self) -> str:
        """Return what changes, as a unified diff; inert text."""
        name = plain_path(str(self.path))
        before, after = (_lines(one) for one in (self.before or b"", self.after))
        return "".join(difflib.unified_diff(before, after, "/dev/null" if self.before is None else name, name))

    @property
    def sentence(self) -> str:
        """Say what happens to the file."""
        name = plain_path(str(self.path))
        if not self.changed:
            return f"{name} is up to date."
        kept = f"; the old content is in {plain_path(self.backup.name)}" if self.backup else ""
        return f"{name}: {'rules updated' if self.before is not None else 'written'}{kept}."


def _lines(content: bytes) -> list[str]:
    return [line + "\n" for line in clean(content.decode("utf-8", "replace")).splitlines()]


def rules_of(result: RunResult, *, allow_partial: bool = False, allow_offline: bool = False) -> Rules:
    """Return the rules of a run that may be written into files.

    Raises Partial where the run, or an earlier phase of it, is partial, or where no model took part, unless allowed.
    """
    rules = result.last.result if result.last is not None else None
    if not isinstance(rules, Rules) or rules.finding is None:
        raise Partial("There are no rules to write: the final phase was not reached.")
    if result.partial and not allow_partial:
        names = ", ".join(plain(gone.title) for one in result.phases for gone in one.result.missing)
        raise Partial(
            f"The rules rest on a partial analysis (missing: {names}).", hint="Write them with --allow-partial."
        )
    if rules.is_offline and not (allow_offline or allow_partial):
        raise Partial("The rules were made without a model.", hint="Write them all the same with --offline.")
    return rules


def plan_changes(rules: Rules, paths: Sequence[Path]) -> list[RulesChange]:
    """Return what writing would change, each file once; nothing is written.

    Raises UsageError for a folder, a file that is too large, or one whose marks do not pair.
    """
    found: dict[Path, RulesChange] = {}
    for path in paths:
        real = _real(path)
        if real not in found:
            before = _content(real)
            found[real] = RulesChange(real, before, merged(before, rules, real))
    return list(found.values())


def check_targets(paths: Sequence[Path]) -> None:
    """Raise UsageError, before anything is paid for, for a file that rules cannot be put into."""
    for path in paths:
        real = _real(path)
        before = _content(real)
        if before:
            _marks(before, real)
        near = next(one for one in (real, *real.parents) if one.exists())
        if not near.is_dir() and not (near.is_file() and os.access(near.parent, os.W_OK)):
            raise UsageError(f"Cannot write {plain_path(str(path))}: {plain_path(str(near))} is no folder.")
        if not os.access(near, os.W_OK):
            raise UsageError(f"Cannot write {plain_path(str(path))}: permission denied.")


def _real(path: Path) -> Path:
    """Return where links lead. Raises UsageError where they lead in a circle, or to a pipe or a device."""
    real = type(path)(os.path.realpath(path))
    if real.is_symlink():
        raise UsageError(f"Cannot read {plain_path(str(path))}: its links lead in a circle.")
    with suppress(OSError):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(f"{plain_path(str(path))} is not a regular file.")
    return real


def _content(path: Path) -> bytes | None:
    name = plain_path(str(path))
    if path.is_dir():
        raise UsageError(f"{name} is a folder; expected a file.")
    try:
        if not path.exists():
            return None
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{name} is too large to hold rules.")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror}.") from error
    if b"\0" in content:
        raise UsageError(f"{name} is binary, or text in UTF-16; rules are UTF-8.", hint="Convert it first.")
    return content


def merged(before: bytes | None, rules: Rules, path: Path) -> bytes:
    """Return a file's content with the section in it: replaced where it stands, else at the end, else a new file."""
    section = _section(rules, crlf=b"\r\n" in (before or b""))
    if not before:
        return front_matter(rules, path) + section + b"\n"
    begin, end = _marks(before, path)
    if begin is not None and end is not None:
        return before[:begin] + section + before[end:]
    newline = b"\r\n" if b"\r\n" in before else b"\n"
    return before + newline + section + newline


def _marks(content: bytes, path: Path) -> tuple[int | None, int | None]:
    """Return where the section begins and where it ends; raises UsageError where the marks do not pair."""
    begins, ends = content.count(BEGIN), content.count(END)
    if begins == ends == 0:
        return None, None
    begin, end = content.find(BEGIN), content.find(END)
    if begins != 1 or ends != 1 or end < begin:
        hint = f"Leave one line {HEAD.decode()} and one line {END.decode()} after it, or none."
        raise UsageError(f"The marks of the archfb section in {plain_path(str(path))} do not pair.", hint=hint)
    return begin, end + len(END)


def _section(rules: Rules, *, crlf: bool) -> bytes:
    """Return the marked section; what the rules say cannot close it."""
    text = rules.to_markdown().replace("<!-- archfb:", "<!-- archfb :").strip("\n")
    whole = HEAD + b"\n\n" + text.encode("utf-8", "replace") + b"\n\n" + END
    return whole.replace(b"\n", b"\r\n") if crlf else whole


def front_matter(rules: Rules, path: Path) -> bytes:
    """Return what a new file of this kind needs at its top: Cursor's rule files name when they apply."""
    if path.suffix != ".mdc":
        return b""
    name = plain(rules.subject.name).replace('"', "'")
    return f'---\ndescription: "Working rules of {name}"\nglobs:\nalwaysApply: true\n---\n\n'.encode()


def write_changes(changes: Sequence[RulesChange]) -> None:
    """Write the changes, each file in one step and after a copy of its old content. Raises UsageError."""
    for one in changes:
        if not one.changed:
            continue
        mode = one.path.stat().st_mode & 0o7777 if one.before is not None else None
        if one.backup is not None and one.before is not None and not one.backup.exists():
            write_whole(one.backup, one.before, mode=mode)
        write_whole(one.path, one.after, mode=mode)
