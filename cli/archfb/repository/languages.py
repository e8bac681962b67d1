"""Which language a file is in, by name, first line and a few marks in its text, named as GitHub names them."""

from __future__ import annotations

import re
from functools import lru_cache

# One language a line: name, type (p programming, m markup, d data, t prose), then extensions; "=name" is a whole file
# name, "#!name" an interpreter; two blanks at the start go on with the line above. Only programming and markup count
# in the shares.
_TABLE = """\
ActionScript p as
Ada p adb ads
Agda p agda
ANTLR p g4
Apex p cls
AppleScript p applescript scpt
AsciiDoc t adoc asciidoc asc
Assembly p asm s S nasm a51
Astro m astro
Awk p awk gawk mawk #!awk #!gawk #!mawk
Batchfile p bat cmd
Bicep p bicep
BitBake p bb bbappend bbclass
Blade m blade
C p c h cats idc
C# p cs csx cake
C++ p cpp cc cxx c++ hpp hh hxx h++ inl ipp tcc tpp ixx cppm
CMake p cmake =CMakeLists.txt
COBOL p cob cbl cobol ccp
CSS m css
CSV d csv
Cap'n Proto p capnp
Clojure p clj cljc cljs cljx edn boot
CoffeeScript p coffee cson =Cakefile
Common Lisp p lisp lsp asd cl #!sbcl
Crystal p cr
Cuda p cu cuh
Cython p pyx pxd pxi
D p d di
Dart p dart
Dhall p dhall
Diff d diff patch
Dockerfile p dockerfile containerfile =Dockerfile =Containerfile
EJS m ejs
Elixir p ex exs =mix.lock
Elm p elm
Emacs Lisp p el emacs
Erlang p erl hrl escript xrl yrl =rebar.config #!escript
F# p fs fsi fsx
Fish p fish #!fish
Fortran p f f77 for fpp
Fortran Free Form p f90 f95 f03 f08
FreeMarker p ftl
GDScript p gd
GLSL p glsl vert frag geom comp vsh fsh glslv fshader vshader
Gettext Catalog t po pot
Gherkin p feature
Git Config d gitconfig =.gitconfig =.gitmodules
Go p go
Go Checksums d =go.sum =go.work.sum
Go Module d =go.mod
Go Workspace d =go.work
GraphQL d graphql gql graphqls
Groovy p groovy grt gtpl gvy gradle =Jenkinsfile #!groovy
HCL p hcl tf tfvars nomad workflow
HLSL p hlsl fx fxh hlsli cginc
HTML m html htm xhtml erb rhtml eex heex leex phtml cshtml razor
Hack p hack hh.php
Haml m haml
Handlebars m handlebars hbs
Haskell p hs hs-boot hsc #!runhaskell
Haxe p hx hxsl
INI d ini cfg prefs properties lektorproject =.editorconfig =.flake8 =.pylintrc
Ignore List d gitignore dockerignore npmignore eslintignore prettierignore =.gitignore =.dockerignore
  =.npmignore
JSON d json jsonl webmanifest geojson topojson har avsc tfstate mcmeta jsonld =.prettierrc =composer.lock
  =Pipfile.lock =flake.lock
JSON with Comments d jsonc code-workspace code-snippets =tsconfig.json =jsconfig.json =.eslintrc.json
  =devcontainer.json
JSON5 d json5
Java p java jav jsh
Java Server Pages p jsp tag
JavaScript p js mjs cjs es6 jsx jsm bones njs pac sjs ssjs xsjs jake frag.js =Jakefile #!node #!nodejs #!deno
Jinja m j2 jinja jinja2
Jsonnet p jsonnet libsonnet
Julia p jl #!julia
Jupyter Notebook m ipynb
Just p just =justfile =Justfile =.justfile
KiCad Layout d kicad_pcb
Kotlin p kt kts ktm
LLVM p ll
Lean p lean
Less m less
Lex p l lex
Liquid m liquid
Linker Script p ld lds
Lua p lua luau rockspec nse #!lua
M4 p m4 ac =configure.ac =configure.in
MATLAB p matlab
MDX m mdx
MLIR p mlir
Makefile p mk mak make makefile am =Makefile =makefile =GNUmakefile =Makefile.am =Makefile.in =BSDmakefile
  =Kbuild #!make
Markdown t md markdown mdown mkd mkdn livemd ronn scd =contents.lr
Mermaid m mermaid mmd
Meson p =meson.build =meson_options.txt
Mojo p mojo
Mustache m mustache
NASL p nasl
Nginx p nginx nginxconf vhost =nginx.conf
Nim p nim nimble nims nimrod
Nix p nix
Nunjucks m njk
OCaml p ml mli mll mly eliom #!ocaml
Objective-C p m
Objective-C++ p mm
Open Policy Agent p rego
OpenCL p opencl
OpenSCAD p scad
PHP p php php3 php4 php5 phps phpt ctp aw fcgi php_cs =.php_cs =.php-cs-fixer.php #!php
PLSQL p pls plsql pkb pks plb
PLpgSQL p pgsql
Pascal p pas dpr dfm lpr pascal
Perl p pl pm perl ph plx psgi al t cgi =cpanfile =Makefile.PL #!perl
Pickle d pkl
PlantUML d puml plantuml iuml
PostCSS m pcss postcss
PowerShell p ps1 psm1 psd1 #!pwsh
Prolog p prolog yap pro
Protocol Buffer d proto
Pug m pug jade
Puppet p pp
PureScript p purs
Python p py pyi pyw py3 pyde gyp gypi wsgi bzl bazel star rpy sage xpy cgi.py =SConstruct =SConscript =wscript
  =BUILD =BUILD.bazel =WORKSPACE =Snakefile #!python #!python2 #!python3 #!pypy3
QML p qml qbs
R p r R rd rsx =.Rprofile #!Rscript
RPM Spec d spec
Racket p rkt rktd rktl scrbl
Raku p raku rakumod rakutest p6 pl6 pm6
ReScript p res resi
Reason p re rei
Rich Text Format m rtf
Roff m 1 2 3 4 5 6 7 8 9 man mdoc me ms roff troff nroff 1in 3pm
Ruby p rb ru rake gemspec builder rbi jbuilder podspec rabl rbuild rbw rbx thor watchr eye god mspec pluginspec
  prawn =Gemfile =Rakefile =Guardfile =Capfile =Vagrantfile =Podfile =Thorfile =Brewfile =Fastfile =Berksfile
  =Dangerfile =.irbrc =.pryrc =.simplecov =Steepfile =Puppetfile #!ruby #!jruby #!rbx
Rust p rs rs.in
SCSS m scss
SQL d sql ddl prc udf viw cql tab
SVG d svg
Sass m sass
Scala p scala sc sbt kojo #!scala
Scheme p scm ss sld sls sps #!guile
Shell p sh bash zsh ksh bats command tmux zsh-theme sh.in ebuild eclass =.bashrc =.bash_profile =.profile
  =.zshrc =.envrc =PKGBUILD =APKBUILD =gradlew =mvnw #!sh #!bash #!zsh #!dash #!ksh #!ash #!bats
Slim m slim
Smali p smali
Smarty p tpl
Solidity p sol
Squirrel p nut
Starlark p starlark
Stylus m styl
SubRip Text d srt
Svelte m svelte
Swift p swift
SystemVerilog p sv svh vh
TLA p tla
TOML d toml =Cargo.lock =Gopkg.lock =poetry.lock =uv.lock =Pipfile =pdm.lock
TSV d tsv
Tcl p tcl adp tm sdc xdc #!tclsh #!wish
TeX m tex sty bib cls.tex ltx dtx ins aux bbx cbx toc mkii mkiv
Terra p terra
Text t txt fr nb ncl no =LICENSE =README =COPYING =INSTALL =AUTHORS =NEWS =CODEOWNERS
Textile t textile
Thrift p thrift
Twig m twig
TypeScript p ts tsx mts cts
Typst p typ
UnrealScript p uc
V p vv vsh
VBA p bas frm vba
VHDL p vhd vhdl vhf vhi vho
Vala p vala vapi
Verilog p v veo
Vim Script p vim vmb vimrc =.vimrc =_vimrc =vimrc =.exrc
Visual Basic .NET p vb vbhtml
Vue m vue
WebAssembly p wat wast
WGSL p wgsl
XML d xml xsd wsdl csproj vbproj fsproj vcxproj props targets plist xib storyboard iml rss rdf resx xaml xlf
  xliff ui nuspec config tld jelly wxs wxi ditamap dita pom xmi xul xproj sfproj shproj proj launch mxml ant
  ivy jnlp filters =pom.xml =packages.config
XSLT p xsl xslt
Xtend p xtend
YAML d yml yaml mir sublime-syntax syntax yaml-tmlanguage cff =.clang-format =.clang-tidy =pnpm-lock.yaml
  =yarn.lock =.clangd =glide.lock
Yacc p y yacc yy
Zig p zig zon
jq p jq =.jq
reStructuredText t rst rest
wisp p wisp
"""
_TYPES = {"p": "programming", "m": "markup", "d": "data", "t": "prose"}


