"""Odd answers of a MahoBackend shop, scripted: what is sent, and what is made of what comes back."""

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, strategies as st

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.backends.maho.prices import PriceMapper, TaxDisplay
from storefront_mcp.backends.maho.shapes import CartPrices
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.conftest import API, CART, Clock, cart_body, ld, members, refused

ID = CartId(CART)
ITEMS = f"/guest-carts/{CART}/items"
SCRATCH = "f" * 32
COUPON = f"/guest-carts/{CART}/coupon"


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def tried(script: respx.Router, answer: httpx.Response) -> respx.Route:
    """What the shop answers to the attempt to add something to a cart of nobody's."""
    script.post("/guest-carts").mock(return_value=ld({"maskedId": "e" * 32}, 201))
    return script.post(f"/guest-carts/{'e' * 32}/items").mock(return_value=answer)


def paddle(**changed: Any) -> dict[str, Any]:
    return {"id": 2, "sku": "PAD-2", "name": "Paddle", "price": 329, "finalPrice": 279, "urlKey": "pad-2"} | changed


def known(script: respx.Router, **changed: Any) -> None:
    """A product that is found by SKU and read by id."""
    whole = paddle(stockStatus="in_stock", stockQty=5, **changed)
    script.get("/products", params={"search": whole["sku"]}).mock(return_value=members(whole))
    script.get(f"/products/{whole['id']}").mock(return_value=ld(whole))


def unknown(script: respx.Router) -> None:
    """A SKU that neither the shop's search nor the cart that nobody uses has."""
    script.get("/products").mock(return_value=members())
    script.post("/guest-carts").mock(return_value=ld(cart_body(maskedId=SCRATCH, items=[])))
    script.post(f"/guest-carts/{SCRATCH}/items").mock(return_value=refused(400, 'Product with SKU "X" not found'))


