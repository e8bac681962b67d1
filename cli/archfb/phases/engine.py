"""Running a phase, and before it whatever earlier phases are not stored for this very content."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archfb import events
from archfb.output import mask
from archfb.phases.caller import ModelCaller
from archfb.phases.dry import DryCaller
from archfb.phases.options import PhaseOutcome, RunResult
from archfb.phases.output import write_phase, write_run
from archfb.phases.records import TITLES
from archfb.phases.results import FindingsResult, PhaseRecord, PlanResult, WholeResult
from archfb.phases.spending import Purse
from archfb.phases.steps import STEPS, agent_calls
from archfb.phases.work import Work
from archfb.routing.answer import CallError
from archfb.suggest import one_of
from archfb.text import clean
from archfb_state.store import Run, StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.events import Observer
    from archfb.phases.options import RouterLike, RunOptions
    from archfb.phases.records import CallFailed
    from archfb.repository.records import Repository
    from archfb_state.store import Store


async def run(
    phase: str,
    repo_path: str | Path,
    router: RouterLike,
    store: Store,
    options: RunOptions,
    observe: Observer,
    broke_off: Callable[[RunResult], None] = lambda _: None,
) -> RunResult:
    """Run `phase1` … `phase5`, `final` or `all` (the same as `final`) on a folder.

    Failed calls are values in the result. Raises UsageError for an unknown phase or agent, RepositoryError where the
    folder cannot be read, and CancelledError when interrupted; what was finished by then is stored and written out,
    and told to `broke_off`.
    """
    phases = phases_until(phase)
    if not (options.model or options.only_providers or options.not_providers or options.offline or options.dry_run):
        router.look_ahead(phases)
    repo = await _in_thread(lambda: _read(Path(repo_path), options, observe))
    going = _Going(phase, repo, router, store, options, observe, router.run_id or uuid.uuid4().hex[:12])
    try:
        return await going.through(phases)
    except asyncio.CancelledError:
        broke_off(going.stopped())
        raise
    except Exception as error:
        broke_off(going.failed(error))
        raise


def phases_until(phase: str) -> tuple[str, ...]:
    """Return the phases that lead to one, in order. Raises UsageError with a did-you-mean."""
    names = tuple(TITLES)
    known = one_of(phase, [*names, "all"], "phase")
    wanted = "final" if known == "all" else known
    return names[: names.index(wanted) + 1]


def _read(path: Path, options: RunOptions, observe: Observer) -> Repository:
    if options.read is not None:
        return options.read(path)
    from archfb.repository.read import read_repository

    repo = read_repository(
        path,
        allow=options.allow,
        cache_dir=options.cache_dir,
        limits=options.limits,
        on_note=lambda note: observe(events.Note(note)),
        history=True,
    )
    repo.past.churn()  # waited for here, where nobody else has to
    return repo


async def _in_thread(work: Callable[[], Repository]) -> Repository:
    """Return what the work returns; it runs aside, so that views go on and an interrupt need not wait for it."""
    import threading

    loop = asyncio.get_running_loop()
    done: asyncio.Future[Repository] = loop.create_future()

    def settle(value: Repository | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        elif value is not None:
            done.set_result(value)

    def go() -> None:
        value, error = None, None
        try:
            value = work()
        except BaseException as raised:  # noqa: BLE001 - handed over to the waiting task, whatever it is
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=go, daemon=True, name="archfb-read").start()
    return await done


@dataclass
class _Going:
    """One run on its way."""

    phase: str
    repo: Repository
    router: RouterLike
    store: Store
    options: RunOptions
    observe: Observer
    run_id: str
    ended: list[PhaseOutcome] = field(default_factory=list)
    caller: ModelCaller = field(init=False)
    work: Work = field(init=False)
    dry: DryCaller | None = field(init=False, default=None)
    started: float = field(init=False)
    phase_now: str = field(init=False, default="phase1")

    def __post_init__(self) -> None:
        """Make the caller: the real one, and in front of it the dry one where nothing may be asked."""
        config = self.router.config
        limit = self.options.max_cost if self.options.max_cost is not None else config.routing.max_cost
        slots = asyncio.Semaphore(max(1, config.routing.max_concurrency))
        purse = Purse(self.router, self.store, self.run_id, limit)
        languages = len(self.repo.languages)
        self.caller = ModelCaller(
            self.router, self.store, self.options, self.observe, self.run_id, slots, purse, languages
        )
        self.dry = DryCaller(self.caller) if self.options.dry_run else None
        self.started = self.store.now()

    async def through(self, phases: tuple[str, ...]) -> RunResult:
        work = self.work = Work(self.repo, self.dry or self.caller, self.router.config, self.options)
        self._remember(None, None)
        self._name_recipients(phases)
        for phase in phases:
            outcome = await self._step(phase, work)
            if outcome.status == "failed":
                break
        if self.options.offline:
            work.secrets.update((one.path, one.line) for one in work.facts.secrets)
        if said := work.redacted():
            self.observe(events.Note(said))
        return self._close(self._result(self._error()))

    async def _step(self, phase: str, work: Work) -> PhaseOutcome:
        self.phase_now = phase
        cost, attempts = self.caller.cost_usd, len(self.caller.attempts)
        if not self.options.dry_run:
            self.observe(events.PhaseStarted(phase, _calls(phase, work)))
        result = await STEPS[phase](work)
        work.done[phase] = result
        mine = tuple(self.caller.attempts[attempts:])
        outcome = PhaseOutcome(phase, status_of(result), result, _difference(self.caller.cost_usd, cost), mine)
        self.ended.append(outcome)
        if not self.options.dry_run:
            self._tell_end(outcome)
        return outcome

    def _tell_end(self, outcome: PhaseOutcome) -> None:
        """Say how a phase ended, and write its files."""
        missing = ", ".join(one.title for one in outcome.result.missing)
        self.observe(events.PhaseEnded(outcome.phase, outcome.status, f"missing: {missing}" if missing else ""))
        if self.options.out is not None:
            write_phase(self.options.out, outcome)
            write_run(self.options.out, self._result(None))

    def failed(self, error: Exception) -> RunResult:
        """Note the run as it stands, with why it cannot go on."""
        why = clean(mask(str(error)))
        self._remember(False, why)
        return self._result(CallError("failed", why))

    def stopped(self) -> RunResult:
        """Say how to go on, and note the run as it stands."""
        number = self.caller.kept + sum(made.stored for one in self.ended for made in one.result.made)
        kept = f"{number} finished {'call is' if number == 1 else 'calls are'} stored"
        message = f"Stopped in {self.phase_now}; {kept}. The same command goes on from there."
        self.observe(events.Note(message))
        return self._close(self._result(CallError("interrupted", message)))

    def _name_recipients(self, phases: tuple[str, ...]) -> None:
        """Say who may be sent text of the repository, before anything is."""
        names = recipients(self.router, phases, self.options)
        if names and not self.options.dry_run:
            self.observe(events.Note(f"Text of this repository may be sent to: {', '.join(names)}"))
            if said := self.work.withheld():
                self.observe(events.Note(said))

    def _error(self) -> CallError | None:
        """Return why the run failed, None where it did not."""
        failed = next((one for one in self.ended if one.status == "failed"), None)
        if failed is not None:
            return _error_of(failed)
        limited = [gone for one in self.ended for gone in one.result.missing if gone.code == "cost_limit"]
        if limited:
            return CallError("cost_limit", limited[0].message)
        if self.options.strict and any(one.result.missing for one in self.ended):
            names = ", ".join(gone.title for one in self.ended for gone in one.result.missing)
            return CallError("partial", f"The result is partial; missing: {names}")
        stood_in = [one.phase for one in self.ended for made in one.result.made if made.fell_back]
        if self.options.strict and stood_in:
            return CallError(
                "partial", f"The offline provider stood in for models in {', '.join(dict.fromkeys(stood_in))}."
            )
        return None

    def _result(self, error: CallError | None) -> RunResult:
        return RunResult(
            error is None,
            self.run_id,
            self.repo.root,
            tuple(self.ended),
            self.caller.cost_usd,
            tuple(self.caller.attempts),
            error,
            tuple(filter(None, (*self.repo.notes, self.work.redacted()))),
            tuple(self.dry.planned) if self.dry else (),
            self.options.dry_run,
        )

    def _close(self, result: RunResult) -> RunResult:
        self._remember(result.ok, result.error.message if result.error else None)
        if self.options.out is not None and not self.options.dry_run:
            write_run(self.options.out, result)
        return result

    def _remember(self, ok: bool | None, error: str | None) -> None:
        """Write the run's row; a memory that cannot be written does not stop the run."""
        if self.options.dry_run:
            return
        ended = self.store.now() if ok is not None else None
        cost = self.caller.cost_usd if ok is not None else None
        name = clean(self.repo.root, one_line=True)
        row = Run(self.run_id, self.started, f"run {self.phase}", name, self.phase, ended, ok, error, cost)
        self.observe(events.RunChanged(row))
        try:
            self.store.save_run(row)
        except (StoreBusy, StoreUnusable, OSError) as trouble:
            self.observe(events.Note(f"The run could not be noted in the state ({clean(str(trouble), limit=200)})"))


