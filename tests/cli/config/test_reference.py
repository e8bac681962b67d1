"""The reference page is what the tables say now."""

from __future__ import annotations

from pathlib import Path

from archfb.config.reference import reference
from archfb.config.schema import NAMED, TABLES

PAGE = Path(__file__).parents[3] / "docs/configuration.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == reference(), "python -m archfb.config.reference > docs/configuration.md"


def test_every_setting_is_on_it() -> None:
    text = reference()
    for table, settings in (TABLES | NAMED).items():
        section = text.split(f"## `[{table}", 1)[1].split("\n## ", 1)[0]
        assert all(f"| `{key}`" in section for key in settings), table
