"""Which names, extensions and interpreters belong to which language, named as GitHub names them."""

from __future__ import annotations

# One language a line: type (p programming, m markup, d data, t prose), name, and its marks: extensions, "=name" for a
# whole file name, "#!name" for an interpreter; two blanks at the start go on with the line above. Of two languages
# that claim a mark the first has it. Only programming and markup count in the shares.
TABLE = """\
p ABAP: abap
p ActionScript: as
p Ada: adb ads
p Agda: agda
p ANTLR: g4
p Apex: cls
p AppleScript: applescript scpt
t AsciiDoc: adoc asciidoc asc
p ASP.NET: aspx ascx ashx asmx asax axd
p Assembly: asm s S nasm a51
m Astro: astro
p AutoHotkey: ahk ahkl
p Awk: awk gawk mawk #!awk #!gawk #!mawk
p Ballerina: bal
p Batchfile: bat cmd
p Bicep: bicep
p Bison: bison
p BitBake: bb bbappend bbclass
m Blade: blade blade.php
p Brainfuck: bf
p C: c h cats idc
p C#: cs csx cake
p C++: cpp cc cxx c++ cp ino hpp hh hxx h++ inl ipp tcc tpp ixx cppm
p Cap'n Proto: capnp
p Clojure: clj cljc cljs cljx boot
p CMake: cmake cmake.in =CMakeLists.txt
p COBOL: cob cbl cobol ccp
p CodeQL: ql qll
p CoffeeScript: coffee =Cakefile #!coffee
p ColdFusion: cfm cfml
p Common Lisp: lisp lsp asd cl #!sbcl
p Common Workflow Language: cwl
p Crystal: cr #!crystal
m CSS: css sss
d CSV: csv
p Cuda: cu cuh
p CUE: cue
p Cython: pyx pxd pxi
p D: d di
p Dart: dart #!dart
p Dhall: dhall
d Diff: diff patch
p DIGITAL Command Language: com
p Dockerfile: dockerfile containerfile =Dockerfile =Containerfile
p DTrace: #!dtrace
p Earthly: =Earthfile
d edn: edn
m EJS: ejs
p Elixir: ex exs =mix.lock #!elixir
p Elm: elm
p Emacs Lisp: el emacs
p Erlang: erl hrl escript xrl yrl =rebar.config #!escript
p F#: fs fsi fsx
p F*: fst fsti
p Factor: factor
p Fennel: fnl #!fennel
p Fish: fish #!fish
p Forth: fth 4th forth
p Fortran Free Form: f90 f95 f03 f08
p Fortran: f f77 for fpp
p FreeMarker: ftl
p GDScript: gd
t Gettext Catalog: po pot
p Gherkin: feature
d Git Config: gitconfig =.gitconfig =.gitmodules
p Gleam: gleam
p GLSL: glsl vert frag geom comp vsh fsh glslv fshader vshader
p Gnuplot: gp gnu gnuplot plt #!gnuplot
d Go Checksums: =go.sum =go.work.sum
d Go Module: =go.mod
p Go: go
d Go Workspace: =go.work
d GraphQL: graphql gql graphqls
p Groovy: groovy grt gtpl gvy gradle =Jenkinsfile #!groovy
p Hack: hack hh.php
m Haml: haml
m Handlebars: handlebars hbs
p Haskell: hs hs-boot hsc #!runhaskell
p Haxe: hx hxsl
p HCL: hcl tf tfvars nomad workflow
p HLSL: hlsl fx fxh hlsli cginc
m HTML: html htm xhtml erb rhtml eex heex leex phtml cshtml razor
p Hy: hy #!hy
d Ignore List: gitignore dockerignore npmignore eslintignore prettierignore =.gitignore =.dockerignore =.npmignore
d INI: ini cfg prefs properties lektorproject =.editorconfig =.flake8 =.pylintrc
p Inno Setup: iss isl
p Janet: janet #!janet
p Java: java jav jsh
p Java Server Pages: jsp tag
p JavaScript: js mjs cjs es es6 jsx jsm bones njs pac sjs ssjs xsjs jake frag.js =Jakefile #!node #!nodejs #!deno
  #!bun #!qjs #!gjs #!d8
p JFlex: flex jflex
m Jinja: j2 jinja jinja2
p jq: jq =.jq
d JSON: json jsonl webmanifest geojson topojson har avsc tfstate mcmeta jsonld =.prettierrc =composer.lock
  =Pipfile.lock =flake.lock
d JSON with Comments: jsonc code-workspace code-snippets =tsconfig.json =jsconfig.json =.eslintrc.json
  =devcontainer.json
d JSON5: json5
p Jsonnet: jsonnet libsonnet
p Julia: jl #!julia
m Jupyter Notebook: ipynb
p Just: just =justfile =Justfile =.justfile
d KiCad Layout: kicad_pcb
p Kotlin: kt kts ktm
p Lean: lean
m Less: less
p Lex: l lex =lexer.x =Lexer.x
d Linker Script: ld lds
m Liquid: liquid
p Literate CoffeeScript: litcoffee
p Literate Haskell: lhs
p LiveScript: ls
p LLVM: ll
p Lua: lua luau rockspec nse p8 wlua =.luacheckrc #!lua
p M4: m4 ac =configure.ac =configure.in
p Makefile: mk mak make makefile mkfile am =Makefile =makefile =GNUmakefile =Makefile.am =Makefile.in =BSDmakefile
  =Kbuild #!make
p Mako: mako mao
t Markdown: md mdx markdown mdown mkd mkdn livemd ronn scd =contents.lr
p MATLAB: matlab
m Mermaid: mermaid mmd
p Meson: =meson.build =meson_options.txt
p Metal: metal
p MLIR: mlir
p Modelica: mo
p Mojo: mojo
p MoonScript: moon #!moon
p Move: move
m Mustache: mustache
p NASL: nasl
p NetLogo: nlogo
p Nextflow: nf #!nextflow
d Nginx: nginx nginxconf vhost =nginx.conf
p Nim: nim nimble nims nimrod
p Nix: nix
p NSIS: nsi nsh
p Nu: nu #!nush
m Nunjucks: njk
p Objective-C: m
p Objective-C++: mm
p OCaml: ml mli mll mly eliom #!ocaml
p Odin: odin
p Open Policy Agent: rego
p OpenCL: opencl
p OpenSCAD: scad
p Pascal: pas dpr dfm lpr pascal
p PEG.js: pegjs
p Perl: pl pm perl ph plx psgi al t cgi =cpanfile =Makefile.PL #!perl
p PHP: php php3 php4 php5 phps phpt ctp aw fcgi php_cs =.php_cs =.php-cs-fixer.php #!php
d Pickle: pkl
p Pike: pike pmod #!pike
d PlantUML: puml plantuml iuml
p PLpgSQL: pgsql
p PLSQL: pls plsql pkb pks plb
p Pony: pony
m PostCSS: pcss postcss
m PostScript: ps eps epsi pfa
p PowerShell: ps1 psm1 psd1 #!pwsh
p Processing: pde
p Procfile: =Procfile
p Prolog: prolog yap pro
d Protocol Buffer: proto
m Pug: pug jade
p Puppet: pp
p PureScript: purs
p Python: py pyi pyw py3 pyde gyp gypi wsgi rpy sage xpy smk tac cgi.py =SConstruct =SConscript =wscript =DEPS
  =.gclient =Snakefile #!python #!python2 #!python3 #!pypy3
p QMake: pri #!qmake
p QML: qml qbs
p R: r R rd rsx =.Rprofile #!Rscript
p Racket: rkt rktd rktl scrbl #!racket
p Ragel: rl
p Raku: raku rakumod rakutest p6 pl6 pm6
p Reason: re rei
p Red: red reds
p ReScript: res resi
t reStructuredText: rst rest
p REXX: rexx rex #!rexx
m Rich Text Format: rtf
p RobotFramework: robot resource
m Roff: 1 2 3 4 5 6 7 8 9 man mdoc me ms roff troff nroff 1in 3pm
d RPM Spec: spec
p Ruby: rb ru rake gemspec builder rbi jbuilder podspec rabl rbuild rbw rbx thor watchr eye god mspec pluginspec prawn
  =Gemfile =Rakefile =Guardfile =Capfile =Vagrantfile =Podfile =Thorfile =Brewfile =Fastfile =Berksfile =Dangerfile
  =Appraisals =Buildfile =Deliverfile =Snapfile =Jarfile =.irbrc =.pryrc =.simplecov =Steepfile =Puppetfile #!ruby
  #!jruby #!rbx #!macruby #!rake
p Rust: rs rs.in
p SAS: sas
m Sass: sass
p Scala: scala sc sbt kojo #!scala
p Scheme: scm ss sld sls sps #!guile
m SCSS: scss
p sed: sed #!sed #!gsed
p ShaderLab: shader
p Shell: sh bash zsh ksh bats command tmux zsh-theme sh.in ebuild eclass =.bashrc =.bash_profile =.profile =.zshrc
  =.envrc =PKGBUILD =APKBUILD =gradlew =mvnw =.zshenv =.zprofile =.zlogin =.zlogout =.bash_aliases =.bash_logout
  =bashrc =zshrc =zshenv =profile =bash_profile #!sh #!bash #!zsh #!dash #!ksh #!mksh #!ash #!bats #!rc
m Slim: slim
p Smali: smali
p Smalltalk: st
p Smarty: tpl
p SMT: smt2 smt #!z3
p Solidity: sol
p SourcePawn: sp
d SQL: sql ddl prc udf viw cql tab
p SQLPL: db2
p Squirrel: nut
p Stan: stan
p Standard ML: sml fun sig
p Starlark: starlark bzl bazel star =BUILD =BUILD.bazel =WORKSPACE =BUCK =Tiltfile
p Stata: do ado
m Stylus: styl
d SubRip Text: srt
p SuperCollider: #!sclang
m Svelte: svelte
d SVG: svg
p Swift: swift
p SWIG: i
p SystemVerilog: sv svh vh
p Tcl: tcl tcl.in adp tm sdc xdc #!tclsh #!wish
p Tcsh: tcsh csh =.cshrc #!tcsh #!csh
p Terra: terra
m TeX: tex sty bib cls.tex ltx dtx ins aux bbx cbx toc mkii mkiv
t Text: txt fr nb ncl no =LICENSE =README =COPYING =INSTALL =AUTHORS =NEWS =CODEOWNERS
t Textile: textile
p Thrift: thrift
p TLA: tla
d TOML: toml =Cargo.lock =Gopkg.lock =poetry.lock =uv.lock =Pipfile =pdm.lock
p TSQL: tsql
d TSV: tsv
m Twig: twig
p TypeScript: ts tsx mts cts #!ts-node #!tsx
p Typst: typ
p UnrealScript: uc
p V: vv vsh
p Vala: vala vapi
p VBA: bas frm vba
p VBScript: vbs
p VCL: vcl
p Verilog: v veo
p VHDL: vhd vhdl vhf vhi vho
p Vim Script: vim vmb vimrc =.vimrc =_vimrc =vimrc =.exrc
m Vim Snippet: snip snippet snippets
p Visual Basic .NET: vb vbhtml
m Vue: vue
p Vyper: vy
p WebAssembly: wat wast
p WebIDL: webidl
p WGSL: wgsl
p wisp: wisp
d XML: xml xsd wsdl csproj vbproj fsproj vcxproj props targets plist xib storyboard iml rss rdf resx xaml xlf xliff ui
  nuspec config tld jelly wxs wxi ditamap dita pom xmi xul xproj sfproj shproj proj launch mxml ant ivy jnlp filters
  =pom.xml =packages.config
p Xonsh: xsh
p XQuery: xquery xq xqm xqy
p XSLT: xsl xslt
p Xtend: xtend
p Yacc: y yacc yy
d YAML: yml yaml mir sublime-syntax syntax yaml-tmlanguage cff =.clang-format =.clang-tidy =pnpm-lock.yaml =yarn.lock
  =.clangd =glide.lock
p YARA: yar yara
p Zeek: zeek bro
p Zephir: zep
p Zig: zig zon
p Zimpl: zimpl zmpl
"""
