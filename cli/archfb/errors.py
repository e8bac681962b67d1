"""Every error that leaves archfb, as a tree.

ArchfbError                  1
├── UsageError               2   the command line
│   ├── UnknownName          2   a phase, model or provider that there is not
│   └── RepositoryError      2   the folder to analyse
├── ConfigurationError       2   every problem of a configuration, told at once
├── StateError               2   the state file cannot be used as asked
├── WorkFailed               1   the work was tried and failed
│   ├── NoUsableModel            nothing could be asked
│   ├── AllFailed                everything asked failed
│   ├── DeadlineExceeded         the call's deadline passed
│   ├── CostLimit                the next call could pass the limit
│   └── Partial                  a partial result under --strict
└── Interrupted            130   Ctrl-C (143 SIGTERM, 129 SIGHUP)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ArchfbError(Exception):
    """A failure that the user can understand: a sentence, a hint, an exit code."""

    exit_code = 1
    code = "error"

    def __init__(self, message: str, *, hint: str | None = None, retry_at: float | None = None) -> None:
        """Keep the sentence, what to do about it, and (Unix seconds) when trying again may help."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_at = retry_at


class UsageError(ArchfbError):
    """The command line asks for something impossible."""

    exit_code = 2
    code = "usage"


class UnknownName(UsageError):
    """A word of the command line is no phase, model or provider; who tells it adds the usage line."""


class RepositoryError(UsageError):
    """The folder to analyse cannot be read."""

    code = "repository"


class ConfigurationError(ArchfbError):
    """A configuration holds mistakes; all of them are in `problems`."""

    exit_code = 2
    code = "configuration"

    def __init__(self, problems: list[str], *, hint: str | None = None) -> None:
        """Join the problems, one a line."""
        super().__init__("\n".join(problems), hint=hint)
        self.problems = problems


class StateError(ArchfbError):
    """The state cannot be used as it was asked for."""

    exit_code = 2
    code = "state"


class WorkFailed(ArchfbError):
    """The work was tried and failed; `answer` has what is known of it."""

    code = "failed"

    def __init__(
        self, message: str, *, answer: Any = None, hint: str | None = None, retry_at: float | None = None
    ) -> None:
        """Keep the failed answer (an `archfb.routing.answer.Answer`) with its attempts and decision."""
        super().__init__(message, hint=hint, retry_at=retry_at)
        self.answer = answer


class NoUsableModel(WorkFailed):
    """No model of the chain can be asked now."""

    code = "no_usable_model"


class AllFailed(WorkFailed):
    """Every model that could be asked failed."""

    code = "all_failed"


class DeadlineExceeded(WorkFailed):
    """The call's deadline passed before an answer came."""

    code = "deadline"


class CostLimit(WorkFailed):
    """The next call could pass a cost limit."""

    code = "cost_limit"


class Partial(WorkFailed):
    """The result is partial, and --strict was given."""

    code = "partial"


class Interrupted(ArchfbError):
    """The user or the system asked to stop."""

    code = "interrupted"

    def __init__(self, exit_code: int = 130) -> None:
        """Keep the exit code of the signal."""
        super().__init__("Interrupted.")
        self.exit_code = exit_code