def body(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


# What is sent ---------------------------------------------------------------------------------------------------------


async def test_every_call_names_form_store_and_currency(scripted: MahoBackend, script: respx.Router) -> None:
    route = script.post("/guest-carts").mock(return_value=ld(cart_body(items=[]), 201))

    assert (await scripted.create_cart()).cart_id == CART

    sent = route.calls.last.request
    assert sent.headers["accept"] == "application/ld+json"
    assert sent.headers["x-store-code"] == "eu"
    assert sent.headers["x-currency-code"] == "USD"
    assert sent.content == b"{}"


@pytest.mark.parametrize(
    ("search", "sent"),
    [
        (SearchQuery(text="paddle", size=5), {"search": "paddle", "page": "1", "pageSize": "5"}),
        (
            SearchQuery(category=CategoryId("3"), price_min=usd(1950), price_max=usd(20000), sort="newest", after="2"),
            {
                "categoryId": "3",
                "priceMin": "19.50",
                "priceMax": "200.00",
                "sortBy": "created_at",
                "sortDir": "desc",
                "page": "2",
                "pageSize": "10",
            },
        ),
    ],
)
async def test_only_documented_filters_are_sent(
    scripted: MahoBackend, script: respx.Router, search: SearchQuery, sent: dict[str, str]
) -> None:
    route = script.get("/products").mock(return_value=members())

    await scripted.search(search)

    assert dict(route.calls.last.request.url.params) == sent


async def test_sku_and_url_key_are_data_and_never_a_path(scripted: MahoBackend, script: respx.Router) -> None:
    unknown(script)
    for key in ("../../admin", "a/b?c=d&e", "x\u202ey"):
        with pytest.raises(errors.ProductNotFound):
            await scripted.product(key)
    assert {call.request.url.path for call in script.calls} == {"/api/rest/v2/products"}


@pytest.mark.parametrize(
    ("weight", "unit", "told"),
    [
        (0.5, "kg", "0.5 kg"),
        (12, "lbs", "12 lbs"),
        (0.0001, "kg", None),
        (0, "kg", None),
        (2, None, None),
        (1e300, "kg", None),
    ],
)
async def test_a_weight_is_told_with_the_shops_unit_or_not_at_all(
    scripted: MahoBackend, script: respx.Router, weight: float, unit: str | None, told: str | None
) -> None:
    known(
        script,
        weight=weight,
        additionalAttributes=[
            {"code": "manufacturer", "label": "Made by", "value": "Brine & Sons"},
            {"code": "heat", "label": "Heat", "value": "Mild"},
        ],
    )
    script.get(path__regex="/store-config$").respond(json={} if unit is None else {"weightUnit": unit})
    found = await scripted.product("PAD-2")

    assert (found.weight, found.brand) == (told, "Brine & Sons")


async def test_a_product_is_told_without_a_weight_where_the_shop_cannot_say_in_what(
    scripted: MahoBackend, script: respx.Router
) -> None:
    known(script, weight=2)
    script.get(path__regex="/store-config$").respond(500)

    assert (await scripted.product("PAD-2")).weight is None


# Products -------------------------------------------------------------------------------------------------------------


async def test_prices_pictures_and_texts_are_taken_with_care(scripted: MahoBackend, script: respx.Router) -> None:
    known(
        script,
        name="Paddle\u202e <b>Pro</b>",
        description="<p>One</p><script>alert(1)</script><p>Two</p>",
        imageUrl="javascript:alert(1)",
        urlPath="a b",
        stockItem=[],
        configurableOptions=[],
        customOptions=[
            {"id": 1, "title": "Name", "type": "field", "price": 10, "priceType": "percent", "maxCharacters": 9},
            {"id": 2, "title": "Day", "type": "time", "price": 0},
            {"id": 3, "title": "Extras", "type": "checkbox", "values": [{"id": 5, "title": "Bag", "price": 2.5}]},
        ],
    )
    found = await scripted.product("PAD-2")

    assert found.name == "Paddle Pro"
    assert found.description == "One\nTwo"
    assert (found.price, found.list_price, found.stock) == (usd(27900), usd(32900), 5)
    assert found.image is None
    assert found.url == "https://shop.example/a%20b"
    name, day, extras = found.custom_options
    assert (name.kind, name.surcharge, name.max_length) == ("text", usd(2790), 9)
    assert (day.kind, day.surcharge) == ("other", None)
    assert extras.values[0].surcharge == usd(250)


async def test_variants_without_labels_or_prices_are_still_shown(scripted: MahoBackend, script: respx.Router) -> None:
    known(
        script,
        type="configurable",
        configurableOptions=[{"code": "size", "values": [{"id": 8, "label": "S"}, {"id": 9, "label": "M"}]}],
        variants=[
            {"id": 7, "sku": "A", "price": 0, "finalPrice": 0, "attributes": {"size": 8}},
            {"id": 8, "sku": "B", "finalPrice": 300, "stockQty": 0, "attributes": {"size": "77"}},
            {"id": 9, "sku": "C", "attributes": [], "inStock": False, "stockQty": 1e30},
        ],
    )
    found = await scripted.product("PAD-2")

    assert [(one.options, one.price, one.stock) for one in found.variants] == [
        ({"size": "S"}, None, None),
        ({"size": "77"}, usd(30000), None),
        ({}, None, None),
    ]
    assert found.axes[0].values == ("S",)
    assert found.stock is None


@pytest.mark.parametrize("price", ["NaN", "sNaN", "1e999999", 10**15, "-Infinity"])
async def test_what_is_no_price_is_a_failing_shop(scripted: MahoBackend, script: respx.Router, price: object) -> None:
    script.get("/products").mock(return_value=members(paddle(price=price, finalPrice=price)))
    with pytest.raises(errors.ShopDown):
        await scripted.search(SearchQuery())
    known(script, customOptions=[{"id": 1, "title": "Name", "price": price, "priceType": "percent"}])
    with pytest.raises(errors.ShopDown):
        await scripted.product("PAD-2")


async def test_lists_say_what_must_be_chosen(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/products").mock(
        return_value=members(
            paddle(),
            paddle(type="configurable", finalPrice=0, minimalPrice=25, price=None),
            paddle(type="bundle"),
            paddle(hasRequiredOptions=True, stockStatus="out_of_stock"),
        )
    )
    found = (await scripted.search(SearchQuery())).products

    assert [one.choose for one in found] == [None, "variant", "options", "options"]
    assert found[1].price == usd(2500)
    assert [one.in_stock for one in found] == [True, True, True, False]


async def test_another_currency_than_ours_is_an_operators_mistake(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/products").mock(return_value=members(paddle(currency="EUR")))
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body(currency="EUR")))

    with pytest.raises(errors.ShopMisconfigured):
        await scripted.search(SearchQuery())
    with pytest.raises(errors.ShopMisconfigured):
        await scripted.cart(ID)


