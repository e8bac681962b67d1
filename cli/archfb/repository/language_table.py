"""Which names, extensions and interpreters belong to which language, named as GitHub names them."""

from __future__ import annotations

# One language a line: name, type (p programming, m markup, d data, t prose), extensions, and after " / " what is a
# whole file name, "=name", or an interpreter, "#!name"; two blanks at the start go on with the line above. Only
# programming and markup count in the shares.
TABLE = """\
ABAP p abap
ActionScript p as
Ada p adb ads
Agda p agda
ANTLR p g4
Apex p cls
AppleScript p applescript scpt
AsciiDoc t adoc asciidoc asc
ASP.NET p aspx ascx ashx asmx asax axd
Assembly p asm s S nasm a51
Astro m astro
AutoHotkey p ahk ahkl
Awk p awk gawk mawk / #!awk #!gawk #!mawk
Ballerina p bal
Batchfile p bat cmd
Bicep p bicep
Bison p bison
BitBake p bb bbappend bbclass
Blade m blade blade.php
Brainfuck p bf
C p c h cats idc
C# p cs csx cake
C++ p cpp cc cxx c++ cp ino hpp hh hxx h++ inl ipp tcc tpp ixx cppm
Cap'n Proto p capnp
Clojure p clj cljc cljs cljx boot
CMake p cmake cmake.in / =CMakeLists.txt
COBOL p cob cbl cobol ccp
CodeQL p ql qll
CoffeeScript p coffee / =Cakefile #!coffee
ColdFusion p cfm cfml
Common Lisp p lisp lsp asd cl / #!sbcl
Common Workflow Language p cwl
Crystal p cr / #!crystal
CSS m css sss
CSV d csv
Cuda p cu cuh
CUE p cue
Cython p pyx pxd pxi
D p d di
Dart p dart / #!dart
Dhall p dhall
Diff d diff patch
DIGITAL Command Language p com
Dockerfile p dockerfile containerfile / =Dockerfile =Containerfile
DTrace p / #!dtrace
Earthly p / =Earthfile
edn d edn
EJS m ejs
Elixir p ex exs / =mix.lock #!elixir
Elm p elm
Emacs Lisp p el emacs
Erlang p erl hrl escript xrl yrl / =rebar.config #!escript
F# p fs fsi fsx
F* p fst fsti
Factor p factor
Fennel p fnl / #!fennel
Fish p fish / #!fish
Forth p fth 4th forth
Fortran Free Form p f90 f95 f03 f08
Fortran p f f77 for fpp
FreeMarker p ftl
GDScript p gd
Gettext Catalog t po pot
Gherkin p feature
Git Config d gitconfig / =.gitconfig =.gitmodules
Gleam p gleam
GLSL p glsl vert frag geom comp vsh fsh glslv fshader vshader
Gnuplot p gp gnu gnuplot plt / #!gnuplot
Go Checksums d / =go.sum =go.work.sum
Go Module d / =go.mod
Go p go
Go Workspace d / =go.work
GraphQL d graphql gql graphqls
Groovy p groovy grt gtpl gvy gradle / =Jenkinsfile #!groovy
Hack p hack hh.php
Haml m haml
Handlebars m handlebars hbs
Haskell p hs hs-boot hsc / #!runhaskell
Haxe p hx hxsl
HCL p hcl tf tfvars nomad workflow
HLSL p hlsl fx fxh hlsli cginc
HTML m html htm xhtml erb rhtml eex heex leex phtml cshtml razor
Hy p hy / #!hy
Ignore List d gitignore dockerignore npmignore eslintignore prettierignore / =.gitignore =.dockerignore =.npmignore
INI d ini cfg prefs properties lektorproject / =.editorconfig =.flake8 =.pylintrc
Inno Setup p iss isl
Janet p janet / #!janet
Java p java jav jsh
Java Server Pages p jsp tag
JavaScript p js mjs cjs es es6 jsx jsm bones njs pac sjs ssjs xsjs jake frag.js / =Jakefile #!node #!nodejs #!deno
  #!bun #!qjs #!gjs #!d8
JFlex p flex jflex
Jinja m j2 jinja jinja2
jq p jq / =.jq
JSON d json jsonl webmanifest geojson topojson har avsc tfstate mcmeta jsonld / =.prettierrc =composer.lock
  =Pipfile.lock =flake.lock
JSON with Comments d jsonc code-workspace code-snippets / =tsconfig.json =jsconfig.json =.eslintrc.json
  =devcontainer.json
JSON5 d json5
Jsonnet p jsonnet libsonnet
Julia p jl / #!julia
Jupyter Notebook m ipynb
Just p just / =justfile =Justfile =.justfile
KiCad Layout d kicad_pcb
Kotlin p kt kts ktm
Lean p lean
Less m less
Lex p l lex / =lexer.x =Lexer.x
Linker Script d ld lds
Liquid m liquid
Literate CoffeeScript p litcoffee
Literate Haskell p lhs
LiveScript p ls
LLVM p ll
Lua p lua luau rockspec nse p8 wlua / =.luacheckrc #!lua
M4 p m4 ac / =configure.ac =configure.in
Makefile p mk mak make makefile mkfile am / =Makefile =makefile =GNUmakefile =Makefile.am =Makefile.in =BSDmakefile
  =Kbuild #!make
Mako p mako mao
Markdown t md mdx markdown mdown mkd mkdn livemd ronn scd / =contents.lr
MATLAB p matlab
Mermaid m mermaid mmd
Meson p / =meson.build =meson_options.txt
Metal p metal
MLIR p mlir
Modelica p mo
Mojo p mojo
MoonScript p moon / #!moon
Move p move
Mustache m mustache
NASL p nasl
NetLogo p nlogo
Nextflow p nf / #!nextflow
Nginx d nginx nginxconf vhost / =nginx.conf
Nim p nim nimble nims nimrod
Nix p nix
NSIS p nsi nsh
Nu p nu / #!nush
Nunjucks m njk
Objective-C p m
Objective-C++ p mm
OCaml p ml mli mll mly eliom / #!ocaml
Odin p odin
Open Policy Agent p rego
OpenCL p opencl
OpenSCAD p scad
Pascal p pas dpr dfm lpr pascal
PEG.js p pegjs
Perl p pl pm perl ph plx psgi al t cgi / =cpanfile =Makefile.PL #!perl
PHP p php php3 php4 php5 phps phpt ctp aw fcgi php_cs / =.php_cs =.php-cs-fixer.php #!php
Pickle d pkl
Pike p pike pmod / #!pike
PlantUML d puml plantuml iuml
PLpgSQL p pgsql
PLSQL p pls plsql pkb pks plb
Pony p pony
PostCSS m pcss postcss
PostScript m ps eps epsi pfa
PowerShell p ps1 psm1 psd1 / #!pwsh
Processing p pde
Procfile p / =Procfile
Prolog p prolog yap pro
Protocol Buffer d proto
Pug m pug jade
Puppet p pp
PureScript p purs
Python p py pyi pyw py3 pyde gyp gypi wsgi rpy sage xpy smk tac cgi.py / =SConstruct =SConscript =wscript =DEPS
  =.gclient =Snakefile #!python #!python2 #!python3 #!pypy3
QMake p pri / #!qmake
QML p qml qbs
R p r R rd rsx / =.Rprofile #!Rscript
Racket p rkt rktd rktl scrbl / #!racket
Ragel p rl
Raku p raku rakumod rakutest p6 pl6 pm6
Reason p re rei
Red p red reds
ReScript p res resi
reStructuredText t rst rest
REXX p rexx rex / #!rexx
Rich Text Format m rtf
RobotFramework p robot resource
Roff m 1 2 3 4 5 6 7 8 9 man mdoc me ms roff troff nroff 1in 3pm
RPM Spec d spec
Ruby p rb ru rake gemspec builder rbi jbuilder podspec rabl rbuild rbw rbx thor watchr eye god mspec pluginspec prawn
  / =Gemfile =Rakefile =Guardfile =Capfile =Vagrantfile =Podfile =Thorfile =Brewfile =Fastfile =Berksfile =Dangerfile
  =Appraisals =Buildfile =Deliverfile =Snapfile =Jarfile =.irbrc =.pryrc =.simplecov =Steepfile =Puppetfile #!ruby
  #!jruby #!rbx #!macruby #!rake
Rust p rs rs.in
SAS p sas
Sass m sass
Scala p scala sc sbt kojo / #!scala
Scheme p scm ss sld sls sps / #!guile
SCSS m scss
sed p sed / #!sed #!gsed
ShaderLab p shader
Shell p sh bash zsh ksh bats command tmux zsh-theme sh.in ebuild eclass / =.bashrc =.bash_profile =.profile =.zshrc
  =.envrc =PKGBUILD =APKBUILD =gradlew =mvnw =.zshenv =.zprofile =.zlogin =.zlogout =.bash_aliases =.bash_logout
  =bashrc =zshrc =zshenv =profile =bash_profile #!sh #!bash #!zsh #!dash #!ksh #!mksh #!ash #!bats #!rc
Slim m slim
Smali p smali
Smalltalk p st
Smarty p tpl
SMT p smt2 smt / #!z3
Solidity p sol
SourcePawn p sp
SQL d sql ddl prc udf viw cql tab
SQLPL p db2
Squirrel p nut
Stan p stan
Standard ML p sml fun sig
Starlark p starlark bzl bazel star / =BUILD =BUILD.bazel =WORKSPACE =BUCK =Tiltfile
Stata p do ado
Stylus m styl
SubRip Text d srt
SuperCollider p / #!sclang
Svelte m svelte
SVG d svg
Swift p swift
SWIG p i
SystemVerilog p sv svh vh
Tcl p tcl tcl.in adp tm sdc xdc / #!tclsh #!wish
Tcsh p tcsh csh / =.cshrc #!tcsh #!csh
Terra p terra
TeX m tex sty bib cls.tex ltx dtx ins aux bbx cbx toc mkii mkiv
Text t txt fr nb ncl no / =LICENSE =README =COPYING =INSTALL =AUTHORS =NEWS =CODEOWNERS
Textile t textile
Thrift p thrift
TLA p tla
TOML d toml / =Cargo.lock =Gopkg.lock =poetry.lock =uv.lock =Pipfile =pdm.lock
TSQL p tsql
TSV d tsv
Twig m twig
TypeScript p ts tsx mts cts / #!ts-node #!tsx
Typst p typ
UnrealScript p uc
V p vv vsh
Vala p vala vapi
VBA p bas frm vba
VBScript p vbs
VCL p vcl
Verilog p v veo
VHDL p vhd vhdl vhf vhi vho
Vim Script p vim vmb vimrc / =.vimrc =_vimrc =vimrc =.exrc
Vim Snippet m snip snippet snippets
Visual Basic .NET p vb vbhtml
Vue m vue
Vyper p vy
WebAssembly p wat wast
WebIDL p webidl
WGSL p wgsl
wisp p wisp
XML d xml xsd wsdl csproj vbproj fsproj vcxproj props targets plist xib storyboard iml rss rdf resx xaml xlf xliff ui
  nuspec config tld jelly wxs wxi ditamap dita pom xmi xul xproj sfproj shproj proj launch mxml ant ivy jnlp filters /
  =pom.xml =packages.config
Xonsh p xsh
XQuery p xquery xq xqm xqy
XSLT p xsl xslt
Xtend p xtend
Yacc p y yacc yy
YAML d yml yaml mir sublime-syntax syntax yaml-tmlanguage cff / =.clang-format =.clang-tidy =pnpm-lock.yaml =yarn.lock
  =.clangd =glide.lock
YARA p yar yara
Zeek p zeek bro
Zephir p zep
Zig p zig zon
Zimpl p zimpl zmpl
"""
