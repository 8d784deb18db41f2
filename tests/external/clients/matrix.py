"""The table of real clients: matrix.toml, read and shown as Markdown."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from tests.guards.docs.markdown import table

TRANSPORTS = {"http": "Streamable HTTP", "sse": "HTTP+SSE, two endpoints"}


class Client(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A client, one of its ways to reach us, and what comes of it."""

    name: str
    version: str
    transport: Literal["http", "sse"]
    speaks: str
    """The protocol version of its calls."""
    journey: str
    """The script in journeys/ that shops with it, or the test beside us that does."""
    environment: str | None = None
    """None for those of our own environment."""
    arguments: tuple[str, ...] = ()
    """What the script wants to know after the URL."""
    bridge: str | None = None
    """The environment of the program that stands between the client and us."""
    not_here: str | None = None
    """What it does instead, and why it cannot shop in our tests."""

    @property
    def id(self) -> str:
        """Its name in a test report."""
        words = (self.bridge or self.environment or self.journey, self.version, self.transport, *self.arguments)
        return " ".join(dict.fromkeys(words))

    @property
    def path(self) -> str:
        """Where it connects."""
        return "/mcp" if self.transport == "http" else "/mcp/sse"


class StepUp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client does when a tool needs more than its person has allowed."""

    name: str
    version: str
    journey: str
    """The script in journeys/ that asks for more, or what the test does itself."""
    environment: str | None = None
    """None for those of our own environment."""
    sign_ins: int
    """How often the person signs in, the first time included."""
    more: Literal["answered", "refused", "unanswered", "lost"]
    """What becomes of the call in the end."""

    @property
    def id(self) -> str:
        """Its name in a test report."""
        return " ".join(dict.fromkeys((self.environment or self.journey, self.version)))

    @property
    def told(self) -> str:
        """The same in words."""
        asks = "asks the person again" if self.sign_ins > 1 else "does not ask the person again"
        ends = {
            "answered": "goes on",
            "refused": "tells of the refusal",
            "unanswered": "never answers the call",
            "lost": "loses its connection",
        }
        return f"{asks}, and {ends[self.more]}"


class Matrix(Struct, frozen=True, forbid_unknown_fields=True):
    """Who shops here, and what to install for it."""

    python: dict[str, list[str]]
    npm: dict[str, list[str]]
    bridge: dict[str, list[str]]
    """Arguments of each, with `{url}` in our place."""
    client: list[Client]
    step_up: list[StepUp]


MATRIX = msgspec.toml.decode(Path(__file__).with_name("matrix.toml").read_bytes(), type=Matrix)


def beside(test: str) -> list[Client]:
    """The clients of our own environment, which shop in the test of this file."""
    return [one for one in MATRIX.client if one.environment is None and one.journey == Path(test).name]


def shown() -> str:
    """The table that docs/agents.md carries."""
    head = ["Client", "Version", "Transport", "Protocol version", "Result"]
    rows = [
        [one.name, one.version, TRANSPORTS[one.transport], one.speaks, one.not_here or "shops"] for one in MATRIX.client
    ]
    return table(head, rows)


def shown_step_ups() -> str:
    """The table of step-up that docs/agents.md carries."""
    return table(
        ["Client", "Version", "Where it lacks a permission"],
        [[one.name, one.version, one.told] for one in MATRIX.step_up],
    )