async def test_a_page_past_the_end_is_not_taken_for_more(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/products").mock(return_value=members(paddle(), total=11))

    assert (await scripted.search(SearchQuery(size=10))).next == "2"
    assert (await scripted.search(SearchQuery(size=10, after="2"))).next is None
    past = await scripted.search(SearchQuery(size=10, after="3"))
    assert (past.products, past.next, past.total) == ((), None, 11)


async def test_sifting_stops_after_a_few_pages_and_goes_on_from_there(
    scripted: MahoBackend, script: respx.Router
) -> None:
    script.get("/categories").mock(return_value=members())
    script.get("/categories/8").mock(return_value=ld({"id": 8}))
    route = script.get("/products").mock(
        side_effect=lambda request: members(
            *(paddle(sku=f"{request.url.params['page']}-{n}", categoryIds=[8 if n == 99 else 3]) for n in range(100)),
            total=10**6,
        )
    )
    first = await scripted.search(SearchQuery(text="paddle", category=CategoryId("8"), size=50))
    assert [one.sku for one in first.products] == [f"{page}-99" for page in range(1, 6)]
    assert (first.next, route.call_count) == ("6", 5)

    few = await scripted.search(SearchQuery(text="paddle", category=CategoryId("8"), size=2))
    assert few.next == "3.99"
    more = await scripted.search(SearchQuery(text="paddle", category=CategoryId("8"), size=1, after=few.next))
    assert [one.sku for one in more.products] == ["3-99"]


async def test_a_remembered_sku_that_moved_is_looked_up_anew(scripted: MahoBackend, script: respx.Router) -> None:
    known(script)
    await scripted.product("PAD-2")
    script.get("/products/2").mock(return_value=ld(paddle(sku="OTHER")))
    script.get("/products", params={"search": "PAD-2"}).mock(return_value=members(paddle(id=3)))
    script.get("/products/3").mock(return_value=ld(paddle(id=3)))

    assert (await scripted.product("PAD-2")).sku == "PAD-2"


async def test_a_url_key_must_be_exact_and_its_product_visible(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/products", params={"search": "pad"}).mock(return_value=members())
    script.get("/products", params={"urlKey": "pad"}).mock(
        return_value=members(paddle(urlKey="pad-2"), paddle(urlKey="pad", visibility="not_visible"))
    )
    tried(script, refused(400, "Product with SKU 'pad' not found"))
    with pytest.raises(errors.ProductNotFound):
        await scripted.product("pad")


# Categories and pages -------------------------------------------------------------------------------------------------


async def test_a_long_list_of_categories_is_read_to_its_end(scripted: MahoBackend, script: respx.Router) -> None:
    route = script.get("/categories").mock(
        side_effect=lambda request: members(
            *({"id": int(request.url.params["page"]) * 1000 + n, "isActive": n != 0} for n in range(100)), total=250
        )
    )
    assert len(await scripted.categories(None, depth=1)) == 297
    assert route.call_count == 3


async def test_a_list_without_an_end_is_not_read_forever(scripted: MahoBackend, script: respx.Router) -> None:
    route = script.get("/categories").mock(return_value=members({"id": 3, "childrenCount": 0}, total=10**9))

    await scripted.categories(None, depth=1)
    assert route.call_count == 10


async def test_a_bare_url_key_is_looked_for_on_every_level(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/url-resolver").mock(return_value=members())
    script.get("/categories", params={"parentId": "4"}).mock(return_value=members({"id": 9, "urlPath": "a/b/kids"}))
    script.get("/categories", params={"parentId": "9"}).mock(return_value=members())
    script.get("/categories").mock(return_value=members({"id": 3, "childrenCount": 0}, {"id": 4, "urlKey": "a"}))
    script.get("/categories/9").mock(return_value=ld({"id": 9, "name": "Kids"}))

    assert (await scripted.category("kids")).name == "Kids"
    with pytest.raises(errors.CategoryNotFound):
        await scripted.category("adults")


async def test_a_name_finds_its_category_unless_several_have_it(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/url-resolver").mock(return_value=members())
    script.get("/categories").mock(
        return_value=members(
            {"id": 3, "name": "Balls", "urlKey": "balls-in", "childrenCount": 0},
            {"id": 4, "name": "Balls", "urlKey": "balls-out", "childrenCount": 0},
            {"id": 5, "name": "Grips & Care", "urlKey": "grips", "childrenCount": 0},
        )
    )
    script.get("/categories/5").mock(return_value=ld({"id": 5, "name": "Grips & Care"}))

    assert (await scripted.category("grips & care")).id == "5"
    with pytest.raises(errors.CategoryNotFound):
        await scripted.category("Balls")


async def test_the_tree_is_kept_for_a_while(scripted: MahoBackend, script: respx.Router, clock: Clock) -> None:
    route = script.get("/categories").mock(return_value=members({"id": 3, "name": "A", "childrenCount": 0}))

    await scripted.categories(None, depth=4)
    await scripted.categories(None, depth=1)
    assert route.call_count == 1
    clock.now += 301
    await scripted.categories(None, depth=1)
    assert route.call_count == 2


async def test_a_shop_without_resolver_and_filters_still_has_categories(
    scripted: MahoBackend, script: respx.Router
) -> None:
    script.get("/url-resolver").mock(return_value=refused(404))
    script.get("/layered-filters").mock(return_value=refused(404))
    script.get("/categories").mock(return_value=members({"id": 3, "urlKey": "paddles", "childrenCount": 0}))
    script.get("/categories/3").mock(return_value=ld({"id": 3, "name": "Paddles", "isActive": True}))

    assert (await scripted.category("paddles")).name == "Paddles"
    assert await scripted.facets(CategoryId("3")) == ()
    with pytest.raises(errors.CategoryNotFound):
        await scripted.category("/")


async def test_an_inactive_category_or_page_does_not_exist(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/categories/3").mock(return_value=ld({"id": 3, "isActive": False}))
    script.get("/url-resolver").mock(return_value=members({"type": "category", "id": 3}))
    script.get("/categories").mock(return_value=members())
    script.get("/cms-pages").mock(return_value=members({"identifier": "about", "isActive": False}))

    with pytest.raises(errors.CategoryNotFound):
        await scripted.category("3")
    with pytest.raises(errors.PageNotFound):
        await scripted.page("about")


async def test_a_page_is_harmless_when_we_republish_it(scripted: MahoBackend, script: respx.Router) -> None:
    content = '<h2 onclick="x">Returns</h2><iframe src="//e"></iframe><p><a href="/a">a</a>{{store url=""}}</p>'
    script.get("/cms-pages").mock(return_value=members({"identifier": "returns", "title": "R", "content": content}))

    page = await scripted.page("returns")

    assert page.html.startswith('<h2>Returns</h2><p><a href="https://shop.example/a"')
    assert page.markdown == "## Returns\n\n[a](https://shop.example/a)"


# Carts ----------------------------------------------------------------------------------------------------------------


REFUSALS = [
    (refused(400, "Product with SKU 'X' not found"), errors.ProductNotFound),
    (refused(404, "Product not found"), errors.ProductNotFound),
    (refused(404, "Cart not found"), errors.CartGone),
    (refused(422, "This product is currently out of stock."), errors.OutOfStock),
    (refused(422, 'The requested quantity for "X" is not available.'), errors.NotEnoughStock),
    (refused(400, "Failed to add product: Please specify the product's option(s)."), errors.VariantNeeded),
    (refused(400, "Please specify the product required option <em>Name</em>."), errors.OptionsNeeded),
    (refused(400, "Failed to add product: The text is too long"), errors.OptionsNeeded),
    (refused(400, "Quantity cannot exceed 10,000"), errors.QuantityRefused),
    (refused(400, "Because I say so"), errors.ShopRefused),
    (refused(409, "Conflict"), errors.ShopRefused),
    (refused(401, "Authentication required"), errors.ShopMisconfigured),
    (refused(405, f"No route found for PUT {API}{ITEMS}"), errors.ShopMisconfigured),
    (refused(404, "Off", error="protocol_disabled"), errors.ShopMisconfigured),
    (refused(400, "Unknown store: eu"), errors.ShopMisconfigured),
    (httpx.Response(400, content=b"[]", headers={"content-type": "application/json"}), errors.ShopRefused),
]


@pytest.mark.parametrize(("said", "meaning"), REFUSALS, ids=lambda one: getattr(one, "__name__", ""))
async def test_what_the_shop_says_about_a_line_is_understood(
    scripted: MahoBackend, script: respx.Router, said: httpx.Response, meaning: type[errors.ShopError]
) -> None:
    unknown(script)
    script.post(ITEMS).mock(return_value=said)

    with pytest.raises(errors.ShopError) as caught:
        await scripted.add_line(ID, Sku("X"), 1, {"1": "ADA"})

    assert type(caught.value) is meaning
    assert "<" not in str(caught.value)
    assert "://" not in str(caught.value)
    assert CART not in f"{caught.value} {caught.value.internal}"


async def test_a_reason_with_secrets_or_addresses_is_not_passed_on(scripted: MahoBackend, script: respx.Router) -> None:
    unknown(script)
    script.post(ITEMS).mock(return_value=refused(400, f"No <b>{CART}</b> for you\u202e"))
    with pytest.raises(errors.ShopRefused, match=r"The shop refused: No \[cart\] for you$"):
        await scripted.add_line(ID, Sku("X"), 1, {})
    script.post(ITEMS).mock(return_value=refused(400, "See https://shop.example/secret"))
    with pytest.raises(errors.ShopRefused, match="no reason given"):
        await scripted.add_line(ID, Sku("X"), 1, {})


async def test_options_are_sent_by_id_and_a_dropped_one_is_noticed(scripted: MahoBackend, script: respx.Router) -> None:
    sizes = [{"id": 1, "title": "Small"}, {"id": 2, "title": "Large"}]
    options = [{"id": 4, "title": "Size", "type": "radio", "values": sizes}]
    options.append({"id": 5, "title": "Extras", "type": "multiple", "values": sizes})
    known(script, customOptions=options)
    line = {"id": 1, "sku": "PAD-2", "qty": "1", "options": [{"label": "Size", "value": "Large"}]}
    route = script.post(ITEMS).mock(return_value=ld(cart_body(items=[line])))

    cart = await scripted.add_line(ID, Sku("PAD-2"), 1, {"Size": "Large", "Extras": ["Small"]})

    assert body(route) == {"sku": "PAD-2", "qty": 1, "options": {"4": "2", "5": ["1"]}}
    assert cart.notice is not None
    assert "Extras" in cart.notice
    assert "Size" not in cart.notice


async def test_a_product_named_by_url_key_is_added_by_its_sku(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/products", params={"search": "pad-2"}).mock(return_value=members(paddle()))
    script.get("/products/2").mock(return_value=ld(paddle()))
    route = script.post(ITEMS).mock(return_value=ld(cart_body(), 201))

    await scripted.add_line(ID, Sku("pad-2"), 1, {})

    assert body(route) == {"sku": "PAD-2", "qty": 1}


async def test_a_family_without_variants_is_refused(scripted: MahoBackend, script: respx.Router) -> None:
    known(script, sku="FAMILY", id=9, type="configurable")
    with pytest.raises(errors.VariantNeeded):
        await scripted.add_line(ID, Sku("FAMILY"), 1, {})


@pytest.mark.parametrize(
    ("options", "price"),
    [
        # As recorded: a required paddle of 329.95 or 279, and two packs of balls that can be left out.
        ([(True, [(329.95, 1, True), (279, 1, True)]), (False, [(14.5, 2, True)])], 27900),
        ([(True, [(329.95, 1, True), (279, 1, False)]), (True, [(14.5, 2, True)])], 35895),
        ([(False, [(20, 1, True)]), (False, [(14.5, 2, True), (0, 1, True)])], 2000),
        ([], 0),
    ],
)
async def test_a_bundle_that_costs_what_its_parts_cost_has_the_price_of_the_cheapest(
    scripted: MahoBackend, script: respx.Router, options: list[Any], price: int
) -> None:
    parts = [
        {
            "id": at,
            "title": None,
            "type": "radio",
            "required": required,
            "selections": [{"price": one, "defaultQty": pieces, "inStock": there} for one, pieces, there in selections],
        }
        for at, (required, selections) in enumerate(options)
    ]
    whole = {"id": 25, "sku": "KIT", "name": "Kit", "type": "bundle", "price": 0, "priceType": 0, "currency": "USD"}
    whole |= {"stockStatus": "in_stock", "bundleOptions": parts}
    script.get("/products", params={"search": "KIT"}).mock(return_value=members(whole | {"bundleOptions": []}))
    script.get("/products/25").mock(return_value=ld(whole))
    shown = await scripted.product("KIT")
    assert (shown.price, shown.list_price) == (usd(price), None)


async def test_the_shop_may_want_options_that_it_did_not_tell_of(scripted: MahoBackend, script: respx.Router) -> None:
    known(script, customOptions=[{"id": 4, "title": "Name", "type": "field"}])
    script.post(ITEMS).mock(return_value=refused(400, "Please specify the product's option(s)."))
    with pytest.raises(errors.OptionsNeeded):
        await scripted.add_line(ID, Sku("PAD-2"), 1, {})


async def test_an_empty_answer_to_a_change_is_followed_by_a_look(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/products/2").mock(return_value=refused(404))
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body(maskedId=None)))
    script.put(f"{ITEMS}/7").mock(return_value=httpx.Response(200))
    script.delete(f"{ITEMS}/7").mock(return_value=httpx.Response(204))
    script.delete(COUPON).mock(return_value=httpx.Response(204))

    for cart in (
        await scripted.update_line(ID, LineId("7"), 2),
        await scripted.remove_line(ID, LineId("7")),
        await scripted.remove_coupon(ID),
    ):
        assert cart.cart_id == CART
        assert cart.lines[0].total == usd(2900)


@pytest.mark.parametrize(
    ("product", "quantity", "error"),
    [
        (paddle(stockStatus="out_of_stock"), 1, errors.OutOfStock),
        (paddle(stockQty=5), 5, errors.NotEnoughStock),  # one more piece is on another line
        (paddle(stockItem={"min_sale_qty": 3}), 2, errors.QuantityRefused),
        (paddle(stockItem={"max_sale_qty": 3}), 4, errors.QuantityRefused),
        (paddle(stockItem={"qty_increments": 6, "enable_qty_increments": True}), 7, errors.QuantityRefused),
    ],
)
async def test_a_line_is_not_raised_beyond_what_can_be_bought(
    scripted: MahoBackend, script: respx.Router, product: dict[str, Any], quantity: int, error: type[errors.ShopError]
) -> None:
    lines = [{"id": 7, "sku": "PAD-2", "qty": 1, "productId": 2}, {"id": 8, "sku": "PAD-2", "qty": 1}]
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body(items=lines)))
    script.get("/products/2").mock(return_value=ld(product))
    tried(script, refused(422, 'The requested quantity for "X" is not available.'))

    with pytest.raises(error):
        await scripted.update_line(ID, LineId("7"), quantity)


async def test_what_can_be_bought_is_updated_and_the_shop_may_still_refuse(
    scripted: MahoBackend, script: respx.Router
) -> None:
    rules = {"min_sale_qty": 1, "max_sale_qty": 0, "qty_increments": 2, "enable_qty_increments": True}
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))
    script.get("/products/2").mock(return_value=ld(paddle(stockQty=0, stockItem=rules)))
    route = script.put(f"{ITEMS}/7").mock(return_value=ld(cart_body()))

    await scripted.update_line(ID, LineId("7"), 4)
    script.get("/products/2").mock(return_value=ld(paddle(visibility="not_visible")))
    await scripted.update_line(ID, LineId("7"), 4)
    assert body(route) == {"qty": 4}
    script.put(f"{ITEMS}/7").mock(return_value=refused(422, "out of stock"))
    with pytest.raises(errors.OutOfStock):
        await scripted.update_line(ID, LineId("7"), 4)
    script.delete(f"{ITEMS}/7").mock(return_value=refused(400, "Not today"))
    with pytest.raises(errors.ShopRefused):
        await scripted.remove_line(ID, LineId("7"))
    lonely = {"id": 9, "sku": "X", "qty": 1}
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body(items=[lonely])))
    script.put(f"{ITEMS}/9").mock(return_value=ld(cart_body()))
    assert (await scripted.update_line(ID, LineId("9"), 2)).lines


