"""The history of a repository, asked of git when it is first wanted: packing does without."""

from __future__ import annotations

from archfb.repository.digests import blake2b
from archfb.repository.record import values
from archfb.repository.records import Changed, Churn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from archfb.repository.cache import Cache
    from archfb.repository.git import Asked, Git
    from archfb.repository.records import ReadLimits

_NOTHING: dict[str, Any] = {"commit": None, "among": None, "churn": None}


class Past:
    """What changes most among the files at one commit; kept in the cache beside the picture."""

    def __init__(self, git: Git | None, commit: str | None, limits: ReadLimits, cache: Cache, key: str) -> None:
        """Keep whom to ask for what, and where the answer is kept; nothing is asked yet."""
        self._git = git
        self._commit = commit
        self._limits = limits
        self._cache = cache
        self._key = f"{key} history"
        self._paths: Sequence[str] = ()
        self._asked: Asked | None = None
        self._told: Churn | None = None

    def of(self, paths: Sequence[str]) -> Past:
        """Return itself, asked of these files."""
        self._paths = paths
        return self

    def ask(self) -> None:
        """Start asking git, unless the history up to this commit was kept."""
        if self._git is not None and self._commit is not None and self._kept(self._cache)["commit"] != self._commit:
            from archfb.repository import churn

            self._asked = churn.start(self._git, self._limits.commits, self._commit)

    def churn(self) -> Churn:
        """Return what changes most. Takes at most `ReadLimits.history_s` seconds, the first time."""
        if self._told is None:
            self._told = self._found() if self._git is not None else Churn()
        return self._told

    def close(self) -> None:
        """Let go of what was asked and not needed."""
        if self._asked is not None:
            self._asked.stop()
            self._asked = None

    def __del__(self) -> None:
        """End with the last that could want it."""
        self.close()

    def _found(self) -> Churn:
        import json

        cache = self._cache.reopened()
        try:
            among = blake2b("\0".join(self._paths).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
            kept = self._kept(cache) if self._asked is None else _NOTHING
            if self._commit is not None and (kept["commit"], kept["among"]) == (self._commit, among):
                return _read(kept["churn"])
            told = self._counted()
            if self._commit is not None and not told.note:
                plain = [told.commits, told.complete, [values(one) for one in told.files], told.note]
                about = {"commit": self._commit, "among": among, "churn": plain}
                cache.keep_picture(self._key, json.dumps(about).encode())
            return told
        finally:
            cache.close()

    def _counted(self) -> Churn:
        from archfb.repository import churn

        assert self._git is not None
        asked = self._asked or churn.start(self._git, self._limits.commits, self._commit)
        self._asked = None
        return churn.count(asked, self._limits.history_s, self._limits.commits, frozenset(self._paths))

    def _kept(self, cache: Cache) -> dict[str, Any]:
        import json

        try:
            about = json.loads(cache.picture(self._key) or b"{}")
            _read(about["churn"])
            return {"commit": about["commit"], "among": about["among"], "churn": about["churn"]}
        except (ValueError, TypeError, KeyError):
            return _NOTHING


def _read(value: Sequence[Any]) -> Churn:
    commits, complete, files, note = value
    return Churn(commits, complete, tuple(Changed(*one) for one in files), note)
