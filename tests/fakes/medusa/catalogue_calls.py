"""Regions, currencies, products and categories of the stand-in."""

import datetime as dt
import random
from collections.abc import Callable, Iterable
from fractions import Fraction

from tests.fakes.medusa.answers import MedusaCall, Route, invalid, missing
from tests.fakes.medusa.state import BEGAN, MedusaState
from tests.fakes.medusa.stock import DIGITS, Json
from tests.fakes.medusa.totals import amount_in, number

ORDERS: dict[str, Callable[[Json], str]] = {
    "id": lambda one: str(one["id"]),
    "title": lambda one: str(one["title"]),
    "handle": lambda one: str(one["handle"]),
    # What was made together has one time, and comes in whatever order.
    "created_at": lambda _one: str(random.random()),
    "updated_at": lambda one: f"{one['updated_at']} {random.random()}",
}


def list_regions(call: MedusaCall) -> Json:
    """`GET /store/regions`."""
    found = [region_of(one) for one in call.state.regions.values()]
    return {"regions": found, "count": len(found), "offset": 0, "limit": 50}


def region_of(region: Json) -> Json:
    """A region as it is shown."""
    countries = [
        {"iso_2": code, "iso_3": "xxx", "num_code": "000", "name": code.upper(), "display_name": code.upper()}
        for code in region["countries"]
    ]
    told = {name: region[name] for name in ("id", "name", "currency_code")}
    return {**told, "created_at": BEGAN, "deleted_at": None, "metadata": None, "countries": countries}


def list_currencies(call: MedusaCall) -> Json:
    """`GET /store/currencies`."""
    codes = dict.fromkeys(one["currency_code"] for one in call.state.regions.values())
    found = [{"code": code, "decimal_digits": DIGITS.get(code, 2), "rounding": 0} for code in codes]
    limit = int(call.value("limit", "50"))
    return {"currencies": found[:limit], "count": len(found), "offset": 0, "limit": limit}


def list_products(call: MedusaCall) -> Json:
    """`GET /store/products`."""
    region = _pricing_region(call)
    found = [one for one in call.state.products.values() if one["status"] == "published" and _matches(one, call)]
    if since := call.value("updated_at[$gte]"):
        found = [one for one in found if _moment(one["updated_at"]) >= _moment(since)]
    order = call.value("order", "id")
    if order.removeprefix("-") not in ORDERS:
        raise invalid(f"Order field {order} is not valid")
    found.sort(key=ORDERS[order.removeprefix("-")], reverse=order.startswith("-"))
    limit, offset = int(call.value("limit", "50")), int(call.value("offset", "0"))
    shown = [product_of(call.state, one, call.fields, region) for one in found[offset : offset + limit]]
    return {"products": shown, "count": len(found), "offset": offset, "limit": limit}


def get_product(call: MedusaCall) -> Json:
    """`GET /store/products/{id}`."""
    region = _pricing_region(call)
    found = call.state.products.get(call.ids[0])
    if found is None or found["status"] != "published":
        raise missing(f"Product with id: {call.ids[0]} was not found")
    return {"product": product_of(call.state, found, call.fields, region)}


