"""What the phases make: frozen records with a JSON form and a Markdown rendering.

An answer is text first (that is what is stored and what a model is asked for); the records hold that text and what
was read out of it: claims with their evidence, a plan with its agents. A call that failed is a record of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archfb.text import clean

TITLES = {
    "phase1": "Initial Discovery",
    "phase2": "Methodical Planning",
    "phase3": "Deep Analysis",
    "phase4": "Synthesis",
    "phase5": "Consolidation",
    "final": "Final Analysis",
}
"""The phases in order, and what each is called."""


def plain(text: str) -> str:
    """Return a foreign name or sentence on one line and inert, as JSON and Markdown show it."""
    return clean(text, one_line=True)


@dataclass(frozen=True, slots=True)
class Subject:
    """The repository that was read, in a line."""

    name: str
    content_id: str
    files: int
    commit: str | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know of the reading: files skipped, secrets redacted."""

    def to_json(self) -> dict[str, Any]:
        """Return every field."""
        return {
            "name": plain(self.name),
            "commit": self.commit,
            "content_id": self.content_id,
            "files": self.files,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """A cited place. `problem` is empty where it exists, else says what is wrong with it."""

    path: str
    line: int | None = None
    end: int | None = None
    problem: str = ""

    @property
    def place(self) -> str:
        """Return "path:line", as people write it."""
        tail = "" if self.line is None else f":{self.line}"
        return plain(self.path) + tail + (f"-{self.end}" if self.end is not None else "")

    def to_json(self) -> dict[str, Any]:
        """Return path and lines; `problem` only where there is one."""
        found: dict[str, Any] = {"path": plain(self.path), "line": self.line}
        if self.end is not None:
            found["end"] = self.end
        if self.problem:
            found["problem"] = self.problem
        return found


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer, and where it can be seen."""

    text: str
    evidence: tuple[Evidence, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the statement and its evidence."""
        return {"text": self.text, "evidence": [one.to_json() for one in self.evidence]}


@dataclass(frozen=True, slots=True)
class Made:
    """Who made an answer, from what, in how many attempts and at what cost (USD; None: price unknown)."""

    key: str
    model: str
    prompt_version: str
    inputs: tuple[tuple[str, str], ...] = ()
    """What it was made from: (name, hash), in order."""
    offline: bool = False
    offline_reason: str | None = None
    attempts: int = 0
    cost_usd: float | None = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    stored: bool = False
    """It was bought by an earlier run (or earlier in this one) and cost nothing now."""
    fell_back: bool = False
    """The offline provider stood in for models that have a key and failed or are out."""
    reading: str = ""
    """What of its material the model was not given whole, and why; "" where it had all of it."""

    @property
    def truncated(self) -> bool:
        """Whether the answer ends where the output limit cut it."""
        return self.finish_reason in {"length", "truncated"}

    def to_json(self) -> dict[str, Any]:
        """Return every field; `inputs` as an object."""
        return {
            "key": self.key,
            "model": self.model,
            "offline": self.offline,
            "offline_reason": self.offline_reason,
            "prompt_version": self.prompt_version,
            "inputs": dict(self.inputs),
            "attempts": self.attempts,
            "cost_usd": self.cost_usd,
            "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
            "finish_reason": self.finish_reason,
            "truncated": self.truncated,
            "stored": self.stored,
            "reading": self.reading,
        }


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call that nobody answered: what is therefore missing, and why."""

    role: str
    title: str
    code: str
    message: str
    files: tuple[str, ...] = ()
    retry_at: float | None = None
    attempts: int = 0
    cost_usd: float | None = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return what is missing and why."""
        from archfb.routing.json import instant

        return {
            "role": self.role,
            "title": plain(self.title),
            "code": self.code,
            "message": self.message,
            "files": [plain(path) for path in self.files],
            "retry_at": instant(self.retry_at),
            "attempts": self.attempts,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One answered call: its text (wrong citations marked), the claims in it, and who made it."""

    role: str
    title: str
    text: str
    claims: tuple[Claim, ...]
    made: Made
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def citations(self) -> tuple[Evidence, ...]:
        """Return every cited place."""
        return tuple(one for claim in self.claims for one in claim.evidence)

    @property
    def wrong(self) -> tuple[Evidence, ...]:
        """Return the cited places that do not exist."""
        return tuple(one for one in self.citations if one.problem)

    def to_json(self) -> dict[str, Any]:
        """Return text, claims and origin."""
        found: dict[str, Any] = {
            "role": self.role,
            "title": plain(self.title),
            "text": self.text,
            "claims": [one.to_json() for one in self.claims],
            "citations": {"checked": len(self.citations), "wrong": len(self.wrong)},
            "made": self.made.to_json(),
        }
        if self.files:
            found["files"] = [plain(path) for path in self.files]
        return {**found, "notes": list(self.notes)} if self.notes else found


@dataclass(frozen=True, slots=True)
class PlannedAgent:
    """One agent of a plan: a charge, and the files it reads."""

    id: str
    name: str
    description: str
    responsibilities: tuple[str, ...] = ()
    file_assignments: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the agent as a plan names it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "responsibilities": list(self.responsibilities),
            "file_assignments": [plain(path) for path in self.file_assignments],
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what matters a plan reads, and how evenly the work is spread."""

    files: int
    """Files that matter: source of rank, entry points, manifests."""
    assigned: int
    """Of those, how many some agent reads."""
    tokens: int
    """Estimated tokens of everything assigned."""
    by_agent: tuple[tuple[str, int, int], ...] = ()
    """Per agent: id, files, tokens."""

    @property
    def share(self) -> float:
        """Return the covered share of the files that matter, 0 to 1."""
        return 1.0 if self.files == 0 else self.assigned / self.files

    @property
    def balance(self) -> float:
        """Return mean ÷ largest of the agents' tokens: 1 is even, 1/n is one agent with everything."""
        sizes = [tokens for _, _, tokens in self.by_agent]
        return 1.0 if not sizes or max(sizes) == 0 else sum(sizes) / len(sizes) / max(sizes)

    def to_json(self) -> dict[str, Any]:
        """Return counts and shares, rounded to three places."""
        return {
            "files": self.files,
            "assigned": self.assigned,
            "share": round(self.share, 3),
            "balance": round(self.balance, 3),
            "tokens": self.tokens,
            "agents": [{"id": name, "files": files, "tokens": tokens} for name, files, tokens in self.by_agent],
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan: every file in it was scanned, every agent has some."""

    plan: str
    agents: tuple[PlannedAgent, ...]
    coverage: Coverage
    notes: tuple[str, ...] = ()
    """What checking changed: names resolved or dropped, files added, JSON repaired."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan, and what was measured and changed."""
        return {
            "plan": self.plan,
            "agents": [one.to_json() for one in self.agents],
            "coverage": self.coverage.to_json(),
            "notes": list(self.notes),
        }
