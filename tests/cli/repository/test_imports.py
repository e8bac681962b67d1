# ruff: noqa: E501  # one row a line reads better
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.repository import imports, languages
from archfb.repository.imports.tree import Tree


def edges(files: dict[str, str]) -> dict[str, list[str]]:
    spoken, specs = {}, {}
    for path, content in files.items():
        language = languages.by_name(path.rpartition("/")[2])
        if language is not None:
            spoken[path] = language
            specs[path] = imports.find(language, content.encode())
    return imports.resolve_all(Tree(spoken, specs, lambda path: files[path].encode(), sorted(files)))


STATEMENTS = [
    ("import a, b.c as d  # e, f", ["a", "b.c"]),
    ("import a; import b", ["a"]),
    ("\timport\ta\r\n", ["a"]),
    ("importlib.reload(a)\nimported = 1\nfrom important import x", ["important:x"]),
    ("from . import a", [".:a"]),
    ("from.a import b", []),
    ("from .import a", [".:a"]),
    ("from .a import(b)", [".a:b"]),
    ("from . a import *", [".a:*"]),
    ("from a import b as c, d", ["a:b,d"]),
    ("from a import (  # b, c\n  d,\n\te as f,\n)\nimport g", ["a:d,e", "g"]),
    ("from a import (\\\nb,)", ["a:b"]),
    ("from a import b, \\\r\n  c", ["a:b,c"]),
    ("from a \\\n    import (b,\n    c)", ["a:b,c"]),
    ("from a import (b" + ", c" * 2_000 + ")", ["a:b" + ",c" * 2_000]),
    ("cimport a\nfrom b cimport c", ["a", "b:c"]),
    ("from a import b # (\nc = 1)", ["a:b"]),
    ("import \\\n  a", ["a"]),
    ("from import x\nfrom a, b import c\nx = 'import y'", []),
]


@pytest.mark.parametrize(("content", "specs"), STATEMENTS, ids=[content[:30] for content, _ in STATEMENTS])
def test_what_a_python_statement_imports(content: str, specs: list[str]) -> None:
    assert imports.find("Python", content.encode()) == specs


