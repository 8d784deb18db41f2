"""What the stand-in remembers: its goods from a stock document, carts and orders."""

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from storefront_mcp.demo.customers import DemoPerson
from tests.fakes.medusa.stock import Json, stock_document

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_PART = 2**80
"""Of a ULID, below its time."""
SCATTER = 0x9E3779B97F4A7C15F39D
BEGAN = "2026-01-15T10:00:00.000Z"
PUBLISHED: Json = {"status": "published", "created_at": BEGAN, "updated_at": BEGAN}
"""What every product says that nobody has changed."""


class MedusaState(Struct, kw_only=True):
    """One shop."""

    key: str = "pk_" + "5f" * 32
    secret_key: str = "sk_" + "7a" * 32
    regions: dict[str, Json] = {}
    categories: dict[str, Json] = {}
    products: dict[str, Json] = {}
    variants: dict[str, Json] = {}
    """By id, each with the id of its `product` and its `stock`."""
    shipping: dict[str, Json] = {}
    """Options by id, with the `countries` of their zone and the `prices`."""
    promotions: dict[str, Json] = {}
    """By code, with their rules."""
    carts: dict[str, Json] = {}
    orders: dict[str, Json] = {}
    collections: dict[str, Json] = {}
    """Payment collections by id."""
    customers: dict[str, Json] = {}
    """By id: those with an account, and a guest for each e-mail address of a cart."""
    identities: dict[str, Json] = {}
    """By e-mail address as it was registered: a password, the id of its `customer`, and what else is asked for."""
    challenges: dict[str, Json] = {}
    """Of second factors, by id."""
    auth_providers: tuple[str, ...] = ("emailpass",)
    jwt_secret: str = "test-only"
    token_seconds: int = 86_400
    clock: Callable[[], float] = time.time
    numbers: Iterator[int] = itertools.count(1)

    def id(self, kind: str, *, together: bool = False) -> str:
        """A new id: ULIDs, which sort by the millisecond they were made in; those made `together` are in no order."""
        made, digits = next(self.numbers), ""
        number = made * SCATTER % RANDOM_PART if together else made * RANDOM_PART
        for _ in range(26):
            number, digit = divmod(number, len(ALPHABET))
            digits = ALPHABET[digit] + digits
        return f"{kind}_{digits}"

    def by_sku(self, sku: str) -> Json:
        """The variant with this SKU."""
        return next(one for one in self.variants.values() if one["sku"] == sku)

    def product_of(self, sku: str) -> Json:
        """The product of the variant with this SKU."""
        found: Json = self.products[self.by_sku(sku)["product"]]
        return found

    def change(self, sku: str, **fields: Any) -> None:
        """Save a product with other fields, which moves its date; the staff's change of a variant does not."""
        product = self.product_of(sku)
        moved = dt.datetime.fromtimestamp(time.time(), dt.UTC).isoformat(timespec="milliseconds")
        product |= {**fields, "updated_at": moved.replace("+00:00", "Z")}

    def add_identity(self, email: str, password: str) -> Json:
        """A password of nobody yet."""
        kept = {"email": email, "password": password, "customer": None, "second_factor": None, "unverified": False}
        made = self.identities[email] = {"id": self.id("authid"), **kept}
        return made

    def add_customer(self, email: str, *, has_account: bool, **told: Any) -> Json:
        """A customer, or a guest."""
        names = dict.fromkeys(("first_name", "last_name", "company_name", "phone"))
        made = {"id": self.id("cus"), "email": email, "has_account": has_account, **names, **told, "addresses": []}
        self.customers[made["id"]] = made
        return made

    def add_people(self, people: Iterable[DemoPerson]) -> None:
        """Customers with an account; who has not confirmed an e-mail address has to do so first."""
        for one in people:
            made = self.add_customer(one.email, has_account=True, first_name=one.firstname, last_name=one.lastname)
            self.add_identity(one.email, one.password).update(
                customer=made["id"], second_factor=one.second_factor, unverified=not one.confirmed
            )

    def owner_of(self, cart: Json, email: str) -> Json:
        """Whose a cart is once it has this e-mail address: the account's of that address, also without a sign-in.

        One that was a guest's of another address becomes a guest's again.
        """
        known = [one for one in self.customers.values() if one["email"] == email.lower()]
        found = self.customers.get(cart["customer_id"] or "") or next(iter(known), None)
        if found is not None and not found["has_account"] and found["email"] != email.lower():
            found = next((one for one in known if not one["has_account"]), None)
        return found or self.add_customer(email.lower(), has_account=False)

    def tax_percent(self, cart: Json) -> int:
        """The tax of a cart, which none has until an address tells its country."""
        country = (cart["shipping_address"] or {}).get("country_code")
        return int(self.regions[cart["region_id"]]["tax"].get(country, 0)) if country else 0


def stocked(document: Json | None = None) -> MedusaState:
    """A shop with the goods of a stock document."""
    state = MedusaState(numbers=itertools.count(1))
    document = document or stock_document()
    for region in document["regions"]:
        made = state.id("reg")
        state.regions[made] = {"is_tax_inclusive": False, **region, "id": made}
    for zone in document["zones"]:
        for option in zone["options"]:
            made = state.id("so")
            state.shipping[made] = {**option, "id": made, "countries": zone["countries"]}
    handles: dict[str | None, str] = {}
    for category in document["categories"]:
        made = handles[category["handle"]] = state.id("pcat")
        state.categories[made] = {**category, "id": made, "parent": handles.get(category["parent"])}
    for product in document["products"]:
        _add_product(state, product, handles)
    state.promotions = {one["code"]: {**one, "id": state.id("promo")} for one in document["promotions"]}
    return state


def _add_product(state: MedusaState, product: Json, handles: dict[str | None, str]) -> None:
    made = state.id("prod", together=True)
    options = {one["title"]: {"id": state.id("opt"), **one} for one in product["options"]}
    state.products[made] = {
        **{name: product.get(name) for name in ("title", "handle", "subtitle", "description", "thumbnail")},
        "id": made,
        "options": options,
        "category_ids": [handles[one] for one in product["categories"]],
        "variants": [],
        "images": product.get("images", []),
        **PUBLISHED,
    }
    for variant in product["variants"]:
        id_ = state.id("variant")
        state.products[made]["variants"].append(id_)
        kept: dict[str, Any] = {
            "manage_inventory": True,
            "allow_backorder": False,
            "sale": None,
            "requires_shipping": True,
        }
        state.variants[id_] = {**kept, **variant, "id": id_, "product": made}
