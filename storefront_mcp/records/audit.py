"""Audit entries, `AuditSink` (the port that writes them), and sinks that bound what strangers and guests cause."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

from cachetools import TTLCache
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.rate_limits import DailyBudget
from storefront_mcp.instrumentation import AgentProtocolName, request_holder
from storefront_mcp.records.outcomes import OK

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
    "grant.created",
    "grant.ended",
    "client.blocked",
    "client.unblocked",
]

Durability = Literal["process", "power"]
"""What a commit survives: the end of this process, or a power cut too (then it waits for the disk)."""

MAX_CLIENT_CHARS: Final = 120
THROTTLE_WINDOW_SECONDS: Final = 60.0
"""Seconds in which equal entries are written once."""
MAX_THROTTLED_KINDS: Final = 1_024
"""Different entries that are remembered as written."""
FOLD_SECONDS: Final = 3600.0
"""Seconds in which alike entries become one; what a `kill -9` may lose is no more than their number."""
MAX_FOLDED_KINDS: Final = 1_024
"""Kinds of entries that are counted apart; there are as many as tools, rules and error codes allow."""


class AuditActor(Struct, frozen=True, kw_only=True):
    """Who acted. Of guests nothing is recorded but the client program."""

    kind: Literal["guest", "key", "token", "customer", "operator", "server", "stranger"]
    """customer: a person who signed in, or their agent. operator: at the command line. server: this process. stranger:
    not authenticated."""
    id: str | UnsetType = UNSET
    """A key's public id, a token's issuer and subject, a customer's subject, an operator's name."""
    label: str | UnsetType = UNSET
    """A key's label, or the OAuth client of a token or customer."""
    client: str | UnsetType = UNSET
    """Name and version of the client program, unverified."""
    network: str | UnsetType = UNSET
    """The /24 or /48 that a rejected request came from: enough to see a pattern, not a person."""


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One recorded event."""

    at: str
    """ISO 8601, UTC."""
    source: AgentProtocolName
    """The protocol that it came by; `mcp` for what no agent did."""
    store: str
    """Empty for events of all stores."""
    what: What
    subject: str
    """The tool, phase, key or rule."""
    who: AuditActor
    outcome: str
    """`ok`, or an error code."""
    milliseconds: float | UnsetType = UNSET
    request: str | UnsetType = UNSET
    """The request id, as in the logs."""
    arguments: Mapping[str, Any] | UnsetType = UNSET
    """Without secrets and personal data: see `calls.arguments.redacted`."""
    details: Mapping[str, Any] | UnsetType = UNSET


class StoredAuditEntry(Struct, frozen=True):
    """An entry with its place in the chain."""

    number: int
    """Counts from 1."""
    hash: str
    """In hexadecimal digits; covers the entry, its number and the hash before it."""
    entry: AuditEntry


class ChainVerification(Struct, frozen=True, kw_only=True):
    """Result of verifying the hash chain."""

    entries: int
    first: int
    """Number of the oldest entry that is kept."""
    number: int
    """Of the newest one."""
    hash: str
    """Of the newest one: note it elsewhere, and a later verification can be asked for it."""
    problems: tuple[str, ...]
    """Sentences; empty where nothing was changed."""


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which entries of a store are wanted; empty for all."""

    store: str
    since: str = ""
    """A timestamp as `audit_timestamp` makes it."""
    what: str = ""
    request: str = ""
    """A request id."""
    text: str = ""
    """Part of the entry as JSON, or of its outcome as `current_outcome` shows it; letters of either case."""


class AuditPage(Struct, frozen=True, kw_only=True):
    """One page of a search."""

    entries: tuple[StoredAuditEntry, ...]
    """The newest first."""
    total: int
    """How many match, on all pages."""
    older: int
    """How many of them are older than this page."""


class AuditRepository(Protocol):
    """The stored audit. Blocking: called from threads."""

    def write(self, entries: Sequence[AuditEntry], *, survives: Durability = "process") -> None:
        """Append entries, all or none."""

    def read(
        self, *, since: str = "", store: str | None = None, last: int | None = None, after: int = 0
    ) -> Iterator[StoredAuditEntry]:
        """Entries, oldest first: since a timestamp, of one store, the `last` so many, or those `after` a number."""

    def search(self, query: AuditQuery, *, before: int | None = None, limit: int) -> AuditPage:
        """The newest `limit` entries that match, of numbers below `before`."""

    def verify(self) -> ChainVerification:
        """Verify the whole hash chain."""


class AuditUnavailable(Exception):
    """Entries cannot be written now, so no action that needs one may be done."""


class EntryQueue(Protocol):
    """Takes entries that are written soon."""

    def enqueue(self, entry: AuditEntry) -> None:
        """Queue an entry. Never blocks; await `wait_for_capacity` before the action."""


class AuditSink(EntryQueue, Protocol):
    """Writes entries, in a hash chain that shows later changes."""

    async def wait_for_capacity(self) -> None:
        """Wait until the queue can take an entry; usually at once. Raises AuditUnavailable."""

    async def write_durably(self, entry: AuditEntry) -> None:
        """Write an entry that survives a power cut once this returns.

        Raises AuditUnavailable, and ShopBusy where trying again helps; the entry is then written later.
        """


