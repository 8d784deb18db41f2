"""A store whose carts have pages, over real sessions, carts and checkouts on a shelf of products."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar
from msgspec.structs import replace

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.checkout_sessions import CheckoutSessions, SessionRequest, SessionState, WantedLine
from storefront_mcp.checkout_sessions.cart_links import CartLinks
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.cart_page import CartPageConfig, cart_routes
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from tests.fakes.memory_backend import STORE
from tests.unit.checkout_sessions.environment import ALL_OPEN, SessionsEnvironment
from tests.unit.web.serving import CARDS, Layout

LINKS = CartLinks(STORE, b"k" * 32)


class CartPages:
    """The environment, and an app that shows its carts."""

    def __init__(self, store: Store = STORE, under: Roadmap = ALL_OPEN) -> None:
        self.here = SessionsEnvironment(store=store)
        self.here.sessions = CheckoutSessions(STORE.id, self.here.records, now=self.here.seconds, cart_page=LINKS.page)
        self.under = under
        self.store = store

    @property
    def app(self) -> HostRouter:
        site = StoreSite(replace(self.here.shop, store=self.store), CARDS, self.under)
        config = CartPageConfig(sessions=self.here.sessions, links=LINKS)
        app = pages_app(
            paths={path for card in CARDS for path in card.paths},
            pages=ShopPages(Layout()),
            identifiers=(),
            media={},
            lifespan=_lifespan,
            more=cart_routes({self.store.id: config}, BuyerPages(brand_hue)),
        )
        return HostRouter({self.store.host: site}, {}, app)

    async def begun(self, **more: Any) -> SessionState:
        wanted = (WantedLine(sku="DILL", quantity=2),)
        request = SessionRequest(**{"lines": wanted, **more})
        return await self.here.sessions.create(self.here.runner(), request, protocol="ucp")


@contextlib.asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield
