"""`PlatformProfiles`: who asks, by the URL of a profile that is fetched within budgets and remembered."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.minute_budget import MinuteBudget
from storefront_mcp.public_http.addresses import is_loopback_url, is_public_url
from storefront_mcp.public_http.documents import DocumentSource, DocumentUnavailable
from storefront_mcp.ucp.platform_errors import PlatformRefused
from storefront_mcp.ucp.profiles import MAX_URL_CHARS, PlatformProfile, read_profile

log: Final = logging.getLogger("storefront_mcp.ucp")

MAX_PROFILES: Final = 1_024
"""That are remembered; the ones that were used last."""
DEFAULT_TTL_SECONDS: Final = 600.0
MIN_TTL_SECONDS: Final = 60.0
MAX_TTL_SECONDS: Final = 86_400.0
"""Bounds of how long a profile is fresh, whatever its Cache-Control says."""
STALE_SECONDS: Final = 3_600.0
"""How long a profile is used after that, while it cannot be fetched."""
FETCHES_A_MINUTE: Final = 60
"""Of all strangers' profiles together."""
FETCHES_OF_ADDRESS_A_MINUTE: Final = 10
FETCHES_OF_HOST_A_MINUTE: Final = 10
FETCHES_AT_ONCE: Final = 8
FETCHES_OF_HOST_AT_ONCE: Final = 2
WAIT_SECONDS: Final = 0.8
"""The longest that a request waits for other fetches to end."""
MIN_BACKOFF_SECONDS: Final = 15.0
MAX_BACKOFF_SECONDS: Final = 600.0
"""Bounds of how long nothing is fetched after a failure; it doubles from one to the next."""
MAX_FAILURES: Final = 4_096
"""Hosts and URLs whose failures are remembered."""


class _HeldProfile(Struct, frozen=True):
    platform: PlatformProfile
    fetched_at: float
    fresh_until: float


class _Failure(Struct, frozen=True):
    error: PlatformRefused
    until: float
    backoff: float


