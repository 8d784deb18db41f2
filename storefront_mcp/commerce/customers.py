"""Customers of a shop: the ports through which a person signs in, and what they give and raise.

`CustomerLogin` is a form of ours, `IssuerLogin` an OpenID provider in front of a shop that is `TokenCustomers`.

SignInError
├── WrongCredentials     the e-mail address or the password is wrong; nobody is told which
├── AccountNotConfirmed        right, but the shop wants the e-mail address confirmed first
├── TooManyTries         the shop or we want a pause
├── IssuerRefused        the OpenID provider signed nobody in, or not so that we could believe it
├── CustomerUnknown      the OpenID provider signed somebody in whom the shop does not know
└── SessionOver          the shop no longer knows the session: the person has to sign in again
"""

from collections.abc import Mapping
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


class IssuerRefused(SignInError):
    """The OpenID provider refused the person, or its answer is not one that we asked for."""

    code = "issuer_refused"

    def __init__(self, *, internal: str) -> None:
        super().__init__("That sign-in did not work. Try again.", internal=internal)


class CustomerUnknown(SignInError):
    """The shop takes the OpenID provider's token of this person for nobody's."""

    code = "customer_unknown"

    def __init__(self, *, internal: str) -> None:
        super().__init__("The shop does not know who has signed in there.", internal=internal)


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
    renewal: str = ""
    """What renews it where that is not the secret; as secret as it, and opaque to all but the login that made it."""
    secret_until: float | None = None
    """When the shop refuses the secret of a session that lives on by `renewal`; None where both end together."""

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


class SessionRenewal(Protocol):
    """What keeps sessions. Every call may raise ShopDown and its subclasses."""

    async def renew(self, session: ShopSession) -> ShopSession:
        """A session for longer; the old one may be dead at once, so this is never called twice at a time for a session.

        Raises SessionOver; TooManyTries when the old one is as it was; ShopOutcomeUnknown when one of the two is good
        and nobody knows which.
        """

    async def end(self, session: ShopSession) -> None:
        """Sign out at the shop, where that exists. Raises nothing when the session is over already."""


class CustomerLogin(SessionRenewal, Protocol):
    """How customers of one store sign in with a form of ours. Every call may raise ShopDown and its subclasses."""

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


class TokenCustomers(Protocol):
    """A shop whose API may take access tokens of an OpenID provider as its customers' own."""

    async def customer_of(self, token: str) -> ShopCustomer:
        """Whom the shop takes the bearer of a token for. Raises SessionOver where it takes it for nobody; ShopDown."""


class IssuerRedirect(Struct, frozen=True, kw_only=True):
    """Where a browser goes to sign in at an OpenID provider."""

    address: str
    kept: bytes
    """What `finish` wants back; as secret as a session."""

    def __repr__(self) -> str:
        """Without the secrets in it."""
        return "IssuerRedirect(…)"


class IssuerLogin(SessionRenewal, Protocol):
    """How customers of one store sign in at an OpenID provider. Every call may raise ShopDown and its subclasses."""

    @property
    def issuer(self) -> str:
        """Its issuer identifier, a URL."""

    async def begin(self, state: str) -> IssuerRedirect:
        """Where a browser goes, and comes back from with this `state`."""

    async def finish(self, answer: Mapping[str, str], kept: bytes) -> ShopSession:
        """The session of whom the provider signed in; `answer` is the query with which the browser came back.

        Raises IssuerRefused, CustomerUnknown.
        """
