"""From one reply to one row of `attempts`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from archfb.routing.prices import cost
from archfb_state.records import Attempt

if TYPE_CHECKING:
    from archfb.providers.exchange import Reply
    from archfb.routing.prices import Price
    from archfb.routing.roster import Member
    from archfb_state.records import Kind


def new_id() -> str:
    """Return 16 random hex digits."""
    return os.urandom(8).hex()


class Circumstances(NamedTuple):
    """What the caller knows of an attempt beside the reply."""

    call_id: str
    phase: str
    kind: Kind
    started_at: float
    ended_at: float
    run_id: str | None = None
    fallback_from: str | None = None
    repeat: bool = False
    blame: bool = True


def attempt_of(member: Member, price: Price, reply: Reply, around: Circumstances) -> Attempt:
    """Return the attempt as it is recorded, with its cost where that is known."""
    usage = reply.usage
    return Attempt(
        id=new_id(),
        call_id=around.call_id,
        model=member.model.name,
        deployment=member.ref.deployment,
        account=member.ref.account,
        host=member.ref.host,
        phase=around.phase,
        kind=around.kind,
        outcome=reply.outcome,
        started_at=around.started_at,
        ended_at=around.ended_at,
        latency_ms=reply.latency_ms,
        run_id=around.run_id,
        ttft_ms=reply.ttft_ms,
        http_status=reply.http_status,
        retry_after_s=reply.retry_after_s,
        reset_at=reply.reset_at,
        scope=reply.scope,
        code=reply.code,
        message=reply.message,
        request_id=reply.request_id,
        finish_reason=reply.finish_reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cached_tokens=usage.cached_tokens,
        cost_usd=0.0 if member.offline or around.kind == "metadata" else cost(price, usage, member.provider.api),
        fallback_from=around.fallback_from,
        repeat=around.repeat,
        streamed=reply.streamed,
        reasoning=member.model.reasoning not in {None, "disabled"},
        blame=around.blame,
    )
