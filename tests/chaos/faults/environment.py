"""The processes of a fault run: the shop, the provider, and two workers of ours that are killed now and then."""

import asyncio
import contextlib
import datetime as dt
import os
import signal
import sys
from collections.abc import AsyncIterator
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from storefront_mcp.access.scopes import STOREFRONT_SCOPES
from storefront_mcp.app import planned_roadmap
from storefront_mcp.app.assembly import server_identity
from storefront_mcp.app.checkout import CART_PAGES_KEY
from storefront_mcp.checkout_sessions.cart_links import CART_PATH, CartLinks
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.settings import Settings
from tests.chaos.faults.disturbances import Disturbances
from tests.chaos.faults.software import MAHO, ShopSoftware
from tests.serving import free_port

CURRENCIES = {"aud": "AUD", "jpy": "JPY", "kwd": "KWD"}
SECRET = "whsec_faults"
WORKERS = 2
STARTING = 300.0
"""Seconds that a process may take to start: a busy machine is no flaw."""
FREEZES = 0.15
"""How many of those that are hurt are frozen, not killed."""
LEASE = 28.0
"""Seconds for which a worker may be silent, as follows from the timeouts below."""
LASTS = 60
"""Seconds that a buyer has; no setting allows fewer."""

STORE = """
[[store]]
id = "{id}"
origin = "http://{id}.localhost:{port}"
name = "Pickle Warehouse {currency}"
currency = "{currency}"
[store.upstream]
kind = "{software.kind}"
url = "{shop}"
{software.upstream}
timeouts = {{ connect = 2.0, read = 2.0, total = 2.0, order = 2.0 }}
[store.a2a]
enabled = true
[store.acp]
enabled = true
[store.ucp]
enabled = true
fetch_profiles = false
[store.payments]
provider = "stripe"
url = "{stripe}"
{software.payments}
lasts = {lasts}
settle = 3.0
[store.limits]
address = "off"
guest = "off"
principal = "off"
cart = "off"
coupons = "off"
carts = "off"
orders = "off"
"""


