"""Medusa's stand-in."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from storefront_mcp.backends.medusa import MedusaConfig, connect
from storefront_mcp.backends.medusa.lister import list_shop
from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.customers import PICKLERS
from tests.contract.shops.contract_shop import BookedOrder, ContractCustomers, ContractShop
from tests.fakes.medusa.shop import MedusaShop
from tests.serving import served

ADA, BO, CY = PICKLERS


@contextlib.asynccontextmanager
async def open_shop() -> AsyncIterator[ContractShop]:
    """A shop of its own behind a real socket."""
    shop = MedusaShop()
    shop.state.add_people(PICKLERS)

    def books() -> list[BookedOrder]:
        return [
            BookedOrder(
                number=str(order["display_id"]),
                total=Money.of(str(order["total"]), order["currency_code"].upper()),
                email=order["email"],
                texts=str(order["kept"]["metadata"]),
            )
            for order in shop.state.orders.values()
        ]

    def sell_out(sku: str) -> None:
        shop.state.by_sku(sku)["stock"] = 0

    with served(shop) as origin:
        config = MedusaConfig(url=origin, key=shop.state.key)
        backend, close = connect(config, "AUD")
        lister, end = list_shop(config, "AUD")
        try:
            yield ContractShop(
                kind="medusa",
                backend=backend,
                url=origin,
                family="club-tee",
                method="pp_system_default",
                lacks=frozenset({"gift_cards", "pages", "facets", "coupon_case", "cancel"}),
                books=books,
                sell_out=sell_out,
                fail_order=partial(shop.faults.next, method="POST", path="/complete"),
                fail_next=shop.faults.next,
                fail_write=partial(shop.faults.next, method="POST", path="/line-items"),
                customers=ContractCustomers(ada=ADA, bo=BO, cy=CY, account=backend.account),
                lister=lister,
                rename=lambda sku, name: shop.state.change(sku, title=name),
                withdraw=lambda sku: shop.state.change(sku, status="draft"),
            )
        finally:
            await close()
            await end()
