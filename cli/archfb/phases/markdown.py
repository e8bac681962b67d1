"""The results as Markdown documents: what was found, what is missing, who made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.phases.citations import FENCE
from archfb.phases.records import plain
from archfb.text import code, prose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archfb.phases.records import CallFailed, Coverage, Finding, Made, Plan, PlannedAgent, Subject

SHOWN_FILES = 40
"""Files of an agent or of a failed call that are listed by name."""


def document(
    title: str,
    body: str,
    subject: Subject,
    findings: Sequence[Finding],
    missing: Sequence[CallFailed],
    made: Sequence[Made],
) -> str:
    """Return a phase's result as one Markdown document, ending in one line feed."""
    heading = f"# {plain(subject.name)}: {title}"
    parts = [heading, body, _missing(missing), _wrong(findings), _origin(subject, made, body)]
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def finding_body(one: Finding) -> str:
    """Return a finding under its title, its own headings one level further down."""
    notes = "".join(f"\n\n> {note}" for note in one.notes)
    return f"## {plain(one.title)}{notes}\n\n{lowered(one.text.strip()) or 'Nothing was found.'}"


def lowered(text: str) -> str:
    """Return Markdown with its headings one level further down, code blocks left alone."""
    lines, in_code = [], False
    for line in text.splitlines():
        if FENCE.match(line):
            in_code = not in_code
        is_heading = not in_code and line.startswith("#") and line.lstrip("#").startswith(" ")
        lines.append("#" + line if is_heading and not line.startswith("######") else line)
    return "\n".join(lines)


def plan_body(plan: Plan) -> str:
    """Return a plan with its agents, coverage and what checking changed."""
    parts = [plan.plan] if plan.plan else []
    parts += [_agent(one, plan.coverage) for one in plan.agents]
    parts.append(f"## Coverage\n\n{coverage_line(plan.coverage)}")
    if plan.notes:
        parts.append(
            "## What was changed when the plan was checked\n\n" + "\n".join(f"- {one}" for one in plan.notes)
        )
    return "\n\n".join(parts)


def coverage_line(coverage: Coverage) -> str:
    """Return coverage and balance in a sentence."""
    return (
        f"The agents read {coverage.assigned:,} of the {coverage.files:,} files that matter ({coverage.share:.0%}), "
        f"about {coverage.tokens:,} tokens; balance {coverage.balance:.2f} (1 = all agents read the same amount)."
    )


def _agent(one: PlannedAgent, coverage: Coverage) -> str:
    sizes = {name: (files, tokens) for name, files, tokens in coverage.by_agent}
    files, tokens = sizes.get(one.id, (len(one.file_assignments), 0))
    duties = "\n".join(f"- {duty}" for duty in one.responsibilities)
    listed = "\n".join(f"- {code(path)}" for path in one.file_assignments[:SHOWN_FILES])
    more = len(one.file_assignments) - SHOWN_FILES
    rest = f"\n- and {more:,} more" if more > 0 else ""
    head = f"## {one.id}: {one.name}\n\n{one.description}"
    return f"{head}\n\n{duties}\n\nReads {_files(files)}, about {tokens:,} tokens:\n\n{listed}{rest}".replace(
        "\n\n\n\n", "\n\n"
    )


def _files(number: int) -> str:
    return f"{number:,} {'file' if number == 1 else 'files'}"


def _missing(missing: Sequence[CallFailed]) -> str:
    if not missing:
        return ""
    return "## Missing\n\n" + "\n".join(_missing_line(one) for one in missing)


def _missing_line(one: CallFailed) -> str:
    files = f" Files not read: {', '.join(code(path) for path in one.files[:SHOWN_FILES])}" if one.files else ""
    more = f" and {len(one.files) - SHOWN_FILES:,} more" if len(one.files) > SHOWN_FILES else ""
    title, message = prose(plain(one.title)), prose(plain(one.message))
    return f"- **{title}** ({one.code}): {message}{'.' if files else ''}{files}{more}"


def _wrong(findings: Sequence[Finding]) -> str:
    wrong = sum(len(one.wrong) for one in findings)
    cited = sum(len(one.citations) for one in findings)
    if not wrong:
        return ""
    return f"> {wrong:,} of {cited:,} cited places do not exist in the repository; they are marked “[wrong: …]”."


def _origin(subject: Subject, made: Sequence[Made], body: str) -> str:
    """Return who made the result, from what, in how many attempts, at what cost: one quiet block at the end."""
    if not made:
        return ""
    commit = f" at commit {subject.commit[:12]}" if subject.commit else ""
    read = f"From {_files(subject.files)}{commit} (content {subject.content_id[:12]})."
    notes = "".join(f" {note}" for note in subject.notes)
    who = "\n".join(dict.fromkeys(_made(one, body) for one in made))
    return f"---\n\n{who}\n{read}{notes}"


def _usd(cost: float) -> str:
    return "less than $0.0001" if 0 < cost < 0.00005 else f"${cost:.4f}"


def _made(one: Made, body: str) -> str:
    if one.offline:
        why = {
            "no_model": "no model could be asked",
            "unreadable": "the model's answer could not be read",
            "asked": "as asked",
        }.get(one.offline_reason or "", "no model took part")
        return f"Offline analysis, made without a model ({why})."
    cost = "at unknown cost" if one.cost_usd is None else f"for {_usd(one.cost_usd)}"
    attempts = "1 attempt" if one.attempts == 1 else f"{one.attempts} attempts"
    cut = " Its answer ends where the output limit cut it." if one.truncated else ""
    reading = f" {one.reading}" if one.reading and one.reading not in body else ""
    return f"Made by {plain(one.model)} in {attempts} {cost}.{cut}{reading}"
