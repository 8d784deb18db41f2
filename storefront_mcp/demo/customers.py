"""Customers of the demo shop: their passwords, and the tokens that Maho's REST gives them."""

import hmac
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.demo.access import AttemptCounter
from storefront_mcp.demo.api_errors import ApiError, bad_request
from storefront_mcp.demo.models import ShopRules

MIN_PASSWORD_CHARS: Final = 8
MAX_TOKENS: Final = 10_000
"""Tokens kept; the oldest is forgotten beyond that."""
MAX_LOGINS_PER_EMAIL: Final = 5
LIMIT_SECONDS: Final = 60.0


class DemoCustomer(Struct, frozen=True, kw_only=True):
    """A customer account."""

    id: int
    email: str
    firstname: str
    lastname: str
    password: str
    confirmed: bool = True
    """Whether the e-mail address is confirmed; nobody signs in before."""
    active: bool = True
    second_factor: str | None = None
    """The code that an authenticator would show, always the same; None without one."""
    created: float
    """Unix seconds."""

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.firstname} {self.lastname}".strip()


class CustomerToken(Struct, frozen=True):
    """A bearer token's customer and end."""

    customer: int
    expires: float


class DemoPerson(Struct, frozen=True, kw_only=True):
    """Somebody who has an account when the shop starts."""

    email: str
    firstname: str
    lastname: str
    password: str
    second_factor: str | None = None
    confirmed: bool = True


PICKLERS: Final = (
    DemoPerson(email="ada@pickle.example", firstname="Ada", lastname="Brine", password="dill-and-garlic"),  # noqa: S106
    DemoPerson(
        email="bo@pickle.example",
        firstname="Bo",
        lastname="Gherkin",
        password="bread-and-butter",  # noqa: S106
        second_factor="246810",
    ),
    DemoPerson(
        email="cy@pickle.example",
        firstname="Cy",
        lastname="Caper",
        password="half-sour-please",  # noqa: S106
        confirmed=False,
    ),
)


