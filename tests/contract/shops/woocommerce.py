"""WooCommerce's stand-in."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from msgspec.structs import replace

from storefront_mcp.backends.woocommerce import MerchantKey, WooConfig, connect
from storefront_mcp.backends.woocommerce.lister import list_shop
from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.oauth.mailed_codes import MailedCodeLogin
from tests.contract.shops.contract_shop import BookedOrder, ContractCustomers, ContractShop
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET, woo_shop
from tests.serving import served

ADA, BO, CY = PICKLERS


class CodeBox:
    """Keeps the codes that were mailed."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def send_code(self, email: str, code: str) -> None:
        self.codes.append(code)


@contextlib.asynccontextmanager
async def open_shop() -> AsyncIterator[ContractShop]:
    """A shop of its own behind a real socket."""
    shop = woo_shop(tax="included")
    shop.state.add_people(PICKLERS)
    mailbox = CodeBox()

    def books() -> list[BookedOrder]:
        return [
            BookedOrder(number=one.number, total=Money(one.total, one.currency), email=one.email, texts=one.note)
            for one in shop.books
        ]

    def sell_out(sku: str) -> None:
        shop.state.stock[sku] = 0

    def rename(sku: str, name: str) -> None:
        shop.state.replace(replace(shop.state.by_sku(sku), name=name))

    key = MerchantKey(consumer_key=MERCHANT_KEY, consumer_secret=MERCHANT_SECRET)
    with served(shop) as origin:
        config = WooConfig(url=origin, key=key)
        backend, close = connect(config, "AUD")
        lister, end = list_shop(config, "AUD")
        assert backend.customers is not None
        login = MailedCodeLogin(backend.customers, mailbox)

        async def mailed() -> str:
            await login.close()
            return mailbox.codes[-1]

        try:
            yield ContractShop(
                kind="woocommerce",
                backend=backend,
                family="TEE",
                method="cheque",
                lacks=frozenset({"gift_cards", "second_factor", "cancel", "customer_orders"}),
                books=books,
                sell_out=sell_out,
                fail_order=partial(shop.faults.next, method="POST", path="/checkout"),
                fail_next=shop.faults.next,
                fail_write=partial(shop.faults.next, method="POST", path="/add-item"),
                customers=ContractCustomers(
                    ada=ADA,
                    bo=BO,
                    cy=CY,
                    account=backend.account,
                    login=login,
                    mailed=mailed,
                    claim=lambda number, person: shop.state.claim(number, person.email),
                ),
                lister=lister,
                rename=rename,
                withdraw=shop.state.drafts.add,
            )
        finally:
            await login.close()
            await close()
            await end()
