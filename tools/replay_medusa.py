"""Compare the stand-in for Medusa with recorded exchanges of a real one: `python -m tools.replay_medusa FOLDER`.

A recording is a JSON file with `case`, `request` (`method`, `path`, `headers`, `body`), `status` and `body`. The
stand-in is stocked with what the recordings show, and is asked the same in the order of `STORY`, each recorded id
standing for the one that the stand-in gave in its place. Of a success everything that the adapter reads has to be the
same, of a refusal its type, code and message. Each case is one line: alike, what differs, or not recorded. Exit code 1
when something differs.
"""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from storefront_mcp.backends.medusa import shapes
from tests.fakes.medusa.shop import MedusaShop
from tests.fakes.medusa.state import PUBLISHED, MedusaState
from tests.fakes.medusa.stock import Json

REFUSAL: Final = ("type", "code", "message")
ID: Final = re.compile(r"\b([a-z][a-z_]*)_[0-9A-HJKMNP-TV-Z]{26}\b")
READ: Final[tuple[tuple[str, Any], ...]] = (
    (r"GET /store/regions", shapes.RegionList),
    (r"GET /store/products", shapes.FoundProducts),
    (r"GET /store/product-categories", shapes.CategoryNodes),
    (r"GET /store/shipping-options", shapes.ShippingOptions),
    (r"GET /store/payment-providers", shapes.PaymentProviders),
    (r"POST /store/payment-collections(/[^/]+/payment-sessions)?", shapes.PaymentCollectionBody),
    (r"DELETE /store/carts/[^/]+/line-items/[^/]+", shapes.RemovedLine),
    (r"POST /store/carts/[^/]+/complete", shapes.CompletionBody),
    (r"\w+ /store/carts(/.*)?", shapes.CartBody),
    (r"GET /store/orders/[^/]+", shapes.OrderBody),
)
"""What the adapter reads of a success, by method and path."""
ONLY_WHETHER: Final = frozenset({"completed_at", "description", "subtitle", "thumbnail", "images"})
"""Fields of which only matters whether they are there."""
OF_ITS_OWN: Final = frozenset({"display_id", "display_name", "shipping_profile_id", "metadata"})
"""Fields that say what is in a shop, not how it speaks."""

STORY: Final = (
    *("products-missing-key", "products-bad-key", "regions", "products-search", "products-search-none"),
    *("products-search-without-region", "products-past-end", "products-by-handle", "products-by-sku"),
    *("products-unknown-param", "products-by-category", "products-order-title", "products-order-invalid"),
    *("product-by-id", "product-unknown", "categories-tree", "category-unknown-empty", "order-unknown"),
    *("cart-create", "cart-create-unknown-region", "cart-unknown", "cart-unknown-field", "complete-empty-cart"),
    *("line-add", "line-add-merges", "line-add-unknown-variant", "line-add-too-many", "line-add-quantity-zero"),
    *("line-add-bad-body", "line-update-unknown", "line-update", "line-update-zero-removes"),
    "line-remove-unknown",
    "line-add",
    *("promotion-apply", "promotion-unknown", "promotion-remove", "promotion-apply", "cart-address"),
    *("cart-address-country-outside-region", "shipping-options", "shipping-method-unknown", "shipping-method-set"),
    *("payment-providers", "complete-without-payment", "payment-collection"),
    *("payment-session-unknown-provider", "payment-session", "cart-ready", "complete", "complete-again"),
    *("cart-after-complete", "order-read", "line-add-completed-cart"),
)
"""Cases in the order in which they are asked; the same ones again where the next one needs what they do."""


BARE: Final = {
    "title": "",
    "subtitle": None,
    "description": None,
    "thumbnail": None,
    "images": ["https://images.example/1.png"],
}


