"""Routes for the catalogue and the store: products, categories, facets, pages, countries, currencies."""

from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Final

from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo.api_errors import Json, bad_request, not_found
from storefront_mcp.demo.catalogue.model import ROOT_CATEGORY_ID
from storefront_mcp.demo.catalogue.opinions import REVIEWS
from storefront_mcp.demo.catalogue_shapes import (
    category_shape,
    page_shape,
    product_detail,
    product_listed,
    review_shape,
)
from storefront_mcp.demo.countries import COUNTRIES, DemoCountry
from storefront_mcp.demo.currencies import AUD, CURRENCIES, DemoCurrency
from storefront_mcp.demo.http import MAX_PAGE_SIZE, InjectedCall, endpoint, whole_number
from storefront_mcp.demo.search import SORT_COLUMNS, ProductQuery

STORE_NAME: Final = "Pickle Warehouse"
MAX_CATEGORY_PAGE_SIZE: Final = 500
_PRICE_BOUND: Final = 10**12
"""Upper bound of price filters in minor units, within SQLite's integers."""


@endpoint("GET", "/products")
async def list_products(call: InjectedCall) -> ASGIResponse:
    """Search and filters; unknown parameters are ignored."""
    state, query, currency = call.state, call.query, call.currency
    if "urlKey" in query:
        found = [product for product in state.catalogue.products.values() if product.url_key == query["urlKey"]]
        shapes = [product_listed(state, product, currency, searched=False, by_key=True) for product in found]
        return call.collection("Product", shapes)
    sort = query.get("sortBy")
    if sort is not None and sort not in SORT_COLUMNS:
        raise bad_request(f"Invalid sortBy field. Allowed: {', '.join(SORT_COLUMNS)}")
    text, money = query.get("search", query.get("q", "")), CURRENCIES[currency]
    product_query = ProductQuery(
        text=text,
        category=(whole_number(query["categoryId"]) or 0) if query.get("categoryId") else None,
        price_min=_minor_units(query.get("priceMin"), money),
        price_max=_minor_units(query.get("priceMax"), money),
        rate=float(money.rate.scaleb(money.digits - AUD.digits)),
        attributes=tuple((name[5:], _ids(value)) for name, value in query.items() if name.startswith("attr_")),
        sort=sort,
        descending=query.get("sortDir", "").lower() == "desc",
    )
    total = state.index.count(product_query)
    page = call.page(total)
    members = []
    for number in state.index.find(product_query, offset=page.offset, limit=page.limit):
        product = state.catalogue.products[number]
        if query.get("fullDetail") in {"1", "true"}:
            shape = product_detail(state, product, currency)
            if text:
                del shape["description"]
        else:
            shape = product_listed(state, product, currency, searched=bool(text), by_key=False)
        members.append(shape)
    return call.collection("Product", members, total=total, page=page)


def _minor_units(text: str | None, currency: DemoCurrency) -> int | None:
    try:
        return None if text is None else max(0, min(int(Decimal(text).scaleb(currency.digits)), _PRICE_BOUND))
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _ids(text: str) -> tuple[int, ...]:
    return tuple(number for part in text.split(",") if (number := whole_number(part.strip())) is not None)


