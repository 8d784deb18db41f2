"""Response bodies of Maho's `Cart`, `CartPrices` and `Order`."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from storefront_mcp.demo.api_errors import Json
from storefront_mcp.demo.countries import DemoAddress
from storefront_mcp.demo.coupons import find_coupon
from storefront_mcp.demo.currencies import AUD, CURRENCIES, GST_PERCENT, DemoCurrency
from storefront_mcp.demo.models import DemoCart, DemoPaymentMethod
from storefront_mcp.demo.state import DemoState
from storefront_mcp.demo.totals import DemoTotals, LineTotals

_NO_ADDRESS: Final = DemoAddress()


def utc_timestamp(seconds: float) -> str:
    """A time as Maho writes it, in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None).isoformat(" ")


def prices_shape(totals: DemoTotals, base: DemoTotals) -> Json:
    """The `prices` of a cart: `totals` in the shown currency, `base` in Australian dollars.

    Unlike everywhere else, unknown amounts are null here and not left out. `subtotal` and `shippingAmount` are without
    GST, `discountAmount` and `grandTotal` with it.
    """
    without_tax = None if totals.shipping is None else totals.shipping - (totals.shipping_tax or 0)
    base_shipping = None if base.shipping is None else base.shipping - (base.shipping_tax or 0)
    return {
        "subtotal": totals.currency.major(totals.subtotal_without_tax),
        "subtotalInclTax": sum(_row_with_tax(line, totals.currency) for line in totals.lines),
        "subtotalWithDiscount": totals.currency.major(totals.subtotal_without_tax - totals.discount),
        "discountAmount": totals.currency.optional_major(totals.discount or None),
        "shippingAmount": totals.currency.optional_major(without_tax),
        "shippingAmountInclTax": totals.currency.optional_major(totals.shipping),
        "taxAmount": totals.currency.major(totals.tax),
        "shippingTaxAmount": totals.currency.optional_major(totals.shipping_tax),
        "grandTotal": totals.currency.major(totals.grand),
        "baseGrandTotal": AUD.major(base.grand),
        "baseSubtotal": AUD.major(base.subtotal_without_tax),
        "baseTaxAmount": AUD.major(base.tax),
        "baseShippingAmount": AUD.optional_major(base_shipping),
        "baseDiscountAmount": AUD.optional_major(base.discount or None),
        "giftcardAmount": totals.currency.optional_major(totals.giftcard or None),
    }


def _genid(cart: DemoCart, line: int) -> str:
    """The blank-node id of a line, derived from cart and line so that ETags are stable."""
    return "/api/.well-known/genid/" + hashlib.sha256(f"{cart.masked_id}/{line}".encode()).hexdigest()[:20]


def _row_with_tax(priced: LineTotals, money: DemoCurrency) -> int | float:
    """A sum as PHP computes it, not rounded: 249.54999999999998."""
    return money.major(priced.row_without_tax) + money.major(priced.row - priced.row_without_tax)


