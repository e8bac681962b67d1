"""What differs between this shell and the job, and what the job may spend; said before it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.scheduling.job import variables_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archfb.config.model import Config
    from archfb.scheduling.job import Job

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
FOUND = "./fallback.toml"
DAY = 86_400


def caveats(job: Job, config: Config, environ: Mapping[str, str], *, systemd: bool = False) -> Iterator[str]:
    """Yield sentences, the most important first."""
    where = "systemd" if systemd else "cron"
    yield from keys(job, config, environ, where)
    yield from proxies(job, environ, where)
    if any(layer.name == FOUND for layer in config.layers):
        yield f"{FOUND} is in force here, and is not read there. Give --config PATH to have it used."
    yield spending(job, config)
    if systemd:
        yield "A user's timers run while you are logged in; `loginctl enable-linger` keeps them running."
    elif job.mail:
        yield "cron mails the table each time a model is not well, where this machine can send mail."


def keys(job: Job, config: Config, environ: Mapping[str, str], where: str) -> Iterator[str]:
    """Yield which keys the job will not have."""
    needed = {config.providers[config.models[name].provider].api_key_env for name in config.chained} - {None}
    there = variables_in(job.env_file) if job.env_file is not None else frozenset()
    here = sorted(one for one in needed if one and one not in there and environ.get(one, "").strip())
    if here:
        verb = "is" if len(here) == 1 else "are"
        yield (
            f"{', '.join(here)} {verb} set here, and not there: {where} starts with an environment of its own, and "
            f"models without a key are skipped. Give --env-file FILE with lines NAME=value (mode 0600)."
        )
    elif needed and not needed & there:
        yield f"No key is set for the job: {where} starts with an environment of its own. Give --env-file FILE."


def proxies(job: Job, environ: Mapping[str, str], where: str) -> Iterator[str]:
    """Yield the proxy variables that the job will not have."""
    there = variables_in(job.env_file) if job.env_file is not None else frozenset()
    found = [name for name in PROXIES if (environ.get(name) or environ.get(name.lower())) and name not in there]
    if found:
        yield f"{', '.join(found)} of this shell will not be there: {where} does not know it. Put it into --env-file."


def spending(job: Job, config: Config) -> str:
    """Return what the probes of a day may come to."""
    health = config.health
    most, well = health.probe_max_per_day, int(DAY // max(health.interval, job.every))
    while_well = f" while it is well ({most} in any case)" if well < most else ""
    return (
        f"At most {min(well, most)} probes per model and day{while_well}, and "
        f"${health.probe_usd_per_day:g} a day for all models together; most probes are free."
    )
