"""The first half of a cut answer: kept while it is continued, so that after an interrupt only the rest is bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.providers.exchange import Usage
from archfb.routing.answer import Answer
from archfb_state.store import PhaseResult

if TYPE_CHECKING:
    from archfb.phases.calls import CallSpec


def begun_key(spec: CallSpec) -> str:
    """Return where it is kept: no call's own key, so that nobody takes it for a whole answer."""
    return f"{spec.key}:begun"


def begun_row(spec: CallSpec, answer: Answer, now: float) -> PhaseResult:
    """Return the row that keeps it; it belongs to no run, whose results are whole answers."""
    return PhaseResult(
        begun_key(spec),
        spec.phase,
        spec.role,
        answer.model or "",
        now,
        answer.text,
        prompt_version=spec.prompt.version,
        finish_reason=answer.finish_reason,
        attempts=len(answer.attempts),
        cost_usd=answer.cost_usd,
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
    )


def begun_answer(row: PhaseResult) -> Answer:
    """Return the answer that a row keeps; its attempts are those of the run that made them."""
    usage = Usage(row.input_tokens, row.output_tokens)
    made = (row.finish_reason, usage, row.cost_usd, (), ())
    return Answer(True, row.text, row.model, "", *made, truncated=True)
