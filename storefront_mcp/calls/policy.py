"""What the pipeline asks about every tool call of a store: its rate limits, idempotency (writes), audit (writes)."""

import datetime as dt
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from msgspec import UNSET, Struct

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.rate_limits import DailyBudget, DailyQuota, LimitExceeded, StoreRateLimits
from storefront_mcp.calls.arguments import redacted
from storefront_mcp.calls.errors import ArgumentsRefused, CallFailed, RateLimited, ScopeMissing
from storefront_mcp.calls.idempotency import IdempotencyRepository
from storefront_mcp.commerce.error_codes import error_code
from storefront_mcp.commerce.errors import CartNotFound, CheckoutNotFound
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import Instrumentation, RequestOrigin, request_id
from storefront_mcp.records.audit import (
    AuditActor,
    AuditEntry,
    AuditSink,
    AuditUnavailable,
    EntryQueue,
    FoldingAuditSink,
    ThrottledAuditSink,
    What,
    audit_timestamp,
    caller_actor,
    unauthenticated_actor,
)
from storefront_mcp.records.outcomes import OK
from storefront_mcp.tools.tool import Tool

UNATTRIBUTABLE_ERRORS: Final = (ArgumentsRefused, CartNotFound, CheckoutNotFound)
"""Errors of calls that concern no existing record: unauthenticated clients can cause any number of them."""
ENTRY_QUOTA: Final = DailyQuota(per_holder=5_000, in_all=100_000)
"""Audit entries of guests a day; alike ones become one with a count from then on."""


class CallPolicy:
    """The call policy of one store, shared by all of its calls in one worker."""

    def __init__(  # noqa: PLR0913 -- the last three have values that fit
        self,
        store: StoreId,
        *,
        limits: StoreRateLimits,
        answers: IdempotencyRepository,
        audit_sink: AuditSink,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.monotonic,
        instrumentation: Instrumentation | None = None,
        entries: DailyQuota = ENTRY_QUOTA,
    ) -> None:
        """`clock` is monotonic, in seconds.

        Guests' calls get so many `entries` of their own, and rejected requests as many again.
        """
        self.store = store
        self.limits = limits
        self.instrumentation = instrumentation
        self.answers = answers
        self.audit_sink = audit_sink
        # Apart, so that made-up calls cannot use up the entries for rejected credentials.
        self._rejections, self._guest_calls = (
            FoldingAuditSink(audit_sink, budget=DailyBudget(entries, clock=clock), clock=clock) for _ in range(2)
        )
        self._throttled = ThrottledAuditSink(self._rejections, clock=clock)
        self._throttled_calls = ThrottledAuditSink(self._guest_calls, clock=clock)
        self._now = now
        self.clock = clock

    async def record_success(
        self, tool: Tool, arguments: Struct | None, caller: Caller, origin: RequestOrigin, began: float
    ) -> None:
        """Audit a writing call. Raises CallFailed where the entry must be durable and cannot be written."""
        entry = self._call_entry(tool, arguments, caller, origin, began, OK)
        if tool.server_idempotency:
            self._sink(tool, caller).enqueue(entry)
            return
        # The tool stores idempotency itself, durably; so its audit entry is durable before the answer is sent.
        try:
            await self.audit_sink.write_durably(entry)
        except AuditUnavailable:
            raise CallFailed from None

    def record_failure(
        self,
        tool: Tool,
        arguments: Struct | None,
        caller: Caller,
        origin: RequestOrigin,
        began: float,
        error: BaseException,
    ) -> None:
        """Audit a failed writing call; a rate-limited one has been audited when the limit was hit."""
        if not isinstance(error, RateLimited):
            unattributable = isinstance(error, UNATTRIBUTABLE_ERRORS)
            sink = self._throttled_calls if unattributable else self._sink(tool, caller)
            sink.enqueue(self._call_entry(tool, arguments, caller, origin, began, error_code(error)))

    def audit_forbidden(self, tool: Tool, caller: Caller, origin: RequestOrigin) -> None:
        """Audit a call of a writing tool without the scope for it."""
        self._throttled_calls.enqueue(self._call_entry(tool, None, caller, origin, self.clock(), ScopeMissing.code))

    def audit_limited(self, exceeded: LimitExceeded, origin: RequestOrigin, caller: Caller | None = None) -> None:
        """Audit and count a limit that was hit."""
        if self.instrumentation is not None:
            self.instrumentation.count_limited(exceeded.rule)
        actor = unauthenticated_actor(origin.address, origin.client())
        if caller is not None and caller.kind != "guest":
            actor = caller_actor(caller, origin.client())
        self._throttled.enqueue(self._entry("limit.hit", exceeded.rule, actor, RateLimited.code, origin))

    def audit_rejected_credential(self, origin: RequestOrigin, reason: str) -> None:
        """Audit rejected credentials; `reason` is an error code, never what was sent."""
        actor = unauthenticated_actor(origin.address, origin.client())
        self._throttled.enqueue(self._entry("credential.refused", "credential", actor, reason, origin))

    def flush_audit(self) -> None:
        """Enqueue the numbers of entries that were folded. Call it before the audit is closed."""
        self._rejections.flush()
        self._guest_calls.flush()

    def _sink(self, tool: Tool, caller: Caller) -> EntryQueue:
        """Entries of callers that are known, and those of orders, are never folded."""
        return self._guest_calls if caller.kind == "guest" and tool.scarce_action != "order" else self.audit_sink

    def _call_entry(
        self, tool: Tool, arguments: Struct | None, caller: Caller, origin: RequestOrigin, began: float, outcome: str
    ) -> AuditEntry:
        return self._entry(
            "tool.called",
            tool.name,
            caller_actor(caller, origin.client()),
            outcome,
            origin,
            milliseconds=round((self.clock() - began) * 1000, 1),
            arguments=UNSET if arguments is None else redacted(arguments),
        )

    def _entry(
        self,
        what: What,
        subject: str,
        actor: AuditActor,
        outcome: str,
        origin: RequestOrigin,
        **more: Any,  # noqa: ANN401 -- the entry's other columns
    ) -> AuditEntry:
        return AuditEntry(
            at=audit_timestamp(self._now()),
            source=origin.source,
            store=self.store,
            what=what,
            subject=subject,
            who=actor,
            outcome=outcome,
            request=request_id() or secrets.token_hex(8),
            **more,
        )