class ProfileCache:
    """Profiles of platforms of all stores of a worker. No request waits long for a stranger's server."""

    def __init__(self, source: DocumentSource, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._source = source
        self._clock = clock
        self._held: LRUCache[str, _HeldProfile] = LRUCache(MAX_PROFILES)
        self._failures: LRUCache[str, _Failure] = LRUCache(MAX_FAILURES)
        """By URL, and by host where nothing on it can be reached."""
        self._fetching: dict[str, asyncio.Task[PlatformProfile]] = {}
        self._at_host: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._in_all = MinuteBudget(FETCHES_A_MINUTE, now=clock)
        self._by_address = MinuteBudget(FETCHES_OF_ADDRESS_A_MINUTE, now=clock)
        self._by_host = MinuteBudget(FETCHES_OF_HOST_A_MINUTE, now=clock)

    async def platform(
        self, url: str, *, address: str, known: bool, older_than: float = float("inf")
    ) -> PlatformProfile:
        """The platform of a profile. Raises PlatformRefused.

        A fetch is charged to `address` and to all strangers together, unless the platform is `known`. A profile that
        was fetched `older_than` seconds ago is fetched again, fresh or not.
        """
        now, held = self._clock(), self._held.get(url)
        if held is not None and now < held.fresh_until and now - held.fetched_at < older_than:
            return held.platform
        try:
            return await self._fetch_once(url, address, known=known)
        except PlatformRefused:
            if held is not None and self._clock() < held.fresh_until + STALE_SECONDS:
                return held.platform
            raise

    async def close(self) -> None:
        """End what is being fetched."""
        tasks = list(self._fetching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch_once(self, url: str, address: str, *, known: bool) -> PlatformProfile:
        """Fetch a profile, together with whoever else asks for it meanwhile. Raises PlatformRefused."""
        task = self._fetching.get(url)
        if task is None:
            self._check_backoff(url)
            if not known:
                self._spend(url, address)
            task = asyncio.create_task(self._fetch(url, known=known), name="fetch a platform's profile")
            self._fetching[url] = task
            task.add_done_callback(lambda done: self._forget(url, done))
        # One who goes away does not take it from the others.
        return await asyncio.shield(task)

    def _forget(self, url: str, done: "asyncio.Task[PlatformProfile]") -> None:
        del self._fetching[url]
        if not done.cancelled():
            # Nobody may be left to ask for it.
            done.exception()

    def _check_backoff(self, url: str) -> None:
        now = self._clock()
        for key in (url, _host(url)):
            failure = self._failures.get(key)
            if failure is not None and now < failure.until:
                raise failure.error

    def _spend(self, url: str, address: str) -> None:
        host = _host(url)
        if self._at_host[host] >= FETCHES_OF_HOST_AT_ONCE:
            raise _too_many()
        # The narrow ones first, so that who is over one takes nothing from the others.
        allowed = (not address or self._by_address.spend(address)) and self._by_host.spend(host)
        if not allowed or not self._in_all.spend(""):
            raise _too_many()

    async def _fetch(self, url: str, *, known: bool) -> PlatformProfile:
        host = _host(url)
        self._at_host[host] += 1
        try:
            platform = await self._read(url) if known else await self._read_in_turn(url)
        except PlatformRefused as error:
            self._note_failure(url, error)
            raise
        except DocumentUnavailable as failure:
            log.info("a platform's profile: %s", failure)
            unreachable = PlatformRefused(
                "profile_unreachable",
                "Your profile cannot be fetched: it wants https at a public address, no redirect, and JSON within "
                "three seconds.",
            )
            self._note_failure(host if failure.host_failed else url, unreachable)
            raise unreachable from None
        finally:
            self._at_host[host] -= 1
            if not self._at_host[host]:
                del self._at_host[host]
        self._failures.pop(url, None)
        self._failures.pop(host, None)
        return platform

    async def _read_in_turn(self, url: str) -> PlatformProfile:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise _too_many() from None
        try:
            return await self._read(url)
        finally:
            self._slots.release()

    async def _read(self, url: str) -> PlatformProfile:
        document = await self._source.fetch(url)
        platform = read_profile(url, document.body)
        ttl = document.ttl_seconds(default=DEFAULT_TTL_SECONDS, at_least=MIN_TTL_SECONDS, at_most=MAX_TTL_SECONDS)
        now = self._clock()
        self._held[url] = _HeldProfile(platform, now, now + ttl)
        return platform

    def _note_failure(self, key: str, error: PlatformRefused) -> None:
        before = self._failures.get(key)
        backoff = MIN_BACKOFF_SECONDS if before is None else min(2 * before.backoff, MAX_BACKOFF_SECONDS)
        self._failures[key] = _Failure(error, self._clock() + backoff, backoff)


class KnownPlatform(Struct, frozen=True, kw_only=True):
    """A platform that the store's operator lists."""

    profile: str
    platform: PlatformProfile | None = None
    """What to take it for without asking; None: its profile is fetched."""


class PlatformProfiles:
    """The platforms of one store."""

    def __init__(self, profiles: ProfileCache, *, known: Mapping[str, KnownPlatform], loopback: bool) -> None:
        """`known` by URL in normal form; `loopback`: the store is on this machine, and so may platforms be."""
        self._profiles = profiles
        self._known = known
        self._loopback = loopback

    async def platform(self, url: str, *, address: str = "") -> PlatformProfile:
        """The platform of a profile's URL. Raises PlatformRefused.

        `address` is the client's, whose budget a fetch is charged to; empty when unknown or shared by many.
        """
        return await self._find(profile_url(url, loopback=self._loopback), address, float("inf"))

    async def with_new_keys(self, platform: PlatformProfile, *, address: str = "") -> PlatformProfile:
        """The platform by its profile of now, unless that was fetched within the minute. Raises PlatformRefused."""
        return await self._find(platform.profile, address, MIN_TTL_SECONDS)

    async def _find(self, url: str, address: str, older_than: float) -> PlatformProfile:
        known = self._known.get(url)
        if known is not None and known.platform is not None:
            return known.platform
        found = await self._profiles.platform(url, address=address, known=known is not None, older_than=older_than)
        return found if known is None else replace(found, known=True)


def profile_url(text: str, *, loopback: bool) -> str:
    """A profile's URL in normal form. Raises PlatformRefused."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _invalid_url() from None
    if loopback and is_loopback_url(text, max_chars=MAX_URL_CHARS):
        return text
    plain = parts._replace(scheme=parts.scheme.lower(), netloc=(parts.hostname or "").lower()).geturl()
    if port not in {None, 443} or "@" in parts.netloc or not is_public_url(plain, max_chars=MAX_URL_CHARS):
        raise _invalid_url()
    return plain


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _invalid_url() -> PlatformRefused:
    return PlatformRefused(
        "invalid_profile_url",
        'The URL of your profile cannot be used. It wants the form "https://platform.example/profile.json": a host '
        "name, no port, no user, no fragment.",
    )


def _too_many() -> PlatformRefused:
    return PlatformRefused(
        "profile_unreachable",
        "Too many profiles are being asked for, so yours was not fetched. Try again in a minute.",
        retry_after=60,
    )
