"""The repository at a glance: what it declares, its tree, its languages, its most central files in outline."""

from __future__ import annotations

from archfb.repository import fence
from archfb.repository.records import Packed
from archfb.repository.render import as_outline, collapsed, frame, shown_path
from archfb.repository.tokens import estimate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from archfb.repository.records import Manifest, Repository

_TRIED = 2_000


def overview(repo: Repository, budget_tokens: int) -> Packed:
    """Return tree, manifests, languages, entry points, commands and outlines within the budget."""
    room = int(budget_tokens * 0.92) - estimate(frame("0" * 24, "", "")) - 20
    parts: list[str] = []
    for section in (_facts(repo), _tree(repo, max(100, int(room * 0.25)))):
        cost = estimate(section)
        if cost <= room:
            parts.append(section)
            room -= cost
    outlined: list[str] = []
    for file in repo.ranked()[:_TRIED]:
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
        text,
        tokens,
        budget_tokens,
        (),
        tuple(outlined),
        tuple(f.path for f in repo.files if f.path not in shown),
        (),
        repo.withheld,
        mark,
    )


def _facts(repo: Repository) -> str:
    """Return what is declared, line by line."""
    lines = [f"--- {shown_path(repo.name)}: {len(repo.files):,} files"]
    if repo.languages:
        lines.append("languages: " + ", ".join(f"{one.name} {one.share:.1%}" for one in repo.languages[:8]))
    lines += [_manifest(one) for one in repo.manifests[:40]]
    lines += [
        f"entry point: {shown_path(one.name)} ({one.kind}) -> {shown_path(one.target)}"
        for one in repo.entry_points[:40]
    ]
    lines += [
        f"{one.purpose}: {shown_path(one.command)} ({shown_path(one.path)}:{one.line})" for one in repo.commands[:40]
    ]
    scopes: dict[tuple[str, str], list[str]] = {}
    for one in repo.dependencies:
        scopes.setdefault((one.manifest, one.scope), []).append(one.name)
    for (path, scope), names in list(scopes.items())[:40]:
        lines.append(f"dependencies: {shown_path(path)} [{shown_path(scope)}]: {shown_path(', '.join(names[:60]))}")
    lines += [
        f"convention: {shown_path(one.text)} ({shown_path(one.path)}:{one.line})" for one in repo.conventions[:30]
    ]
    if repo.cycles:
        lines.append(
            f"import cycles: {len(repo.cycles)}, the largest of {len(repo.cycles[0])} files "
            f"around {shown_path(repo.cycles[0][0])}"
        )
    if repo.churn.files:
        often = ", ".join(f"{shown_path(one.path)} ({one.commits})" for one in repo.churn.files[:10])
        lines.append(f"most changed in {repo.churn.commits:,} commits: {often}")
    return "\n".join(lines) + "\n"


def _manifest(one: Manifest) -> str:
    about = " ".join(shown_path(part) for part in (one.name, one.version, one.requires) if part)
    return f"manifest: {shown_path(one.path)} ({one.ecosystem}) {about}".rstrip()


def _tree(repo: Repository, room: int) -> str:
    """Return the tree, the deepest folders collapsed to counts until it fits."""
    files = [(file.path, f" ({file.lines:,} lines)" if file.lines else "") for file in repo.files]
    for depth in (12, 8, 6, 5, 4, 3, 2, 1):
        text = "--- tree\n" + collapsed(files, depth)
        if estimate(text) <= room:
            return text
    return ""