CASES: list[tuple[str, dict[str, str], dict[str, list[str]]]] = [
    (
        "python: relative, absolute, from a package, in parentheses, submodules, inside functions",
        {
            "src/p/__init__.py": "from .a import x\n",
            "src/p/a.py": "import os, p.b as q\nfrom p import c\nfrom . import (\n  b,  # why\n  nothing)\n",
            "src/p/b.py": 'def f():\n    from ..p.c import (y)\n"""\nfrom p import a\n"""\nfrom p.c import \\\n  z\n',
            "src/p/c.py": "from p import *\n",
            "tests/test_p.py": "import p\nfrom p.a import b\nimport numpy\n",
        },
        {
            "src/p/__init__.py": ["src/p/a.py"],
            "src/p/a.py": ["src/p/__init__.py", "src/p/b.py", "src/p/c.py"],
            "src/p/b.py": ["src/p/c.py"],
            "src/p/c.py": ["src/p/__init__.py"],
            "tests/test_p.py": ["src/p/__init__.py", "src/p/a.py"],
        },
    ),
    (
        "python: what stands in either kind of long text is none",
        {"p/__init__.py": "", "p/a.py": "", "p/b.py": "x = r\'\'\'\nfrom p import a\n\"\"\"\n\'\'\'\ny = 1\n", "p/c.py": "\"\"\"\'\'\'\"\"\"\nfrom p import a\n"},
        {"p/c.py": ["p/a.py"]},
    ),
    (
        "python: a namespace package's part does not stand for the standard library's module of its name",
        {"src/ns/json/__init__.py": "", "src/ns/config/a.py": "import json\nimport ns.json\n", "src/ns/config/types.py": "", "tools/run.py": "import types\n", "tools/types.py": ""},
        {"src/ns/config/a.py": ["src/ns/json/__init__.py"], "tools/run.py": ["tools/types.py"]},
    ),
    (
        "python: what a folder carries of others is known by its bare name in there only",
        {"p/__init__.py": "import packaging.version\n", "p/_vendor/packaging/__init__.py": "", "p/_vendor/packaging/version.py": "import packaging.tags\n", "p/_vendor/packaging/tags.py": ""},
        {"p/_vendor/packaging/version.py": ["p/_vendor/packaging/tags.py"]},
    ),
    (
        "jvm: a name from elsewhere does not mean the files that have no package",
        {
            "tools/build.gradle": "plugins {}\n",
            "src/a/A.java": "package a;\nimport java.util.Map;\nimport static org.x.Y.z;\nimport B;\n", "src/B.java": "class B {}\n",
        },
        {"src/a/A.java": ["src/B.java"]},
    ),
    (
        "jvm: nor the folder above all",
        {"build.gradle": "plugins {}\n", "src/A.kt": "package a\nimport kotlin.test.Test\n"},
        {},
    ),
    (
        "go: blocks with brackets in their comments, on one line, and none after them",
        {
            "go.mod": "module m\n", "a/a.go": 'package a\n\nimport (\n\t"fmt" // (printing)\n\tb "m/b"\n)\n\nvar x = f(\n\t"m/d",\n)\n',
            "b/b.go": 'package b\n\nimport ("m/c"; "fmt")\n', "c/c.go": 'package c\nimport "m/d"\n', "d/d.go": "package d\n",
        },
        {"a/a.go": ["b/"], "b/b.go": ["c/"], "c/c.go": ["d/"]},
    ),
    (
        "python: two modules of one name, the nearer one is meant",
        {"a/run.py": "import util\n", "a/util.py": "", "b/run.py": "import util\n", "b/util.py": ""},
        {"a/run.py": ["a/util.py"], "b/run.py": ["b/util.py"]},
    ),
    (
        "javascript and typescript: endings, index files, js for ts, workspaces, tsconfig paths, subpath imports",
        {
            "package.json": '{"name": "root", "imports": {"#dep": {"node": "./lib/dep.js"}}}',
            "tsconfig.json": '{// why\n"compilerOptions": {"paths": {"@/*": ["./src/*"],},}}',
            "src/a.ts": ("import x from './b.js'\nimport {\n y } from './c'\nexport * from '@/d'\nconst z = re"
        "quire('#dep')\nimport fs from 'node:fs'"),
            "src/b.ts": "import('../src/e.vue')\nimport './f.css?inline'",
            "src/c/index.tsx": 'import two from "two"\nimport deep from "@s/one/deep"',
            "src/d.d.ts": "",
            "src/e.vue": "",
            "src/f.css": "",
            "lib/dep.js": "",
            "packages/one/package.json": '{"name": "@s/one", "exports": {"./deep": "./in/deep.mjs"}}',
            "packages/one/in/deep.mjs": "",
            "packages/two/package.json": '{"name": "two", "main": "dist/no.js"}',
            "packages/two/src/index.ts": "",
        },
        {
            "src/a.ts": ["lib/dep.js", "src/b.ts", "src/c/index.tsx", "src/d.d.ts"],
            "src/b.ts": ["src/e.vue", "src/f.css"],
            "src/c/index.tsx": ["packages/one/in/deep.mjs", "packages/two/src/index.ts"],
        },
    ),
    (
        "go: packages are folders, the longest module wins",
        {
            "go.mod": "module example.org/m\n",
            "main.go": 'package main\n\nimport (\n\t"fmt"\n\tx "example.org/m/in/x"\n\t"example.org/m/sub/y"\n)\n',
            "in/x/x.go": 'package x\nimport "example.org/m"\n',
            "sub/go.mod": "module example.org/m/sub\n",
            "sub/y/y.go": "package y\n",
        },
        {"main.go": ["in/x/", "sub/y/"], "in/x/x.go": ["/"]},
    ),
    (
        "java and kotlin: classes, static and nested ones, whole packages, functions of a file",
        {
            "src/main/java/a/b/One.java": ("package a.b;\nimport a.c.Two;\nimport static a.c.Two.Inner.x;\nimport java.util.List"
        ";\nimport a.d.*;\n"),
            "src/main/java/a/c/Two.java": "package a.c;\n",
            "src/main/java/a/d/Three.java": "package a.d;\n",
            "src/main/kotlin/k/Four.kt": "package k\nimport a.b.One\nimport a.c.helper\n",
        },
        {
            "src/main/java/a/b/One.java": ["src/main/java/a/c/Two.java", "src/main/java/a/d/"],
            "src/main/kotlin/k/Four.kt": ["src/main/java/a/b/One.java", "src/main/java/a/c/"],
        },
    ),
    (
        "rust: modules, crate paths, groups, super, another crate of the workspace",
        {
            "Cargo.toml": '[workspace]\nmembers = ["one", "two-x"]\n',
            "one/Cargo.toml": '[package]\nname = "one"\n',
            "one/src/lib.rs": "pub mod a;\nmod b;\n",
            "one/src/a.rs": "use crate::b::{self, c::D};\nuse std::fmt;\n",
            "one/src/b/mod.rs": "pub mod c;\nuse two_x::thing::{A, B};\n",
            "one/src/b/c.rs": "use super::super::a;\npub(crate) use super::X;\n",
            "two-x/Cargo.toml": '[package]\nname = "two-x"\n',
            "two-x/src/lib.rs": "pub mod thing;\n",
            "two-x/src/thing.rs": "",
        },
        {
            "one/src/a.rs": ["one/src/b/c.rs", "one/src/b/mod.rs"],
            "one/src/b/c.rs": ["one/src/a.rs", "one/src/b/mod.rs"],
            "one/src/b/mod.rs": ["one/src/b/c.rs", "two-x/src/thing.rs"],
            "one/src/lib.rs": ["one/src/a.rs", "one/src/b/mod.rs"],
            "two-x/src/lib.rs": ["two-x/src/thing.rs"],
        },
    ),
    (
        "php: use, groups, functions, require",
        {
            "src/A.php": ("<?php\nnamespace N;\nuse N\\Sub\\B;\nuse N\\Sub\\{C, D as E};\nuse Other\\Thing;\nre"
        "quire_once __DIR__.'/boot.php';\n"),
            "src/Sub/B.php": "<?php\nnamespace N\\Sub;\n",
            "src/Sub/C.php": "<?php\nnamespace N\\Sub;\n",
            "src/Sub/D.php": "<?php\nnamespace N\\Sub;\n",
            "src/boot.php": "<?php\n",
        },
        {"src/A.php": ["src/Sub/B.php", "src/Sub/C.php", "src/Sub/D.php", "src/boot.php"]},
    ),
    (
        "ruby: relative, from lib, autoload",
        {
            "lib/g.rb": "require 'g/a'\nrequire_relative 'g/b'\nautoload :C, 'g/c'\nrequire 'json'\n",
            "lib/g/a.rb": "", "lib/g/b.rb": "", "lib/g/c.rb": "",
            "test/x_test.rb": "require 'helper'\n", "test/helper.rb": "require 'g'\n",
        },
        {"lib/g.rb": ["lib/g/a.rb", "lib/g/b.rb", "lib/g/c.rb"], "test/helper.rb": ["lib/g.rb"], "test/x_test.rb": ["test/helper.rb"]},
    ),
    (
        "c: beside, below include, by the end of the path, angles only where they can mean ours",
        {
            "src/a.c": ('#include "a.h"\n# include "x/deep.h"\n#include <lib/pub.h>\n#include <stdio.h>\n#inc'
        'lude <own.h>\n'),
            "src/a.h": "", "src/x/deep.h": "", "include/lib/pub.h": "", "include/own.h": "", "other/stdio.h": "",
        },
        {"src/a.c": ["include/lib/pub.h", "include/own.h", "src/a.h", "src/x/deep.h"]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_imports_inside_the_repository_are_found(files: dict[str, str], expected: dict[str, list[str]]) -> None:
    assert edges(files) == expected


@pytest.mark.parametrize(
    ("content", "specs"),
    [
        (b'#include "a.h"\n\t # include\t<b.h>\n#include_next <c.h>\n#import "d.h"\n', ['"a.h', "<b.h", "<c.h", '"d.h']),
        (b'#include "a.h"\n#include <a.h>\n#include "a.h"\n', ['"a.h', "<a.h"]),
        (b'x #include "a.h"\n// #include "b.h"\n## include "c.h"\n', []),
        (b'#include "a.h" #include "b.h"\n#include <\n#include <c.h\n#include "d.h"', ['"a.h', '"d.h']),
    ],
)  # fmt: skip
def test_an_include_begins_its_line(content: bytes, specs: list[str]) -> None:
    assert imports.find("C", content) == specs


@given(st.sampled_from(["Python", "TypeScript", "Go", "Java", "Rust", "PHP", "Ruby", "C"]), st.binary(max_size=300))
def test_any_bytes_are_looked_through_without_an_error(language: str, content: bytes) -> None:
    for prefix in (b"", b"import ", b"from x import (", b"use a::{", b'#include "'):
        assert all(isinstance(spec, str) for spec in imports.find(language, prefix + content))


@pytest.mark.parametrize("spec", ["../../../etc/passwd", "./../../x", "/etc/passwd", "..//..//x"])
def test_a_path_that_leads_out_of_the_repository_is_none(spec: str) -> None:
    assert (
        edges(
            {"a.js": f"import '{spec}'", "b.c": f'#include "{spec}"', "c.rb": f"require_relative '{spec}'", "x": ""}
        )
        == {}
    )
