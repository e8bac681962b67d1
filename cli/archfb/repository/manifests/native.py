"""C and C++: autotools, CMake, Meson, Conan, vcpkg; and git's submodules."""

from __future__ import annotations

import re

from archfb.repository.manifests.declared import Gathered, below, folder_of, line_of, word
from archfb.repository.manifests.jsonc import parse_object
from archfb.repository.patterns import regex
from archfb.repository.records import Command, Dependency, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from archfb.repository.manifests.declared import View


def gather(view: View) -> Gathered:
    """Return what C and C++ build files and .gitmodules declare."""
    found = Gathered()
    for path in view.named("configure.ac", "configure.in"):
        _autoconf(view, path, found)
    for path in view.named("CMakeLists.txt"):
        _cmake(view, path, found)
    for path in view.named("meson.build"):
        _meson(view, path, found)
    for path in view.named("vcpkg.json"):
        _vcpkg(view, path, found)
    for path in view.named("conanfile.txt", "conanfile.py"):
        _conan(view, path, found)
    if ".gitmodules" in view.files:
        _submodules(view, found)
    return found


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _add(
    found: Gathered, path: str, text: str, scope: str, kind: str, matches: Iterable[re.Match[str]], group: int = 1
) -> None:
    seen: set[str] = set()
    for match in matches:
        for name in re.split(r"[\s,;\[\]]+", match[group] or ""):
            if name and name not in seen and re.match(r"^[A-Za-z][\w.+:/-]*$", name):
                seen.add(name)
                found.dependencies.append(Dependency(name, "", scope, kind, path, _line(text, match.start())))


_INIT = regex(r"AC_INIT\(\[?([^\],)]+)\]?\s*(?:,\s*\[?([^\],)]+))?")
_CHECK_LIB = regex(r"^[^#\n]*?\bAC_CHECK_LIB\(\s*\[?([\w.+-]+)\]?", re.MULTILINE)
_SEARCH_LIBS = regex(r"^[^#\n]*?\bAC_SEARCH_LIBS\(\s*\[?[\w.]+\]?\s*,\s*\[?([\w.+ -]+)\]?", re.MULTILINE)
_MATH = regex(r"^[ \t]*A[CX]_CHECK_MATH_FUNC\b", re.MULTILINE)
_PKG = regex(r"\bPKG_CHECK_(?:MODULES|EXISTS)\(\s*(?:\[?[\w]+\]?\s*,)?\s*\[?([^\],)]+)")
_TOOLS = (
    (r"\bAM_INIT_AUTOMAKE\b", "automake"),
    (r"\b(?:LT_INIT|AC_PROG_LIBTOOL)\b", "libtool"),
    (r"\b(?:AC_PROG_YACC|AX_PROG_BISON\w*)\b", "bison"),
    (r"\b(?:AC_PROG_LEX|AM_PROG_LEX)\b|AC_CHECK_PROGS\(LEX", "flex"),
    (r"\bPKG_PROG_PKG_CONFIG\b|\bPKG_CHECK_MODULES\b", "pkg-config"),
)
_PROGRAMS = regex(
    r"^(?P<place>bin|sbin|noinst|libexec)_PROGRAMS[ \t]*\+?=[ \t]*(?P<names>(?:[^\n\\]|\\\n)*)", re.MULTILINE
)
_DEEPEST = 2  # folders above a Makefile.am whose programs are the project's
_LIBRARIES = regex(r"^(?:lib)_(?:LTLIBRARIES|LIBRARIES)[ \t]*\+?=[ \t]*((?:[^\n\\]|\\\n)*)", re.MULTILINE)


