"""The demo shop, as today's Maho."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from storefront_mcp.backends.maho import MahoConfig, connect
from storefront_mcp.backends.maho.lister import list_shop
from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.customers import PICKLERS
from tests.contract.shops.contract_shop import BookedOrder, ContractCustomers, ContractShop
from tests.fakes.demo_shop import demo_shop
from tests.serving import served

ADA, BO, CY = PICKLERS


@contextlib.asynccontextmanager
async def open_shop() -> AsyncIterator[ContractShop]:
    """A shop of its own behind a real socket."""
    shop = demo_shop()

    def books() -> list[BookedOrder]:
        return [
            BookedOrder(number=one.number, total=Money(one.total, one.currency), email=one.email, texts=one.note)
            for one in shop.books
        ]

    def sell_out(sku: str) -> None:
        shop.state.take_stock(sku, shop.state.stock[sku])

    with served(shop) as origin:
        config = MahoConfig(url=origin, prices_include_tax=True)
        backend, close = connect(config, "AUD")
        lister, end = list_shop(config, "AUD")
        try:
            yield ContractShop(
                kind="maho",
                backend=backend,
                family="TEE",
                method="prepaid",
                books=books,
                sell_out=sell_out,
                fail_order=partial(shop.faults.next, method="POST", path="/place-order"),
                fail_next=shop.faults.next,
                fail_write=partial(shop.faults.next, method="POST", path="/items"),
                customers=ContractCustomers(ada=ADA, bo=BO, cy=CY, account=backend.account),
                lister=lister,
            )
        finally:
            await close()
            await end()
