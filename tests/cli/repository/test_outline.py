# ruff: noqa: E501  # one row a line reads better
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timing import cpu_seconds

from archfb.repository.outline import outline

CASES = [
    ("Python", ("import x\nLIMIT = 3\nclass A(B):\n    async def f(self,\n          x): ...\ndef g():"
        " ...\n"), ["2 0 LIMIT", "3 0 A", "4 1 f", "6 0 g"]),
    (
        "TypeScript",
        ("export class A {\n  private async run(x: number): Promise<void> {\n    if (x) {\n  }\n}"
        "\nexport const f = (a) => a\n"
        "function g() {}\nexport interface I {}\nexport type T = string\n"),
        ["1 0 A", "2 1 run", "6 0 f", "7 0 g", "8 0 I", "9 0 T"],
    ),
    (
        "JavaScript",
        (
            "res.status = function status(code) {\n}\nexports.f = (a) => a\nA.prototype.go = async function () {\n"
            "x.y = 1\nmodule.exports = function (a) {\n  this.z = function () {\nreq.get =\nreq.header = function header(name) {\n"
        ),
        ["1 0 status", "3 0 f", "4 0 go", "6 0 exports", "7 1 z", "9 0 header"],
    ),
    ("Go", ("package p\nfunc (s *S) Run(x int) error {\n}\ntype S struct {\nvar X = 1\n"), ["2 0 Run", "4 0 S", "5 0 X"]),
    (
        "Java",
        ("package p;\npublic final class A<T> extends B {\n  private int x = f();\n  public static"
        " void main(String[] a) {\n    return g(1);\n  }\n  enum E { }\n}\n"),
        ["2 0 A", "4 1 main", "7 1 E"],
    ),
    (
        "Java",
        ("class A {\n  public A(int x) {\n    assertThat(map).isEqualTo(\n        f(x,\n            1));\n"
        "    require(x == null) {\n  }\n  List<String> all(int a,\n      int b) {\n"),
        ["1 0 A", "2 1 A", "8 1 all"],
    ),
    ("Kotlin", "class A {\n  suspend fun go(x: Int) = 1\n}\nobject O\n", ["1 0 A", "2 1 go", "4 0 O"]),
    ("Rust", ("pub struct A;\nimpl<T> B for A {\n    pub fn f() {}\n}\nmacro_rules! m {\n}\n"), ["1 0 A", "2 0 A", "3 1 f", "5 0 m"]),
    ("PHP", "<?php\nfinal class A {\n    public function f() {}\n}\n", ["2 0 A", "3 1 f"]),
    ("Ruby", "module M\n  class A\n    def self.b?(x)\n    end\n  end\nend\n", ["1 0 M", "2 1 A", "3 2 self.b?"]),
    ("C", ("#define MAX(a) a\nstruct s {\n  int x;\n};\nstatic int f(int a,\n  int b) {\n  return "
        "g(a);\n}\n"), ["1 0 MAX", "2 0 s", "5 0 f"]),
    ("C#", ("namespace N;\npublic record R(int X);\ninternal sealed class C\n{\n    public async T"
        "ask<int> Go(int x)\n    {\n        foreach (var a in b)\n        {\n            Visit(a,\n                2);\n"),
        ["1 0 N", "2 0 R", "3 0 C", "5 1 Go"]),
    ("Shell", "f() {\n}\nfunction g {\n}\n", ["1 0 f", "3 0 g"]),
    ("Markdown", "# A\ntext\n## B c\n", ["1 0 A", "3 0 c"]),
    ("Makefile", "all: x\n\techo\nX := 1\n", ["1 0 all"]),
    ("jq", "def f: .;", []),
    (None, "def f(): ...", []),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "expected"), CASES, ids=[str(row[0]) for row in CASES])
def test_definitions_are_found_with_line_and_depth(language: str | None, text: str, expected: list[str]) -> None:
    assert [f"{one.line} {one.depth} {one.name}" for one in outline(language, text)] == expected


@given(st.sampled_from([row[0] for row in CASES]), st.text(max_size=400))
def test_any_text_has_an_outline_whose_lines_are_its_own(language: str | None, text: str) -> None:
    found = outline(language, "def x\nclass A {\n" + text)
    assert all(0 < one.line <= text.count("\n") + 3 for one in found)
    assert [one.line for one in found] == sorted(one.line for one in found)


@pytest.mark.parametrize("language", [row[0] for row in CASES])
@pytest.mark.parametrize(
    "unit", ["a ", "a(", "public ", "x<", " \t", "const a=", "static const int ", "\n ", "impl<a "]
)
def test_hostile_lines_take_linear_time(language: str | None, unit: str) -> None:
    assert cpu_seconds(lambda: outline(language, unit * 50_000), within=2.0) < 2.0
