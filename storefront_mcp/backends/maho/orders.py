"""Maho's place-order, which is not idempotent: sent once, and the order looked up if the response is lost."""

import asyncio
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, TypeVar

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.maho.carts import MahoCarts, cart_path
from storefront_mcp.backends.maho.order_quotes import OrderQuotes
from storefront_mcp.backends.maho.order_shapes import (
    OrderTotalShape,
    PlacedOrderShape,
    StoredCartShape,
    StoredOrderShape,
)
from storefront_mcp.backends.maho.prices import order_amount
from storefront_mcp.backends.maho.rest import RestClient, error_reason, expect_success, general_error
from storefront_mcp.backends.maho.service_account import ServiceAccountClient
from storefront_mcp.backends.maho.shapes import CollectionShape
from storefront_mcp.backends.maho.storable import check_note
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce.errors import (
    CartGone,
    OrderRefused,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopOutcomeUnknown,
    ShopRefused,
)
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement

T = TypeVar("T")

logger = logging.getLogger(__name__)

REJECTION_STATUSES: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
AUTH_STATUSES: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)
"""Statuses with which Maho rejects a request before reading it."""

EMAIL_LIKE_PATTERN: Final = re.compile(r"(?<!\S)\S+@\S+")

PREPARE_TIMEOUT_SECONDS: Final = 25.0
"""For the address look-ups before place-order, so that placing an order has a bound."""
ORDER_PAGE_SIZE: Final = 100
MAX_NUMBER_CHARS: Final = 60
"""Of an order number."""
MAX_ORDER_PAGES: Final = 10
"""Pages of the newest orders that are searched for a reference."""


