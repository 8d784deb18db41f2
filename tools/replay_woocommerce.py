"""Compare the stand-in for WooCommerce with recordings of a real one: `python -m tools.replay_woocommerce FOLDER`.

A recording is a JSON file with `case`, `request` (`method`, `path`, `body`), `status`, `headers` and `body`. The
stand-in is stocked with the goods that the recordings show, under their ids, and each case is asked of a cart that is
as `BEFORE` says. Of a success everything that the adapter reads has to be the same, of a refusal its code and message.
Each case is one line: alike, what differs, or that nobody asks like that. Exit code 1 when something differs.
"""

import argparse
import asyncio
import itertools
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from storefront_mcp.backends.woocommerce import shapes
from storefront_mcp.demo.catalogue.model import (
    ROOT_CATEGORY_ID,
    DemoAttribute,
    DemoAttributeValue,
    DemoCatalogue,
    DemoCategory,
    DemoProduct,
)
from tests.fakes.woocommerce import WooShop, WooState, woo_shop
from tests.fakes.woocommerce.carts import add_item, apply_coupon, update_customer
from tests.fakes.woocommerce.orders import checkout

Json = dict[str, Any]
STORE: Final = "/wp-json/wc/store/v1"
READ: Final[tuple[tuple[str, Any], ...]] = (
    (r"/products/collection-data", shapes.WooCollectionDataShape),
    (r"/products/categories/\d+", shapes.WooCategoryShape),
    (r"/products/categories", list[shapes.WooCategoryShape]),
    (r"/products/[^/]+", shapes.WooProductShape),
    (r"/products", list[shapes.WooProductShape]),
    (r"/order/\d+", shapes.WooGuestOrderShape),
    (r"/checkout", shapes.WooPlacedOrderShape),
    (r"/cart(/.*)?", shapes.WooCartShape),
)
"""What the adapter reads of a success, by path."""
OF_ITS_OWN: Final = frozenset(
    {"key", "order_id", "order_number", "order_key", "permalink", "rate_id", "categories", "slug"}
)
"""Fields that say what is in a shop, not how it speaks."""
ADA: Final = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "address_1": "1 Byron St",
    "city": "Los Angeles",
    "state": "CA",
    "postcode": "90001",
    "country": "US",
    "phone": "5551234",
}
HOME: Final = {"shipping_address": ADA, "billing_address": {**ADA, "email": "ada@example.com"}}
TWO: Final = {"lines": [(15, 1), (11, 1)]}
PAD_AND_TEE: Final = {"lines": [(11, 3), (15, 1)]}
ORDERED: Final = {"lines": [(11, 1), (16, 1)], "coupons": ["save10"], **HOME}
BEFORE: Final[Mapping[str, Json]] = {
    "cart-add-same-merges": {"lines": [(11, 2)]},
    "cart-add-variation-by-id": {"lines": [(11, 2)]},
    "cart-add-variation-by-attribute": {"lines": [(11, 3)]},
    "cart-update": {"lines": [(11, 2), (16, 1)]},
    "cart-update-zero": {"lines": [(11, 1)]},
    "cart-update-too-many": {"lines": [(11, 1)]},
    "cart-update-unknown-key": PAD_AND_TEE,
    "cart-remove": PAD_AND_TEE,
    "cart-remove-unknown-key": PAD_AND_TEE,
    "coupon-apply": TWO,
    "coupon-apply-again": {**TWO, "coupons": ["save10"]},
    "coupon-unknown": TWO,
    "coupon-remove": {**TWO, "coupons": ["save10"]},
    "coupon-remove-absent": TWO,
    "customer-partial-address": TWO,
    "customer-full-address": TWO,
    "customer-unknown-country": TWO,
    "shipping-rate-select": {**TWO, **HOME},
    "shipping-rate-unknown-ignored": {"lines": [(13, 1)]},
    "cart-before-checkout": ORDERED,
    "checkout": ORDERED,
    "checkout-again": HOME,
}
"""The cart that a case is asked of, where it is not empty; a checkout's has one piece otherwise."""
NOBODYS: Final = frozenset({"cart-add-without-token", "cart-add-with-bad-token"})
"""Cases that are asked with a token that is none."""
NEVER_SENT: Final = {
    "checkout-concurrent": "a cart is ordered by one call at a time; several orders are what the stand-in makes, too",
}


