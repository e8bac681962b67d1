"""Keys: read late from the environment, compared by fingerprint, shown nowhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archfb.config.model import Provider


class Key:
    """A key that no repr, log or exception can show; `reveal` is called where the header is made."""

    __slots__ = ("_value", "env")

    def __init__(self, env: str, value: str) -> None:
        """Keep the key and the name of the variable it came from."""
        self.env = env
        self._value = value

    def __repr__(self) -> str:
        """Return the variable's name only."""
        return f"Key({self.env})"

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    def fingerprint(self, salt: bytes) -> str:
        """Return 8 hex digits of a keyed BLAKE2b, comparable only within one state."""
        return hashlib.blake2b(self._value.encode(), key=salt[:64], digest_size=4).hexdigest()


def key_problem(value: str) -> str | None:
    """Return what is wrong with a key's characters (never the key), or None."""
    for at, char in enumerate(value, start=1):
        if not "\x20" < char < "\x7f":
            return f"holds characters that cannot be in a header (position {at})"
    return None


def read_key(provider: Provider, environ: Mapping[str, str]) -> Key | None:
    """Return the provider's key, trimmed; None where its variable is unset or blank, or none is needed."""
    if provider.api_key_env is None:
        return None
    value = environ.get(provider.api_key_env, "").strip()
    return Key(provider.api_key_env, value) if value else None