def load(folder: Path) -> dict[str, Json]:
    """Recordings by case."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.json"))]
    return {one["case"]: one for one in found if "request" in one}


def stocked(recorded: Mapping[str, Json]) -> MedusaState:
    """A stand-in's state with the goods that recordings show, under their ids."""
    state = MedusaState(key="pk_PLACEHOLDER")
    for region in _body(recorded, "regions").get("regions", ()):
        countries = [one["iso_2"] for one in region["countries"]]
        state.regions[region["id"]] = {**region, "countries": countries, "is_tax_inclusive": False, "tax": {}}
    for category in _body(recorded, "categories-tree").get("product_categories", ()):
        state.categories[category["id"]] = {**category, "parent": None}
    within = {one["id"] for one in _body(recorded, "products-by-category").get("products", ())}
    path = recorded.get("products-by-category", {}).get("request", {}).get("path", "")
    category = path.partition("category_id[]=")[2].partition("&")[0]
    for product in _products(recorded):
        known = state.products.setdefault(product["id"], {**PUBLISHED, **BARE, "options": {}, "variants": []})
        known |= {name: product[name] for name in ("id", "title", "handle") if name in product}
        known |= {name: product[name] for name in ("subtitle", "description", "thumbnail") if name in product}
        known["category_ids"] = [category] if product["id"] in within else []
        for variant in product.get("variants", ()):
            _add_variant(state, known, variant)
    countries = [code for region in state.regions.values() for code in region["countries"]]
    for option in _body(recorded, "shipping-options").get("shipping_options", ()):
        amounts = [{"currency_code": one["currency_code"], "amount": one["amount"]} for one in state_prices(option)]
        state.shipping[option["id"]] = {**option, "countries": countries, "prices": amounts}
    for promotion in _body(recorded, "promotion-apply").get("cart", {}).get("promotions", ()):
        state.promotions[promotion["code"]] = {**promotion, "status": "active", "rules": []}
    return state


def state_prices(option: Json) -> list[Json]:
    """The prices of a recorded shipping option."""
    return [one for one in option["prices"] if not one["rules_count"]]


def _body(recorded: Mapping[str, Json], case: str) -> Json:
    found: Json = recorded.get(case, {}).get("body", {})
    return found


def _products(recorded: Mapping[str, Json]) -> Iterator[Json]:
    for case in ("products-order-title", "products-search", "product-by-id", "products-by-handle"):
        body = _body(recorded, case)
        yield from body.get("products", ())
        if "product" in body:
            yield body["product"]
    for exchange in recorded.values():
        items = exchange["body"].get("cart", {}).get("items", ()) if isinstance(exchange["body"], dict) else ()
        for item in items or ():
            variant = {"id": item["variant_id"], "sku": item["variant_sku"], "title": item["variant_title"]}
            told = {"id": item["product_id"], "title": item["product_title"], "handle": item["product_handle"]}
            yield {**told, "variants": [variant]}


def _add_variant(state: MedusaState, product: Json, variant: Json) -> None:
    if variant["id"] not in product["variants"]:
        product["variants"].append(variant["id"])
    plain: Json = {"manage_inventory": True, "allow_backorder": False, "sale": None, "stock": 1_000_000, "options": {}}
    known = state.variants.setdefault(
        variant["id"], {**plain, "requires_shipping": True, "prices": [], "title": "", "sku": ""}
    )
    known |= {name: variant[name] for name in ("id", "sku", "title") if name in variant}
    known["product"] = product["id"]
    for option in variant.get("options", ()):
        title = option["option"]["title"]
        known["options"][title] = option["value"]
        values = product["options"].setdefault(title, {"id": option["option"]["id"], "values": []})["values"]
        values += [option["value"]] if option["value"] not in values else []
    if (price := variant.get("calculated_price")) is not None:
        known["prices"] = [{"currency_code": price["currency_code"], "amount": price["original_amount"]}]


