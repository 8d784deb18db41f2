"""What every lister owes of a whole catalogue, whichever software keeps it."""

import inspect
from collections.abc import Sequence

import pytest

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopDown, ShopRefused
from storefront_mcp.commerce.listing import BriefEntry, CatalogueEntry, CatalogueLister
from tests.contract.shops.contract_shop import ContractShop
from tests.fakes.demo_faults import DemoFault

pytestmark = pytest.mark.slow

FAR_SECONDS = 30 * 24 * 3600


def lister_of(every: ContractShop) -> CatalogueLister:
    """What reads the shop's catalogue."""
    assert every.lister is not None
    return every.lister


async def sweep(lister: CatalogueLister) -> list[CatalogueEntry]:
    """Every product, in the order of the lists."""
    page = await lister.page()
    found, total = [*page.entries], page.total
    while page.next is not None:
        page = await lister.page(page.next)
        found += page.entries
        assert page.total == total
    return found


async def look(lister: CatalogueLister) -> list[BriefEntry]:
    """Every product in short."""
    page = await lister.brief_page()
    found = [*page.entries]
    while page.next is not None:
        page = await lister.brief_page(page.next)
        found += page.entries
    return found


async def changed(lister: CatalogueLister, since: float) -> list[CatalogueEntry]:
    """What has changed since."""
    page = await lister.changes(since)
    found = [*page.entries]
    while page.next is not None:
        page = await lister.changes(since, page.next)
        found += page.entries
    return found


def names(categories: Sequence[Category]) -> set[str]:
    """Ids of a whole tree."""
    return {one.id for one in categories}.union(*(names(one.children) for one in categories))


async def test_a_lister_has_the_form_of_the_port(every: ContractShop) -> None:
    lister = lister_of(every)
    port = {name: one for name, one in vars(CatalogueLister).items() if inspect.iscoroutinefunction(one)}

    assert port
    for name, method in port.items():
        _, *wanted = inspect.signature(method).parameters.values()
        given = inspect.signature(getattr(lister, name)).parameters.values()
        assert [(one.name, one.kind, one.default) for one in given] == [
            (one.name, one.kind, one.default) for one in wanted
        ], name


async def test_a_sweep_reads_every_product_once_with_its_variants(every: ContractShop) -> None:
    found = await sweep(lister_of(every))

    keys = [one.key for one in found]
    assert len(keys) == len(set(keys)) >= 300
    family = next(one for one in found if one.product.sku == every.family)
    assert "TEE-BLACK-M" in {variant.sku for variant in family.product.variants}
    axes = [one for one in family.attributes if one.axis]
    assert {one.label for one in axes} == {axis.label for axis in family.product.axes} == {"Colour", "Size"}
    assert all(variant.options.keys() <= {one.label for one in axes} for variant in family.product.variants)
    assert family.product.description
    assert all(one.listed and one.searchable for one in found)
    assert len({code for one in found for code in [attribute.code for attribute in one.attributes]}) >= 2


async def test_every_product_is_in_a_category_of_the_tree(every: ContractShop) -> None:
    lister = lister_of(every)

    tree = names(await lister.categories())

    assert all(set(one.product.categories) <= tree for one in await sweep(lister))
    assert any(one.product.categories for one in await sweep(lister))


async def test_a_sweep_and_a_single_read_tell_the_same(every: ContractShop) -> None:
    lister = lister_of(every)
    found = await sweep(lister)
    some = [*found[:4], next(one for one in found if one.product.sku == every.family)]

    assert [await lister.read(one.key) for one in some] == some


async def test_a_short_list_tells_the_same_prices_and_stock_as_a_sweep(every: ContractShop) -> None:
    lister = lister_of(every)
    whole = {one.key: one.product for one in await sweep(lister)}

    short = await look(lister)

    assert [one.key for one in short] == [*whole]
    for one in short:
        product = whole[one.key]
        assert (one.sku, one.price, one.list_price, one.in_stock) == (
            product.sku,
            product.price,
            product.list_price,
            product.in_stock,
        )


