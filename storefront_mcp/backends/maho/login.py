"""Signs customers in at Maho: tokens of its REST v2, which live for an hour and are renewed only while they live."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.maho.customer_shapes import CustomerProfileShape, CustomerTokenShape
from storefront_mcp.backends.maho.order_shapes import TokenShape
from storefront_mcp.backends.maho.rest import RestClient, error_body, general_error
from storefront_mcp.backends.upstream_messages import UpstreamResponse, redacted
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    SessionOver,
    ShopCustomer,
    ShopSession,
    SignInError,
    SignInForm,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.commerce.errors import ShopBusy, ShopError, ShopMisconfigured

CODE_ERRORS: Final = {"twofa_required": False, "twofa_invalid": True}
"""`error` of a 401 → whether a code was sent and is wrong."""
NOT_LET_IN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
UNCONFIRMED_ERROR: Final = "unauthorized"
"""`error` of the 401 with which 26.7 refuses an account that is not confirmed; later releases answer 403."""
LIFE_SHARE: Final = 0.5
"""Part of a token's life after which a call renews it first."""


class MahoLogin:
    """A `CustomerLogin` over Maho's REST v2. A session's secret is the shop's bearer token."""

    form: SignInForm = "password"

    def __init__(self, rest: RestClient, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives Unix seconds, as sessions outlive this process."""
        self._rest = rest
        self._clock = clock

    async def sign_in(
        self,
        email: str,
        password: str,
        *,
        code: str | None = None,
        address: str | None = None,  # noqa: ARG002 -- Maho counts by the connection's own address
        state: str = "",  # noqa: ARG002 -- Maho keeps nothing between the two steps
    ) -> ShopSession | CodeNeeded:
        """As the port says. A token whose answer is lost is never used, and ends by itself."""
        body = {"grant_type": "customer", "email": email, "password": password}
        if code is not None:
            body["twofa_code"] = code
        began = self._clock()
        try:
            answer = await self._rest.send("POST", "/auth/token", body, harmless=True)
        except ShopBusy as busy:
            raise TooManyTries(retry_after=busy.retry_after, internal=busy.internal) from busy
        if not answer.is_success:
            return _code_or_refusal(answer)
        issued = answer.read(CustomerTokenShape)
        who = issued.customer
        if who is None:
            raise ShopMisconfigured(f"{answer.where}: {answer.status} with a token that is no customer's")
        return ShopSession(
            secret=issued.token,
            customer_id=str(who.id),
            name=_full_name(who.first_name, who.last_name),
            email=who.email or email,
            expires_at=began + issued.expires_in,
            renew_at=began + issued.expires_in * LIFE_SHARE,
        )

    async def customer_of(self, token: str) -> ShopCustomer:
        """As `TokenCustomers` says: of a shop whose REST takes the bearer tokens of an OpenID provider too."""
        answer = await self._rest.as_customer(token).get("/customers/me")
        if answer.status in NOT_LET_IN:
            raise SessionOver(internal=_internal(answer))
        if not answer.is_success:
            raise general_error(answer)
        who = answer.read(CustomerProfileShape)
        return ShopCustomer(customer_id=str(who.id), name=_full_name(who.firstname, who.lastname), email=who.email)

    async def renew(self, session: ShopSession) -> ShopSession:
        """As the port says; Maho revokes the old token as it makes the new one."""
        began = self._clock()
        try:
            answer = await self._rest.send("POST", "/auth/refresh", bearer=session.secret)
        except ShopBusy as busy:
            raise TooManyTries(retry_after=busy.retry_after, internal=busy.internal) from busy
        if answer.status in NOT_LET_IN:
            raise SessionOver(internal=_internal(answer))
        if not answer.is_success:
            raise general_error(answer)
        issued = answer.read(TokenShape)
        return replace(
            session,
            secret=issued.token,
            expires_at=began + issued.expires_in,
            renew_at=began + issued.expires_in * LIFE_SHARE,
        )

    async def end(self, session: ShopSession) -> None:
        """As the port says."""
        answer = await self._rest.send("POST", "/auth/logout", bearer=session.secret, harmless=True)
        if not answer.is_success and answer.status not in NOT_LET_IN:
            raise general_error(answer)


def _full_name(*names: object) -> str:
    return " ".join(name for name in (sanitizing.line(str(name or "")) for name in names) if name)


def _code_or_refusal(answer: UpstreamResponse) -> CodeNeeded:
    """What a refused sign-in is. Raises SignInError and ShopError."""
    said = error_body(answer).error
    if answer.status == HTTPStatus.UNAUTHORIZED and said in CODE_ERRORS:
        return CodeNeeded(refused=CODE_ERRORS[said])
    raise _refusal(answer, said)


def _refusal(answer: UpstreamResponse, said: str) -> SignInError | ShopError:
    internal = _internal(answer)
    if answer.status == HTTPStatus.FORBIDDEN or (
        answer.status == HTTPStatus.UNAUTHORIZED and said == UNCONFIRMED_ERROR
    ):
        return AccountNotConfirmed(internal=internal)
    wrong = answer.status == HTTPStatus.BAD_REQUEST and said == "invalid_request"
    if wrong or answer.status == HTTPStatus.UNAUTHORIZED:
        return WrongCredentials(internal=internal)
    return general_error(answer)


def _internal(answer: UpstreamResponse) -> str:
    return f"{answer.where}: {answer.status} {redacted(error_body(answer).error[:60])}"
