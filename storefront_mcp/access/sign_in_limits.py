"""How often people may try to sign in, so that no stranger keeps anybody out and no guesser gets on.

Against one e-mail address (`mailbox`, here 20 an hour and 5 at once):

- everybody together: `mailbox`;
- above that, `SECOND_TRIES` an hour from one address, and of all strangers together twice `mailbox`;
- above that, `SECOND_TRIES` an hour from an address from which that customer has signed in before.

So strangers guess at most three times `mailbox`, from however many addresses.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from storefront_mcp.access.networks import provider_of, site_of
from storefront_mcp.access.rate_limits import LimitExceeded, PermitRequest, RateLimit, StoreRateLimits

SECOND_TRIES: Final = RateLimit(2, 1800.0)
"""Of one address at an e-mail address that others have tried too often."""
STRANGERS_FACTOR: Final = 2.0
"""How many times `mailbox` all addresses that are not known to it have in addition."""
SITE_FACTOR: Final = 4.0
"""How many times `sign_in` the addresses of one IPv6 /48 have together."""
NEWCOMER_INTERVAL: Final = 3600.0
"""Seconds after which a network has one more attempt that counts as its first."""


class SignInLimits:
    """The limits on attempts to sign in at one store."""

    def __init__(self, limits: StoreRateLimits) -> None:
        self._limits = limits

    async def check(
        self, address: str, mailbox: str, *, is_familiar: Callable[[], Awaitable[bool]]
    ) -> LimitExceeded | None:
        """Count an attempt to sign in.

        `mailbox` is a digest of the e-mail address. `is_familiar` says whether its customer has signed in from this
        address before; it is asked only where that matters. While the shop wants no more, nothing of a person's own is
        used up.
        """
        limits, shared = self._limits, self._limits.rules.sign_ins
        if shared is not None and (full := await limits.check_shared("sign_ins", shared, charge=False)) is not None:
            return full
        who = "" if limits.is_shared(address) else address
        also, exceeded = await self._choose_permits(who, mailbox, is_familiar)
        if exceeded is not None:
            return exceeded
        used, exceeded = await self._take_own(who or mailbox, also)
        if exceeded is not None or shared is None:
            return exceeded
        kept = max(used, await self._count_network(address, shared.burst // 2))
        return await limits.check_shared("sign_ins", RateLimit(max(1, shared.burst - kept), shared.interval))

    async def _choose_permits(
        self, who: str, mailbox: str, is_familiar: Callable[[], Awaitable[bool]]
    ) -> tuple[tuple[PermitRequest, ...], LimitExceeded | None]:
        """The permits that an attempt takes beside that of its address, or the limit that stands in its way."""
        own, rate = self._limits.rules.sign_in, self._limits.rules.mailbox
        base: tuple[PermitRequest, ...] = ()
        if own is not None and (site := site_of(who)) != who:
            base = (PermitRequest("sign_in", site, own.scaled(SITE_FACTOR)),)
        address = () if own is None else (PermitRequest("sign_in", who or mailbox, own),)
        if rate is None:
            return base, await self._would_exceed((*address, *base))
        first = (*base, PermitRequest("mailbox", mailbox, rate))
        exceeded = await self._would_exceed((*address, *first))
        if exceeded is None or exceeded.rule != "mailbox" or not who:
            return first, exceeded
        if await is_familiar():
            second = (*base, PermitRequest("mailbox", f"{mailbox} {who}", SECOND_TRIES))
        else:
            strangers = PermitRequest("mailbox", f"{mailbox} strangers", rate.scaled(STRANGERS_FACTOR))
            second = (*base, PermitRequest("mailbox", f"{mailbox} {site_of(who)}", SECOND_TRIES), strangers)
        also = await self._would_exceed((*address, *second))
        return second, exceeded if also is not None and also.rule == "mailbox" else also

    async def _would_exceed(self, permits: tuple[PermitRequest, ...]) -> LimitExceeded | None:
        return await self._limits.take(permits, charge=False) if permits else None

    async def _take_own(self, key: str, also: tuple[PermitRequest, ...]) -> tuple[int, LimitExceeded | None]:
        """Take one permit of an address, and others with it or not at all; how many it has just used."""
        rate = self._limits.rules.sign_in
        used, exceeded = 0, None
        if rate is None:
            return 0, await self._limits.take(also) if also else None
        for used in range(rate.burst):
            permit = PermitRequest("sign_in", key, RateLimit(used + 1, rate.interval))
            exceeded = await self._limits.take((permit, *also))
            if exceeded is None:
                break
        return used, exceeded

    async def _count_network(self, address: str, kept: int) -> int:
        """How many permits of everybody a network has to leave to others, as it had some lately; at most `kept`."""
        if not address:
            return 0
        network = f"network {provider_of(address)}"
        for used in range(kept):
            permit = PermitRequest("sign_in", network, RateLimit(used + 1, NEWCOMER_INTERVAL))
            if await self._limits.take((permit,)) is None:
                return used
        return kept
