"""What is sent: one JSON document a round, the same for a webhook and a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archfb.alerts.decide import Alert


def document(alerts: Sequence[Alert], *, at: float, sender: str, usable: Mapping[str, int]) -> bytes:
    """Return the document; `at` is Unix seconds, `sender` names this machine, `usable` counts models by phase.

    `text` says all of it in words, which is where chat services look.
    """
    from archfb.output import json_text
    from archfb.routing.json import SCHEMA, instant

    told = {
        "schema": SCHEMA,
        "at": instant(at),
        "from": sender,
        "text": "\n".join(["archfb: " + " ".join(one.sentence for one in alerts), *_dead(usable)]),
        "alerts": [_one(one) for one in alerts],
        "chains": {phase: {"usable": count} for phase, count in usable.items()},
    }
    return json_text(told).encode("ascii")


def _one(alert: Alert) -> dict[str, Any]:
    from archfb.routing.json import instant

    return {
        "kind": alert.kind,
        "model": alert.model,
        "from": alert.before,
        "to": alert.after,
        "reason": alert.reason,
        "retry_at": instant(alert.retry_at),
    }


def _dead(usable: Mapping[str, int]) -> list[str]:
    dead = [phase for phase, count in usable.items() if not count]
    return [f"No usable model left for {', '.join(dead)}."] if dead else []
