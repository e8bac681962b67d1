"""Ruby: gem specifications and Gemfiles, read as text."""

from __future__ import annotations

import re

from archfb.repository.manifests.declared import Gathered, below, folder_of
from archfb.repository.patterns import regex
from archfb.repository.records import Command, Dependency, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from archfb.repository.manifests.declared import View

_NAME = regex(r"\.name\s*=\s*['\"]([^'\"]+)['\"]|Specification\.new\(?\s*['\"]([^'\"]+)['\"]")
_ADDED = regex(
    r"^[ \t]*\w+\.add_(?:(runtime|development)_)?dependency\(?\s*(?:%q)?['\"(]([\w.-]+)['\")](.*)$", re.MULTILINE
)
_FIELD = r"\.{0}\s*=\s*['\"]([^'\"]+)['\"]"
_EXECUTABLES = regex(r"\.executables\s*(?:=|<<)\s*(.+)")
_GEM = regex(r"^[ \t]*gem[\s(]+['\"]([\w.-]+)['\"](.*)$")
_GROUP = regex(r"^[ \t]*group\(?\s*(.+?)(?:,\s*optional: \w+)?\)?\s+do\b")
_BLOCK = regex(r"\bdo\b(?:\s*\|[^|]*\|)?\s*(?:#.*)?$|^[ \t]*(?:if|unless|case|begin|while|def|class|module)\b")
_INLINE_GROUP = regex(r"(?:\bgroups?:|:groups?\s*=>)\s*(\[[^\]]*\]|%i\[[^\]]*\]|:\w+)")
_DEFAULT = regex(r"^[ \t]*task[\s(]+:?['\"]?default['\"]?\s*(?:=>|:)\s*\[?\s*:?['\"]?(\w+)", re.MULTILINE)


def gather(view: View) -> Gathered:
    """Return what gem specifications and Gemfiles declare."""
    found = Gathered()
    for path in view.ending("gemspec"):
        _gemspec(view, path, found)
    for path in view.named("Gemfile", "gems.rb"):
        _gemfile(view, path, found)
        if "/" not in path:
            found.commands.append(Command("install", "bundle install", path, 1, "ecosystem"))
    _rakefile(view, found)
    _rubocop(view, found)
    return found


def _gemspec(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    name = next((first or second for first, second in _NAME.findall(text)), "") or path.rpartition("/")[
        2
    ].removesuffix(".gemspec")
    said = {
        key: next(iter(re.findall(_FIELD.format(key), text)), "")
        for key in ("version", "summary", "required_ruby_version")
    }
    found.manifest(
        path,
        "ruby",
        name,
        version=said["version"],
        requires=said["required_ruby_version"],
        description=said["summary"],
    )
    for match in _ADDED.finditer(text):
        kind = "development" if match[1] == "development" else "runtime"
        number = text.count("\n", 0, match.start(2)) + 1
        found.dependencies.append(
            Dependency(match[2], ", ".join(re.findall(r"['\"]([^'\"]+)['\"]", match[3])), kind, kind, path, number)
        )
    folder = folder_of(path)
    if any(one.startswith(below(folder, "lib") + "/") for one in view.paths):
        found.entry_points.append(EntryPoint("library", name, below(folder, "lib"), path))
    listed = _EXECUTABLES.search(text)
    for program in _programs(view, folder, text, listed[1]) if listed else ():
        target = next(
            (
                below(folder, f"{place}/{program}")
                for place in ("exe", "bin")
                if below(folder, f"{place}/{program}") in view.files
            ),
            program,
        )
        found.entry_points.append(EntryPoint("bin", program, target, path))


def _gemfile(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    found.manifest(path, "ruby")
    folder = folder_of(path)
    specs = [one for one in view.ending("gemspec") if folder_of(one) == folder]
    if re.search(r"^[ \t]*gemspec\b", text, re.MULTILINE):
        for spec in specs:
            name = next((one.name for one in found.manifests if one.path == spec), "")
            found.dependencies.append(
                Dependency(
                    name, "gemspec", "default", "development", path, 1 + text[: text.find("gemspec")].count("\n")
                )
            )
    blocks: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        group = _GROUP.match(line)
        if group:
            blocks.append(group[1])
        elif _BLOCK.search(line) and not re.search(r"\bend\b", line):
            blocks.append("")
        elif re.match(r"\s*end\b", line) and blocks:
            blocks.pop()
        gem = _GEM.match(line)
        if gem:
            inline = _INLINE_GROUP.search(gem[2])
            groups = [
                name
                for block in (*blocks, inline[1] if inline else "")
                for name in re.findall(r"\w+", block.replace("%i", ""))
            ]
            is_development = bool(specs) or (bool(groups) and not set(groups) & {"default", "production", "assets"})
            spec = ", ".join(re.findall(r",\s*['\"]([^'\"]+)['\"]", gem[2]))
            found.dependencies.append(
                Dependency(
                    gem[1],
                    spec,
                    ",".join(groups) or "default",
                    "development" if is_development else "runtime",
                    path,
                    number,
                )
            )


def _programs(view: View, folder: str, text: str, said: str) -> list[str]:
    """Return the programs that a gem names, or else those in the folder that it takes them from."""
    if "grep" not in said and "glob" not in said and "Dir[" not in said:
        return re.findall(r"['\"]([\w.-]+)['\"]", said)
    home = next(iter(re.findall(_FIELD.format("bindir"), text)), "bin")
    start = below(folder, home) + "/"
    return [path[len(start) :] for path in view.paths if path.startswith(start) and "/" not in path[len(start) :]]


def _rakefile(view: View, found: Gathered) -> None:
    if "Rakefile" not in view.files:
        return
    text = view.text("Rakefile")
    default = _DEFAULT.search(text)
    bundled = "bundle exec " if "Gemfile" in view.files else ""
    if default and default[1] in ("test", "spec", "tests", "ci", "check"):
        found.commands.append(
            Command("test", f"{bundled}rake", "Rakefile", text.count("\n", 0, default.start()) + 1, "manifest")
        )


def _rubocop(view: View, found: Gathered) -> None:
    if ".rubocop.yml" not in view.files:
        return
    bundled = any(one.name.startswith("rubocop") and "/" not in one.manifest for one in found.dependencies)
    if "bin/rubocop" in view.files or bundled:
        command = "bin/rubocop" if "bin/rubocop" in view.files else "bundle exec rubocop"
        found.commands.append(Command("lint", command, ".rubocop.yml", 1, "manifest"))
