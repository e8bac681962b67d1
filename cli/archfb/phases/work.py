"""What the phases of one run share, and how an answered call becomes a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from archfb.phases import budgets
from archfb.phases.calls import Called, CallSpec
from archfb.phases.citations import Places, claims, marked
from archfb.phases.keys import digest, digest_all
from archfb.phases.offline.facts import Facts
from archfb.phases.prompting import fenced, lacking, prompt
from archfb.phases.records import CallFailed, Finding, Subject, plain
from archfb.providers.exchange import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archfb.config.model import Config
    from archfb.phases.calls import Caller
    from archfb.phases.options import RunOptions
    from archfb.phases.prompting import Material
    from archfb.phases.results import PhaseRecord
    from archfb.repository.records import Repository

TOLD = 12
"""Files that are named where secrets were replaced."""

KEPT = 32
"""Packed questions that are kept: one is measured, priced and sent, and each time it is wanted whole."""


@dataclass
class Work:
    """One run over one repository: what was read, who answers, and what the phases have made so far."""

    repo: Repository
    caller: Caller
    config: Config
    options: RunOptions
    done: dict[str, PhaseRecord] = field(default_factory=dict)
    agent_calls: tuple[list[CallSpec], list[CallFailed]] | None = None
    """What phase 3 asks and leaves out, once it is known."""
    secrets: set[tuple[str, int]] = field(default_factory=set)
    """Where likely secrets were replaced in what was to be sent: path and line."""
    _overviews: dict[int, Material] = field(default_factory=dict)
    _packed: dict[tuple[str, str, int], tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def facts(self) -> Facts:
        """Return the offline analysis's look-ups."""
        return Facts(self.repo)

    @cached_property
    def places(self) -> Places:
        """Return the files that an answer may cite."""
        return Places.of(self.repo.files)

    @cached_property
    def subject(self) -> Subject:
        """Return the repository in a line."""
        return Subject(
            self.repo.name, self.repo.content_id, len(self.repo.files), self.repo.commit, _notes(self.repo)
        )

    @cached_property
    def content(self) -> tuple[str, str]:
        """Return the input of what sees the whole repository: everything listed, and what was allowed besides."""
        allowed = self.options.allow
        return "content", self.repo.content_id if not allowed else digest_all(
            [self.repo.content_id, *sorted(allowed)]
        )

    def withheld(self) -> str:
        """Return the sentence on files whose names keep them here; "" where there are none."""
        return f"Never sent: {_named(self.repo.withheld)}; use --allow-file to send one" if self.repo.withheld else ""

    def redacted(self) -> str:
        """Return the sentence on likely secrets that were replaced, with their files; "" where there were none."""
        if not self.secrets:
            return ""
        paths = sorted({path for path, _ in self.secrets})
        number = len(self.secrets)
        secrets = "likely secret" if number == 1 else "likely secrets"
        files = "file" if len(paths) == 1 else "files"
        return f"{number:,} {secrets} redacted in {len(paths):,} {files}: {_named(paths)}"

    def budget(self, phase: str) -> int:
        """Return a phase's tokens of material."""
        return budgets.budget(self.config, phase, self.options.model, offline=self.options.offline)

    def overview(self, tokens: int) -> Material:
        """Return the repository's overview within a budget; made once for the calls that share it."""
        if tokens not in self._overviews:
            from archfb.phases.material import overview

            self._overviews[tokens] = overview(self.repo, tokens)
        return self._overviews[tokens]

    def spec(
        self,
        phase: str,
        role: str,
        title: str,
        prompt_name: str,
        inputs: Sequence[tuple[str, str]],
        blocks: Callable[[int], Sequence[Material]],
        offline: Callable[[], str],
        *,
        files: tuple[str, ...] = (),
        problem: Callable[[str], str | None] | None = None,
        sees_all: bool = True,
    ) -> CallSpec:
        """Return a call whose material is made for whatever tokens a window leaves.

        Without `sees_all` a model is told nothing of the repository but what `inputs` name, so that its answer stays
        good while the rest changes.
        """
        asked, own = prompt(prompt_name), self.budget(phase)

        def build(left: int | None) -> Question:
            if self.options.offline and not self.options.dry_run:
                return Question("", offline=offline)
            tokens = budgets.within(left, own)
            at = (phase, role, tokens)
            if at not in self._packed:
                if len(self._packed) >= KEPT:
                    del self._packed[next(iter(self._packed))]
                material = blocks(tokens)
                self._packed[at] = fenced(material), lacking(material)
                self.secrets.update((secret.path, secret.line) for one in material for secret in one.secrets)
            text, lacks = self._packed[at]
            return Question(text, asked.system, offline=offline, lacks=lacks)

        told, beyond = ((self.content, *inputs), ()) if sees_all else (tuple(inputs), (self.content,))
        return CallSpec(phase, role, title, asked, told, build, offline, files, problem, beyond)

    def finding(self, spec: CallSpec, called: Called, notes: tuple[str, ...] = ()) -> Finding:
        """Return an answer as a finding: its citations checked, the wrong ones marked."""
        told = (*notes, *filter(None, [called.made.reading]), *_cut(called))
        text = marked(called.text, self.places)
        return Finding(spec.role, spec.title, text, claims(called.text, self.places), called.made, spec.files, told)

    async def findings(self, specs: Sequence[CallSpec]) -> tuple[tuple[Finding, ...], tuple[CallFailed, ...]]:
        """Make calls in parallel; return what was found and what is missing, each in the order of the calls.

        Those that read most are begun first: a long one that begins last has every other one wait for it.
        """
        import asyncio

        order = sorted(range(len(specs)), key=lambda at: -self._bytes(specs[at]))
        async with asyncio.TaskGroup() as group:
            tasks = {at: group.create_task(self.caller.call(specs[at])) for at in order}
        ends = [(spec, tasks[at].result()) for at, spec in enumerate(specs)]
        found = tuple(self.finding(spec, end) for spec, end in ends if isinstance(end, Called))
        return found, tuple(end for _, end in ends if isinstance(end, CallFailed))

    def _bytes(self, spec: CallSpec) -> int:
        known = (self.repo.by_path.get(path) for path in spec.files)
        return sum(one.size for one in known if one is not None)


def _cut(called: Called) -> tuple[str, ...]:
    return ("This answer ends where the output limit cut it.",) if called.made.truncated else ()


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - TOLD
    return ", ".join(plain(path) for path in paths[:TOLD]) + (f" and {more:,} more" if more > 0 else "")


def _notes(repo: Repository) -> tuple[str, ...]:
    """Return what a reader of any result should know of the reading."""
    found = [sentence + "." for sentence in [repo.skipped_sentence()] if sentence]
    if repo.not_listed:
        found.append(f"Stopped at the limit: {repo.not_listed:,} files were not read.")
    return tuple(found)


def inputs_of(blocks: Sequence[Material]) -> tuple[tuple[str, str], ...]:
    """Return (title, hash) for each block."""
    return tuple((one.title, digest(one.text)) for one in blocks)