async def test_the_verb_that_a_shop_takes_for_coupons_is_remembered(
    scripted: MahoBackend, script: respx.Router
) -> None:
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))
    put = script.put(COUPON).mock(return_value=refused(405, "Method Not Allowed"))
    post = script.post(COUPON).mock(return_value=ld(cart_body(appliedCoupon={"code": "SAVE10"}), 201))

    for _ in range(2):
        assert (await scripted.apply_coupon(ID, "SAVE10")).coupon == "SAVE10"
    assert (put.call_count, post.call_count) == (1, 2)


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (ld(cart_body(appliedCoupon=[])), errors.CouponRejected),
        (refused(422, "No"), errors.CouponRejected),
        (refused(404), errors.CartGone),
        (refused(403, "No"), errors.ShopMisconfigured),
        (refused(500), errors.ShopOutcomeUnknown),
    ],
)
async def test_a_coupon_that_is_not_on_the_cart_afterwards_was_rejected(
    scripted: MahoBackend, script: respx.Router, said: httpx.Response, meaning: type[errors.ShopError]
) -> None:
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))
    script.put(COUPON).mock(return_value=said)

    with pytest.raises(meaning):
        await scripted.apply_coupon(ID, "X")


async def test_a_new_cart_without_a_key_is_no_cart(scripted: MahoBackend, script: respx.Router) -> None:
    script.post("/guest-carts").mock(return_value=ld(cart_body(maskedId=None), 201))

    with pytest.raises(errors.ShopDown):
        await scripted.create_cart()


