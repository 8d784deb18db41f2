"""What a tool may do with its client while it runs: tell how far it is, log, and ask back."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

Level = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


class Conversation(Protocol):
    """One call's line to its client. A tool that wants it takes it as a third parameter, `talk`."""

    @property
    def can_ask(self) -> bool:
        """Whether this client's version lets a call ask back at all."""

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the client declared (ClientCapabilities)."""

    @property
    def answers(self) -> Mapping[str, Any]:
        """The client's answers to what was asked the round before, by key; anything a client may send."""

    @property
    def state(self) -> Any:  # noqa: ANN401 -- whatever the tool put there
        """What the tool itself left for this round, proven to be its own; None on the first."""

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tell how far the work is; silent unless the client asked for it."""

    async def log(self, level: Level, value: Any) -> None:  # noqa: ANN401 -- any JSON
        """Send a log message; silent unless the client asked for this level."""


class Form(Struct, frozen=True):
    """Ask the person for a few plain fields (elicitation, form mode)."""

    message: str
    schema: dict[str, Any]


class OpenUrl(Struct, frozen=True):
    """Ask the person to open a page (elicitation, URL mode)."""

    message: str
    url: str


class Sample(Struct, frozen=True):
    """Ask the client's model."""

    messages: tuple[dict[str, Any], ...]
    max_tokens: int


class Roots(Struct, frozen=True):
    """Ask for the client's roots."""


Question = Form | OpenUrl | Sample | Roots


class Ask(Struct, frozen=True, kw_only=True):
    """What a tool or a prompt returns to ask back; it is called again with the answers and its own state."""

    questions: Mapping[str, Question] = {}
    state: Any = None
    """Anything JSON can hold; sealed on its way through the client, so it may be trusted when it comes back."""


def opens_urls(talk: Conversation) -> bool:
    """Whether this client can be asked to open a page: its version asks back, and it declared `elicitation.url`."""
    modes = talk.capabilities.get("elicitation")
    return talk.can_ask and isinstance(modes, Mapping) and isinstance(modes.get("url"), Mapping)


class CapabilityNeeded(Exception):
    """The client did not declare what this call cannot do without; `capabilities` as ClientCapabilities."""

    def __init__(self, capabilities: Mapping[str, Any]) -> None:
        super().__init__(f"This needs a client with {', '.join(capabilities)}.")
        self.capabilities = dict(capabilities)
