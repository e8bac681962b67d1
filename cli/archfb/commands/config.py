"""`archfb config`: check, show, find, write and trust configurations."""

from pathlib import Path
from typing import Annotated

import typer

from archfb.commands.options import Json
from archfb.config.folders import working_folder
from archfb.session import session

config = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Check, show, find, write or trust a configuration."
)


@config.command()
def check(ctx: typer.Context, json: Json = False) -> int:
    """Report every problem; exit 2 where there is one.

    All layers are read, and the keys and proxies of the environment looked at.
    """
    from archfb.config import actions
    from archfb.errors import ConfigurationError
    from archfb.output import mask, print_json, write
    from archfb.text import clean

    one = session(ctx)
    report = actions.check(one.config, environ=one.environ, cwd=working_folder())
    found = {"problems": [mask(problem) for problem in report.problems], "notes": report.notes}
    told = {"code": ConfigurationError.code, "message": "\n".join(found["problems"]), "retry_at": None}
    one.failure = lambda _error: {"schema": 1, "ok": False, **found, "error": told}
    if not json:
        for note in report.notes:
            one.note(note)
    if not report.ok:
        raise ConfigurationError(list(report.problems), hint=report.hint)
    if json:
        print_json({"schema": 1, "ok": True, **found, "error": None})
    else:
        write(clean(f"The configuration is sound: {', '.join(layer.path for layer in report.layers)}.") + "\n")
    return 0


@config.command()
def show(ctx: typer.Context, json: Json = False) -> int:
    """Show what is in force, and which file set it."""
    from archfb.config import effective
    from archfb.output import print_json, write
    from archfb.text import clean

    one = session(ctx)
    found = effective.show(one.config, environ=one.environ, cwd=working_folder())
    if json:
        print_json(found.to_json())
    else:
        write(clean(found.to_toml()))
    return 0


@config.command()
def path(ctx: typer.Context, json: Json = False) -> int:
    """Print which files are read, and where the state is."""
    from dataclasses import asdict

    from archfb.config import actions
    from archfb.output import print_json, write
    from archfb.text import clean

    one = session(ctx)
    report = actions.paths(one.config, environ=one.environ, cwd=working_folder(), state=one.state)
    if json:
        print_json({"schema": 1, **asdict(report)})
        return 0
    for layer in report.layers:
        used = "used" if layer.used else "not used" if layer.exists else "not there"
        write(clean(f"{layer.name}: {layer.path} ({used})", one_line=True) + "\n")
    write(clean(f"trust: {report.trusted}\nstate: {report.state}\n"))
    return 0


@config.command()
def init(
    ctx: typer.Context,
    to: Annotated[str | None, typer.Argument(help="Default: your own configuration.", metavar="PATH")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> int:
    """Write a file with every setting, commented out."""
    from archfb.config import actions

    one = session(ctx)
    named = to if to is not None else one.config
    target = Path(named) if named is not None else actions.user_file(one.environ)
    report = actions.init(target, environ=one.environ, force=force)
    one.note(f"Written: {report.path}")
    for what, names in (("set", report.keys_set), ("not set", report.keys_unset)):
        if names:
            one.note(f"Keys {what}: {', '.join(names)}")
    return 0


@config.command()
def trust(
    ctx: typer.Context, file: Annotated[str, typer.Argument(help="The file to trust as it is now.", metavar="PATH")]
) -> int:
    """Trust what a ./fallback.toml holds now.

    After a change it has to be trusted again.
    """
    from datetime import UTC, datetime

    from archfb.config import actions

    one = session(ctx)
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    report = actions.trust_file(file, environ=one.environ, cwd=working_folder(), day=day)
    one.note(
        f"{report.path} {'was trusted already' if report.already else 'is trusted'} (SHA-256 {report.sha256[:16]}…)"
    )
    for setting in report.allows:
        one.note(f"  it may set {setting}")
    return 0
