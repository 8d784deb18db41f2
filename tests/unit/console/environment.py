"""A served demo with a console, keys and links to it, and checkouts that nobody but a person can finish."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import re
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce.cart import CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.console_sessions import SqlConsoleSessionRepository
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.records.audit import AuditEntry
from storefront_mcp.records.console_sessions import LoginLink, secret_digest
from storefront_mcp.settings.console import ConsoleSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.serving import free_port, served

PICKLE = StoreId("pickle")
EVERYTHING = ("manage:workspace", "manage:api_keys", "read:analytics")


class Stage(Struct):
    """One served demo, and its records as another process would open them."""

    origin: str
    settings: Settings
    database: Database

    def key(self, *scopes: str, label: str = "Ada", store: StoreId = PICKLE, days: float = 30) -> str:
        """A new key of the store."""
        now = utc_now() if days > 0 else utc_now() - dt.timedelta(days=2 - days)
        new = mint_key(
            store=store,
            label=label,
            scopes=frozenset(scopes or EVERYTHING),
            by="a test",
            now=now,
            lifetime=dt.timedelta(days=abs(days) or 1),
        )
        SqlApiKeyRepository(self.database).add(new.key, new.digest)
        return new.secret.reveal()

    def link(self, *, seconds: float = 600, store: StoreId = PICKLE) -> str:
        """A way in that opens once."""
        secret = hashlib.sha256(str(time.perf_counter_ns()).encode()).hexdigest()
        ends = utc_now() + dt.timedelta(seconds=seconds)
        digest = secret_digest(secret, store)
        SqlConsoleSessionRepository(self.database).add_link(
            LoginLink(digest=digest, store=store, by="ada", expires_at=ends)
        )
        return f"{self.origin}{self.path}/sign-in?once={secret}"

    @property
    def path(self) -> str:
        """Where the console is."""
        return self.settings.stores[0].console.path

    def stuck(self, id_: str, state: Any = "needs_human", **changes: Any) -> str:
        """A checkout on record that waits for a person, or stands elsewhere."""
        now = time.time()
        price = Money(27900, "AUD")
        lines = (
            CartLine(
                line_id=LineId("1"), sku=Sku("PAD-2"), name="Paddle", quantity=2, price=price, total=Money(55800, "AUD")
            ),
        )
        checkout = Checkout(
            id=id_,
            store=PICKLE,
            cart=f"cart of {id_}",
            upstream=CartId("masked-1"),
            pay_key=f"pay {id_}",
            request=f"wish {id_}",
            created_at=now - 900,
            since=now - 600,
            expires_at=now + 1800,
            lines=lines,
            totals=CartTotals(subtotal=Money(55800, "AUD"), total=Money(55800, "AUD")),
            settle_by="prepaid",
            payment="pi_3Q8",
            problem="The shop was asked twice and broke off each time; the money is held.",
        )
        checkout = replace(checkout, state=state, **changes)
        meanwhile(SqlCheckoutRepository(self.database).open(checkout))
        return id_

    def audit(self) -> list[AuditEntry]:
        """Every entry."""
        return [one.entry for one in AuditLog(self.database).read()]

    def acts(self) -> list[str]:
        """What operators did, in their order."""
        return [entry.subject for entry in self.audit() if entry.what == "operator.acted"]

    def browser(self, **options: Any) -> "Browser":
        """Somebody who is not signed in."""
        return Browser(self, **options)


def meanwhile(work: Coroutine[Any, Any, Any]) -> Any:
    """Do it on a thread of its own: a browser's test keeps this one's event loop to itself."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(60)


class Browser:
    """A browser without scripts: keeps cookies, and sends forms as it found them."""

    def __init__(self, stage: Stage, **options: Any) -> None:
        self.stage = stage
        self.client = httpx.Client(base_url=stage.origin, timeout=120, verify=False, **options)
        self.page: httpx.Response | None = None

    def get(self, at: str, **options: Any) -> httpx.Response:
        """Open a page of the console, `/roadmap`, or any address."""
        url = at if at.startswith("http") else self.stage.path + at
        self.page = self.client.get(url, **options)
        return self.page

    def send(self, at: str, fields: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        """Send a form with the token of the page that was last looked at."""
        assert self.page is not None
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.page.text)
        assert token is not None
        return self.post(at, {"csrf": token[1], **(fields or {})}, **options)

    def post(self, at: str, fields: dict[str, Any], **options: Any) -> httpx.Response:
        """Send just this."""
        return self.client.post(self.stage.path + at, data=fields, **options)

    def sign_in(self, *scopes: str, label: str = "Ada") -> "Browser":
        """With a new key."""
        key = self.stage.key(*scopes, label=label)
        self.get("/sign-in")
        answer = self.send("/sign-in", {"key": key})
        assert answer.status_code == 303, answer.text
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()


@contextlib.contextmanager
def staged(
    folder: Path,
    *,
    console: ConsoleSettings | None = None,
    port: int | None = None,
    changes: Mapping[str, Any] | None = None,
    key: str | None = None,
    **options: Any,
) -> Iterator[Stage]:
    """Serve a demo for as long as a test needs it; `changes` are to the settings of its store.

    With a `key` for personal data, its customers can sign in.
    """
    chosen = port or free_port()
    settings = demo_settings(chosen, state=folder, key=key)
    if console is not None:
        changes = {"console": console, **(changes or {})}
    if changes:
        settings = replace(settings, stores=(replace(settings.stores[0], **changes),))
    with (
        served(create_app(settings, **options), chosen) as origin,
        contextlib.closing(Database(settings.database)) as database,
    ):
        yield Stage(origin, settings, database)
