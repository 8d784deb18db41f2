"""Sign-in of buyers: pending requests, grants, codes, tokens and shop sessions, and the port that stores them.

A grant is one person's permission to one client. All times are Unix seconds; digests are SHA-256.
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.ids import StoreId

ClientKind = Literal["document", "registered", "fixed"]
"""By a metadata document (CIMD), by dynamic registration (RFC 7591), or from the settings."""
RequestStep = Literal["sign_in", "code", "issuer", "consent", "agents"]
"""What a pending request waits for: e-mail and password, a second factor, an answer of the OpenID provider, a
permission; agents: nothing any more, the person looks at who may act for them."""
TokenKind = Literal["access", "refresh"]
EndReason = Literal["person", "client", "operator", "password", "shop", "replayed"]
"""person: on the page of connected agents. client: revoked by it. password: changed, or the customer's tokens voided.
shop: its session is over. replayed: a used code or refresh token came again."""
RefusalCode = Literal["invalid_grant", "invalid_target"]


class AuthorizationRequest(Struct, frozen=True, kw_only=True):
    """A validated authorization request (RFC 6749 §4.1.1, RFC 7636, RFC 8707)."""

    client_id: str
    client_kind: ClientKind
    client_name: str = ""
    """What the client calls itself, unproven; empty when it does not say."""
    client_host: str = ""
    """Host of its metadata document, which is proven; empty for other kinds."""
    redirect_uri: str
    state: str | None = None
    scopes: tuple[str, ...]
    """Buyer scopes in the catalogue's order."""
    resource: str
    challenge: str
    """`code_challenge`, S256."""


class AuthorizationRequestRecord(Struct, frozen=True, kw_only=True):
    """A sign-in on its way through the pages."""

    digest: bytes
    """Of the handle that the pages' forms hold."""
    store: StoreId
    browser: bytes
    """Digest of the cookie to which it is bound."""
    request: AuthorizationRequest | None
    """None where a person signs in to see who may act for them."""
    step: RequestStep = "sign_in"
    tries: int = 0
    customer: bytes | None = None
    """What the login step keeps of the person who signed in; stored encrypted."""
    subject: str = ""
    """As of the grant, once signed in."""
    expires_at: float


class GrantRecord(Struct, frozen=True, kw_only=True):
    """A grant, without the shop session."""

    id: str
    """The public part of its code and tokens."""
    store: StoreId
    customer: str
    """The shop's id of the customer."""
    subject: str
    """A keyed digest of store and customer, for audit, limits and logs."""
    mailbox: str = ""
    """A keyed digest of store and e-mail address."""
    client_id: str
    client_name: str = ""
    client_host: str = ""
    """Both as in the request, whatever the client's document says later."""
    redirect_host: str = ""
    """Host that the code was sent to; empty for an app on the person's device."""
    scopes: tuple[str, ...]
    resource: str
    epoch: int = 0
    """The customer's epoch at the grant; another one now voids it. Set by the repository."""
    created_at: float
    last_used_at: float | None = None
    """Rounded down to the minute."""
    expires_at: float
    ended_at: float | None = None
    ended_why: EndReason | None = None
    shop_until: float | None = None
    """End of the shop session; None when the shop told none."""

    def is_live(self, now: float) -> bool:
        """Whether it has not ended: by somebody, by the clock, or with its shop session."""
        return self.ended_at is None and now < self.expires_at and (self.shop_until is None or now < self.shop_until)


class StoredToken(Struct, frozen=True, kw_only=True):
    """An access or refresh token, with its grant."""

    kind: TokenKind
    scopes: tuple[str, ...]
    expires_at: float
    grant: GrantRecord
    current_epoch: int

    def is_valid(self, now: float) -> bool:
        """Whether it counts now."""
        return now < self.expires_at and self.grant.is_live(now) and self.grant.epoch == self.current_epoch


class IssuedCode(Struct, frozen=True, kw_only=True):
    """An authorization code, to be stored."""

    digest: bytes
    redirect_uri: str
    challenge: str
    expires_at: float


class IssuedTokens(Struct, frozen=True, kw_only=True):
    """An access token and the refresh token beside it, to be stored."""

    access: bytes
    """Digests."""
    refresh: bytes
    scopes: tuple[str, ...]
    """Of the access token."""
    access_expires_at: float
    answer: bytes
    """The token response, which a repeated refresh gets again within the grace."""


TokenIssuer = Callable[[GrantRecord], IssuedTokens]
"""Called within the transaction that stores the tokens: it must not block."""


class CodeExchange(Struct, frozen=True, kw_only=True):
    """What a client brings to redeem a code."""

    store: StoreId
    digest: bytes
    client_id: str
    redirect_uri: str
    challenge: str
    """S256 of its verifier."""
    resource: str | None
    """None when it names none."""


class RefreshExchange(Struct, frozen=True, kw_only=True):
    """What a client brings to use a refresh token."""

    store: StoreId
    digest: bytes
    client_id: str
    resource: str | None


