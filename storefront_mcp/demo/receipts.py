"""Carts, their totals and orders as Maho writes them."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from storefront_mcp.demo.carts import Cart, PaymentMethod
from storefront_mcp.demo.delivery import Rate
from storefront_mcp.demo.money import AUD, CURRENCIES, GST_PERCENT, Currency
from storefront_mcp.demo.places import Address
from storefront_mcp.demo.rewards import find_coupon
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.totals import LineTotals, Totals
from storefront_mcp.demo.wire import Json

_NOBODY: Final = Address()


def moment(seconds: float) -> str:
    """A time as Maho writes it: UTC, without saying so."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def prices_shape(totals: Totals, settled: Totals) -> Json:
    """The `prices` of a cart: `totals` in the shown currency, `settled` in Australian dollars.

    Unlike everything else, unknown amounts are null here and not left out. `subtotal` and `shippingAmount` are without
    GST, `discountAmount` and `grandTotal` with it.
    """
    without_tax = None if totals.shipping is None else totals.shipping - (totals.shipping_tax or 0)
    settled_shipping = None if settled.shipping is None else settled.shipping - (settled.shipping_tax or 0)
    return {
        "subtotal": totals.currency.major(totals.subtotal_without_tax),
        "subtotalInclTax": totals.currency.major(totals.subtotal),
        "subtotalWithDiscount": totals.currency.major(totals.subtotal_without_tax - totals.discount),
        "discountAmount": totals.currency.optional_major(totals.discount or None),
        "shippingAmount": totals.currency.optional_major(without_tax),
        "shippingAmountInclTax": totals.currency.optional_major(totals.shipping),
        "taxAmount": totals.currency.major(totals.tax),
        "shippingTaxAmount": totals.currency.optional_major(totals.shipping_tax),
        "grandTotal": totals.currency.major(totals.grand),
        "baseGrandTotal": AUD.major(settled.grand),
        "baseSubtotal": AUD.major(settled.subtotal_without_tax),
        "baseTaxAmount": AUD.major(settled.tax),
        "baseShippingAmount": AUD.optional_major(settled_shipping),
        "baseDiscountAmount": AUD.optional_major(settled.discount or None),
        "giftcardAmount": totals.currency.optional_major(totals.giftcard or None),
    }


def _genid(cart: Cart, line: int) -> str:
    """The blank-node id of a line: made from what it names, so that the same cart has the same ETag."""
    return "/api/.well-known/genid/" + hashlib.sha256(f"{cart.masked_id}/{line}".encode()).hexdigest()[:20]


def _line_shape(cart: Cart, priced: LineTotals, money: Currency, coupon_percent: int) -> Json:
    line = priced.line
    shape: Json = {
        "@type": "CartItem",
        "@id": _genid(cart, line.id),
        "id": line.id,
        "sku": line.sku,
        "name": line.name,
        "qty": line.qty,
        "price": money.major(priced.unit_without_tax),
        "priceInclTax": money.major(priced.unit),
        "rowTotal": money.major(priced.row_without_tax),
        "rowTotalInclTax": money.major(priced.row),
        "rowTotalWithDiscount": money.major(priced.row_without_tax - priced.discount),
    }
    if priced.discount:
        shape["discountAmount"] = money.major(priced.discount)
        if coupon_percent:
            shape["discountPercent"] = coupon_percent
    if priced.taxed:
        shape |= {"taxAmount": money.major(priced.tax), "taxPercent": GST_PERCENT}
    return shape | {
        "productId": line.product_id,
        "productType": line.product_type,
        "options": [{"label": label, "value": value} for label, value in line.options],
        "stockStatus": "in_stock",
        "extensions": [],
    }


def address_shape(address: Address | None, *, number: int, kind: str) -> Json:
    """An address going out: `firstname` and `lastname` in lower case, `street` a list."""
    given = address or _NOBODY
    shape: Json = {
        "@type": "Address",
        "id": number,
        "firstname": given.first_name,
        "lastname": given.last_name,
        "street": list(given.street),
        "city": given.city,
        "postcode": given.postcode,
        "countryId": given.country,
        "telephone": given.telephone,
        "addressType": kind,
        "extensions": [],
    }
    for key, value in (("company", given.company), ("region", given.region), ("regionId", given.region_id)):
        if value:
            shape[key] = value
    return shape


def rate_shape(rate: Rate, money: Currency) -> Json:
    """One offer of a quote, in a currency."""
    return {
        "code": rate.code,
        "title": rate.title,
        "carrierCode": rate.carrier,
        "methodCode": rate.method,
        "carrierTitle": rate.carrier_title,
        "methodTitle": rate.method_title,
        "price": money.major(money.of(rate.cents)),
    }


def payment_shapes(methods: list[PaymentMethod]) -> list[Json]:
    """Ways to pay as Maho writes them."""
    return [
        {"code": method.code, "title": method.title, "sortOrder": at, "isOffline": method.offline}
        for at, method in enumerate(methods)
    ]


