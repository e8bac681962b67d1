"""What the repository declares about itself, ecosystem by ecosystem. Nothing of it is run."""

from __future__ import annotations

from importlib import import_module

from archfb.repository import classify, secrets
from archfb.repository import commands as automation
from archfb.repository.manifests.declared import Gathered, View
from archfb.repository.patterns import regex
from archfb.repository.record import changed
from archfb.repository.records import Declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archfb.repository.records import Command

__all__ = ["Declared", "collect"]

# Module by the names and endings of the files that it reads: what has none of them is not even imported.
_READERS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "python",
        ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile", "__main__.py", "manage.py"),
        ("txt", "in"),
    ),
    ("node", ("package.json",), ()),
    ("rust", ("Cargo.toml",), ()),
    ("go", ("go.mod",), ()),
    ("jvm", ("pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"), ()),
    ("ruby", ("Gemfile", "gems.rb", "Rakefile"), ("gemspec",)),
    ("php", ("composer.json", "phpunit.xml", "phpunit.xml.dist"), ()),
    ("dotnet", ("Directory.Packages.props",), ("csproj", "fsproj", "vbproj")),
    (
        "native",
        (
            "configure.ac",
            "configure.in",
            "CMakeLists.txt",
            "meson.build",
            "vcpkg.json",
            "conanfile.txt",
            "conanfile.py",
            ".gitmodules",
        ),
        (),
    ),
)
_ASIDE = regex(
    r"(?:^|/)(?:examples?|demos?|samples?|fixtures?|testdata|templates?|template-[^/]+"
    r"|node_modules|vendors?|third_party|docs?|benchmarks?|bench|playground"
    r"|tests?|__tests__|spec|e2e|Tests?|Fixtures|skeleton|stubs?|(?:manual|unit|integration)[ _-]tests?"
    r"|test[ _-]cases?|_vendor)/|^deps/[^/]+/"
)
_ORDER = ("test", "build", "run", "lint", "types", "format", "install", "docs", "release", "other")
_SHORT = 16  # characters; no likely secret is shorter
_SOURCES = ("ci", "manifest", "makefile", "configuration", "ecosystem")


def collect(paths: Sequence[str], read: Callable[[str], bytes | None]) -> Declared:
    """Return what the manifests among `paths` declare; what cannot be parsed becomes a note.

    Manifests of examples, fixtures and vendored code are told apart (`aside`), unless a workspace names them.
    """
    view = View([path for path in paths if not _is_foreign(path)], read)
    all_found: list[Gathered] = [
        import_module(f"{__name__}.{module}").gather(view)
        for module, names, endings in _READERS
        if view.named(*names) or view.ending(*endings)
    ]
    members = {path for found in all_found for path in found.members}
    strangers = {path for found in all_found for path in found.not_members}
    listed = [one for found in all_found for one in found.manifests]
    aside = {
        one.path for one in listed if one.path not in members and (one.path in strangers or _ASIDE.search(one.path))
    }
    kept = [one for one in listed if one.path not in aside]
    return Declared(
        manifests=tuple(sorted(kept, key=lambda one: (one.path.count("/"), one.path))),
        aside=tuple(sorted(aside)),
        lock_files=tuple(
            sorted(
                path for path in view.paths if classify.is_lock(path.rpartition("/")[2]) and not _ASIDE.search(path)
            )
        ),
        submodules=tuple(one.name for found in all_found for one in found.dependencies if one.scope == "submodule"),
        dependencies=tuple(
            changed(one, spec=_safe(one.spec)) if len(one.spec) > _SHORT else one
            for found in all_found
            for one in found.dependencies
            if one.manifest not in aside
        ),
        entry_points=tuple(
            one
            for found in all_found
            for one in found.entry_points
            if one.manifest not in aside and (one.manifest in members or not _ASIDE.search(one.manifest))
        ),
        commands=_commands(view, all_found, aside),
        conventions=tuple(automation.conventions(view)),
        notes=tuple(f"{one.path} {one.note}" for one in kept if one.note),
    )


def _is_foreign(path: str) -> bool:
    return "node_modules/" in path or path.startswith("vendor/")


def _commands(view: View, all_found: Iterable[Gathered], aside: set[str]) -> tuple[Command, ...]:
    listed = automation.gather(view) + [one for found in all_found for one in found.commands if one.path not in aside]
    once: dict[tuple[str, str], Command] = {}
    for one in listed:
        before = once.setdefault((one.purpose, one.command), one)
        if before.source == "ci" and one.source in ("manifest", "ecosystem"):
            once[one.purpose, one.command] = one  # what the project offers, not only an automation's use of it
    order = sorted(
        once.values(),
        key=lambda one: (
            _ORDER.index(one.purpose),
            _SOURCES.index(one.source),
            *(() if one.source == "ci" else (one.path.count("/"), one.path, one.line)),
        ),
    )
    return tuple(changed(one, command=_safe(one.command)) for one in order)


def _safe(text: str) -> str:
    """Return a text without likely secrets: what is declared is shown and sent too."""
    return secrets.redact(text)[0] if len(text) > _SHORT else text
