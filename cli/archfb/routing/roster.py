"""The configured models as routing sees them: where each one's evidence belongs, and whether it can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from archfb.config.model import Model, Provider
from archfb.errors import ConfigurationError
from archfb.providers.keys import Key, key_problem, read_key
from archfb.suggest import one_of
from archfb_state.records import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archfb.config.model import Config

OFFLINE = "offline"
"""The name under which the offline provider stands at the end of every chain."""


@dataclass(frozen=True, slots=True)
class Member:
    """One model: its preset and provider, its key if it has one, and why it cannot be asked, if so."""

    model: Model
    provider: Provider
    ref: ModelRef
    key: Key | None = None
    missing: str | None = None

    @property
    def offline(self) -> bool:
        """Whether the offline provider answers for it."""
        return self.provider.api == "offline"


Roster = dict[str, Member]
"""Every defined model by name, and the offline provider."""


def roster(config: Config, environ: Mapping[str, str], salt: bytes) -> Roster:
    """Return every defined model; keys are read here and nowhere else.

    Raises ConfigurationError where a key that a chain needs holds characters no header can carry.
    """
    keys = {name: read_key(provider, environ) for name, provider in config.providers.items()}
    needed = {config.models[name].provider for name in config.chained}
    _refuse_bad_keys(keys[name] for name in keys if name in needed)
    members = {
        name: _member(model, config.providers[model.provider], keys[model.provider], salt)
        for name, model in config.models.items()
    }
    members.setdefault(OFFLINE, offline_member())
    return members


def offline_member() -> Member:
    """Return the offline provider as a model of its own."""
    model = Model(OFFLINE, OFFLINE, OFFLINE, weight=0.0)
    return Member(model, Provider(OFFLINE, "offline"), ModelRef(OFFLINE, "offline||", "#", ""))


def _refuse_bad_keys(keys: Iterable[Key | None]) -> None:
    found = ((key, key_problem(key.reveal())) for key in keys if key is not None)
    problems = {key.env: problem for key, problem in found if problem}
    if problems:
        raise ConfigurationError(
            [f"{env} {problem}. Its value is not shown." for env, problem in problems.items()],
            hint="Set the variable again, without quotes, spaces or line breaks inside.",
        )


def _member(model: Model, provider: Provider, key: Key | None, salt: bytes) -> Member:
    lacks = provider.api_key_env is not None and key is None
    fingerprint = key.fingerprint(salt) if key is not None else ""
    ref = ModelRef(
        model.name,
        f"{provider.name}|{provider.base_url}|{model.id}",
        f"{provider.base_url}#{fingerprint}",
        urlsplit(provider.base_url).hostname or "",
    )
    return Member(model, provider, ref, key, f"no key ({provider.api_key_env})" if lacks else None)


def chain_members(config: Config, members: Roster, phase: str, model: str | None = None) -> list[Member]:
    """Return the members of one phase's chain, or the one model that was asked for.

    Raises UsageError with a did-you-mean for an unknown phase or model.
    """
    if model is not None:
        return [members[one_of(model, members, "model")]]
    return [members[name] for name in config.chains[one_of(phase, config.chains, "phase")]]
