"""Response bodies of Maho's products, categories and pages; a missing key means null."""

from typing import Any, Final

from storefront_mcp.demo.api_errors import Json
from storefront_mcp.demo.catalogue.model import DemoCategory, DemoOption, DemoPage, DemoProduct
from storefront_mcp.demo.catalogue.opinions import REVIEWS, DemoReview, linked_products
from storefront_mcp.demo.currencies import CURRENCIES
from storefront_mcp.demo.product_choices import choice_shapes, money_of_parts
from storefront_mcp.demo.state import DemoState

STAMP: Final = "2026-01-15 09:00:00"
"""Creation time of everything in the catalogue; fixed, so that responses and ETags are stable across runs."""
_DAY: Final = STAMP[:10]


def category_shape(state: DemoState, category: DemoCategory, *, children: list[DemoCategory] | None = None) -> Json:
    """A category; `children` fills one level of children, lists leave the key out."""
    below = [found for found in state.catalogue.categories.values() if found.parent == category.id]
    shape: Json = {
        "id": category.id,
        "parentId": category.parent,
        "name": category.name,
        **({"description": category.description} if category.description else {}),
        "urlKey": category.url_key,
        "urlPath": category.url_path,
        "level": category.level,
        "position": category.position,
        "isActive": True,
        "includeInMenu": True,
        "isAnchor": True,
        "availableSortBy": [],
        "childrenCount": len(state.catalogue.descendants(category.id)) - 1,
        "productCount": len(state.index.list_products(category.id)),
    }
    if children is not None:
        shape["children"] = [{"@type": "Category", **category_shape(state, child, children=[])} for child in children]
    shape["childrenIds"] = [child.id for child in below]
    return shape | {"path": category.path, "createdAt": STAMP, "updatedAt": STAMP, "extensions": []}


def image_url(state: DemoState, product: DemoProduct) -> str:
    """URL of a product's picture; a variant has its parent's in its own colour."""
    return f"{state.base_url}/media/catalog/product/{product.sku.lower()}.svg"


def product_listed(state: DemoState, product: DemoProduct, currency: str, *, searched: bool, by_key: bool) -> Json:
    """A product in a list: shallow, its long lists present and empty.

    A text search omits the long description; a look-up by url-key omits `minimalPrice`, and its `stockQty` is always 0.
    """
    shape = _head(state, product, currency, described=not searched)
    if by_key:
        shape["stockQty"] = 0
    else:
        shape["minimalPrice"] = shape.get("finalPrice") or money_of_parts(product, CURRENCIES[currency])
    return shape | {
        "configurableOptions": [],
        "variants": [],
        "hasRequiredOptions": any(option.required for option in product.options),
        "customOptions": [],
        "mediaGallery": [],
        **_tail(),
    }


def product_detail(state: DemoState, product: DemoProduct, currency: str) -> Json:
    """A product with all its keys."""
    qty = state.stock[product.sku] if not product.variants else 0
    links = linked_products(state.catalogue, product)
    return _head(state, product, currency, described=True) | {
        "configurableOptions": _axes(state, product),
        "variants": [_variant(state, state.catalogue.products[child]) for child in product.variants],
        "hasRequiredOptions": any(option.required for option in product.options),
        "customOptions": [_option(option, currency) for option in product.options],
        "mediaGallery": _gallery(state, product),
        "relatedProducts": [_link(state, other, currency) for other in links.related],
        "crosssellProducts": [_link(state, other, currency) for other in links.cross_sells],
        "upsellProducts": [_link(state, other, currency) for other in links.up_sells],
        **_tail(),
        **_review_facts(product),
        **choice_shapes(state.catalogue, product, CURRENCIES[currency]),
        "additionalAttributes": _specifications(state, product),
        "websiteIds": [1],
        "stockItem": {
            "qty": qty,
            "is_in_stock": state.in_stock(product),
            "min_sale_qty": product.rules.least,
            "max_sale_qty": product.rules.most,
            "is_qty_decimal": False,
            "qty_increments": product.rules.step,
            "enable_qty_increments": bool(product.rules.step),
        },
    }


def _link(state: DemoState, product: DemoProduct, currency: str) -> Json:
    """A linked product; unlike elsewhere, what is missing is null."""
    money = CURRENCIES[currency]
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "urlKey": product.url_key,
        "price": money.major(money.of(product.cents)),
        "specialPrice": None if product.sale_cents is None else money.major(money.of(product.sale_cents)),
        "finalPrice": money.major(money.of(product.price)),
        "stockStatus": "in_stock" if state.in_stock(product) else "out_of_stock",
        **dict.fromkeys(("imageUrl", "smallImageUrl", "thumbnailUrl"), image_url(state, product)),
    }