def cart_shape(state: ShopState, cart: Cart, currency: str, rates: list[Json], *, recreated: bool = False) -> Json:
    """A whole cart in a currency; `rates` are the offers for the address it knows."""
    totals, money = state.totals(cart, currency), CURRENCIES[currency]
    coupon = find_coupon(totals.coupon) if totals.coupon else None
    percent = coupon.percent if coupon else 0
    shape: Json = {
        "id": cart.id,
        "maskedId": cart.masked_id,
        "storeId": 1,
        "isActive": cart.active,
        "cartRecreated": recreated,
        "items": [_line_shape(cart, line, money, percent) for line in totals.lines],
        "prices": prices_shape(totals, state.totals(cart, AUD.code)),
    }
    if cart.lines or cart.shipping_address or cart.billing_address:
        shape["billingAddress"] = address_shape(cart.billing_address, number=2 * cart.id - 1, kind="billing")
        shape["shippingAddress"] = address_shape(cart.shipping_address, number=2 * cart.id, kind="shipping")
    shape["availableShippingMethods"] = rates
    chosen = next((rate for rate in rates if rate["code"] == cart.shipping_method), None)
    if chosen is not None:
        keys = ("carrierCode", "methodCode", "carrierTitle", "methodTitle", "price")
        shape["selectedShippingMethod"] = {key: chosen[key] for key in keys}
    methods = state.payment_methods(totals.grand)
    shape["availablePaymentMethods"] = payment_shapes(methods)
    for method in methods:
        if method.code == cart.payment_method:
            shape["selectedPaymentMethod"] = {"code": method.code, "title": method.title}
    if totals.coupon:
        shape["appliedCoupon"] = {"code": totals.coupon, "discountAmount": money.major(totals.discount)}
    cards = totals.gift_cards.items()
    return shape | {
        "appliedGiftcards": [
            {
                "code": code,
                "balance": money.major(money.of(state.balances[code])),
                "appliedAmount": money.major(paid),
            }
            for code, paid in cards
        ],
        "currency": currency,
        "itemsCount": len(cart.lines),
        "itemsQty": sum(line.qty for line in cart.lines),
        "createdAt": moment(cart.created),
        "updatedAt": moment(cart.updated),
        "extensions": [],
    }


def _ordered_line(priced: LineTotals, money: Currency, number: int, now: str) -> Json:
    line = priced.line
    shape: Json = {
        "@type": "OrderItem",
        "id": number,
        "sku": line.sku,
        "name": line.name,
        "qty": line.qty,
        "qtyOrdered": line.qty,
        "qtyShipped": 0,
        "qtyRefunded": 0,
        "qtyCanceled": 0,
        "qtyInvoiced": 0,
        "price": money.major(priced.unit_without_tax),
        "priceInclTax": money.major(priced.unit),
        "rowTotal": money.major(priced.row_without_tax),
        "rowTotalInclTax": money.major(priced.row),
        "discountAmount": money.major(priced.discount),
        "taxAmount": money.major(priced.tax),
        "taxPercent": GST_PERCENT if priced.taxed else 0,
        "weight": line.grams / 1000,
        "rowWeight": line.grams * line.qty / 1000,
        "productId": line.product_id,
        "productType": line.product_type,
        "storeId": 1,
        "createdAt": now,
        "extensions": [],
    }
    if line.options:
        chosen = [{"label": label, "value": value} for label, value in line.options]
        shape["productOptions"] = {"attributes_info": chosen}
    return shape


def order_shape(state: ShopState, cart: Cart, currency: str, *, number: int, email: str, note: str) -> Json:
    """An order as place-order answers it, without its access token; e-mail and note are left out when empty."""
    totals, money, now = state.totals(cart, currency), CURRENCIES[currency], moment(state.clock())
    rate = state.chosen_rate(cart)
    payment = next((one for one in state.payment_methods(totals.grand) if one.code == cart.payment_method), None)
    paid = payment is not None and not payment.offline
    prices = prices_shape(totals, state.totals(cart, AUD.code))
    del prices["subtotalWithDiscount"]
    hidden = totals.subtotal - totals.subtotal_without_tax - sum(line.tax for line in totals.lines)
    shape: Json = {"id": number, "incrementId": str(100_000_000 + number)}
    if email:
        shape["customerEmail"] = email
    shape |= {"customerGroupId": 0, "customerIsGuest": True}
    if note:
        shape["customerNote"] = note
    return shape | {
        "status": "processing" if paid else "pending",
        "state": "processing" if paid else "new",
        "items": [_ordered_line(line, money, state.number("order line"), now) for line in totals.lines],
        "billingAddress": address_shape(cart.billing_address, number=2 * number - 1, kind="billing"),
        "shippingAddress": address_shape(cart.shipping_address, number=2 * number, kind="shipping"),
        "prices": prices
        | {
            "hiddenTaxAmount": money.major(hidden),
            "totalPaid": prices["grandTotal"] if paid else 0,
            "totalRefunded": 0,
            "totalDue": 0 if paid else prices["grandTotal"],
        },
        "paymentMethod": cart.payment_method or "",
        "paymentMethodTitle": payment.title if payment else "",
        "shippingMethod": cart.shipping_method or "",
        "shippingDescription": rate.title if rate else "",
        "couponCode": totals.coupon or "",
        # An empty map is a list where PHP is spoken.
        "giftcardCodes": {code: money.major(paid) for code, paid in totals.gift_cards.items()} or [],
        "storeId": 1,
        "quoteId": cart.id,
        "isVirtual": False,
        "weight": cart.grams / 1000,
        "emailSent": False,
        "currency": currency,
        "baseCurrencyCode": AUD.code,
        "totalItemCount": len(cart.lines),
        "totalQtyOrdered": sum(line.qty for line in cart.lines),
        "createdAt": now,
        "updatedAt": now,
        "statusHistory": [
            {"note": None, "status": "processing" if paid else "pending", "createdAt": now, "isCustomerNotified": True}
        ],
        "shipments": [],
        "extensions": [],
    }
