"""Maho's place-order, which nothing protects: sent once, understood exactly, and looked for when its answer is lost."""

import asyncio
import logging
import re
from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Final, TypeVar

from storefront_mcp.backends.maho.account import Account
from storefront_mcp.backends.maho.carts import Carts, path
from storefront_mcp.backends.maho.pricing import Pricing
from storefront_mcp.backends.maho.receipts import ClosedCart, KeptOrder, NumberedOrder, PricedOrder, Shipment
from storefront_mcp.backends.maho.rest import Rest, accepted, general, reason
from storefront_mcp.backends.maho.shapes import Collection
from storefront_mcp.backends.text import line, web_url
from storefront_mcp.backends.upstream import Answer
from storefront_mcp.commerce.errors import (
    CartGone,
    OrderRefused,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopRefused,
    ShopUnclear,
)
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import Order, OrderDraft, OrderProgress, Parcel, Settlement

T = TypeVar("T")

logger = logging.getLogger(__name__)

CAPTURING: Final = frozenset({"stripe_card"})
"""Ways to pay whose module in the shop takes the held money inside place-order."""
INTENT: Final = {"stripe_card": "stripe_payment_intent_id"}
"""Under which key a module looks for the provider's id."""

SAID_NO: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
KEPT_OUT: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.NOT_ACCEPTABLE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }
)
"""Refusals at the door: the call was not even read."""

ADDRESSEE: Final = re.compile(r"\S+@\S+")
CURRENCY: Final = re.compile("[A-Z]{3}")

PREPARING: Final = 10.0
"""Seconds for looking addresses up, so that all of placing an order has a known end."""
PAGE: Final = 100
PAGES: Final = 10
"""So many of the newest orders are searched for ours."""


class Ordering:
    """Orders of guest carts."""

    def __init__(self, rest: Rest, carts: Carts, pricing: Pricing, account: Account | None) -> None:
        self._rest = rest
        self._carts = carts
        self._pricing = pricing
        self._account = account

    async def place(self, cart: CartId, draft: OrderDraft, settlement: Settlement) -> Order:
        """Make an order: everything in one body, one POST, no second one.

        Every 201 is an order, whatever its body looks like. 400 and 422 are the shop's word that there is none. What is
        neither leaves both possible, and only `find` can tell.
        """
        try:
            async with asyncio.timeout(PREPARING):
                body = await self._body(draft, settlement)
        except TimeoutError as error:
            raise ShopDown(internal="the addresses of an order could not be looked up in time") from error
        try:
            answer = await self._rest.settle(f"{path(cart)}/place-order", body)
        except ShopBusy as busy:
            raise ShopDown(internal=busy.internal) from busy
        if answer.ok:
            return _order(answer)
        raise _refused(answer)

    async def find(self, cart: CartId, reference: str) -> Order | None:
        """The order made of a cart; None while the cart is still open.

        A guest's cart that was open before and is not found any more has become an order. A service account also
        finds its number, by our reference in the note, or finds that there is none: then the cart is gone (CartGone).
        """
        try:
            if (await self._carts.look(cart)).is_active is not False:
                return None
        except CartGone:
            pass
        except (ShopBusy, ShopRefused) as error:
            raise ShopDown(internal=error.internal) from error
        if self._account is None:
            return Order()
        return await self._reserved(self._account, cart, reference) or await self._listed(self._account, reference)

    async def progress(self, order: Order) -> OrderProgress | None:
        """Where an order stands. The order's own token opens it only once, and that is for its buyer."""
        if self._account is None or order.number is None:
            return None
        query = {"incrementId": order.number}
        found = accepted(await self._account.get("/orders", query)).read(Collection[KeptOrder])
        kept = next((one for one in found.member if one.increment_id == order.number), None)
        if kept is None:
            return None
        answer = await self._account.get(f"/orders/{kept.id}/shipments")
        shipments = answer.read(Collection[Shipment]).member if answer.ok else []
        parcels = tuple(_parcel(track) for shipment in shipments for track in shipment.tracks)
        return OrderProgress(number=order.number, status=line(kept.status, 60) or "unknown", parcels=parcels)

    async def _body(self, draft: OrderDraft, settlement: Settlement) -> dict[str, object]:
        """What place-order is sent. The older fork reads `guestEmail`, and no addresses.

        A module that captures gets the provider's id under its own key. Others do not look at it; it is kept with the
        order as `reference`, so that a person at the shop can find the money. Our reference is the note's last line.
        """
        try:
            addresses = await self._pricing.written(draft)
        except (ShopBusy, ShopRefused) as error:
            raise ShopDown(internal=error.internal) from error
        except ShopDown:
            raise
        except ShopError as error:
            raise OrderRefused(str(error)) from error
        key = INTENT.get(settlement.method, "reference")
        return {
            "email": draft.email,
            "guestEmail": draft.email,
            **addresses,
            "shippingMethod": draft.shipping_method,
            "paymentMethod": settlement.method,
            "paymentData": {} if settlement.payment is None else {key: settlement.payment},
            "orderNote": f"{draft.note.strip()}\n{settlement.reference}".strip(),
        }

    async def _reserved(self, account: Account, cart: CartId, reference: str) -> Order | None:
        """By the number that the shop reserved for the cart, when we still know the cart's own number."""
        number = self._carts.number(cart)
        answer = None if number is None else await account.get(f"/carts/{number}")
        if answer is None or answer.status == HTTPStatus.NOT_FOUND:
            return None
        reserved = accepted(answer).read(ClosedCart).reserved_order_id
        if not reserved:
            return None
        found = accepted(await account.get("/orders", {"incrementId": reserved})).read(Collection[KeptOrder])
        return next((_kept(one) for one in found.member if _is_ours(one, reference)), None)

    async def _listed(self, account: Account, reference: str) -> Order:
        """Among the newest orders. Raises CartGone when all that there are have been read, and it is none of them."""
        for page in range(1, PAGES + 1):
            answer = await account.get("/orders", {"page": str(page), "pageSize": str(PAGE)})
            found = accepted(answer).read(Collection[KeptOrder])
            ours = next((one for one in found.member if _is_ours(one, reference)), None)
            if ours is not None:
                return _kept(ours)
            if page * PAGE >= found.totalItems:
                raise CartGone
        logger.warning("no order among the newest %s has the reference %s", PAGE * PAGES, reference)
        return Order()