def _read_table() -> tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]:
    extensions: dict[str, str] = {}
    names: dict[str, str] = {}
    interpreters: dict[str, str] = {}
    types: dict[str, str] = {}
    for line in _TABLE.replace("\n  ", " ").splitlines():
        name, kind, marks = re.split(r" ([pmdt]) ", line, maxsplit=1)
        types[name] = _TYPES[kind]
        for mark in marks.split():
            if mark.startswith("#!"):
                interpreters[mark[2:]] = name
            elif mark.startswith("="):
                names[mark[1:]] = name
            else:
                extensions.setdefault(mark, name)
    return extensions, names, interpreters, types


_EXTENSIONS, _NAMES, _INTERPRETERS, TYPES = _read_table()
WHOLE_NAMES = frozenset(_NAMES)
_BY_FOLDED_NAME = {name.lower(): language for name, language in _NAMES.items()}
# Extensions that several languages share are settled by looking into the file.
AMBIGUOUS = frozenset(
    {
        "h",
        "m",
        "ts",
        "inc",
        "pl",
        "pm",
        "t",
        "cls",
        "v",
        "d",
        "fs",
        "s",
        "l",
        "pro",
        "rs",
        "cgi",
        "in",
        "res",
        "config",
        "re",
    }
)


@lru_cache(maxsize=4096)
def _by_extension(extension: str) -> str | None:
    return _EXTENSIONS.get(extension) or _EXTENSIONS.get(extension.lower())


