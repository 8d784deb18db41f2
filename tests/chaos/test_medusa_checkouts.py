"""Checkouts over a Medusa shop while shop and provider fail at random and processes die: each is one paid order, or
none."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from random import Random
from typing import Final, cast

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.medusa import MedusaConfig, connect
from storefront_mcp.backends.medusa.orders import REFERENCE_KEY
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderDraft
from tests.chaos.test_woocommerce_checkouts import TROUBLES
from tests.contract.shops.contract_shop import ADA, EMAIL, HOME
from tests.fakes.demo_faults import DemoFault, FaultRates
from tests.fakes.faulty_app import FaultyApp
from tests.fakes.medusa.shop import MedusaShop
from tests.fakes.medusa.state import stocked
from tests.fakes.medusa.stock import Json, stock_document
from tests.unit.checkout.environment import HANDLE, CheckoutEnvironment, Clock, Killed
from tests.unit.checkout.test_checkout_flow import pay

CHECKOUTS: Final = int(os.environ.get("STOREFRONT_MEDUSA_CHECKOUTS", "120"))
METHOD: Final = "pp_system_default"
FAULTS: Final = tuple(
    fault.name
    for fault in (
        *(DemoFault.BEFORE, DemoFault.AFTER, DemoFault.GONE),
        *(DemoFault.HTML, DemoFault.TRUNCATED, DemoFault.REDIRECT),
    )
)
CALLS: Final = (
    ("POST", "/complete"),
    ("POST", "/payment-collections"),
    ("POST", "/payment-sessions"),
    ("GET", "/admin/orders/"),
    ("POST", "/capture"),
)
"""What an order is made and paid by."""


class MadeOrder(Struct, frozen=True):
    """An order as the shop's staff sees it."""

    reference: str | None
    paid: bool
    email: str
    total: Money


class FaultedShop(Struct, frozen=True, kw_only=True):
    """A Medusa shop behind faults."""

    app: FaultyApp
    config: MedusaConfig
    orders: Callable[[], list[MadeOrder]]
    """All that this checkout made."""


@cache
def goods() -> Json:
    """What stand-ins are stocked with."""
    return stock_document()


def stand_in() -> FaultedShop:
    """A shop of its own."""
    shop = MedusaShop(stocked(goods()))
    config = MedusaConfig(url="https://shop.example", key=shop.state.key, secret_key=shop.state.secret_key)
    return FaultedShop(app=shop, config=config, orders=lambda: [*map(made_order, shop.state.orders.values())])


def made_order(found: Json) -> MadeOrder:
    """An order of a stand-in."""
    return MadeOrder(
        reference=found["kept"]["metadata"].get(REFERENCE_KEY),
        paid=found["payment_status"] == "captured",
        email=found["email"],
        total=Money.of(str(found["total"]), "AUD"),
    )


def open_process(shop: FaultedShop, clock: Clock) -> ShopBackend:
    """An adapter as a process has it that has just started."""
    config = replace(shop.config, limits=ClientLimits(total=300, order=300))
    transport = httpx.ASGITransport(shop.app)  # type: ignore[arg-type]
    backend, _ = connect(config, "AUD", transport=transport, clock=clock)
    return cast("ShopBackend", backend)


async def drafted(backend: ShopBackend, cart: CartId) -> OrderDraft:
    """An order of the cart, sent the cheapest way."""
    methods = await backend.shipping_methods(cart, HOME)
    assert methods
    cheapest = min(methods, key=lambda method: method.price.minor)
    return OrderDraft(email=EMAIL, shipping_address=ADA, billing_address=ADA, shipping_method=cheapest.code)


async def checked_out(seed: int, shop: FaultedShop) -> tuple[str, list[str]]:
    """How one checkout ended, with faults that the seed draws, and what is wrong then."""
    chance = Random(seed)
    environment = CheckoutEnvironment(captures=False)

    def restart() -> None:
        backend = open_process(shop, environment.clock)
        policy = replace(environment.context.policy, method=METHOD)
        environment.context = replace(environment.context, backend=backend, policy=policy)
        environment.start()

    restart()
    cart = (await environment.context.backend.create_cart()).cart_id
    await environment.context.backend.add_line(cart, Sku("PAD-4"), chance.choice((1, 3)), {})
    environment.carts[HANDLE] = cart
    draft = await drafted(environment.context.backend, cart)
    shown = await environment.agent.place(HANDLE, draft, key=None, dry_run=False)
    id_ = (shown.checkout_id or "").partition(".")[0]
    await pay(environment, id_)
    for method, path in CALLS:
        for _ in range(chance.choice((0, 0, 1, 2))):
            shop.app.faults.next(DemoFault[chance.choice(FAULTS)], method=method, path=path, seconds=0.002)
    shop.app.faults.draw(FaultRates(seed=seed, share=chance.choice((0.1, 0.3, 0.6)), faults=FAULTS, seconds=0.002))
    for _ in range(chance.randint(3, 25)):
        environment.trouble.coming = [chance.choice(TROUBLES) for _ in range(chance.randint(0, 4))]
        environment.clock.time += chance.choice((20.0, 120.0, 600.0))
        try:
            await environment.reconciler.run_once()
        except Killed:
            restart()
    shop.app.faults.clear()
    environment.trouble.coming = []
    restart()
    await environment.settle()
    return environment.checkout.state, violations(environment, shop, id_)


def violations(environment: CheckoutEnvironment, shop: FaultedShop, id_: str) -> list[str]:
    """What no run may leave behind, by name."""
    found = []
    [payment] = environment.provider.payments.values()
    orders = shop.orders()
    ours = [order for order in orders if order.reference == id_]
    state = environment.checkout.state
    if len(ours) != len(orders) or len(ours) > 1:
        found.append(f"{len(orders)} orders of one checkout")
    if state not in {"placed", "failed"}:
        found.append(f"it ended as {state}: {environment.checkout.problem}")
    if bool(ours) != (state == "placed"):
        found.append(f"it is {state}, and there are {len(ours)} orders")
    if payment.state != ("captured" if ours else "released"):
        found.append(f"the payment is {payment.state}, and there are {len(ours)} orders")
    found += [f"it is {order}" for order in ours if order != MadeOrder(id_, True, EMAIL, payment.amount)]
    found += [f"captured {count} times" for count in environment.provider.captures.values() if count > 1]
    return found + environment.provider.misused


async def find_wrong(seeds: Iterable[int], open_shop: Callable[[], FaultedShop]) -> dict[int, list[str]]:
    """What is wrong with checkouts, by seed. Most of them must come to an order, or nothing was tried."""
    ends, wrong = Counter[str](), {}
    for seed in seeds:
        end, told = await checked_out(seed, open_shop())
        ends[end] += 1
        if told:
            wrong[seed] = told
    assert ends["placed"] > ends.total() / 2, ends
    return wrong


@pytest.mark.slow
async def test_a_paid_checkout_is_one_paid_order_or_none_whatever_fails() -> None:
    assert await find_wrong(range(CHECKOUTS), stand_in) == {}
