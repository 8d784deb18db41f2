"""What the stand-in remembers: stock, carts by session, orders; and its tokens and amounts."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.customers import DemoPerson

MERCHANT_KEY = "ck_0123456789abcdef0123456789abcdef01234567"
MERCHANT_SECRET = "cs_76543210fedcba9876543210fedcba9876543210"
TOKEN_SECONDS = 48 * 3600
TaxMode = Literal["none", "included", "added"]
COUPONS = {"save10": ("percent", 10, 0), "pickle5": ("fixed_cart", 500, 0), "bigdill20": ("fixed_cart", 2000, 15000)}
"""Code to kind, percent or cents, and the least that the goods must cost in cents."""
METHODS = ("bacs", "cheque", "cod")
HOME_RATES = {
    "flat_rate:1": ("Flat rate", 1000),
    "flat_rate:3": ("Express", 1850),
    "free_shipping:2": ("Free shipping", 0),
}
"""Name and cents by rate."""
ABROAD_RATES = {"flat_rate:5": ("International", 2500), "flat_rate:6": ("International express", 4800)}
STATUS_OF_METHOD = {"bacs": "on-hold", "cheque": "on-hold", "cod": "processing"}
TITLE_OF_METHOD = {"bacs": "Direct bank transfer", "cheque": "Check payments", "cod": "Cash on delivery"}
DEFAULT_COUNTRY = {"AUD": ("AU", "VIC"), "USD": ("US", "CA")}


class Refused(Exception):
    """A refusal in WordPress's one error shape."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "data": {"status": status, **data}}


class WooLine(Struct, kw_only=True):
    """A line of a cart."""

    key: str
    product: int
    quantity: int


class WooCart(Struct, kw_only=True):
    """A session's cart."""

    session: str
    lines: dict[str, WooLine] = {}
    coupons: list[str] = []
    billing: dict[str, str] = {}
    shipping: dict[str, str] = {}
    rates: dict[int, str] = {}
    """What was chosen, by package."""


class WooCustomer(Struct, kw_only=True):
    """A user of the site."""

    id: int
    email: str
    first_name: str
    last_name: str
    role: str = "customer"
    billing: dict[str, str]
    """Whose fields are all empty until there is an address."""
    shipping: dict[str, str]


class WooOrder(Struct, kw_only=True):
    """An order."""

    id: int
    session: str
    key: str
    status: str
    method: str
    note: str
    email: str
    total: int
    """In the shop's units."""
    cart: dict[str, Any]
    """As it was ordered."""
    number: str = ""
    """Where an extension gives it another one than its id."""
    customer: int = 0
    """The id of whose it is; 0 for a guest's."""
    made: float = 0.0
    transaction: str = ""
    paid_at: str | None = None
    payments_completed: int = 0
    """How often the shop was told of its payment, and took it."""
    refunds: list[int] = []
    notes: list[tuple[str, bool]] = []


