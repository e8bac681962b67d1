"""Who may see the code: named before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.config.model import PHASES

if TYPE_CHECKING:
    from archfb.config.model import Config
    from archfb.phases.options import RunOptions
    from archfb.routing.roster import Member, Roster


def recipients(config: Config, members: Roster, phase: str, options: RunOptions) -> str:
    """Return the sentence that names the providers that may be sent parts of the repository."""
    found = sorted({f"{one.provider.name} ({one.ref.host})" for one in askable(config, members, phase, options)})
    if not found:
        return "Nothing leaves this machine: no model can be asked."
    return f"Parts of the repository may be sent to: {', '.join(found)}."


def askable(config: Config, members: Roster, phase: str, options: RunOptions) -> list[Member]:
    """Return the models that this run could send something to."""
    if options.offline or options.dry_run:
        return []
    upto = PHASES if phase == "all" else PHASES[: PHASES.index(phase) + 1]
    names = {options.model} if options.model else {name for one in upto for name in config.chains[one]}
    return [one for one in (members[name] for name in names) if _may_see(one, options)]


def _may_see(one: Member, options: RunOptions) -> bool:
    provider, only = one.provider.name, options.only_providers
    allowed = (not only or provider in only) and provider not in options.not_providers
    return allowed and not one.offline and one.missing is None
