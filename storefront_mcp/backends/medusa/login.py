"""Signs customers in at Medusa by e-mail address and password: tokens (JWT) that nobody can end before their time."""

import base64
import binascii
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec.structs import replace

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.http_client import UpstreamClient
from storefront_mcp.backends.medusa.api import MedusaClient, error_body, expect_success, general_error
from storefront_mcp.backends.medusa.customer_shapes import (
    ChallengeShape,
    CustomerBody,
    IssuedToken,
    SignedInShape,
    TokenClaims,
)
from storefront_mcp.backends.upstream_messages import UpstreamResponse, redacted
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    SessionOver,
    ShopSession,
    SignInForm,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.commerce.errors import ShopBusy, ShopMisconfigured

AUTH_PREFIX: Final = "/auth"
SIGN_IN_PATH: Final = "/customer/emailpass"
WRONG_CODE: Final = "Invalid MFA challenge code"
"""What a challenge says that may be tried once more; any other refusal is its end."""
RECOVERY_METHOD: Final = "recovery_code"
LIFE_SHARE: Final = 0.5
"""Part of a token's life after which a call renews it first."""
GONE_STATUSES: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND})
"""Of a token that is over, and of one whose customer is."""


class SecondFactor(msgspec.Struct, frozen=True):
    """What is kept between the password and the code of an authenticator."""

    token: str
    challenge: str
    method: str


class MedusaLogin:
    """A `CustomerLogin` over Medusa's auth routes. A session's secret is the shop's bearer token."""

    form: SignInForm = "password"

    def __init__(self, auth: UpstreamClient, api: MedusaClient, *, clock: Callable[[], float] = time.time) -> None:
        """`auth` asks below `/auth`. `clock` gives Unix seconds, as sessions outlive this process."""
        self._auth = auth
        self._api = api
        self._clock = clock

    async def sign_in(
        self,
        email: str,
        password: str,
        *,
        code: str | None = None,
        address: str | None = None,  # noqa: ARG002 -- Medusa counts no tries
        state: str = "",
    ) -> ShopSession | CodeNeeded:
        """As the port says. A token whose answer is lost is never used, and ends by itself."""
        if code is not None and state:
            return await self._verify(email, code, state)
        began = self._clock()
        answer = await self._ask(SIGN_IN_PATH, {"email": email, "password": password})
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise WrongCredentials(internal=_internal(answer))
        told = expect_success(answer).read(SignedInShape)
        if told.verification_required:
            raise AccountNotConfirmed(internal=f"{answer.where}: verification_required")
        if told.token is None:
            raise ShopMisconfigured(f"{answer.where}: {answer.status} without a token")
        if told.mfa_required and told.mfa_challenge is not None:
            return CodeNeeded(state=_factor_state(told.token, told.mfa_challenge), password_again=False)
        return await self._session(told.token, email, began)

    async def renew(self, session: ShopSession) -> ShopSession:
        """As the port says; the old token lives on beside the new one."""
        began = self._clock()
        answer = await self._ask("/token/refresh", None, bearer=session.secret)
        if answer.status in GONE_STATUSES:
            raise SessionOver(internal=_internal(answer))
        token = expect_success(answer).read(IssuedToken).token
        expires_at, renew_at = _life(token, began)
        return replace(session, secret=token, expires_at=expires_at, renew_at=renew_at)

    async def end(self, session: ShopSession) -> None:
        """Nothing: Medusa knows no end of a token but its time."""

    async def _verify(self, email: str, code: str, state: str) -> ShopSession | CodeNeeded:
        """The session of whom an authenticator's code proves; a challenge that is over starts anew."""
        kept = msgspec.json.decode(state, type=SecondFactor)
        began = self._clock()
        path = f"/mfa/challenges/{kept.challenge}/verify"
        answer = await self._ask(path, {"method": kept.method, "code": code}, bearer=kept.token)
        if answer.is_success:
            return await self._session(answer.read(IssuedToken).token, email, began)
        if answer.status == HTTPStatus.BAD_REQUEST and error_body(answer).message == WRONG_CODE:
            return CodeNeeded(refused=True, state=state, password_again=False)
        if answer.status in {HTTPStatus.BAD_REQUEST, *GONE_STATUSES}:
            raise WrongCredentials(internal=_internal(answer))
        raise general_error(answer)

    async def _session(self, token: str, email: str, began: float) -> ShopSession:
        """The session of a token. Raises AccountNotConfirmed for one that has a password and no customer."""
        answer = await self._api.as_customer(token).get("/customers/me", {"fields": "id,email,first_name,last_name"})
        if answer.status in GONE_STATUSES:
            raise AccountNotConfirmed(internal=f"{_internal(answer)}: a password without a customer")
        who = expect_success(answer).read(CustomerBody).customer
        names = (sanitizing.line(one) for one in (who.first_name, who.last_name))
        expires_at, renew_at = _life(token, began)
        return ShopSession(
            secret=token,
            customer_id=who.id,
            name=" ".join(name for name in names if name),
            email=who.email or email,
            expires_at=expires_at,
            renew_at=renew_at,
        )

    async def _ask(self, path: str, body: object, *, bearer: str | None = None) -> UpstreamResponse:
        try:
            return await self._auth.send("POST", path, body, harmless=True, bearer=bearer)
        except ShopBusy as busy:
            raise TooManyTries(retry_after=busy.retry_after, internal=busy.internal) from busy


def _factor_state(token: str, challenge: ChallengeShape) -> str:
    """What the code is sent with: by an authenticator, rather than one of the codes for who has lost it."""
    method = next((one for one in challenge.methods if one != RECOVERY_METHOD), RECOVERY_METHOD)
    return msgspec.json.encode(SecondFactor(token=token, challenge=challenge.id, method=method)).decode()


def _life(token: str, began: float) -> tuple[float | None, float | None]:
    """When a token ends by our clock, and from when on it should be renewed; neither where it does not say."""
    try:
        body = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=TokenClaims)
    except (IndexError, binascii.Error, ValueError, RecursionError):
        return None, None
    seconds = max(0.0, claims.exp - claims.iat)
    return began + seconds, began + seconds * LIFE_SHARE


def _internal(answer: UpstreamResponse) -> str:
    return f"{answer.where}: {answer.status} {redacted(error_body(answer).message[:400])[:100]}"
