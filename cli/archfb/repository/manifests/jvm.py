"""Java, Kotlin and their kin: Maven's pom.xml, Gradle's build files and version catalogues."""

from __future__ import annotations

import re

from archfb.repository.manifests import toml, xml
from archfb.repository.manifests.declared import Gathered, below, folder_of
from archfb.repository.patterns import regex
from archfb.repository.records import Command, Dependency, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from xml.etree.ElementTree import Element

    from archfb.repository.manifests.declared import View

BUILDS = ("build.gradle", "build.gradle.kts")
SETTINGS = ("settings.gradle", "settings.gradle.kts")
_MOST_SETS = 100
_MAVEN_KINDS = {"test": "development", "provided": "runtime", "managed": "managed"}


def gather(view: View) -> Gathered:
    """Return what Maven and Gradle files declare."""
    found = Gathered()
    for path in view.named("pom.xml"):
        _pom(view, path, found)
    catalogue = _catalogue(view)
    for path in view.named(*BUILDS):
        _gradle(view, path, found, catalogue)
    for path in view.named(*SETTINGS):
        for module in projects(view.text(path)):
            folder = below(folder_of(path), module)
            found.members |= {f"{folder}/{build}" for build in BUILDS}
    _commands(view, found)
    return found


_INCLUDE = regex(r"^[ \t]*include[ \t(]+((?:[\"'][\w:./-]+[\"'][ \t,\n)]*)+)", re.MULTILINE)
_RENAMED = regex(r"project\([\"']:?([\w:./-]+)[\"']\)\.name[ \t]*=[ \t]*[\"']([\w.-]+)[\"']")
_MOVED = regex(r"project\([\"']:?([\w:./-]+)[\"']\)\.projectDir[ \t]*=[^\"'\n]*[\"']([^\"'\n]+)[\"']")


def projects(text: str) -> dict[str, str]:
    """Return the names (":a:b") of the projects that a settings file includes, by their folders."""
    moved, renamed = dict(_MOVED.findall(text)), dict(_RENAMED.findall(text))
    found: dict[str, str] = {}
    for match in _INCLUDE.finditer(text):
        for name in re.findall(r"[\"'](?::?)([\w:./-]+)[\"']", match[1]):
            above, colon, last = name.rpartition(":")
            found[moved.get(name, name.replace(":", "/"))] = f":{above}{colon}{renamed.get(name, last)}"
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


def _catalogue(view: View) -> dict[str, list[str]]:
    """Return the libraries of the version catalogue by their accessor, e.g. "libs.commons.lang" → ["group:name"]."""
    path = "gradle/libs.versions.toml"
    document = toml.parse(view.text(path)) if path in view.files else {}
    if isinstance(document, str):
        return {}
    libraries = document.get("libraries")
    found: dict[str, list[str]] = {}
    for alias, value in libraries.items() if isinstance(libraries, dict) else ():
        module = ""
        if isinstance(value, str):
            module = ":".join(value.split(":")[:2])
        elif isinstance(value, dict):
            module = str(value.get("module") or f"{value.get('group')}:{value.get('name')}")
        found["libs." + _accessor(alias)] = [module]
    bundles = document.get("bundles")
    for alias, value in bundles.items() if isinstance(bundles, dict) else ():
        names = [f"libs.{_accessor(one)}" for one in value if isinstance(one, str)] if isinstance(value, list) else []
        found["libs.bundles." + _accessor(alias)] = [module for name in names for module in found.get(name, ())]
    return found


def _accessor(alias: str) -> str:
    return re.sub(r"[-_]", ".", alias)


