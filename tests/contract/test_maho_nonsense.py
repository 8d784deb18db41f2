"""Whatever JSON a shop sends, the adapter answers with a shop's word and never with a traceback."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect, order_previews, order_shapes, shapes
from storefront_mcp.backends.postal.regions import OfferedRegion
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.conftest import CART
from tests.contract.ordering import DRAFT, PREPAID
from tests.often import often

pytestmark = pytest.mark.slow

ID = CartId(CART)
STRANGE = st.sampled_from(["", "NaN", "1e999999", "-1e-999999", "sNaN", "<b>&#0;", "\u202e", "configurable", "percent"])
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5), STRANGE)
AMOUNTS = st.sampled_from([0, 5, 19.95, "7.5", -3, "NaN", "sNaN", "1e999999", "-1e-999999", 10**30])
TEXTS = st.sampled_from(["", "a", "1", "<p>x</p><script>", "\u202e", "configurable", "percent", "checkbox", "fixed"])


def like(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that resemble a shape: its own field names, mostly with values of the right type."""
    fields = {one.encode_name: _mostly(one.name, one.type) for one in msgspec.structs.fields(kind)}
    required = {name: fields.pop(name) for name in ("id", "sku", "code") if name in fields}
    return st.fixed_dictionaries(required, optional=fields)


def _mostly(name: str, kind: Any) -> st.SearchStrategy[Any]:
    strange = st.one_of(SCALARS, st.just([]), st.just({}))
    return st.integers(0, 30).flatmap(lambda n: strange if n == 30 else _usual(name, kind))


def _usual(name: str, kind: Any) -> st.SearchStrategy[Any]:
    inner, text = _structs(kind), str(kind)
    if inner:
        return st.lists(like(inner[0]), max_size=2) if "list" in text else like(inner[0])
    if name == "currency":
        return st.just("USD")
    if "dict" in text:
        return st.dictionaries(TEXTS, st.integers(0, 9), max_size=2)
    if "Decimal" in text:
        return AMOUNTS
    if "bool" in text:
        return st.booleans()
    one = st.integers(0, 9) if "int" in text else TEXTS
    return st.lists(one, max_size=2) if "list" in text else one


def _structs(kind: Any) -> list[type[msgspec.Struct]]:
    if isinstance(kind, type) and not hasattr(kind, "__args__") and issubclass(kind, msgspec.Struct):
        return [kind]
    return [found for part in getattr(kind, "__args__", ()) for found in _structs(part)]


async def known_product(shop: MahoBackend) -> object:
    shop._products._numbers["1"] = 1
    return await shop.product("1")


async def place(shop: MahoBackend) -> object:
    shop._addresses._config[None] = shapes.StoreConfig(allowed_countries=["AU", "NZ"])
    shop._addresses._regions["AU"] = (OfferedRegion(575, "VIC", "Victoria"),)
    shop._addresses._regions["NZ"] = ()
    return await shop.place_order(ID, DRAFT, PREPAID)


ASKED: list[tuple[type[msgspec.Struct], bool, Callable[[MahoBackend], Awaitable[object]]]] = [
    (shapes.ListedProduct, True, lambda shop: shop.search(SearchQuery(text="a", category=CategoryId("1")))),
    (shapes.ListedProduct, True, lambda shop: shop.search(SearchQuery())),
    (shapes.ProductDetail, True, lambda shop: shop.product("1")),
    (shapes.ProductDetail, False, lambda shop: shop._products.read(1)),
    (shapes.ProductDetail, False, known_product),
    (shapes.CategoryShape, True, lambda shop: shop.categories(None, depth=1)),
    (shapes.CategoryShape, False, lambda shop: shop.category("1")),
    (shapes.LayeredFilter, True, lambda shop: shop.facets(CategoryId("1"))),
    (shapes.CmsPage, True, lambda shop: shop.page("a")),
    (shapes.GuestCart, False, lambda shop: shop.cart(ID)),
    (shapes.GuestCart, False, lambda shop: shop.update_line(ID, LineId("1"), 1)),
    (shapes.GuestCart, False, lambda shop: shop.add_line(ID, Sku("1"), 1, {"1": "1"})),
    (shapes.GuestCart, False, lambda shop: shop.apply_coupon(ID, "X")),
    (shapes.GuestCart, False, lambda shop: shop.apply_gift_card(ID, "X")),
    (shapes.GuestCart, False, lambda shop: shop.remove_gift_card(ID, "X")),
    (shapes.StoreConfig, False, lambda shop: shop.shipping_methods(ID, Address(country="AU", region="VIC"))),
    (shapes.QuotedCart, False, lambda shop: shop.shipping_methods(ID, Address(country="AU", region="VIC"))),
    (shapes.GuestCart, False, lambda shop: shop.quote_order(ID, DRAFT)),
    (order_previews.AddressedCart, False, lambda shop: shop.preview_order(ID, DRAFT)),
    (shapes.PayableCart, False, lambda shop: shop.payment_methods(ID)),
    (shapes.PaymentMethodShape, False, lambda shop: shop.payment_methods(ID)),
    (order_shapes.PlacedOrderShape, False, place),
    (order_shapes.OrderTotalShape, False, place),
    (shapes.GuestCart, False, lambda shop: shop.find_order(ID, "chk_1")),
    (shapes.ErrorBody, False, lambda shop: shop.add_line(ID, Sku("1"), 1, {})),
]


@pytest.mark.parametrize(("kind", "listed", "ask"), ASKED)
@settings(
    max_examples=often(40), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.data())
def test_nonsense_is_never_a_traceback(
    kind: type[msgspec.Struct], listed: bool, ask: Callable[[MahoBackend], Awaitable[object]], data: st.DataObject
) -> None:
    found = data.draw(st.one_of(like(kind), SCALARS, st.lists(SCALARS, max_size=2)))
    body = {"totalItems": 1, "member": [found]} if listed else found
    status = data.draw(st.sampled_from([200, 200, 200, 400, 404, 422]))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=msgspec.json.encode(body), headers={"content-type": "application/json"})

    async def asked() -> bytes:
        """What was understood, as an agent would read it; empty where the shop's answer was refused."""
        shop, close = connect(MahoConfig(url="https://shop.example"), "USD", transport=httpx.MockTransport(answer))
        understood = b""
        with suppress(ShopError):
            understood = msgspec.json.encode(await ask(shop))
        await close()
        return understood

    assert isinstance(asyncio.run(asked()), bytes)
