"""The phases' results: one frozen record a phase, with a JSON form and a Markdown rendering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archfb.phases.records import TITLES, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archfb.phases.records import CallFailed, Finding, Made, Plan


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
class PhaseRecord:
    """What every phase's result has. `missing` is empty where it is whole."""

    phase: str
    subject: Subject
    missing: tuple[CallFailed, ...] = ()

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made its parts."""
        return ()

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return (title, text) of its parts, as later phases read them."""
        return ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields that every phase shares."""
        return {
            "phase": self.phase,
            "title": TITLES[self.phase],
            "repository": self.subject.to_json(),
            "missing": [one.to_json() for one in self.missing],
        }

    def to_markdown(self) -> str:
        """Return the result as a Markdown document that ends with who made it."""
        from archfb.phases.markdown import document

        return document(self)


@dataclass(frozen=True, slots=True)
class FindingsResult(PhaseRecord):
    """Phase 1 (a finding per role) and phase 3 (a finding per agent and batch)."""

    findings: tuple[Finding, ...] = ()

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made each finding."""
        return tuple(one.made for one in self.findings)

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return each finding's title and text."""
        return tuple((one.title, one.text) for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the findings."""
        return {**PhaseRecord.to_json(self), "findings": [one.to_json() for one in self.findings]}


@dataclass(frozen=True, slots=True)
class Discovery(FindingsResult):
    """Phase 1: structure, dependencies, technology."""


@dataclass(frozen=True, slots=True)
class DeepAnalysis(FindingsResult):
    """Phase 3: what each agent found in its files."""


@dataclass(frozen=True, slots=True)
class PlanResult(PhaseRecord):
    """Phase 2: the plan; None where nobody could make one."""

    plan: Plan | None = None
    maker: Made | None = None

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made the plan."""
        return () if self.maker is None else (self.maker,)

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return the plan in Markdown."""
        from archfb.phases.markdown import plan_body

        return () if self.plan is None else (("Plan", plan_body(self.plan)),)

    def to_json(self) -> dict[str, Any]:
        """Return the plan's fields at the top, beside who made it."""
        found = {**PhaseRecord.to_json(self), **(self.plan.to_json() if self.plan else {})}
        return {**found, "made": self.maker.to_json() if self.maker else None}


@dataclass(frozen=True, slots=True)
class WholeResult(PhaseRecord):
    """Phases 4, 5 and final: one text, and the partial ones it was reduced from, where it did not fit at once."""

    finding: Finding | None = None
    parts: tuple[Finding, ...] = field(default=())

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made the text and its parts."""
        whole = (self.finding,) if self.finding else ()
        return tuple(one.made for one in (*whole, *self.parts))

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return the text."""
        return () if self.finding is None else ((self.finding.title, self.finding.text),)

    def to_json(self) -> dict[str, Any]:
        """Return the text with its claims, and the parts."""
        return {
            **PhaseRecord.to_json(self),
            "finding": self.finding.to_json() if self.finding else None,
            "parts": [one.to_json() for one in self.parts],
        }


@dataclass(frozen=True, slots=True)
class Synthesis(WholeResult):
    """Phase 4: one picture of what the agents found."""


@dataclass(frozen=True, slots=True)
class Report(WholeResult):
    """Phase 5: one report over phases 1 to 4."""


@dataclass(frozen=True, slots=True)
class Rules(WholeResult):
    """Final: the rules file."""


def offline_only(made: Iterable[Made]) -> bool:
    """Return whether no model took part at all."""
    return all(one.offline for one in made)
