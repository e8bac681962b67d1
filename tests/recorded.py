"""The recorded provider responses, beside the checkout or where ARCHFB_SHARED says; none where they are absent."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archfb.providers.judge import api_verdict, error_verdict, no_json
from archfb.providers.reading import Reading
from archfb.providers.sse import BodyParser, NotJson
from archfb.providers.wires import WIRES

NOW = 1_800_000_000.0
API_OF_WIRE = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic", "gemini": "gemini"}
_WIRE_OF_API = {
    "deepseek.chat": "chat",
    "anthropic.messages": "messages",
    "gemini.generateContent": "gemini",
    "openai.chat": "chat",
    "openai.responses": "responses",
}


@dataclass(frozen=True)
class Case:
    """One recorded exchange."""

    id: str
    provider: str
    wire: str
    stream: bool
    status: int
    headers: dict[str, str]
    body: str
    expect: dict[str, Any]
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Read:
    """What was made of a case."""

    outcome: str
    reading: Reading
    verdict: Any


def _lines(name: str) -> list[dict[str, Any]]:
    folder = Path(os.environ.get("ARCHFB_SHARED", Path(__file__).parents[2] / "shared"))
    path = folder / "provider_cases" / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _case(row: dict[str, Any]) -> Case:
    answer = row["response"]
    wire = row.get("wire") or _WIRE_OF_API[row["api"]]
    return Case(
        row["id"],
        row["provider"],
        wire,
        row.get("stream", False),
        answer["status"],
        answer["headers"],
        answer["body"],
        row["expect"],
        row.get("request", {}),
    )


def all_cases() -> list[Case]:
    """Return the recorded exchanges."""
    return [_case(row) for row in _lines("cases.jsonl")]


def secondary_cases() -> list[Case]:
    """Return the error bodies quoted in public issues."""
    return [_case(row) for row in _lines("errors_secondary.jsonl")]


def api_outcome(case: Case, size: int = 0) -> Read:
    """Return what the API said: `ok` also with an empty text. `size` cuts the body into pieces of so many bytes."""
    data, reading, parser = case.body.encode(), Reading(), BodyParser()
    size = size or len(data) or 1
    read = WIRES[API_OF_WIRE[case.wire]].read
    bodies: list[Any] = []
    try:
        events = [event for at in range(0, len(data), size) for event in parser.feed(data[at : at + size])]
        for event in events + parser.finish():
            bodies.append(event.body)
            reading.done = reading.done or event.done
            if case.status < 400 and not event.done:
                read(reading, event.body)
    except NotJson:
        verdict = no_json(data, case.status, case.headers, NOW)
        return Read(verdict.outcome, reading, verdict)
    if not bodies:
        verdict = no_json(parser.text, case.status, case.headers, NOW)
    elif case.status >= 400:
        verdict = error_verdict(bodies[0], case.status, case.headers, NOW)
    else:
        verdict = api_verdict(reading, case.status, case.headers, NOW, streamed=parser.streamed)
    return Read(verdict.outcome, reading, verdict)