class ExchangeRefused(Exception):
    """A code or refresh token that gives no tokens (RFC 6749 §5.2, RFC 8707 §2); the message is for the client."""

    def __init__(self, code: RefusalCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class ClientRecord(Struct, frozen=True, kw_only=True):
    """What is kept of a client: its metadata document, or that an operator has blocked it."""

    store: StoreId
    id: str
    kind: ClientKind
    document: bytes = b""
    """As it was fetched; empty for other kinds."""
    fetched_at: float = 0.0
    fresh_until: float = 0.0
    blocked_at: float | None = None


class ShopSessionRecord(Struct, frozen=True, kw_only=True):
    """The shop session of a grant."""

    grant: str
    session: bytes
    """As it was written; stored encrypted."""
    until: float | None
    fence: int
    """Number of the lease; a write of an older one is refused."""
    lease_until: float = 0.0


class OAuthRepository(Protocol):
    """Storage of sign-ins, shared by every worker. Blocking: called from threads.

    Personal data and shop sessions are encrypted with the operator's keys; codes and tokens are kept as digests.
    """

    def find_client(self, store: StoreId, id_: str) -> ClientRecord | None:
        """What is kept of a client."""

    def put_client(self, client: ClientRecord) -> None:
        """Keep a client's document; a block stays."""

    def block_client(self, store: StoreId, id_: str, kind: ClientKind, *, now: float, by: str) -> int:
        """Accept a client no more, and end its grants; their number. `by` is an operator's name."""

    def unblock_client(self, store: StoreId, id_: str, *, by: str) -> bool:
        """Accept a client again; False when it was not blocked. Its grants stay ended."""

    def blocked_clients(self, store: StoreId) -> Sequence[ClientRecord]:
        """The clients that are blocked, the last one first."""

    def open_request(self, record: AuthorizationRequestRecord) -> bool:
        """Store a pending request; False while one client address, or all together, have as many as there may be.

        No other request ends for it, but where nobody knows whose they are.
        """

    def request(self, store: StoreId, digest: bytes, *, now: float) -> AuthorizationRequestRecord | None:
        """The pending request of a handle; None when it has expired, was ended or never was."""

    def update_request(self, record: AuthorizationRequestRecord) -> bool:
        """Store browser, step, customer and subject of a pending request; False when there is none."""

    def count_try(self, digest: bytes) -> int:
        """Count one attempt to sign in; the number of attempts, 0 when there is no such request."""

    def end_request(self, digest: bytes) -> bool:
        """Delete a pending request; whether it was there: of two that try, one succeeds."""

    def create_grant_with_code(
        self,
        grant: GrantRecord,
        code: IssuedCode,
        *,
        request: bytes,
        session: bytes,
    ) -> bool:
        """End the pending request with that digest and store a grant with its code and shop session, all or nothing.

        False when the request was ended before; `grant.shop_until` is the end of the session.
        """

    def is_familiar(self, store: StoreId, mailbox: str) -> bool:
        """Whether a grant was given under an e-mail address from where the current request is from."""

    def redeem_code(self, exchange: CodeExchange, issue: TokenIssuer, *, now: float) -> bytes:
        """Use a code up and store its tokens; their answer. Raises ExchangeRefused.

        A code that was used before ends its grant (RFC 6749 §4.1.2).
        """

    def rotate_refresh(self, exchange: RefreshExchange, issue: TokenIssuer, *, now: float, grace: float) -> bytes:
        """Use a refresh token up and store its successors; their answer. Raises ExchangeRefused.

        The same token within `grace` seconds gets the same answer; later it ends its grant.
        """

    def find_token(self, digest: bytes) -> StoredToken | None:
        """The token with that digest; None when there is none, or its grant has ended."""

    def note_use(self, grant: str, *, now: float) -> None:
        """Store the time of use, at most once a minute."""

    def revoke(self, store: StoreId, digest: bytes, client_id: str, *, now: float) -> bool:
        """End the grant of a token that this client was given (RFC 7009); whether there was one."""

    def grants(self, store: StoreId, subject: str | None = None, *, limit: int = 1000) -> Sequence[GrantRecord]:
        """Grants, newest first, ended ones included."""

    def end_grants(
        self,
        store: StoreId,
        why: EndReason,
        *,
        now: float,
        by: str = "",
        grant: str | None = None,
        subject: str | None = None,
    ) -> int:
        """End live grants: one, those of a customer, or all of the store; their number. `by` is an operator's name.

        Tokens, codes and shop sessions go with them.
        """

    def raise_epoch(
        self, store: StoreId, subject: str = "", *, mailbox: str = "", why: EndReason, now: float, by: str = ""
    ) -> int:
        """Void all that was granted to a customer until now, by subject or mailbox; without either, to all of a store.

        The number of live grants that this has ended. Sign-ins that wait for their permission end too.
        """

    def sweep(self, *, now: float) -> None:
        """Delete what has expired, and the secrets of grants and answers whose time is over."""

    def shop_session(self, grant: str) -> ShopSessionRecord | None:
        """The shop session of a live grant; None when it has ended."""

    def lease_shop_session(self, grant: str, *, now: float, seconds: float) -> ShopSessionRecord | None:
        """Take the right to renew a session, under a new fence; None while another holds it, or it has ended."""

    def write_shop_session(self, grant: str, *, fence: int, session: bytes, until: float | None) -> bool:
        """Store the renewed session and give the lease back; False when the lease was lost or the grant has ended."""