def _is_ours(order: KeptOrder, reference: str) -> bool:
    """Whether the note ends in our reference; a buyer's words stand before it."""
    return (order.customer_note or "").split()[-1:] == [reference]


def _kept(order: KeptOrder) -> Order:
    return Order(number=order.increment_id, total=_money(order.prices.grand_total, order.currency))


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    if amount is None or currency is None or CURRENCY.fullmatch(currency) is None:
        return None
    try:
        return Money.of(amount, currency)
    except ValueError:
        return None


def _read(answer: Answer, kind: type[T]) -> T | None:
    try:
        return answer.read(kind)
    except ShopDown:
        return None


def _order(answer: Answer) -> Order:
    """The order that a success tells of. Raises ShopUnclear for a success that is no 201 and names no order."""
    told, priced = _read(answer, NumberedOrder), _read(answer, PricedOrder)
    number = None if told is None else line(str(told.increment_id or ""), 60) or None
    if number is None:
        logger.error("%s: %s without an order number", answer.where, answer.status)
        if answer.status != HTTPStatus.CREATED:
            raise ShopUnclear(internal=f"{answer.where}: {answer.status} without an order", over=True)
    return Order(
        number=number,
        total=None if priced is None else _money(priced.prices.grand_total, priced.currency),
        token=None if told is None else told.access_token,
    )


def _refused(answer: Answer) -> ShopError:
    internal = f"{answer.where}: {answer.status} {ADDRESSEE.sub('[e-mail]', reason(answer))}"
    if answer.status == HTTPStatus.NOT_FOUND:
        return CartGone()
    if answer.status in SAID_NO:
        return OrderRefused(ADDRESSEE.sub("[e-mail]", reason(answer)), internal=internal)
    if answer.status in KEPT_OUT:
        return general(answer)
    return ShopUnclear(internal=internal, over=answer.status != HTTPStatus.REQUEST_TIMEOUT)


def _parcel(track: Mapping[str, str | int | None]) -> Parcel:
    def told(*names: str) -> str:
        return line(str(next((track[name] for name in names if track.get(name)), "")), 100)

    return Parcel(
        carrier=told("title", "carrierTitle", "carrier_title", "carrierCode", "carrier_code"),
        number=told("trackNumber", "track_number", "number"),
        url=web_url(told("url", "trackingUrl", "tracking_url")),
    )
