"""PHP: composer.json."""

from __future__ import annotations

from archfb.repository.manifests.declared import Gathered, below, folder_of, line_of, word
from archfb.repository.manifests.jsonc import parse_object
from archfb.repository.manifests.purpose import purpose_of_script
from archfb.repository.records import Command, Dependency, EntryPoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from archfb.repository.manifests.declared import View

_PLATFORM = ("php", "hhvm", "composer", "composer-runtime-api", "composer-plugin-api")


def gather(view: View) -> Gathered:
    """Return what the composer.json files declare."""
    found = Gathered()
    for path in view.named("composer.json"):
        _composer(view, path, found)
    if "composer.json" in view.files:
        found.commands.append(Command("install", "composer install", "composer.json", 1, "ecosystem"))
    for path in ("phpunit.xml", "phpunit.xml.dist"):
        if path in view.files:
            program = "./phpunit" if "phpunit" in view.files else "vendor/bin/phpunit"
            found.commands.append(Command("test", program, path, 1, "ecosystem"))
            break
    return found


def _composer(view: View, path: str, found: Gathered) -> None:
    text = view.text(path)
    document = parse_object(text)
    if document is None:
        found.manifest(path, "php", note="cannot be parsed as JSON")
        return
    required = _table(document, "require")
    found.manifest(
        path,
        "php",
        document.get("name"),
        version=document.get("version"),
        requires=f"php {word(required['php'])}" if "php" in required else "",
        description=document.get("description"),
    )
    for scope, kind in (("require", "runtime"), ("require-dev", "development")):
        start = max(0, text.find(f'"{scope}"'))
        for name, spec in _table(document, scope).items():
            platform = name in _PLATFORM or name.startswith(("ext-", "lib-"))
            found.dependencies.append(
                Dependency(
                    name, word(spec), scope, "platform" if platform else kind, path, line_of(text, name, start)
                )
            )
    _entries(path, document, found, text)


def _entries(path: str, document: dict[str, Any], found: Gathered, text: str) -> None:
    folder = folder_of(path)
    bins = document.get("bin")
    for target in [bins] if isinstance(bins, str) else bins if isinstance(bins, list) else []:
        if isinstance(target, str):
            found.entry_points.append(
                EntryPoint("bin", target.rpartition("/")[2], below(folder, target), path, line_of(text, target))
            )
    for target in _table(_table(document, "autoload"), "psr-4").values():
        for one in [target] if isinstance(target, str) else target if isinstance(target, list) else []:
            if isinstance(one, str):
                found.entry_points.append(
                    EntryPoint(
                        "library", word(document.get("name")), below(folder, one) or ".", path, line_of(text, one)
                    )
                )
                break
    if not folder:
        for name in _table(document, "scripts"):
            purpose = purpose_of_script(name)
            if purpose:
                found.commands.append(
                    Command(
                        purpose,
                        f"composer {name}",
                        path,
                        line_of(text, name, max(0, text.find('"scripts"'))),
                        "manifest",
                    )
                )


def _table(of: dict[str, Any], key: str) -> dict[str, Any]:
    value = of.get(key)
    return value if isinstance(value, dict) else {}
