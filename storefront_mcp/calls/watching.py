"""Which request work is done for, and the ports of those who look on while it is done."""

import re
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")

DECENT: Final = re.compile(rb"[\w.:/+=-]{1,64}", re.ASCII)
FIELD: Final = b"x-request-id"


class Errand(Struct):
    """One HTTP request, from the edge to the shop. Its id is made when somebody asks: most requests leave no trace."""

    headers: Sequence[tuple[bytes, bytes]] = ()
    """With names in small letters."""
    _id: str = ""

    @property
    def id(self) -> str:
        """What the request was given as `X-Request-Id` where that is decent, else 16 hex digits of ours."""
        if not self._id:
            sent = [value for name, value in self.headers if name == FIELD]
            decent = len(sent) == 1 and DECENT.fullmatch(sent[0])
            self._id = sent[0].decode("ascii") if decent else secrets.token_hex(8)
        return self._id


ERRAND: Final[ContextVar[Errand | None]] = ContextVar("storefront_mcp.errand", default=None)
"""Set at the edge; everything that a request sets going inherits it."""


def request_id() -> str:
    """The id of the request that this is done for; empty for what we do on our own account."""
    errand = ERRAND.get()
    return "" if errand is None else errand.id


class Look(Protocol):
    """One thing under way that somebody looks at. Never raises."""

    def became(self, outcome: str) -> None:
        """It did not simply work: the name of an error, or a status. The first word stands."""

    def refused(self, code: int) -> None:
        """The answer is a protocol error with this code."""

    def ended(self) -> None:
        """It is over."""


class ShopLook(Look, Protocol):
    """A question to the shop."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Fields to send along, such as `traceparent`."""


class Averted:
    """Implements `Look` for what is not looked at any further."""

    def became(self, outcome: str) -> None:
        """Whatever it became."""

    def refused(self, code: int) -> None:
        """Whatever it was refused for."""

    def ended(self) -> None:
        """It may."""


AVERTED: Final[Look] = Averted()


class Asking(Protocol):
    """An MCP request as it is told to those who look on."""

    @property
    def method(self) -> str:
        """`tools/call`."""

    @property
    def protocol(self) -> str:
        """Its version, as it is written."""

    @property
    def id(self) -> str | int | float:
        """The request's own."""

    def named(self) -> str:
        """The tool or prompt that it names, whatever that is; empty where it names none."""

    def client(self) -> str:
        """The program, as it says itself."""

    def program(self) -> bytes:
        """What `client` is read from, unread: the same bytes are the same program."""

    def trace(self) -> Mapping[str, str]:
        """`traceparent` and `tracestate` of its `_meta`, whatever they hold."""

    def ambient(self) -> Mapping[str, str]:
        """The same of the HTTP request that carried it."""


class Watcher(Protocol):
    """Looks on at one store. Never raises, and never has anybody wait."""

    def asked(self, asking: Asking) -> Look:
        """An agent's request begins; ends in the same task."""

    def asks_shop(self, operation: str) -> ShopLook:
        """A question to the shop begins, such as `GET /products/{id}`; ends in the same task."""

    def circuit(self, *, opened: bool) -> None:
        """Whether the shop is given a rest now."""

    def limited(self, rule: str) -> None:
        """Somebody hit a limit."""


async def looked_at(running: Awaitable[T], look: Look) -> T:
    """What something comes to, with its failure told by the error's name."""
    try:
        return await running
    except BaseException as error:
        look.became(type(error).__name__)
        raise