def _calls(phase: str, work: Work) -> int:
    """Return how many calls a phase begins with, as far as it is known beforehand."""
    if phase == "phase1":
        return 3
    return len(agent_calls(work)[0]) if phase == "phase3" else 1


def status_of(result: PhaseRecord) -> str:
    """Return done, partial, failed or stored."""
    if not _has_content(result):
        return "failed" if result.missing else "done"
    if result.missing:
        return "partial"
    return "stored" if all(one.stored for one in result.made) else "done"


def _has_content(result: PhaseRecord) -> bool:
    if isinstance(result, FindingsResult):
        return bool(result.findings)
    if isinstance(result, PlanResult):
        return result.plan is not None
    return isinstance(result, WholeResult) and result.finding is not None


def _error_of(failed: PhaseOutcome) -> CallError:
    gone: tuple[CallFailed, ...] = failed.result.missing
    codes = {one.code for one in gone}
    first = gone[0]
    code = first.code if len(codes) == 1 else "all_failed"
    retry_at = min((one.retry_at for one in gone if one.retry_at is not None), default=None)
    return CallError(code, f"{failed.phase} failed: {first.message}", retry_at)


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def recipients(router: RouterLike, phases: tuple[str, ...], options: RunOptions) -> list[str]:
    """Return the providers that may be sent repository text, with their hosts, in order of the chains."""
    from urllib.parse import urlsplit

    if options.offline:
        return []
    config = router.config
    found: dict[str, str] = {}
    for phase in phases:
        for one in router.route(phase, model=options.model).order:
            model = config.models.get(one.model)
            provider = config.providers.get(model.provider) if model else None
            if provider is None or provider.api == "offline" or not _allowed(provider.name, options):
                continue
            host = urlsplit(provider.base_url).hostname
            found[provider.name] = f"{provider.name} ({host})" if host else provider.name
    return list(found.values())


def _allowed(provider: str, options: RunOptions) -> bool:
    only = options.only_providers
    return (not only or provider in only) and provider not in options.not_providers
