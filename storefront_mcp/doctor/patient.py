"""Who is examined: what the caller knows of a store, and what the checks have found out so far."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from storefront_mcp.backends.probing import Heard, ShopProbe
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.doctor.web import Web
from storefront_mcp.payments.probing import KeyProbe
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.settings.problems import Problem
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import StoreSettings

CARD = "/.well-known/mcp/server-card.json"


class Behind(Struct, frozen=True, kw_only=True):
    """What stands behind one store of the settings: made by whoever knows which backends and providers there are."""

    store: StoreSettings
    planned: Roadmap
    """Before any flip, with what the store lacks for each phase."""
    probe: ShopProbe
    backend: Backend
    close: Callable[[], Awaitable[None]]
    """Of the backend."""
    key: KeyProbe | None
    """None where there is no provider with a key."""
    method: str
    """The shop's code of orders that are paid at the provider; empty where there is none."""


class Subject(Struct, frozen=True, kw_only=True):
    """What is to be examined: a deployed store by its address, settings, or both."""

    url: str | None = None
    """The store's origin; without one, the one of the settings."""
    config: str | None = None
    """Where the settings come from, for people."""
    settings: Settings | None = None
    problems: tuple[Problem, ...] = ()
    """Why there are no settings although there is a file."""
    behind: Behind | None = None
    cart: bool = False
    """Whether a cart may be made."""

    @property
    def origin(self) -> str | None:
        """Where the store should answer."""
        return self.url or (None if self.behind is None else self.behind.store.origin)


class Patient:
    """A subject under examination. Checks share what each of them asked for."""

    def __init__(self, subject: Subject, web: Web | None, *, now: Callable[[], dt.datetime]) -> None:
        self.subject = subject
        self.now = now
        self._web = web

    @property
    def has(self) -> frozenset[str]:
        """What checks may need."""
        subject = self.subject
        found = {
            "file": subject.config is not None,
            "settings": subject.settings is not None,
            "shop": subject.behind is not None,
            "address": self._web is not None,
            "cart": subject.cart,
        }
        return frozenset(name for name, there in found.items() if there)

    @property
    def web(self) -> Web:
        """The deployed store; only for checks that need an address."""
        if self._web is None:
            raise AssertionError("a check without an address")
        return self._web

    @property
    def behind(self) -> Behind:
        """The shop; only for checks that need one."""
        if self.subject.behind is None:
            raise AssertionError("a check without a shop")
        return self.subject.behind

    @property
    def settings(self) -> Settings:
        """The settings; only for checks that need them."""
        if self.subject.settings is None:
            raise AssertionError("a check without settings")
        return self.subject.settings

    async def card(self) -> Mapping[str, Any]:
        """The storefront card; empty where it is none."""
        return await self.document(CARD)

    async def document(self, path: str) -> Mapping[str, Any]:
        """A published JSON object; empty where there is none."""
        found = await self.page(path)
        said = found.json if found.status == 200 else None  # noqa: PLR2004 -- OK
        return said if isinstance(said, dict) else {}

    async def page(self, path: str) -> Heard:
        """A published document, fetched once. Raises Unheard."""
        return await self.web.get(path)

    async def open(self) -> bool:
        """Whether the card says that tools work."""
        return bool((await self.card()).get("status", "active") == "active")
