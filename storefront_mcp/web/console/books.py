"""What the console of one server reads and writes, as ports: the records of flips, checkouts, keys and the audit."""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from storefront_mcp.calls.audit import Entry
from storefront_mcp.calls.credentials import ApiKeys, Mint
from storefront_mcp.calls.seats import Seats
from storefront_mcp.calls.traffic import TrafficBook
from storefront_mcp.checkout.record import Records
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.flags import Flags
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.door import Door
from storefront_mcp.web.turnstile import Turnstile


class Recorded(Protocol):
    """An entry of the audit in its place."""

    @property
    def number(self) -> int:
        """Counts from 1."""

    @property
    def hash(self) -> str:
        """In hexadecimal digits."""

    @property
    def entry(self) -> Entry:
        """What happened."""


class ChainVerdict(Protocol):
    """What became of the audit's chain."""

    @property
    def entries(self) -> int:
        """How many there are."""

    @property
    def number(self) -> int:
        """Of the newest one."""

    @property
    def hash(self) -> str:
        """Of the newest one."""

    @property
    def problems(self) -> Sequence[str]:
        """None where nothing was changed."""


class AuditBook(Protocol):
    """The audit. Blocking: called from threads."""

    def write(self, entries: Sequence[Entry], *, survives: Any = ...) -> None:  # noqa: ANN401 -- the database's word
        """Add entries."""

    def read(
        self, *, since: str = "", store: str | None = None, last: int | None = None, after: int = 0
    ) -> Iterator[Recorded]:
        """Entries, oldest first."""

    def verify(self) -> ChainVerdict:
        """Walk the whole chain."""


class Finding(Struct, frozen=True, kw_only=True):
    """What a look at something came to."""

    title: str
    standing: str
    """`good`, `note`, `warn` or `bad`."""
    text: str
    fix: str = ""


class Books(Struct, frozen=True, kw_only=True):
    """Everything that the console works with."""

    seats: Seats
    flags: Flags
    planned: Mapping[StoreId, Roadmap]
    """Every store's roadmap before any flip."""
    records: Records
    keys: ApiKeys
    mint: Mint
    audit: AuditBook
    cards: Sequence[Card]
    doors: Mapping[StoreId, Door]
    turnstiles: Mapping[StoreId, Turnstile]
    checkups: Mapping[StoreId, Callable[[], Awaitable[Sequence[Finding]]]]
    """Looks at everything that a store needs."""
    examine: Callable[[StoreId], Awaitable[Sequence[Finding]]]
    """Has a store examined as by `storefront-mcp doctor`, without a cart; takes its time."""
    traffic: TrafficBook
    ordered: Callable[[StoreId, float], int]
    """How many orders were placed since a moment, in Unix seconds. Blocking."""
    now: Callable[[], dt.datetime]
