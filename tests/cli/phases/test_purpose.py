"""What a file or a README says about itself is found; licences, instructions to tools and markup are not that."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archfb.phases.offline.facts import Facts
from archfb.phases.offline.purpose import introduction, purpose


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"""Keeps the books of the shop."""\n', ("Keeps the books of the shop", 1)),
        ('"""\nKeeps the books\nof the shop. And more.\n"""\n', ("Keeps the books of the shop", 2)),
        ("#!/usr/bin/env python\n# -*- coding: utf-8 -*-\n'''Keeps the books.'''\n", ("Keeps the books", 3)),
        ("# Keeps the books of the shop.\nx = 1\n", ("Keeps the books of the shop", 1)),
        ("// Copyright 2020 A. Body\n// SPDX: MIT\n\n// Keeps the books here.\nx\n", ("Keeps the books here", 4)),
        (
            "// Copyright 2020\n\n// Package till keeps the books.\npackage till\n",
            ("Package till keeps the books", 3),
        ),
        ("/*\n * Keeps the books, e.g. of a shop.\n */\nint x;\n", ("Keeps the books, e.g. of a shop", 2)),
        ("//! Keeps the books for us.\nuse x;\n", ("Keeps the books for us", 1)),
        ("# Copyright 2020 the authors\n# All rights reserved.\nx = 1\n", None),
        ("// eslint-disable no-console\nimport x from 'y'\n", None),
        ("# frozen_string_literal: true\n\nmodule X\nend\n", None),
        ("import os\n# Keeps the books here.\n", None),
        ("/* You may opt to use, copy, modify and distribute copies of the Software. */\nint x;\n", None),
        ("// This file is part of the shop and is free software.\nint x;\n", None),
        ("/*\n * Copyright 2020\n *\n * Portions of this file are available under BSD3 terms.\n */\nint x;\n", None),
        ("# TODO\nx = 1\n", None),
        ("/**\n * This file is made from\n * https://example.org/x\n */\nx\n", None),
        ("#include <a.h>\n#define X 1\n", None),
        ("", None),
    ],
)
def test_a_file_introduces_itself(kit: Any, text: str, said: tuple[str, int] | None) -> None:
    facts = Facts(kit.repository({"a.py": text}))
    assert purpose(facts, "a.py") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Till\n\nTill keeps the books of a shop. It is small.\n", ("Till keeps the books of a shop", 3)),
        (
            "[![CI](a)](b)\n\n<p>x</p>\n\nTill keeps [the books](x) of a shop.\n",
            ("Till keeps the books of a shop", 5),
        ),
        ("Till\n====\n\nTill keeps the books\nof a small shop.\n", ("Till keeps the books of a small shop", 4)),
        ("# Till\n\n- only\n- a list\n", None),
        (
            "[Clang]: https://clang.example.org\n[Git]: https://git.example.org\n\nTill keeps books of shops.\n",
            ("Till keeps books of shops", 4),
        ),
        (
            "# Till\n\nSee the [project website][1] for documentation and APIs.\n\nTill keeps the books of shops.\n",
            ("Till keeps the books of shops", 5),
        ),
        (
            "This README is just a quick start document.\n\nTill keeps books of shops.\n",
            ("Till keeps books of shops", 3),
        ),
        (
            "Till\n====\n\nBooks are how shops count. They last.\n\nTill is a book for shops that lasts:\n\n * x\n",
            ("Till is a book for shops that lasts", 6),
        ),
        (
            '<picture>\n  <img\n    src="a.png"\n  />\n</picture>\n\n**Till** keeps __books__ of a shop.\n',
            ("Till keeps books of a shop", 7),
        ),
        (
            "# Till\n\nYou need to have a shop installed.\n\n    ./till some words of code that is no prose\n\n"  # noqa: ISC004
            "Python 3 is the only supported version.\n\n## A\n\n## B\n\nThe server of the shop is started so.\n",
            None,
        ),
        (
            "# Till\n\nBooks are how modern shops count.\n\n## Use\n\nTill is started with one word.\n",
            ("Books are how modern shops count", 3),
        ),
    ],
)
def test_a_readme_introduces_the_project(kit: Any, text: str, said: tuple[str, int] | None) -> None:
    found = introduction(Facts(kit.repository({"README.md": text})))
    assert (None if found is None else (found[0], found[2])) == said


@given(st.text(alphabet=st.sampled_from("\"'#/*!-= \n.abcT\\<>[]()`\u202e"), max_size=120))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_raises_and_what_is_said_is_inert(kit: Any, text: str) -> None:
    facts = Facts(kit.repository({"a.py": text, "README.md": text}))
    for found in (purpose(facts, "a.py"), introduction(facts)):
        if found is not None:
            assert "\u202e" not in found[0]
            assert "\n" not in found[0]
