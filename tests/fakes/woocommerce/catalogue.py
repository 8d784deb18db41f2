"""Products, categories and pages as the Store API shows them, with its filters and refusals."""

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import Any

from storefront_mcp.demo.catalogue.model import ROOT_CATEGORY_ID, DemoProduct
from tests.fakes.woocommerce.state import Refused, WooState

ORDERS = (
    "date",
    "modified",
    "id",
    "include",
    "title",
    "slug",
    "price",
    "popularity",
    "rating",
    "menu_order",
    "comment_count",
)
SITE = "https://shop.example"
UNCOUNTED = 9999
Query = dict[str, list[str]]
Answer = tuple[Any, dict[str, str]]


def text(query: Query, name: str, default: str = "") -> str:
    """The last value of a parameter."""
    return query.get(name, [default])[-1]


def invalid(name: str, message: str, code: str) -> Refused:
    """WordPress's refusal of one parameter."""
    return invalid_all({name: (code, message)})


def invalid_all(wrong: dict[str, tuple[str, str]]) -> Refused:
    """WordPress's refusal of parameters, each with a code and a message."""
    details = {name: {"code": code, "message": message, "data": None} for name, (code, message) in wrong.items()}
    params = {name: message for name, (_, message) in wrong.items()}
    return Refused(
        400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(wrong)}", params=params, details=details
    )


def whole(query: Query, name: str, default: int, least: int, most: int | None) -> int:
    """A whole number within bounds."""
    given = text(query, name, str(default))
    if not given.isdecimal():
        raise invalid(name, f"{name} is not of type integer.", "rest_invalid_type")
    number = int(given)
    if most is not None and not least <= number <= most:
        raise invalid(name, f"{name} must be between {least} (inclusive) and {most} (inclusive)", "rest_out_of_bounds")
    return max(number, least)


