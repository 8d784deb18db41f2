"""Products of a list: read whole once a minute, and as the list tells them where they cannot be."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import (
    CustomOption,
    OptionAxis,
    OptionValue,
    Product,
    ProductSummary,
    Variant,
)
from storefront_mcp.ucp import catalog
from storefront_mcp.ucp.catalog import LISTED_SECONDS, ListedProductCache
from storefront_mcp.ucp.catalog_shapes import ProductMetadata, UcpPrice, UcpProduct
from storefront_mcp.ucp.products import MAX_LISTED_VARIANTS, detailed_product, summarized_product

PRICE = Money(1000, "AUD")
TEE = ProductSummary(sku=Sku("TEE"), name="Tee", price=PRICE, list_price=Money(1500, "AUD"), choose="size", rating=4.5)
SIZES = tuple(str(size) for size in range(30))


class ScriptedRunner:
    """Reads a product of thirty sizes, the first of them sold out, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.closed = False

    def is_open(self, tool: str) -> bool:
        return not self.closed

    async def run(self, tool: str, *, sku: str) -> Product:
        self.asked += 1
        if self.down:
            raise ShopDown
        variants = tuple(
            Variant(sku=Sku(f"TEE-{size}"), options={"Size": size}, in_stock=size != "0", price=Money(int(size), "AUD"))
            for size in SIZES
        )
        return Product(
            sku=Sku(sku), name="Tee", price=PRICE, variants=variants, axes=(OptionAxis(label="Size", values=SIZES),)
        )


async def listed(cache: ListedProductCache, runner: Any, summary: ProductSummary = TEE) -> Any:
    (found,) = await cache.of([summary], runner)
    return msgspec.json.decode(found, type=UcpProduct)


async def test_a_product_is_read_once_a_minute() -> None:
    now = [0.0]
    cache, runner = ListedProductCache(lambda: now[0]), ScriptedRunner()
    first = await listed(cache, runner)
    assert (await listed(cache, runner), runner.asked) == (first, 1)
    now[0] += LISTED_SECONDS
    await listed(cache, runner)
    assert runner.asked == 2


def test_prices_are_with_what_required_options_cost() -> None:
    engraving = CustomOption(id="1", title="Engraving", kind="text", required=True, surcharge=Money(500, "AUD"))
    size = CustomOption(
        id="2",
        title="Mug size",
        kind="choice",
        required=True,
        values=(OptionValue(id="1", title="Small"), OptionValue(id="2", title="Large", surcharge=Money(300, "AUD"))),
    )
    wrapping = CustomOption(id="3", title="Wrapping", kind="text", surcharge=Money(900, "AUD"))
    mug = Product(
        sku=Sku("MUG"),
        name="Mug",
        price=PRICE,
        list_price=Money(1200, "AUD"),
        custom_options=(engraving, size, wrapping),
    )
    shown = detailed_product(mug)
    assert (shown.price_range.min.amount, shown.price_range.max.amount) == (1500, 1800)
    assert (shown.variants[0].price.amount, shown.variants[0].list_price) == (1500, UcpPrice(1700, "AUD"))
    assert shown.metadata == ProductMetadata(("Engraving", "Mug size"))
    plain = detailed_product(replace(mug, custom_options=(wrapping,)))
    assert (plain.price_range.min.amount, plain.price_range.max.amount, plain.metadata) == (1000, 1000, None)
    row = ProductSummary(sku=mug.sku, name=mug.name, price=PRICE, from_price=Money(1500, "AUD"))
    assert summarized_product(row).price_range.min.amount == 1500


async def test_the_oldest_of_too_many_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "LISTED_PRODUCTS", 2)
    cache, runner = ListedProductCache(lambda: 0.0), ScriptedRunner()
    skus = [Sku(name) for name in ("ONE", "TWO", "THREE")]
    for sku in (*skus, *skus[1:], skus[0]):
        await listed(cache, runner, ProductSummary(sku=sku, name=sku, price=PRICE))
    assert runner.asked == 4


async def test_what_is_too_old_is_not_shown_while_nothing_can_be_read() -> None:
    now = [0.0]
    cache, runner = ListedProductCache(lambda: now[0]), ScriptedRunner()
    whole = await listed(cache, runner)
    runner.closed = True
    assert await listed(cache, runner) == whole
    now[0] += LISTED_SECONDS
    assert len((await listed(cache, runner)).variants) == 1


async def test_it_shows_its_first_variants_that_can_be_bought_and_the_prices_of_all() -> None:
    found = await listed(ListedProductCache(), ScriptedRunner())
    assert len(found.variants) == MAX_LISTED_VARIANTS
    assert all(one.availability.available for one in found.variants)
    assert (found.price_range.min.amount, found.price_range.max.amount) == (0, 29)
    assert [value.label for value in found.options[0].values] == list(SIZES)


async def test_the_variant_that_was_searched_for_comes_first() -> None:
    cache, runner = ListedProductCache(), ScriptedRunner()
    fits = ProductSummary(sku=Sku("TEE"), name="Tee", price=PRICE, variant=Sku("TEE-7"))
    assert (await listed(cache, runner, fits)).variants[0].id == "TEE-7"
    asked = Variant(sku=Sku("TEE-5"), options={"Size": "5"})
    exact = ProductSummary(sku=Sku("TEE"), name="Tee", price=PRICE, selected_variant=asked)
    assert (await listed(cache, runner, exact)).variants[0].id == "TEE-5"


async def test_one_that_cannot_be_read_is_as_the_list_tells_it_and_is_not_asked_for_again_at_once() -> None:
    cache, runner = ListedProductCache(), ScriptedRunner()
    runner.down = True
    for _ in range(2):
        found = await listed(cache, runner)
        (variant,) = found.variants
        assert (found.id, variant.id, variant.price.amount, found.rating.value) == ("TEE", "TEE", 1000, 4.5)
        assert found.list_price_range.min.amount == 1500
    assert runner.asked == 1


async def test_without_the_tool_nothing_is_read() -> None:
    runner = ScriptedRunner()
    runner.closed = True
    asked = Variant(sku=Sku("TEE-5"), options={"Size": "5"}, price=Money(5, "AUD"))
    exact = ProductSummary(sku=Sku("TEE"), name="Tee", price=PRICE, selected_variant=asked)
    (variant,) = (await listed(ListedProductCache(), runner, exact)).variants
    assert (variant.id, variant.price.amount, variant.options[0].label) == ("TEE-5", 5, "5")
    assert runner.asked == 0
