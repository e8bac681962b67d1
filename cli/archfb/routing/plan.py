"""From a request to a decision: who could answer it, and in which order they are asked. No request is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archfb.routing.roster import OFFLINE, chain_members
from archfb_state.core.balancer import choose
from archfb_state.core.complexity import complexity
from archfb_state.core.latest import Latest
from archfb_state.decisions import Candidate, Demand

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from archfb.config.model import Config
    from archfb.routing.prices import Price
    from archfb.routing.roster import Member, Roster
    from archfb_state.decisions import Credits, Decision
    from archfb_state.records import Snapshot
    from archfb_state.settings import Settings, Strategy

EXPECTED_OUTPUT = 1500
"""Tokens that an answer is expected to have where nothing else says: the middle of what the six phases give."""

OUTPUT_RESERVE = 4096
"""Tokens of a window that are kept for the answer where the preset sets no limit."""

CHARS_PER_TOKEN = 3.6
"""English and code mixed; deliberately below 4, since an underestimate costs a refused request."""


class Request(NamedTuple):
    """What a call is about, before anybody is chosen. `chars` is the size of its context."""

    phase: str
    chars: int
    files: int = 0
    languages: int = 0
    deep: bool = False
    max_output_tokens: int | None = None
    model: str | None = None
    strategy: Strategy | None = None
    only_providers: frozenset[str] = frozenset()
    not_providers: frozenset[str] = frozenset()
    offline_only: bool = False
    shrinks: bool = False
    """The prompt can be made smaller for a smaller window, so none is too small."""

    @property
    def tokens(self) -> int:
        """Return the estimated input tokens, before a model's own correction."""
        return int(self.chars / CHARS_PER_TOKEN) + 8


def reserve(member: Member, request: Request) -> int:
    """Return the tokens kept for the answer, within the window."""
    asked, most = request.max_output_tokens, member.model.max_output_tokens
    if asked is None:
        return OUTPUT_RESERVE if most is None else most
    return asked if most is None else min(asked, most)


def window(member: Member, price: Price, rows: Snapshot) -> int | None:
    """Return the context window in tokens: the smallest of what was configured, published and learned."""
    learned = rows.deployments.get(member.ref.deployment)
    stated = member.model.context_window or price.window
    if learned is None or learned.window is None:
        return stated
    return learned.window if stated is None else min(stated, learned.window)


def input_budget(member: Member, price: Price, rows: Snapshot, request: Request) -> int | None:
    """Return the input tokens that fit beside the output reserve; None where the window is unknown."""
    size = window(member, price, rows)
    if size is None:
        return None
    kept = min(reserve(member, request), size // 2)
    record = rows.models.get(member.model.name)
    return int((size - kept) / max(1.0, record.token_ratio if record else 1.0))


def exclusion(member: Member, price: Price, rows: Snapshot, request: Request) -> str | None:
    """Return why a member cannot serve this request at all, or None."""
    name = member.provider.name
    if request.offline_only and not member.offline:
        return "offline only was asked for"
    if (request.only_providers and name not in request.only_providers) or name in request.not_providers:
        return f"provider {name} may not see this"
    if member.missing is not None:
        return member.missing
    fits = input_budget(member, price, rows, request)
    if fits is not None and request.tokens > fits and not request.shrinks:
        return f"window too small (prompt of about {request.tokens:,} tokens, {fits:,} fit)"
    return None


def candidates(
    config: Config, members: Roster, rows: Snapshot, request: Request, price_of: Callable[[Member], Price]
) -> list[Candidate]:
    """Return the chain of a request as candidates, the offline provider last where it may answer."""
    chain = chain_members(config, members, request.phase, request.model)
    asked = _asked(request)
    found = [_candidate(at, one, rows, request, price_of(one), asked) for at, one in enumerate(chain)]
    if (config.routing.offline and request.model is None) or request.offline_only:
        offline = members[OFFLINE]
        if all(one.model.name != offline.model.name for one in chain):
            found.append(Candidate(offline.ref, len(found), weight=0.0, offline=True))
    return found


_last: Latest[tuple[tuple[object, ...], Candidate]] = Latest()
"""Each model's last candidate, and all that it was made from."""


def _asked(request: Request) -> tuple[object, ...]:
    """Return what of a request a candidate depends on."""
    return (
        request.tokens,
        request.max_output_tokens,
        request.offline_only,
        request.only_providers,
        request.not_providers,
        request.shrinks,
    )


def _candidate(
    position: int, member: Member, rows: Snapshot, request: Request, price: Price, asked: tuple[object, ...]
) -> Candidate:
    deployment, record = rows.deployments.get(member.ref.deployment), rows.models.get(member.model.name)
    known = (
        position,
        member,
        price,
        asked,
        None if deployment is None else deployment.window,
        None if record is None else record.token_ratio,
    )
    last = _last.get(member.model.name)
    if last is None or last[0] != known:
        last = _last.keep(member.model.name, (known, _made(position, member, rows, request, price)))
    return last[1]


def _made(position: int, member: Member, rows: Snapshot, request: Request, price: Price) -> Candidate:
    model = member.model
    return Candidate(
        member.ref,
        position,
        model.tier,
        model.weight,
        exclusion(member, price, rows, request),
        min(EXPECTED_OUTPUT, reserve(member, request)),
        expected_cost(price, request.tokens, EXPECTED_OUTPUT),
        member.offline,
    )


def expected_cost(price: Price, input_tokens: int, output_tokens: int) -> float | None:
    """Return the USD that a request is expected to cost; None where a price is unknown."""
    if price.input is None or price.output is None:
        return None
    return (input_tokens * price.input + output_tokens * price.output) / 1e6


def demand(config: Config, request: Request) -> Demand:
    """Return the complexity and strategy of a request, with the terms that made the complexity."""
    sizes = config.complexity
    tier, terms = complexity(
        request.chars,
        sizes.medium_from,
        sizes.high_from,
        phase=request.phase,
        files=request.files,
        languages=request.languages,
        deep=request.deep,
    )
    return Demand(request.phase, tier, request.strategy or config.strategy(request.phase), terms)


def decide(
    config: Config,
    members: Roster,
    rows: Snapshot,
    request: Request,
    credits_: Credits,
    price_of: Callable[[Member], Price],
    settings: Settings,
    rng: random.Random,
    wanted: Demand | None = None,
) -> tuple[Decision, Credits]:
    """Return who is asked and in which order, and the balancer's memory moved on by one turn."""
    found = candidates(config, members, rows, request, price_of)
    return choose(found, rows, wanted or demand(config, request), settings, credits_, rows.at, rng)