@endpoint("GET", "/products/{number:str}")
async def get_product(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """By id only; variants and sold-out products too."""
    product = call.state.catalogue.products.get(whole_number(number) or 0)
    if product is None:
        raise not_found()
    return call.resource("Product", product_detail(call.state, product, call.currency))


@endpoint("GET", "/products/{number:str}/reviews")
async def list_reviews(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """The approved ones."""
    product = call.state.catalogue.products.get(whole_number(number) or 0)
    if product is None:
        raise not_found()
    found = enumerate(REVIEWS.get(product.sku, ()), start=1)
    return call.collection("Review", [review_shape(product, review, at) for at, review in found])


@endpoint("GET", "/categories")
async def list_categories(call: InjectedCall) -> ASGIResponse:
    """The children of a parent, or categories of any level by text in the name."""
    text = call.query.get("search", call.query.get("q", "")).casefold()
    parent = whole_number(call.query.get("parentId", "")) or ROOT_CATEGORY_ID
    categories = call.state.catalogue.categories.values()
    found = [one for one in categories if (text in one.name.casefold() if text else one.parent == parent)]
    page = call.page(len(found), default=MAX_PAGE_SIZE, most=MAX_CATEGORY_PAGE_SIZE)
    members = [category_shape(call.state, category) for category in found[page.offset : page.offset + page.limit]]
    return call.collection("Category", members, total=len(found), page=page, public=True)


@endpoint("GET", "/categories/{number:str}")
async def get_category(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """With one level of children."""
    categories = call.state.catalogue.categories
    category = categories.get(whole_number(number) or 0)
    if category is None:
        raise not_found()
    children = [child for child in categories.values() if child.parent == category.id]
    return call.resource("Category", category_shape(call.state, category, children=children), public=True)


@endpoint("GET", "/layered-filters")
async def list_filters(call: InjectedCall) -> ASGIResponse:
    """The facets of a category; a configurable product counts once for each value of its variants."""
    catalogue = call.state.catalogue
    counts: dict[str, Counter[int]] = {code: Counter() for code in catalogue.attributes}
    for number in call.state.index.list_products(whole_number(call.query.get("categoryId", "")) or 0):
        carriers = catalogue.carriers(catalogue.products[number])
        for code, value in {pair for carrier in carriers for pair in carrier.attributes.items()}:
            counts[code][value] += 1
    members: list[Json] = []
    for code, attribute in catalogue.attributes.items():
        options = [
            {"value": str(value.id), "label": value.label, "count": counts[code][value.id], "swatch": None}
            for value in attribute.values
            if counts[code][value.id]
        ]
        if options:
            head = {"code": code, "label": attribute.label, "type": "select", "position": 0, "multiple": False}
            members.append({**head, "options": options, "extensions": []})
    return call.collection("LayeredFilter", members)


@endpoint("GET", "/url-resolver")
async def resolve_url(call: InjectedCall) -> ASGIResponse:
    """Resolve a path of the shop: empty for an unknown one, the home page without a path."""
    path = call.query.get("path", "").strip("/").removesuffix(".html") or "home"
    catalogue = call.state.catalogue
    candidates: list[tuple[str, int]] = [
        *(("product", p.id) for p in catalogue.products.values() if p.url_key == path and p.parent is None),
        *(("category", c.id) for c in catalogue.categories.values() if c.url_path == path),
        *(("cms_page", p.id) for p in catalogue.pages.values() if p.identifier == path),
    ]
    members = [
        {"type": kind, "id": number, "identifier": path, "redirectType": 0, "extensions": []}
        for kind, number in candidates[:1]
    ]
    return call.collection("UrlResolveResult", members)


@endpoint("GET", "/cms-pages")
async def list_cms_pages(call: InjectedCall) -> ASGIResponse:
    """All, or the one with an identifier."""
    identifier = call.query.get("identifier")
    pages = call.state.catalogue.pages.values()
    return call.collection("CmsPage", [page_shape(page) for page in pages if identifier in {None, page.identifier}])


@endpoint("GET", "/cms-pages/{number:str}")
async def get_cms_page(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """One page by its id."""
    page = call.state.catalogue.pages.get(whole_number(number) or 0)
    if page is None:
        raise not_found()
    return call.resource("CmsPage", page_shape(page))


@endpoint("GET", "/store-config")
async def get_store_config(call: InjectedCall) -> ASGIResponse:
    """The store's settings."""
    base_url = call.state.base_url
    content = {
        "id": "default",
        "storeCode": "default",
        "storeName": STORE_NAME,
        "baseCurrencyCode": AUD.code,
        "defaultDisplayCurrencyCode": AUD.code,
        "locale": "en_AU",
        "timezone": "Australia/Melbourne",
        "weightUnit": "kg",
        "baseUrl": f"{base_url}/",
        "baseMediaUrl": f"{base_url}/media/",
        "allowedCountries": list(call.state.rules.delivery_countries),
        "isGuestCheckoutAllowed": call.state.rules.guest_checkout,
        "newsletterEnabled": False,
        "wishlistEnabled": False,
        "reviewsEnabled": True,
        "logoUrl": f"{base_url}/media/logo.svg",
        "logoAlt": STORE_NAME,
        "cmsHomePage": "home",
        "extensions": [],
    }
    return call.resource("StoreConfig", content, public=True)


@endpoint("GET", "/stores")
async def list_stores(call: InjectedCall) -> ASGIResponse:
    """The one store view."""
    base = f"{call.state.base_url}/"
    store = {
        "id": 1,
        "code": "default",
        "name": STORE_NAME,
        "websiteId": 1,
        "groupId": 1,
        "groupName": STORE_NAME,
        "rootCategoryId": ROOT_CATEGORY_ID,
        "isActive": True,
        "baseUrl": base,
        "baseLinkUrl": base,
        "baseMediaUrl": f"{base}media/",
        "locale": "en_AU",
        "currency": {"base": AUD.code, "default": AUD.code},
        "extensions": [],
    }
    return call.collection("Store", [store])


@endpoint("GET", "/stores/currencies")
async def list_currencies(call: InjectedCall) -> ASGIResponse:
    """Symbols and rates, without the number of decimals."""
    members = [
        {"code": c.code, "symbol": c.symbol, "exchangeRate": float(c.rate), "extensions": []}
        for c in CURRENCIES.values()
    ]
    return call.collection("Currency", members)


@endpoint("GET", "/countries")
async def list_countries(call: InjectedCall) -> ASGIResponse:
    """All at once; paging is ignored."""
    return call.collection("Country", [_country_shape(country) for country in COUNTRIES.values()], public=True)


@endpoint("GET", "/countries/{code:str}")
async def get_country(call: InjectedCall, code: FromPath[str]) -> ASGIResponse:
    """One country by its ISO 3166-1 alpha-2 code."""
    if code not in COUNTRIES:
        raise not_found()
    return call.resource("Country", _country_shape(COUNTRIES[code]), public=True)


def _country_shape(country: DemoCountry) -> Json:
    regions = [{"id": region.id, "code": region.code, "name": region.name} for region in country.regions]
    head = {"id": country.iso2, "name": country.name, "iso2Code": country.iso2, "iso3Code": country.iso3}
    return {**head, "availableRegions": regions, "extensions": []}


@endpoint("GET", "/contact/config")
async def get_contact_config(call: InjectedCall) -> ASGIResponse:
    """The contact form's settings."""
    content = {"id": "contact", "enabled": True, "captchaProvider": "none", "honeypotField": "_h_pickle"}
    return call.resource("ContactForm", {**content, "extensions": []})


ROUTES: Final = (
    list_products,
    get_product,
    list_reviews,
    list_categories,
    get_category,
    list_filters,
    resolve_url,
    list_cms_pages,
    get_cms_page,
    get_store_config,
    list_stores,
    list_currencies,
    list_countries,
    get_country,
    get_contact_config,
)
