"""`archfb schedule`: `archfb health` run by cron or by systemd."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archfb.commands.options import Json
from archfb.session import Session, session

if TYPE_CHECKING:
    from archfb.config.model import Config
    from archfb.scheduling.crontab import Crontab
    from archfb.scheduling.job import Job
    from archfb.scheduling.systemd import Systemd

schedule = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Have `archfb health` run by cron or systemd."
)

Every = Annotated[
    str | None, typer.Option("--every", metavar="SPAN", help="From one run to the next; default a fifth of interval.")
]
Jitter = Annotated[float | None, typer.Option("--jitter", metavar="S", min=0, help="Wait up to this long first.")]
EnvFile = Annotated[
    str | None, typer.Option("--env-file", metavar="PATH", help="Lines NAME=value with the keys; mode 0600.")
]
Mail = Annotated[bool, typer.Option("--mail", help="Let cron mail the table when a model is not well.")]
Units = Annotated[bool, typer.Option("--systemd", help="A timer of your systemd in place of cron.")]
Force = Annotated[bool, typer.Option("--force", help="Also where it was changed by hand.")]


@schedule.command()
def show(
    ctx: typer.Context,
    every: Every = None,
    jitter: Jitter = None,
    env_file: EnvFile = None,
    mail: Mail = False,
    systemd: Units = False,
    json: Json = False,
) -> int:
    """Print what would be installed, and say what differs there from here. Changes nothing.

    Example: archfb schedule show --env-file ~/.config/archfb/keys
    """
    from archfb.errors import ArchfbError
    from archfb.output import print_json, write
    from archfb.text import clean

    one = session(ctx)
    config = one.load()
    found = job_of(one, config, every, jitter, env_file, mail)
    text = text_of(found, systemd=systemd)
    try:
        there = place(one, systemd=systemd).installed()
    except ArchfbError as error:
        there = None
        one.note(error.message)
    said = told(one, config, found, systemd=systemd)
    if json:
        print_json({"schema": 1, "text": text, "installed": there, "caveats": said})
        return 0
    write(clean(text))
    one.note("Not installed." if there is None else "Installed." if there == text else "Another is installed.")
    for caveat in said:
        one.note(caveat)
    return 0


@schedule.command()
def install(
    ctx: typer.Context,
    every: Every = None,
    jitter: Jitter = None,
    env_file: EnvFile = None,
    mail: Mail = False,
    systemd: Units = False,
    force: Force = False,
) -> int:
    """Install it, in the place of an earlier one; everything else in the crontab stays as it is.

    Example: archfb schedule install --env-file ~/.config/archfb/keys
    """
    one = session(ctx)
    config = one.load()
    found = job_of(one, config, every, jitter, env_file, mail)
    change = place(one, systemd=systemd).install(found, force=force)
    one.note({"unchanged": "It is installed already."}.get(change, f"{change.capitalize()}."))
    for caveat in told(one, config, found, systemd=systemd):
        one.note(caveat)
    return 0


@schedule.command()
def remove(ctx: typer.Context, systemd: Units = False, force: Force = False) -> int:
    """Take out exactly what was installed.

    Example: archfb schedule remove
    """
    one = session(ctx)
    change = place(one, systemd=systemd).remove(force=force)
    one.note({"absent": "None was installed."}.get(change, "Removed."))
    if not systemd and place(one, systemd=True).installed() is not None:
        one.note("A systemd timer is installed: archfb schedule remove --systemd")
    return 0


def job_of(
    session: Session, config: "Config", every: str | None, jitter: float | None, env_file: str | None, mail: bool
) -> "Job":
    """Return the job for what is in force here. Raises UsageError."""
    from archfb.scheduling.job import job
    from archfb.spans import span

    return job(
        sys.executable,
        config,
        session.environ,
        cwd=str(Path.cwd()),
        config_option=session.config,
        state_option=session.state,
        every=None if every is None else span(every, "--every"),
        jitter=jitter,
        env_file=env_file,
        mail=mail,
    )


def place(session: Session, *, systemd: bool) -> "Crontab | Systemd":
    """Return where the job is installed."""
    if systemd:
        from archfb.scheduling.systemd import Systemd, folder

        return Systemd(folder(session.environ), session.environ)
    from archfb.scheduling.crontab import Crontab

    return Crontab(environ=session.environ)


def text_of(job: "Job", *, systemd: bool) -> str:
    """Return what is installed for a job, as text."""
    if systemd:
        from archfb.scheduling.systemd import units

        return "\n".join(units(job).values())
    from archfb.scheduling.crontab import block

    return block(job).decode("utf-8", "replace")


def told(session: Session, config: "Config", job: "Job", *, systemd: bool) -> list[str]:
    """Return what should be known of a job."""
    from archfb.scheduling.caveats import caveats

    return list(caveats(job, config, session.environ, systemd=systemd))
