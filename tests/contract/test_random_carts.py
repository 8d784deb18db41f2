"""Random carts of every product type, from the quote to the captured payment, in shops that round and tax as Maho."""

import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.checkout.agent import AgentCheckout
from storefront_mcp.checkout.buyer import BuyerCheckout
from storefront_mcp.checkout.context import CheckoutContext, CheckoutPolicy
from storefront_mcp.checkout.reconciler import Reconciler
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.commerce.product import CustomOption, Product
from storefront_mcp.demo.access import AttemptCounter
from storefront_mcp.demo.catalogue.model import DemoProduct
from storefront_mcp.demo.coupons import GIFT_CARDS
from storefront_mcp.demo.totals import DemoTotals
from storefront_mcp.payments.stripe.provider import StripeProvider
from tests.contract.odd_prices import RULES, odd_catalogue
from tests.contract.ordering import DRAFT, HOME
from tests.fakes.demo_shop import ControlledShop, demo_shop
from tests.fakes.memory_backend import STORE
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.app import StripeServer
from tests.fakes.stripe.ledger import SMALLEST
from tests.serving import served
from tests.unit.checkout.memory import MemoryRecords

pytestmark = pytest.mark.slow

FEW_CARTS, MANY_CARTS = 24, 500
"""For each of the four shops."""
VIRTUAL_SHARE, FREE_SHARE, SPECIAL_SHARE, GIFT_CARD_SHARE = 0.15, 0.2, 0.6, 0.15
NOT_ORDERED = {"OPT-FILE", "DIS-1"}
SPECIAL = {"bundle", "grouped", "downloadable", "giftcard"}
ANSWERS = {"text": "Ada", "date": "2027-03-14", "date_time": "2027-03-14T15:30:00"}


class StripeAccount:
    """A fake Stripe, its buyer's side and its ledger."""

    def __init__(self, server: StripeServer, url: str) -> None:
        self.server = server
        self.desk = FakeStripe(url)
        self.provider = StripeProvider(FakeStripe.key, secrets=["whsec_carts"], url=url)

    def captured(self, checkout: str) -> list[int]:
        """What was taken for a checkout, in minor units."""
        ledger = self.server.books.ledger
        return [one["amount"] for one in ledger if one["what"] == "captured" and one["checkout"] == checkout]

    async def close(self) -> None:
        await self.provider.close()
        await self.desk.close()


@pytest.fixture(scope="module")
def stripe_server() -> Iterator[tuple[StripeServer, str]]:
    server = StripeServer()
    with served(server, log_level="critical") as url:
        yield server, url


@pytest.fixture
async def account(stripe_server: tuple[StripeServer, str]) -> AsyncIterator[StripeAccount]:
    found = StripeAccount(*stripe_server)
    yield found
    await found.close()


@pytest.fixture(params=RULES, ids=str)
def odd_shop(request: pytest.FixtureRequest) -> ControlledShop:
    return demo_shop(rules=request.param, catalogue=odd_catalogue())