class Replay:
    """Asks the stand-in what was recorded, with its ids in place of the recorded ones."""

    def __init__(self, recorded: Mapping[str, Json]) -> None:
        self._recorded = recorded
        self._shop = MedusaShop(stocked(recorded))
        self._ids: dict[str, str] = {}
        """Recorded ids to the stand-in's."""

    async def run(self) -> Iterator[tuple[str, str]]:
        """Each case with what differs; empty where nothing does."""
        said: dict[str, str] = {}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._shop), base_url="http://shop.test") as client:
            for case in STORY:
                if case not in self._recorded:
                    said.setdefault(case, "not recorded")
                    continue
                differs = await self._ask(client, self._recorded[case])
                if case not in said:
                    said[case] = differs
        return iter(said.items())

    async def _ask(self, client: httpx.AsyncClient, exchange: Json) -> str:
        request = exchange["request"]
        headers = {name: value for name, value in request["headers"].items() if name.startswith("x-")}
        sent = {"json": json.loads(self._ours(json.dumps(request["body"])))} if request.get("body") is not None else {}
        answer = await client.request(request["method"], self._ours(request["path"]), headers=headers, **sent)
        body = answer.json() if answer.content else None
        if answer.status_code != exchange["status"]:
            return f"status {answer.status_code}, not {exchange['status']}: {str(body)[:120]}"
        self._learn(exchange["body"], body)
        if not answer.is_success:
            same = all(_masked(exchange["body"].get(name)) == _masked(body.get(name)) for name in REFUSAL)
            return "" if same else f"it refuses with {body}, not {exchange['body']}"
        shape = shape_of(request["method"], request["path"])
        if shape is None or not exchange["body"]:
            return ""
        return "; ".join(list(differences(told(exchange["body"], shape), told(body, shape)))[:3])

    def _ours(self, text: str) -> str:
        return ID.sub(lambda found: self._ids.get(found[0], found[0]), text)

    def _learn(self, theirs: Any, ours: Any) -> None:
        """Remember which id stands for which, where both have one in the same place."""
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for name in theirs.keys() & ours.keys():
                self._learn(theirs[name], ours[name])
        elif isinstance(theirs, list) and isinstance(ours, list):
            for one, other in zip(theirs, ours, strict=False):
                self._learn(one, other)
        elif isinstance(theirs, str) and isinstance(ours, str) and ID.fullmatch(theirs) and ID.fullmatch(ours):
            self._ids.setdefault(theirs, ours)


def shape_of(method: str, path: str) -> Any:
    """What the adapter reads of a success; None for a call that it does not make."""
    call = f"{method} {path.partition('?')[0]}"
    return next((shape for pattern, shape in READ if re.fullmatch(pattern, call)), None)


def told(body: Any, shape: Any) -> Any:
    """What the adapter reads of a body, as plain values."""
    return msgspec.to_builtins(msgspec.convert(body, shape, strict=False), str_keys=True)


def differences(theirs: Any, ours: Any, where: str = "") -> Iterator[str]:
    """What the adapter reads in a recorded answer and finds otherwise in the stand-in's."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in theirs.keys() - OF_ITS_OWN:
            if name in ONLY_WHETHER:
                if theirs[name] and not ours.get(name):
                    yield f"{where}.{name} is missing"
            elif theirs[name] is not None:
                yield from differences(theirs[name], ours.get(name), f"{where}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{where} has {len(ours)} members, not {len(theirs)}"
        for one, other in zip(_in_order(theirs), _in_order(ours), strict=False):
            yield from differences(one, other, f"{where}[]")
    elif _masked(theirs) != _masked(ours):
        yield f"{where} is {ours!r}, not {theirs!r}"


def _in_order(members: list[Any]) -> list[Any]:
    """By SKU or value where they have one: the order of variants and of their options is nobody's promise."""
    return sorted(
        members, key=lambda one: str(one.get("sku") or one.get("value") or "") if isinstance(one, dict) else ""
    )


def _masked(value: object) -> object:
    return ID.sub(r"\1", value) if isinstance(value, str) else value


def main() -> int:
    """Print a line for each case; 1 when something differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    recorded = load(parser.parse_args().folder)
    found = list(asyncio.run(Replay(recorded).run()))
    for case, differs in found:
        print(f"{case:40} {differs or 'alike'}")
    wrong = [case for case, differs in found if differs not in {"", "not recorded"}]
    print(f"{len(found) - len(wrong)} alike or not recorded, {len(wrong)} different")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
