"""The one table of what an agent sees when a call goes wrong."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.calls.caller import Caller
from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallError,
    CallFailed,
    NotOpenYet,
    ScopeMissing,
    TooOften,
    UnknownTool,
)
from storefront_mcp.commerce import errors as shop
from storefront_mcp.mcp.jsonrpc import Code, Refused


class Shown(Struct, frozen=True):
    """A result that the model reads and can do better, or a JSON-RPC error with a code and a modern HTTP status."""

    form: Literal["result", "error"]
    code: Code = Code.INTERNAL_ERROR
    status: int = 200


RESULT: Final = Shown("result")

SHOWN: Final[Mapping[type[Exception], Shown]] = {
    shop.ProductNotFound: RESULT,
    shop.CategoryNotFound: RESULT,
    shop.PageNotFound: RESULT,
    shop.CursorRefused: RESULT,
    shop.CartNotFound: RESULT,
    shop.CartGone: RESULT,
    shop.LineNotFound: RESULT,
    shop.OutOfStock: RESULT,
    shop.NotEnoughStock: RESULT,
    shop.VariantNeeded: RESULT,
    shop.OptionsNeeded: RESULT,
    shop.QuantityRefused: RESULT,
    shop.CouponRejected: RESULT,
    shop.CountryNotServed: RESULT,
    shop.AddressRefused: RESULT,
    shop.CartEmpty: RESULT,
    shop.ShippingMethodRefused: RESULT,
    shop.OrderRefused: RESULT,
    shop.EmailRefused: RESULT,
    shop.NoWayToPay: RESULT,
    shop.CheckoutNotFound: RESULT,
    shop.CartBeingOrdered: RESULT,
    shop.KeyReused: RESULT,
    shop.PaymentDown: RESULT,
    shop.ShopBusy: RESULT,
    shop.ShopRefused: RESULT,
    shop.ShopDown: RESULT,
    shop.ShopUnclear: RESULT,
    shop.ShopMisconfigured: RESULT,
    NotOpenYet: RESULT,
    ArgumentsRefused: RESULT,
    TooOften: RESULT,
    # Guests get 401; both come with a challenge, whatever the version (RFC 6750 §3).
    ScopeMissing: Shown("error", Code.INTERNAL_ERROR, 403),
    UnknownTool: Shown("error", Code.INVALID_PARAMS, 400),
    CallFailed: Shown("error", Code.INTERNAL_ERROR, 200),
}
"""Every leaf of both trees; a test proves that table and trees are equal."""


def shown(error: shop.ShopError | CallError) -> Shown:
    """How an error is shown."""
    return SHOWN[type(error)]


def scope_refused(error: ScopeMissing, caller: Caller) -> Refused:
    """The refusal of a tool that is not for this caller: 401 asks a guest for a credential, 403 for a broader one."""
    form = SHOWN[ScopeMissing]
    return Refused(
        form.code,
        str(error),
        status=401 if caller.is_guest else form.status,
        details={"required_scope": error.scope},
        needs=error.scope,
    )