def _review_facts(product: DemoProduct) -> Json:
    """How many reviews there are, and their mean; no mean without any."""
    ratings = [review.rating for review in REVIEWS.get(product.sku, ())]
    return {"reviewCount": len(ratings), "averageRating": round(sum(ratings) / len(ratings), 2)} if ratings else {}


def review_shape(product: DemoProduct, review: DemoReview, number: int) -> Json:
    """An approved review."""
    return {
        "id": number,
        "productId": product.id,
        "productName": product.name,
        "title": review.title,
        "detail": review.detail,
        "nickname": review.nickname,
        "rating": review.rating,
        "status": "approved",
        "createdAt": STAMP,
        "ratings": [],
        "stores": [0, 1],
        "extensions": [],
    }


def _gallery(state: DemoState, product: DemoProduct) -> list[Json]:
    picture = {"id": product.id, "url": image_url(state, product), "label": product.name, "position": 1}
    return [picture] if product.art else []


def _head(state: DemoState, product: DemoProduct, currency: str, *, described: bool) -> Json:
    money = CURRENCIES[currency]
    shape: Json = {"id": product.id, "sku": product.sku, "urlKey": product.url_key, "name": product.name}
    if described:
        shape["description"] = product.description
    shape |= {
        "shortDescription": product.summary,
        "type": "configurable" if product.variants else product.kind,
        "status": "enabled",
        "visibility": "not_visible" if product.parent else "catalog_search",
        "stockStatus": "in_stock" if state.in_stock(product) else "out_of_stock",
        "price": money.major(money.of(product.cents)),
    }
    if product.sale_cents is not None:
        shape |= {"specialPrice": money.major(money.of(product.sale_cents)), "specialFromDate": _DAY}
    shape |= {
        "finalPrice": money.major(money.of(product.price)),
        "currency": currency,
        "tierPrices": [],
        "stockQty": 0 if product.variants else state.stock[product.sku],
    }
    if product.art:
        shape |= dict.fromkeys(("imageUrl", "smallImageUrl", "thumbnailUrl"), image_url(state, product))
    if product.kind == "giftcard":
        del shape["price"]
    if product.bundle:
        # It costs what its parts cost.
        del shape["finalPrice"]
    if described:
        shape |= {"optionsContainer": "container1", "urlPath": product.url_key}
        if not product.variants:
            shape["weight"] = product.grams / 1000
    return shape | {"categoryIds": list(product.categories), "createdAt": STAMP, "updatedAt": STAMP}


def _tail() -> Json:
    return {
        "reviewCount": 0,
        "downloadableLinks": [],
        "groupedProducts": [],
        "bundleOptions": [],
        "giftcardAmounts": [],
        "giftcardIsMessageAllowed": False,
        "additionalAttributes": [],
        "attributeSetId": 4,
        "taxClassId": 2,
        "extensions": [],
    }


def _axes(state: DemoState, product: DemoProduct) -> list[Json]:
    children = [state.catalogue.products[child] for child in product.variants]
    axes: list[Json] = []
    for code in product.axes:
        attribute = state.catalogue.attributes[code]
        used = {child.attributes[code] for child in children}
        values = [{"id": value.id, "label": value.label} for value in attribute.values if value.id in used]
        axes.append({"id": attribute.id, "code": code, "label": attribute.label, "values": values})
    return axes


def _variant(state: DemoState, child: DemoProduct) -> Json:
    """A variant inside its parent; its price is always 0 there, as the parent's applies."""
    return {
        "id": child.id,
        "sku": child.sku,
        "price": 0,
        "finalPrice": 0,
        "stockQty": state.stock[child.sku],
        "inStock": state.covers(child.sku, 1),
        "attributes": child.attributes,
    }


def _option(option: DemoOption, currency: str) -> Json:
    """A custom option; the surcharge of a text appears only in the cart."""
    money = CURRENCIES[currency]
    values = [
        {
            "id": c.id,
            "title": c.title,
            "price": c.percent or money.major(money.of(c.cents)),
            "priceType": "percent" if c.percent else "fixed",
            "sortOrder": at,
        }
        for at, c in enumerate(option.choices)
    ]
    shape: Json = {"id": option.id, "title": option.title, "type": option.kind, "required": option.required}
    return shape | {"sortOrder": 0, "values": values}


def _specifications(state: DemoState, product: DemoProduct) -> list[dict[str, Any]]:
    attributes = state.catalogue.attributes
    return [
        {"label": attributes[code].label, "value": attributes[code].label_of(value), "code": code}
        for code, value in product.attributes.items()
    ]


def page_shape(page: DemoPage) -> Json:
    """A page of text."""
    return {
        "id": page.id,
        "identifier": page.identifier,
        "title": page.title,
        "content": page.content,
        "sortOrder": 0,
        "status": "enabled",
        "isActive": True,
        "stores": [0],
        "createdAt": STAMP,
        "updatedAt": STAMP,
        "extensions": [],
    }