def _line_shape(cart: DemoCart, priced: LineTotals, money: DemoCurrency, coupon_percent: int) -> Json:
    line = priced.line
    shape: Json = {
        "@type": "CartItem",
        "@id": _genid(cart, line.id),
        "id": line.id,
        "sku": line.sku + line.sku_suffix,
        "name": line.name,
        "qty": line.qty,
        "price": money.major(priced.unit_without_tax),
        "priceInclTax": money.major(priced.unit),
        "rowTotal": money.major(priced.row) - money.major(priced.row - priced.row_without_tax),
        "rowTotalInclTax": _row_with_tax(priced, money),
        "rowTotalWithDiscount": money.major(priced.row_without_tax) - money.major(priced.discount),
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


def address_shape(address: DemoAddress | None, *, number: int, kind: str) -> Json:
    """An address in a response: keys `firstname` and `lastname` in lower case, `street` a list."""
    given = address or _NO_ADDRESS
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


def offer_shapes(state: DemoState, cart: DemoCart, currency: str) -> list[Json]:
    """The shipping offers for a cart, in a currency."""
    money = CURRENCIES[currency]
    return [
        {
            "code": offer.code,
            "title": offer.title,
            "carrierCode": offer.carrier,
            "methodCode": offer.method,
            "carrierTitle": offer.carrier_title,
            "methodTitle": offer.method_title,
            "price": money.major(money.of(offer.cents)),
        }
        for offer in state.shipping_offers(cart)
    ]


def payment_shapes(methods: list[DemoPaymentMethod]) -> list[Json]:
    """A list of payment methods."""
    return [
        {"code": method.code, "title": method.title, "sortOrder": at, "isOffline": method.offline}
        for at, method in enumerate(methods)
    ]


def cart_shape(
    state: DemoState, cart: DemoCart, currency: str, *, recreated: bool = False, computations: int = 1
) -> Json:
    """A whole cart in a currency; `computations` as in `coupons.line_discounts`."""
    totals, money = state.totals(cart, currency, computations=computations), CURRENCIES[currency]
    base = totals if currency == AUD.code else state.totals(cart, AUD.code, computations=computations)
    offers = offer_shapes(state, cart, currency)
    coupon = find_coupon(totals.coupon) if totals.coupon else None
    percent = coupon.percent if coupon else 0
    shape: Json = {
        "id": cart.id,
        **({"maskedId": cart.masked_id} if cart.customer is None else {"customerId": cart.customer}),
        "storeId": 1,
        "isActive": cart.active,
        "cartRecreated": recreated,
        "items": [_line_shape(cart, line, money, percent) for line in totals.lines],
        "prices": prices_shape(totals, base),
    }
    if cart.order_number is not None:
        shape["reservedOrderId"] = cart.order_number
    if cart.lines or cart.shipping_address or cart.billing_address:
        shape["billingAddress"] = address_shape(cart.billing_address, number=2 * cart.id - 1, kind="billing")
        shape["shippingAddress"] = address_shape(cart.shipping_address, number=2 * cart.id, kind="shipping")
    shape["availableShippingMethods"] = offers
    chosen = next((offer for offer in offers if offer["code"] == cart.shipping_method), None)
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
    return shape | {
        "appliedGiftcards": [
            {
                "code": code,
                "balance": money.major(money.of(state.balances[code])),
                "appliedAmount": money.major(paid),
            }
            for code, paid in totals.gift_cards.items()
        ],
        "currency": currency,
        "itemsCount": len(cart.lines),
        "itemsQty": sum(line.qty for line in cart.lines),
        "createdAt": utc_timestamp(cart.created),
        "updatedAt": utc_timestamp(cart.updated),
        "extensions": [],
    }


def _ordered_line(state: DemoState, priced: LineTotals, money: DemoCurrency, now: str) -> Json:
    line, number = priced.line, state.next_number("order line")
    shape: Json = {
        "@type": "OrderItem",
        "id": number,
        "sku": line.sku + line.sku_suffix,
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
        "isVirtual": line.product_type == "virtual",
        "productId": line.product_id,
        "productType": line.product_type,
        "storeId": 1,
        "createdAt": now,
        "extensions": [],
    }
    catalogue = state.catalogue
    axes = {catalogue.attributes[code].label for code in catalogue.products[line.product_id].axes}
    chosen = [{"label": label, "value": value} for label, value in line.options]
    kinds = {
        "attributes_info": [one for one in chosen if one["label"] in axes],
        "options": [one for one in chosen if one["label"] not in axes],
    }
    told = {kind: values for kind, values in kinds.items() if values}
    return shape | {"productOptions": {"info_buyRequest": {"qty": line.qty}, **told}}


def order_shape(state: DemoState, cart: DemoCart, currency: str, *, number: int, email: str, computations: int) -> Json:
    """A new order as place-order answers it, without its access token and note; no e-mail is left out."""
    totals = state.totals(cart, currency, computations=computations)
    money, now = CURRENCIES[currency], utc_timestamp(state.clock())
    offer = state.chosen_offer(cart)
    payment = next((one for one in state.payment_methods(totals.grand) if one.code == cart.payment_method), None)
    paid = payment is not None and not payment.offline
    prices = prices_shape(totals, state.totals(cart, AUD.code, computations=computations))
    del prices["subtotalWithDiscount"]
    hidden = totals.subtotal - totals.subtotal_without_tax - sum(line.tax for line in totals.lines)
    shape: Json = {"id": number, "incrementId": str(100_000_000 + number)}
    if email:
        shape["customerEmail"] = email
    return shape | {
        **({} if cart.customer is None else {"customerId": cart.customer}),
        "customerGroupId": 0,
        "customerIsGuest": cart.customer is None,
        "status": "processing" if paid else "pending",
        "state": "processing" if paid else "new",
        "items": [_ordered_line(state, line, money, now) for line in totals.lines],
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
        "shippingDescription": offer.title if offer else "",
        "couponCode": totals.coupon or "",
        # PHP encodes an empty map as a list.
        "giftcardCodes": {code: money.major(paid) for code, paid in totals.gift_cards.items()} or [],
        "storeId": 1,
        "quoteId": cart.id,
        "isVirtual": cart.virtual,
        "weight": cart.grams / 1000,
        "emailSent": False,
        "currency": currency,
        "baseCurrencyCode": AUD.code,
        "totalItemCount": len(cart.lines),
        "totalQtyOrdered": sum(line.qty for line in cart.lines),
        "createdAt": now,
        "updatedAt": now,
        "statusHistory": [
            {
                "note": None,
                "status": "processing" if paid else "pending",
                "createdAt": now,
                "isCustomerNotified": True,
                "isVisibleOnFront": False,
            }
        ],
        "shipments": [],
        "extensions": [],
    }
