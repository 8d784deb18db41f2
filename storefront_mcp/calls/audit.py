"""Who did what: the entries of the audit, and the port of where they are kept."""

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from storefront_mcp.calls.caller import Caller

What = Literal[
    "tool.called",
    "phase.flipped",
    "key.minted",
    "key.revoked",
    "keys.rotated",
    "credential.refused",
    "limit.hit",
    "operator.acted",
    "audit.pruned",
]

OK: Final = "ok"
"""The outcome of what worked; otherwise it is the name of the error."""
CLIENT_LONGEST: Final = 120
WINDOW: Final = 60.0
"""Seconds in which the same is written once."""
KINDS: Final = 1_024
"""Different things that are remembered as written."""


class Who(Struct, frozen=True, kw_only=True):
    """On whose account something is. Of guests nothing is known, and nothing is guessed."""

    kind: Literal["guest", "key", "token", "operator", "server", "stranger"]
    """operator: a person at the command line. server: we ourselves. stranger: whoever was refused at the door."""
    id: str | UnsetType = UNSET
    """A key's public id, a token's issuer and subject, an operator's name."""
    label: str | UnsetType = UNSET
    """A key's label, or the OAuth client of a token."""
    client: str | UnsetType = UNSET
    """Name and version of the program, as it says itself."""
    network: str | UnsetType = UNSET
    """Where a refused request came from, to the /24 or /48: enough to see a pattern, not a person."""


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened."""

    at: str
    """ISO 8601, UTC."""
    source: Literal["mcp"]
    store: str
    """Empty where it concerns all of them."""
    what: What
    subject: str
    """The tool, phase, key or rule."""
    who: Who
    outcome: str
    milliseconds: float | UnsetType = UNSET
    request: str | UnsetType = UNSET
    """The request's id, to find it in other logs."""
    arguments: Mapping[str, Any] | UnsetType = UNSET
    """Without secrets and personal data, see `fields.shown`."""
    details: Mapping[str, Any] | UnsetType = UNSET


class AuditStalled(Exception):
    """Entries cannot be written down now, so nothing more that wants one may be done."""


class Trail(Protocol):
    """Where entries are kept, in a chain that shows what was changed later."""

    def note(self, entry: Entry) -> None:
        """Have an entry written soon. Never waits; whoever does something asks `room` before."""

    async def room(self) -> None:
        """Come back when there is room for an entry; at once nearly always. Raises AuditStalled."""

    async def keep(self, entry: Entry) -> None:
        """Write an entry now: it outlives a power cut once this returns.

        Raises AuditStalled, and ShopBusy where trying again helps; the entry is then written as soon as it can be.
        """


class Silence:
    """Implements `Trail` for tools run outside of a server."""

    def note(self, entry: Entry) -> None:
        """Forget it."""

    async def room(self) -> None:
        """There always is."""

    async def keep(self, entry: Entry) -> None:
        """Forget it."""


class Sparingly:
    """Notes what strangers can cause by the thousand: the same once a minute, and no more than so many in all.

    What was left out is counted, and the next entry tells it.
    """

    def __init__(self, trail: Trail, *, clock: Callable[[], float], a_minute: int = 120) -> None:
        self._trail = trail
        self._clock = clock
        self._a_minute = a_minute
        self._last: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._began = float("-inf")
        self._written = 0
        self._unwritten = 0

    def note(self, entry: Entry) -> None:
        """Write it, or count it."""
        now = self._clock()
        if now - self._began >= WINDOW:
            self._began, self._written = now, 0
        same = (entry.store, entry.what, entry.subject, entry.who.network or "", entry.who.id or "")
        last = self._last.get(same, float("-inf"))
        if now - last < WINDOW or self._written >= self._a_minute:
            self._unwritten += 1
            return
        self._last[same] = now
        self._last.move_to_end(same)
        if len(self._last) > KINDS:
            self._last.popitem(last=False)
        self._written += 1
        if self._unwritten:
            entry = replace(entry, details={**(entry.details or {}), "unwritten_before": self._unwritten})
            self._unwritten = 0
        self._trail.note(entry)


def moment(at: dt.datetime) -> str:
    """A time as entries spell it, so that texts sort as times do."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds")


def caller_as(caller: Caller, client: str = "") -> Who:
    """Who a caller is, without a credential."""
    return Who(
        kind=caller.kind,
        id=caller.principal or UNSET,
        label=caller.client or UNSET,
        client=cleaned(client) or UNSET,
    )


def stranger(address: str, client: str = "") -> Who:
    """Whoever was refused before we knew who it is. `address` is a key of limits: an IPv4 address or a /64."""
    return Who(kind="stranger", client=cleaned(client) or UNSET, network=network(address) or UNSET)


def network(address: str) -> str:
    """The neighbourhood of an address: /24 of IPv4, /48 of IPv6."""
    if ":" in address:
        prefix = address.partition("/")[0].split("::")[0].split(":")
        return ":".join((*prefix, "0", "0", "0")[:3]) + "::/48"
    parts = address.split(".")
    return f"{'.'.join(parts[:3])}.0/24" if len(parts) == 4 else address  # noqa: PLR2004 -- IPv4


def cleaned(text: str) -> str:
    """A text of a stranger as one short printable line."""
    return "".join(sign for sign in text[:CLIENT_LONGEST] if sign.isprintable()).strip()
