"""Pickle Warehouse: an in-memory demo shop with the part of Maho's REST v2 that the Maho adapter uses.

`storefront-mcp demo` embeds it (`httpx.ASGITransport(demo_shop())` under the adapter), `storefront-mcp demo-shop`
serves it. `shop` builds the Litestar application, `http` has the conventions of the API, `*_api` the routes,
`ordering` place-order, `state` stock, carts and orders, `*_shapes` the response bodies, `catalogue/` the products.

Money. A shelf price includes 10 % GST. As in Maho with prices that include tax, `price`, `rowTotal`, `subtotal` and
`shippingAmount` are without GST and their `…InclTax` twins are with it. `discountAmount` is taken from the price with
GST, and `taxAmount` is the GST in the amount paid, so to the cent

    subtotalInclTax - discountAmount + shippingAmountInclTax - giftcardAmount = grandTotal
    taxAmount = GST of (the discounted lines) + GST of the shipping

A percent coupon is rounded per line, and what that took or gave is carried on, within a request also into the next
computation of the totals: a read computes them once, a change three times, place-order twice and once more for each
address in its body. So a total can differ from the order's by a cent, unless both were computed equally often.

Parcels that leave Australia carry no GST: the shelf price stays, the tax is 0 and both twins are equal. Sums are in
minor units of the shown currency: AUD, NZD, JPY (no decimals), KWD (three).

Unlike Maho, one cart makes one order, and place-order names what is missing, apart from a payment method: without one
it fails as Maho does, and keeps what came with it. So does a note that cannot be stored, after the order. Maho's
harmless oddities are kept: a page past the end repeats the last one, a text search ignores the category, unknown
filters are ignored, POST and PUT need a Content-Type, guest coupons are PUT, adding to an ordered or unknown cart
answers 200 with another cart, an unknown drop-down value is dropped, raising a line is not checked against the stock,
a coupon that does not apply removes the earlier one, the twenty-first coupon attempt of a minute is 429 without
Retry-After, a `street` that is a list is stored as the word "Array", variants cost 0 in lists and `stockQty` is 0 in
a look-up by url-key.

Payment methods: `prepaid` (authorized elsewhere, captured there once there is an order), `payment_modules`, which
take the money inside place-order, `checkmo` and `banktransfer`, paid later; `free` for totals of 0.

Customers sign in for a token of an hour (`customers`), renew it while it lives, which revokes the old one, and change
their password, which revokes all of theirs, unlike Maho's. They see and cancel their
orders, keep addresses, and have one cart each, by its number. Not implemented: registration, admin scopes, newsletter,
writing reviews.
"""
