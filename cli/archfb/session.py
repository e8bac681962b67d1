"""What every command of one invocation shares: the options that stand anywhere, and the way to run and stop."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archfb.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from archfb.config.model import Config
    from archfb.errors import ArchfbError
    from archfb_state.store import Store


@dataclass(slots=True)
class Session:
    """One invocation. `failure` makes the JSON document of a failure, where `--json` was asked for."""

    signals: Signals = field(default_factory=Signals)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config: str | None = None
    state: str | None = None
    quiet: bool = False
    verbose: int = 0
    log_json: str | None = None
    sleep: Callable[[float], None] = time.sleep
    told: list[str] = field(default_factory=list)
    failure: Callable[[ArchfbError], Mapping[str, Any]] | None = None
    context: typer.Context | None = None
    """The command that runs, for its usage line."""

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run asynchronous work that a signal stops."""
        return self.signals.run(work)

    def load(self, deadline: float | None = None) -> Config:
        """Return the effective configuration, and say its notes, and one on this call's deadline, where wanted."""
        from archfb.config.build import short_deadline
        from archfb.config.folders import working_folder
        from archfb.config.load import load

        config = load(self.config, environ=self.environ, cwd=working_folder())
        for note in (*config.notes, *(short_deadline(config, deadline) if deadline is not None else ())):
            self.note(note, level=1)
        return config

    def state_path(self, config: Config) -> tuple[str, bool]:
        """Return the state's path, and whether it was asked for by name."""
        from archfb.config.load import state_path

        return state_path(self.state, config, self.environ)

    def peek(self, config: Config) -> Store:
        """Open the state to read it only; creates and migrates nothing."""
        from archfb.config.load import sharing
        from archfb_state.storage.opening import peek

        store = peek(self.state_path(config)[0], **sharing(config, self.environ), warn=self._tell)
        self._told(store)
        return store

    def open(self, config: Config) -> Store:
        """Open the state to write to it."""
        from archfb.config.load import sharing
        from archfb_state.storage.opening import open_state

        path, explicit = self.state_path(config)
        store = open_state(path, explicit=explicit, **sharing(config, self.environ))
        self._told(store)
        return store

    def close(self, store: Store) -> None:
        """Let go of the state, and say what went wrong with saving meanwhile."""
        self._told(store)
        store.close()

    def _told(self, store: Store) -> None:
        for note in store.opened.notes:
            self._tell(note)

    def _tell(self, note: str) -> None:
        if note not in self.told:
            self.told.append(note)
            self.warn(note)

    def note(self, text: str, *, level: int = 0) -> None:
        """Say something to a person, unless that is more than was asked for."""
        if level <= self.verbose and not (self.quiet and level >= 0):
            from archfb.output import say

            say(text)

    def warn(self, text: str) -> None:
        """Say something that may change what the result is worth; --quiet does not hide it."""
        from archfb.output import say

        say(f"warning: {text}", style="33")


def session(ctx: typer.Context) -> Session:
    """Return the session of an invocation."""
    found = ctx.find_root().obj
    if not isinstance(found, Session):
        found = ctx.find_root().obj = Session()
    found.context = ctx
    return found


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Take down an option that may stand before or after the command; the last one given counts."""
    if value == "":  # as of a variable of a script that is not set: the default would be another file than was meant
        from archfb.errors import UsageError

        raise UsageError(f"{param.opts[0]} is empty; name a file.")
    if value and param.name and not ctx.resilient_parsing:
        one = session(ctx)
        setattr(one, param.name, getattr(one, param.name) + value if param.name == "verbose" else value)
    return value


def _option(*names: str, **more: Any) -> Any:
    return typer.Option(*names, expose_value=False, callback=_keep, show_default=False, **more)


def common(
    config: Annotated[str | None, _option("--config", metavar="PATH", help="Use this configuration.")] = None,
    state: Annotated[str | None, _option("--state", metavar="PATH", help="Use this state file.")] = None,
    quiet: Annotated[bool, _option("--quiet", "-q", help="Say only what went wrong.")] = False,
    verbose: Annotated[int, _option("--verbose", "-v", count=True, help="Say more (-vv: everything).")] = 0,
    log_json: Annotated[
        str | None, _option("--log-json", metavar="PATH", help="Append one JSON object per event to a file.")
    ] = None,
) -> None:
    """Declare the options that every command has; their values are kept in the session."""