class RandomShopper:
    """Fills carts by chance, orders and pays; what was bought is counted."""

    def __init__(self, shop: ControlledShop, backend: MahoBackend, account: StripeAccount, seed: str) -> None:
        self.shop = shop
        self.backend = backend
        self.account = account
        self.chance = random.Random(seed)
        self.bought: Counter[str] = Counter()
        self._read: dict[str, Product] = {}
        records = MemoryRecords()
        self.records = records
        context = CheckoutContext(
            store=STORE,
            backend=backend,
            provider=account.provider,
            records=records,
            policy=CheckoutPolicy(method="prepaid", offline=("banktransfer",)),
            secret=b"s" * 32,
            now=time.time,
        )
        self.context = context
        reconciler = Reconciler({STORE.id: context}, records, now=time.time)
        self.agent = AgentCheckout(context, self._lock_cart, reconciler.start_advancing)
        self.buyer = BuyerCheckout(context, reconciler.start_advancing)

    @asynccontextmanager
    async def _lock_cart(self, handle: CartId) -> AsyncIterator[CartRecord]:
        yield CartRecord(store=STORE.id, handle=handle, upstream=handle, expires_at=int(time.time()) + 86_400)

    async def shop_once(self) -> None:
        """One cart from the first product to its order: agreed equals ordered equals captured."""
        cart, draft = await self.fill_cart()
        try:
            previewed = await self.backend.preview_order(cart, draft)
            quoted = await self.backend.quote_order(cart, draft)
        except errors.NoWayToPay:
            # The release cannot be told how such a cart is sent, so its payment methods are not those of the order.
            assert (self.shop.state.rules.release, self._totals(cart).grand) == ("26.7.4", 0)
            self.bought["refused before anybody paid"] += 1
            return
        assert quoted.totals.other is None
        assert previewed.cart.totals == quoted.totals
        shown = await self.agent.place(cart, draft, key=None, dry_run=False)
        checkout = self.records.checkouts[(shown.checkout_id or "").partition(".")[0]]
        assert checkout.totals.total == quoted.totals.total
        paid = await self.pay(checkout)
        ended = await self.agent.status(checkout.id)
        order = self.shop.books[-1]
        agreed = quoted.totals.total.minor
        assert (ended.status, ended.order and ended.order.number) == ("completed", order.number)
        assert (order.cart, order.total, order.currency) == (cart, agreed, quoted.totals.total.currency)
        assert self.account.captured(checkout.id) == ([agreed] if paid == "card" else [])
        read = self._totals(cart, order.currency).grand
        self.bought.update([paid, "read otherwise" if read != agreed else "read alike"])
        self.records.checkouts.clear()

    def _totals(self, cart: CartId, currency: str = "AUD") -> DemoTotals:
        return self.shop.state.totals(self.shop.state.carts[cart], currency)

    async def fill_cart(self) -> tuple[CartId, OrderDraft]:
        """A cart with one to four products, and where it goes."""
        state, chance = self.shop.state, self.chance
        state.attempts = AttemptCounter(state.clock)
        cart = (await self.backend.create_cart()).cart_id
        for product in self._goods():
            state.take_stock(product.sku, state.stock[product.sku] - 5_000)
            read = self._read.get(product.sku) or await self.backend.product(product.sku)
            self._read[product.sku] = read
            await self.backend.add_line(cart, Sku(product.sku), self._quantity(read), self._options(read))
            self.bought["variant" if product.parent else product.kind] += 1
            self.bought["surcharge"] += bool(product.options)
            self.bought["tier prices"] += bool(product.tiers)
        coupon = chance.choice(["SAVE10", "SAVE10", "PICKLE5", None])
        if coupon is not None and (await self.backend.cart(cart)).totals.total:
            await self.backend.apply_coupon(cart, coupon)
        state.balances |= GIFT_CARDS
        if chance.random() < GIFT_CARD_SHARE:
            await self.backend.apply_gift_card(cart, chance.choice(sorted(GIFT_CARDS)))
            self.bought["paid with a gift card"] += 1
        self.bought[f"coupon {coupon}"] += 1
        there = chance.choice([HOME, replace(HOME, country="NZ", region="", city="Nelson", postcode="7010")])
        self.bought[f"to {there.country}"] += 1
        offers = await self.backend.shipping_methods(cart, there.place())
        method = chance.choice(offers).code if offers else ""
        return cart, replace(DRAFT, shipping_address=there, billing_address=there, shipping_method=method)

    async def pay(self, checkout: Checkout) -> str:
        """Pay as it can be paid: by card, later where Stripe does not take the total, or not at all."""
        secret = self.context.handle_secret(checkout.id, checkout.upstream)
        token, total = self.context.pay_token(checkout.id, secret), checkout.totals.total
        if total and isinstance(await self.buyer.pay(token, total_shown=total.minor), str):
            await self.account.desk.pay(self.records.checkouts[checkout.id].session or "")
            await self.buyer.return_from_payment(token)
            return "card"
        too_little = total.minor < SMALLEST.get(total.currency.lower(), 1)
        assert not total or too_little or (total.currency == "KWD" and total.minor % 10)
        await self.buyer.pay(token, total_shown=total.minor, offline_method="banktransfer" if total else None)
        return "bank transfer" if total else "free"

    def _goods(self) -> list[DemoProduct]:
        """Products that can be ordered: for some carts only what costs nothing or is not sent, for most an odd type."""
        found = self.shop.state.catalogue.products.values()
        goods = [one for one in found if not one.axes and one.sku not in NOT_ORDERED]
        if self.chance.random() < VIRTUAL_SHARE:
            free = self.chance.random() < FREE_SHARE
            unsent = [one for one in goods if one.virtual and (one.cents == 0) == free]
            return self.chance.sample(unsent, min(len(unsent), self.chance.randint(1, 3)))
        special = [one for one in goods if one.kind in SPECIAL or one.tiers]
        picked = self.chance.sample(goods, self.chance.randint(1, 3))
        return picked + [self.chance.choice(special)] * (self.chance.random() < SPECIAL_SHARE)

    def _quantity(self, product: Product) -> int:
        least, step = product.min_quantity or 1, product.quantity_step or 1
        return step * self.chance.randint(least, min(product.max_quantity or 12, 12))

    def _options(self, product: Product) -> dict[str, str | list[str]]:
        return {one.id: self._answer(one) for one in product.custom_options if one.kind != "other"}

    def _answer(self, option: CustomOption) -> str | list[str]:
        if option.kind in ANSWERS and not option.values:
            return "ada@example.com" if "mail" in option.id else ANSWERS[option.kind]
        if option.kind in {"choice", "text"}:
            return self.chance.choice(option.values).id
        values = self.chance.sample(option.values, self.chance.randint(1, len(option.values)))
        counted = option.kind == "amounts"
        return [f"{one.id}: {self.chance.randint(1, 4)}" if counted else one.id for one in values]


async def test_random_carts_cost_what_was_quoted(odd_shop: ControlledShop, account: StripeAccount) -> None:
    await shop_at_random(odd_shop, account, FEW_CARTS)


@pytest.mark.fuzz
async def test_two_thousand_random_carts_cost_what_was_quoted(odd_shop: ControlledShop, account: StripeAccount) -> None:
    bought = await shop_at_random(odd_shop, account, MANY_CARTS)
    sys.stdout.write(f"{odd_shop.state.rules}: {dict(sorted(bought.items()))}\n")
    kinds = {"simple", "variant", "virtual", *SPECIAL, "surcharge", "tier prices", "paid with a gift card", "free"}
    assert not kinds - set(+bought)


async def shop_at_random(shop: ControlledShop, account: StripeAccount, carts: int) -> Counter[str]:
    """Order random carts in every currency that the shop's release has; the same carts in every run."""
    bought = Counter[str]()
    currencies = ("AUD",) if shop.state.rules.release == "26.7.4" else ("AUD", "NZD", "JPY", "KWD")
    for currency in currencies:
        backend, close = connect(MahoConfig(url="http://demo.example"), currency, transport=httpx.ASGITransport(shop))
        shopper = RandomShopper(shop, backend, account, f"{shop.state.rules} {currency}")
        for _ in range(carts // len(currencies)):
            await shopper.shop_once()
        bought += shopper.bought + Counter({f"in {currency}": carts // len(currencies)})
        await close()
    assert bought["read otherwise"], "how often totals are computed made no difference in any cart"
    return bought