def paged(state: WooState, found: list[Any], query: Query) -> Answer:
    """A page of a list; past the end it is empty, and the totals stay."""
    page, size = whole(query, "page", 1, 1, None), whole(query, "per_page", 10, 1, 100)
    headers = {"x-wp-total": str(len(found)), "x-wp-totalpages": str(-(-len(found) // size))}
    return found[(page - 1) * size : page * size], headers


def prices(state: WooState, product: DemoProduct) -> dict[str, Any]:
    """A product's prices, with the range of its variations; one without a price costs nothing by them."""
    if product.sku in state.unpriced:
        return {**dict.fromkeys(("price", "regular_price", "sale_price"), "0"), "price_range": None, **state.money}
    now, regular = (state.units(cents) for cents in (state.priced(product).price, state.priced(product).cents))
    told: dict[str, Any] = {"price": str(now), "regular_price": str(regular), "sale_price": str(now)}
    costs = [state.units(state.priced(state.catalogue.products[child]).price) for child in product.variants] or [now]
    told["price"] = str(min(costs))
    ranges = {"min_amount": str(min(costs)), "max_amount": str(max(costs))}
    told["price_range"] = None if min(costs) == max(costs) else ranges
    return told | state.money


def least_price(state: WooState, product: DemoProduct) -> int:
    """What a product costs at least, in the shop's units."""
    return int(prices(state, product)["price"])


def _picture(product: DemoProduct) -> dict[str, Any]:
    source = f"{SITE}/wp-content/uploads/{product.sku}.jpg"
    return {"id": product.id, "src": source, "thumbnail": source, "srcset": "", "sizes": "", "name": "", "alt": ""}


def product_body(state: WooState, product: DemoProduct) -> dict[str, Any]:
    """A product or variation."""
    catalogue, left, in_stock = state.catalogue, state.left(product), state.in_stock(product)
    parent = None if product.parent is None else catalogue.products[product.parent]
    kind = "variation" if parent else "variable" if product.variants else "simple"
    kind = product.kind if product.kind in {"grouped", "bundle", "giftcard"} else kind  # the last two by extensions
    shelves = [] if parent else [catalogue.categories[one] for one in catalogue.ancestors(product) if one > 2]
    counted = left is not None and in_stock
    body: dict[str, Any] = {
        "id": product.id,
        "name": escape(product.name if parent is None else parent.name),
        "slug": product.url_key,
        "parent": product.parent or 0,
        "type": kind,
        "variation": ", ".join(f"{label}: {value}" for label, value in values_of(state, product).items()),
        "permalink": f"{SITE}/product/{product.url_key}/",
        "sku": product.sku,
        "short_description": product.summary if parent is None else "",
        "description": product.description if parent is None else "",
        "on_sale": product.sale_cents is not None,
        "prices": prices(state, product),
        "price_html": "<span>&#036;</span>",
        "average_rating": "0",
        "review_count": 0,
        "images": [_picture(product)] if state.pictures else [],
        "categories": [
            {
                "id": one.id,
                "name": escape(one.name),
                "slug": one.url_key,
                "link": f"{SITE}/product-category/{one.url_path}/",
            }
            for one in shelves
        ],
        "tags": [],
        "brands": [],
        "attributes": [] if parent else attributes(state, product),
        "variations": [
            {
                "id": child,
                "attributes": [
                    {"name": label, "value": value}
                    for label, value in values_of(state, catalogue.products[child]).items()
                ],
            }
            for child in product.variants
        ],
        "grouped_products": [member for member, _ in product.members],
        "has_options": bool(product.variants or product.options),
        "is_purchasable": product.sku not in state.unpriced,
        "is_in_stock": in_stock,
        "is_on_backorder": False,
        "low_stock_remaining": None,
        "stock_availability": {"text": f"{left} in stock" if counted else "", "class": "in-stock"},
        "sold_individually": False,
        "weight": "",
        "dimensions": {"length": "", "width": "", "height": ""},
        "formatted_weight": "N/A",
        "formatted_dimensions": "N/A",
        "add_to_cart": {
            "text": "Add to cart",
            "description": f"Add to cart: &ldquo;{escape(product.name)}&rdquo;",
            "url": f"/?add-to-cart={product.id}",
            "single_text": "Add to cart",
            "minimum": 1,
            "maximum": left if counted else UNCOUNTED,
            "multiple_of": 1,
        },
        "is_password_protected": False,
        "extensions": {},
        "_links": {"self": [{"href": f"{SITE}/wp-json/wc/store/v1/products/{product.id}"}]},
    }
    return body


def values_of(state: WooState, product: DemoProduct) -> dict[str, str]:
    """What a variation's attributes are: label to value; empty for what is none."""
    if product.parent is None:
        return {}
    axes = [state.catalogue.attributes[code] for code in state.catalogue.products[product.parent].axes]
    return {axis.label: axis.label_of(product.attributes[axis.code]) for axis in axes}


def attributes(state: WooState, product: DemoProduct) -> list[dict[str, Any]]:
    """The attributes of a product; those in which its variations differ with the values that occur."""
    told = []
    for code in product.axes:
        axis = state.catalogue.attributes[code]
        occur = {state.catalogue.products[child].attributes[code] for child in product.variants}
        terms = [{"id": 0, "name": one.label, "slug": one.label} for one in axis.values if one.id in occur]
        told.append({"id": 0, "name": axis.label, "taxonomy": None, "has_variations": True, "terms": terms})
    for code, value in product.attributes.items():
        axis = state.catalogue.attributes[code]
        terms = [{"id": value, "name": axis.label_of(value), "slug": axis.label_of(value).lower()}]
        told.append(
            {"id": axis.id, "name": axis.label, "taxonomy": f"pa_{code}", "has_variations": False, "terms": terms}
        )
    return told


def listed(state: WooState, query: Query) -> Answer:
    """`GET /products`."""
    order_by = text(query, "orderby", "date")
    one_of(query, "orderby", ORDERS, "date")
    found = [one for one in state.catalogue.products.values() if state.sellable(one)]
    if skus := text(query, "sku"):
        wanted = {one.casefold() for one in skus.split(",")}
        found = [one for one in found if one.sku.casefold() in wanted]
    else:
        variations = text(query, "type") == "variation"
        found = [one for one in found if (one.parent is not None) == variations]
    found = _visible(state, found, query)
    if after := text(query, "after"):
        found = [one for one in found if _column(state, one, query) > _local(state, after)]
    if parent := text(query, "parent"):
        found = [one for one in found if str(one.parent) in parent.split(",")]
    if words := text(query, "search").casefold().split():
        found = [one for one in found if all(word in f"{one.name} {one.summary}".casefold() for word in words)]
    if slug := text(query, "slug"):
        found = [one for one in found if one.url_key == slug]
    if category := text(query, "category"):
        found = [one for one in found if _is_in(state, one, category)]
    if least := text(query, "min_price"):
        found = [one for one in found if least_price(state, one) >= int(least)]
    if most := text(query, "max_price"):
        found = [one for one in found if least_price(state, one) <= int(most)]
    if wanted_stock := query.get("stock_status[]"):
        found = [one for one in found if ("instock" if state.in_stock(one) else "outofstock") in wanted_stock]
    if sale := text(query, "on_sale"):
        found = [one for one in found if (one.sale_cents is not None) == (sale == "true")]
    keys: dict[str, Any] = {
        "price": lambda one: least_price(state, one),
        "title": lambda one: one.name,
        "slug": lambda one: one.url_key,
    }
    found.sort(key=lambda one: one.id)
    found.sort(key=keys.get(order_by, lambda one: one.id), reverse=text(query, "order", "desc") == "desc")
    page, headers = paged(state, found, query)
    return [with_fields(product_body(state, one), query) for one in page], headers


def one_of(query: Query, name: str, values: Sequence[str], default: str) -> str:
    """A parameter that has one of these values."""
    given = text(query, name, default)
    if given not in values:
        said = f"{name} is not one of {', '.join(values[:-1])}, and {values[-1]}."
        raise invalid(name, said, "rest_not_in_enum")
    return given


def with_fields(body: dict[str, Any], query: Query) -> dict[str, Any]:
    """What was asked for of a member: all of it, or fields by name."""
    wanted = text(query, "_fields")
    return {name: body[name] for name in wanted.split(",") if name in body} if wanted else body


def _visible(state: WooState, found: list[DemoProduct], query: Query) -> list[DemoProduct]:
    """What a list shows; without being asked, it shows what is hidden, too."""
    wanted = one_of(query, "catalog_visibility", ("any", "visible", "catalog", "search", "hidden"), "any")
    shown = {"visible": {"visible"}, "catalog": {"visible", "catalog"}, "search": {"visible", "search"}}.get(wanted)
    if wanted == "hidden":
        shown = {"hidden"}
    if shown is not None:
        found = [one for one in found if state.visibility.get(one.sku, "visible") in shown]
    if state.hides_sold_out and not query.get("stock_status[]"):
        found = [one for one in found if state.in_stock(one)]
    return found


def _local(state: WooState, moment: str) -> dt.datetime:
    """A moment in the shop's time, as it turns every date that it is given."""
    try:
        at = dt.datetime.fromisoformat(moment)
    except ValueError:
        raise invalid("after", "Invalid date.", "rest_invalid_date") from None
    shop = dt.timezone(dt.timedelta(seconds=state.ahead_seconds))
    return (at.astimezone(shop) if at.tzinfo else at).replace(tzinfo=None)


def _column(state: WooState, product: DemoProduct, query: Query) -> dt.datetime:
    """The date that a list is filtered by: local, or, compared with local time all the same, in UTC."""
    column = one_of(query, "date_column", ("date", "date_gmt", "modified", "modified_gmt"), "date")
    at = state.changed.get(product.sku, state.began) if column.startswith("modified") else state.began
    ahead = 0 if column.endswith("_gmt") else state.ahead_seconds
    return dt.datetime.fromtimestamp(int(at) + ahead, dt.UTC).replace(tzinfo=None)


def merchant_products(state: WooState, query: Query) -> Answer:
    """`GET /wc/v3/products`: drafts, too."""
    wanted = text(query, "include").split(",")
    found = [one for one in state.catalogue.products.values() if str(one.id) in wanted]
    page, headers = paged(state, found, query)
    return [with_fields(_facts(state, one), query) for one in page], headers


def _facts(state: WooState, product: DemoProduct) -> dict[str, Any]:
    def written(at: float) -> str:
        return dt.datetime.fromtimestamp(int(at), dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")

    begins, ends = state.sales.get(product.sku, (None, None))
    return {
        "id": product.id,
        "name": product.name,
        "status": "publish" if state.sellable(product) else "draft",
        "catalog_visibility": state.visibility.get(product.sku, "visible"),
        "date_created_gmt": written(state.began),
        "date_modified_gmt": written(state.changed.get(product.sku, state.began)),
        "date_on_sale_from_gmt": begins,
        "date_on_sale_to_gmt": ends,
    }


def _is_in(state: WooState, product: DemoProduct, category: str) -> bool:
    named = [one.id for one in state.catalogue.categories.values() if category in {str(one.id), one.url_key}]
    return any(one in state.catalogue.ancestors(product) for one in named)


def single(state: WooState, key: str) -> Answer:
    """`GET /products/{id or slug}`."""
    if key.isdecimal():
        found = state.find(int(key))
        if found is None:
            raise Refused(404, "woocommerce_rest_product_invalid_id", "Invalid product ID.")
        return product_body(state, found), {}
    named = [one for one in state.catalogue.products.values() if one.url_key == key and state.sellable(one)]
    if not named:
        raise Refused(404, "woocommerce_rest_product_invalid_slug", "Invalid product slug.")
    return product_body(state, named[0]), {}


def categories(state: WooState, query: Query) -> Answer:
    """`GET /products/categories`: all of them, by name."""
    found = []
    for one in sorted(state.catalogue.categories.values(), key=lambda one: one.name):
        if one.id == ROOT_CATEGORY_ID or one.level < 2:
            continue
        inside = [each for each in state.catalogue.products.values() if one.id in state.catalogue.ancestors(each)]
        found.append(
            {
                "id": one.id,
                "name": escape(one.name),
                "slug": one.url_key,
                "description": one.description,
                "parent": 0 if one.parent == ROOT_CATEGORY_ID else one.parent,
                "count": len([each for each in inside if each.parent is None]),
                "image": None,
                "review_count": 0,
                "permalink": f"{SITE}/product-category/{one.url_path}/",
            }
        )
    # A real shop gives all of them where nobody asks for a page.
    return paged(state, found, query) if "per_page" in query else (found, {"x-wp-total": str(len(found))})


def category(state: WooState, key: str) -> Answer:
    """`GET /products/categories/{id}`."""
    found = next((one for one in categories(state, {})[0] if str(one["id"]) == key), None)
    if found is None:
        raise Refused(404, "woocommerce_rest_category_invalid_id", "Invalid category ID.")
    return found, {}


def collection_data(state: WooState, query: Query) -> Answer:
    """`GET /products/collection-data`: what was asked to be counted."""
    found = [one for one in state.catalogue.products.values() if state.sellable(one) and one.parent is None]
    if named := text(query, "category"):
        found = [one for one in found if _is_in(state, one, named)]
    costs = [least_price(state, one) for one in found] or [0]
    body: dict[str, Any] = dict.fromkeys(
        ("price_range", "attribute_counts", "rating_counts", "stock_status_counts", "taxonomy_counts")
    )
    if text(query, "calculate_price_range") == "true":
        body["price_range"] = {"min_price": str(min(costs)), "max_price": str(max(costs)), **state.money}
    if text(query, "calculate_stock_status_counts") == "true":
        there = len([one for one in found if state.in_stock(one)])
        counts = {"instock": there, "outofstock": len(found) - there, "onbackorder": 0}
        body["stock_status_counts"] = [{"status": name, "count": str(count)} for name, count in counts.items()]
    return body, {}


def pages(state: WooState, query: Query) -> Answer:
    """`GET /wp/v2/pages`: WordPress's own."""
    found = [
        {
            "slug": one.identifier,
            "title": {"rendered": escape(one.title)},
            "content": {"rendered": one.content, "protected": False},
        }
        for one in state.catalogue.pages.values()
        if text(query, "slug") in {"", one.identifier}
    ]
    return paged(state, found, query)