class DemoCustomers:
    """Customers and their tokens. As in Maho, a token lives for an hour and is renewed only while it lives."""

    def __init__(
        self,
        *,
        rules: ShopRules,
        clock: Callable[[], float],
        token: Callable[[], str],
        attempts: AttemptCounter,
    ) -> None:
        """Start with `PICKLERS`; `token` gives 32 hex digits, different every time."""
        self._rules = rules
        self._clock = clock
        self._token = token
        self._attempts = attempts
        self._customers: dict[int, DemoCustomer] = {}
        self._tokens: dict[str, CustomerToken] = {}
        self._revoked: dict[str, None] = {}
        self.token_bearer: Callable[[str], str | None] = lambda _token: None
        """E-mail address of whom somebody else's token is for, in a shop that takes an OpenID provider's; else None."""
        self.on_password_change: list[Callable[[DemoCustomer], Awaitable[None]]] = []
        """Called after a password was changed, as an observer of Maho's event would be, and before that is answered."""
        for one in PICKLERS:
            customer = self.register(
                email=one.email, firstname=one.firstname, lastname=one.lastname, password=one.password
            )
            self.put(replace(customer, second_factor=one.second_factor, confirmed=one.confirmed))

    def __iter__(self) -> Iterator[DemoCustomer]:
        """All customers, the oldest first."""
        return iter(tuple(self._customers.values()))

    def by_email(self, email: str) -> DemoCustomer | None:
        """The customer with that e-mail address, in capitals or not."""
        return next((one for one in self if one.email == email.strip().lower()), None)

    def put(self, customer: DemoCustomer) -> None:
        """Store a changed customer."""
        self._customers[customer.id] = customer

    def register(self, *, email: str, firstname: str, lastname: str, password: str) -> DemoCustomer:
        """A new customer; 409 for a known e-mail address, 400 for a short password."""
        if self.by_email(email) is not None:
            raise ApiError(409, "conflict", "A customer with this email already exists")
        self._check_password(password)
        customer = DemoCustomer(
            id=len(self._customers) + 1,
            email=email.strip().lower(),
            firstname=firstname,
            lastname=lastname,
            password=password,
            created=self._clock(),
        )
        self.put(customer)
        return customer

    def sign_in(self, email: str, password: str, code: str, *, client: str) -> tuple[DemoCustomer, str]:
        """The customer and a new token.

        Raises:
            ApiError: 400 without e-mail address or password; 429 for the eleventh try of a client or the sixth of an
                e-mail address in a minute; 401 for wrong ones, and for a second factor that is missing or wrong; 403
                (401 on 26.7.4) before the address is confirmed.
        """
        if not email or not password:
            raise ApiError(400, "invalid_request", "Email and password are required")
        self._attempts.count("sign-in", client, most=self._rules.logins_per_minute, seconds=LIMIT_SECONDS)
        self._attempts.count("sign-in e-mail", email.lower(), most=MAX_LOGINS_PER_EMAIL, seconds=LIMIT_SECONDS)
        customer = self.by_email(email)
        right = hmac.compare_digest((customer.password if customer else "").encode(), password.encode())
        if customer is None or not right or not customer.active:
            raise ApiError(401, "invalid_credentials", "Invalid email or password")
        if not customer.confirmed:
            if self._rules.release == "26.7.4":
                raise ApiError(401, "unauthorized", "Authentication required")
            raise ApiError(403, "forbidden", "This account is not confirmed.")
        if customer.second_factor is not None and self._rules.release != "26.7.4":
            if not code:
                raise ApiError(401, "twofa_required", "Two-factor authentication code is required")
            if not hmac.compare_digest(customer.second_factor.encode(), code.encode()):
                raise ApiError(401, "twofa_invalid", "Invalid two-factor authentication code")
        return customer, self._issue(customer.id)

    def refresh(self, authorization: str, *, client: str) -> str:
        """A new token in the place of a live one, which is dead at once; 401 for any other, 429 as at `sign_in`."""
        self._attempts.count("refresh", client, most=self._rules.logins_per_minute, seconds=LIMIT_SECONDS)
        customer = self.authenticate(authorization)
        self.end(authorization)
        return self._issue(customer.id)

    def end(self, authorization: str) -> None:
        """Revoke a live token; 401 for any other."""
        self.authenticate(authorization)
        self._revoke(authorization.partition(" ")[2])

    def holder(self, authorization: str) -> DemoCustomer | None:
        """The customer whose live token this Authorization header carries; None for any other."""
        try:
            return self.authenticate(authorization)
        except ApiError:
            return None

    def end_all(self, customer: DemoCustomer) -> None:
        """Revoke all of a customer's tokens."""
        for token in [token for token, issued in self._tokens.items() if issued.customer == customer.id]:
            self._revoke(token)

    def authenticate(self, authorization: str) -> DemoCustomer:
        """The active customer whose token this Authorization header carries; 401 without one."""
        scheme, _, token = authorization.partition(" ")
        if not token:
            raise ApiError(401, "unauthorized", "Authentication required")
        found = self._tokens.get(token) if scheme.lower() == "bearer" else None
        if found is None and (known := self.by_email(self.token_bearer(token) or "")) is not None and known.active:
            return known
        if found is None:
            problem = "Token has been revoked" if token in self._revoked else "Malformed token"
            raise ApiError(401, "authentication_error", problem)
        if found.expires <= self._clock():
            raise ApiError(401, "authentication_error", "Token has expired")
        customer = self._customers[found.customer]
        if not customer.active:
            raise ApiError(401, "authentication_error", "Customer account is not active")
        return customer

    async def change_password(self, customer: DemoCustomer, *, current: str, new: str) -> None:
        """Change it and tell; 400 for a wrong or a short one.

        Unless `password_keeps_tokens`, as in Maho, it revokes the customer's tokens.
        """
        if not hmac.compare_digest(customer.password.encode(), current.encode()):
            raise bad_request("Current password is incorrect")
        self._check_password(new)
        self.put(replace(customer, password=new))
        if not self._rules.password_keeps_tokens:
            self.end_all(customer)
        for tell in self.on_password_change:
            await tell(customer)

    def _revoke(self, token: str) -> None:
        del self._tokens[token]
        self._revoked[token] = None
        while len(self._revoked) > MAX_TOKENS:
            del self._revoked[next(iter(self._revoked))]

    def _issue(self, customer: int) -> str:
        token = self._token() + self._token()
        self._tokens[token] = CustomerToken(customer, self._clock() + self._rules.token_seconds)
        while len(self._tokens) > MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        return token

    def _check_password(self, password: str) -> None:
        if len(password) < MIN_PASSWORD_CHARS:
            raise bad_request(f"Password must be at least {MIN_PASSWORD_CHARS} characters")
