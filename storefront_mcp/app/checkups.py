"""What the console looks at when asked whether all is well: database, shop, clock, cache, and who takes the money."""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from storefront_mcp.app.caches import CacheLook
from storefront_mcp.backends.probing import Heard, ShopProbe, Unheard
from storefront_mcp.database.engine import Database
from storefront_mcp.database.readiness import unready
from storefront_mcp.payments.probing import KeyProbe
from storefront_mcp.settings.shape import StoreSettings
from storefront_mcp.web.console.books import Finding

PATIENCE: Final = 6.0
"""Seconds that the shop is waited for."""
SLOW: Final = 1.5
SKEW: Final = 5.0
"""Seconds that two clocks may differ before somebody should look."""
OK: Final = 200


class Checkups:
    """The looks at one store. Nothing is made or asked before the first."""

    def __init__(
        self,
        store: StoreSettings,
        database: Database,
        *,
        probes: Callable[[], tuple[ShopProbe, KeyProbe | None]],
        rests: Callable[[], bool],
        cache: CacheLook,
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`rests` says whether the shop is given a rest now."""
        self._store = store
        self._database = database
        self._make = probes
        self._made: tuple[ShopProbe, KeyProbe | None] | None = None
        self._rests = rests
        self._cache = cache
        self._now = now
        self._clock = clock

    async def look(self) -> Sequence[Finding]:
        """All of it, at once."""
        looks: list[Awaitable[Sequence[Finding]]] = [
            self._shop_and_clock(),
            self._records(),
            self._cache.look(),
            self._payment(),
        ]
        return [finding for found in await asyncio.gather(*looks) for finding in found]

    async def close(self) -> None:
        """Let go of the connections."""
        await self._cache.close()
        if self._made is not None:
            await self._made[0].close()

    @property
    def _probes(self) -> tuple[ShopProbe, KeyProbe | None]:
        if self._made is None:
            self._made = self._make()
        return self._made

    async def _records(self) -> Sequence[Finding]:
        began = self._clock()
        try:
            why = await asyncio.to_thread(unready, self._database)
        except Exception as error:  # noqa: BLE001 -- whatever it is, this page tells it
            why = str(error)
        took = f"{(self._clock() - began) * 1000:.0f} ms"
        # Of a file, its name: where it lies is the server's own business.
        name = self._database.name.rpartition("/")[2]
        if why is not None:
            return [_bad("Database", f"{name} cannot be used: {why}.", "See the server's log.")]
        return [_good("Database", f"{name} takes what is written, within {took}.")]

    async def _shop_and_clock(self) -> Sequence[Finding]:
        probe, _ = self._probes
        try:
            async with asyncio.timeout(PATIENCE):
                heard = await probe.hello()
        except TimeoutError:
            return [_bad("Shop", f"{probe.address} did not answer within {PATIENCE:.0f} seconds.", _ASK_THE_DOCTOR)]
        except Unheard as unheard:
            return [_bad("Shop", f"{probe.address}: {unheard.why}.", _ASK_THE_DOCTOR)]
        return [self._shop(probe, heard), self._time(heard)]

    def _shop(self, probe: ShopProbe, heard: Heard) -> Finding:
        took = f"{max(heard.seconds * 1000, 1):.0f} ms"
        if probe.switched_off(heard):
            return _bad("Shop", f"{probe.software}'s {probe.interface} is switched off.", _ASK_THE_DOCTOR)
        if heard.status != OK or not probe.speaks(heard):
            text = f"{probe.address} answers with {heard.status}, not as {probe.software}'s {probe.interface} would."
            return _bad("Shop", text, _ASK_THE_DOCTOR)
        if self._rests():
            text = f"It answers now, in {took}; it failed a moment ago and is given a rest of some seconds."
            return Finding(title="Shop", standing="warn", text=text)
        if heard.seconds > SLOW:
            return Finding(title="Shop", standing="warn", text=f"It answers, and takes {took} for a simple question.")
        return _good("Shop", f"{probe.software}'s {probe.interface} answers in {took}.")

    def _time(self, heard: Heard) -> Finding:
        if heard.date is None:
            return _good("Clock", "The shop does not say what time it has, so ours cannot be compared.")
        apart = abs((self._now() - heard.date).total_seconds())
        if apart > SKEW:
            text = f"Ours and the shop's differ by {apart:.0f} seconds."
            fix = "Have both synchronised (NTP): orders that got lost are looked for by time."
            return Finding(title="Clock", standing="warn", text=text, fix=fix)
        return _good("Clock", "Ours and the shop's agree.")

    async def _payment(self) -> Sequence[Finding]:
        payments = self._store.payments
        if payments.missing:
            return [Finding(title="Payment", standing="warn", text=" ".join(payments.missing))]
        if payments.provider is None:
            return [_good("Payment", f"Outside: {', '.join(payments.offline)}. There is no provider to ask.")]
        if payments.provider == "sandbox":
            text = "The sandbox: a page of our own on which no money moves."
            return [Finding(title="Payment", standing="warn", text=text, fix="Set payments.provider before you open.")]
        _, key = self._probes
        return [
            _bad("Payment", "The provider has no key.", "Set payments.secret_key.") if key is None else await _key(key)
        ]


async def _key(probe: KeyProbe) -> Finding:
    said = await probe.key()
    if said.accepted is None:
        return _bad("Payment", f"{probe.provider} cannot be asked: {said.said}", _ASK_THE_DOCTOR)
    if not said.accepted:
        return _bad("Payment", f"{probe.provider} refuses the key: {said.said}", "Replace payments.secret_key.")
    if not probe.webhooks:
        text = f"{probe.provider} takes the key, and there is no secret to believe its webhooks with."
        return Finding(title="Payment", standing="warn", text=text, fix="Set payments.webhook_secrets.")
    mode = "" if probe.mode is None else f" ({probe.mode} mode)"
    return _good("Payment", f"{probe.provider} takes the key{mode}.")


_ASK_THE_DOCTOR: Final = "On the server, storefront-mcp doctor looks closer and names the fix."


def _good(title: str, text: str) -> Finding:
    return Finding(title=title, standing="good", text=text)


def _bad(title: str, text: str, fix: str) -> Finding:
    return Finding(title=title, standing="bad", text=text, fix=fix)
