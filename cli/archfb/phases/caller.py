"""One call of a phase: found again under its key, or asked, continued where it was cut, and stored at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archfb import events
from archfb.phases import reuse
from archfb.phases.begun import begun_answer, begun_key, begun_row
from archfb.phases.calls import Called
from archfb.phases.claiming import alone
from archfb.phases.given import reading, with_reading, without_reading
from archfb.phases.leaving import ended
from archfb.phases.records import CallFailed, Made
from archfb.routing.continuation import continued, total
from archfb.text import clean
from archfb_state.outcomes import Outcome
from archfb_state.store import PhaseResult, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from archfb.events import Observer
    from archfb.phases.calls import CallSpec
    from archfb.phases.options import RouterLike, RunOptions
    from archfb.phases.reuse import OfflineReason
    from archfb.phases.spending import Purse
    from archfb.providers.exchange import Question
    from archfb.routing.answer import Answer
    from archfb_state.records import Attempt
    from archfb_state.store import Store

OFFLINE_VERSION = "offline/6"
"""Stands in a stored offline answer's prompt version; raised when the offline analysis says something new."""


@dataclass(slots=True)
class Gathered:
    """What the asks for one call gave and cost together."""

    text: str = ""
    model: str = ""
    offline: bool = False
    finish_reason: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    earlier: int = 0
    """Attempts of an interrupted run that began the answer."""
    cost_usd: float | None = 0.0
    input_tokens: int | None = None
    output_tokens: int | None = None
    fell_back: bool = False
    left: int | None = None
    """The input tokens that the answering model's window left; None where it is unknown."""

    def add(self, answer: Answer) -> None:
        """Count one ask; the text is the caller's to take."""
        self.attempts.extend(answer.attempts)
        known = self.cost_usd is not None and answer.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (answer.cost_usd or 0.0) if known else None
        self.input_tokens = total(self.input_tokens, answer.usage.input_tokens)
        self.output_tokens = total(self.output_tokens, answer.usage.output_tokens)

    def take(self, answer: Answer) -> None:
        """Let an answer's text be the one that counts."""
        self.text, self.model, self.offline = clean(answer.text), answer.model or "offline", answer.offline
        self.finish_reason = "length" if answer.truncated else answer.finish_reason
        self.fell_back = answer.offline and reuse.stood_in(answer.decision)


