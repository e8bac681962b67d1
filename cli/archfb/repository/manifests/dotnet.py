""".NET: project files and centrally managed versions."""

from __future__ import annotations

import re

from archfb.repository.manifests import xml
from archfb.repository.manifests.declared import Gathered, below, folder_of, line_of
from archfb.repository.patterns import regex
from archfb.repository.records import Command, Dependency, EntryPoint

_TESTS = regex(r"Microsoft\.NET\.Test\.Sdk|<IsTestProject>[ \t]*true", re.IGNORECASE)
_TEST_PROJECT = regex(r"(?:^|/)tests?/|(?:Tests?|Specs?)\.[a-z]{2}proj$")
_LISTED = regex(r"(?:<Project[ \t]+Path=|\", )\"([^\"\n]{1,400}\.(?:cs|fs|vb)proj)\"")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from archfb.repository.manifests.declared import View


def gather(view: View) -> Gathered:
    """Return what the project files declare."""
    found = Gathered()
    for path in view.ending("csproj", "fsproj", "vbproj"):
        _project(view, path, found)
    for path in view.named("Directory.Packages.props"):
        root = xml.parse(view.text(path))
        found.manifest(path, "dotnet", note="" if root is not None else "cannot be parsed as XML")
        for element in root.iter("PackageVersion") if root is not None else ():
            found.depends(
                path,
                "managed",
                "managed",
                [(element.get("Include", ""), element.get("Version", ""))],
                view.text(path),
            )
    for path in view.ending("sln", "slnx"):
        if "/" not in path:
            found.members |= {below("", one.replace("\\", "/")) for one in _LISTED.findall(view.text(path))}
    if found.manifests:
        solution = next(iter(view.ending("sln", "slnx")), found.manifests[0].path)
        found.commands += [
            Command("test", "dotnet test", solution, 1, "ecosystem"),
            Command("build", "dotnet build", solution, 1, "ecosystem"),
        ]
    return found


def _project(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    root = xml.parse(text)
    stem = path.rpartition("/")[2].rpartition(".")[0]
    if root is None:
        found.manifest(path, "dotnet", stem, note="cannot be parsed as XML")
        return
    framework = root.findtext(".//TargetFramework") or root.findtext(".//TargetFrameworks") or ""
    found.manifest(
        path,
        "dotnet",
        stem,
        version=root.findtext(".//Version") or "",
        requires=framework,
        description=root.findtext(".//Description") or "",
    )
    is_test = _TESTS.search(text) is not None or _TEST_PROJECT.search(path) is not None
    _references(root, text, path, found, is_test=is_test)
    if not is_test:
        program = below(folder_of(path), "Program.cs")
        place = program if program in view.files else folder_of(path) or "."
        found.entry_points.append(EntryPoint(_kind(root), stem, place, path))


def _kind(root: Element) -> str:
    runs = (root.findtext(".//OutputType") or "").lower() in ("exe", "winexe") or "Sdk.Web" in (root.get("Sdk") or "")
    return "program" if runs else "library"


def _references(root: Element, text: str, path: str, found: Gathered, *, is_test: bool) -> None:
    """Take in packages, and the other projects that this one is built on."""
    for element in root.iter("PackageReference"):
        name = element.get("Include") or element.get("Update") or ""
        version = element.get("Version") or element.findtext("Version") or ""
        kind = "development" if is_test or (element.get("PrivateAssets") or "").lower() == "all" else "runtime"
        found.depends(path, "PackageReference", kind, [(name, version)], text)
    kind = "development" if is_test else "runtime"
    for element in root.iter("ProjectReference"):
        include = element.get("Include") or ""
        target = below(folder_of(path), include.replace("\\", "/"))
        found.dependencies.append(Dependency(target, "", "ProjectReference", kind, path, line_of(text, include)))
