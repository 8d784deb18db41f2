"""The one table of what an agent sees when a call goes wrong."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from storefront_mcp.calls.errors import ArgumentsRefused, CallError, CallFailed, NotOpenYet, UnknownTool
from storefront_mcp.commerce import errors as shop
from storefront_mcp.mcp.jsonrpc import Code


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
    shop.ShopBusy: RESULT,
    shop.ShopRefused: RESULT,
    shop.ShopDown: RESULT,
    shop.ShopUnclear: RESULT,
    shop.ShopMisconfigured: RESULT,
    NotOpenYet: RESULT,
    ArgumentsRefused: RESULT,
    UnknownTool: Shown("error", Code.INVALID_PARAMS, 400),
    CallFailed: Shown("error", Code.INTERNAL_ERROR, 200),
}
"""Every leaf of both trees; a test proves that table and trees are equal."""


def shown(error: shop.ShopError | CallError) -> Shown:
    """How an error is shown."""
    return SHOWN[type(error)]
