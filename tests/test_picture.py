"""The README's picture: what draws it draws the one that is there, but for the times in it."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def lines(svg: str) -> list[str]:
    """Return the picture's words line by line, every time as T."""
    rows: dict[float, list[tuple[float, str]]] = defaultdict(list)
    for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        rows[float(one.get("y", 0))].append((float(one.get("x", 0)), one.text or ""))
    told = [" ".join(" ".join(text for _, text in sorted(row)).split()) for _, row in sorted(rows.items())]
    return [re.sub(r"\bnow\b|\b\d[\d.]* (?:s|min|h)\b", "T", one) for one in told]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = spec_from_file_location("picture", DOCS / "picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_the_one_that_its_script_draws(script: Any) -> None:
    at_once = {
        name: [{key: value for key, value in one.items() if key != "delay"} for one in replies]
        for name, replies in script.BEHAVIOURS.items()
    }
    there = lines((DOCS / "status.svg").read_text())
    assert lines(script.drawn(at_once)) == there
    assert [one for one in there if one.startswith("gemini-basic")] == [
        "gemini-basic healthy answers 12/12 0 % T T 0 T -"
    ]
