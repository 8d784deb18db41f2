"""Put the operator's console together: which records it works with, and where each store has it."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from litestar.handlers import HTTPRouteHandler

from cards import CARDS
from cards.root.icon import hue
from storefront_mcp.app.admitting import Admitting
from storefront_mcp.app.caches import CacheLook
from storefront_mcp.app.checkups import Checkups
from storefront_mcp.app.housing import Housing
from storefront_mcp.backends.probing import ShopProbe
from storefront_mcp.calls.watching import Watcher
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.search import Found, Search
from storefront_mcp.database.api_keys import DatabaseKeys
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.checkouts import DatabaseCheckouts
from storefront_mcp.database.engine import Database
from storefront_mcp.database.flips import DatabaseFlags
from storefront_mcp.database.seats import DatabaseSeats
from storefront_mcp.database.traffic import DatabaseTraffic, ordered
from storefront_mcp.identity.keys import mint
from storefront_mcp.payments.probing import KeyProbe
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import StoreSettings
from storefront_mcp.telemetry.together import watcher_of
from storefront_mcp.telemetry.traffic import Traffic
from storefront_mcp.web.console.books import Books, Finding
from storefront_mcp.web.console.desk import Place
from storefront_mcp.web.console.dress import Dress
from storefront_mcp.web.console.rooms import console_routes

EXAMINED: Final = 40.0
"""Seconds that an examination may take."""
STANDING: Final = {"ok": "good", "note": "note", "warning": "warn", "fault": "bad"}


class Console:
    """The consoles of all stores of one worker."""

    def __init__(
        self, settings: Settings, database: Database, *, tools: Iterable[str], now: Callable[[], dt.datetime]
    ) -> None:
        """`tools` are the promised ones."""
        self._places = {store.id: place(store) for store in settings.stores if store.console.on}
        self._database = database
        self._now = now
        # Whoever watches the flags has others: what one has seen, the other has not.
        self._flags = DatabaseFlags(database, now=now)
        self._traffic = Traffic(DatabaseTraffic(database), tools=frozenset(tools), now=now)
        self._checkups: dict[StoreId, Checkups] = {}
        self._settings = settings

    def hosts(self) -> Mapping[str, StoreId]:
        """Hosts at which there is nothing but a console."""
        return {place.host: store for store, place in self._places.items() if place.host is not None}

    def looking_on(self, store: StoreId, watcher: Watcher | None) -> Watcher | None:
        """Whoever looks on at a store already, and we."""
        ours = self._traffic.at(store) if store in self._places else None
        return watcher_of([one for one in (watcher, ours) if one is not None])

    def add(self, chosen: StoreSettings, backend: Backend, *, rests: Callable[[], bool]) -> Backend:
        """Have a console for this store, too; the answer is its backend, listened to."""
        if chosen.id not in self._places:
            return backend
        self._checkups[chosen.id] = Checkups(
            chosen,
            self._database,
            probes=partial(_probes, chosen),
            rests=rests,
            cache=CacheLook(partial(getattr, backend, "recall"), self._settings.limits_store),
            now=self._now,
        )
        return cast("Backend", Listening(backend, partial(self._traffic.missed, chosen.id)))

    def routes(
        self, planned: Mapping[StoreId, Roadmap], admitting: Admitting, housing: Housing
    ) -> list[HTTPRouteHandler]:
        """Every page, for the stores that have a console."""
        books = Books(
            seats=DatabaseSeats(self._database),
            flags=self._flags,
            planned=planned,
            # Without the key to personal data: nobody here has any use for it.
            records=DatabaseCheckouts(self._database),
            keys=DatabaseKeys(self._database, now=self._now),
            mint=mint,
            audit=AuditLog(self._database, now=self._now),
            cards=CARDS,
            doors=admitting.doors,
            turnstiles=housing.turnstiles,
            checkups={store: looks.look for store, looks in self._checkups.items()},
            examine=partial(_examined, self._settings),
            traffic=DatabaseTraffic(self._database),
            ordered=partial(ordered, self._database),
            now=self._now,
        )
        return console_routes(self._places, books, Dress(hue))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write down what is counted, until the block ends."""
        writing = asyncio.create_task(self._traffic.run(), name="write down the traffic")
        try:
            yield
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing

    async def close(self) -> None:
        """Let go of the record of flips, and of the shop."""
        for looks in self._checkups.values():
            await looks.close()
        self._flags.close()


class Listening:
    """A backend that tells which searches found nothing, and is otherwise the one behind it."""

    def __init__(self, backend: Backend, missed: Callable[[str], None]) -> None:
        self._backend = backend
        self._missed = missed

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the backend has
        return getattr(self._backend, name)

    async def search(self, search: Search) -> Found:
        """One page of the products that match."""
        found = await self._backend.search(search)
        if not found.products and search.after is None:
            self._missed(search.text)
        return found


def _probes(store: StoreSettings) -> tuple[ShopProbe, KeyProbe | None]:
    """What asks the shop and the provider, made when it is first needed."""
    from storefront_mcp.app.examining import behind  # noqa: PLC0415 -- brings the doctor along

    found = behind(store)
    return found.probe, found.key


async def _examined(settings: Settings, store: StoreId) -> Sequence[Finding]:
    """What the doctor finds, in a time that a browser waits for."""
    from storefront_mcp.app.examining import subject  # noqa: PLC0415 -- large, and a server may never need it
    from storefront_mcp.doctor import Patience, examine  # noqa: PLC0415 -- the same

    chosen = next(one for one in settings.stores if one.id == store)
    report = await examine(subject(settings, chosen, config="the settings"), patience=Patience(total=EXAMINED))
    return [
        Finding(title=one.check.title, standing=STANDING[seen.level], text=seen.says, fix=seen.fix or "")
        for one in report.checked
        for seen in one.findings
    ]


def place(store: StoreSettings) -> Place:
    """Where a store's console is."""
    return Place(path=store.console.path, host=store.console.host, lasts=store.console.lasts)


def console_url(store: StoreSettings) -> str:
    """The console's own address."""
    if store.console.host is None:
        return store.origin + store.console.path
    return f"{store.origin.partition('://')[0]}://{store.console.host}{store.console.path}"