_CONFIGURATION = (
    r"(?P<scope>(?:\w*[iI]mplementation|\w*[aA]pi|\w*[cC]ompileOnly|\w*[rR]untimeOnly|compile"
    r"|testCompile|runtime|\w*[aA]nnotationProcessor|\w*[kK]apt|\w*[kK]sp"
    r"|classpath|\w*[dD]evelopmentOnly))"
)
_GRADLE = regex(
    rf"^[ \t]*{_CONFIGURATION}[ \t(]+(?:(?:enforcedP|p)latform[ \t(]+)?(?:"
    r"['\"](?P<module>[\w.-]+:[\w.-]+)(?::(?P<version>[^'\"@]*))?[^'\"]*['\"]"
    rf"|(?P<catalogue>libs\.[\w.]+)"
    r"|group:[ \t]*['\"](?P<group>[^'\"]+)['\"],[ \t]*name:[ \t]*['\"](?P<name>[^'\"]+)['\"]"
    r"|project[ \t(]+(?:path:[ \t]*)?['\"](?P<project>:[^'\"]+)['\"]"
    r"|kotlin\([\"'](?P<kotlin>[\w.-]+)[\"'])",
    re.MULTILINE,
)
_SOURCE_SET = regex(
    r"^[ \t]*(?:val[ \t]+)?(?P<name>\w+(?:Test|Main))\b(?:[ \t]+by[ \t]+getting|\.dependencies)?[ \t]*\{",
    re.MULTILINE,
)
_MAIN_CLASS = regex(r"mainClass(?:Name)?(?:\.set\(|[ \t]*=)[ \t]*['\"]([\w.$]+)['\"]")


def _source_sets(text: str) -> list[tuple[int, int, str]]:
    """Return where the blocks of source sets begin and end, with their names."""
    found = []
    for match in _SOURCE_SET.finditer(text):
        depth = 0
        for brace in re.finditer(r"[{}]", text[match.end() - 1 :]):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                found.append((match.start(), match.end() + brace.start(), match["name"]))
                break
        if len(found) == _MOST_SETS:
            break
    return found


def _scope(scope: str, sets: Sequence[tuple[int, int, str]], at: int) -> str:
    """Return Gradle's own name of a configuration: that of a source set begins with the set's."""
    inside = [name for begin, end, name in sets if begin <= at < end]
    return f"{inside[-1]}{scope[:1].upper()}{scope[1:]}" if inside else scope


def _name(match: re.Match[str]) -> str:
    return (
        match["module"]
        or (f"{match['group']}:{match['name']}" if match["group"] else None)
        or match["project"]
        or f"org.jetbrains.kotlin:kotlin-{match['kotlin']}"
    )


def _gradle(view: View, path: str, found: Gathered, catalogue: dict[str, list[str]]) -> None:
    text = view.text(path)
    folder = folder_of(path)
    found.manifest(path, "gradle", folder.rpartition("/")[2])
    sets = _source_sets(text)
    for match in _GRADLE.finditer(text):
        scope = _scope(match["scope"], sets, match.start())
        listed = (match["catalogue"] or "").removesuffix(".get")
        names = catalogue.get(listed, [listed]) if listed else [_name(match)]
        lowered = scope.lower()
        kind = (
            "development"
            if "test" in lowered or "development" in lowered
            else "build"
            if "processor" in lowered or lowered in ("classpath", "kapt", "ksp")
            else "runtime"
        )
        line = text.count("\n", 0, match.start("scope")) + 1
        found.dependencies += [Dependency(name, match["version"] or "", scope, kind, path, line) for name in names]
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
    for path in (*BUILDS, *SETTINGS):
        if path in view.files:
            tool = "./gradlew" if "gradlew" in view.files else "gradle"
            task = "allTests" if _for_several_platforms(view) else "test"
            found.commands += [
                Command("test", f"{tool} {task}", path, 1, "ecosystem"),
                Command("build", f"{tool} build", path, 1, "ecosystem"),
                *_gradle_checks(tool, view.text(path), path),
            ]
            break


_PLATFORMS = regex(r"/(?:src/)?common(?:Main/kotlin|/src)/.+\.kt$")
_CHECKS = tuple(
    (regex(rf"\b(?:id|plugin:?|alias)[ (]*['\"]?(?:[\w.]*\.)?{plugin}\b"), task)
    for plugin, task in (("checkstyle", "checkstyleMain"), ("detekt", "detekt"), ("ktlint", "ktlintCheck"))
)


def _for_several_platforms(view: View) -> bool:
    """Return whether most modules are written for several platforms: those have no task that is called test."""
    modules = [folder_of(path) for path in view.named(*BUILDS)]
    several = {path[: found.start()] for path in view.paths if (found := _PLATFORMS.search(path))}
    return sum(module in several for module in modules) * 2 > len(modules)


def _gradle_checks(tool: str, text: str, path: str) -> Iterator[Command]:
    for pattern, task in _CHECKS:
        if (match := pattern.search(text)) is not None:
            yield Command("lint", f"{tool} {task}", path, text.count("\n", 0, match.start()) + 1, "ecosystem")
