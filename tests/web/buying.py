"""Checkouts without a shop: a buyer's side of paying that says what a test tells it to."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from litestar import Litestar
from msgspec.structs import replace

from cards.root.icon import favicon_svg, hue
from storefront_mcp.checkout.paying import BilledLine, Paying, PayPage
from storefront_mcp.commerce.cart import Totals
from storefront_mcp.commerce.order import PaymentMethod
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.web.buyers import BuyerPages
from storefront_mcp.web.framework import pages_app
from storefront_mcp.web.front import Front
from storefront_mcp.web.pages import Pages
from storefront_mcp.web.pay import PayDesk, pay_routes
from storefront_mcp.web.site import Site
from tests.shelf import NOW, OPEN, STORE, Shelf, aud, shop_on
from tests.web.serving import CARDS, Layout

TOKEN = "t0ken-of-a-checkout-that-nobody-guesses"
BUYERS = BuyerPages(hue)
ICON = Card(name="icon", paths=("/favicon.svg",), media_type="image/svg+xml", render=favicon_svg, group="root")
TRANSFER = PaymentMethod(code="banktransfer", title="bank transfer", offline=True)
OPEN_PAGE = PayPage(
    checkout_id="chk_1",
    state="open",
    lines=(
        BilledLine(name="Carbon paddle", quantity=1, total=aud(27900)),
        BilledLine(name="Court shirt", quantity=2, total=aud(9000), options={"Size": "M", "Colour": "Dill green"}),
    ),
    totals=Totals(
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


def page(**changes: Any) -> PayPage:
    """The usual checkout, changed."""
    return replace(OPEN_PAGE, **changes)


STATES: dict[str, PayPage] = {
    "open": OPEN_PAGE,
    "changed": page(before=aud(33205)),
    "declined": page(declined=True),
    "offline": page(offline=(TRANSFER,)),
    "free": page(
        online=False, totals=Totals(subtotal=aud(36900), gift_cards=aud(36900), tax=aud(0), other=aud(0), total=aud(0))
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
        self.now: PayPage | None = OPEN_PAGE
        self.then: PayPage | None = None
        """What a look at the provider tells; None for no news."""
        self.answer: str | PayPage | None = "https://pay.example/session"
        self.fault: Exception | None = None
        self.asked: list[tuple[Any, ...]] = []

    async def page(self, token: str) -> PayPage | None:
        return self._known(("page", token), token, self.now)

    async def returned(self, token: str) -> PayPage | None:
        return self._known(("returned", token), token, self.then or self.now)

    async def pay(self, token: str, *, shown: int, by: str | None = None) -> str | PayPage | None:
        return self._known(("pay", token, shown, by), token, self.answer)

    def _known(self, asked: tuple[Any, ...], token: str, answer: Any) -> Any:
        self.asked.append(asked)
        if self.fault is not None:
            raise self.fault
        return answer if token == TOKEN else None


def till(
    paying: Paying,
    store: Store = STORE,
    *,
    leads_to: tuple[str, ...] = ("https://pay.example",),
    now: Callable[[], float] = NOW.timestamp,
    more: Any = (),
) -> Front:
    """One store's app with its page to pay."""
    site = Site(shop_on(Shelf(), store), (*CARDS, ICON), OPEN)
    desks = {store.id: PayDesk(paying=paying, leads_to=leads_to)}
    pages = pages_app(
        paths={path for card in (*CARDS, ICON) for path in card.paths},
        pages=Pages(Layout()),
        identifiers=(),
        media={},
        lifespan=_lifespan,
        more=[*pay_routes(desks, BUYERS, now=now), *more],
    )
    return Front({store.host: site}, {}, pages)


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield
