"""Names with backticks and other marks in them: CommonMark's own parser reads back each place that a result cites."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt  # rich brings it
from sample_repositories import planted

from archfb.phases.engine import run
from archfb.phases.options import RunOptions
from archfb.text import clean
from archfb_state.storage.memory_store import MemoryStore

NAMES = [
    "a`b.py",
    "two``ticks.py",
    "`leading.py",
    "trailing.py`",
    "a`b``c.py",
    "a|b.py",
    "star*_under_.py",
    "[x]<y>.py",
    "new\nline.py",
    "tab\tbed.py",
    "two  blanks.py",
    "blank.py ",
    "end`/y.py",
    "C#/sharp.py",
    "co:lon.py",
    "fo`lder/x.py",
]
FILES = {
    "README.md": "# Odd\n\nOdd shows what `odd names do to a result that names them.\n",
    "Makefile": "test:\n\techo `date` && pytest\n",
    "pack/__init__.py": "",
    "pack/base.py": '"""What `all others build on\' here."""\n\n\nclass Base:\n    x = 1\n',
    "tests/test_a`b.py": "from pack.base import Base\n\n\ndef test_it():\n    assert Base\n",
    **{
        f"pack/{name}": f"from pack.base import Base\n\n\nclass Thing{at}(Base):\n" + "    x = 1\n" * (20 + at)
        for at, name in enumerate(NAMES)
    },
}


def inlines(markdown: str) -> list[list[Any]]:
    """Return the leaves of every paragraph, list item and heading."""
    return [one.children or [] for one in MarkdownIt("commonmark").parse(markdown) if one.type == "inline"]


def test_every_place_in_a_result_is_read_back_as_it_was_meant(kit: Any, tmp_path: Path) -> None:
    root = planted(tmp_path / "odd", dict(FILES), commit=True)
    options = RunOptions(offline=True, cache_dir=tmp_path / "cache")
    router = kit.router(kit.config("m"), keyless={"m"})
    result = asyncio.run(run("all", root, router, MemoryStore(), options, lambda _: None))
    written = "\n".join(one.result.to_markdown() for one in result.phases)
    assert "[wrong:" not in written
    assert "cited places do not exist" not in written
    shown = {clean(f"{name}:", one_line=True)[:-1]: text.count("\n") for name, text in FILES.items()}
    cited = set()
    for leaves in inlines(written):
        evident = "".join(one.content for one in leaves).endswith(")") and leaves[-1].content == ")"
        for leaf in leaves:
            if leaf.type == "code_inline" and (place := re.fullmatch(r"(.*):(\d+)", leaf.content)):
                assert 1 <= int(place[2]) <= max(1, shown[place[1]]), place
                cited.add(place[1])
        assert not evident or leaves[-2].type == "code_inline"
    assert {clean(f"pack/{name}", one_line=True) for name in NAMES if name.endswith(".py")} <= cited
