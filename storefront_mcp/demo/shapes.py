"""Products, categories and pages as Maho writes them; a missing key means null."""

from typing import Any, Final

from storefront_mcp.demo.catalogue.model import Category, CustomOption, Page, Product
from storefront_mcp.demo.money import CURRENCIES
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import Json

STAMP: Final = "2026-01-15 09:00:00"
"""When everything in the catalogue was made: fixed, so that answers and their ETags are the same in every run."""
_DAY: Final = STAMP[:10]


def category_shape(state: ShopState, category: Category, *, children: list[Category] | None = None) -> Json:
    """A category; `children` fills one level of children, lists leave the key out."""
    below = [found for found in state.catalogue.categories.values() if found.parent == category.id]
    shape: Json = {
        "id": category.id,
        "parentId": category.parent,
        "name": category.name,
        "description": category.description,
        "urlKey": category.url_key,
        "urlPath": category.url_path,
        "level": category.level,
        "position": category.position,
        "isActive": True,
        "includeInMenu": True,
        "isAnchor": True,
        "availableSortBy": [],
        "childrenCount": len(state.catalogue.descendants(category.id)) - 1,
        "productCount": len(state.shelves.listed(category.id)),
    }
    if children is not None:
        shape["children"] = [{"@type": "Category", **category_shape(state, child, children=[])} for child in children]
    shape["childrenIds"] = [child.id for child in below]
    return shape | {"path": category.path, "createdAt": STAMP, "updatedAt": STAMP, "extensions": []}


def image_url(state: ShopState, product: Product) -> str:
    """Where its picture is; a variant shows its parent's in its own colour."""
    return f"{state.base_url}/media/catalog/product/{product.sku.lower()}.svg"


def product_listed(state: ShopState, product: Product, currency: str, *, searched: bool, by_key: bool) -> Json:
    """A product in a list: shallow, its long lists present and empty.

    With a text search the long description is missing; asked by url-key there is no `minimalPrice`, and `stockQty` is 0
    whatever is there.
    """
    shape = _head(state, product, currency, described=not searched)
    if by_key:
        shape["stockQty"] = 0
    else:
        shape["minimalPrice"] = shape["finalPrice"]
    return shape | {
        "configurableOptions": [],
        "variants": [],
        "hasRequiredOptions": any(option.required for option in product.options),
        "customOptions": [],
        "mediaGallery": [],
        **_tail(),
    }


def product_detail(state: ShopState, product: Product, currency: str) -> Json:
    """A product with everything it has."""
    qty = state.stock[product.sku] if not product.variants else 0
    return _head(state, product, currency, described=True) | {
        "configurableOptions": _axes(state, product),
        "variants": [_variant(state, state.catalogue.products[child]) for child in product.variants],
        "hasRequiredOptions": any(option.required for option in product.options),
        "customOptions": [_option(option, currency) for option in product.options],
        "mediaGallery": [{"id": product.id, "url": image_url(state, product), "label": product.name, "position": 1}],
        "relatedProducts": [],
        "crosssellProducts": [],
        "upsellProducts": [],
        **_tail(),
        "additionalAttributes": _specifications(state, product),
        "websiteIds": [1],
        "stockItem": {
            "qty": qty,
            "is_in_stock": state.in_stock(product),
            "min_sale_qty": 1,
            "max_sale_qty": 0,
            "is_qty_decimal": False,
            "qty_increments": 0,
            "enable_qty_increments": False,
        },
    }


def _head(state: ShopState, product: Product, currency: str, *, described: bool) -> Json:
    money = CURRENCIES[currency]
    shape: Json = {"id": product.id, "sku": product.sku, "urlKey": product.url_key, "name": product.name}
    if described:
        shape["description"] = product.description
    shape |= {
        "shortDescription": product.summary,
        "type": "configurable" if product.variants else "simple",
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
        "imageUrl": image_url(state, product),
        "smallImageUrl": image_url(state, product),
        "thumbnailUrl": image_url(state, product),
    }
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


def _axes(state: ShopState, product: Product) -> list[Json]:
    children = [state.catalogue.products[child] for child in product.variants]
    axes: list[Json] = []
    for code in product.axes:
        attribute = state.catalogue.attributes[code]
        used = {child.attributes[code] for child in children}
        values = [{"id": value.id, "label": value.label} for value in attribute.values if value.id in used]
        axes.append({"id": attribute.id, "code": code, "label": attribute.label, "values": values})
    return axes


def _variant(state: ShopState, child: Product) -> Json:
    """A variant inside its parent: its price is always 0 there, the parent's price counts."""
    return {
        "id": child.id,
        "sku": child.sku,
        "price": 0,
        "finalPrice": 0,
        "stockQty": state.stock[child.sku],
        "inStock": state.stock[child.sku] > 0,
        "attributes": child.attributes,
    }


def _option(option: CustomOption, currency: str) -> Json:
    """A custom option; the surcharge of a text is told nowhere but in the cart."""
    money = CURRENCIES[currency]
    values = [
        {"id": c.id, "title": c.title, "price": money.major(money.of(c.cents)), "priceType": "fixed", "sortOrder": at}
        for at, c in enumerate(option.choices)
    ]
    shape: Json = {"id": option.id, "title": option.title, "type": option.kind, "required": option.required}
    return shape | {"sortOrder": 0, "values": values}


def _specifications(state: ShopState, product: Product) -> list[dict[str, Any]]:
    attributes = state.catalogue.attributes
    return [
        {"label": attributes[code].label, "value": attributes[code].label_of(value), "code": code}
        for code, value in product.attributes.items()
    ]


def page_shape(page: Page) -> Json:
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
