"""Regular expressions that are compiled when they are first asked: most repositories need few of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any, AnyStr, cast
else:

    def cast(_: str, value: object) -> object:
        """Return the value; for type checkers."""
        return value


_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub")


class _Uncompiled:
    __slots__ = ("_flags", "_source", *_METHODS)

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # a slot that is still empty
        import re  # which takes longer to load than all else that a small reading needs

        compiled = re.compile(self._source, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what compiles the source at its first use and from then on is as fast as the pattern."""
    return cast("re.Pattern[AnyStr]", _Uncompiled(source, flags))
