"""Everything that the demo shop answers to what the adapter asks."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from storefront_mcp.backends.maho import account_shapes, country_shapes, customer_shapes, order_shapes as orders, shapes
from storefront_mcp.demo import fulfilment
from storefront_mcp.demo.account_api import MAX_FAILED_LOGINS_PER_MINUTE
from storefront_mcp.demo.catalogue.product_kinds import every_kind
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.demo.models import ShopRules
from tests.fakes.demo_shop import ControlledShop, UnsafeBehaviours, demo_shop
from tools.answer_kinds import Kinds, all_kinds, kinds

LD_JSON: Final = "application/ld+json"
PREFIX: Final = "/api/rest/v2"
CART: Final = "/guest-carts/{cart}"
Call = tuple[str, str]
"""Method and path template."""
Answers = dict[tuple[Call, int], tuple[Kinds, Kinds]]
"""By call and status: the kinds of what the adapter reads, and of everything."""

READ: Final[Mapping[str, Any]] = {
    "GET /products": shapes.CollectionShape[shapes.ListedProduct],
    "GET /products/{id}": shapes.ProductDetail,
    "GET /categories": shapes.CollectionShape[shapes.CategoryShape],
    "GET /categories/{id}": shapes.CategoryShape,
    "GET /url-resolver": shapes.CollectionShape[shapes.ResolvedUrl],
    "GET /layered-filters": shapes.CollectionShape[shapes.LayeredFilter],
    "GET /cms-pages": shapes.CollectionShape[shapes.CmsPage],
    "GET /store-config": shapes.StoreConfig,
    "GET /countries/{country}": country_shapes.CountryShape,
    "POST /guest-carts": shapes.GuestCart,
    f"GET {CART}": shapes.GuestCart,
    f"POST {CART}/items": shapes.GuestCart,
    f"PUT {CART}/items/{{id}}": shapes.GuestCart,
    f"DELETE {CART}/items/{{id}}": shapes.GuestCart,
    f"PUT {CART}/coupon": shapes.GuestCart,
    f"DELETE {CART}/coupon": shapes.GuestCart,
    f"PUT {CART}/shipping-address": shapes.GuestCart,
    f"PUT {CART}/billing-address": shapes.GuestCart,
    f"PUT {CART}/shipping-method": shapes.GuestCart,
    f"POST {CART}/shipping-methods": list[shapes.ShippingRateShape],
    f"GET {CART}/payment-methods": list[shapes.PaymentMethodShape],
    f"POST {CART}/place-order": orders.OrderTotalShape,
    "GET /orders": shapes.CollectionShape[orders.StoredOrderShape],
    "GET /orders/{id}": orders.FulfilledOrderShape,
    "GET /orders/{id}/shipments": shapes.CollectionShape[orders.ShipmentShape],
    "GET /carts/{id}": orders.StoredCartShape,
    "POST /auth/token": customer_shapes.CustomerTokenShape,
    "POST /auth/refresh": orders.TokenShape,
    "POST /auth/logout": dict,
    "GET /customers/me/orders": shapes.CollectionShape[account_shapes.AccountOrderShape],
    "POST /orders/{id}/cancel": account_shapes.AccountOrderShape,
    "GET /customers/me/addresses": shapes.CollectionShape[account_shapes.AccountAddressShape],
    "POST /carts": shapes.GuestCart,
    "POST /carts/{id}/items": shapes.GuestCart,
    "DELETE /carts/{id}/items/{id}": shapes.GuestCart,
    "POST /carts/{id}/coupon": shapes.GuestCart,
    "POST /carts/{id}/place-order": orders.OrderTotalShape,
}
"""What the adapter reads of a success; of a refusal it reads `ErrorBody`."""

ADDRESS: Final = {
    "firstName": "Ada",
    "lastName": "Brine",
    "street": "1 Barrel Lane",
    "city": "Brunswick",
    "region": "VIC",
    "postcode": "3056",
    "countryId": "AU",
    "telephone": "5551234",
}
ORDER: Final = {
    "email": "ada@example.com",
    "shippingAddress": ADDRESS,
    "billingAddress": ADDRESS,
    "shippingMethod": "auspost_express",
    "paymentMethod": "banktransfer",
    "orderNote": "Leave at door",
}


def template(path: str) -> str:
    """A path with its ids replaced."""
    path = re.sub(r"^/guest-carts/(\{maskedId\}|[0-9a-f]{32})", CART, path)
    path = re.sub(r"^/countries/\w+$", "/countries/{country}", path)
    return re.sub(r"/\d+(?=/|$)", "/{id}", path)


class StandIn:
    """Everything that the demo shop answers, by call and status."""

    def __init__(self) -> None:
        self.seen: Answers = {}

    async def ask(self, client: httpx.AsyncClient, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Send a request and keep the kinds of what is answered; the decoded body."""
        sent = {"headers": {"accept": LD_JSON, **headers}}
        if method in {"POST", "PUT"}:
            sent["json"] = {} if body is None else body  # type: ignore[assignment]
        answer = await client.request(method, PREFIX + path, **sent)
        call, read = (method, template(urlsplit(path).path)), json.loads(answer.content or b"null")
        shape = READ.get(" ".join(call), dict) if answer.is_success else shapes.ErrorBody
        known = self.seen.setdefault((call, answer.status_code), (set(), set()))
        if read is not None:
            known[0].update(kinds(read, shape))
            known[1].update(all_kinds(read))
        return read

    async def visit(self, shop: ControlledShop) -> None:
        """Do what the adapter does, and what it is refused."""
        transport = httpx.ASGITransport(shop, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            await self._read(client, shop)
            await self._shop(client, shop)
            await self._choose(client)
            await self._account(client, shop)
            await self._sign_in(client)

    async def _sign_in(self, client: httpx.AsyncClient) -> None:
        ada, bo, cy = PICKLERS
        person = {"email": ada.email, "password": ada.password}
        for body in (
            {},
            person | {"password": "nope"},
            {"email": bo.email, "password": bo.password},
            {"email": bo.email, "password": bo.password, "twofa_code": "nope"},
            {"email": cy.email, "password": cy.password},
        ):
            await self.ask(client, "POST", "/auth/token", body)
        old = f"Bearer {(await self.ask(client, 'POST', '/auth/token', person))['token']}"
        new = f"Bearer {(await self.ask(client, 'POST', '/auth/refresh', authorization=old))['token']}"
        await self.ask(client, "POST", "/auth/refresh", authorization=old)
        for _ in range(2):
            await self.ask(client, "POST", "/auth/logout", authorization=new)
        for _ in range(10):
            await self.ask(client, "POST", "/auth/token", {"email": "who@example.com", "password": "nope"})

    async def _account(self, client: httpx.AsyncClient, shop: ControlledShop) -> None:
        """A customer's orders, addresses and cart; before anybody has tried to sign in too often."""
        ada, own = PICKLERS[0], "/customers/me"
        person = {"email": ada.email, "password": ada.password}
        bearer = {"authorization": f"Bearer {(await self.ask(client, 'POST', '/auth/token', person))['token']}"}
        await self.ask(client, "GET", f"{own}/orders", **bearer)
        await self.ask(client, "GET", f"{own}/addresses", **bearer)
        shop.state.address_books[1] = [
            {
                "id": 1,
                "customerId": 1,
                "firstname": "Ada",
                "lastname": "Brine",
                "street": ["1 Barrel Lane"],
                "city": "Brunswick",
                "region": "Victoria",
                "postcode": "3056",
                "countryId": "AU",
                "telephone": "5551234",
                "isDefaultBilling": True,
                "isDefaultShipping": True,
            }
        ]
        await self.ask(client, "GET", f"{own}/addresses", **bearer)
        for path in (f"{own}/orders", f"{own}/addresses", "/carts/1"):
            await self.ask(client, "GET", path)
        for coupon in ("", "SAVE10"):
            cart = f"/carts/{(await self.ask(client, 'POST', '/carts', **bearer))['id']}"
            added = await self.ask(client, "POST", f"{cart}/items", {"sku": "JAR-DILL", "qty": 1}, **bearer)
            await self.ask(client, "DELETE", f"{cart}/items/{added['items'][0]['id']}", **bearer)
            await self.ask(client, "POST", f"{cart}/items", {"sku": "JAR-DILL", "qty": 2}, **bearer)
            if coupon:
                await self.ask(client, "POST", f"{cart}/coupon", {"couponCode": coupon}, **bearer)
            await self.ask(client, "GET", cart, **bearer)
            wish = ORDER if coupon else {key: value for key, value in ORDER.items() if key != "orderNote"}
            order = await self.ask(client, "POST", f"{cart}/place-order", wish, **bearer)
            await self.ask(client, "POST", f"{cart}/place-order", wish, **bearer)
            await self.ask(client, "GET", f"/orders/{order['id']}", **bearer)
            await self.ask(client, "GET", f"{own}/orders", **bearer)
            for _ in range(2):
                await self.ask(client, "POST", f"/orders/{order['id']}/cancel", {"reason": "no"}, **bearer)
            await self.ask(client, "GET", f"/orders/{order['id']}", **bearer)
        await self.ask(client, "GET", "/orders", **bearer)
        await self.ask(client, "GET", "/orders/999999", **bearer)

    async def _choose(self, client: httpx.AsyncClient) -> None:
        cart = await self._cart(client)
        texts = {"giftcardRecipientName": "Bo", "giftcardRecipientEmail": "bo@example.com"}
        for body in (
            {"sku": "BUNDLE-1", "bundleOption": {"1": 1, "2": [3]}, "bundleOptionQty": {"2": {"3": 3}}},
            {"sku": "BUNDLE-1"},
            {"sku": "BUNDLE-1", "bundleOption": {"2": [3]}},
            {"sku": "BUNDLE-FIX", "bundleOption": {"3": 4, "4": [5]}},
            {"sku": "DL-1", "links": [1]},
            {"sku": "DL-1"},
            {"sku": "DL-2"},
            {"sku": "GC-1", "giftcardAmount": 25, **texts},
            {"sku": "GC-1", "giftcardAmount": 500},
            {"sku": "OPT-DATE", "options": {"801": "2027-03-14", "803": [901, 902]}},
            {"sku": "OPT-DATE", "options": {"801": {"year": 2027, "month": 2, "day": 31}}},
            {"sku": "OPT-DATE"},
            {"sku": "OPT-ALL", "options": {"811": "Please wrap", "812": [911, 912], "813": 913, "814": [914, 915]}},
            {"sku": "OPT-ALL", "options": {"812": "911"}},
            {"sku": "OPT-FILE"},
            {"sku": "MIN-3", "qty": 1},
            {"sku": "MIN-3", "qty": 10},
            {"sku": "STEP-6", "qty": 4},
            {"sku": "DIS-1"},
            {"sku": "FREEV-1"},
            {"sku": "VIRT-1"},
            {"sku": "GROUP-1"},
        ):
            await self.ask(client, "POST", f"{cart}/items", body)

    async def _read(self, client: httpx.AsyncClient, shop: ControlledShop) -> None:
        products = await self.ask(client, "GET", "/products?pageSize=100")
        categories = (await self.ask(client, "GET", "/categories"))["member"]
        for one in products["member"]:
            await self.ask(client, "GET", f"/products/{one['id']}")
        shop.state.backorders.add("MIN-3")
        shop.state.take_stock("MIN-3", shop.state.stock["MIN-3"] + 7)
        for known in shop.state.catalogue.products.values():
            await self.ask(client, "GET", f"/products/{known.id}")
        for one in shop.state.catalogue.products.values():
            await self.ask(client, "GET", f"/products?urlKey={one.url_key}")
        for query in (
            *("search=paddle", "search=zzz", "search=", "urlKey=nope", "page=99&pageSize=2"),
            *("sortBy=popularity", "sortBy=entity_id", "sortBy=entity_id&sortDir=desc"),
            *("categoryId=3", "categoryId=9999", "priceMin=1&priceMax=300"),
        ):
            await self.ask(client, "GET", f"/products?{query}")
        for number in shop.state.catalogue.categories:
            await self.ask(client, "GET", f"/categories/{number}")
            await self.ask(client, "GET", f"/categories?parentId={number}")
        for one in categories:
            await self.ask(client, "GET", f"/layered-filters?categoryId={one['id']}")
            await self.ask(client, "GET", f"/url-resolver?path={one['urlPath']}")
        for path in ("/products/999999", "/products/club-tee", "/categories/99999", "/countries/ZZ", "/nothing"):
            await self.ask(client, "GET", path)
        for path in ("/url-resolver", "/url-resolver?path=club-tee", "/url-resolver?path=no/such", "/store-config"):
            await self.ask(client, "GET", path)
        for path in (
            "/cms-pages",
            "/cms-pages?identifier=nope",
            "/countries",
            "/countries/AU",
            "/categories?parentId=9999",
        ):
            await self.ask(client, "GET", path)
        await self.ask(client, "GET", "/products", **{"x-store-code": "nope"})
        await self.ask(client, "GET", "/products", **{"x-currency-code": "XXX"})
        await self.ask(client, "GET", "/products", accept="text/csv")

    async def _shop(self, client: httpx.AsyncClient, shop: ControlledShop) -> None:
        stock = shop.state.stock
        gone, cart = f"/guest-carts/{'0' * 32}", await self._cart(client)
        add = f"{cart}/items"
        line = (await self.ask(client, "POST", add, {"sku": "PAD-2"}))["items"][0]["id"]
        for sku, number in (("WEIRD-1", 3), ("TEE-BLACK-M", 1), ("TEE", 1), ("NOPE", 1), ("PAD-3", 1)):
            await self.ask(client, "POST", add, {"sku": sku, "qty": number})
        for options in ({}, {"1": "\N{BOUQUET}", "2": 1}, {"1": "A" * 99, "2": 1}, {"1": "Ada", "2": 99}):
            await self.ask(client, "POST", add, {"sku": "GIFT-MUG", "options": options})
        for number in (0, 20_000, stock["PAD-2"] + 1):
            await self.ask(client, "POST", add, {"sku": "PAD-2", "qty": number})
        await self.ask(client, "POST", f"{gone}/items", {"sku": "PAD-2"})
        for number in (2, 0):
            await self.ask(client, "PUT", f"{add}/{line}", {"qty": number})
        await self.ask(client, "PUT", f"{add}/999999", {"qty": 1})
        await self.ask(client, "PUT", f"{gone}/items/1", {"qty": 1})
        for code in ("SAVE10", "NOPE", "", "LASTSUMMER", "SAVE10"):
            await self.ask(client, "PUT", f"{cart}/coupon", {"couponCode": code})
        await self.ask(client, "POST", f"{cart}/coupon", {"couponCode": "SAVE10"})
        await self.ask(client, "PUT", f"{gone}/coupon", {"couponCode": "SAVE10"})
        await self.ask(client, "GET", cart)
        await self.ask(client, "GET", gone)
        await self.ask(client, "GET", f"{cart}/payment-methods")
        await self.ask(client, "POST", f"{cart}/shipping-methods")
        await self.ask(client, "POST", f"{gone}/shipping-methods")
        await self.ask(client, "PUT", f"{cart}/billing-address", {"sameAsShipping": True})
        await self.ask(client, "PUT", f"{cart}/shipping-method", {"carrierCode": "auspost", "methodCode": "express"})
        await self.ask(client, "POST", f"{cart}/shipping-methods", {"address": ADDRESS})
        await self.ask(client, "PUT", f"{cart}/shipping-address", {"countryId": "AU"})
        nowhere = ADDRESS | {"city": "\N{BOUQUET}"}
        await self.ask(client, "POST", f"{cart}/shipping-methods", {"address": nowhere})
        for kind in ("shipping", "billing"):
            await self.ask(client, "PUT", f"{cart}/{kind}-address", nowhere)
        await self.ask(client, "PUT", f"{cart}/shipping-address", ADDRESS)
        await self.ask(client, "PUT", f"{cart}/billing-address", {"sameAsShipping": True})
        await self.ask(client, "PUT", f"{cart}/shipping-method", {"carrierCode": "no", "methodCode": "no"})
        await self.ask(client, "PUT", f"{cart}/shipping-method", {"carrierCode": "auspost", "methodCode": "express"})
        await self.ask(client, "GET", cart)
        await self.ask(client, "PUT", f"{cart}/coupon", {"couponCode": "SAVE10"})
        await self.ask(client, "DELETE", f"{cart}/coupon")
        await self._order(client, shop, cart)
        await self.ask(client, "POST", f"{cart}/items", {"sku": "PAD-2"})
        other = await self._cart(client)
        line = (await self.ask(client, "POST", f"{other}/items", {"sku": "PAD-2"}))["items"][0]["id"]
        await self.ask(client, "DELETE", f"{other}/items/{line}")
        await self.ask(client, "DELETE", f"{other}/items/{line}")
        for _ in range(25):
            await self.ask(client, "PUT", f"{other}/coupon", {"couponCode": "GUESS"})

    async def _order(self, client: httpx.AsyncClient, shop: ControlledShop, cart: str) -> None:
        place = f"{cart}/place-order"
        for wrong in ({"paymentMethod": "no"}, {"shippingMethod": "no"}, {"paymentMethod": "free"}):
            await self.ask(client, "POST", place, ORDER | wrong)
        await self.ask(client, "POST", place, {})
        placed = await self.ask(client, "POST", place, ORDER)
        await self.ask(client, "POST", place, ORDER)
        await self.ask(client, "GET", cart)
        number, id_ = placed["incrementId"], placed["id"]
        await self.ask(client, "GET", f"/orders/{id_}")
        await self.ask(client, "GET", "/orders")
        await self.ask(client, "GET", f"/orders/{id_}/shipments")
        secret = {"grant_type": "client_credentials", "client_id": "storefront"}
        await self.ask(client, "POST", "/auth/token", secret | {"client_secret": "wrong"})
        for _ in range(MAX_FAILED_LOGINS_PER_MINUTE):
            await self.ask(client, "POST", "/auth/token", secret | {"client_secret": "wrong"})
        right = secret | {"client_secret": shop.state.account.client_secret}
        token = (await self.ask(client, "POST", "/auth/token", right))["token"]
        let_in = {"authorization": f"Bearer {token}"}
        await self.ask(client, "GET", f"/orders/{id_}/shipments", **let_in)
        shop.state.account.permissions = ("orders/read", "carts/read", "shipments/read")
        await self.ask(client, "GET", f"/orders/{id_}", **let_in)
        await self.ask(client, "GET", f"/orders/{id_}/shipments", **let_in)
        await self.ask(client, "GET", "/orders/99999/shipments", **let_in)
        said = {"Sent": True, "Packed by B.": False}
        fulfilment.ship_order(shop.state, number, tracks={"1Z": "UPS"}, skus={"PAD-2": 1}, comments=said)
        fulfilment.ship_order(shop.state, number, tracks={})
        fulfilment.refund_order(shop.state, number, {"PAD-2": 1})
        for path in ("", "/shipments"):
            await self.ask(client, "GET", f"/orders/{id_}{path}", **let_in)
        for query in ("?pageSize=2", f"?incrementId={number}", "?email=ada@example.com", "?email=nobody@example.com"):
            await self.ask(client, "GET", f"/orders{query}", **let_in)
        await self.ask(client, "GET", f"/carts/{placed['quoteId']}", **let_in)
        fulfilment.comment_order(shop.state, number, "Sent today", visible=True)
        await self.ask(client, "GET", f"/orders/{id_}", **let_in)
        unordered = await self.ask(client, "POST", "/guest-carts")
        await self.ask(client, "GET", f"/carts/{unordered['id']}", **let_in)
        await self.ask(client, "GET", f"/carts/{unordered['id']}")
        await self.ask(client, "GET", "/orders/99999", **let_in)
        await self._plain(client)
        paid = await self._paid(client)
        await self.ask(client, "GET", f"/orders/{paid}", **let_in)
        await self.ask(client, "GET", "/orders", **let_in)
        shop.state.account.permissions = ("carts/read",)
        await self.ask(client, "GET", "/orders", **let_in)
        await self.ask(client, "GET", "/orders/99999/shipments", **let_in)

    async def _plain(self, client: httpx.AsyncClient) -> None:
        """A cart without a coupon, and an order without a note or with one that cannot be stored."""
        for note in ("", "\N{BOUQUET}"):
            cart = await self._cart(client)
            lines = [
                (await self.ask(client, "POST", f"{cart}/items", {"sku": sku, "qty": number}))["items"][-1]["id"]
                for sku, number in (("TEE-BLACK-M", 3), ("WEIRD-1", 7), ("DL-2", 2), ("BALL-IN-3", 1), ("PAD-2", 1))
            ]
            await self.ask(client, "GET", cart)
            for line in lines[-2:]:
                await self.ask(client, "DELETE", f"{cart}/items/{line}")
            await self.ask(client, "PUT", f"{cart}/shipping-address", ADDRESS)
            await self.ask(client, "PUT", f"{cart}/billing-address", {"sameAsShipping": True})
            chosen = {"carrierCode": "auspost", "methodCode": "express"}
            await self.ask(client, "PUT", f"{cart}/shipping-method", chosen)
            await self.ask(client, "GET", cart)
            await self.ask(client, "POST", f"{cart}/place-order", ORDER | {"orderNote": note})
            await self.ask(client, "GET", cart)

    async def _paid(self, client: httpx.AsyncClient) -> int:
        """The id of a paid order, after one that costs nothing."""
        paid: int = 0
        for sku, method in (("FREEV-1", "free"), ("VIRT-1", "prepaid")):
            cart = await self._cart(client)
            await self.ask(client, "POST", f"{cart}/items", {"sku": sku})
            await self.ask(client, "GET", cart)
            await self.ask(client, "PUT", f"{cart}/shipping-address", ADDRESS)
            paid = (await self.ask(client, "POST", f"{cart}/place-order", ORDER | {"paymentMethod": method}))["id"]
        return paid

    async def _cart(self, client: httpx.AsyncClient) -> str:
        return f"/guest-carts/{(await self.ask(client, 'POST', '/guest-carts'))['maskedId']}"


def ask_everything() -> Answers:
    """What the demo shop answers, safe and as unsafe as real stores are."""
    stand_in, unsafe = StandIn(), UnsafeBehaviours(opaque_errors=True, unchecked_orders=True)
    for shop in (
        demo_shop(catalogue=every_kind()),
        demo_shop(catalogue=every_kind(), unsafe=unsafe, rules=ShopRules(tax_included=False, guest_checkout=False)),
        demo_shop(catalogue=every_kind(), unsafe=unsafe, rules=ShopRules(release="26.7.4", tax_included=False)),
    ):
        asyncio.run(stand_in.visit(shop))
    return stand_in.seen
