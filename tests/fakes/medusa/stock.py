"""What a Medusa shop is stocked with: the demo shop's goods, as far as Medusa can have them.

The stand-in and a real Medusa are filled from the same document.
"""

from collections.abc import Iterable
from typing import Any, Final

from storefront_mcp.demo.catalogue.model import ROOT_CATEGORY_ID, DemoCatalogue, DemoCategory, DemoProduct
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse

Json = dict[str, Any]

PLAIN: Final = "Default variant"
RATES: Final = {"eur": 0.6, "jpy": 100, "kwd": 0.2}
"""Units of other currencies for one Australian dollar."""
DIGITS: Final = {"jpy": 0, "kwd": 3}
COURIER: Final = "Brine Bike"


def prices(cents: int) -> list[Json]:
    """A price in every currency, in major units."""
    amounts = {"aud": cents / 100} | {
        code: round(cents / 100 * rate, DIGITS.get(code, 2)) for code, rate in RATES.items()
    }
    return [{"currency_code": code, "amount": amount} for code, amount in amounts.items()]


def stock_document(catalogue: DemoCatalogue | None = None) -> Json:
    """Regions, zones, categories, products and promotions of the shop."""
    catalogue = catalogue or pickle_warehouse()
    categories = [one for one in catalogue.categories.values() if one.id != ROOT_CATEGORY_ID]
    handles = _handles(categories)
    return {
        "regions": [
            {
                "name": "Home",
                "currency_code": "aud",
                "countries": ["au", "nz"],
                "is_tax_inclusive": True,
                "tax": {"au": 10},
            },
            {"name": "Europe", "currency_code": "eur", "countries": ["de", "fr"], "tax": {"de": 19, "fr": 20}},
            {"name": "Japan", "currency_code": "jpy", "countries": ["jp"], "is_tax_inclusive": True, "tax": {"jp": 10}},
            {"name": "Kuwait", "currency_code": "kwd", "countries": ["kw"], "tax": {}},
        ],
        "zones": [
            {
                "name": "Australia",
                "countries": ["au"],
                "options": [
                    {"name": "Parcel Post", "code": "parcel", "prices": prices(1195)},
                    {"name": "Express Post", "code": "express", "prices": prices(1745)},
                ],
            },
            {
                "name": "Abroad",
                "countries": ["nz", "de", "fr", "jp", "kw"],
                "options": [{"name": "International Standard", "code": "abroad", "prices": prices(1995)}],
            },
        ],
        "categories": [
            {
                "name": one.name,
                "handle": handles[one.id],
                "description": one.description,
                "parent": handles.get(one.parent),
            }
            for one in sorted(categories, key=lambda one: (one.level, one.position))
        ],
        "products": [_product(one, catalogue, handles) for one in catalogue.products.values() if _fits(one)],
        "promotions": [
            _promotion("SAVE10", percent=10),
            _promotion("PICKLE5", amount=5),
            _promotion("BIGDILL20", amount=20, least=150),
            _promotion("LASTSUMMER", percent=25, status="inactive"),
        ],
    }


def _handles(categories: Iterable[DemoCategory]) -> dict[int, str]:
    """A handle for each category, which Medusa wants to be unique: with those above it where another has the same."""
    handles: dict[int, str] = {}
    for one in categories:
        taken = one.url_key in handles.values()
        handles[one.id] = one.url_path.replace("/", "-") if taken else one.url_key
    return handles


def _fits(product: DemoProduct) -> bool:
    """Whether Medusa can have it: no options that a buyer fills in, and nothing that is put together."""
    return product.parent is None and product.kind == "simple" and not product.options and not product.disabled


def _product(product: DemoProduct, catalogue: DemoCatalogue, handles: dict[int, str]) -> Json:
    axes = [catalogue.attributes[code] for code in product.axes]
    forms = [catalogue.products[child] for child in product.variants] or [product]

    def chosen(form: DemoProduct) -> dict[str, str]:
        return {axis.label: axis.label_of(form.attributes[axis.code]) for axis in axes} or {"Form": PLAIN}

    labels = [axis.label for axis in axes] or ["Form"]
    return {
        "title": product.name,
        "handle": product.url_key,
        "subtitle": product.summary,
        "description": product.description,
        "categories": [handles[one] for one in product.categories],
        "options": [
            {"title": label, "values": list(dict.fromkeys(chosen(form)[label] for form in forms))} for label in labels
        ],
        "variants": [
            {
                "title": " / ".join(chosen(form).values()),
                "sku": form.sku,
                "options": chosen(form),
                "prices": prices(product.cents),
                "sale": None if product.sale_cents is None else prices(product.sale_cents),
                "stock": form.stock,
            }
            for form in forms
        ],
    }


def _promotion(
    code: str, *, percent: int | None = None, amount: int = 0, least: int | None = None, status: str = "active"
) -> Json:
    method = {
        "type": "fixed" if percent is None else "percentage",
        "target_type": "items",
        "allocation": "across",
        "value": amount if percent is None else percent,
        "currency_code": "aud",
    }
    rules = [] if least is None else [{"attribute": "item_total", "operator": "gte", "values": [str(least)]}]
    kind = {"code": code, "type": "standard", "status": status, "is_automatic": False}
    return {**kind, "rules": rules, "application_method": method}
