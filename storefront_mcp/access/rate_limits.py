"""Rate limits of one store (token buckets), `RateLimiter`, which memory and Redis implement, and daily budgets."""

import hashlib
import math
import operator
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol, Self

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.tools.tool import Scarce

RuleName = Literal[
    "address",
    "guest",
    "principal",
    "cart",
    "coupons",
    "coupon",
    "carts",
    "orders",
    "failed",
    "sign_ins",
    "sign_in",
    "mailbox",
    "streams",
]
"""Fields of `RateLimitRules`, and the bound of `StreamQuota`."""

RATE_PATTERN: Final = re.compile(r"([1-9]\d{0,8})/(s|min|h) burst ([1-9]\d{0,8})")
UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
DAY_SECONDS: Final = 86_400.0
MAX_HOLDERS: Final = 20_000
"""Clients that are counted by themselves; any more count only in the sum."""


class RateLimit(Struct, frozen=True):
    """A token bucket of `burst` permits, refilled by one every `interval` seconds."""

    burst: int
    interval: float

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Parse `600/min burst 200`; None for `off`. Raises ValueError."""
        if text == "off":
            return None
        found = RATE_PATTERN.fullmatch(text)
        if found is None:
            message = f'{text!r} is no rate: wants "600/min burst 200" (s, min or h) or "off"'
            raise ValueError(message)
        count, unit, burst = found.groups()
        return cls(int(burst), UNITS[unit] / int(count))

    def divided(self, workers: int) -> "RateLimit":
        """One worker's share, so that all workers together keep to the rate, as nearly as whole permits allow."""
        return RateLimit(max(1, self.burst // workers), self.interval * workers)

    def scaled(self, factor: float) -> "RateLimit":
        """The rate multiplied by a factor of at least 1."""
        return RateLimit(int(self.burst * factor), self.interval / factor)


class SignatureVerifier(Protocol):
    """Verifies HTTP message signatures of agents (RFC 9421)."""

    def agent(self, method: str, host: str, target: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """The origin of the agent that signed a request; None when it counts as unsigned.

        `target` is the path with the query. Never raises, never blocks.
        """


class RateLimitRules(Struct, frozen=True, kw_only=True):
    """The rates of one store; None is no limit."""

    address: RateLimit | None
    """Requests of one client address, before authentication."""
    guest: RateLimit | None
    """Tool calls of guests from one address."""
    principal: RateLimit | None
    """Tool calls under one key or token."""
    cart: RateLimit | None
    """Tool calls on one cart."""
    coupons: RateLimit | None
    """Coupon tries of all callers together, as the shop counts them against this server."""
    coupon: RateLimit | None
    """Coupon tries of one caller."""
    carts: RateLimit | None
    """New carts of one caller."""
    orders: RateLimit | None
    """Orders of one caller."""
    failed: RateLimit | None
    """Rejected credentials from one client address."""
    sign_ins: RateLimit | None
    """Attempts to sign in of all persons together, as the shop counts them against this server."""
    sign_in: RateLimit | None
    """Attempts to sign in from one client address."""
    mailbox: RateLimit | None
    """Attempts to sign in under one e-mail address."""

    def of_one_worker(self, workers: int) -> "RateLimitRules":
        """Rules for a worker with its own counts: its share of the buckets that all callers share."""
        return replace(
            self,
            coupons=None if self.coupons is None else self.coupons.divided(workers),
            sign_ins=None if self.sign_ins is None else self.sign_ins.divided(workers),
        )


class PermitRequest(Struct, frozen=True, gc=False):
    """A request for one permit of a rule's bucket under a key."""

    rule: RuleName
    key: str
    rate: RateLimit


class LimitExceeded(Struct, frozen=True, kw_only=True):
    """An empty bucket; `wait` is the seconds until its next permit."""

    rule: RuleName
    rate: RateLimit
    wait: float

    @property
    def retry_after(self) -> int:
        """Whole seconds for `Retry-After` (RFC 9110, 10.2.3), never 0."""
        return max(1, math.ceil(self.wait))

    def headers(self) -> Mapping[str, str]:
        """`Retry-After`, and the fields of draft-ietf-httpapi-ratelimit-headers-10.

        The quota is the burst, the window the seconds in which an empty bucket fills up.
        """
        window = max(1, math.ceil(self.rate.burst * self.rate.interval))
        return {
            "Retry-After": str(self.retry_after),
            "RateLimit-Policy": f'"{self.rule}";q={self.rate.burst};w={window}',
            "RateLimit": f'"{self.rule}";r=0;t={self.retry_after}',
        }


Meter = Callable[[str], Awaitable[LimitExceeded | None]]
"""Takes one permit of the bucket under a key."""


class RateLimiter(Protocol):
    """Counts permits. Never raises: a failing shared store is replaced by the process's own memory."""

    async def take(self, store: str, permits: Sequence[PermitRequest], *, charge: bool = True) -> LimitExceeded | None:
        """Take one permit of each or none of any: the excess with the longest wait. `charge=False` only checks."""

    def meter(self, store: str, rule: RuleName, rate: RateLimit) -> Meter:
        """A shortcut to the buckets of one rule of one store, the same that `take` uses."""
        return lambda key: self.take(store, (PermitRequest(rule, key, rate),))


class StoreRateLimits:
    """The limits of one store."""

    def __init__(
        self,
        store: str,
        rules: RateLimitRules,
        limiter: RateLimiter,
        *,
        upstream_scope: str = "everybody",
        signed_factor: float = 1.0,
        is_shared: Callable[[str], bool] = operator.not_,
    ) -> None:
        """`upstream_scope` names the shop: stores in front of the same one share the limits on coupons and sign-ins.

        `signed_factor` multiplies the rates of agents that sign their requests. `is_shared` says whether many clients
        have an address in common: scarce actions of their guests are counted by cart.
        """
        self._is_shared = is_shared
        self._store = store
        self._rules = rules
        self._limiter = limiter
        self._upstream_scope = upstream_scope
        self._signed_factor = signed_factor
        self._request_meter = self._meter("address", rules.address)
        self._guest_meter = self._meter("guest", rules.guest)

    async def check_request(self, origin: RequestOrigin) -> LimitExceeded | None:
        """Check a request, before authentication. Requests with an unknown (empty) address are not limited."""
        if not origin.address:
            return None
        rate = self._rules.address
        if origin.agent is not None and rate is not None:
            return await self._limiter.take(self._store, (self._signed_permit("address", origin.agent, rate),))
        return await self._request_meter(origin.address)

    async def check_failed_credentials(self, address: str) -> LimitExceeded | None:
        """Check, without counting, whether credentials from this address may be tried."""
        rate = self._rules.failed
        if rate is None or not address:
            return None
        return await self._limiter.take(self._store, (PermitRequest("failed", address, rate),), charge=False)

    async def count_failed_credential(self, address: str) -> LimitExceeded | None:
        """Count a rejected credential from this address."""
        rate = self._rules.failed
        if rate is None or not address:
            return None
        return await self._limiter.take(self._store, (PermitRequest("failed", address, rate),))

    async def check_call(
        self,
        origin: RequestOrigin,
        caller: Caller = GUEST,
        *,
        cart: str | None = None,
        kind: Scarce | None = None,
    ) -> LimitExceeded | None:
        """Check a tool call: by principal, or by address for guests; by cart and scarce action where there is one.

        A request that is no tool call and may ask the shop as much as one counts as one, too.
        """
        address, principal = origin.address, None if caller.kind == "guest" else caller.identifier
        guest = principal is None and address != ""
        if guest and cart is None and kind is None and origin.agent is None:
            # Most calls: one bucket decides.
            return await self._guest_meter(address)
        rules = self._rules
        permits: tuple[PermitRequest, ...] = ()
        if principal is not None:
            if rules.principal is not None:
                permits = (PermitRequest("principal", principal, rules.principal),)
        elif guest and rules.guest is not None:
            permits = (
                PermitRequest("guest", address, rules.guest)
                if origin.agent is None
                else self._signed_permit("guest", origin.agent, rules.guest),
            )
        if cart is not None and rules.cart is not None:
            permits = (*permits, PermitRequest("cart", secret_digest(cart), rules.cart))
        exceeded = await self._limiter.take(self._store, permits) if permits else None
        if exceeded is not None or kind is None:
            return exceeded
        who = principal or ("" if self._is_shared(address) else address) or (secret_digest(cart) if cart else "")
        return await self._check_scarce(kind, who)

    @property
    def rules(self) -> RateLimitRules:
        """The rates."""
        return self._rules

    def is_shared(self, address: str) -> bool:
        """Whether many clients have an address in common, so that nobody is counted by it."""
        return self._is_shared(address)

    async def take(self, permits: Sequence[PermitRequest], *, charge: bool = True) -> LimitExceeded | None:
        """Take permits of this store: each, or none of any. `charge=False` only checks."""
        return await self._limiter.take(self._store, permits, charge=charge)

    async def check_shared(self, rule: RuleName, rate: RateLimit, *, charge: bool = True) -> LimitExceeded | None:
        """Check a bucket of everybody; not under a store's name, as stores in front of one shop share it."""
        permits = (PermitRequest(rule, "all", rate),)
        return await self._limiter.take(f"shop:{self._upstream_scope}", permits, charge=charge)

    def _meter(self, rule: RuleName, rate: RateLimit | None) -> Meter:
        return _allow if rate is None else self._limiter.meter(self._store, rule, rate)

    def _signed_permit(self, rule: RuleName, agent: str, rate: RateLimit) -> PermitRequest:
        """A permit by the agent that signed the request."""
        return PermitRequest(rule, agent, rate.scaled(self._signed_factor))

    async def _check_scarce(self, kind: Scarce, who: str) -> LimitExceeded | None:
        """Check the caller's own bucket of an action; coupons count against the shared bucket too.

        Who is nobody (a new cart of a guest whose address many have) has no bucket of its own.
        """
        rules = self._rules
        if kind == "coupon":
            return await self._check_coupon(who)
        rule: RuleName = "carts" if kind == "cart" else "orders"
        rate = rules.carts if kind == "cart" else rules.orders
        return await self._limiter.take(self._store, (PermitRequest(rule, who, rate),)) if rate and who else None

    async def _check_coupon(self, who: str) -> LimitExceeded | None:
        """Count a coupon try, for the caller and for everybody.

        A caller's nth in a row is taken only while n are left, so that few leave some.
        """
        own, shared = self._rules.coupon, self._rules.coupons
        used, exceeded = 0, None
        if own is not None and who:
            for used in _fair_steps(own.burst):
                exceeded = await self.take((PermitRequest("coupon", who, RateLimit(used + 1, own.interval)),))
                if exceeded is None:
                    break
        if exceeded is not None or shared is None:
            return exceeded
        return await self.check_shared("coupons", RateLimit(max(1, shared.burst - used), shared.interval))


class DailyQuota(Struct, frozen=True, kw_only=True):
    """Bounds of a day."""

    per_holder: int
    in_all: int


class DailyBudget:
    """Counts what each holder (a client address; empty when unknown or shared) makes a worker keep from day to day."""

    def __init__(self, quota: DailyQuota, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._quota = quota
        self._clock = clock
        self._day = -1
        self._spent: dict[str, int] = {}
        self._total = 0

    def spend(self, holder: str) -> bool:
        """Count one more; whether it is within the day's budget."""
        today = int(self._clock() // DAY_SECONDS)
        if today != self._day:
            self._day, self._spent, self._total = today, {}, 0
        spent = self._spent.get(holder, 0)
        if self._total >= self._quota.in_all or (holder and spent >= self._quota.per_holder):
            return False
        if holder and (spent or len(self._spent) < MAX_HOLDERS):
            self._spent[holder] = spent + 1
        self._total += 1
        return True


def _fair_steps(burst: int) -> Iterator[int]:
    """Permits that a caller may have used, from none to all but one, doubling: 0, 1, 3, 7 and so on."""
    used = 0
    while used < burst - 1:
        yield used
        used = 2 * used + 1
    yield burst - 1


async def _allow(_key: str) -> None:
    """The meter of a rule without a rate."""


def secret_digest(secret: str) -> str:
    """A truncated SHA-256 that stands for a secret, such as a cart handle, in records and keys."""
    return hashlib.sha256(secret.encode()).hexdigest()[:24]
