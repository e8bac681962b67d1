"""Java, Kotlin and their kin: Maven's pom.xml, Gradle's build files and version catalogues."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archfb.repository.manifests import toml, xml
from archfb.repository.manifests.declared import Gathered, below, folder_of
from archfb.repository.records import Command, Dependency, EntryPoint

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from archfb.repository.manifests.declared import View

_MAVEN_KINDS = {"test": "development", "provided": "runtime", "managed": "managed"}


def gather(view: View) -> Gathered:
    """Return what Maven and Gradle files declare."""
    found = Gathered()
    for path in view.named("pom.xml"):
        _pom(view, path, found)
    catalogue = _catalogue(view)
    for path in view.named("build.gradle", "build.gradle.kts"):
        _gradle(view, path, found, catalogue)
    _commands(view, found)
    return found


def _pom(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    root = xml.parse(text)
    if root is None or root.tag != "project":
        found.manifest(path, "maven", note="cannot be parsed as a Maven project")
        return
    name = xml.said(root, "artifactId")
    group = xml.said(root, "groupId") or xml.said(root, "parent/groupId")
    version = xml.said(root, "version") or xml.said(root, "parent/version")
    found.manifest(
        path, "maven", f"{group}:{name}", version=version, description=" ".join(xml.said(root, "description").split())
    )
    for module in [*root.findall("modules/module"), *root.findall("profiles/profile/modules/module")]:
        target = below(folder_of(path), (module.text or "").strip())
        found.members.add(target if target.endswith(".xml") else f"{target}/pom.xml".lstrip("/"))
    said = {name: xml.said(root, f"properties/{name}") for name in re.findall(r"\$\{([\w.-]+)\}", text)}
    said |= {"project.groupId": group, "project.version": version, "project.artifactId": name}
    at = 0
    for dependency in root.findall("dependencies/dependency"):
        at = _maven_dependency(dependency, path, "", said, text, at, found)
    for dependency in root.findall("dependencyManagement/dependencies/dependency"):
        _maven_dependency(dependency, path, "managed", said, text, 0, found)
    if xml.said(root, "packaging") in ("", "jar", "bundle", "war") and any(
        one.startswith(below(folder_of(path), "src/main") + "/") for one in view.paths
    ):
        sources = next(
            (
                place
                for place in ("src/main/java", "src/main/kotlin", "src/main/scala", "src/main")
                if _has(view, below(folder_of(path), place))
            ),
            "src/main",
        )
        found.entry_points.append(EntryPoint("library", name, below(folder_of(path), sources), path))


def _has(view: View, folder: str) -> bool:
    return any(one.startswith(folder + "/") for one in view.paths)


def _maven_dependency(
    element: Element, path: str, scope: str, said: dict[str, str], text: str, at: int, found: Gathered
) -> int:
    def worked_out(value: str) -> str:
        return re.sub(r"\$\{([\w.-]+)\}", lambda match: said.get(match[1]) or match[0], value)

    group, name = worked_out(xml.said(element, "groupId")), worked_out(xml.said(element, "artifactId"))
    scope = scope or xml.said(element, "scope") or "compile"
    here = text.find(f"<artifactId>{xml.said(element, 'artifactId')}<", at)
    here = here if here >= 0 else text.find(f"<artifactId>{xml.said(element, 'artifactId')}<")
    optional = xml.said(element, "optional") == "true" and scope == "compile"
    kind = "optional" if optional else _MAVEN_KINDS.get(scope, "runtime")
    found.dependencies.append(
        Dependency(
            f"{group}:{name}",
            worked_out(xml.said(element, "version")),
            scope,
            kind,
            path,
            text.count("\n", 0, max(0, here)) + 1,
        )
    )
    return max(at, here + 1)


def _catalogue(view: View) -> dict[str, str]:
    """Return the libraries of the version catalogue by their accessor, e.g. "libs.commons.lang" → "group:name"."""
    path = "gradle/libs.versions.toml"
    document = toml.parse(view.text(path)) if path in view.files else {}
    if isinstance(document, str):
        return {}
    libraries = document.get("libraries")
    found = {}
    for alias, value in libraries.items() if isinstance(libraries, dict) else ():
        module = ""
        if isinstance(value, str):
            module = ":".join(value.split(":")[:2])
        elif isinstance(value, dict):
            module = str(value.get("module") or f"{value.get('group')}:{value.get('name')}")
        found["libs." + re.sub(r"[-_]", ".", alias)] = module
    return found


_CONFIGURATION = (
    r"(?P<scope>(?:\w*[iI]mplementation|\w*[aA]pi|\w*[cC]ompileOnly|\w*[rR]untimeOnly|compile"
    r"|testCompile|runtime|\w*[aA]nnotationProcessor|\w*[kK]apt|\w*[kK]sp"
    r"|classpath|\w*[dD]evelopmentOnly))"
)
_GRADLE = re.compile(
    rf"^[ \t]*{_CONFIGURATION}[ \t(]+(?:(?:enforcedP|p)latform[ \t(]+)?(?:"
    r"['\"](?P<module>[\w.-]+:[\w.-]+)(?::(?P<version>[^'\"@]*))?[^'\"]*['\"]"
    rf"|(?P<catalogue>libs\.[\w.]+)"
    r"|group:[ \t]*['\"](?P<group>[^'\"]+)['\"],[ \t]*name:[ \t]*['\"](?P<name>[^'\"]+)['\"]"
    r"|project[ \t(]+(?:path:[ \t]*)?['\"](?P<project>:[^'\"]+)['\"]"
    r"|kotlin\([\"'](?P<kotlin>[\w.-]+)[\"'])",
    re.MULTILINE,
)
_MAIN_CLASS = re.compile(r"mainClass(?:Name)?(?:\.set\(|[ \t]*=)[ \t]*['\"]([\w.$]+)['\"]")


def _gradle(view: View, path: str, found: Gathered, catalogue: dict[str, str]) -> None:
    text = view.text(path)
    folder = folder_of(path)
    found.manifest(path, "gradle", folder.rpartition("/")[2])
    for match in _GRADLE.finditer(text):
        scope = match["scope"]
        name = (
            match["module"]
            or catalogue.get((match["catalogue"] or "").removesuffix(".get"), match["catalogue"])
            or (f"{match['group']}:{match['name']}" if match["group"] else None)
            or match["project"]
            or f"org.jetbrains.kotlin:kotlin-{match['kotlin']}"
        )
        lowered = scope.lower()
        kind = (
            "development"
            if "test" in lowered or "development" in lowered
            else "build"
            if "processor" in lowered or lowered in ("classpath", "kapt", "ksp")
            else "runtime"
        )
        found.dependencies.append(
            Dependency(name, match["version"] or "", scope, kind, path, text.count("\n", 0, match.start("scope")) + 1)
        )
    main = _MAIN_CLASS.search(text)
    if main:
        found.entry_points.append(EntryPoint("main", main[1], main[1], path, text.count("\n", 0, main.start()) + 1))
    elif _has(view, below(folder, "src/main")):
        found.entry_points.append(EntryPoint("library", folder or ".", below(folder, "src/main"), path))


def _commands(view: View, found: Gathered) -> None:
    if "pom.xml" in view.files:
        tool = "./mvnw" if "mvnw" in view.files else "mvn"
        found.commands += [
            Command("test", f"{tool} verify", "pom.xml", 1, "ecosystem"),
            Command("build", f"{tool} package", "pom.xml", 1, "ecosystem"),
        ]
    for path in ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"):
        if path in view.files:
            tool = "./gradlew" if "gradlew" in view.files else "gradle"
            found.commands += [
                Command("test", f"{tool} test", path, 1, "ecosystem"),
                Command("build", f"{tool} build", path, 1, "ecosystem"),
            ]
            break
