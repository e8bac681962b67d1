"""What has been read of one response so far: filled by a wire, event by event, and judged at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from archfb.providers.foreign import count

if TYPE_CHECKING:
    from collections.abc import Mapping

Ending = Literal["stop", "length", "filtered", "tool", "failed", "overloaded"]


@dataclass(slots=True)
class Reading:
    """The parts of an answer, in the order in which they came. Thoughts are not kept."""

    text: list[str] = field(default_factory=list)
    finish: str | None = None
    ending: Ending | None = None
    """What the finish reason means; an unknown reason is "stop"."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    model: str | None = None
    refusal: str | None = None
    """The provider's or the model's own words of refusal."""
    tool: bool = False
    """Whether it called a tool, though none was offered, and so stopped in the middle."""
    error: Any = None
    """The first error that came inside the body."""
    known: bool = False
    """Whether anything of this protocol was recognised at all."""
    done: bool = False
    """Whether the end was announced."""

    def say(self, text: Any) -> None:
        """Add answer text, if there is any."""
        if isinstance(text, str) and text:
            self.text.append(text)

    def end(self, finish: Any, meanings: Mapping[str, Ending]) -> None:
        """Note a finish reason and what it means."""
        if isinstance(finish, str) and finish:
            self.finish = finish
            self.ending = meanings.get(finish, "stop")

    def fail(self, error: Any) -> None:
        """Note an error inside the body; the first one says most."""
        if self.error is None:
            self.error = error

    def use(self, **tokens: Any) -> None:
        """Note token counts; what is absent or nonsense leaves the count as it was."""
        for name, value in tokens.items():
            number = count(value)
            if number is not None:
                setattr(self, f"{name}_tokens", number)

    @property
    def complete(self) -> bool:
        """Whether the answer is known to have ended."""
        return self.done or self.finish is not None
