"""A run's cost limit: the most that a call may cost is reserved before it is made and settled afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archfb.providers.exchange import Usage
from archfb.routing.answer import Answer, CallError
from archfb.routing.plan import CHARS_PER_TOKEN, OUTPUT_RESERVE

if TYPE_CHECKING:
    from archfb.config.model import Config
    from archfb.phases.calls import CallSpec
    from archfb.phases.options import RouterLike
    from archfb.providers.exchange import Question
    from archfb_state.store import Store


@dataclass(slots=True)
class Purse:
    """What one run may spend (USD); `limit` None is no limit, and nothing is reserved then.

    Where the reservations of calls under way leave no room, a call waits for them to settle; it is refused only
    when what was really spent leaves none.
    """

    router: RouterLike
    store: Store
    run_id: str
    limit: float | None
    _open: dict[str, str] = field(default_factory=dict)
    _settled: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def open(self, spec: CallSpec, question: Question, model: str | None) -> Answer | None:
        """Reserve a call's highest cost; return the failed answer where the limit leaves no room for it."""
        if self.limit is None:
            return None
        usd = highest_cost(self.router, spec.phase, question, model)
        if usd == 0.0:
            return None
        async with self._settled:
            while (reservation := self.store.reserve(f"phases:{self.run_id}", usd, self.limit)) is None:
                if not self._open:
                    return _refused(spec, usd, self.limit)
                await self._settled.wait()
            self._open[spec.key] = reservation
        return None

    async def close(self, spec: CallSpec, answer: Answer | None) -> None:
        """Replace the reservation by what the call cost; all of it stays where that is unknown or was cut short."""
        if spec.key not in self._open:
            return
        reservation = self._open.pop(spec.key)
        if answer is not None and answer.cost_usd is not None:
            self.store.spend(reservation, answer.cost_usd)
        async with self._settled:
            self._settled.notify_all()


def _refused(spec: CallSpec, usd: float, limit: float) -> Answer:
    allowed = f"{limit:,.10f}".rstrip("0").rstrip(".")
    message = f"{spec.title} may cost up to ${usd:.4f}; the limit of ${allowed} leaves no room for it."
    return Answer(False, "", None, "", None, Usage(), 0.0, (), (), CallError("cost_limit", message))


def highest_cost(router: RouterLike, phase: str, question: Question, model: str | None) -> float:
    """Return the most USD that the candidates who may be asked now could take for one question."""
    decision = router.route(phase, context_chars=question.chars, model=model)
    prices = [cost_of(router.config, one.model, question.chars) for one in decision.order]
    known = [usd for usd in prices if usd is not None]
    dearest = max(
        (usd for name in router.config.models if (usd := cost_of(router.config, name, question.chars))), default=0.0
    )
    return max([*known, *([dearest] if None in prices else [])], default=0.0)


def cost_of(config: Config, name: str, chars: int) -> float | None:
    """Return what one model takes at most for a question of so many characters; None where its price is unknown."""
    model = config.models.get(name)
    if model is None or config.providers[model.provider].api == "offline":
        return 0.0
    input_price, output_price = model.input_price, model.output_price
    if input_price is None or output_price is None:
        from archfb.routing.prices import price

        found = price(model, config.providers[model.provider])
        input_price, output_price = found.input, found.output
    if input_price is None or output_price is None:
        return None
    output = model.max_output_tokens or OUTPUT_RESERVE
    return (chars / CHARS_PER_TOKEN * input_price + output * output_price) / 1e6
