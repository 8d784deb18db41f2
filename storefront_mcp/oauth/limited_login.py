"""`LimitedLogin`: a shop's login that is tried no more often than the shop and its customers can bear."""

from collections.abc import Callable

from storefront_mcp.access.rate_limits import StoreRateLimits
from storefront_mcp.commerce.customers import CodeNeeded, CustomerLogin, ShopSession, SignInForm, TooManyTries


class LimitedLogin:
    """A `CustomerLogin` in front of another one: the shop sees one address, and one guesser would lock out everybody.

    Every attempt counts, right or wrong, before the shop is asked; renewals and ends of sessions do not.
    """

    def __init__(self, login: CustomerLogin, limits: StoreRateLimits, *, mailbox_of: Callable[[str], str]) -> None:
        """`mailbox_of` is a keyed digest of an e-mail address, in capitals or not."""
        self._login = login
        self._limits = limits
        self._mailbox_of = mailbox_of
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
        exceeded = await self._limits.check_sign_in(address or "", self._mailbox_of(email))
        if exceeded is not None:
            raise TooManyTries(retry_after=exceeded.retry_after, internal=f"sign-in refused by {exceeded.rule}")
        return await self._login.sign_in(email, password, code=code, address=address, state=state)
