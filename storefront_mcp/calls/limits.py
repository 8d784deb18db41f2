"""How often is too often: rates, what is counted for whom, and the port of where counts are kept."""

import hashlib
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.roadmap.tool import Scarce

RuleName = Literal["address", "guest", "principal", "cart", "coupons", "coupon", "carts", "orders", "failed"]
"""What is counted: see `Rules`."""

WRITTEN: Final = re.compile(r"([1-9]\d{0,8})/(s|min|h) burst ([1-9]\d{0,8})")
UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Rate(Struct, frozen=True):
    """A bucket of `burst` tokens, into which one falls every `interval` seconds."""

    burst: int
    interval: float

    @classmethod
    def read(cls, text: str) -> Self | None:
        """`600/min burst 200`, or None for `off`. Raises ValueError."""
        if text == "off":
            return None
        found = WRITTEN.fullmatch(text)
        if found is None:
            message = f'{text!r} is no rate: wants "600/min burst 200" (s, min or h) or "off"'
            raise ValueError(message)
        count, unit, burst = found.groups()
        return cls(int(burst), UNITS[unit] / int(count))

    def share(self, workers: int) -> "Rate":
        """One worker's part, so that all of them together keep to the whole as nearly as whole tokens allow."""
        return Rate(max(1, self.burst // workers), self.interval * workers)

    def times(self, factor: float) -> "Rate":
        """That many times as wide, for a factor of at least 1."""
        return Rate(int(self.burst * factor), self.interval / factor)


class Vouched(str):
    """A client's address in a request that an agent has signed: see `Signatures`."""

    __slots__ = ("agent",)
    agent: str
    """Its origin, under which its requests and its calls as a guest are counted."""

    def __new__(cls, address: str, agent: str) -> Self:
        """The same address."""
        vouched = super().__new__(cls, address)
        vouched.agent = agent
        return vouched


class Signatures(Protocol):
    """Whoever knows the agents that sign, and their signatures."""

    def agent(self, method: str, host: str, target: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """The origin of the agent that signed a request, by its method, Host, path with query, and all headers.

        None for a request that counts as unsigned. Never raises, never waits.
        """


class Rules(Struct, frozen=True, kw_only=True):
    """The rates of one store; None counts nothing."""

    address: Rate | None
    """Requests of one client address, before anybody looks who it is."""
    guest: Rate | None
    """Tool calls of guests from one address."""
    principal: Rate | None
    """Tool calls under one key or token."""
    cart: Rate | None
    """Tool calls on one cart."""
    coupons: Rate | None
    """Coupon tries of everybody: what the shop counts against us as a whole."""
    coupon: Rate | None
    """Coupon tries of one caller."""
    carts: Rate | None
    """New carts of one caller."""
    orders: Rate | None
    """Orders of one caller."""
    failed: Rate | None
    """Refused credentials from one client address."""

    def of_one_worker(self, workers: int) -> "Rules":
        """Rules for a worker that counts alone: it takes its share of the one bucket that belongs to everybody."""
        return self if self.coupons is None else replace(self, coupons=self.coupons.share(workers))


class Ask(Struct, frozen=True, gc=False):
    """One token, please: of which rule's bucket, under which key."""

    rule: RuleName
    key: str
    rate: Rate


class Refusal(Struct, frozen=True, kw_only=True):
    """A bucket that was empty. `wait` is in seconds, until it holds a token again."""

    rule: RuleName
    rate: Rate
    wait: float

    @property
    def retry_after(self) -> int:
        """Whole seconds for `Retry-After` (RFC 9110, 10.2.3), never 0."""
        return max(1, math.ceil(self.wait))

    def headers(self) -> Mapping[str, str]:
        """`Retry-After`, and the fields of draft-ietf-httpapi-ratelimit-headers-10.

        A policy's quota is the burst, its window the seconds in which an empty bucket fills up.
        """
        window = max(1, math.ceil(self.rate.burst * self.rate.interval))
        return {
            "Retry-After": str(self.retry_after),
            "RateLimit-Policy": f'"{self.rule}";q={self.rate.burst};w={window}',
            "RateLimit": f'"{self.rule}";r=0;t={self.retry_after}',
        }


class Passing:
    """Everybody passes, and that is known already: whoever sees that it is `PASSES` need not await it."""

    def __await__(self) -> Iterator[None]:
        return iter(())


PASSES: Final[Awaitable[None]] = Passing()  # type: ignore[assignment]  # a generator would cost what this is to save


Meter = Callable[[str], Awaitable[Refusal | None]]
"""Takes one token of the bucket under a key."""


class Buckets(Protocol):
    """Where tokens are counted. Never raises: a store that fails is replaced by the process's own memory."""

    def take(self, store: str, asks: Sequence[Ask], *, charge: bool = True) -> Awaitable[Refusal | None]:
        """Take one token of each, or none of any: the refusal with the longest wait. `charge=False` only looks."""

    def meter(self, store: str, rule: RuleName, rate: Rate) -> Meter:
        """The buckets of one rule of one store, the same as `take` takes from."""
        return lambda key: self.take(store, (Ask(rule, key, rate),))


class Limits:
    """The limits of one store."""

    def __init__(
        self, store: str, rules: Rules, buckets: Buckets, *, shop: str = "everybody", wider: float = 1.0
    ) -> None:
        """`shop` names the upstream: stores that stand before the same one share what it counts.

        `wider` is how many times as wide the rates of a signing agent are.
        """
        self._store = store
        self._rules = rules
        self._buckets = buckets
        self._shop = shop
        self._wider = wider
        self._arriving = self._meter("address", rules.address)
        self._calling = self._meter("guest", rules.guest)

    def arrives(self, address: str) -> Awaitable[Refusal | None]:
        """A request, before authentication. An empty address is one we cannot tell from others: it is not counted."""
        if not address:
            return PASSES
        rate = self._rules.address
        if type(address) is Vouched and rate is not None:
            return self._buckets.take(self._store, (self._from("address", address, rate),))
        return self._arriving(address)

    async def may_authenticate(self, address: str) -> Refusal | None:
        """Whether credentials from there are looked at now, or too many were refused."""
        rate = self._rules.failed
        if rate is None or not address:
            return None
        return await self._buckets.take(self._store, (Ask("failed", address, rate),), charge=False)

    async def failed(self, address: str) -> Refusal | None:
        """Credentials from there were refused."""
        rate = self._rules.failed
        if rate is None or not address:
            return None
        return await self._buckets.take(self._store, (Ask("failed", address, rate),))

    def calls(
        self, *, address: str, principal: str | None = None, cart: str | None = None, kind: Scarce | None = None
    ) -> Awaitable[Refusal | None]:
        """A tool call: of a principal, or of a guest from an address; on a cart, where it names one."""
        guest = principal is None and address != ""
        if guest and cart is None and kind is None and type(address) is not Vouched:
            # Most calls, and nothing is left to decide.
            return self._calling(address)
        rules = self._rules
        asks: tuple[Ask, ...] = ()
        if principal is not None:
            if rules.principal is not None:
                asks = (Ask("principal", principal, rules.principal),)
        elif guest and rules.guest is not None:
            asks = (self._from("guest", address, rules.guest),)
        if cart is not None and rules.cart is not None:
            asks = (*asks, Ask("cart", digest(cart), rules.cart))
        if kind is not None:
            return self._scarcely(asks, kind, principal or address or digest(cart or ""))
        return self._buckets.take(self._store, asks) if asks else PASSES

    async def _scarcely(self, asks: tuple[Ask, ...], kind: Scarce, who: str) -> Refusal | None:
        """A call that uses up something scarce: within the limits of every call first."""
        refusal = await self._buckets.take(self._store, asks) if asks else None
        return await self._tightly(kind, who) if refusal is None else refusal

    def _meter(self, rule: RuleName, rate: Rate | None) -> Meter:
        return _passing if rate is None else self._buckets.meter(self._store, rule, rate)

    def _from(self, rule: RuleName, address: str, rate: Rate) -> Ask:
        """A token of an address, or of the agent that signed."""
        if type(address) is Vouched:
            return Ask(rule, address.agent, rate.times(self._wider))
        return Ask(rule, address, rate)

    async def _tightly(self, kind: Scarce, who: str) -> Refusal | None:
        """The caller's own bucket of a kind; coupons count against everybody's too."""
        rules = self._rules
        own: Mapping[Scarce, tuple[RuleName, Rate | None]] = {
            "coupon": ("coupon", rules.coupon),
            "cart": ("carts", rules.carts),
            "order": ("orders", rules.orders),
        }
        rule, rate = own[kind]
        if rate is not None:
            refusal = await self._buckets.take(self._store, (Ask(rule, who, rate),))
            if refusal is not None:
                return refusal
        if kind == "coupon" and rules.coupons is not None:
            # Another name than a store's: what two stores share is counted once.
            return await self._buckets.take(f"shop:{self._shop}", (Ask("coupons", "all", rules.coupons),))
        return None


def _passing(_key: str) -> Awaitable[None]:
    return PASSES


def digest(secret: str) -> str:
    """A name for a secret, such as a cart's handle, in places that shall not hold it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:24]