def _autoconf(view: View, path: str, found: Gathered) -> None:
    text = re.sub(r"(?m)^[ \t]*dnl\b.*$", "", view.text(path))
    init = _INIT.search(text)
    found.manifest(
        path,
        "autotools",
        init[1].strip() if init else "",
        version="" if not init or "m4" in (init[2] or "") else (init[2] or "").strip(),
    )
    _add(found, path, text, "AC_CHECK_LIB", "runtime", _CHECK_LIB.finditer(text))
    _add(found, path, text, "AC_SEARCH_LIBS", "runtime", _SEARCH_LIBS.finditer(text))
    if math := _MATH.search(text):
        found.dependencies.append(
            Dependency("m", "", "AC_CHECK_MATH_FUNC", "runtime", path, _line(text, math.start()))
        )
    _add(
        found,
        path,
        re.sub(r"[<>=]{1,2}[ \t]{0,9}[\w.]+", "", text),
        "PKG_CHECK_MODULES",
        "runtime",
        _PKG.finditer(re.sub(r"[<>=]{1,2}[ \t]{0,9}[\w.]+", "", text)),
    )
    found.dependencies.append(Dependency("autoconf", "", "build tool", "build", path, 1))
    for pattern, tool in _TOOLS:
        if match := re.search(pattern, text):
            found.dependencies.append(Dependency(tool, "", "build tool", "build", path, _line(text, match.start())))
    folder = folder_of(path)
    makefile = below(folder, "Makefile.am")
    if makefile in view.files:
        found.manifest(makefile, "automake")
        _automake(view, makefile, found)
        for deeper in view.named("Makefile.am") if not folder else ():
            if deeper != makefile and deeper.count("/") <= _DEEPEST:
                _automake(view, deeper, found)
        prefix = f"cd {folder} && " if folder else ""
        generate = "autoreconf -i && " if below(folder, "configure") not in view.files else ""
        found.commands.append(Command("build", f"{prefix}{generate}./configure && make", path, 1, "ecosystem"))
        match = re.search(r"(?m)^(?:TESTS|check_PROGRAMS|check-local)\b", view.text(makefile))
        found.commands.append(
            Command(
                "test",
                f"{prefix}make check",
                makefile,
                _line(view.text(makefile), match.start()) if match else 1,
                "ecosystem",
            )
        )


