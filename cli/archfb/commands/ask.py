"""`archfb ask`: one question, one answer."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archfb import completion
from archfb.commands.options import Json, OneModel
from archfb.session import Session, session
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from archfb.routing.answer import Answer

PROMPT_LIMIT = 64 * 1024 * 1024
"""Bytes that are read from stdin at most: more than any model takes."""

LOOK_UP = 0.2
"""Seconds."""


def ask(
    ctx: typer.Context,
    prompt: Annotated[str, typer.Argument(help="The question; - reads it from stdin.", metavar="PROMPT")],
    chain: Annotated[
        str, typer.Option("--chain", metavar="PHASE", help="Whose chain is asked.", autocompletion=completion.phases)
    ] = "phase1",
    model: OneModel = None,
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="An offline answer in their place is a failure.")] = False,
    deadline: Annotated[
        float | None, typer.Option("--deadline", metavar="S", min=0.1, help="Seconds for the whole call.")
    ] = None,
) -> int:
    """Ask one question of a chain of models, or of one model, and print the answer."""
    from archfb.commands.failing import failed
    from archfb.output import print_json, write
    from archfb.routing.json import answer_json
    from archfb.text import clean

    one = session(ctx)
    text = read_prompt(prompt)
    answer = one.run(answered(one, text, chain=chain, model=model, deadline=deadline))
    stood_in = answer.offline and in_their_place(answer)
    if not answer.ok or (strict and stood_in):
        raise failed(answer) if not answer.ok else strictly(answer)
    if stood_in:
        one.warn(f"no model answered; this is the offline provider's answer. {reasons(answer)}")
    elif answer.offline:
        one.note("No model has a key: this is the offline provider's answer. See `archfb doctor`.")
    if answer.truncated:
        one.warn(cut_off(answer))
    if json:
        print_json(answer_json(answer))
    else:
        write(clean(answer.text) + "\n")
    return 0


async def answered(
    session: Session, prompt: str, *, chain: str, model: str | None, deadline: float | None
) -> "Answer":
    """Open the router, ask, and close it again."""
    from archfb.eventlog import observers
    from archfb.routing.router import Router
    from archfb.views.live import Lines

    config = session.load(deadline)
    store = session.open(config)
    try:
        observe = observers(session, Lines(session.verbose, quiet=session.quiet, calls=False))
        async with Router.open(config, environ=session.environ, store=store, observe=observe) as router:
            return await router.ask(chain, prompt, model=model, deadline=deadline)
    finally:
        session.close(store)


def read_prompt(prompt: str) -> str:
    """Return the question; "-" reads stdin. Raises UsageError where there is none."""
    from archfb.errors import UsageError

    if prompt == "-":
        prompt = piped()
    if not prompt.strip():
        raise UsageError("The question is empty.", hint='Ask something: archfb ask "What is a circuit breaker?"')
    return prompt


def piped() -> str:
    """Return what stdin holds, at most PROMPT_LIMIT bytes of it.

    It looks up from waiting now and then, since a signal that comes just before a wait is heard only after it.
    """
    import select

    try:
        handle = sys.stdin.fileno()
    except (OSError, ValueError):
        return sys.stdin.read(PROMPT_LIMIT)
    got = bytearray()
    while len(got) < PROMPT_LIMIT:
        if not select.select([handle], [], [], LOOK_UP)[0]:
            continue
        chunk = os.read(handle, 65536)
        if not chunk:
            break
        got += chunk
    return got.decode("utf-8", "replace")


def cut_off(answer: "Answer") -> str:
    """Say that an answer ends where its model's output limit cut it, and what came of continuing it."""
    told = "the answer was cut off at the model's output limit"
    if answer.continued:
        return f"{told}, and again after it had been continued once."
    last = answer.attempts[-1].outcome
    return f"{told}." if last is Outcome.TRUNCATED else f"{told}; it could not be continued ({last})."


def in_their_place(answer: "Answer") -> bool:
    """Say whether the offline provider answered although models have keys."""
    from archfb.phases.reuse import stood_in

    return stood_in(answer.decision)


def reasons(answer: "Answer") -> str:
    """Return why no model answered, in a line."""
    tried = {one.model: str(one.outcome) for one in answer.attempts if one.model != answer.model}
    left_out = {one.model: one.why for one in answer.decision if not one.eligible}
    return "; ".join(f"{model}: {why}" for model, why in {**left_out, **tried}.items())


def strictly(answer: "Answer") -> Exception:
    """Return the failure that an offline answer is under --strict."""
    from archfb.errors import NoUsableModel

    return NoUsableModel(f"No model answered, only the offline provider. {reasons(answer)}", answer=answer)
