"""Customers of a shop: `CustomerLogin`, the port through which a person signs in, and what it gives and raises.

SignInError
├── WrongCredentials     the e-mail address or the password is wrong; nobody is told which
├── AccountNotConfirmed        right, but the shop wants the e-mail address confirmed first
├── TooManyTries         the shop or we want a pause
└── SessionOver          the shop no longer knows the session: the person has to sign in again
"""

from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.error_codes import CodedError

SignInForm = Literal["password", "mailed_code"]
"""What a person types: e-mail address and password, or the e-mail address and then the code that is mailed there."""


MAX_TOLD_SECONDS: Final = 120
"""Of a wait that is told in seconds; a longer one is told in minutes."""


class SignInError(CodedError):
    """Nobody is signed in. `str(error)` is for the person at the sign-in page; `internal` is for our own log."""

    def __init__(self, message: str, *, internal: str | None = None) -> None:
        super().__init__(message)
        self.internal = internal or message


class WrongCredentials(SignInError):
    """Unknown e-mail address, wrong password or wrong code: one wording for all of them."""

    code = "wrong_credentials"

    def __init__(self, *, internal: str | None = None) -> None:
        super().__init__("That did not work. Check your e-mail address and password, and try again.", internal=internal)


class AccountNotConfirmed(SignInError):
    """The account waits for its e-mail address to be confirmed, or the shop has blocked it."""

    code = "account_not_confirmed"

    def __init__(self, *, internal: str | None = None) -> None:
        super().__init__(
            "The shop has not let this account in yet. Confirm it with the link that the shop mailed you, and try "
            "again.",
            internal=internal,
        )


class TooManyTries(SignInError):
    """Signing in was tried too often. `retry_after` is in seconds, at least 1."""

    code = "too_many_tries"

    def __init__(self, *, retry_after: int, internal: str | None = None) -> None:
        self.retry_after = max(1, retry_after)
        minutes = -(-self.retry_after // 60)
        wait = f"{self.retry_after} seconds" if self.retry_after <= MAX_TOLD_SECONDS else f"{minutes} minutes"
        super().__init__(f"There were too many tries. Try again in {wait}.", internal=internal)


class SessionOver(SignInError):
    """The shop ended the session, or its time is over."""

    code = "shop_session_over"

    def __init__(self, *, internal: str | None = None) -> None:
        super().__init__("The shop has signed you out. Sign in again.", internal=internal)


class ShopSession(Struct, frozen=True, kw_only=True):
    """A person who is signed in at the shop. Kept encrypted, opened for one call, never shown.

    Times are Unix seconds.
    """

    secret: str
    """The shop's token: opaque to everything but its own backend."""
    customer_id: str
    """The shop's own id of the customer, which never changes."""
    name: str
    """For people; may be empty."""
    email: str
    expires_at: float | None = None
    """When the shop forgets it; None when the shop does not say."""
    renew_at: float | None = None
    """From when on a call should renew it first; None for never."""

    def __repr__(self) -> str:
        """Without the secret and the person."""
        return f"ShopSession(expires_at={self.expires_at!r})"


class CodeNeeded(Struct, frozen=True, kw_only=True):
    """The e-mail address and password may be right, and a code is wanted too."""

    refused: bool = False
    """Whether a code was sent and is wrong."""
    state: str = ""
    """What `sign_in` wants back with the code, kept by the caller as secret as a session; empty for nothing."""
    password_again: bool = True
    """Whether the password has to come with the code, as nobody keeps it."""
    mailed: bool = False
    """Whether the code was mailed to the person; otherwise an authenticator shows it."""

    def __repr__(self) -> str:
        """Without the state."""
        return f"CodeNeeded(refused={self.refused!r})"


class ShopCustomer(Struct, frozen=True, kw_only=True):
    """A customer as the shop knows them."""

    customer_id: str
    """The shop's own id, which never changes."""
    name: str
    """For people; may be empty."""
    email: str

    def __repr__(self) -> str:
        """Without the person."""
        return f"ShopCustomer(customer_id={self.customer_id!r})"


class CustomerDirectory(Protocol):
    """A shop's customers by e-mail address, for shops that have no login of their own for us."""

    async def find_customer(self, email: str) -> ShopCustomer | None:
        """The one customer with exactly that address; None without one. Raises ShopError only."""


class CustomerLogin(Protocol):
    """How customers of one store sign in. Every call may raise ShopDown and its subclasses."""

    @property
    def form(self) -> SignInForm:
        """What the person has to type."""

    async def sign_in(
        self, email: str, password: str, *, code: str | None = None, address: str | None = None, state: str = ""
    ) -> ShopSession | CodeNeeded:
        """Sign a person in; the password is sent once and forgotten.

        `address` is the person's network address, for shops that trust this server to tell it; `state` is that of the
        `CodeNeeded` that the code answers. Raises WrongCredentials, AccountNotConfirmed, TooManyTries.
        """

    async def renew(self, session: ShopSession) -> ShopSession:
        """A session for longer; the old one may be dead at once, so this is never called twice at a time for a session.

        Raises SessionOver; TooManyTries when the old one is as it was; ShopOutcomeUnknown when one of the two is good
        and nobody knows which.
        """

    async def end(self, session: ShopSession) -> None:
        """Sign out at the shop, where that exists. Raises nothing when the session is over already."""