def _moment(text: str) -> dt.datetime:
    """A date as it is written."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"Invalid request: Invalid date: {text}") from None


def _pricing_region(call: MedusaCall) -> Json | None:
    region = call.state.regions.get(call.value("region_id"))
    if region is None and "calculated_price" in call.fields:
        raise invalid("Missing required pricing context to calculate prices - region_id")
    return region


def _matches(product: Json, call: MedusaCall) -> bool:
    variants = [call.state.variants[one] for one in product["variants"]]
    texts = [product["title"], product["subtitle"], product["description"], *(one["sku"] for one in variants)]
    text = " ".join(one or "" for one in texts).casefold()
    wanted: dict[str, Iterable[str]] = {
        "id": [product["id"]],
        "handle": [product["handle"]],
        "category_id": product["category_ids"],
        "variants[sku]": [one["sku"] for one in variants],
        "variants[id]": [one["id"] for one in variants],
    }
    fits = all(set(call.query[name]) & set(has) for name, has in wanted.items() if name in call.query)
    return fits and all(word in text for word in call.value("q").casefold().split())


def product_of(state: MedusaState, product: Json, fields: str, region: Json | None) -> Json:
    """A product with what was asked for."""
    named = {one.lstrip("+*") for one in fields.split(",")} if fields else set(BASE_FIELDS)
    told = {name: product[name] for name in BASE_FIELDS if name in named or name == "id"}
    if "variants" in {one.partition(".")[0] for one in named}:
        told["variants"] = [_variant_of(state.variants[one], product, fields, region) for one in product["variants"]]
    if "*options" in fields:
        told["options"] = [
            {"id": one["id"], "title": title, "values": [{"value": value} for value in one["values"]]}
            for title, one in product["options"].items()
        ]
    if "*categories" in fields:
        told["categories"] = [{"id": one} for one in product["category_ids"]]
    if "*images" in fields:
        told["images"] = [{"id": "img_1", "url": url} for url in product["images"]]
    return told


def _variant_of(variant: Json, product: Json, fields: str, region: Json | None) -> Json:
    told = {name: variant[name] for name in ("id", "title", "sku", "manage_inventory", "allow_backorder")}
    if "*variants.options" in fields:
        told["options"] = [
            {"value": value, "option": {"id": product["options"][title]["id"], "title": title}}
            for title, value in variant["options"].items()
        ]
    if "calculated_price" in fields and region is not None:
        told["calculated_price"] = _price_of(variant, region)
    if "variants.inventory_quantity" in fields:
        told["inventory_quantity"] = variant["stock"]
    return told


def unit_price(variant: Json, region: Json) -> Fraction | None:
    """What a piece costs in a region now."""
    currency = region["currency_code"]
    sale = amount_in(variant["sale"], currency)
    return amount_in(variant["prices"], currency) if sale is None else sale


def _price_of(variant: Json, region: Json) -> Json:
    now, listed = unit_price(variant, region), amount_in(variant["prices"], region["currency_code"])
    return {
        "is_calculated_price_tax_inclusive": region["is_tax_inclusive"],
        "calculated_amount": None if now is None else number(now),
        "original_amount": None if listed is None else number(listed),
        "currency_code": region["currency_code"],
    }


def list_categories(call: MedusaCall) -> Json:
    """`GET /store/product-categories`."""
    tree = call.value("include_descendants_tree") == "true"
    roots = [one for one in call.state.categories.values() if one["parent"] is None]
    shown = roots if call.value("parent_category_id") == "null" else list(call.state.categories.values())
    found = [category_of(call.state, one, tree=tree) for one in shown]
    return {"product_categories": found, "count": len(found), "offset": 0, "limit": int(call.value("limit", "50"))}


def get_category(call: MedusaCall) -> Json:
    """`GET /store/product-categories/{id}`: an unknown one answers with nothing."""
    found = call.state.categories.get(call.ids[0])
    return {} if found is None else {"product_category": category_of(call.state, found, tree=True)}


def category_of(state: MedusaState, category: Json, *, tree: bool) -> Json:
    """A category as it is shown."""
    below = [category_of(state, one, tree=tree) for one in state.categories.values() if one["parent"] == category["id"]]
    told = {name: category[name] for name in ("id", "name", "handle", "description")}
    return {**told, "parent_category_id": category["parent"], "category_children": below if tree else []}


BASE_FIELDS = ("id", "title", "handle", "subtitle", "description", "thumbnail", "created_at", "updated_at")
PRODUCT_QUERY = ("q", "updated_at[$gte]", "limit", "offset", "order", "region_id", "id", "handle", "category_id")
ROUTES = (
    Route(method="GET", path="/store/regions", handle=list_regions, query=("limit", "offset")),
    Route(method="GET", path="/store/currencies", handle=list_currencies, query=("limit", "offset")),
    Route(
        method="GET",
        path="/store/products",
        handle=list_products,
        query=(*PRODUCT_QUERY, "variants[sku]", "variants[id]"),
    ),
    Route(method="GET", path="/store/products/([^/]+)", handle=get_product, query=("region_id",)),
    Route(
        method="GET",
        path="/store/product-categories",
        handle=list_categories,
        query=("limit", "offset", "include_descendants_tree", "parent_category_id"),
    ),
    Route(method="GET", path="/store/product-categories/([^/]+)", handle=get_category),
)