def _automake(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    folder = folder_of(path)
    for match in _PROGRAMS.finditer(text):
        for name in match["names"].replace("\\", " ").split():
            if match["place"] in ("bin", "sbin") and re.match(r"^[\w./+-]+$", name):
                found.entry_points.append(
                    EntryPoint(
                        "program",
                        name.rpartition("/")[2],
                        _main_source(view, text, folder, name),
                        path,
                        _line(text, match.start()),
                    )
                )
    for match in _LIBRARIES.finditer(text):
        for name in re.findall(r"[\w./+-]+\.(?:la|a)", match[1]):
            stem = name.rpartition("/")[2].rpartition(".")[0]
            found.entry_points.append(
                EntryPoint("library", stem, _header(view, text, folder, stem), path, _line(text, match.start()))
            )


def _sources(text: str, name: str) -> list[str]:
    variable = re.sub(r"\W", "_", name)
    found = re.search(rf"(?m)^{variable}_SOURCES[ \t]*\+?=[ \t]*((?:[^\n\\]|\\\n)*)", text)
    return [word for word in found[1].replace("\\", " ").split() if "$" not in word] if found else []


def _main_source(view: View, text: str, folder: str, name: str) -> str:
    sources = [below(folder, source) for source in _sources(text, name)]
    stems = ("main", name.rpartition("/")[2])
    guesses = [below(folder, f"{place}{stem}.c") for place in ("src/", "") for stem in stems]
    known = [source for source in [*sources, *guesses] if source in view.files]
    return next(
        (source for stem in stems for source in known if source.rpartition("/")[2].partition(".")[0] == stem),
        known[0] if known else folder or ".",
    )


def _header(view: View, text: str, folder: str, stem: str) -> str:
    bare = stem.removeprefix("lib")
    listed = re.search(r"(?m)^(?:pkg)?include_HEADERS[ \t]*\+?=[ \t]*((?:[^\n\\]|\\\n)*)", text)
    headers = [below(folder, one) for one in (listed[1].replace("\\", " ").split() if listed else [])]
    named = [one for one in headers if one.rpartition("/")[2] in (f"{bare}.h", f"{stem}.h")]
    guesses = [below(folder, f"{place}{bare}.h") for place in ("src/", "include/", "")]
    return next((one for one in [*named, *guesses, *headers] if one in view.files), folder or ".")


_CMAKE_COMMAND = regex(r"^[ \t]*(\w+)[ \t]*\(((?:[^()#]|\([^()]*+\)|#[^\n]*+)*+)\)", re.MULTILINE)


_CMAKE_VARIABLE = regex(r"\$\{(\w+)\}")


def _cmake(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    name = version = ""
    tested = 1 if "include(CTest)" in text else 0
    values: dict[str, str] = {}
    for match in _CMAKE_COMMAND.finditer(text):
        command, words = match[1].lower(), re.sub(r"#[^\n]*", "", match[2]).split()
        number = _line(text, match.start(1))
        words[:1] = [_CMAKE_VARIABLE.sub(lambda one: values.get(one[1], one[0]), word) for word in words[:1]]
        if command == "set" and len(words) == 2:
            values[words[0]] = _CMAKE_VARIABLE.sub(lambda one: values.get(one[1], one[0]), words[1].strip('"'))
        elif command == "project" and words:
            values["PROJECT_NAME"] = words[0]
            name, version = words[0], words[words.index("VERSION") + 1] if "VERSION" in words[:-1] else ""
        elif command in ("enable_testing", "add_test"):
            tested = number
        elif words and "$" not in words[0]:
            _cmake_dependency(path, command, words, number, found)
            _cmake_entry(view, path, command, words, number, found)
    if name or not folder_of(path):
        found.manifest(path, "cmake", name, version=version if "$" not in version else "")
    if not folder_of(path):
        found.commands.append(Command("build", "cmake -B build && cmake --build build", path, 1, "ecosystem"))
        if tested:
            found.commands.append(Command("test", "ctest --test-dir build", path, tested, "ecosystem"))


def _cmake_dependency(path: str, command: str, words: list[str], number: int, found: Gathered) -> None:
    if command == "find_package":
        spec = words[1] if len(words) > 1 and words[1][0].isdigit() else ""
        found.dependencies.append(Dependency(words[0], spec, command, "runtime", path, number))
    elif command in ("pkg_check_modules", "pkg_search_module"):
        for module in [one for one in words[1:] if not one.isupper()]:
            name = re.split(r"[<>=]", module)[0]
            found.dependencies.append(Dependency(name, "", command, "runtime", path, number))
    elif command in ("fetchcontent_declare", "externalproject_add", "cpmaddpackage"):
        found.dependencies.append(Dependency(words[0].strip('"'), "", command, "runtime", path, number))


def _cmake_entry(view: View, path: str, command: str, words: list[str], number: int, found: Gathered) -> None:
    folder = folder_of(path)
    if command == "add_executable":
        sources = (below(folder, one) for one in words[1:])
        source = next((one for one in sources if one in view.files), folder or ".")
        found.entry_points.append(EntryPoint("program", words[0], source, path, number))
    elif command == "add_library" and "ALIAS" not in words and (not folder or "INTERFACE" not in words[1:2]):
        found.entry_points.append(EntryPoint("library", words[0], folder or ".", path, number))


_MESON_CALL = regex(
    r"\b(project|dependency|find_library|executable|library|shared_library|static_library"
    r"|both_libraries|test|subproject)\s*\(\s*'([^']+)'([^)]{0,400})"
)


def _meson(view: View, path: str, found: Gathered) -> None:
    text = re.sub(r"(?m)#.*$", "", view.text(path))
    name = version = ""
    tested = 0
    for match in _MESON_CALL.finditer(text):
        call, number = match[1], _line(text, match.start())
        if call == "project":
            name, version = match[2], next(iter(re.findall(r"\bversion\s*:\s*'([^']+)'", match[3])), "")
        elif call in ("dependency", "find_library", "subproject"):
            found.dependencies.append(
                Dependency(
                    match[2],
                    next(iter(re.findall(r"\bversion\s*:\s*'([^']+)'", match[3])), ""),
                    call,
                    "runtime",
                    path,
                    number,
                )
            )
        elif call == "test":
            tested = tested or number
        else:
            kind = "program" if call == "executable" else "library"
            source = next(
                (
                    below(folder_of(path), one)
                    for one in re.findall(r"'([^']+)'", match[3])
                    if below(folder_of(path), one) in view.files
                ),
                folder_of(path) or ".",
            )
            found.entry_points.append(EntryPoint(kind, match[2], source, path, number))
    if name or not folder_of(path):
        found.manifest(path, "meson", name, version=version)
    if not folder_of(path):
        found.commands += [
            Command("build", "meson setup build && ninja -C build", path, 1, "ecosystem"),
            Command("test", "meson test -C build", path, tested or 1, "ecosystem"),
        ]


def _vcpkg(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    document = parse_object(text)
    if document is None:
        found.manifest(path, "vcpkg", note="cannot be parsed as JSON")
        return
    found.manifest(path, "vcpkg", document.get("name"), version=document.get("version"))
    listed = document.get("dependencies")
    names = (
        [one if isinstance(one, str) else one.get("name") if isinstance(one, dict) else "" for one in listed]
        if isinstance(listed, list)
        else []
    )
    found.depends(path, "dependencies", "runtime", [(word(name), "") for name in names], text)


def _conan(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    found.manifest(path, "conan")
    for match in re.finditer(
        r"(?m)^[ \t]*(?:self\.(?:tool_|test_)?requires\(\s*[\"'])?([a-z0-9_.+-]+)/([\w.\[\]<>=~^ -]+)", text
    ):
        found.dependencies.append(
            Dependency(match[1], match[2], "requires", "runtime", path, line_of(text, match[1]))
        )


def _submodules(view: View, found: Gathered) -> None:
    text = view.text(".gitmodules")
    found.manifest(".gitmodules", "git")
    for match in re.finditer(r"(?m)^[ \t]*path[ \t]*=[ \t]*(.+?)[ \t]*$", text):
        found.dependencies.append(
            Dependency(match[1], "", "submodule", "vendored", ".gitmodules", _line(text, match.start()))
        )