# Shipping -------------------------------------------------------------------------------------------------------------

RATES = [
    {"code": "flat_flat", "title": "Flat <b>Rate</b>", "price": 5},
    {"code": "free_free", "price": 0},
    {"code": "broken", "title": "Not available"},
]


@pytest.mark.parametrize("answer", [RATES, {"maskedId": CART, "availableShippingMethods": RATES}])
async def test_a_quote_is_a_list_or_a_cart(scripted: MahoBackend, script: respx.Router, answer: object) -> None:
    script.get("/store-config").mock(return_value=ld({"allowedCountries": ["US"]}))
    regions = [{"id": 12, "code": "CA", "name": "California"}]
    script.get("/countries/US").mock(return_value=ld({"id": "US", "availableRegions": regions}))
    route = script.post(f"/guest-carts/{CART}/shipping-methods").mock(return_value=ld(answer))

    found = await scripted.shipping_methods(
        ID, Address(country="us", region="us-ca", postcode="90001", street="1 A\nB")
    )

    assert [(one.code, one.title, one.price) for one in found] == [
        ("flat_flat", "Flat Rate", usd(500)),
        ("free_free", "free_free", usd(0)),
    ]
    assert body(route)["address"] == {
        "firstName": "",
        "lastName": "",
        "company": "",
        "street": "1 A\nB",
        "city": "",
        "region": "California",
        "regionId": 12,
        "postcode": "90001",
        "countryId": "US",
        "telephone": "",
    }


