"""The one door: every way in which a command can end becomes an exit code, and words on stderr where due."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from archfb.errors import ArchfbError, Interrupted, StateError, UnknownName, UsageError, WorkFailed
from archfb.output import complain, mask, prepare_streams, print_json, say, write
from archfb.signals import Signals
from archfb.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import typer

    from archfb.session import Session

CLOSED_PIPE = 141
BUG = 70
USAGE = 2
COULD_NOT_TELL = 3

_FULL = {errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT}
_VALUED = {"--config", "--state", "--log-json"}
_KEY_OPTION = re.compile(r"^-{1,2}[\w-]*(key|token|secret|password|bearer)[\w-]*$", re.IGNORECASE)
_STATE_SAID = re.compile(r"--state|^Cannot write ")


def enter(args: Sequence[str]) -> int:
    """Run one command line in this process and return its exit code; nothing is raised."""
    prepare_streams(os.environ)
    with Signals() as signals:
        try:
            code = _inside(args, signals)
            sys.stdout.flush()
        except BrokenPipeError:
            code = _closed_pipe()
        except OSError as error:
            code = _unwritable(error, args)
        except KeyboardInterrupt:
            code = signals.exit_code or 130
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _pointed_away("stderr")
    return code


def _inside(args: Sequence[str], signals: Signals) -> int:
    if list(args) == ["--version"]:
        write(f"archfb {__version__}\n")
        return 0
    session: Session | None = None
    try:
        refuse_nul(args)
        from archfb.app import invoke
        from archfb.session import Session

        session = Session(signals)
        return invoke(args, session)
    except BrokenPipeError:
        raise
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
            raise
        return _report(error, args, signals, session)


def _report(error: BaseException, args: Sequence[str], signals: Signals, session: Session | None) -> int:
    if signals.exit_code is not None:
        error = Interrupted(signals.exit_code)
    elif isinstance(error, KeyboardInterrupt):
        error = Interrupted()
    known = _as_archfb(error, args)
    if known is None:
        return _bug(error, args)
    if isinstance(known, UnknownName) and session is not None and session.context is not None:
        known.hint = usage_line(session.context)
    _say_failure(known, args)
    if "--json" in args:
        print_json(((session and session.failure) or shape(args))(known))
    return COULD_NOT_TELL if known.exit_code == USAGE and monitors(args) else known.exit_code


def _as_archfb(error: BaseException, args: Sequence[str]) -> ArchfbError | None:
    if isinstance(error, ArchfbError):
        return error
    from archfb_state.store import StoreBusy, StoreUnusable

    if isinstance(error, StoreUnusable | StoreBusy):
        told = str(error) or "The state is held by another process."
        return StateError(told, hint=None if _STATE_SAID.search(told) else "Use --state for another.")
    if isinstance(error, OverflowError) and not _clock_is_read():
        return UsageError(
            "The system clock stands after the year 2262, which Python cannot read.", hint="Set it (NTP)."
        )
    if isinstance(error, FileNotFoundError) and error.filename is None:  # nothing else has no name
        return UsageError("The working folder is gone.", hint="Change to a folder that exists.")
    import typer

    if isinstance(error, typer.Abort):
        return Interrupted()
    if isinstance(error, typer.TyperException):
        return usage_error(error, args)
    return None


def _clock_is_read() -> bool:
    import time

    try:
        return time.time() is not None
    except OverflowError:
        return False


def usage_error(error: Any, args: Sequence[str]) -> UsageError:
    """Return a mistake on the command line as a sentence and a usage line, echoing nothing that may be a key."""
    option = str(getattr(error, "option_name", "") or "")
    if _KEY_OPTION.match(option) or any(_KEY_OPTION.match(one.partition("=")[0]) for one in args if option):
        return UsageError(
            "Keys are not options: a command line can be read by others.",
            hint='Set the provider\'s variable instead, and name it in the configuration: api_key_env = "…".',
        )
    message = error.format_message()
    possible = getattr(error, "possibilities", None)
    if possible:
        from difflib import get_close_matches

        near = get_close_matches(option, possible, n=1, cutoff=0) or sorted(possible)
        message = f"{error.message}. Did you mean {near[0]}?"
    return UsageError(message, hint=usage_line(getattr(error, "ctx", None)))


def usage_line(ctx: typer.Context | None) -> str:
    """Return how the command is used, in a line, and where more is said."""
    usage = "Usage: archfb COMMAND" if ctx is None else " ".join(ctx.get_usage().split())
    return f"{usage}\nTry '{'archfb' if ctx is None else ctx.command_path} --help'."


def refuse_nul(args: Sequence[str]) -> None:
    """Raise UsageError where an argument holds a NUL byte, which no path and no prompt can."""
    for at, one in enumerate(args, start=1):
        if "\0" in one:
            raise UsageError(f"Argument {at} holds a NUL byte.")


def command_of(args: Sequence[str]) -> str | None:
    """Return the command that a command line names, as far as it can be told before it is parsed."""
    return next(_words(args), None)


def _words(args: Sequence[str]) -> Iterator[str]:
    words = iter(args)
    for word in words:
        if word in _VALUED:
            next(words, None)
        elif not word.startswith("-"):
            yield word


def monitors(args: Sequence[str]) -> bool:
    """Say whether this is a monitoring check, whose exit code 2 means something else."""
    command = command_of(args)
    return command == "health" or (command == "status" and "--check" in args)


def verbosity(args: Sequence[str]) -> int:
    """Return how often more words were asked for."""
    short = sum(one.count("v") for one in args if re.fullmatch(r"-[qv]+", one))
    return short + sum(one == "--verbose" for one in args)


def shape(args: Sequence[str]) -> Callable[[ArchfbError], Mapping[str, Any]]:
    """Return what makes the document of a failure that came before the command could say more about it."""
    from itertools import islice

    first, second, *_ = [*islice(_words(args), 2), "", ""]
    if first == "ask":
        from archfb.commands.failing import answer_failure

        return answer_failure
    if first == "run":
        from archfb.commands.run_report import run_failure

        return run_failure
    if (first, second) == ("config", "check"):
        return lambda error: {**failure_json(error), "problems": [], "notes": []}
    return failure_json


def failure_json(error: ArchfbError) -> Mapping[str, Any]:
    """Return the JSON document of a failure that has nothing else to tell."""
    from archfb.routing.json import SCHEMA, instant

    what = {"code": error.code, "message": mask(error.message), "retry_at": instant(error.retry_at)}
    return {"schema": SCHEMA, "ok": False, "error": what}


def _say_failure(error: ArchfbError, args: Sequence[str]) -> None:
    if isinstance(error, Interrupted):
        say("Interrupted. What was finished is kept.")
        return
    for line in error.message.splitlines() or [error.code]:
        say(f"error: {mask(line)}", style="31")
    if isinstance(error, WorkFailed) and error.answer is not None and "--json" not in args:
        from archfb.views.failure_table import print_failures

        print_failures(error.answer)
    if error.hint:
        say(mask(error.hint))


def _bug(error: BaseException, args: Sequence[str]) -> int:
    if verbosity(args) >= 2:
        import traceback

        complain(mask("".join(traceback.format_exception(error))))
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    say(f"error: archfb {__version__} has a bug here: {mask(what)}", style="31")
    say("Please report it with what the same command says with -vv, and the output of `archfb doctor`.")
    return BUG


def _unwritable(error: OSError, args: Sequence[str]) -> int:
    say(f"error: cannot write to stdout: {error.strerror or error}", style="31")
    _closed_pipe()
    return COULD_NOT_TELL if monitors(args) else 1


def _closed_pipe() -> int:
    """Point stdout away, so that the interpreter's own flush at exit stays silent too."""
    _pointed_away("stdout")
    return CLOSED_PIPE


def _pointed_away(name: str) -> None:
    stream = getattr(sys, name)
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        setattr(sys, name, None)