def by_name(name: str) -> str | None:
    """Return the language that a file's name tells, None where only its text can."""
    known = _NAMES.get(name)
    if known is not None:
        return known
    _, dot, extension = name.rpartition(".")
    if dot:
        if extension in ("in", "dist", "example", "sample", "tmpl"):
            return by_name(name[: -len(extension) - 1])
        found = _by_extension(extension)
        if found is not None:
            return found
    folded = _BY_FOLDED_NAME.get(name.lower())
    return folded if folded is not None else _by_prefix(name)


def _by_prefix(name: str) -> str | None:
    if name.startswith(("Dockerfile.", "Containerfile.")):
        return "Dockerfile"
    if name.startswith(("Makefile.", "GNUmakefile.")):
        return "Makefile"
    return None


_SHEBANG = re.compile(rb"#!\s*(\S+)(?:[ \t]+(?:-\S+[ \t]+){0,5}+([^\s=]+))?")
_MODELINE = re.compile(rb"-\*-[ \t]*(?:.*mode:[ \t]*)?([A-Za-z+#-]+)")
_MODES = {
    b"c++": "C++",
    b"python": "Python",
    b"ruby": "Ruby",
    b"perl": "Perl",
    b"sh": "Shell",
    b"tcl": "Tcl",
    b"cperl": "Perl",
}


def by_shebang(head: bytes) -> str | None:
    """Return the language of the interpreter in the first line, None where there is none known."""
    if not head.startswith(b"#!"):
        return None
    found = _SHEBANG.match(head)
    if found is None:
        return None
    program = found[1].rpartition(b"/")[2]
    if program == b"env" and found[2]:
        program = found[2].rpartition(b"/")[2]
    name = program.decode("ascii", "replace")
    return _INTERPRETERS.get(name) or _INTERPRETERS.get(name.rstrip("0123456789."))


