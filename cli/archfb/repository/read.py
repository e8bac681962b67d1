"""Reading a repository: what is there, what each file is, how it hangs together."""

from __future__ import annotations

import gc
import os
import time

from archfb.repository import inventory
from archfb.repository.records import ReadLimits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from archfb.errors import RepositoryError
    from archfb.repository.inventory import Inventory
    from archfb.repository.records import Repository


def read_repository(
    path: Path | str,
    *,
    allow: Sequence[str] = (),
    cache_dir: Path | str | None = None,
    limits: ReadLimits | None = None,
    on_note: Callable[[str], None] | None = None,
    environ: Mapping[str, str] | None = None,
    history: bool = False,
    clock: Callable[[], int] = time.time_ns,
) -> Repository:
    """Read the repository (or folder) at `path`; equal content gives an equal record.

    `allow` are globs of files that would be withheld as keys or .env files. `cache_dir` holds the cache (default: the
    user's cache folder). `on_note` is told what a user should know. `history` when `Repository.churn` will be wanted:
    git then works at it meanwhile. Raises RepositoryError when the path is missing, is no folder, cannot be read, or
    holds no file. Nothing of the repository is run, nothing outside it is read.
    """
    limits = limits or ReadLimits()
    root = _checked(path)
    begun = clock()
    listing = inventory.Listing(root, limits, os.environ if environ is None else environ)
    collects = gc.isenabled()
    gc.disable()  # a hundred thousand records are made and none of them is garbage
    try:
        repository = _read(path, listing, tuple(allow), cache_dir, begun, history)
    finally:
        if collects:
            gc.enable()
        listing.close()
    if on_note is not None:
        for note in repository.notes:
            on_note(note)
    return repository


def _read(
    path: Path | str,
    listing: inventory.Listing,
    allow: tuple[str, ...],
    cache_dir: Path | str | None,
    begun: int,
    history: bool,
) -> Repository:
    # While git works: load what a listing by itself does without, and look up what was kept.
    from archfb.repository.cache import Cache, default_folder
    from archfb.repository.reading import Reading

    cache = Cache(default_folder() if cache_dir is None else cache_dir)
    reading = Reading(listing, cache, allow, begun, history)
    try:
        found = reading.take()
        if not found.paths:
            raise _refused(f"{path} is empty: it holds no files to analyse.", hint=_why_empty(found))
        return reading.repository()
    except BaseException:
        reading.close()
        raise
    finally:
        cache.close()


def _checked(path: Path | str) -> bytes:
    root = os.fsencode(path)
    try:
        real = os.path.realpath(root, strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise _refused(f"{path} does not exist.", hint="Check the path of the repository.") from None
    except (OSError, ValueError) as error:
        raise _refused(f"{path} cannot be read: {error}.") from None
    if not os.path.isdir(real):  # noqa: PTH112  # pathlib takes as long to load as a small reading
        raise _refused(f"{path} is a file; expected a folder.", hint="Give the folder that holds it.")
    if not os.access(real, os.R_OK | os.X_OK):
        raise _refused(f"{path} cannot be read: permission denied.")
    return real


def _refused(sentence: str, hint: str | None = None) -> RepositoryError:
    from archfb.errors import RepositoryError

    return RepositoryError(sentence, hint=hint)


def _why_empty(found: Inventory) -> str:
    if found.skipped_count:
        return (
            "What is there was skipped: "
            + ", ".join(f"{n} {why}" for why, n in sorted(found.skipped_count.items()))
            + "."
        )
    return "The folder is empty, or everything in it is ignored."