def stocked(recorded: Mapping[str, Json]) -> WooState:
    """A stand-in's state with the goods that recordings show."""
    products = {one["id"]: one for one in _products(recorded)}
    children = {child["id"]: child for one in products.values() for child in one["variations"]}
    sizes = tuple(
        DemoAttributeValue(id=at, label=value)
        for at, value in enumerate(dict.fromkeys(child["attributes"][0]["value"] for child in children.values()), 1)
    )
    axis = DemoAttribute(id=1, code="size", label="Size", values=sizes)
    shelves = {one["id"]: one for one in recorded.get("categories", {}).get("body", ())}
    catalogue = DemoCatalogue(
        categories={id_: _category(one, shelves) for id_, one in shelves.items()},
        attributes={"size": axis},
        products={id_: _product(one, children, axis, shelves) for id_, one in products.items()},
        pages={},
    )
    state = WooState(currency="USD", catalogue=catalogue, own_prices=True, methods=("cod",))
    state.order_numbers = itertools.count(max(products, default=0) + 1)
    state.home_rates = {"flat_rate:1": ("Flat rate", 1000), "free_shipping:2": ("Free shipping", 0)}
    return state


def _products(recorded: Mapping[str, Json]) -> Iterator[Json]:
    for exchange in recorded.values():
        body = exchange.get("body")
        for one in body if isinstance(body, list) else [body]:
            if isinstance(one, dict) and "is_purchasable" in one:
                yield one
    for exchange in recorded.values():
        for item in (exchange["body"].get("items") or []) if isinstance(exchange.get("body"), dict) else []:
            if item.get("type") == "variation":
                shown = {"slug": f"variation-{item['id']}", "parent": 14, "variations": [], "categories": []}
                yield {**item, **shown, "is_in_stock": True, "add_to_cart": {"maximum": 10}}


def _category(one: Json, shelves: Mapping[int, Json]) -> DemoCategory:
    above = [one]
    while above[0]["parent"]:
        above.insert(0, shelves[above[0]["parent"]])
    return DemoCategory(
        id=one["id"],
        parent=one["parent"] or ROOT_CATEGORY_ID,
        name=one["name"],
        url_key=one["slug"],
        url_path="/".join(each["slug"] for each in above),
        level=1 + len(above),
        position=1,
        path="/".join(["1", str(ROOT_CATEGORY_ID), *(str(each["id"]) for each in above)]),
        description=one["description"],
    )


def _leaves(one: Json, shelves: Mapping[int, Json]) -> tuple[int, ...]:
    """The lowest of a product's categories; the shop's default where it tells none."""
    listed = {each["id"] for each in one["categories"]}
    default = {id_ for id_, shelf in shelves.items() if shelf["slug"] == "uncategorized"}
    return tuple(sorted((listed or default) - {shelves[id_]["parent"] for id_ in listed}))


def _product(one: Json, children: Mapping[int, Json], axis: DemoAttribute, shelves: Mapping[int, Json]) -> DemoProduct:
    price, regular = int(one["prices"]["price"]), int(one["prices"]["regular_price"])
    value = children[one["id"]]["attributes"][0]["value"] if one["id"] in children else None
    return DemoProduct(
        id=one["id"],
        sku=one["sku"],
        url_key=one["slug"],
        name=one["name"],
        summary=one["short_description"],
        description=one["description"],
        art="",
        cents=regular,
        sale_cents=price if price < regular else None,
        stock=one["add_to_cart"]["maximum"] if one["is_in_stock"] else 0,
        categories=_leaves(one, shelves),
        attributes={} if value is None else {"size": next(each.id for each in axis.values if each.label == value)},
        axes=("size",) if one["variations"] else (),
        variants=tuple(each["id"] for each in one["variations"]),
        parent=one["parent"] or None,
    )


def _match_stock(shop: WooShop, exchange: Json) -> None:
    """Give the shop the stock that a recorded answer shows."""
    body, products = exchange["body"], shop.state.catalogue.products
    for one in body if isinstance(body, list) else [body, *((body or {}).get("items") or [])]:
        limits = one.get("add_to_cart") or one.get("quantity_limits") if isinstance(one, dict) else None
        if limits and limits["maximum"] and one["id"] in products and one.get("is_in_stock", True):
            shop.state.stock[one["sku"]] = limits["maximum"]
    told = re.search(
        r"(\d+) remaining|allowed in the cart is (\d\d+)", body.get("message", "") if isinstance(body, dict) else ""
    )
    if told is not None:
        shop.state.stock[products[11].sku] = int(told[1] or told[2])


