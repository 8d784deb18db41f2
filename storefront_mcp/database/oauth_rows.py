"""Mapping of sign-ins to rows and back."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.tables.oauth import CUSTOMER_EPOCHS, OAUTH_CLIENTS, OAUTH_GRANTS, OAUTH_TOKENS
from storefront_mcp.records.oauth import (
    AuthorizationRequest,
    AuthorizationRequestRecord,
    ClientRecord,
    GrantRecord,
    ShopSessionRecord,
    StoredToken,
)

_REQUEST: Final = msgspec.json.Decoder(AuthorizationRequest | None)
_GRANT_COLUMNS: Final = tuple(name for name in GrantRecord.__struct_fields__ if name != "scopes")


class EncryptionMissing(Exception):
    """No key for personal data is set, without which nothing of a sign-in is stored or read."""

    def __init__(self) -> None:
        super().__init__("Sign-in needs personal_data.key, which is not set.")


class OAuthRowMapper:
    """Rows of requests, grants and tokens; what is personal or secret in them is encrypted."""

    def __init__(self, encryption: FieldEncryption | None) -> None:
        self._encryption = encryption

    def encrypt(self, plain: bytes) -> bytes:
        """Raises EncryptionMissing."""
        if self._encryption is None:
            raise EncryptionMissing
        return self._encryption.encrypt(plain)

    def decrypt(self, stored: bytes) -> bytes:
        """Raises EncryptionMissing and DecryptionFailed."""
        if self._encryption is None:
            raise EncryptionMissing
        return self._encryption.decrypt(stored)

    def request_row(self, record: AuthorizationRequestRecord) -> dict[str, Any]:
        """Every column of a pending request."""
        row = {name: getattr(record, name) for name in record.__struct_fields__}
        customer = None if record.customer is None else self.encrypt(record.customer)
        return row | {"request": msgspec.json.encode(record.request), "customer": customer}

    def request(self, row: Row[Any]) -> AuthorizationRequestRecord:
        """The pending request of a row."""
        columns = {name: getattr(row, name) for name in AuthorizationRequestRecord.__struct_fields__}
        columns["request"] = _REQUEST.decode(row.request)
        columns["customer"] = None if row.customer is None else self.decrypt(row.customer)
        return AuthorizationRequestRecord(**columns)

    def session(self, row: Row[Any]) -> ShopSessionRecord:
        """The shop session in the row of a grant."""
        return ShopSessionRecord(
            grant=row.id,
            session=self.decrypt(row.shop),
            until=row.shop_until,
            fence=row.fence,
            lease_until=row.lease_until,
        )


def grant_row(grant: GrantRecord) -> dict[str, Any]:
    """Every column of a grant but those of its shop session's contents and lease."""
    return {name: getattr(grant, name) for name in _GRANT_COLUMNS} | {"scopes": " ".join(grant.scopes)}


def grant_record(row: Row[Any]) -> GrantRecord:
    """The grant of a row that has its columns."""
    columns = {name: getattr(row, name) for name in _GRANT_COLUMNS}
    return GrantRecord(**columns, scopes=tuple(row.scopes.split()))


def client_record(row: Row[Any]) -> ClientRecord:
    """The client of a row."""
    return ClientRecord(**{name: getattr(row, name) for name in ClientRecord.__struct_fields__})


def token_query(digest: bytes) -> Select[Any]:
    """A token with its grant and the current epoch of the customer, all of one moment."""
    return (
        select(
            OAUTH_GRANTS,
            OAUTH_TOKENS.c.kind,
            OAUTH_TOKENS.c.scopes.label("token_scopes"),
            OAUTH_TOKENS.c.expires_at.label("token_expires_at"),
            OAUTH_TOKENS.c.used_at,
            OAUTH_TOKENS.c.answer,
            current_epoch(OAUTH_GRANTS.c.store, OAUTH_GRANTS.c.subject).label("current_epoch"),
        )
        .join_from(OAUTH_TOKENS, OAUTH_GRANTS, OAUTH_GRANTS.c.id == OAUTH_TOKENS.c.grant)
        .where(OAUTH_TOKENS.c.digest == digest)
    )


def stored_token(row: Row[Any]) -> StoredToken:
    """The token of a row of `token_query`."""
    return StoredToken(
        kind=row.kind,
        scopes=tuple(row.token_scopes.split()),
        expires_at=row.token_expires_at,
        grant=grant_record(row),
        current_epoch=row.current_epoch,
    )


def current_epoch(store: Any, subject: Any) -> ColumnElement[int]:  # noqa: ANN401 -- a column or a text
    """How often a customer's grants were voided, alone and with all of the store: it only ever grows."""
    mine = (CUSTOMER_EPOCHS.c.store == store) & CUSTOMER_EPOCHS.c.subject.in_(["", subject])
    return select(func.coalesce(func.sum(CUSTOMER_EPOCHS.c.epoch), 0)).where(mine).scalar_subquery()


def find_client(connection: Connection, store: StoreId, id_: str) -> ClientRecord | None:
    """What is kept of a client."""
    wanted = select(OAUTH_CLIENTS).where(OAUTH_CLIENTS.c.store == store, OAUTH_CLIENTS.c.id == id_)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else client_record(row)


def is_blocked(connection: Connection, store: StoreId, id_: str) -> bool:
    """Whether an operator has blocked a client."""
    kept = find_client(connection, store, id_)
    return kept is not None and kept.blocked_at is not None


def blocked_clients(connection: Connection, store: StoreId) -> Sequence[ClientRecord]:
    """The clients that are blocked, the last one first."""
    clients = OAUTH_CLIENTS.c
    blocked = select(OAUTH_CLIENTS).where(clients.store == store, clients.blocked_at.is_not(None))
    return [client_record(row) for row in connection.execute(blocked.order_by(clients.blocked_at.desc(), clients.id))]
