"""Every product type from its page to a cart, over the demo shop: what is chosen, what it costs, what is refused."""

from collections.abc import AsyncIterator

import httpx
import pytest

from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.catalogue.product_kinds import every_kind
from tests.fakes.demo_shop import demo_shop


@pytest.fixture
async def kinds() -> AsyncIterator[MahoBackend]:
    """The adapter over a shop with every product type."""
    shop = demo_shop(catalogue=every_kind())
    config = MahoConfig(url="http://shop.test", prices_include_tax=True, known=KnownOrigins(website="http://shop.test"))
    backend, close = connect(config, "AUD", transport=httpx.ASGITransport(shop))
    yield backend
    await close()


async def added(shop: MahoBackend, sku: str, quantity: int = 1, **options: str | list[str]) -> tuple[CartLine, ...]:
    cart = await shop.create_cart()
    return (await shop.add_line(cart.cart_id, Sku(sku), quantity, options)).lines


def aud(minor: int) -> Money:
    return Money(minor, "AUD")


async def test_a_bundle_is_put_together(kinds: MahoBackend) -> None:
    paddle, snacks = (await kinds.product("BUNDLE-1")).custom_options
    assert (paddle.required, snacks.kind, snacks.values[0].pieces) == (True, "amounts", 2)
    assert paddle.values[1].surcharge is not None
    jar = snacks.values[0].surcharge
    assert jar is not None
    [line] = await added(
        kinds, "BUNDLE-1", **{paddle.id: paddle.values[1].title, "Snacks": [f"{snacks.values[0].title}: 3"]}
    )
    assert line.price == paddle.values[1].surcharge + jar * 3
    [usual] = await added(kinds, "BUNDLE-1", **{paddle.id: "2", snacks.id: ["3"]})
    assert usual.price == paddle.values[1].surcharge + jar * 2
    with pytest.raises(errors.OptionsNeeded):
        await added(kinds, "BUNDLE-1")


async def test_a_bundle_with_a_price_of_its_own_adds_that_of_its_parts(kinds: MahoBackend) -> None:
    kit = await kinds.product("BUNDLE-FIX")
    paddle, snacks = kit.custom_options
    assert (kit.price, paddle.values[0].surcharge) == (aud(30_000), aud(1000))
    [line] = await added(kinds, "BUNDLE-FIX", **{paddle.id: "4", snacks.id: ["5: 3"]})
    assert (line.price, list(line.options)) == (aud(30_000 + 1000 + 3 * 500), ["Snacks"])
    with pytest.raises(errors.OptionsNeeded):
        await added(kinds, "BUNDLE-FIX", **{snacks.id: ["5"]})


async def test_a_grouped_product_becomes_a_line_of_each_part(kinds: MahoBackend) -> None:
    [parts] = (await kinds.product("GROUP-1")).custom_options
    lines = await added(kinds, "GROUP-1", parts=[f"{one.id}: {number}" for number, one in enumerate(parts.values, 1)])
    assert [(line.name, line.quantity) for line in lines] == [
        (one.title, number) for number, one in enumerate(parts.values, 1)
    ]


async def test_downloads_are_chosen_one_by_one(kinds: MahoBackend) -> None:
    [line] = await added(kinds, "DL-1", Downloads=["Part two", "Part one"])
    assert (line.price, line.options) == (aud(1500 + 200 + 350), {"Downloads": "Part one, Part two"})
    with pytest.raises(errors.OptionsNeeded, match="Downloads"):
        await added(kinds, "DL-1")
    [whole] = await added(kinds, "DL-2")
    assert (whole.price, whole.options) == (aud(999), {"Downloads": "PDF"})
    assert (await kinds.product("DL-2")).custom_options == ()


async def test_a_gift_card_has_an_amount_and_a_recipient(kinds: MahoBackend) -> None:
    to = {"recipient_name": "Bo", "recipient_email": "bo@example.com"}
    [line] = await added(kinds, "GC-1", amount="25", **to)
    assert (line.price, line.options["Recipient Name"]) == (aud(2500), "Bo")
    with pytest.raises(errors.OptionsNeeded, match="cannot be more than"):
        await added(kinds, "GC-1", amount="500", **to)
    with pytest.raises(errors.OptionsNeeded, match="Recipient"):
        await added(kinds, "GC-1", amount="25")
    for wrong in ({"recipient_email": "bo"}, {"sender_email": "me@home"}):
        with pytest.raises(errors.OptionsNeeded, match="e-mail"):
            await added(kinds, "GC-1", amount="25", **to | wrong)


async def test_a_date_is_written_as_iso_text_and_a_file_is_for_the_products_page(kinds: MahoBackend) -> None:
    [line] = await added(kinds, "OPT-DATE", Day="2027-03-14", Extras=["Gift wrap", 'Card & "bow"'])
    assert "2027-03-14" in line.options["Day"]
    assert (line.price, line.options["Extras"]) == (aud(4300), 'Gift wrap, Card & "bow"')
    assert line.sku == "OPT-DATE--"
    with pytest.raises(errors.OptionsNeeded, match=r"own page, http://shop.test/printed-mug"):
        await added(kinds, "OPT-FILE")


async def test_options_of_every_kind_have_their_surcharges(kinds: MahoBackend) -> None:
    note, extras, finish, badges = (await kinds.product("OPT-ALL")).custom_options
    assert [one.kind for one in (note, extras, finish, badges)] == ["text", "choices", "choice", "choices"]
    assert [value.surcharge for value in extras.values] == [aud(250), aud(1000)]
    cart = await kinds.create_cart()
    chosen = {"Note": "To Bo", "Extras": ["Gift wrap", "Bow"], "Finish": "Gloss", "Badges": ["Red", "Green"]}
    after = await kinds.add_line(cart.cart_id, Sku("OPT-ALL"), 1, chosen)
    assert (after.notice, after.lines[0].sku, after.lines[0].price) == (None, "OPT-ALL----", aud(10_000 + 1649))
    assert after.lines[0].options["Extras"] == "Gift wrap, Bow"


async def test_quantities_have_prices_and_rules(kinds: MahoBackend) -> None:
    roll = await kinds.product("TIER-1")
    assert [(tier.quantity, tier.price) for tier in roll.tier_prices] == [(5, aud(850)), (10, aud(725))]
    assert (await added(kinds, "TIER-1", 5))[0].total == aud(4250)
    tape, lids = await kinds.product("MIN-3"), await kinds.product("STEP-6")
    assert (tape.min_quantity, tape.max_quantity, lids.quantity_step) == (3, 9, 6)
    for sku, quantity in (("MIN-3", 2), ("MIN-3", 10), ("STEP-6", 7)):
        with pytest.raises(errors.QuantityRefused):
            await added(kinds, sku, quantity)
    assert (await kinds.product("VIRT-1")).kind == "virtual"
    assert (await added(kinds, "VIRT-1"))[0].price == aud(6000)


async def test_what_is_no_longer_sold_is_not_found(kinds: MahoBackend) -> None:
    with pytest.raises(errors.ProductNotFound):
        await added(kinds, "DIS-1")


async def test_a_name_full_of_markup_is_text(kinds: MahoBackend) -> None:
    odd = await kinds.product("WEIRD-1")
    assert odd.name == "Ünï \"Quoted\" Paddle & Söhne’s & < i> 'x' — 日本語"  # noqa: RUF001
    [line] = await added(kinds, "WEIRD-1", 3)
    assert (line.name, line.total) == (odd.name, aud(3702))
