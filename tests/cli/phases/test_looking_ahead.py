"""Free probes start before the repository is read, for the chains that the run may use."""

from __future__ import annotations

from typing import Any

import pytest

LOOKING: list[tuple[dict[str, Any], list[tuple[str, ...]]]] = [
    ({}, [("phase1", "phase2")]),
    ({"offline": True}, []),
    ({"dry_run": True}, []),
    ({"model": "m"}, []),
    ({"only_providers": frozenset({"p"})}, []),
    ({"not_providers": frozenset({"q"})}, []),
]


@pytest.mark.parametrize(("options", "looked"), LOOKING, ids=[", ".join(options) or "any" for options, _ in LOOKING])
def test_the_models_of_the_phases_are_looked_at_while_the_repository_is_read(
    runs: Any, kit: Any, options: dict[str, Any], looked: list[tuple[str, ...]]
) -> None:
    plan = kit.plan(["shop/cart.py"])
    router = kit.router(kit.config("m"), lambda asked: plan if asked.phase == "phase2" else "- x")
    seen: list[list[tuple[str, ...]]] = []

    def read(_: Any) -> Any:
        seen.append(list(router.looked))
        return runs.repo

    runs("phase2", router, read=read, **options)
    assert seen == [looked]
    assert router.looked == looked
