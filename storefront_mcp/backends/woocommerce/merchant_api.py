"""Calls of `wc/v3` with the merchant's key, and what is read of orders for more than one purpose."""

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.woocommerce.shapes import WooMerchantOrderShape, WooOrderNoteShape
from storefront_mcp.backends.woocommerce.store_api import MERCHANT, MerchantKey, StoreApiClient
from storefront_mcp.commerce.errors import ShopMisconfigured

ORDERS: Final = f"{MERCHANT}/orders"
CUSTOMERS: Final = f"{MERCHANT}/customers"
UNMADE: Final = frozenset({"checkout-draft", "auto-draft", "trash"})
"""States of what is no order yet, or was thrown away."""
NO_ORDER: Final = UNMADE | {"failed", "cancelled"}
"""States of what is no order yet, or no more."""
PAID: Final = frozenset({"processing", "completed"})
MAX_COMMENTS: Final = 10
MAX_COMMENT_CHARS: Final = 500
MAX_NUMBER_CHARS: Final = 60
MAX_AMOUNT_DIGITS: Final = 15
"""Of an amount in major units, before its point."""


class MerchantApi:
    """`wc/v3` of one shop. Raises ShopDown and its subclasses."""

    def __init__(self, rest: StoreApiClient, key: MerchantKey) -> None:
        self._rest = rest
        self._headers = key.headers

    async def get(self, path: str, query: Mapping[str, str]) -> UpstreamResponse:
        """A 2xx or 4xx response. Raises ShopMisconfigured where the key is refused."""
        answer = await self._rest.get(path, query, headers=self._headers)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ShopMisconfigured(f"{answer.where}: {answer.status}, so the merchant's key does not serve")
        return answer

    async def put(self, path: str, body: Mapping[str, object]) -> UpstreamResponse:
        """A 2xx or 4xx response to one call, which is not repeated."""
        return await self._rest.send("PUT", path, body, headers=self._headers)

    async def buyer_notes(self, order: int) -> tuple[str, ...]:
        """What the shop wrote for the buyer of an order, the oldest first, the last `MAX_COMMENTS` of it."""
        notes = await self.get(f"{ORDERS}/{order}/notes", {"type": "customer"})
        told = read_what_fits(notes, list[WooOrderNoteShape]) if notes.is_success else []
        texts = [sanitizing.line(one.note, MAX_COMMENT_CHARS) for one in reversed(told) if one.customer_note]
        return tuple(text for text in texts if text)[-MAX_COMMENTS:]


def order_number(order: WooMerchantOrderShape) -> str:
    """What people call an order: extensions may give it another number than its id."""
    return sanitizing.line(order.number, MAX_NUMBER_CHARS) or str(order.id)


def is_unpaid(order: WooMerchantOrderShape) -> bool:
    """Whether an order waits for its payment."""
    return order.date_paid_gmt is None and order.status not in NO_ORDER | PAID | {"refunded"}


def refunded_amount(order: WooMerchantOrderShape) -> Decimal:
    """What was refunded of an order, in major units."""
    amounts = (usable_amount(one.total) for one in order.refunds)
    return sum((abs(amount) for amount in amounts if amount is not None), start=Decimal(0))


def usable_amount(amount: Decimal | None) -> Decimal | None:
    """The amount, if it can be reckoned with.

    >>> usable_amount(Decimal("9.50")), usable_amount(Decimal("sNaN")), usable_amount(Decimal("1E+99999"))
    (Decimal('9.50'), None, None)
    """
    return amount if amount is not None and amount.is_finite() and amount.adjusted() < MAX_AMOUNT_DIGITS else None
