"""`ToolContext`: progress, logging and elicitation while a tool runs."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.error_codes import CodedError

Level = Literal["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


class ToolContext(Protocol):
    """One call's channel to its client. A tool that wants it takes it as a third parameter, `context`."""

    @property
    def can_ask(self) -> bool:
        """Whether this protocol version has input-required results."""

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the client declared (ClientCapabilities)."""

    @property
    def answers(self) -> Mapping[str, Any]:
        """The client's answers to the questions of the previous round, by key; unvalidated."""

    @property
    def state(self) -> Any:  # noqa: ANN401 -- whatever the tool put there
        """The state that the tool returned in the previous round, verified; None on the first."""

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Report progress, where the client asked for it."""

    async def log(self, level: Level, value: Any) -> None:  # noqa: ANN401 -- any JSON
        """Send a log message, where the client asked for this level."""


class FormElicitation(Struct, frozen=True):
    """Ask the user for a few fields (elicitation, form mode)."""

    message: str
    schema: dict[str, Any]


class UrlElicitation(Struct, frozen=True):
    """Ask the user to open a page (elicitation, URL mode)."""

    message: str
    url: str


class SamplingRequest(Struct, frozen=True):
    """Ask the client's model."""

    messages: tuple[dict[str, Any], ...]
    max_tokens: int


class RootsRequest(Struct, frozen=True):
    """Ask for the client's roots."""


Question = FormElicitation | UrlElicitation | SamplingRequest | RootsRequest


class InputRequired(Struct, frozen=True, kw_only=True):
    """A result that asks the client; the tool or prompt is called again with the answers and its state."""

    questions: Mapping[str, Question] = {}
    state: Any = None
    """Any JSON value; it is signed, so it can be trusted when it comes back. The client can read it."""


def can_open_urls(context: ToolContext) -> bool:
    """Whether this client can be asked to open a page: by its version, and by its capability `elicitation.url`."""
    modes = context.capabilities.get("elicitation")
    return context.can_ask and isinstance(modes, Mapping) and isinstance(modes.get("url"), Mapping)


class MissingClientCapability(CodedError):
    """The client did not declare the `capabilities` (ClientCapabilities) that this call requires."""

    code = "missing_client_capability"

    def __init__(self, capabilities: Mapping[str, Any]) -> None:
        super().__init__(f"This needs a client with {', '.join(capabilities)}.")
        self.capabilities = dict(capabilities)