async def test_countries_and_regions_are_asked_for_once(scripted: MahoBackend, script: respx.Router) -> None:
    config = script.get("/store-config").mock(return_value=ld({"allowedCountries": ["AU", "bad code"]}))
    country = script.get("/countries/AU").mock(return_value=refused(404))
    script.post(f"/guest-carts/{CART}/shipping-methods").mock(return_value=ld([]))
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))

    for _ in range(2):
        assert await scripted.shipping_methods(ID, Address(country="AU", region="Somewhere")) == ()
    assert (config.call_count, country.call_count) == (1, 1)


async def test_a_shop_that_names_no_countries_still_wants_a_code(scripted: MahoBackend, script: respx.Router) -> None:
    script.get("/store-config").mock(return_value=ld({}))
    script.get("/countries").mock(return_value=refused(404))
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))
    quoting = script.post(f"/guest-carts/{CART}/shipping-methods").mock(return_value=ld([]))

    for country in ("..", "1A", "ÄÖ"):
        with pytest.raises(errors.CountryNotServed):
            await scripted.shipping_methods(ID, Address(country=country))
    assert await scripted.shipping_methods(ID, Address(country="DE", region=" ")) == ()
    script.get("/countries/DE").mock(return_value=ld({"id": "DE", "availableRegions": []}))
    script.get("/countries/HK").mock(return_value=ld({"id": "HK", "availableRegions": []}))
    assert await scripted.quote_gaps(Address(country="DE")) == ("postcode",)
    assert await scripted.quote_gaps(Address(country="HK")) == (), "there are no postcodes"
    quoting.mock(return_value=refused(500))
    with pytest.raises(errors.ShopDown) as caught:
        await scripted.shipping_methods(ID, Address(country="DE"))
    assert type(caught.value) is errors.ShopDown, "asking for a price changes nothing anybody minds"


