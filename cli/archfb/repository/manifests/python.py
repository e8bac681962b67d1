"""Python: pyproject.toml, setup.cfg, requirements files, Pipfile, and setup.py by its syntax tree alone."""

from __future__ import annotations

import re

from archfb.repository.manifests import toml
from archfb.repository.manifests.declared import Gathered, below, folder_of, line_of, word
from archfb.repository.patterns import regex
from archfb.repository.records import Command, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from archfb.repository.manifests.declared import View

_INSTALLERS = (
    ("uv.lock", "uv sync"),
    ("poetry.lock", "poetry install"),
    ("pdm.lock", "pdm install"),
    ("Pipfile.lock", "pipenv install --dev"),
)
_REQUIREMENT = regex(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_DEVELOPMENT = regex(r"dev|test|doc|lint|typ|ci|build|example|bench|check", re.IGNORECASE)


def gather(view: View) -> Gathered:
    """Return what the Python manifests declare."""
    found = Gathered()
    for path in view.named("pyproject.toml"):
        _pyproject(view, path, found)
    for path in view.named("setup.cfg"):
        _setup_cfg(view, path, found)
    for path in view.named("setup.py"):
        _setup_py(view, path, found)
    for path in view.named("Pipfile"):
        _pipfile(view, path, found)
    for path in view.ending("txt", "in"):
        _requirements(view, path, found)
    _modules(view, found)
    found.commands += [
        Command("install", command, lock, 1, "ecosystem") for lock, command in _INSTALLERS if lock in view.files
    ][:1]
    return found


def requirement(text: object) -> tuple[str, str]:
    """Return name and specifier of a requirement line, ("", "") for what is none."""
    match = _REQUIREMENT.match(text) if isinstance(text, str) else None
    return (match[1], match[3].strip()) if match else ("", "")


def _requirements_of(values: object) -> list[tuple[str, str]]:
    return [requirement(value) for value in values] if isinstance(values, list) else []


def _pyproject(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    document = toml.parse(text)
    if isinstance(document, str):
        found.manifest(path, "python", note=document)
        return
    project, tool = _table(document, "project"), _table(document, "tool")
    poetry = _table(tool, "poetry")
    if not (project or poetry or "dependency-groups" in document or "build-system" in document):
        return
    about = project or poetry
    name, version = about.get("name"), about.get("version", "")
    found.manifest(
        path,
        "python",
        name,
        version=version,
        requires=about.get("requires-python"),
        description=about.get("description"),
    )
    found.depends(path, "runtime", "runtime", _requirements_of(project.get("dependencies")), text)
    for extra, values in _table(project, "optional-dependencies").items():
        found.depends(path, f"extra:{extra}", "optional", _requirements_of(values), text)
    _groups(path, document, tool, found, text)
    _poetry(path, poetry, found, text)
    found.depends(path, "build", "build", _requirements_of(_table(document, "build-system").get("requires")), text)
    for table in ("scripts", "gui-scripts"):
        _scripts(view, path, _table(project, table), found, text)
    _scripts(view, path, _table(poetry, "scripts"), found, text)
    _library(view, path, word(name), found)


def _table(of: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def _groups(path: str, document: dict[str, Any], tool: dict[str, Any], found: Gathered, text: str) -> None:
    groups = _table(document, "dependency-groups")
    for group in groups:
        found.depends(path, f"group:{group}", "development", _group(groups, group, ()), text)
    for holder in ("pdm", "uv"):
        values = _table(tool, holder).get("dev-dependencies")
        if isinstance(values, dict):
            for group, listed in values.items():
                found.depends(path, f"group:{group}", "development", _requirements_of(listed), text)
        else:
            found.depends(path, "group:dev", "development", _requirements_of(values), text)
    for name, environment in _table(_table(tool, "hatch"), "envs").items():
        if isinstance(environment, dict):
            listed = [*_list(environment.get("dependencies")), *_list(environment.get("extra-dependencies"))]
            found.depends(path, f"env:{name}", "development", _requirements_of(listed), text)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _group(groups: dict[str, Any], name: str, above: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the requirements of a dependency group with those of the groups that it includes."""
    if name in above:
        return []
    listed: list[tuple[str, str]] = []
    for value in _list(groups.get(name)):
        if isinstance(value, dict):
            listed += _group(groups, word(value.get("include-group")), (*above, name))
        else:
            listed.append(requirement(value))
    return listed


def _poetry(path: str, poetry: dict[str, Any], found: Gathered, text: str) -> None:
    def named(table: dict[str, Any]) -> list[tuple[str, str]]:
        return [(name, word(spec)) for name, spec in table.items() if name != "python"]

    found.depends(path, "runtime", "runtime", named(_table(poetry, "dependencies")), text)
    found.depends(path, "group:dev", "development", named(_table(poetry, "dev-dependencies")), text)
    for group, table in _table(poetry, "group").items():
        if isinstance(table, dict):
            found.depends(path, f"group:{group}", "development", named(_table(table, "dependencies")), text)


def _scripts(view: View, path: str, scripts: dict[str, Any], found: Gathered, text: str) -> None:
    for name, target in scripts.items():
        target = word(target) or word(target.get("callable") if isinstance(target, dict) else "")
        found.entry_points.append(
            EntryPoint("script", name, _module_file(view, folder_of(path), target), path, line_of(text, target))
        )


def _module_file(view: View, folder: str, target: str) -> str:
    """Return "path:function" for "package.module:function" when the module is found, else the target itself."""
    module, _, function = target.partition(":")
    stem = module.strip().replace(".", "/")
    for start in ("src", "", "lib", "python"):
        for ending in (".py", "/__init__.py", "/__main__.py"):
            path = below(folder, f"{start}/{stem}{ending}")
            if path in view.files:
                return f"{path}:{function}" if function else path
    return target


def _library(view: View, path: str, name: str, found: Gathered) -> None:
    stem = name.replace("-", "_")
    for start in ("src/", "", "lib/"):
        for candidate in dict.fromkeys((stem, stem.lower(), name.replace("-", "/"))):
            target = below(folder_of(path), f"{start}{candidate}")
            if candidate and (f"{target}/__init__.py" in view.files or f"{target}.py" in view.files):
                found.entry_points.append(EntryPoint("library", name, target, path))
                return


def _setup_cfg(view: View, path: str, found: Gathered) -> None:
    import configparser

    text = view.text(path)
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        found.manifest(path, "python", note=f"cannot be parsed: {str(error).splitlines()[0]}")
        return
    if not (parser.has_section("metadata") or parser.has_section("options")):
        return
    name = parser.get("metadata", "name", fallback="")
    found.manifest(
        path,
        "python",
        name,
        version=parser.get("metadata", "version", fallback=""),
        requires=parser.get("options", "python_requires", fallback=""),
        description=parser.get("metadata", "description", fallback=""),
    )
    found.depends(path, "runtime", "runtime", _lines(parser.get("options", "install_requires", fallback="")), text)
    found.depends(path, "tests", "development", _lines(parser.get("options", "tests_require", fallback="")), text)
    if parser.has_section("options.extras_require"):
        for extra, values in parser.items("options.extras_require"):
            found.depends(path, f"extra:{extra}", "optional", _lines(values), text)
    if parser.has_section("options.entry_points"):
        for group, values in parser.items("options.entry_points"):
            if group.endswith("_scripts"):
                _scripts(view, path, _pairs(values), found, text)
    _library(view, path, name, found)


def _lines(values: str) -> list[tuple[str, str]]:
    return [
        requirement(line)
        for line in re.split(r"[\n;]" if "\n" not in values else r"\n", values)
        if line.strip() and line.strip()[0] != "#"
    ]


def _pairs(values: str) -> dict[str, Any]:
    pairs = (line.split("=", 1) for line in values.splitlines() if "=" in line)
    return {name.strip(): target.strip() for name, target in pairs}


def _setup_py(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    from archfb.repository.manifests.setup_call import arguments, listed

    values = arguments(text)
    if isinstance(values, str):
        found.manifest(path, "python", note=values)
        return
    if values is None:
        return
    found.manifest(
        path,
        "python",
        values.get("name"),
        version=values.get("version"),
        requires=values.get("python_requires"),
        description=values.get("description"),
    )
    found.depends(path, "runtime", "runtime", _requirements_of(listed(values.get("install_requires"))), text)
    found.depends(path, "tests", "development", _requirements_of(listed(values.get("tests_require"))), text)
    extras = values.get("extras_require")
    for extra, wanted in extras.items() if isinstance(extras, dict) else ():
        found.depends(path, f"extra:{extra}", "optional", _requirements_of(listed(wanted)), text)
    points = values.get("entry_points")
    for group, wanted in points.items() if isinstance(points, dict) else ():
        if word(group).endswith("_scripts"):
            _scripts(view, path, _pairs("\n".join(map(str, listed(wanted)))), found, text)
    _library(view, path, word(values.get("name")), found)


def _pipfile(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    document = toml.parse(text)
    if isinstance(document, str):
        found.manifest(path, "python", note=document)
        return
    found.manifest(path, "python")
    for table, kind in (("packages", "runtime"), ("dev-packages", "development")):
        found.depends(path, table, kind, [(name, word(spec)) for name, spec in _table(document, table).items()], text)


_REQUIREMENTS = regex(
    r"(?:^|/)(?:requirements?[^/]*\.(?:txt|in)|requirements?/[^/]+\.(?:txt|in)|[^/]*[-_]requirements?\.(?:txt|in))$"
)


def _requirements(view: View, path: str, found: Gathered) -> None:
    if not _REQUIREMENTS.search(path):
        return
    if path.endswith(".txt") and path[:-3] + "in" in view.files:
        return  # compiled from the .in beside it: not what was asked for directly
    text = view.text(path)
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    listed = [requirement(line) for line in lines if line and line[0] not in "#-" and "://" not in line.split("@")[0]]
    stem = path.rpartition("/")[2].rpartition(".")[0]
    kind = "development" if _DEVELOPMENT.search(stem.replace("requirements", "")) else "runtime"
    found.manifest(path, "python")
    found.depends(path, stem, kind, _once(listed), text)


def _once(listed: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list({name: (name, spec) for name, spec in listed if name}.values())


def _modules(view: View, found: Gathered) -> None:
    for path in view.named("__main__.py", "manage.py"):
        folder, _, name = path.rpartition("/")
        if name == "manage.py":
            found.entry_points.append(EntryPoint("program", "manage.py", path, path))
        elif folder:
            found.entry_points.append(
                EntryPoint("module", f"python -m {folder.removeprefix('src/').replace('/', '.')}", path, path)
            )
