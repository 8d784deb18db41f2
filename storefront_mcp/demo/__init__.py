"""The demo shop: a small server that speaks the part of Maho's REST v2 that our server uses.

"Pickle Warehouse" sells pickleball gear and edible pickles in Australia. It is two things with the same code:

* the embedded default shop: `httpx.ASGITransport(demo_shop())` under the same client and adapter that talk to a real
  store; no lifespan is needed and nothing is written to disk;
* a stand-alone server: `storefront-mcp demo-shop --port 8100` hands `demo_shop()` to uvicorn.

Where the parts are:

=============  =======================================================================================================
`shop`         `demo_shop(…)` builds the application; `DemoShop` is that application and the state a test may look at
`traps`        `Traps` brings a real store's unsafe behaviour back; `Faults` makes the next request fail
`wire`         requests and answers: media types, collection envelope, ETag, error shape
`routes`       which verb on which path calls what
`browse`       the reading half: products, categories, facets, pages, store data
`carting`      carts and their lines; `discounts` coupons and gift cards; `dispatching` quotes, addresses, methods;
               `ordering` places orders and lets each be read once; `modules` take the money while it does
`accounting`   what a service account may do, and `accounts` who that is: tokens, orders, carts, shipments
`orders_page`  `/demo/orders`, what was bought, for people; `books` the same for tests in another process
`carts`        what a cart is; `totals` adds it up; `delivery` quotes carriers; `rewards` lists coupons and gift cards;
               `places` knows countries and addresses; `state` remembers it all
`search`       SQLite FTS5: prefix words, all must match, stemmed, diacritics folded, best match first
`shapes`       products, categories and pages as Maho writes them; `receipts` does carts and orders
`art`          one generated SVG for every product
`catalogue/`   what is for sale, as tables
=============  =======================================================================================================

Money. A shelf price is what an Australian pays: it includes 10 % GST. As in Maho with prices that include tax, `price`,
`rowTotal`, `subtotal` and `shippingAmount` are without GST and their `…InclTax` twins are with it. `discountAmount` is
taken from the price with GST, and `taxAmount` is the GST inside what is really paid, so to the cent

    subtotalInclTax - discountAmount + shippingAmountInclTax - giftcardAmount = grandTotal
    taxAmount = GST of (the discounted lines) + GST of the shipping

Parcels that leave Australia carry no GST: the shelf price stays, the tax is 0 and both twins are equal.

Safe by default, odd on purpose. One cart makes one order; place-order wants an e-mail address, complete addresses, a
served country and enough stock, and says what is missing. `Traps` switches each of these off. The harmless oddities of
the real thing are always there: a page past the end repeats the last one, a text search ignores the category, unknown
filters are ignored, POST and PUT need a Content-Type, guest coupons are PUT, adding to a dead cart answers 200 with
another cart, an unknown drop-down value is dropped, raising a line is not checked against the stock, a coupon that does
not apply removes the earlier one, the twenty-first coupon try of a minute is 429 without Retry-After, a `street` that
is a list is stored as the word "Array", variants cost 0 in lists and `stockQty` is 0 when asked by url-key.

Orders. A way to pay is `prepaid` (the money is held elsewhere and taken there once there is an order), one of the
`payment_modules`, which take the money inside place-order, `checkmo` or `banktransfer`, whose money comes later;
carts that cost nothing know `free` alone. Prices are shown in AUD, NZD, JPY (no decimals) and KWD (three); whatever is
added up is added up in minor units of the shown currency.

Not here: customers (`auth/*`, `customers/*`, their carts), admin scopes that change anything, newsletter, reviews by
post.
"""