# Money ----------------------------------------------------------------------------------------------------------------

AMOUNT = st.none() | st.decimals(-(10**6), 10**6, places=4)


@given(
    st.builds(CartPrices, *[AMOUNT] * 8),
    st.booleans(),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_totals_add_up_whatever_the_shop_says(prices: CartPrices, includes_tax: bool, currency: str) -> None:
    totals = PriceMapper(currency=currency, tax=TaxDisplay(configured=includes_tax)).totals(prices)

    assert added(totals) == totals.total == Money.of(prices.grand_total or 0, currency)
    assert totals.tax_included == (includes_tax and totals.tax is not None)


def added(totals: CartTotals) -> Money:
    zero = Money(0, totals.total.currency)
    tax = zero if totals.tax_included else totals.tax or zero
    kept = totals.subtotal - (totals.discount or zero) + (totals.shipping or zero) + tax
    return kept - (totals.gift_cards or zero) + (totals.other or zero)


def test_prices_with_tax_are_shown_as_the_shop_shows_them() -> None:
    prices = CartPrices(
        subtotal=Decimal("253.64"),
        subtotal_incl_tax=Decimal(279),
        shipping_amount=Decimal("9.05"),
        shipping_amount_incl_tax=Decimal("9.95"),
        tax_amount=Decimal("26.27"),
        discount_amount=Decimal(0),
        grand_total=Decimal("288.95"),
    )
    with_tax = PriceMapper(currency="AUD", tax=TaxDisplay(configured=True)).totals(prices)
    without = PriceMapper(currency="AUD", tax=TaxDisplay()).totals(prices)

    assert (with_tax.subtotal.minor, with_tax.total.minor, with_tax.other) == (27900, 28895, None)
    assert with_tax.tax_included
    assert (without.subtotal.minor, without.total.minor) == (25364, 28895)
    assert without.other == Money(-1, "AUD"), "the shop rounds a cent away"


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example/", f"{API}/"])
async def test_a_shops_address_may_end_with_its_interface(url: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.copy_with(query=None)))
        return members()

    backend, close = connect(MahoConfig(url=url), "USD", transport=httpx.MockTransport(answer))
    await backend.search(SearchQuery())
    await close()
    assert asked == [f"{API}/products"]


