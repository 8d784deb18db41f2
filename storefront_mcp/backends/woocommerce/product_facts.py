"""What a merchant's key knows of products and guests are not told: visibility, dates, and when a price changes."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.woocommerce.shapes import WooProductFacts
from storefront_mcp.backends.woocommerce.store_api import (
    MERCHANT,
    PAGE_SIZE,
    MerchantKey,
    StoreApiClient,
    expect_success,
)
from storefront_mcp.commerce.errors import ShopMisconfigured

FIELDS: Final = ",".join(WooProductFacts.__struct_fields__)


class MerchantProducts:
    """Products as a key reads them that may read products."""

    def __init__(self, rest: StoreApiClient, key: MerchantKey) -> None:
        self._rest = rest
        self._headers = key.headers

    async def read(self, ids: Iterable[int]) -> Mapping[int, WooProductFacts]:
        """What is known of these products, at most a page of them. Raises ShopMisconfigured for a key that may not."""
        wanted = list(ids)[:PAGE_SIZE]
        if not wanted:
            return {}
        query = {"include": ",".join(map(str, wanted)), "per_page": str(PAGE_SIZE), "_fields": FIELDS}
        answer = await self._rest.get(f"{MERCHANT}/products", query, headers=self._headers)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ShopMisconfigured(f"{answer.where}: {answer.status}, so the merchant's key may not read products")
        return {one.id: one for one in read_what_fits(expect_success(answer), list[WooProductFacts])}