class MahoOrders:
    """Places and finds orders of guest carts."""

    def __init__(
        self,
        rest: RestClient,
        carts: MahoCarts,
        pricing: OrderQuotes,
        account: ServiceAccountClient | None,
        capture_fields: Mapping[str, str],
    ) -> None:
        self._rest = rest
        self._carts = carts
        self._pricing = pricing
        self._account = account
        self._capture_fields = capture_fields

    async def place(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        """Place the order by one POST, never repeated.

        Every 201 is an order, whatever its body. Raises OrderRefused (400, 422, bad address) and CartGone (404) when
        there is none, ShopOutcomeUnknown when only `find` can tell, another ShopDown when nothing was placed.
        """
        try:
            async with asyncio.timeout(PREPARE_TIMEOUT_SECONDS):
                body = await self._body(cart, draft, settlement)
        except TimeoutError as error:
            raise ShopDown(internal="the addresses of an order could not be looked up in time") from error
        try:
            answer = await self._rest.post_once(f"{cart_path(cart)}/place-order", body)
        except ShopOutcomeUnknown as failed:
            if failed.over:  # an error without a reason, most often of an address
                self._pricing.suspect_addresses(draft)
            raise
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        if answer.is_success:
            return _order(answer)
        raise _order_error(answer)

    async def find(self, cart: CartId, reference: str) -> Order | None:
        """The order placed from a cart; None while the cart is open.

        A guest cart that was open and is no longer found has become an order, and so has one with a reserved order
        number: Maho may fail after the commit, and then leaves the cart open and the order without its note. With a
        service account the order is read: by that number, else by `reference`, the last word of its note. Raises
        CartGone if there is none, and ShopDown.
        """
        reserved, is_open = None, False
        try:
            found = await self._carts.look(cart)
            reserved, is_open = found.reserved_order_id, found.is_active is not False
        except CartGone:
            pass
        except (ShopBusy, ShopRefused) as error:
            raise ShopDown(internal=error.internal) from error
        if is_open and not reserved:
            return None
        if self._account is None:
            return Order(number=None if reserved is None else sanitizing.line(reserved, MAX_NUMBER_CHARS) or None)
        ours = await self._find_reserved(self._account, cart, reserved, reference)
        if ours is None and is_open:
            return None  # a payment module reserved a number, and there is no order
        return ours or await self._find_in_list(self._account, cart, reference)

    async def _body(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> dict[str, object]:
        """The request body of place-order. The older fork reads `guestEmail` and no addresses.

        A payment module that captures gets the provider's payment id under its own key. Others ignore it; it is stored
        with the order as `reference`, for the shop's staff. The settlement's reference is the note's last line.
        """
        try:
            check_note(draft.note)
            ordered = await self._pricing.order_body(cart, draft)
        except (ShopBusy, ShopRefused) as error:
            raise ShopDown(internal=error.internal) from error
        except (ShopDown, OrderRefused):
            raise
        except ShopError as error:
            raise OrderRefused(str(error)) from error
        key = self._capture_fields.get(settlement.method, "reference")
        return {
            "email": draft.email,
            "guestEmail": draft.email,
            **ordered,
            "paymentMethod": settlement.method,
            "paymentData": {} if settlement.payment is None else {key: settlement.payment},
            "orderNote": f"{draft.note.strip()}\n{settlement.reference}".strip(),
        }

    async def _find_reserved(
        self, account: ServiceAccountClient, cart: CartId, reserved: str | None, reference: str
    ) -> Order | None:
        """Find by the order number that Maho reserved for the cart: as given, or read by a cached numeric id."""
        number = self._carts.number(cart)
        if reserved is None and number is not None:
            answer = await account.get(f"/carts/{number}")
            if answer.status != HTTPStatus.NOT_FOUND:
                reserved = read_what_fits(expect_success(answer), StoredCartShape).reserved_order_id
        if not reserved:
            return None
        found = read_what_fits(
            expect_success(await account.get("/orders", {"incrementId": reserved})), CollectionShape[StoredOrderShape]
        )
        return next((_stored_order(one) for one in found.member if _is_ours(one, number, reference)), None)

    async def _find_in_list(self, account: ServiceAccountClient, cart: CartId, reference: str) -> Order:
        """Search the newest orders. Raises CartGone when all orders were read and none matches."""
        for page in range(1, MAX_ORDER_PAGES + 1):
            answer = await account.get("/orders", {"page": str(page), "pageSize": str(ORDER_PAGE_SIZE)})
            found = read_what_fits(expect_success(answer), CollectionShape[StoredOrderShape])
            ours = next((one for one in found.member if _is_ours(one, self._carts.number(cart), reference)), None)
            if ours is not None:
                return _stored_order(ours)
            if page * ORDER_PAGE_SIZE >= found.totalItems:
                raise CartGone
        logger.warning(
            "no order among the newest %s has the reference %s", ORDER_PAGE_SIZE * MAX_ORDER_PAGES, reference
        )
        return Order()


def _is_ours(order: StoredOrderShape, cart: int | None, reference: str) -> bool:
    """Whether it is of this cart, or the last word of the note is the reference; the buyer's text comes before it."""
    return (cart is not None and order.quote_id == cart) or (order.customer_note or "").split()[-1:] == [reference]


def _stored_order(order: StoredOrderShape) -> Order:
    return Order(number=order.increment_id, total=order_amount(order.prices.grand_total, order.currency))


def _read(answer: UpstreamResponse, kind: type[T]) -> T | None:
    try:
        return read_what_fits(answer, kind)
    except ShopDown:
        return None


def _order(answer: UpstreamResponse) -> Order:
    """The order in a 2xx response. Raises ShopOutcomeUnknown if it has no order number and is not 201."""
    told, priced = _read(answer, PlacedOrderShape), _read(answer, OrderTotalShape)
    number = None if told is None else sanitizing.line(str(told.increment_id or ""), MAX_NUMBER_CHARS) or None
    if number is None:
        logger.error("%s: %s without an order number", answer.where, answer.status)
        if answer.status != HTTPStatus.CREATED:
            raise ShopOutcomeUnknown(internal=f"{answer.where}: {answer.status} without an order", over=True)
    return Order(
        number=number,
        total=None if priced is None else order_amount(priced.prices.grand_total, priced.currency),
        token=None if told is None else told.access_token,
    )


def _order_error(answer: UpstreamResponse) -> ShopError:
    internal = f"{answer.where}: {answer.status} {EMAIL_LIKE_PATTERN.sub('[e-mail]', error_reason(answer))}"
    if answer.status == HTTPStatus.NOT_FOUND:
        return CartGone()
    if answer.status in REJECTION_STATUSES:
        return OrderRefused(EMAIL_LIKE_PATTERN.sub("[e-mail]", error_reason(answer)), internal=internal)
    if answer.status in AUTH_STATUSES:
        return general_error(answer)
    return ShopOutcomeUnknown(internal=internal, over=answer.status != HTTPStatus.REQUEST_TIMEOUT)