@dataclass(slots=True)
class ModelCaller:
    """Answers calls from the store and through the router, at most `slots` at once."""

    router: RouterLike
    store: Store
    options: RunOptions
    observe: Observer
    run_id: str
    slots: asyncio.Semaphore
    purse: Purse
    languages: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    cost_usd: float | None = 0.0
    kept: int = 0
    """Answers that this run bought and stored."""

    async def call(self, spec: CallSpec) -> Called | CallFailed:
        """Return a stored answer that is as good as a new one, else ask; an answer is stored before it is used."""
        if (stored := self._found(spec)) is not None:
            return stored
        async with self.slots:
            if self.options.fresh or self.options.offline:
                return await ended(self._buy(spec))
            return await alone(
                self.store,
                spec.key,
                lambda: self._found(spec),
                lambda: ended(self._buy(spec)),
                lambda: self.observe(
                    events.Note(f"{spec.title}: another run is asking this; waiting for its answer")
                ),
            )

    def _found(self, spec: CallSpec) -> Called | CallFailed | None:
        """Return the stored answer that counts as a hit, if any, and tell the observer."""
        stored = self.stored(spec)
        if stored is not None:
            self.observe(events.CallEnded(spec.key, spec.phase, spec.role, stored.made.model, 0.0, stored=True))
        return stored

    def usable(self, phase: str) -> bool:
        """Return whether a model of the phase's chain could be asked now."""
        if self.options.offline:
            return False
        decision = self.router.route(phase, model=self.options.model)
        allowed = [one for one in decision.ranked if self.may_see(one.model)]
        return reuse.usable_now(replace(decision, ranked=tuple(allowed)), self.store.now())

    def may_see(self, model: str) -> bool:
        """Return whether the options let a model see the repository."""
        known = self.router.config.models.get(model)
        provider = known.provider if known else model
        only = self.options.only_providers
        return (not only or provider in only) and provider not in self.options.not_providers

    def stored(self, spec: CallSpec) -> Called | None:
        """Return the stored answer that counts as a hit, if any."""
        rows = [one for one in self._rows(spec.key) if not one.offline]
        rows += [one for one in self._rows(spec.offline_key) if one.prompt_version == OFFLINE_VERSION]
        if not rows or self.options.fresh:
            return None
        usable = self.usable(spec.phase)
        found = reuse.find(rows, reuse.Wanted(self.options.fresh, self.options.offline, self.options.model, usable))
        if found is None:
            return None
        text, told = without_reading(found.text)
        made = replace(_made_of(spec, found), fell_back=self._stands_in(spec, found), reading=told)
        return Called(text, made)

    def _stands_in(self, spec: CallSpec, stored: PhaseResult) -> bool:
        """Whether a stored offline answer still stands in for models that have a key and are out."""
        if stored.offline_reason != "no_model" or self.options.offline:
            return False
        return reuse.stood_in(self.router.route(spec.phase).ranked)

    def _rows(self, key: str) -> list[PhaseResult]:
        try:
            return self.store.results(key)
        except StoreBusy:
            return []

    async def _buy(self, spec: CallSpec) -> Called | CallFailed:
        got = Gathered()
        answer = self._begun(spec, got) or await self._ask(spec, spec.build, got)
        if self._too_long(answer):
            self.observe(events.Note(f"{spec.title}: too long for every window; asked once more with less"))
            answer = await self._ask(spec, spec.build, got)
        if not answer.ok:
            return _failed(spec, answer, got)
        got.take(await self._continue(spec, answer, got))
        reason = await self._readable(spec, got)
        return self._keep(spec, got, reason)

    def _too_long(self, answer: Answer) -> bool:
        """Whether windows turned out smaller than they were said to be and no model answered; they are known now."""
        if self.options.offline or (answer.ok and not answer.offline):
            return False
        return any(one.outcome is Outcome.CONTEXT_TOO_LONG for one in answer.attempts)

    async def _ask(
        self, spec: CallSpec, build: Callable[[int | None], Question], got: Gathered, model: str | None = None
    ) -> Answer:
        """Ask within the cost limit, and count what it cost whatever came of it."""
        question = build(None)
        refused = await self.purse.open(spec, question, model or self.options.model)
        if refused is not None:
            return refused
        answer, lefts = None, []

        def for_window(left: int | None) -> Question:
            lefts.append(left)
            return build(left)

        try:
            answer = await self.router.ask(
                spec.phase,
                question,
                model=model or self.options.model,
                role=spec.role,
                build=for_window,
                strategy=self.options.strategy,
                deadline=self.options.deadline,
                files=len(spec.files),
                languages=self.languages,
                only_providers=self.options.only_providers,
                not_providers=self.options.not_providers,
                offline_only=self.options.offline,
                continues=False,
            )
        finally:
            await self.purse.close(spec, answer)
        got.add(answer)
        if answer.ok and lefts:
            got.left = lefts[-1]
        self._count(answer)
        return answer

    def _count(self, answer: Answer) -> None:
        self.attempts.extend(answer.attempts)
        known = self.cost_usd is not None and answer.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (answer.cost_usd or 0.0) if known else None

    async def _continue(self, spec: CallSpec, answer: Answer, got: Gathered) -> Answer:
        """Return the answer, continued once where it was cut at the output limit; each ask is paid from the purse."""

        async def go_on(build: Callable[[int | None], Question], by: str) -> Answer:
            if answer.attempts:  # else it was found stored
                self._save(spec, begun_row(spec, answer, self.store.now()))
            return await self._ask(spec, build, got, by)

        whole = await continued(answer, spec.build, go_on)
        if whole.continued:
            self.observe(events.Note(f"{spec.title}: the answer was cut off and has been continued", 1))
        return whole

    def _begun(self, spec: CallSpec, got: Gathered) -> Answer | None:
        """Return what an interrupted run bought of the answer, where the model that began it may go on with it."""
        if self.options.fresh or self.options.offline:
            return None
        order = self.router.route(spec.phase, model=self.options.model).order
        may = {one.model for one in order if self.may_see(one.model)}
        row = next((one for one in self._rows(begun_key(spec)) if one.model in may), None)
        if row is None:
            return None
        answer = begun_answer(row)
        got.earlier = row.attempts
        got.add(answer)
        return answer

    async def _readable(self, spec: CallSpec, got: Gathered) -> OfflineReason | None:
        """Return why the offline provider made what is kept, None where a model did; asks again where unreadable."""
        if got.offline:
            return "asked" if self.options.offline else "no_model"
        trouble = spec.problem(got.text) if spec.problem else None
        if trouble is None:
            return None
        self.observe(events.Note(f"{spec.title}: the answer could not be read ({trouble}); asked once more"))
        answer = await self._ask(spec, _again(spec, trouble), got)
        if answer.ok:
            got.take(answer)
            if got.offline:
                return "no_model"
            trouble = spec.problem(got.text) if spec.problem else None
        if trouble is None:
            return None
        got.text, got.model, got.offline, got.finish_reason = spec.offline(), "offline", True, "stop"
        self.observe(events.Note(f"{spec.title}: still unreadable ({trouble}); made by the offline planner"))
        return "unreadable"

    def _keep(self, spec: CallSpec, got: Gathered, reason: OfflineReason | None) -> Called:
        told = "" if got.offline else reading(spec, got.left, got.model)
        row = PhaseResult(
            spec.offline_key if got.offline else spec.key,
            spec.phase,
            spec.role,
            got.model,
            self.store.now(),
            with_reading(got.text, told),
            got.offline,
            reason,
            self.run_id,
            OFFLINE_VERSION if got.offline else spec.prompt.version,
            got.finish_reason,
            got.earlier + len(got.attempts),
            got.cost_usd,
            got.input_tokens,
            got.output_tokens,
        )
        self.kept += self._save(spec, row)
        made = replace(_made_of(spec, row), stored=False, fell_back=got.fell_back, reading=told)
        return Called(got.text, made)

    def _save(self, spec: CallSpec, row: PhaseResult) -> bool:
        """Store a row; say so and return False where that cannot be."""
        try:
            self.store.save_result(row)
        except (StoreBusy, StoreUnusable, OSError) as error:
            self.observe(
                events.Note(f"{spec.title}: the result could not be stored ({clean(str(error), limit=200)})")
            )
            return False
        return True


def _again(spec: CallSpec, trouble: str) -> Callable[[int | None], Question]:
    told = f"\n\nYour last answer could not be used: {trouble} Answer again, with the JSON object alone.\n"

    def build(budget: int | None) -> Question:
        question = spec.build(budget)
        return replace(question, prompt=question.prompt + told)

    return build


def _made_of(spec: CallSpec, row: PhaseResult) -> Made:
    return Made(
        row.key,
        row.model,
        row.prompt_version,
        (*spec.beyond, *spec.inputs) if row.offline else spec.inputs,
        row.offline,
        row.offline_reason,
        row.attempts,
        row.cost_usd,
        row.input_tokens,
        row.output_tokens,
        row.finish_reason,
        stored=True,
    )


def _failed(spec: CallSpec, answer: Answer, got: Gathered) -> CallFailed:
    error = answer.error
    code, message = (error.code, error.message) if error else ("failed", "No answer.")
    retry_at = error.retry_at if error else None
    return CallFailed(
        spec.role,
        spec.title,
        code,
        clean(message, one_line=True, limit=2000),
        spec.files,
        retry_at,
        len(got.attempts),
        got.cost_usd,
    )
