"""How each error of a tool call is rendered: as a result with `isError`, or as a JSON-RPC error."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES, known_buyer_scopes, open_buyer_scopes
from storefront_mcp.access.caller import Caller
from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallError,
    CallFailed,
    RateLimited,
    ScopeMissing,
    SignedOut,
    ToolNotOpen,
    UnknownTool,
)
from storefront_mcp.commerce import account_errors as account, errors as shop
from storefront_mcp.commerce.search_errors import FilterRefused
from storefront_mcp.mcp.jsonrpc import BearerChallenge, ErrorCode, JsonRpcError
from storefront_mcp.roadmap.roadmap import Roadmap


class ErrorRendering(Struct, frozen=True):
    """A result that the model reads, or a JSON-RPC error with a code and the HTTP status of the modern form."""

    form: Literal["result", "error"]
    code: ErrorCode = ErrorCode.INTERNAL_ERROR
    status: int = 200


RESULT: Final = ErrorRendering("result")

ERROR_RENDERINGS: Final[Mapping[type[Exception], ErrorRendering]] = {
    shop.ProductNotFound: RESULT,
    shop.CategoryNotFound: RESULT,
    shop.PageNotFound: RESULT,
    shop.CursorRefused: RESULT,
    FilterRefused: RESULT,
    shop.CartNotFound: RESULT,
    shop.CartGone: RESULT,
    shop.LineNotFound: RESULT,
    shop.OutOfStock: RESULT,
    shop.NotEnoughStock: RESULT,
    shop.VariantNeeded: RESULT,
    shop.OptionsNeeded: RESULT,
    shop.QuantityRefused: RESULT,
    shop.CouponRejected: RESULT,
    shop.GiftCardRejected: RESULT,
    shop.CountryNotServed: RESULT,
    shop.AddressRefused: RESULT,
    shop.CartEmpty: RESULT,
    shop.ShippingMethodRefused: RESULT,
    shop.OrderRefused: RESULT,
    shop.EmailRefused: RESULT,
    shop.NoWayToPay: RESULT,
    shop.TotalRefused: RESULT,
    shop.CheckoutNotFound: RESULT,
    shop.CartBeingOrdered: RESULT,
    shop.CartOrdered: RESULT,
    account.OrderNotFound: RESULT,
    account.OrderNotCancellable: RESULT,
    account.CustomerCartInUse: RESULT,
    shop.KeyReused: RESULT,
    shop.PaymentDown: RESULT,
    shop.ShopBusy: RESULT,
    shop.ShopRefused: RESULT,
    shop.ShopDown: RESULT,
    shop.ShopOutcomeUnknown: RESULT,
    shop.ShopMisconfigured: RESULT,
    ToolNotOpen: RESULT,
    ArgumentsRefused: RESULT,
    RateLimited: RESULT,
    # Guests get 401; these come with a challenge, whatever the version (RFC 6750 §3).
    ScopeMissing: ErrorRendering("error", ErrorCode.INTERNAL_ERROR, 403),
    SignedOut: ErrorRendering("error", ErrorCode.INTERNAL_ERROR, 401),
    UnknownTool: ErrorRendering("error", ErrorCode.INVALID_PARAMS, 400),
    CallFailed: ErrorRendering("error", ErrorCode.INTERNAL_ERROR, 200),
}
"""Every leaf of ShopError and CallError; a test compares the table with both trees."""


def rendering_of(error: shop.ShopError | CallError) -> ErrorRendering:
    """The rendering of an error."""
    return ERROR_RENDERINGS[type(error)]


def rate_limited_error(error: RateLimited) -> JsonRpcError:
    """Error for too many requests of a method other than `tools/call`, whose result would have no place for it."""
    details = {"code": error.code, "retry_after": error.detail.retry_after, "limit": error.detail.limit}
    return JsonRpcError(
        ErrorCode.RATE_LIMITED, str(error), status=429, details=details, retry_after=error.detail.retry_after
    )


def credential_error(error: ScopeMissing | SignedOut, caller: Caller, roadmap: Roadmap) -> JsonRpcError:
    """Error for a missing scope or a token that has ended: 401 asks for a credential, 403 for a broader one.

    Buyers are asked once for all that open tools can use, as most clients cannot ask for more later; a 403 repeats
    what is held, as some ask for what it names and nothing else.
    """
    rendering = ERROR_RENDERINGS[type(error)]
    details = {"code": error.code}
    if isinstance(error, SignedOut):
        needs = BearerChallenge(error="invalid_token", scope=" ".join(open_buyer_scopes(roadmap)))
        return JsonRpcError(rendering.code, str(error), status=rendering.status, details=details, needs=needs)
    details["required_scope"] = scope = error.scope
    guest = caller.kind == "guest"
    if scope in BUYER_SCOPE_NAMES:
        wanted = open_buyer_scopes(roadmap) if guest else known_buyer_scopes((*caller.scopes, scope))
        scope = " ".join(wanted)
    return JsonRpcError(
        rendering.code,
        str(error),
        status=401 if guest else rendering.status,
        details=details,
        needs=BearerChallenge(error=None if guest else "insufficient_scope", scope=scope),
    )
