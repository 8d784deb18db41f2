"""Requests, grants and codes as tests of the sign-in record use them."""

import itertools
from typing import Any

from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, FieldEncryption
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.records.oauth import (
    AuthorizationRequest,
    AuthorizationRequestRecord,
    CodeExchange,
    GrantRecord,
    IssuedCode,
    IssuedTokens,
    RefreshExchange,
    TokenIssuer,
)

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")
NOW = 1_800_000_000.0
HOUR = 3600.0
MONTH = 30 * 86_400.0
GRACE = 60.0
CLIENT = "https://agent.example/client.json"
REDIRECT = "http://127.0.0.1:4711/callback"
RESOURCE = "https://pickle.example/mcp"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
SHOP = b'{"secret":"planted-shop-token"}'
ENCRYPTION = FieldEncryption([Fernet.generate_key().decode()])

REQUEST = AuthorizationRequest(
    client_id=CLIENT,
    client_kind="document",
    client_name="Agent",
    client_host="agent.example",
    redirect_uri=REDIRECT,
    state="s-1",
    scopes=("orders:read",),
    resource=RESOURCE,
    challenge=CHALLENGE,
)


def repository(database: Database) -> SqlOAuthRepository:
    """The sign-in record in a database."""
    return SqlOAuthRepository(database, ENCRYPTION)


def pending(name: str = "request", **changes: Any) -> AuthorizationRequestRecord:
    """A pending request; its handle is `name`."""
    plain = AuthorizationRequestRecord(
        digest=secret_digest(name), store=PICKLE, browser=b"b", request=REQUEST, expires_at=NOW + 600
    )
    return replace(plain, **changes)


def grant(id_: str = "grant", **changes: Any) -> GrantRecord:
    """A grant of a month."""
    plain = GrantRecord(
        id=id_,
        store=PICKLE,
        customer="4",
        subject="subject-4",
        mailbox="mailbox-4",
        client_id=CLIENT,
        client_name="Agent",
        client_host="agent.example",
        redirect_host="",
        scopes=("orders:read", "checkout"),
        resource=RESOURCE,
        created_at=NOW,
        expires_at=NOW + MONTH,
    )
    return replace(plain, **changes)


def code(text: str = "code") -> IssuedCode:
    """A code, by its text."""
    return IssuedCode(digest=secret_digest(text), redirect_uri=REDIRECT, challenge=CHALLENGE, expires_at=NOW + 60)


def granted(record: SqlOAuthRepository, id_: str = "grant", **changes: Any) -> GrantRecord:
    """Store a grant whose code is `code-{id_}`."""
    request = pending(f"request of {id_}", store=changes.get("store", PICKLE))
    record.open_request(request)
    new = grant(id_, **changes)
    assert record.create_grant_with_code(new, code(f"code-{id_}"), request=request.digest, session=SHOP)
    return new


def exchange(text: str = "code-grant", **changes: Any) -> CodeExchange:
    """What the client brings with a code."""
    plain = CodeExchange(
        store=PICKLE,
        digest=secret_digest(text),
        client_id=CLIENT,
        redirect_uri=REDIRECT,
        challenge=CHALLENGE,
        resource=RESOURCE,
    )
    return replace(plain, **changes)


def refresh(text: str, **changes: Any) -> RefreshExchange:
    """What the client brings with a refresh token."""
    plain = RefreshExchange(store=PICKLE, digest=secret_digest(text), client_id=CLIENT, resource=None)
    return replace(plain, **changes)


_numbers = itertools.count(1)


def tokens(now: float = NOW) -> TokenIssuer:
    """Issues tokens whose texts are in the answer: `access-7 refresh-7`."""

    def issue(grant: GrantRecord) -> IssuedTokens:
        number = next(_numbers)
        access, renewal = f"access-{number}", f"refresh-{number}"
        return IssuedTokens(
            access=secret_digest(access),
            refresh=secret_digest(renewal),
            scopes=grant.scopes,
            access_expires_at=now + HOUR,
            answer=f"{access} {renewal}".encode(),
        )

    return issue
