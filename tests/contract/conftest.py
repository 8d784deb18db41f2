"""Shops for adapters: every kind for the common contract; for Maho the demo shop, and scripted answers besides."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import respx

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.payments.served_methods import CAPTURE_FIELDS
from tests.contract.shops import OPENERS
from tests.contract.shops.contract_shop import ContractShop
from tests.fakes.demo_shop import ControlledShop, UnsafeBehaviours, demo_shop
from tests.serving import served

CART = "0123456789abcdef0123456789abcdef"
API = "https://shop.example/api/rest/v2"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["26.7 and later", pytest.param("the older fork", marks=pytest.mark.slow)])
def demo(request: pytest.FixtureRequest) -> Iterator[tuple[str, ControlledShop]]:
    """A demo shop of its own behind a real socket."""
    shop = demo_shop(unsafe=UnsafeBehaviours(older_fork=request.param == "the older fork"))
    with served(shop) as origin:
        yield origin, shop


@pytest.fixture
async def shop(demo: tuple[str, ControlledShop]) -> AsyncIterator[MahoBackend]:
    """The adapter, set up for an Australian shop that shows prices with GST."""
    backend, close = connect(
        MahoConfig(url=demo[0], prices_include_tax=True, known=KnownOrigins(others=(demo[0],), website=demo[0])), "AUD"
    )
    yield backend
    await close()


@pytest.fixture(params=sorted(OPENERS))
async def every(request: pytest.FixtureRequest) -> AsyncIterator[ContractShop]:
    """A shop of each kind, with its adapter."""
    async with OPENERS[request.param]() as opened:
        yield opened


@pytest.fixture
def script() -> respx.Router:
    """Answers by path; what is not scripted is a failing test."""
    return respx.Router(base_url=API, assert_all_called=False)


@pytest.fixture
async def scripted(script: respx.Router, clock: Clock) -> AsyncIterator[MahoBackend]:
    """The adapter over scripted answers, set up for US dollars without tax."""
    backend, close = connect(
        MahoConfig(
            url="https://shop.example/",
            known=KnownOrigins("https://shop.example/"),
            store_code="eu",
            limits=ClientLimits(total=5),
            capture_fields=CAPTURE_FIELDS,
        ),
        "USD",
        transport=httpx.MockTransport(script.async_handler),
        clock=clock,
    )
    yield backend
    await close()


def members(*found: dict[str, Any], total: int | None = None) -> httpx.Response:
    """A collection as the shop writes it."""
    return ld({"@type": "Collection", "totalItems": len(found) if total is None else total, "member": list(found)})


def ld(body: object, status: int = 200) -> httpx.Response:
    """A body as the shop sends it."""
    return httpx.Response(status, json=body, headers={"content-type": "application/ld+json; charset=utf-8"})


def refused(status: int, message: str = "Not Found", error: str = "bad_request") -> httpx.Response:
    """The shop's one error shape."""
    return httpx.Response(status, json={"error": error, "message": message, "code": status})


def cart_body(**changed: Any) -> dict[str, Any]:
    """A cart with one line."""
    line = {"id": 7, "sku": "PAD-2", "name": "Paddle", "qty": 2, "price": 14.5, "rowTotal": 29, "productId": 2}
    prices = {"subtotal": 29, "taxAmount": 0, "shippingAmount": None, "discountAmount": None, "grandTotal": 29}
    return {"maskedId": CART, "items": [line], "prices": prices, "currency": "USD"} | changed