async def test_a_variant_that_seems_sold_out_is_the_shops_to_refuse(
    scripted: MahoBackend, script: respx.Router
) -> None:
    children = [{"id": 8, "sku": "B", "inStock": False}, {"id": 9, "sku": "C", "inStock": True}]
    whole = paddle(type="configurable", variants=children)
    script.get("/products", params={"search": "PAD-2"}).mock(return_value=members(whole))
    script.get("/products/2").mock(return_value=ld(whole))
    await scripted.product("PAD-2")
    posted = script.post(f"/guest-carts/{CART}/items").mock(
        return_value=refused(422, "This product is currently out of stock.")
    )
    with pytest.raises(errors.OutOfStock):
        await scripted.add_line(ID, Sku("B"), 1, {})
    assert posted.call_count == 1


@pytest.mark.parametrize(
    ("told", "rating", "reviews"),
    [
        ({"averageRating": 4.25, "reviewCount": 12}, 4.2, 12),
        ({"averageRating": None, "reviewCount": 0}, None, None),
        ({"averageRating": 96, "reviewCount": 2}, None, 2),
        ({"averageRating": 0, "reviewCount": -1}, None, None),
        ({"reviewCount": 2}, None, 2),
    ],
)
async def test_a_rating_is_of_five_or_not_told(
    scripted: MahoBackend, script: respx.Router, told: dict[str, Any], rating: float | None, reviews: int | None
) -> None:
    known(script, **told)
    product = await scripted.product("PAD-2")
    assert (product.rating, product.reviews) == (rating, reviews)


async def test_at_most_four_products_are_shown_beside_one_and_none_that_is_sold_out(
    scripted: MahoBackend, script: respx.Router
) -> None:
    def link(sku: str, **more: Any) -> dict[str, Any]:
        priced = {"price": 20, "finalPrice": 15, "specialPrice": None, "stockStatus": "in_stock", "imageUrl": None}
        return {"id": 9, "sku": sku, "name": f"The <b>{sku}</b>", **priced, **more}

    related = [link("PAD-2"), link("A"), link("A"), link("GONE", stockStatus="out_of_stock"), link("", name=None)]
    related += [link("FREE", price=None, finalPrice=None)]
    known(script, relatedProducts=related, upsellProducts=[link(sku, finalPrice=None) for sku in "ABCDE"])
    shown = (await scripted.product("PAD-2")).related
    assert [(one.sku, one.name, one.price, one.list_price) for one in shown] == [
        ("A", "The A", usd(1500), usd(2000)),
        *((sku, f"The {sku}", usd(2000), None) for sku in "BCD"),
    ]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (refused(400, "Coupon code 'X' is not valid", "invalid_coupon"), "none of this shop's"),
        (refused(400, "Coupon code 'X' could not be applied", "invalid_coupon"), "does not apply now"),
        (
            refused(400, "Only <b>members</b> may use it.", "invalid_coupon"),
            "was refused: Only members may use it[.] Do",
        ),
        (ld(cart_body(appliedCoupon=[])), "is not valid for this cart"),
    ],
)
async def test_a_refused_coupon_says_why_as_far_as_the_shop_does(
    scripted: MahoBackend, script: respx.Router, said: httpx.Response, told: str
) -> None:
    script.get(f"/guest-carts/{CART}").mock(return_value=ld(cart_body()))
    script.put(COUPON).mock(return_value=said)

    with pytest.raises(errors.CouponRejected, match=told):
        await scripted.apply_coupon(ID, "X")
