"""The repository at a glance: what it declares, its tree, its languages, its most central files in outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.repository import fence
from archfb.repository.records import Packed
from archfb.repository.render import as_outline, frame, shown_path
from archfb.repository.tokens import estimate

if TYPE_CHECKING:
    from archfb.repository.records import Repository

_OUTLINES = 0.55


def overview(repo: Repository, budget_tokens: int) -> Packed:
    """Return tree, manifests, languages, entry points, commands and outlines within the budget."""
    room = int(budget_tokens * 0.95) - estimate(frame("0" * 24, "", "")) - 20
    parts: list[str] = []
    for section in (_facts(repo), _tree(repo, max(100, int(room * 0.25)))):
        cost = estimate(section)
        if cost <= room:
            parts.append(section)
            room -= cost
    outlined: list[str] = []
    for file in repo.ranked():
        if room < 40 or len(outlined) > 400:
            break
        if file.role in ("source", "other") and file.kind == "text" and not file.withheld and file.language:
            text = as_outline(file, repo.source.outline(file))
            cost = estimate(text)
            if text and cost <= room:
                parts.append(text)
                outlined.append(file.path)
                room -= cost
    body = "".join(parts)
    mark = fence.mark_for(repo.content_id, body)
    text = frame(mark, body, "")
    tokens = estimate(text)
    if tokens > budget_tokens:
        text, tokens = "", 0
    shown = set(outlined)
    return Packed(
        text, tokens, budget_tokens, (), tuple(outlined), tuple(f.path for f in repo.files if f.path not in shown), (), repo.withheld, mark
    )


def _facts(repo: Repository) -> str:
    lines = [f"--- {shown_path(repo.name)}: {len(repo.files):,} files"]
    if repo.languages:
        lines.append("languages: " + ", ".join(f"{one.name} {one.share:.1%}" for one in repo.languages[:8]))
    for manifest in repo.manifests[:30]:
        lines.append(f"manifest: {shown_path(manifest.path)} ({manifest.ecosystem}) {shown_path(manifest.name)}".rstrip())
    for entry in repo.entry_points[:30]:
        lines.append(f"entry point: {shown_path(entry.name)} ({entry.kind}) -> {shown_path(entry.target)}")
    for command in repo.commands[:30]:
        lines.append(f"{command.purpose}: {shown_path(command.command)} ({shown_path(command.path)}:{command.line})")
    scopes: dict[tuple[str, str], list[str]] = {}
    for one in repo.dependencies:
        scopes.setdefault((one.manifest, one.scope), []).append(one.name)
    for (path, scope), names in list(scopes.items())[:30]:
        lines.append(f"dependencies: {shown_path(path)} [{scope}]: " + ", ".join(shown_path(name) for name in names[:60]))
    return "\n".join(lines) + "\n"


def _tree(repo: Repository, room: int) -> str:
    """Return the tree, the deepest folders collapsed to counts until it fits."""
    for depth in (12, 8, 6, 5, 4, 3, 2, 1):
        text = _tree_to(repo, depth)
        if estimate(text) <= room:
            return text
    return ""


def _tree_to(repo: Repository, depth: int) -> str:
    counts: dict[str, int] = {}
    files: list[str] = []
    for file in repo.files:
        parts = file.path.split("/")
        if len(parts) <= depth:
            files.append(f"{shown_path(file.path)} ({file.lines:,} lines)")
        else:
            key = "/".join(parts[:depth]) + "/"
            counts[key] = counts.get(key, 0) + 1
    folders = [f"{shown_path(folder)} ({count:,} files)" for folder, count in counts.items()]
    return "--- tree\n" + "\n".join(sorted(files + folders)) + "\n"
