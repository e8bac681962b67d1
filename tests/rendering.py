"""Views as text, without the spaces that fill lines up."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.console import RenderableType


def text_of(view: RenderableType | None, width: int = 100) -> str:
    """Return what a terminal of that width gets, without colour."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, color_system=None, _environ={})
    if view is not None:
        console.print(view)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())
