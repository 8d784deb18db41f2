"""The product feed over every kind of shop: each line is valid, and says what the shop says of the product."""

import io
import json
from typing import Any

import pytest

from storefront_mcp.app.product_feed import FeedReport, ProductFeedWriter
from tests.contract.shops.contract_shop import ContractShop
from tests.fakes.memory_backend import STORE
from tests.unit.acp.schemas import FEED_PRODUCT, check

pytestmark = pytest.mark.slow


async def exported(every: ContractShop) -> tuple[FeedReport, dict[str, Any]]:
    """What an export tells of itself, and its products by their ids, checked."""
    assert every.lister is not None
    report, file = FeedReport(source="shop", as_of=""), io.BytesIO()
    await ProductFeedWriter(file, STORE, report).write_shop(every.lister)
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    for line in lines:
        check(line, FEED_PRODUCT)
    found = {line["id"]: line for line in lines}
    assert len(found) == len(lines) == report.products
    return report, found


async def test_every_line_is_valid_and_no_id_is_there_twice(every: ContractShop) -> None:
    report, found = await exported(every)

    assert report.products >= 300
    assert report.products + sum(report.left_out.values()) >= 320
    assert not report.moved
    ids = [variant["id"] for line in found.values() for variant in line["variants"]]
    assert len(ids) == len(set(ids)) == report.variants
    assert all(line["description"]["plain"] for line in found.values())


async def test_variants_are_told_as_the_shop_sells_them(every: ContractShop) -> None:
    every.sell_out("TEE-BLACK-M")
    _, found = await exported(every)
    product = await every.backend.product(every.family)

    told = {one["id"]: one for one in found[every.family]["variants"]}

    assert told.keys() == {one.sku for one in product.variants}
    for variant in product.variants:
        line = told[variant.sku]
        assert {one["name"]: one["value"] for one in line["variant_options"]} == variant.options
        assert line["price"]["amount"] == (variant.price or product.price).minor
    assert told["TEE-BLACK-M"]["availability"] == {"available": False, "status": "out_of_stock"}
    assert told["TEE-BLUE-M"]["availability"] == {"available": True, "status": "in_stock"}


async def test_a_price_that_was_taken_down_is_told_with_the_one_before(every: ContractShop) -> None:
    _, found = await exported(every)
    product = await every.backend.product("PAD-2")

    (variant,) = next(one["variants"] for one in found.values() if one["variants"][0]["id"] == "PAD-2")

    assert variant["price"] == {"amount": product.price.minor, "currency": "AUD"}
    before = variant.get("list_price")
    assert (None if before is None else before["amount"]) == (product.list_price and product.list_price.minor)
    assert variant["categories"]


async def test_what_its_buyer_writes_on_is_left_out_where_a_shop_has_it(every: ContractShop) -> None:
    report, found = await exported(every)

    ids = {variant["id"] for line in found.values() for variant in line["variants"]}
    assert "GIFT-MUG" not in ids
    assert (report.left_out["chosen"] > 0) is (every.kind != "medusa")
