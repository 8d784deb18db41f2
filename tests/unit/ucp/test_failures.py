"""Every error of the shop and of calls has its place in UCP."""

from typing import Any

import pytest

from storefront_mcp.access.rate_limits import LimitExceeded, RateLimit
from storefront_mcp.calls.errors import ArgumentsRefused, CallFailed, RateLimited, ScopeMissing, SignedOut, UnknownTool
from storefront_mcp.checkout_sessions.problems import protocol_text
from storefront_mcp.commerce import account_errors
from storefront_mcp.commerce.errors import (
    CartNotFound,
    CursorRefused,
    KeyReused,
    OutOfStock,
    PaymentDown,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopOutcomeUnknown,
)
from storefront_mcp.ucp.failures import SHOP_ERROR_MESSAGES, UcpFailure, UcpOutcome, refusal_of

FAILURES = {
    "invalid_cursor",
    "invalid_filter",
    "idempotency_key_reused",
    "payment_unavailable",
    "shop_busy",
    "shop_unavailable",
    "outcome_unknown",
    "shop_misconfigured",
}
"""Codes of the shop's errors that are failures of the request."""


LIMIT = LimitExceeded(rule="guest", rate=RateLimit(burst=1, interval=1.0), wait=6.5)


def codes_below(kind: type[ShopError]) -> set[str]:
    return {kind.code} | {code for below in kind.__subclasses__() for code in codes_below(below)}


def test_every_error_of_a_guests_shop_is_in_the_table() -> None:
    of_accounts = {
        kind.code
        for kind in vars(account_errors).values()
        if isinstance(kind, type) and issubclass(kind, ShopError) and kind.__module__ == account_errors.__name__
    }
    named = set(SHOP_ERROR_MESSAGES)
    assert codes_below(ShopError) - {ShopError.code} - FAILURES - of_accounts <= named
    assert named.isdisjoint(FAILURES)


@pytest.mark.parametrize(
    ("error", "status", "code", "retries"),
    [
        (
            RateLimited(LIMIT),
            429,
            "rate_limited",
            7,
        ),
        (UnknownTool("x"), 503, "unknown_tool", 60),
        (ScopeMissing("x", "orders:read"), 403, "insufficient_scope", None),
        (SignedOut(), 401, "identity_required", None),
        (ArgumentsRefused("no"), 400, "invalid_arguments", None),
        (CursorRefused(), 400, "invalid_cursor", None),
        (KeyReused(), 409, "idempotency_key_reused", None),
        (ShopBusy(retry_after=9), 503, "shop_busy", 9),
        (ShopOutcomeUnknown(), 503, "outcome_unknown", 60),
        (ShopDown(), 503, "shop_unavailable", 60),
        (PaymentDown(), 503, "payment_unavailable", 60),
        (CallFailed(), 500, "internal_error", None),
    ],
)
def test_a_failure_has_its_status(error: Any, status: int, code: str, retries: int | None) -> None:
    refusal = refusal_of(error)
    assert isinstance(refusal, UcpFailure)
    assert (refusal.status, refusal.code, refusal.retry_after) == (status, code, retries)


@pytest.mark.parametrize(
    ("error", "code", "severity"),
    [(CartNotFound(), "not_found", "unrecoverable"), (OutOfStock("X"), "out_of_stock", "recoverable")],
)
def test_an_outcome_is_told_in_the_words_of_the_protocol(error: ShopError, code: str, severity: str) -> None:
    refusal = refusal_of(error)
    assert isinstance(refusal, UcpOutcome)
    assert (refusal.code, refusal.severity, str(refusal)) == (code, severity, protocol_text(error))