async def _prepare(shop: WooShop, case: str) -> str:
    """The token of a cart that is as the case wants it."""
    state = shop.state
    cart = state.cart(None)
    plain: Json = {"lines": [(11, 1)]} if case.startswith(("checkout", "order")) else {}
    before = ORDERED if case.startswith("order") else BEFORE.get(case, plain)
    for number, quantity in before.get("lines", ()):
        add_item(state, cart, {"id": number, "quantity": quantity})
    for code in before.get("coupons", ()):
        apply_coupon(state, cart, {"code": code})
    update_customer(state, cart, {name: before[name] for name in HOME if name in before})
    if case.startswith("order"):
        await checkout(state, cart, {**HOME, "payment_method": "cod"})
    return "no.such.token" if case in NOBODYS else state.token(cart.session)


async def answer(recorded: Mapping[str, Json], exchange: Json) -> httpx.Response:
    """What the stand-in says to a recorded request."""
    shop = WooShop(stocked(recorded), woo_shop().faults)
    _match_stock(shop, exchange)
    token = await _prepare(shop, exchange["case"])
    request = exchange["request"]
    path = request["path"]
    if "/order/" in path:
        [made] = shop.state.orders.values()
        path = re.sub(r"/order/\d+", f"/order/{made.id}", path).replace("wc_order_PLACEHOLDERKEY", made.key)
    transport = httpx.ASGITransport(shop)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        return await client.request(
            request["method"],
            path,
            json=request.get("body"),
            headers={"cart-token": token, "accept": "application/json"},
        )


def differences(exchange: Json, said: httpx.Response) -> list[str]:
    """How an answer differs from the recorded one in what the adapter reads."""
    if said.status_code != exchange["status"]:
        return [f"status {said.status_code}, recorded {exchange['status']}: {said.text[:120]}"]
    theirs, ours = exchange["body"], said.json()
    if exchange["status"] >= httpx.codes.BAD_REQUEST:
        return list(_differ(_refusal(theirs), _refusal(ours), ""))
    path = urlsplit(exchange["request"]["path"]).path.removeprefix(STORE)
    shape = next(shape for pattern, shape in READ if re.fullmatch(pattern, path))
    asked = parse_qs(urlsplit(exchange["request"]["path"]).query)
    totals = [
        f"{name}: {said.headers.get(name)}, recorded {told}"
        for name, told in exchange["headers"].items()
        if name == "x-wp-total" and said.headers.get(name) != told
    ]
    by_page = "per_page" in asked or "page" in asked
    return totals + list(_differ(_as_read(theirs, shape, by_page=by_page), _as_read(ours, shape, by_page=by_page), ""))


def _refusal(body: Json) -> Json:
    """Code and message of a refusal, without the list of what would be taken."""
    params = body["data"].get("params", {})
    told = {name: said.partition("Must be one of")[0] for name, said in params.items()}
    return {"code": body["code"], "message": body["message"], "params": told, "errors": body["data"].get("errors")}


def _as_read(body: object, shape: Any, *, by_page: bool) -> Any:
    """A body as the adapter reads it, a list in the order of its ids; of a page only how many there are."""
    read = msgspec.to_builtins(msgspec.convert(body, shape, strict=False))
    if not isinstance(read, list):
        return read
    return len(read) if by_page else sorted(read, key=lambda one: int(one["id"]))


def _differ(theirs: Any, ours: Any, path: str) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted({*theirs, *ours} - OF_ITS_OWN):
            yield from _differ(theirs.get(name), ours.get(name), f"{path}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for at, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differ(one, other, f"{path}[{at}]")
    elif theirs != ours and str(theirs) != str(ours):
        yield f"{path}: {str(ours)[:60]}, recorded {str(theirs)[:60]}"


def load(folder: Path) -> dict[str, Json]:
    """Recordings by case, without those that nobody asks."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(folder.rglob("*.json"))]
    return {one["case"]: one for one in found if "request" in one and one["case"] not in NEVER_SENT}


async def replay(recorded: Mapping[str, Json]) -> list[tuple[str, list[str]]]:
    """Each case with what differs."""
    return [(case, differences(one, await answer(recorded, one))) for case, one in recorded.items()]


def main() -> int:
    """Compare a folder and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    seen = asyncio.run(replay(load(parser.parse_args().folder)))
    for case, differs in seen:
        print(f"{case:<34} {'; '.join(differs) or 'alike'}")
    for case, why in NEVER_SENT.items():
        print(f"{case:<34} not asked: {why}")
    wrong = len([case for case, differs in seen if differs])
    print(f"\n{len(seen) - wrong} alike, {wrong} not")
    return 1 if wrong or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
