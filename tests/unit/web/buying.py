"""Checkouts without a shop: a buyer's side of paying that says what a test tells it to."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from litestar import Litestar
from msgspec.structs import replace

from storefront_mcp.cards.site.icon import brand_hue, favicon_svg
from storefront_mcp.checkout.payment_page import PaymentPage, PaymentPageLine, PaymentPageView
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.order import PaymentMethod
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.payment_page import PaymentPageConfig, pay_routes
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from tests.fakes.memory_backend import NOW, OPEN, STORE, MemoryBackend, aud, shop_on
from tests.unit.web.serving import CARDS, Layout

TOKEN = "t0ken-of-a-checkout-that-nobody-guesses"
BUYERS = BuyerPages(brand_hue)
ICON = Card(name="icon", paths=("/favicon.svg",), media_type="image/svg+xml", render=favicon_svg, group="root")
TRANSFER = PaymentMethod(code="banktransfer", title="bank transfer", offline=True)
OPEN_PAGE = PaymentPageView(
    checkout_id="chk_1",
    state="open",
    lines=(
        PaymentPageLine(name="Carbon paddle", quantity=1, total=aud(27900)),
        PaymentPageLine(name="Court shirt", quantity=2, total=aud(9000), options={"Size": "M", "Colour": "Dill green"}),
    ),
    totals=CartTotals(
        subtotal=aud(36900),
        discount=aud(3690),
        shipping=aud(995),
        tax=aud(3110),
        tax_included=True,
        total=aud(34205),
    ),
    email="j…@example.com",
    ships_to="Fitzroy, Australia",
    ships_by="Standard delivery",
    expires_at=int(NOW.timestamp()) + 23 * 3600,
)


def page(**changes: Any) -> PaymentPageView:
    """The usual checkout, changed."""
    return replace(OPEN_PAGE, **changes)


STATES: dict[str, PaymentPageView] = {
    "open": OPEN_PAGE,
    "changed": page(before=aud(33205)),
    "declined": page(declined=True),
    "offline": page(offline=(TRANSFER,)),
    "free": page(
        online=False,
        totals=CartTotals(subtotal=aud(36900), gift_cards=aud(36900), tax=aud(0), other=aud(0), total=aud(0)),
    ),
    "confirming": page(state="confirming"),
    "ordering": page(state="ordering"),
    "ordered": page(state="ordered", order_number="100000042"),
    "refused": page(state="refused", reason="The last paddle was sold while you paid."),
    "expired": page(state="expired", email="", ships_to=""),
    "canceled": page(state="canceled", reason="Your assistant gave this order up."),
    "attention": page(state="attention", order_number="100000042"),
}


class FakePaying:
    """Implements `checkout.paying.Paying`; remembers what it was asked."""

    def __init__(self) -> None:
        self.now: PaymentPageView | None = OPEN_PAGE
        self.then: PaymentPageView | None = None
        """What a look at the provider tells; None for no news."""
        self.answer: str | PaymentPageView | None = "https://pay.example/session"
        self.fault: Exception | None = None
        self.asked: list[tuple[Any, ...]] = []

    async def page(self, token: str) -> PaymentPageView | None:
        return self._known(("page", token), token, self.now)

    async def return_from_payment(self, token: str) -> PaymentPageView | None:
        return self._known(("returned", token), token, self.then or self.now)

    async def pay(
        self, token: str, *, total_shown: int, offline_method: str | None = None
    ) -> str | PaymentPageView | None:
        return self._known(("pay", token, total_shown, offline_method), token, self.answer)

    def _known(self, asked: tuple[Any, ...], token: str, answer: Any) -> Any:
        self.asked.append(asked)
        if self.fault is not None:
            raise self.fault
        return answer if token == TOKEN else None


def buyer_app(
    paying: PaymentPage,
    store: Store = STORE,
    *,
    form_targets: tuple[str, ...] = ("https://pay.example",),
    now: Callable[[], float] = NOW.timestamp,
    more: Any = (),
    pages: BuyerPages = BUYERS,
) -> HostRouter:
    """One store's app with its page to pay."""
    site = StoreSite(shop_on(MemoryBackend(), store), (*CARDS, ICON), OPEN)
    desks = {store.id: PaymentPageConfig(paying=paying, form_targets=form_targets)}
    app = pages_app(
        paths={path for card in (*CARDS, ICON) for path in card.paths},
        pages=ShopPages(Layout()),
        identifiers=(),
        media={},
        lifespan=_lifespan,
        more=[*pay_routes(desks, pages, now=now), *more],
    )
    return HostRouter({store.host: site}, {}, app)


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield
