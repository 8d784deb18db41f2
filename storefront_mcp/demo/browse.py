"""The reading half of the demo shop: products, categories, facets, addresses of pages, store data."""

from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Final

from storefront_mcp.demo.catalogue.model import ROOT, Product
from storefront_mcp.demo.money import AUD, CURRENCIES, Currency
from storefront_mcp.demo.places import COUNTRIES, SERVED, Country
from storefront_mcp.demo.search import SORTS, Wanted
from storefront_mcp.demo.shapes import category_shape, page_shape, product_detail, product_listed
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import Answer, Json, Request, bad_request, not_found, page_view, whole_number

NAME: Final = "Pickle Warehouse"
_PAGE_SIZE = 20
_MOST = 100
_HIGHEST = 10**12
"""Minor units that no product costs: keeps a bound within what SQLite counts in."""


def _minor(text: str | None, currency: Currency) -> int | None:
    try:
        return None if text is None else max(0, min(int(Decimal(text).scaleb(currency.digits)), _HIGHEST))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(number for part in text.split(",") if (number := whole_number(part.strip())) is not None)


def page_of(request: Request, total: int, *, size: int = _PAGE_SIZE, most: int = _MOST) -> tuple[int, int, int, int]:
    """Asked page, last page, offset and limit: a page below 1 is 1, one past the end shows the last."""
    asked_size = whole_number(request.query.get("pageSize", request.query.get("itemsPerPage", "")))
    limit = min(asked_size or size, most)
    last = max(1, -(-total // limit))
    asked = max(1, whole_number(request.query.get("page", "")) or 1)
    return asked, last, (min(asked, last) - 1) * limit, limit


async def products(state: ShopState, request: Request) -> Answer:
    """`GET /products`: search and filters; what is not documented is ignored."""
    query, money = request.query, CURRENCIES[request.currency]
    if "urlKey" in query:
        found = [p for p in state.catalogue.products.values() if p.url_key == query["urlKey"]]
        members = [product_listed(state, p, request.currency, searched=False, by_key=True) for p in found]
        return Answer(content=members, kind="Product", total=len(found), view=page_view(request, 1, 1))
    sort = query.get("sortBy")
    if sort is not None and sort not in SORTS:
        raise bad_request(f"Invalid sortBy field. Allowed: {', '.join(SORTS)}")
    text = query.get("search", query.get("q", ""))
    wanted = Wanted(
        text=text,
        category=(whole_number(query["categoryId"]) or 0) if query.get("categoryId") else None,
        price_min=_minor(query.get("priceMin"), money),
        price_max=_minor(query.get("priceMax"), money),
        rate=float(money.rate.scaleb(money.digits - AUD.digits)),
        traits=tuple((name[5:], _numbers(value)) for name, value in query.items() if name.startswith("attr_")),
        sort=sort,
        descending=query.get("sortDir", "").lower() == "desc",
    )
    total = state.shelves.count(wanted)
    asked, last, offset, limit = page_of(request, total)
    found = [state.catalogue.products[at] for at in state.shelves.find(wanted, offset=offset, limit=limit)]
    full = query.get("fullDetail") in {"1", "true"}
    members = [_listed(state, product, request.currency, full=full, searched=bool(text)) for product in found]
    return Answer(content=members, kind="Product", total=total, view=page_view(request, asked, last))


def _listed(state: ShopState, product: Product, currency: str, *, full: bool, searched: bool) -> Json:
    if not full:
        return product_listed(state, product, currency, searched=searched, by_key=False)
    shape = product_detail(state, product, currency)
    if searched:
        del shape["description"]
    return shape


async def product(state: ShopState, request: Request, number: str) -> Answer:
    """`GET /products/{id}`: by number only, variants and sold-out products too."""
    found = state.catalogue.products.get(whole_number(number) or 0)
    if found is None:
        raise not_found()
    return Answer(content=product_detail(state, found, request.currency), kind="Product")


async def reviews(state: ShopState, request: Request, number: str) -> Answer:
    """`GET /products/{id}/reviews`: nobody has written one yet."""
    if (whole_number(number) or 0) not in state.catalogue.products:
        raise not_found()
    return Answer(content=[], kind="Review", total=0, view=page_view(request, 1, 1))


async def categories(state: ShopState, request: Request) -> Answer:
    """`GET /categories`: one level below a parent, or a name on any level."""
    text = request.query.get("search", request.query.get("q", "")).casefold()
    parent = whole_number(request.query.get("parentId", "")) or ROOT
    everything = state.catalogue.categories.values()
    found = [c for c in everything if (text in c.name.casefold() if text else c.parent == parent)]
    asked, last, offset, limit = page_of(request, len(found), size=_MOST, most=500)
    members = [category_shape(state, category) for category in found[offset : offset + limit]]
    view = page_view(request, asked, last)
    return Answer(content=members, kind="Category", total=len(found), view=view, public=True)


async def category(state: ShopState, request: Request, number: str) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /categories/{id}`: with exactly one level of children."""
    found = state.catalogue.categories.get(whole_number(number) or 0)
    if found is None:
        raise not_found()
    children = [child for child in state.catalogue.categories.values() if child.parent == found.id]
    return Answer(content=category_shape(state, found, children=children), kind="Category", public=True)


async def layered_filters(state: ShopState, request: Request) -> Answer:
    """`GET /layered-filters`: a category's facets; a configurable product counts once for each value it has."""
    shown = state.shelves.listed(whole_number(request.query.get("categoryId", "")) or 0)
    counts: dict[str, Counter[int]] = {code: Counter() for code in state.catalogue.attributes}
    for number in shown:
        found = state.catalogue.products[number]
        carriers = [state.catalogue.products[child] for child in found.variants] or [found]
        for code, value in {pair for carrier in carriers for pair in carrier.attributes.items()}:
            counts[code][value] += 1
    members: list[Json] = []
    for code, attribute in state.catalogue.attributes.items():
        options = [
            {"value": str(value.id), "label": value.label, "count": counts[code][value.id], "swatch": None}
            for value in attribute.values
            if counts[code][value.id]
        ]
        if options:
            head = {"code": code, "label": attribute.label, "type": "select", "position": 0, "multiple": False}
            members.append({**head, "options": options, "extensions": []})
    return Answer(content=members, kind="LayeredFilter", total=len(members), view=page_view(request, 1, 1))


async def url_resolver(state: ShopState, request: Request) -> Answer:
    """`GET /url-resolver`: what a path of the shop shows; nothing for an unknown one, the home page without a path."""
    path = request.query.get("path", "").strip("/").removesuffix(".html") or "home"
    candidates: list[tuple[str, int]] = [
        *(("product", p.id) for p in state.catalogue.products.values() if p.url_key == path and p.parent is None),
        *(("category", c.id) for c in state.catalogue.categories.values() if c.url_path == path),
        *(("cms_page", p.id) for p in state.catalogue.pages.values() if p.identifier == path),
    ]
    members = [
        {"type": kind, "id": number, "identifier": path, "redirectType": 0, "extensions": []}
        for kind, number in candidates[:1]
    ]
    return Answer(content=members, kind="UrlResolveResult", total=len(members), view=page_view(request, 1, 1))


async def cms_pages(state: ShopState, request: Request) -> Answer:
    """`GET /cms-pages`: all, or the one with an identifier."""
    wanted = request.query.get("identifier")
    found = [page for page in state.catalogue.pages.values() if wanted in {None, page.identifier}]
    members = [page_shape(page) for page in found]
    return Answer(content=members, kind="CmsPage", total=len(found), view=page_view(request, 1, 1))


async def cms_page(state: ShopState, request: Request, number: str) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /cms-pages/{id}`."""
    found = state.catalogue.pages.get(whole_number(number) or 0)
    if found is None:
        raise not_found()
    return Answer(content=page_shape(found), kind="CmsPage")


async def store_config(state: ShopState, request: Request) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /store-config`."""
    content = {
        "id": "default",
        "storeCode": "default",
        "storeName": NAME,
        "baseCurrencyCode": AUD.code,
        "defaultDisplayCurrencyCode": AUD.code,
        "locale": "en_AU",
        "timezone": "Australia/Melbourne",
        "weightUnit": "kg",
        "baseUrl": f"{state.base_url}/",
        "baseMediaUrl": f"{state.base_url}/media/",
        "allowedCountries": list(SERVED),
        "isGuestCheckoutAllowed": True,
        "newsletterEnabled": False,
        "wishlistEnabled": False,
        "reviewsEnabled": False,
        "logoUrl": f"{state.base_url}/media/logo.svg",
        "logoAlt": NAME,
        "cmsHomePage": "home",
        "extensions": [],
    }
    return Answer(content=content, kind="StoreConfig", public=True)


async def stores(state: ShopState, request: Request) -> Answer:
    """`GET /stores`: the one store view."""
    base = f"{state.base_url}/"
    store = {
        "id": 1,
        "code": "default",
        "name": NAME,
        "websiteId": 1,
        "groupId": 1,
        "groupName": NAME,
        "rootCategoryId": ROOT,
        "isActive": True,
        "baseUrl": base,
        "baseLinkUrl": base,
        "baseMediaUrl": f"{base}media/",
        "locale": "en_AU",
        "currency": {"base": AUD.code, "default": AUD.code},
        "extensions": [],
    }
    return Answer(content=[store], kind="Store", total=1, view=page_view(request, 1, 1))


async def currencies(state: ShopState, request: Request) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /stores/currencies`: symbols and rates, no number of decimals."""
    members = [
        {"code": c.code, "symbol": c.symbol, "exchangeRate": float(c.rate), "extensions": []}
        for c in CURRENCIES.values()
    ]
    return Answer(content=members, kind="Currency", total=len(members), view=page_view(request, 1, 1))


def _country(country: Country) -> Json:
    regions = [{"id": region.id, "code": region.code, "name": region.name} for region in country.regions]
    head = {"id": country.iso2, "name": country.name, "iso2Code": country.iso2, "iso3Code": country.iso3}
    return {**head, "availableRegions": regions, "extensions": []}


async def countries(state: ShopState, request: Request) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /countries`: all at once, paging is ignored."""
    members = [_country(country) for country in COUNTRIES.values()]
    view = page_view(request, 1, 1)
    return Answer(content=members, kind="Country", total=len(members), view=view, public=True)


async def country(state: ShopState, request: Request, code: str) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /countries/{code}`."""
    found = COUNTRIES.get(code)
    if found is None:
        raise not_found()
    return Answer(content=_country(found), kind="Country", public=True)


async def contact_config(state: ShopState, request: Request) -> Answer:  # noqa: ARG001 - a route's signature
    """`GET /contact/config`."""
    content = {"id": "contact", "enabled": True, "captchaProvider": "none", "honeypotField": "_h_pickle"}
    return Answer(content={**content, "extensions": []}, kind="ContactForm")
