"""`archfb run`: a phase, or all of them, on a repository."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from archfb.commands import options as opt
from archfb.session import Session, session

if TYPE_CHECKING:
    from archfb.phases.options import RunOptions, RunResult
    from archfb.phases.rules_file import RulesChange
    from archfb.repository.records import ReadLimits


def run(
    ctx: typer.Context,
    phase: opt.Phase,
    repo: opt.Repo,
    more: opt.More = None,
    json: opt.Json = False,
    out: opt.Out = None,
    write: opt.Write = None,
    allow_partial: opt.AllowPartial = False,
    fresh: opt.Fresh = False,
    model: opt.OneModel = None,
    strategy: opt.How = None,
    max_cost: opt.MaxCost = None,
    deadline: opt.Deadline = None,
    dry_run: opt.DryRun = False,
    strict: opt.Strict = False,
    offline: opt.Offline = False,
    only: opt.Only = None,
    only_provider: opt.OnlyProvider = None,
    not_provider: opt.NotProvider = None,
    allow_file: opt.AllowFile = None,
    max_files: opt.MaxFiles = None,
    max_depth: opt.MaxDepth = None,
    max_file_size: opt.MaxFileSize = None,
) -> int:
    """Run one phase, or all, on a repository and print the result.

    Earlier phases that are not stored for this very content are run first. It needs no key: without one the
    offline analysis answers, and says so.
    """
    from archfb.commands.run_report import refused
    from archfb.config.model import PHASES
    from archfb.phases.options import RunOptions
    from archfb.suggest import one_of

    one = session(ctx)
    one_of(phase, (*PHASES, "all"), "phase")
    options = RunOptions(
        offline=offline,
        model=model,
        strategy=strategy,
        fresh=fresh,
        strict=strict,
        dry_run=dry_run,
        max_cost=max_cost,
        deadline=deadline,
        only=only,
        out=out_folder(out),
        only_providers=frozenset(only_provider or ()),
        not_providers=frozenset(not_provider or ()),
        allow=allowed(allow_file),
        limits=read_limits(files=max_files, depth=max_depth, content=max_file_size),
    )
    rules = rules_files(phase, write, more)
    for_agents(phase, only)
    result = one.run(ran(one, phase, checked(repo), options))
    if not rules or not result.ok:
        return finished(one, result, json=json)
    if dry_run:
        return finished(one, result, json=json, changes=would_write(one, result, rules, offline=offline))
    one.failure = lambda error: refused(result, error)
    code = 0 if json else finished(one, result, json=False)
    put_rules(one, result, rules, allow_partial=allow_partial, allow_offline=offline)
    return finished(one, result, json=True) if json else code


def read_limits(**asked: int | None) -> "ReadLimits | None":
    """Return the limits of reading where any was asked for, None for the usual ones."""
    chosen = {name: value for name, value in asked.items() if value is not None}
    if not chosen:
        return None
    from archfb.repository.records import ReadLimits

    return ReadLimits(**chosen)


def allowed(patterns: list[str] | None) -> tuple[str, ...]:
    """Return the patterns of `--allow-file`. Raises UsageError for an empty one, as of a variable that is not set."""
    from archfb.errors import UsageError

    if any(not one.strip() for one in patterns or ()):
        raise UsageError(
            "--allow-file is empty; name a file or a pattern.", hint="As in --allow-file 'config/*.env'."
        )
    return tuple(patterns or ())


def out_folder(out: str | None) -> Path | None:
    """Return the folder to write to. Raises UsageError where it cannot be one, before anything is paid for."""
    import os

    from archfb.errors import UsageError

    if out is None:
        return None
    near = path = Path(out)
    while not near.exists() and near != near.parent:
        near = near.parent
    if not out or not near.is_dir():
        raise UsageError(f"Cannot write to '{out}': {f'{near} is no folder' if out else 'it is empty'}.")
    if not os.access(near, os.W_OK | os.X_OK):
        raise UsageError(f"Cannot write to '{out}': permission denied.")
    return path


def for_agents(phase: str, only: str | None) -> None:
    """Raise UsageError where one agent is asked for and the phase has none."""
    from archfb.errors import UsageError

    if only is not None and phase in {"phase1", "phase2"}:
        raise UsageError(f"--only names an agent of the plan, and {phase} asks none.", hint="Run phase3.")


def rules_files(phase: str, write: list[str] | None, more: list[str] | None) -> list[Path]:
    """Return the files to put the rules into: `--write A B` and `--write A --write B` are the same.

    Raises UsageError where that makes no sense, before anything is paid for.
    """
    from archfb.errors import UsageError

    if more and not write:
        raise UsageError(f"One folder at a time; '{more[0][:200]}' is too much.")
    named = (*(write or ()), *(more or ()))
    if "" in named:  # as of a variable of a script that is not set
        raise UsageError("--write is empty; name a file.")
    paths = [Path(one) for one in named]
    if paths and phase not in {"final", "all"}:
        raise UsageError("--write puts the rules of the final phase into files.", hint="Run final, or all.")
    if paths:
        from archfb.phases.rules_file import check_targets

        check_targets(paths)
    return paths


def put_rules(
    session: Session, result: "RunResult", paths: list[Path], *, allow_partial: bool, allow_offline: bool
) -> None:
    """Write the rules into files, keeping all else in them, and say what changed."""
    from archfb.phases.rules_file import plan_changes, rules_of, write_changes

    rules = rules_of(result, allow_partial=allow_partial, allow_offline=allow_offline)
    changes = plan_changes(rules, paths)
    write_changes(changes)
    for one in changes:
        session.note(one.sentence)
        session.note(one.diff, level=1)


def would_write(
    session: Session, result: "RunResult", paths: list[Path], *, offline: bool
) -> "list[RulesChange] | None":
    """Return what writing would change, None where the rules do not exist yet, which is said."""
    from archfb.phases.rules_file import plan_changes, rules_of

    rules = rules_of(result, allow_partial=True)
    if offline or all(one.stored for one in rules.made):
        return plan_changes(rules, paths)
    session.note("The rules do not exist yet, so there is no difference to show.")
    return None


def checked(repo: str) -> Path:
    """Return the folder to read. Raises RepositoryError, which names it, where it is none."""
    from archfb.errors import RepositoryError

    path = Path(repo)
    try:
        if not repo:  # as of a variable of a script that is not set: the working folder is not what was meant
            raise RepositoryError("REPO is empty.", hint="Name the repository to read: archfb run phase2 PATH")
        if not path.exists():
            raise RepositoryError(f"No folder at {repo}.", hint="Name the repository to read: archfb run phase2 PATH")
        if not path.is_dir():
            raise RepositoryError(f"{repo} is a file; expected a folder.")
        if not any(path.iterdir()):
            raise RepositoryError(f"{repo} is empty.")
    except OSError as error:
        raise RepositoryError(f"Cannot read {repo}: {error.strerror or error}.") from error
    return path


async def ran(session: Session, phase: str, repo: Path, options: "RunOptions") -> "RunResult":
    """Open the router, run, and close it again."""
    import uuid

    from archfb.commands.run_report import refused
    from archfb.eventlog import observers
    from archfb.phases.engine import phases_until
    from archfb.phases.engine import run as run_phases
    from archfb.routing.router import Router
    from archfb.views.live import progress
    from archfb.views.tally import experience

    config = session.load(options.deadline)
    known(options, config)
    store = session.open(config)
    phases = phases_until(phase)
    view = progress(
        session.environ,
        verbose=session.verbose,
        quiet=session.quiet,
        phases=phases,
        slots=config.routing.max_concurrency,
        typical=lambda: experience(store, config, phases),
    )

    def broke_off(result: "RunResult") -> None:
        session.failure = lambda error: refused(result, error)

    try:
        observe = observers(session, view)
        run_id = uuid.uuid4().hex[:12]
        opened = Router.open(config, environ=session.environ, store=store, observe=observe, run_id=run_id)
        async with opened as router:
            with view:
                return await run_phases(phase, repo, router, store, options, observe, broke_off)
    finally:
        session.close(store)


def known(options: "RunOptions", config: Any) -> None:
    """Raise UsageError for a model or a provider that the configuration does not have."""
    from archfb.suggest import one_of

    if options.model is not None:
        one_of(options.model, config.models, "model")
    for name in (*options.only_providers, *options.not_providers):
        one_of(name, config.providers, "provider")


def unasked(result: "RunResult") -> bool:
    """Say whether the offline provider made everything for want of a model, and not because it was asked to."""
    made = [one for phase in result.phases for one in phase.result.made]
    return bool(made) and all(one.offline and one.offline_reason == "no_model" for one in made)


def finished(session: Session, result: "RunResult", *, json: bool, changes: "list[RulesChange] | None" = None) -> int:
    """Print the end of a run, with the changes of a dry run's `--write`, and return its exit code."""
    from archfb.commands.run_report import changes_json, dry_run_text, problems
    from archfb.output import print_json, say, write
    from archfb.phases.output import run_json
    from archfb.text import clean

    if json:
        print_json({**run_json(result), **changes_json(changes)})
    elif result.dry_run:
        write(clean(dry_run_text(result)) + "\n")
        write("".join(one.diff or one.sentence + "\n" for one in changes or ()))
    elif result.last is not None:
        write(clean(result.last.result.to_markdown()).rstrip("\n") + "\n")
    if result.fell_back:
        session.warn("no model was usable for some of it: that is the offline analysis.")
    elif unasked(result):
        session.note("No model has a key: this is the offline analysis. See `archfb doctor`.")
    for problem in problems(result):
        say(f"{'warning' if result.ok else 'error'}: {problem}", style="33" if result.ok else "31")
    return 0 if result.ok else 1
