"""The phases' results: one frozen record a phase, with a JSON form and a Markdown rendering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archfb.phases import markdown
from archfb.phases.records import TITLES

if TYPE_CHECKING:
    from archfb.phases.records import CallFailed, Finding, Made, Plan, Subject


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """What every phase's result has. `missing` is empty where it is whole."""

    phase: str
    subject: Subject
    missing: tuple[CallFailed, ...] = ()

    @property
    def heading(self) -> str:
        """Return what the document is called."""
        return TITLES[self.phase]

    @property
    def body(self) -> str:
        """Return what was found, in Markdown."""
        return ""

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Return every text whose citations were checked."""
        return ()

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made its parts."""
        return ()

    @property
    def is_offline(self) -> bool:
        """Whether no model took part at all."""
        return bool(self.made) and all(one.offline for one in self.made)

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
        return markdown.document(self.heading, self.body, self.subject, self.all_findings, self.missing, self.made)


def _as_read(one: Finding) -> str:
    """Return a finding's text as later phases read it: with what its model was not given."""
    return f"({one.made.reading})\n\n{one.text}" if one.made.reading else one.text


@dataclass(frozen=True, slots=True)
class FindingsResult(PhaseRecord):
    """Phase 1 (a finding per role) and phase 3 (a finding per agent and batch)."""

    findings: tuple[Finding, ...] = ()

    @property
    def body(self) -> str:
        """Return each finding under its title."""
        return "\n\n".join(markdown.finding_body(one) for one in self.findings)

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Return the findings."""
        return self.findings

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made each finding."""
        return tuple(one.made for one in self.findings)

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return each finding's title and text."""
        return tuple((one.title, _as_read(one)) for one in self.findings)

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
    def body(self) -> str:
        """Return the plan with its agents and coverage."""
        return "" if self.plan is None else markdown.plan_body(self.plan)

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made the plan."""
        return () if self.maker is None else (self.maker,)

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return the plan in Markdown."""
        return () if self.plan is None else (("Plan", self.body),)

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
    def body(self) -> str:
        """Return the text."""
        return "" if self.finding is None else self.finding.text

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """Return the text and its parts; nothing where there is no text."""
        return () if self.finding is None else (self.finding, *self.parts)

    @property
    def made(self) -> tuple[Made, ...]:
        """Return who made the text and its parts."""
        whole = (self.finding,) if self.finding else ()
        return tuple(one.made for one in (*whole, *self.parts))

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Return the text."""
        return () if self.finding is None else ((self.finding.title, _as_read(self.finding)),)

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

    @property
    def heading(self) -> str:
        """Return what the document is called."""
        return "working rules"
