"""Statements about what the project is: its manifests, its packages, its README's words."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from archfb.phases.importance import folder, ours
from archfb.phases.offline.facts import listed, said, shown
from archfb.phases.offline.layout import nearest
from archfb.phases.offline.purpose import introduction
from archfb.text import code, prose

if TYPE_CHECKING:
    from archfb.phases.offline.facts import Facts
    from archfb.repository.records import Manifest


def main_manifests(facts: Facts) -> list[Manifest]:
    """Return the manifests of the product itself, the top one first, each member once."""
    own = [one for one in facts.repo.manifests if one.name and _is_product(facts, one)]
    own.sort(key=lambda one: (one.path.count("/"), one.path))
    found: dict[tuple[str, str], Manifest] = {}
    for one in own:
        found.setdefault((one.ecosystem, one.name), one)
    return list(found.values())


def _is_product(facts: Facts, manifest: Manifest) -> bool:
    file = facts.repo.by_path.get(manifest.path)
    hidden = {"test", "example", "docs", "fixture"}
    return manifest.role not in hidden and (file is None or (ours(file) and file.role not in hidden))


def identity(facts: Facts) -> list[str]:
    """Say what the project is, in its own words."""
    found: list[str] = []
    top = [one for one in main_manifests(facts) if "/" not in one.path][:2]
    for one in top:
        version = f" {prose(shown(one.version))}" if one.version[:1].isdigit() or one.version[:1] == "v" else ""
        about = f": {prose(shown(one.description).rstrip('.'))}" if one.description else ""
        line = facts.line_of(one.path, " ".join(one.description.split()[:3]) or one.name)
        about = about or ("" if version else _members(facts, one))
        found.append(said(f"{code(one.name)}{version} ({one.ecosystem}){about}", one.path, line))
    if (intro := introduction(facts)) is not None and not _repeats(intro[0], top):
        sentence, path, line = intro
        found.append(said(f"In its README's words: {sentence}", path, line))
    return found


def _members(facts: Facts, top: Manifest) -> str:
    """Say which packages a manifest holds together that tells nothing of itself, those with most source first."""
    names = {folder(one.path): one.name for one in main_manifests(facts) if one.ecosystem == top.ecosystem}
    names.pop("", None)
    lines: Counter[str] = Counter(dict.fromkeys(names, 0))
    for one in facts.source:
        lines[nearest(names, folder(one.path))] += one.lines
    lines.pop("", None)
    if len(names) < 2:
        return ""
    ordered = sorted(names, key=lambda home: (-lines[home], home))
    return f": a workspace of {len(names):,} packages: {listed([code(names[home]) for home in ordered])}"


def _repeats(sentence: str, told: list[Manifest]) -> bool:
    """Whether a manifest has said the same."""
    words = _words(sentence)
    return any(
        one.description and _words(one.description).startswith(words[: len(_words(one.description))]) for one in told
    )


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
