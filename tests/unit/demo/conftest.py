"""A shop, a client and the few calls that every story begins with."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.fakes.demo_shop import ControlledShop, UnsafeBehaviours, demo_shop

LD = "application/ld+json"
HOME_ADDRESS = {
    "firstName": "Ada",
    "lastName": "Brine",
    "street": "12 Barrel Lane\nUnit 3",
    "city": "Brunswick",
    "region": "VIC",
    "postcode": "3056",
    "countryId": "AU",
    "telephone": "0390000000",
}


class Guest:
    """One client of one shop, and its cart."""

    def __init__(self, shop: ControlledShop) -> None:
        self.shop = shop
        self.cart = ""
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(shop), base_url="http://shop.test/api/rest/v2", headers={"accept": LD}
        )

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, **options)

    async def new_cart(self) -> str:
        self.cart = (await self.http.post("/guest-carts", json={})).json()["maskedId"]
        return self.cart

    async def ask(self, method: str, path: str = "", body: dict[str, Any] | None = None) -> httpx.Response:
        """A call below this guest's cart."""
        return await self.http.request(method, f"/guest-carts/{self.cart}{path}", json=body)

    async def add(self, sku: str, qty: Any = 1, **more: Any) -> httpx.Response:
        return await self.ask("POST", "/items", {"sku": sku, "qty": qty, **more})

    async def place(self, **changes: Any) -> httpx.Response:
        """Place the order with everything right, but for the changes; a change to None leaves the key out."""
        body = {
            "email": "ada@example.com",
            "shippingAddress": HOME_ADDRESS,
            "billingAddress": HOME_ADDRESS,
            "shippingMethod": "auspost_express",
            "paymentMethod": "checkmo",
        } | changes
        return await self.ask("POST", "/place-order", {key: value for key, value in body.items() if value is not None})


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def guest_of() -> AsyncIterator[Callable[..., Guest]]:
    """Makes a guest of a new shop; arguments go to `tests.fakes.demo_shop`."""
    guests: list[Guest] = []

    def make(**options: Any) -> Guest:
        guests.append(Guest(demo_shop(**options)))
        return guests[-1]

    yield make
    for guest in guests:
        await guest.http.aclose()


@pytest.fixture
def guest(guest_of: Callable[..., Guest], clock: Clock) -> Guest:
    """A guest of the safe shop."""
    return guest_of(clock=clock)


@pytest.fixture
def reckless(guest_of: Callable[..., Guest]) -> Guest:
    """A guest of a shop as unsafe as the real thing."""
    return guest_of(unsafe=UnsafeBehaviours(duplicate_orders=True, opaque_errors=True, unchecked_orders=True))