class Process:
    """One of the processes, a module that is run as a program. It dies with us."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None, log: Path) -> None:
        self.arguments = arguments
        self.env = {**os.environ, **(env or {})}
        self.log = log
        self.running: asyncio.subprocess.Process | None = None

    async def start(self, *, first_line: bool = False) -> str:
        """Start it, and end the one before: whoever was cancelled between the two left that one running."""
        await self.end()
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.chaos.faults.leash", str(os.getpid())),
                *self.arguments,
                env=self.env,
                stdout=asyncio.subprocess.PIPE if first_line else log,
                stderr=log,
            )
        if not first_line:
            return ""
        assert self.running.stdout is not None
        return (await asyncio.wait_for(self.running.stdout.readline(), STARTING)).decode().strip()

    @contextlib.asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """As a machine that swaps, or sleeps: it notices nothing, and goes on where it was."""
        assert self.running is not None
        self.running.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.running.send_signal(signal.SIGCONT)

    async def end(self, sign: signal.Signals = signal.SIGKILL) -> None:
        if self.running is not None and self.running.returncode is None:
            self.running.send_signal(sign)
            await asyncio.wait_for(self.running.wait(), 30)


class World:
    """Everything there is; addresses are origins."""

    def __init__(
        self,
        folder: Path,
        http: aiohttp.ClientSession,
        shop: str,
        stripe: str,
        database: str,
        software: ShopSoftware,
    ) -> None:
        self.folder = folder
        self.software = software
        self.http = http
        self.shop = shop
        self.stripe = stripe
        self.ports = [free_port() for _ in range(WORKERS)]
        self.config = folder / "storefront.toml"
        stores = "".join(
            STORE.format(
                id=id_,
                currency=currency,
                port=self.ports[0],
                shop=shop if software is MAHO else f"{shop}/{id_}",
                stripe=stripe,
                lasts=LASTS,
                software=software,
            )
            for id_, currency in CURRENCIES.items()
        )
        self.config.write_text(f'database = "{database}"\n{stores}', encoding="utf-8")
        secrets = {
            f"STOREFRONT_STORE__{id_.upper()}__{name}": value
            for id_ in CURRENCIES
            for name, value in (
                ("PAYMENTS__SECRET_KEY", "sk_test_fake"),
                ("PAYMENTS__WEBHOOK_SECRETS", SECRET),
                *software.secrets.items(),
            )
        }
        self.secrets = secrets
        self.workers = [
            Process(
                *("storefront_mcp.cli", "serve", "--config", str(self.config)),
                env={**secrets, "STOREFRONT_PORT": str(port)},
                log=folder / f"worker-{port}.log",
            )
            for port in self.ports
        ]
        self.keys: dict[str, str] = {}
        """An agent's key of each store."""
        self.kills = 0
        self.freezes = 0
        self.hands = asyncio.Lock()
        """Held by whoever ends and starts workers."""
        self.disturbances = Disturbances()
        """Faults during which a faulty answer is to be expected."""

    @property
    def settings(self) -> Settings:
        return Settings.load(self.config, self.secrets)

    def open_phases(self) -> None:
        """Open the phases, and make the keys."""
        settings = self.settings
        database = Database(settings.database)
        flags = SqlFlipRepository(database)
        names = ("p1_browse", "p2_cart", "p3_checkout")
        keys = SqlApiKeyRepository(database)
        for store in settings.stores:
            key = mint_key(
                store=store.id, label="agent", scopes=STOREFRONT_SCOPES, by="faults", now=dt.datetime.now(dt.UTC)
            )
            keys.add(key.key, key.digest)
            self.keys[store.id] = key.secret.reveal()
            flags.flip(planned_roadmap(store), store.id, dict.fromkeys(names, "active"), by="faults")
        flags.close()
        database.close()

    @cached_property
    def _cart_links(self) -> dict[str, CartLinks]:
        settings = self.settings
        database = Database(settings.database)
        secret = database.shared_secret(CART_PAGES_KEY)
        database.close()
        return {store.id: CartLinks(store.store(server_identity(store)), secret) for store in settings.stores}

    def cart_page(self, store: str, cart: str) -> str:
        """The path of the page of a cart, which its agent hands on."""
        return f"{CART_PATH}{self._cart_links[store].token(CartId(cart))}"

    def host(self, store: str) -> str:
        """The store's own Host, whichever worker is asked."""
        return f"{store}.localhost:{self.ports[0]}"

    async def ask(self, worker: int, method: str, path: str, *, store: str, **more: Any) -> tuple[int, Any, Any]:
        """Status, headers and body of one answer. Raises aiohttp.ClientError and TimeoutError."""
        headers = {"host": self.host(store), **more.pop("headers", {})}
        url = f"http://127.0.0.1:{self.ports[worker]}{path}"
        async with self.http.request(method, url, headers=headers, allow_redirects=False, **more) as answer:
            text = await answer.text()
            return answer.status, answer.headers, text

    async def ready(self, worker: int) -> None:
        """Wait until a worker answers; one that ended is started again, as a service manager does."""
        process = self.workers[worker]
        async with asyncio.timeout(STARTING):
            while True:
                if process.running is not None and process.running.returncode is not None:
                    await process.start()
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    if (await self.ask(worker, "GET", "/healthz", store="aud"))[0] == 200:
                        return
                await asyncio.sleep(0.1)  # another process is starting

    async def hurt_some(self, random: Random, *, every: float) -> None:
        """Until cancelled: kill a worker and start it again, or freeze one for longer than its leases last."""
        while True:
            await asyncio.sleep(every * random.uniform(0.5, 1.5))
            worker = random.randrange(WORKERS)
            async with self.hands:
                if random.random() < FREEZES:
                    self.freezes += 1
                    async with self.workers[worker].frozen():
                        await asyncio.sleep(LEASE + random.uniform(1, 4))
                    continue
                await self.workers[worker].end()
                self.kills += 1
                await self.workers[worker].start()
                await self.ready(worker)

    async def restart(self) -> None:
        """Kill all workers, and start them again."""
        for process in self.workers:
            await process.start()
        for worker in range(WORKERS):
            await self.ready(worker)

    def told(self, secrets: tuple[str, ...]) -> list[str]:
        """Lines of the workers' logs that hold one of these."""
        return [
            line
            for process in self.workers
            for line in process.log.read_text(encoding="utf-8", errors="replace").splitlines()
            if any(secret in line for secret in secrets)
        ]

    async def meddle(self, where: str, body: Any = None) -> Any:
        """The shop's back door."""
        async with self.http.request(
            "GET" if body is None else "POST", f"{self.shop}/_test/{where}", json=body
        ) as said:
            said.raise_for_status()
            return await said.json(content_type=None)


@contextlib.asynccontextmanager
async def world(folder: Path, *, database: str = "faults.db", software: ShopSoftware = MAHO) -> AsyncIterator[World]:
    """All of it, for as long as the block lasts."""
    stripe = Process("tests.fakes.stripe", "--port", "0", log=folder / "stripe.log")
    timeout = aiohttp.ClientTimeout(total=20)
    connector = aiohttp.TCPConnector(limit=0)
    started: list[Process] = [stripe]
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        try:
            stripe_url = await stripe.start(first_line=True)
            shop = Process(
                *("tests.chaos.faults.shop", "--stripe", stripe_url, "--kind", software.kind), log=folder / "shop.log"
            )
            started.append(shop)
            shop_url = await shop.start(first_line=True)
            here = World(folder, http, shop_url, stripe_url, database, software)
            started += here.workers
            here.open_phases()
            for worker in here.workers:
                await worker.start()
            for index in range(WORKERS):
                await here.ready(index)
            yield here
        finally:
            for process in started:
                await process.end()