async def test_what_is_sold_out_is_told_as_such_wherever_lists_have_it(every: ContractShop) -> None:
    lister = lister_of(every)
    before = await lister.find("PAD-2")
    assert before is not None
    assert before.product.in_stock

    every.sell_out("PAD-2")

    after = await lister.read(before.key)
    assert after is not None
    assert not after.product.in_stock
    assert [one.in_stock for one in await look(lister) if one.key == before.key] in ([], [False])


async def test_the_stock_of_one_variant_is_read_with_its_family(every: ContractShop) -> None:
    lister = lister_of(every)
    family = await lister.find(every.family)
    assert family is not None

    every.sell_out("TEE-BLACK-M")

    read = await lister.read(family.key)
    assert read is not None
    (variant,) = [one for one in read.product.variants if one.sku == "TEE-BLACK-M"]
    assert not variant.in_stock
    assert read.product.in_stock


async def test_one_is_found_by_its_sku_and_by_its_address_and_nothing_by_nonsense(every: ContractShop) -> None:
    lister = lister_of(every)

    by_sku = await lister.find("PAD-2")

    assert by_sku is not None
    assert by_sku.product.url_key
    assert await lister.find(by_sku.product.url_key) == by_sku
    assert [await lister.find(one) for one in ("NO-SUCH-SKU", "../products", "a b", "?", "%00", "x" * 300)] == [
        None
    ] * 6


@pytest.mark.parametrize("key", ["", "0", "999999999", "prod_none", "../products", "1/2", "-1", "9" * 40, "ä"])
async def test_a_key_that_names_nothing_is_none(every: ContractShop, key: str) -> None:
    assert await lister_of(every).read(key) is None


@pytest.mark.parametrize("after", ["second", "-1", "", "1.5", "9" * 30])
async def test_a_position_that_is_none_is_refused(every: ContractShop, after: str) -> None:
    lister = lister_of(every)

    for list_from in (lister.page, lister.brief_page):
        with pytest.raises(ShopRefused):
            await list_from(after)


async def test_a_position_beyond_the_end_has_nothing_and_no_next(every: ContractShop) -> None:
    page = await lister_of(every).page("100000")

    assert (page.entries, page.unreadable, page.next) == ((), (), None)


async def test_changes_are_what_was_saved_since_by_the_shops_clock(every: ContractShop) -> None:
    lister, rename = lister_of(every), every.rename
    if rename is None:
        return  # nobody can change a product there
    now = (await lister.page()).shop_time
    assert await changed(lister, now + FAR_SECONDS) == []

    rename("PAD-2", "Paddle of another name")

    (told,) = await changed(lister, now)
    assert (told.product.sku, told.product.name) == ("PAD-2", "Paddle of another name")
    assert told.changed is not None
    assert told.changed >= now
    assert len(await changed(lister, 0)) == len(await sweep(lister))


async def test_what_is_withdrawn_is_in_no_list_and_cannot_be_read(every: ContractShop) -> None:
    lister, withdraw = lister_of(every), every.withdraw
    if withdraw is None:
        return  # nobody can do so there
    before = await lister.find("PAD-2")
    assert before is not None

    withdraw("PAD-2")

    assert await lister.read(before.key) is None
    assert await lister.find("PAD-2") is None
    assert before.key not in {one.key for one in await sweep(lister)}
    assert before.key not in {one.key for one in await look(lister)}


@pytest.mark.parametrize("fault", [DemoFault.BEFORE, DemoFault.HTML, DemoFault.TRUNCATED, DemoFault.REDIRECT])
async def test_a_shop_that_fails_is_down_and_lists_again_afterwards(every: ContractShop, fault: DemoFault) -> None:
    lister = lister_of(every)
    whole = await lister.page()

    every.fail_next(fault)
    with pytest.raises(ShopDown):
        await lister.page()

    assert (await lister.page()).entries == whole.entries
