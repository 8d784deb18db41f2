"""The examined store: what the caller knows of it, and the responses that checks share."""

import datetime as dt
import shlex
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from storefront_mcp.backends.probe import ProbeResponse, ShopProbe
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.doctor.http_client import StoreHttpClient
from storefront_mcp.payments.key_probe import KeyProbe
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.settings.problems import SettingProblem
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings

if TYPE_CHECKING:
    from storefront_mcp.identity.openid_provider import OpenIdProvider

CARD = "/.well-known/mcp/server-card.json"


class StoreInternals(Struct, frozen=True, kw_only=True):
    """Backend, probes and roadmap of one configured store; made by `app.diagnostics`."""

    store: StoreSettings
    planned: Roadmap
    """Without recorded flips; phases carry what the store lacks."""
    probe: ShopProbe
    backend: ShopBackend
    close: Callable[[], Awaitable[None]]
    """Closes the backend."""
    provider: "OpenIdProvider | None" = None
    """Where customers sign in, if not at a form of ours; connects on first use."""
    key: KeyProbe | None
    """None without a provider that has a key."""
    method: str
    """The shop's payment method code for orders paid at the provider; may be empty."""


class ExaminationSubject(Struct, frozen=True, kw_only=True):
    """What to examine: a deployed store by its address, settings, or both."""

    url: str | None = None
    """The store's origin; default: that of the settings."""
    config: str | None = None
    """Source of the settings, for display."""
    settings: Settings | None = None
    problems: tuple[SettingProblem, ...] = ()
    """Why the file gives no valid settings."""
    behind: StoreInternals | None = None
    cart: bool = False
    """Whether the checks may make a cart."""
    program: str = "storefront-mcp"
    """The program's name in advised command lines."""
    options: tuple[str, ...] = ()
    """Its options that select the settings and the store."""
    demo: bool = False
    """Whether it is a demo, which keeps nothing across restarts."""
    start: str | None = None
    """The command line that starts it, if not `serve`."""

    @property
    def origin(self) -> str | None:
        """The store's origin, given or configured."""
        return self.url or (None if self.behind is None else self.behind.store.origin)


class ExaminedStore:
    """A subject under examination, with responses cached for all checks."""

    def __init__(
        self, subject: ExaminationSubject, web: StoreHttpClient | None, *, now: Callable[[], dt.datetime]
    ) -> None:
        self.subject = subject
        self.now = now
        self._web = web

    @property
    def has(self) -> frozenset[str]:
        """The requirements of checks that are met."""
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
    def web(self) -> StoreHttpClient:
        """HTTP client of the deployed store; only for checks that need "address"."""
        if self._web is None:
            raise AssertionError("a check without an address")
        return self._web

    @property
    def behind(self) -> StoreInternals:
        """Backend and probes; only for checks that need "shop"."""
        if self.subject.behind is None:
            raise AssertionError("a check without a shop")
        return self.subject.behind

    @property
    def settings(self) -> Settings:
        """The settings; only for checks that need "settings"."""
        if self.subject.settings is None:
            raise AssertionError("a check without settings")
        return self.subject.settings

    def command(self, *words: str) -> str:
        """A shell command line for this store, quoted."""
        return f"{self.subject.program} {shlex.join([*words, *self.subject.options])}"

    async def card(self) -> Mapping[str, Any]:
        """The server card; empty unless it is a JSON object. Raises ProbeFailed."""
        return await self.document(CARD)

    async def document(self, path: str) -> Mapping[str, Any]:
        """A published JSON object; empty where there is none. Raises ProbeFailed."""
        found = await self.page(path)
        said = found.json if found.status == 200 else None  # noqa: PLR2004 -- OK
        return said if isinstance(said, dict) else {}

    async def page(self, path: str) -> ProbeResponse:
        """The response of a path, fetched once. Raises ProbeFailed."""
        return await self.web.get(path)

    async def open(self) -> bool:
        """Whether the card's status is "active", the default. Raises ProbeFailed."""
        return bool((await self.card()).get("status", "active") == "active")