class ThrottledAuditSink:
    """Enqueues what unauthenticated clients can cause: equal entries once, and `a_minute` at most, in each window.

    Omitted entries are counted in `unwritten_before` of the next one.
    """

    def __init__(self, audit_sink: EntryQueue, *, clock: Callable[[], float], a_minute: int = 120) -> None:
        self._audit_sink = audit_sink
        self._clock = clock
        self._a_minute = a_minute
        self._recent: TTLCache[tuple[str, ...], bool] = TTLCache(
            MAX_THROTTLED_KINDS, THROTTLE_WINDOW_SECONDS, timer=clock
        )
        self._began = float("-inf")
        self._written = 0
        self._unwritten = 0

    def enqueue(self, entry: AuditEntry) -> None:
        """Enqueue an entry, or count it as omitted."""
        now = self._clock()
        if now - self._began >= THROTTLE_WINDOW_SECONDS:
            self._began, self._written = now, 0
        same = (entry.store, entry.what, entry.subject, entry.who.network or "", entry.who.id or "")
        if same in self._recent or self._written >= self._a_minute:
            self._unwritten += 1
            return
        self._recent[same] = True
        self._written += 1
        if self._unwritten:
            entry = replace(entry, details={**(entry.details or {}), "unwritten_before": self._unwritten})
            self._unwritten = 0
        self._audit_sink.enqueue(entry)


class FoldingAuditSink:
    """Enqueues guests' entries while the request's client is within its daily budget, and counts them from then on.

    A folded entry holds in `details` how many it stands for, and since when.
    """

    def __init__(self, audit_sink: EntryQueue, *, budget: DailyBudget, clock: Callable[[], float]) -> None:
        self._audit_sink = audit_sink
        self._budget = budget
        self._clock = clock
        self._folded: dict[tuple[str, ...], tuple[AuditEntry, str, int]] = {}
        self._flush_at = float("inf")

    def enqueue(self, entry: AuditEntry) -> None:
        """Enqueue an entry, or count it among its like."""
        if self._clock() >= self._flush_at:
            self.flush()
        if self._budget.spend(request_holder()):
            self._audit_sink.enqueue(entry)
            return
        alike: tuple[str, ...] = (entry.what, entry.subject, entry.outcome, entry.who.kind)
        if len(self._folded) >= MAX_FOLDED_KINDS and alike not in self._folded:
            alike = ()
        if not self._folded:
            self._flush_at = self._clock() + FOLD_SECONDS
        _, since, count = self._folded.get(alike, (entry, entry.at, 0))
        self._folded[alike] = entry, since, count + 1

    def flush(self) -> None:
        """Enqueue what was folded."""
        folded, self._folded, self._flush_at = self._folded, {}, float("inf")
        for newest, since, count in folded.values():
            self._audit_sink.enqueue(
                replace(
                    newest,
                    who=AuditActor(kind=newest.who.kind),
                    milliseconds=UNSET,
                    request=UNSET,
                    arguments=UNSET,
                    details={"folded": count, "since": since},
                )
            )


def audit_timestamp(at: dt.datetime) -> str:
    """A time in ISO 8601, UTC, with milliseconds: sorts as text."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds")


def operator_entry(
    at: dt.datetime,
    what: What,
    subject: str,
    *,
    store: str,
    by: str,
    details: Mapping[str, Any] | None = None,
    outcome: str = OK,
) -> AuditEntry:
    """The entry of something that a person did; `by` is what they are called."""
    return AuditEntry(
        at=audit_timestamp(at),
        source="mcp",
        store=store,
        what=what,
        subject=subject,
        who=AuditActor(kind="operator", id=by),
        outcome=outcome,
        details=UNSET if details is None else details,
    )


def caller_actor(caller: Caller, client: str = "") -> AuditActor:
    """The actor of an authenticated caller or guest."""
    return AuditActor(
        kind=caller.kind,
        id=caller.principal or UNSET,
        label=caller.client or UNSET,
        client=printable_line(client) or UNSET,
    )


def unauthenticated_actor(address: str, client: str = "") -> AuditActor:
    """The actor of a request rejected before authentication. `address` is an IPv4 address or a /64."""
    return AuditActor(kind="stranger", client=printable_line(client) or UNSET, network=network(address) or UNSET)


def network(address: str) -> str:
    """The network of an address: /24 of IPv4, /48 of IPv6."""
    if ":" in address:
        prefix = address.partition("/")[0].split("::")[0].split(":")
        return ":".join((*prefix, "0", "0", "0")[:3]) + "::/48"
    parts = address.split(".")
    return f"{'.'.join(parts[:3])}.0/24" if len(parts) == 4 else address  # noqa: PLR2004 -- IPv4


def printable_line(text: str) -> str:
    """Untrusted text as one printable line of at most `MAX_CLIENT_CHARS` characters."""
    return "".join(char for char in text[:MAX_CLIENT_CHARS] if char.isprintable()).strip()
