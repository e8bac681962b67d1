"""A call that failed as an error of the right kind, and as the JSON document that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archfb.errors import AllFailed, CostLimit, DeadlineExceeded, NoUsableModel, Partial, WorkFailed

if TYPE_CHECKING:
    from archfb.errors import ArchfbError
    from archfb.routing.answer import Answer

KINDS: dict[str, type[WorkFailed]] = {
    kind.code: kind for kind in (NoUsableModel, AllFailed, DeadlineExceeded, CostLimit, Partial)
}


def failed(answer: Answer) -> WorkFailed:
    """Return the error that a failed answer stands for."""
    error = answer.error
    if error is None:
        return WorkFailed("The call failed.", answer=answer)
    kind = KINDS.get(error.code, WorkFailed)
    found = kind(error.message, answer=answer, retry_at=error.retry_at, hint=hint(error.code))
    found.code = error.code
    return found


def hint(code: str) -> str | None:
    """Return what to do about a failure."""
    if code == NoUsableModel.code:
        return "See `archfb status` for why, and `archfb doctor` for which keys are set."
    return None


def answer_failure(error: ArchfbError) -> dict[str, Any]:
    """Return the document of `ask --json` for any failure, with the fields of a good one."""
    from dataclasses import replace

    from archfb.output import mask
    from archfb.providers.exchange import Usage
    from archfb.routing.answer import Answer, CallError
    from archfb.routing.json import answer_json

    told = CallError(error.code, mask(error.message), error.retry_at)
    answer = getattr(error, "answer", None)
    if not isinstance(answer, Answer):
        answer = Answer(False, "", None, "low", None, Usage(), None, (), (), told)
    elif answer.ok:
        answer = replace(answer, ok=False, error=told)
    return answer_json(answer)