class WooState:
    """One shop."""

    def __init__(
        self,
        *,
        currency: str = "AUD",
        decimals: int = 2,
        tax: TaxMode = "none",
        packages: int = 1,
        catalogue: DemoCatalogue | None = None,
        own_prices: bool = False,
        methods: tuple[str, ...] = METHODS,
        pictures: bool = False,
        served: tuple[str, ...] = ("AU", "NZ", "US"),
        abroad: tuple[str, ...] = ("NZ",),
        home_rates: Mapping[str, tuple[str, int]] = HOME_RATES,
        abroad_rates: Mapping[str, tuple[str, int]] = ABROAD_RATES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.currency = currency
        self.decimals = decimals
        self.tax = tax
        self.packages = packages
        """In how many parts a cart of several lines is sent."""
        self.catalogue = catalogue or pickle_warehouse()
        self.clock = clock
        self.secret = b"salt"
        self.stock = {one.sku: one.stock for one in self.catalogue.products.values()}
        self.backorders: set[str] = set()
        self.carts: dict[str, WooCart] = {}
        self.orders: dict[int, WooOrder] = {}
        self.customers: dict[int, WooCustomer] = {}
        self.pictures = pictures
        """Whether products have one each."""
        self.served = served
        self.abroad = abroad
        """Countries of the zone with `abroad_rates`."""
        self.own_prices = own_prices
        """Whether a variation costs what it says itself, not what its parent does."""
        self.methods = methods
        """Those that are switched on, of `METHODS`."""
        self.home_rates = home_rates
        self.abroad_rates = abroad_rates
        self.demands_phone = False
        self.may_read = True
        self.may_write = True
        """What the merchant's key may do."""
        self.may_read_customers = True
        self.takes_guests = True
        self.visibility: dict[str, str] = {}
        """By SKU: `catalog`, `search` or `hidden` of what is not shown everywhere."""
        self.drafts: set[str] = set()
        """SKUs of what is not published."""
        self.unpriced: set[str] = set()
        """SKUs of what has no price, which nobody can buy."""
        self.hides_sold_out = False
        """Whether lists leave out what is sold out, variations too."""
        self.sales: dict[str, tuple[str, str]] = {}
        """By SKU, when its reduction begins and ends, in UTC."""
        self.began = clock() - 30 * 24 * 3600
        self.changed: dict[str, float] = {}
        """By SKU, when it was saved last, if not when the shop began."""
        self.ahead_seconds = 11 * 3600
        """The shop's local time minus UTC."""
        self.asked: list[tuple[str, str]] = []
        """Method and path of each request."""
        self._numbers = itertools.count(1)
        self.order_numbers = itertools.count(501)

    # Tokens -----------------------------------------------------------------------------------------------------------

    def token(self, session: str) -> str:
        """A fresh token of a session."""
        claims = {"user_id": session, "exp": int(self.clock()) + TOKEN_SECONDS, "iss": "store-api"}
        signed = f"{_base64({'alg': 'HS256', 'typ': 'JWT'})}.{_base64(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def session(self, token: str) -> str | None:
        """The session of a token; None for one that does not verify or is over."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        payload = signed.partition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims["user_id"] if claims["exp"] > self.clock() else None

    def _signature(self, signed: str) -> str:
        digest = hmac.digest(self.secret, signed.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def cart(self, session: str | None) -> WooCart:
        """The cart of a session, empty where the shop does not know it; a new session for None."""
        named = session or f"t_{hashlib.sha256(str(next(self._numbers)).encode()).hexdigest()[:30]}"
        if named not in self.carts:
            country, region = DEFAULT_COUNTRY.get(self.currency, ("AU", "VIC"))
            place = {**dict.fromkeys(ADDRESS_KEYS, ""), "country": country, "state": region}
            self.carts[named] = WooCart(session=named, billing={**place, "email": ""}, shipping=dict(place))
        return self.carts[named]

    def find_cart(self, token: str) -> WooCart:
        """For tests: the cart behind a token."""
        session = self.session(token)
        assert session is not None
        return self.carts[session]

    # Customers --------------------------------------------------------------------------------------------------------

    def add_customer(self, email: str, first_name: str, last_name: str, *, role: str = "customer") -> WooCustomer:
        """A user of the site, without an address; the first one is number 2, as whoever set it up is number 1."""
        number = len(self.customers) + 2
        made = WooCustomer(
            id=number,
            email=email,
            first_name=first_name,
            last_name=last_name,
            role=role,
            billing=dict.fromkeys((*ADDRESS_KEYS, "email"), ""),
            shipping=dict.fromkeys(ADDRESS_KEYS, ""),
        )
        self.customers[number] = made
        return made

    def add_people(self, people: Iterable[DemoPerson]) -> None:
        """Customers; who has not confirmed an e-mail address has another role."""
        for one in people:
            role = "customer" if one.confirmed else "subscriber"
            self.add_customer(one.email, one.firstname, one.lastname, role=role)

    def claim(self, number: str, email: str) -> None:
        """Make an order a customer's, as its checkout does where they are signed in at the shop's website."""
        owner = next(one for one in self.customers.values() if one.email == email)
        self.orders[int(number)].customer = owner.id

    # Amounts and products ---------------------------------------------------------------------------------------------

    def units(self, cents: int) -> int:
        """Cents as the shop's whole units."""
        return round(cents * 10**self.decimals / 100)

    @property
    def money(self) -> dict[str, Any]:
        """What stands beside every amount."""
        return {
            "currency_code": self.currency,
            "currency_symbol": "$",
            "currency_minor_unit": self.decimals,
            "currency_decimal_separator": ".",
            "currency_thousand_separator": ",",
            "currency_prefix": "$",
            "currency_suffix": "",
        }

    def taxed(self, amount: int, *, shown: bool) -> tuple[int, int]:
        """Net and tax of an amount; `shown` as the catalogue shows it, else net."""
        if self.tax == "none":
            return amount, 0
        if self.tax == "included" and shown:
            tax = round(amount / 11)
            return amount - tax, tax
        return amount, round(amount / 10)

    def sellable(self, product: DemoProduct) -> bool:
        """Whether it can be read at all."""
        parent = None if product.parent is None else self.catalogue.products[product.parent]
        return not product.disabled and self.drafts.isdisjoint({product.sku, "" if parent is None else parent.sku})

    def replace(self, product: DemoProduct) -> None:
        """Save a product as it is now."""
        self.catalogue = replace(self.catalogue, products={**self.catalogue.products, product.id: product})
        self.changed[product.sku] = self.clock()

    def by_sku(self, sku: str) -> DemoProduct:
        """The product with this SKU."""
        return next(one for one in self.catalogue.products.values() if one.sku == sku)

    def priced(self, product: DemoProduct) -> DemoProduct:
        """What tells the price: of a variation its parent, unless the shop has `own_prices`."""
        return product if product.parent is None or self.own_prices else self.catalogue.products[product.parent]

    def find(self, number: int) -> DemoProduct | None:
        """A product or variation."""
        found = self.catalogue.products.get(number)
        return found if found is not None and self.sellable(found) else None

    def left(self, product: DemoProduct) -> int | None:
        """Pieces that can be sold; None where backorders are taken, or it is a parent."""
        if product.variants or product.sku in self.backorders:
            return None
        return max(self.stock[product.sku], 0)

    def in_stock(self, product: DemoProduct) -> bool:
        """Whether anything of it can be bought."""
        if product.variants:
            return any(self.in_stock(self.catalogue.products[child]) for child in product.variants)
        return self.left(product) != 0


ADDRESS_KEYS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "phone",
)


def _base64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
