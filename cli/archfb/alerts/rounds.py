"""After a round of probes: what is worth telling is told in the background, and remembered once it was taken."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archfb.alerts.decide import Seen, decide, from_json, to_json
from archfb.alerts.send import LONGEST, Post, run
from archfb.text import clean
from archfb.verdict import OFFLINE_ACCOUNT, briefly_held, counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archfb.alerts.decide import Alert, Told
    from archfb.config.model import Config
    from archfb.routing.table import StatusTable
    from archfb_state.store import Lease, Store

MEMORY = "alerts"
LEASE = "alerts"
LEASE_S = 60.0


@dataclass(slots=True)
class Sending:
    """One thing on its way; `failure` says why it did not arrive, once the thread has ended."""

    what: str
    work: Callable[[], str | None]
    told: Mapping[str, Told] | None = None
    """What has been told once it arrived; None where nothing is remembered of it."""
    failure: str | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Start at once, in a thread that nobody has to wait for."""
        self.thread = threading.Thread(target=self._run, name=f"alert {self.what}", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.failure = self.work()
        except Exception as error:  # noqa: BLE001 - a thread's traceback would go to the user's terminal
            self.failure = f"{type(error).__name__}: {error}"


@dataclass(slots=True)
class Telling:
    """What one round has to tell. Nothing here raises for a receiver that is down."""

    sendings: list[Sending]
    lease: Lease | None = None

    @property
    def done(self) -> bool:
        """Whether everything has arrived or failed."""
        return not any(one.thread.is_alive() for one in self.sendings)

    @property
    def to_remember(self) -> bool:
        """Whether `settle` has something to write."""
        return self.lease is not None

    def wait(self, seconds: float = LONGEST) -> None:
        """Wait until everything has arrived or failed, and no longer than that."""
        until = time.monotonic() + seconds
        for one in self.sendings:
            one.thread.join(max(0.0, until - time.monotonic()))

    def settle(self, store: Store) -> None:
        """Remember what has arrived; the rest is decided anew after the next round."""
        if self.lease is None:
            return
        arrived = {one.what: one.told for one in self.sendings if one.told is not None and self._arrived(one)}
        if arrived:
            remember(store, arrived)
        store.release(self.lease)
        self.lease = None

    def notes(self) -> list[str]:
        """Return a sentence for each thing that did not arrive."""
        failed = [(one, one.failure or "no answer yet") for one in self.sendings if not self._arrived(one)]
        return [f"[alerts] {one.what} failed: {clean(why, one_line=True, limit=200)}." for one, why in failed]

    def _arrived(self, one: Sending) -> bool:
        return one.failure is None and not one.thread.is_alive()


def after_round(
    config: Config,
    store: Store,
    table: StatusTable,
    environ: Mapping[str, str],
    *,
    complete: bool,
    post: Post | None = None,
) -> Telling | None:
    """Decide what to tell after a round of probes, and begin to; None where there is nothing to tell or ping.

    While another process tells, and while this machine seems offline, nothing is decided.
    """
    alerts = config.alerts
    post = post or Post(environ)
    sendings: list[Sending] = []
    lease = None
    if (alerts.webhook or alerts.command) and not table.offline_machine:
        lease = store.acquire(LEASE, LEASE_S)
    if lease is not None:
        sendings += _news(config, store, table, environ, post)
    if alerts.ping and complete:
        url = alerts.ping
        sendings.append(Sending("ping", lambda: post.ping(url)))
    if lease is not None and not any(one.told is not None for one in sendings):
        store.release(lease)
        lease = None
    return Telling(sendings, lease) if sendings else None


def _news(config: Config, store: Store, table: StatusTable, environ: Mapping[str, str], post: Post) -> list[Sending]:
    """Return what each receiver has not been told yet, on its way; a change that is no news is remembered at once."""
    kept = store.meta(MEMORY)
    seen = standings(table, config.health.interval)
    sendings, silent = [], {}
    for what in ("webhook", "command"):
        if not getattr(config.alerts, what):
            continue
        told = from_json(kept.get(what) if isinstance(kept, dict) else None)
        alerts, after = decide(told, seen, now=table.at, remind=config.alerts.remind)
        if alerts:
            work = _work(what, config, table, environ, post, alerts)
            sendings.append(Sending(what, work, after))
        elif after != told:
            silent[what] = after
    if silent:
        remember(store, silent)
    return sendings


def _work(
    what: str,
    config: Config,
    table: StatusTable,
    environ: Mapping[str, str],
    post: Post,
    alerts: list[Alert],
) -> Callable[[], str | None]:
    import socket

    from archfb.alerts.document import document
    from archfb.metrics.reading import usable

    sender = config.vantage or socket.gethostname()
    body = document(alerts, at=table.at, sender=sender, usable=usable(config, table))
    if what == "command":
        return lambda: run(config.alerts.command, body, without_keys(config, environ))
    return lambda: _webhook(config, environ, post, body)


def _webhook(config: Config, environ: Mapping[str, str], post: Post, body: bytes) -> str | None:
    from archfb.config.actions import unsigned, webhook_secret

    if told := unsigned(config, environ):
        return told.removesuffix(".")
    return post.webhook(config.alerts.webhook or "", body, webhook_secret(config, environ))


def without_keys(config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that hold a key or the secret: a command that tells needs none."""
    hidden = {one.api_key_env for one in config.providers.values()} | {config.alerts.secret_env}
    return {name: value for name, value in environ.items() if name not in hidden}


def standings(table: StatusTable, interval: float) -> list[Seen]:
    """Return every model that can be news; `interval` is seconds, and a hold shorter than that is none."""
    return [
        Seen(
            one.name,
            one.standing.status,
            clean(one.standing.reason, one_line=True),
            one.keyed and (one.standing.status == "healthy" or counts(one, table.at, interval)),
            one.standing.retry_at,
            briefly_held(one, table.at, interval),
        )
        for one in table.models
        if one.account != OFFLINE_ACCOUNT
    ]


def remember(store: Store, told: Mapping[str, Mapping[str, Told]]) -> None:
    """Write down what receivers have been told, beside what others have."""
    kept = store.meta(MEMORY)
    before = kept if isinstance(kept, dict) else {}
    store.meta(MEMORY, {**before, **{what: to_json(one) for what, one in told.items()}})
