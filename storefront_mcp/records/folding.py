"""An audit sink for what guests and strangers cause: beyond a daily budget, alike entries become one with a count."""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from storefront_mcp.access.daily_budget import DailyBudget
from storefront_mcp.instrumentation import request_holder
from storefront_mcp.records.audit import AuditActor, AuditEntry, EntryQueue

FOLD_SECONDS: Final = 3600.0
"""Seconds in which alike entries become one; what a `kill -9` may lose is no more than their number."""
MAX_FOLDED_KINDS: Final = 1_024
"""Kinds of entries that are counted apart; there are as many as tools, rules and error codes allow."""


class FoldingAuditSink:
    """Enqueues entries while the client that the request comes from is within its budget, and counts them from then on.

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