_OBJECTIVE_C = re.compile(rb"(?m)^[ \t]*(?:@(?:interface|class|protocol|property|end|implementation)\b|#import[ \t])")
_CPP = re.compile(
    rb"(?m)^[ \t]*(?:template[ \t]*<|(?:public|private|protected):|class[ \t]+\w+|(?:using[ \t]+)?namespace[ \t]+\w+"
    rb"|constexpr\b|catch[ \t]*\(|try\b"
    rb"|#[ \t]*include[ \t]*<(?:cstdint|string|vector|map|list|array|set|memory|functional|utility|algorithm"
    rb"|[io]?o?stream|iostream|unordered_\w+|string_view|optional)>)|\bstd::\w"
)
_MARKS: dict[str, tuple[tuple[str, re.Pattern[bytes]], ...]] = {
    "h": (("Objective-C", _OBJECTIVE_C), ("C++", _CPP)),
    "m": (
        ("Objective-C", _OBJECTIVE_C),
        ("MATLAB", re.compile(rb"(?m)^[ \t]*(?:%|function\b)")),
    ),
    "ts": (("XML", re.compile(rb"\A\s*(?:<\?xml|<!DOCTYPE TS|<TS\b)")),),
    "inc": (
        ("PHP", re.compile(rb"<\?php")),
        ("C++", _CPP),
        ("C", re.compile(rb"(?m)^[ \t]*(?:#[ \t]*(?:include|define|if|ifdef|ifndef)\b|/\*|//|static\b|\{)")),
        ("BitBake", re.compile(rb"(?m)^[A-Z_]+[ \t]*[?+:]*=")),
    ),
    "pl": (("Prolog", re.compile(rb"(?m)^[^#\n]*:-")), ("Raku", re.compile(rb"(?m)^[ \t]*use v6"))),
    "t": (
        ("Raku", re.compile(rb"(?m)^[ \t]*use v6")),
        ("Turing", re.compile(rb"(?m)^[ \t]*(?:var|const)\s+\w+\s*:=")),
    ),
    "cls": (
        ("TeX", re.compile(rb"(?m)^[ \t]*\\(?:Needs|Provides|document)")),
        ("VBA", re.compile(rb"(?m)^VERSION \d")),
    ),
    "v": (
        ("Coq", re.compile(rb"(?m)^[ \t]*(?:Require|Theorem|Lemma|Definition|Proof)\b")),
        ("V", re.compile(rb"(?m)^(?:pub )?fn \w")),
    ),
    "d": (("Makefile", re.compile(rb"(?m)^[\w./-]+(?:\.o|\.lo)?[ \t]*:[ \t]")),),
    "rs": (("XML", re.compile(rb"\A\s*<\?xml")), ("RenderScript", re.compile(rb"(?m)^#pragma\s+(?:rs|version)"))),
    "l": (
        ("Lex", re.compile(rb"(?m)^%(?:[%{}]|option\b)")),
        ("Common Lisp", re.compile(rb"(?m)^[ \t]*\((?:def|in-package|in-module)")),
        ("Roff", re.compile(rb"(?m)^\.(?:TH|SH|\\\")")),
    ),
    "cgi": (("Shell", re.compile(rb"\A#!.*sh\b")), ("Python", re.compile(rb"\A#!.*python"))),
    "res": (("XML", re.compile(rb"\A\s*<\?xml")),),
    "config": (("XML", re.compile(rb"\A\s*<")),),
}
_LOOKED_AT = 65_536
_FALLBACK: dict[str, str | None] = {
    "inc": None,
    "config": None,
    "in": None,
    "pro": None,
    "m": "Objective-C",
    "d": "D",
    "l": "Lex",
}


def by_text(name: str, named: str | None, head: bytes) -> str | None:
    """Return the language of a file given what its name tells and its first bytes."""
    extension = name.rpartition(".")[2].lower()
    if extension not in AMBIGUOUS:
        return named or by_shebang(head) or _by_modeline(head)
    head = head[:_LOOKED_AT]
    for language, pattern in _MARKS.get(extension, ()):
        if pattern.search(head):
            return language
    return _FALLBACK.get(extension, named)


def _by_modeline(head: bytes) -> str | None:
    found = _MODELINE.search(head, 0, 300)
    return _MODES.get(found[1].lower()) if found else None


def counts(language: str | None) -> bool:
    """Return whether the language counts in the shares (programming and markup do; data and prose do not)."""
    return language is not None and TYPES.get(language) in ("programming", "markup")
