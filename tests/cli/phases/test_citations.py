"""What an answer cites is found, checked and, where it does not exist, marked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.phases.citations import Places, claims, marked, statements


@dataclass(frozen=True)
class Scanned:
    path: str
    lines: int = 100


PLACES = Places.of(
    [
        Scanned("src/app/core.py"),
        Scanned("src/app/io.py", 10),
        Scanned("tests/io.py"),
        Scanned("Makefile", 20),
        Scanned("README.md", 5),
        Scanned("web/(site)/[id]/page.tsx", 30),
        Scanned("bad\udcffname.py", 3),
        Scanned("src/Builder`.cs", 9),
        Scanned("src/`a``b.cs`", 9),
        Scanned("C#/sharp.cs", 9),
        Scanned("co:lon.cs", 9),
        Scanned("blank.cs ", 9),
        Scanned("blank.cs", 2),
    ]
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("src/app/core.py", "src/app/core.py"),
        ("./src/app/core.py", "src/app/core.py"),
        ("SRC/App/core.py", "src/app/core.py"),
        ("repo/src/app/core.py", "src/app/core.py"),
        ("app/core.py", "src/app/core.py"),
        ("core.py", "src/app/core.py"),
        ("`core.py`", "src/app/core.py"),
        ("src\\app\\core.py", "src/app/core.py"),
        ("app/io.py", "src/app/io.py"),
        ("bad\ufffdname.py", "bad\udcffname.py"),
        ("io.py", None),
        ("nowhere.py", None),
        ("../core.py", None),
        ("../../src/app/core.py", None),
        ("/etc/passwd", None),
        ("/home/me/core.py", None),
        ("/src/app/core.py", "src/app/core.py"),
        ("", None),
        ("/", None),
        ("core.py\0", None),
    ],
)
def test_a_near_miss_means_the_one_file_it_can_mean(written: str, meant: str | None) -> None:
    assert PLACES.resolve(written) == meant


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- It starts at `src/app/core.py:10`.", [("src/app/core.py", 10, None, "")]),
        ("- It starts at src/app/core.py:10.", [("src/app/core.py", 10, None, "")]),
        ("- (src/app/core.py:10-12, Makefile:3)", [("src/app/core.py", 10, 12, ""), ("Makefile", 3, None, "")]),
        ("- `src/app/core.py#L10-L12`", [("src/app/core.py", 10, 12, "")]),
        ("- `src/app/core.py:L7`", [("src/app/core.py", 7, None, "")]),
        ("- `web/(site)/[id]/page.tsx:4`", [("web/(site)/[id]/page.tsx", 4, None, "")]),
        ("- `core.py:9` is near enough", [("src/app/core.py", 9, None, "")]),
        ("- `src/app/io.py:11`", [("src/app/io.py", 11, None, "the file has 10 lines")]),
        ("- `src/app/core.py:0`", [("src/app/core.py", 0, None, "no such line")]),
        ("- `src/app/core.py:9-3`", [("src/app/core.py", 9, 3, "no such line")]),
        ("- `src/gone.py:1`", [("src/gone.py", 1, None, "no such file")]),
        ("- `/etc/passwd.txt:1`", [("/etc/passwd.txt", 1, None, "no such file")]),
        ("- listens at http://localhost:8080 and 127.0.0.1:80", []),
        ("- talks to example.com:443 at 12:30", []),
        ("- `a: b` and key:5", []),
        ("- runs python:3.11", []),
        (
            "- ``src/Builder`.cs:3`` and `tests/io.py:1`",
            [("src/Builder`.cs", 3, None, ""), ("tests/io.py", 1, None, "")],
        ),
        ("- ```src/`a``b.cs`:2-3```", [("src/`a``b.cs`", 2, 3, "")]),
        ("- ``src/Gone`.cs#L3``", [("src/Gone`.cs", 3, None, "no such file")]),
        ("- ``x`` is told in ``src/app/core.py:7``", [("src/app/core.py", 7, None, "")]),
        ("- `` src/app/core.py:7 ``", [("src/app/core.py", 7, None, "")]),
        ("- don`t: `src/app/core.py:7`", [("src/app/core.py", 7, None, "")]),
        ("- `C#/sharp.cs:3`, `co:lon.cs:4`", [("C#/sharp.cs", 3, None, ""), ("co:lon.cs", 4, None, "")]),
        ("- `blank.cs :5`, `blank.cs:1`", [("blank.cs ", 5, None, ""), ("blank.cs", 1, None, "")]),
        ("- `src/app/core.py:7:12`, ``http://localhost:80``", []),
    ],
)
def test_citations_are_found_and_checked(text: str, found: list[tuple[str, int, int | None, str]]) -> None:
    cited = [one for claim in claims(text, PLACES) for one in claim.evidence]
    assert [(one.path, one.line, one.end, one.problem) for one in cited] == found


def test_a_wrong_citation_is_marked_and_a_right_one_left_alone() -> None:
    text = "- one `src/app/core.py:10`\n- two `src/app/io.py:99` and src/gone.py:3\n"
    assert marked(text, PLACES) == (
        "- one `src/app/core.py:10`\n"
        "- two `src/app/io.py:99` [wrong: the file has 10 lines] and src/gone.py:3 [wrong: no such file]\n"
    )


def test_a_wrong_citation_in_a_longer_fence_is_marked_behind_it() -> None:
    text = "- ``src/Builder`.cs:10`` is long"
    assert marked(text, PLACES) == "- ``src/Builder`.cs:10`` [wrong: the file has 9 lines] is long"


def test_code_within_a_line_opens_no_block() -> None:
    assert statements("```a``b`c``` is one\n- two\n") == ["```a``b`c``` is one", "two"]


def test_statements_are_items_and_paragraphs_but_not_headings_tables_or_code() -> None:
    text = "# Title\n\nA paragraph\ngoes on.\n\n- one\n  goes on\n2. two\n| a | b |\n```\nx = 1\n```\nlast\n"
    assert statements(text) == ["A paragraph goes on.", "one goes on", "two", "last"]


@given(st.text(alphabet=st.sampled_from("`:#L-0123456789 ./abcore.py\n[]*"), max_size=200))
def test_no_text_raises(text: str) -> None:
    marked(text, PLACES)
    for claim in claims(text, PLACES):
        assert claim.evidence


@given(st.text(max_size=60))
def test_whatever_is_named_only_scanned_files_come_out(name: str) -> None:
    assert PLACES.resolve(name) in {None, *PLACES.files}
