"""Checkouts over a real Medusa while answers are lost and processes die: each is one paid order, or none."""

import os

from storefront_mcp.backends.medusa import MedusaConfig
from storefront_mcp.backends.medusa.orders import REFERENCE_KEY
from storefront_mcp.commerce.money import Money
from tests.chaos.test_medusa_checkouts import FaultedShop, MadeOrder, find_wrong
from tests.external.medusa.contract_shop import MedusaProxy
from tests.external.medusa.server import MedusaServer
from tests.fakes.demo_faults import FaultQueue
from tests.fakes.faulty_app import FaultyApp

CHECKOUTS = int(os.environ.get("STOREFRONT_REAL_MEDUSA_CHECKOUTS", "3"))


async def test_a_paid_checkout_is_one_paid_order_or_none_whatever_fails(medusa: MedusaServer) -> None:
    def open_shop() -> FaultedShop:
        medusa.restock()
        before = {order["id"] for order in medusa.orders()}

        def orders() -> list[MadeOrder]:
            return [
                MadeOrder(
                    reference=(order["metadata"] or {}).get(REFERENCE_KEY),
                    paid=order["payment_status"] == "captured",
                    email=order["email"],
                    total=Money.of(str(order["total"]), order["currency_code"].upper()),
                )
                for order in medusa.orders()
                if order["id"] not in before
            ]

        app = FaultyApp(MedusaProxy(medusa.url), FaultQueue())
        config = MedusaConfig(url=medusa.url, key=medusa.keys.publishable, secret_key=medusa.keys.secret)
        return FaultedShop(app=app, config=config, orders=orders)

    assert await find_wrong(range(CHECKOUTS), open_shop) == {}
