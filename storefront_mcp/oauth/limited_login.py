"""`LimitedLogin`: a shop's login that is tried no more often than the shop and its customers can bear."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from storefront_mcp.access.sign_in_limits import SignInLimits
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    CustomerLogin,
    ShopSession,
    SignInForm,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.instrumentation import RequestOrigin

ANSWER_STEP_SECONDS: Final = 1.0
"""Answers that let nobody in come a whole number of these after they were asked for."""


class LimitedLogin:
    """A `CustomerLogin` in front of another one: the shop sees one address, and one guesser would lock out everybody.

    Every attempt counts, right or wrong, before the shop is asked; renewals and ends of sessions do not. What was
    refused is in the audit, with a part of the network address and without the person. When an answer comes tells
    nobody whether the shop knows an e-mail address, whose password it takes time to compare.
    """

    def __init__(
        self,
        login: CustomerLogin,
        policy: CallPolicy,
        *,
        mailbox_of: Callable[[str], str],
        is_familiar: Callable[[str], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`mailbox_of` is a keyed digest of an e-mail address, the same for all that a shop may take for one.

        `is_familiar` says whether somebody has signed in with an e-mail address from where the current request is from.
        `clock` and `pause` count seconds.
        """
        self._login = login
        self._policy = policy
        self._limits = SignInLimits(policy.limits)
        self._mailbox_of = mailbox_of
        self._is_familiar = is_familiar
        self._clock = clock
        self._pause = pause
        self.renew = login.renew
        self.end = login.end

    @property
    def form(self) -> SignInForm:
        """As the login behind it."""
        return self._login.form

    async def sign_in(
        self, email: str, password: str, *, code: str | None = None, address: str | None = None, state: str = ""
    ) -> ShopSession | CodeNeeded:
        """As the port says."""
        origin = RequestOrigin(address=address or "")
        exceeded = await self._limits.check(
            origin.address, self._mailbox_of(email), is_familiar=lambda: self._is_familiar(email)
        )
        if exceeded is not None:
            self._policy.audit_limited(exceeded, origin)
            raise TooManyTries(retry_after=exceeded.retry_after, internal=f"sign-in refused by {exceeded.rule}")
        began = self._clock()
        try:
            answer = await self._login.sign_in(email, password, code=code, address=address, state=state)
        except (WrongCredentials, AccountNotConfirmed) as refused:
            self._policy.audit_rejected_credential(origin, refused.code)
            await self._wait_for_step(began)
            raise
        if isinstance(answer, CodeNeeded):
            if answer.refused:
                self._policy.audit_rejected_credential(origin, WrongCredentials.code)
            await self._wait_for_step(began)
        return answer

    async def _wait_for_step(self, began: float) -> None:
        await self._pause((began - self._clock()) % ANSWER_STEP_SECONDS)
