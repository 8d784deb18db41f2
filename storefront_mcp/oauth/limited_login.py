"""`LimitedLogin`: a shop's login that is tried no more often than the shop and its customers can bear."""

from collections.abc import Awaitable, Callable

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


class LimitedLogin:
    """A `CustomerLogin` in front of another one: the shop sees one address, and one guesser would lock out everybody.

    Every attempt counts, right or wrong, before the shop is asked; renewals and ends of sessions do not. What was
    refused is in the audit, with a part of the network address and without the person.
    """

    def __init__(
        self,
        login: CustomerLogin,
        policy: CallPolicy,
        *,
        mailbox_of: Callable[[str], str],
        is_familiar: Callable[[str], Awaitable[bool]],
    ) -> None:
        """`mailbox_of` is a keyed digest of an e-mail address, the same for all that a shop may take for one.

        `is_familiar` says whether somebody has signed in with an e-mail address from where the current request is from.
        """
        self._login = login
        self._policy = policy
        self._limits = SignInLimits(policy.limits)
        self._mailbox_of = mailbox_of
        self._is_familiar = is_familiar
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
        try:
            answer = await self._login.sign_in(email, password, code=code, address=address, state=state)
        except (WrongCredentials, AccountNotConfirmed) as refused:
            self._policy.audit_rejected_credential(origin, refused.code)
            raise
        if isinstance(answer, CodeNeeded) and answer.refused:
            self._policy.audit_rejected_credential(origin, WrongCredentials.code)
        return answer
