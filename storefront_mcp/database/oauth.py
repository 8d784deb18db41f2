"""Sign-ins of buyers in SQL, shared by every worker and the command line."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, or_, select, update

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.audit import append_entry
from storefront_mcp.database.encryption import FieldEncryption
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.oauth_ending import (
    client_entry,
    end_grants,
    ended_entries,
    granted_entry,
    has_room,
    raise_epoch,
    sweep,
)
from storefront_mcp.database.oauth_rows import (
    OAuthRowMapper,
    blocked_clients,
    current_epoch,
    find_client,
    grant_record,
    grant_row,
    is_blocked,
    stored_token,
    token_query,
)
from storefront_mcp.database.tables.oauth import (
    OAUTH_CLIENTS,
    OAUTH_CODES,
    OAUTH_GRANTS,
    OAUTH_REQUESTS,
    OAUTH_TOKENS,
)
from storefront_mcp.records.oauth import (
    AuthorizationRequestRecord,
    ClientKind,
    ClientRecord,
    CodeExchange,
    EndReason,
    ExchangeRefused,
    GrantRecord,
    IssuedCode,
    IssuedTokens,
    RefreshExchange,
    ShopSessionRecord,
    StoredToken,
    TokenIssuer,
)

NOTE_USE_EVERY_SECONDS: Final = 60
"""Least time between two writes of a grant's last use, over all workers."""

_R: Final = OAUTH_REQUESTS.c
_G: Final = OAUTH_GRANTS.c
_C: Final = OAUTH_CODES.c
_T: Final = OAUTH_TOKENS.c


class SqlOAuthRepository:
    """Implements `records.oauth.OAuthRepository`; thread-safe.

    Whatever changes a grant locks its row first, so that changes of one grant follow each other. What is granted and
    what is taken back survives a power cut: a used refresh token must not come back.
    """

    def __init__(
        self, database: Database, encryption: FieldEncryption | None, *, now: Callable[[], dt.datetime] = utc_now
    ) -> None:
        """Without `encryption`, grants can be listed and ended only."""
        self._database = database
        self._rows = OAuthRowMapper(encryption)
        self._now = now

    def find_client(self, store: StoreId, id_: str) -> ClientRecord | None:
        """What is kept of a client."""
        with self._database.reading() as connection:
            return find_client(connection, store, id_)

    def put_client(self, client: ClientRecord) -> None:
        """Keep a client's document; a block stays."""
        row = {name: getattr(client, name) for name in client.__struct_fields__}
        fresh = {name: row[name] for name in ("kind", "document", "fetched_at", "fresh_until")}
        kept = self._database.insert(OAUTH_CLIENTS).values(row)
        with self._database.writing() as connection:
            connection.execute(kept.on_conflict_do_update(index_elements=["store", "id"], set_=fresh))

    def block_client(self, store: StoreId, id_: str, kind: ClientKind, *, now: float, by: str) -> int:
        """Accept a client no more, and end its grants; their number."""
        row = {"store": store, "id": id_, "kind": kind, "document": b"", "fetched_at": 0.0, "fresh_until": 0.0}
        blocked = self._database.insert(OAUTH_CLIENTS).values(row | {"blocked_at": now})
        with self._database.writing(survives="power") as connection:
            connection.execute(blocked.on_conflict_do_update(index_elements=["store", "id"], set_={"blocked_at": now}))
            entry = client_entry("client.blocked", store, id_, by, at=self._now())
            append_entry(self._database, connection, [entry])
            return self._end(connection, [_G.store == store, _G.client_id == id_], "operator", now, by)

    def unblock_client(self, store: StoreId, id_: str, *, by: str) -> bool:
        """Accept a client again; False when it was not blocked."""
        theirs = (OAUTH_CLIENTS.c.store == store, OAUTH_CLIENTS.c.id == id_, OAUTH_CLIENTS.c.blocked_at.is_not(None))
        with self._database.writing(survives="power") as connection:
            if connection.execute(update(OAUTH_CLIENTS).where(*theirs).values(blocked_at=None)).rowcount == 0:
                return False
            entry = client_entry("client.unblocked", store, id_, by, at=self._now())
            append_entry(self._database, connection, [entry])
        return True

    def blocked_clients(self, store: StoreId) -> Sequence[ClientRecord]:
        """The clients that are blocked, the last one first."""
        with self._database.reading() as connection:
            return blocked_clients(connection, store)

    def open_request(self, record: AuthorizationRequestRecord) -> bool:
        """Store a pending request; False while there are as many as there may be, see `has_room`."""
        holder = self._database.holder_digest()
        with self._database.writing() as connection:
            if not has_room(connection, holder, now=self._now().timestamp()):
                return False
            connection.execute(insert(OAUTH_REQUESTS).values(self._rows.request_row(record) | {"holder": holder}))
        return True

    def request(self, store: StoreId, digest: bytes, *, now: float) -> AuthorizationRequestRecord | None:
        """The pending request of a handle; None when it has expired, was ended or never was."""
        wanted = select(OAUTH_REQUESTS).where(_R.digest == digest, _R.store == store, _R.expires_at > now)
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else self._rows.request(row)

    def update_request(self, record: AuthorizationRequestRecord) -> bool:
        """Store browser, step, customer and subject of a pending request; False when there is none."""
        row = self._rows.request_row(record)
        values = {name: row[name] for name in ("browser", "step", "customer", "subject")}
        with self._database.writing() as connection:
            changed = update(OAUTH_REQUESTS).where(_R.digest == record.digest).values(values)
            return connection.execute(changed).rowcount == 1

    def count_try(self, digest: bytes) -> int:
        """Count one attempt to sign in; the number of attempts, 0 when there is no such request."""
        counted = update(OAUTH_REQUESTS).where(_R.digest == digest).values(tries=_R.tries + 1).returning(_R.tries)
        with self._database.writing() as connection:
            tries: int | None = connection.execute(counted).scalar_one_or_none()
        return tries or 0

    def end_request(self, digest: bytes) -> bool:
        """Delete a pending request; whether it was there."""
        with self._database.writing() as connection:
            return _delete_request(connection, digest)

    def create_grant_with_code(self, grant: GrantRecord, code: IssuedCode, *, request: bytes, session: bytes) -> bool:
        """End the pending request and store a grant with its code and session; False when it was ended before."""
        row = grant_row(grant) | {"shop": self._rows.encrypt(session), "lease_until": 0.0, "fence": 0}
        row["holder"] = self._database.holder_digest()
        with self._database.writing(survives="power") as connection:
            if not _delete_request(connection, request) or is_blocked(connection, grant.store, grant.client_id):
                return False
            epoch = connection.execute(select(current_epoch(grant.store, grant.subject))).scalar_one()
            connection.execute(insert(OAUTH_GRANTS).values(row | {"epoch": epoch}))
            values = {name: getattr(code, name) for name in code.__struct_fields__}
            connection.execute(insert(OAUTH_CODES).values(values | {"store": grant.store, "grant": grant.id}))
            append_entry(self._database, connection, [granted_entry(grant, at=self._now())])
        return True

    def is_familiar(self, store: StoreId, mailbox: str) -> bool:
        """Whether a grant was given under an e-mail address from where the current request is from."""
        holder = self._database.holder_digest()
        if holder is None:
            return False
        here = select(_G.id).where(_G.store == store, _G.mailbox == mailbox, _G.holder == holder).limit(1)
        with self._database.reading() as connection:
            return connection.execute(here).one_or_none() is not None

    def redeem_code(self, exchange: CodeExchange, issue: TokenIssuer, *, now: float) -> bytes:
        """Use a code up and store its tokens; their answer. Raises ExchangeRefused."""
        with self._database.writing(survives="power") as connection:
            answer = self._redeem(connection, exchange, issue, now)
        if answer is None:
            _refuse("This code was used before, so the permission that came of it has ended.")
        return answer

    def rotate_refresh(self, exchange: RefreshExchange, issue: TokenIssuer, *, now: float, grace: float) -> bytes:
        """Use a refresh token up and store its successors; their answer. Raises ExchangeRefused."""
        with self._database.writing(survives="power") as connection:
            answer = self._rotate(connection, exchange, issue, now, grace)
        if answer is None:
            _refuse("This token was used before, so the permission that it is of has ended.")
        return answer

    def find_token(self, digest: bytes) -> StoredToken | None:
        """The token with that digest; None when there is none, or its grant has ended."""
        with self._database.reading() as connection:
            row = connection.execute(token_query(digest)).one_or_none()
        return None if row is None else stored_token(row)

    def note_use(self, grant: str, *, now: float) -> None:
        """Store the time of use, at most once a minute."""
        moment = now - now % NOTE_USE_EVERY_SECONDS
        long_ago = or_(_G.last_used_at.is_(None), _G.last_used_at < moment)
        with self._database.writing() as connection:
            connection.execute(update(OAUTH_GRANTS).where(_G.id == grant, long_ago).values(last_used_at=moment))

    def revoke(self, store: StoreId, digest: bytes, client_id: str, *, now: float) -> bool:
        """End the grant of a token that this client was given (RFC 7009); whether there was one."""
        owner = select(_T.grant).where(_T.digest == digest).scalar_subquery()
        wanted = [_G.id == owner, _G.store == store, _G.client_id == client_id]
        with self._database.writing(survives="power") as connection:
            return self._end(connection, wanted, "client", now) > 0

    def grants(self, store: StoreId, subject: str | None = None, *, limit: int = 1000) -> Sequence[GrantRecord]:
        """Grants, newest first, ended ones included."""
        query = select(OAUTH_GRANTS).where(_G.store == store).order_by(_G.created_at.desc(), _G.id).limit(limit)
        if subject is not None:
            query = query.where(_G.subject == subject)
        with self._database.reading() as connection:
            return [grant_record(row) for row in connection.execute(query)]

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
        """End live grants: one, those of a customer, or all of the store; their number."""
        wanted = [_G.store == store]
        if grant is not None:
            wanted.append(_G.id == grant)
        if subject is not None:
            wanted.append(_G.subject == subject)
        with self._database.writing(survives="power") as connection:
            return self._end(connection, wanted, why, now, by)

    def raise_epoch(
        self, store: StoreId, subject: str = "", *, mailbox: str = "", why: EndReason, now: float, by: str = ""
    ) -> int:
        """Void all that was granted to a customer, or to all of a store; the number of live grants that ended."""
        with self._database.writing(survives="power", alone="customer epochs") as connection:
            theirs = raise_epoch(self._database, connection, store, subject, mailbox)
            return self._end(connection, theirs, why, now, by)

    def sweep(self, *, now: float) -> None:
        """Delete what has expired, and the secrets of grants and answers whose time is over."""
        with self._database.writing() as connection:
            sweep(connection, now)

    def shop_session(self, grant: str) -> ShopSessionRecord | None:
        """The shop session of a live grant; None when it has ended."""
        with self._database.reading() as connection:
            row = connection.execute(select(OAUTH_GRANTS).where(_G.id == grant, _G.shop.is_not(None))).one_or_none()
        return None if row is None else self._rows.session(row)

    def lease_shop_session(self, grant: str, *, now: float, seconds: float) -> ShopSessionRecord | None:
        """Take the right to renew a session, under a new fence; None while another holds it, or it has ended."""
        leased = (
            update(OAUTH_GRANTS)
            .where(_G.id == grant, _G.shop.is_not(None), _G.lease_until <= now)
            .values(lease_until=now + seconds, fence=_G.fence + 1)
            .returning(OAUTH_GRANTS)
        )
        with self._database.writing(survives="power") as connection:
            row = connection.execute(leased).one_or_none()
        return None if row is None else self._rows.session(row)

    def write_shop_session(self, grant: str, *, fence: int, session: bytes, until: float | None) -> bool:
        """Store the renewed session and give the lease back; False when it was lost or the grant has ended."""
        values = {"shop": self._rows.encrypt(session), "shop_until": until, "lease_until": 0.0}
        written = update(OAUTH_GRANTS).where(_G.id == grant, _G.shop.is_not(None), _G.fence == fence).values(values)
        with self._database.writing(survives="power") as connection:
            return connection.execute(written).rowcount == 1

    def _redeem(self, connection: Connection, exchange: CodeExchange, issue: TokenIssuer, now: float) -> bytes | None:
        """The answer; None for a used code, whose grant is ended. Raises ExchangeRefused."""
        owner = select(_C.grant).where(_C.digest == exchange.digest).scalar_subquery()
        grant = _locked_grant(connection, owner)
        code = connection.execute(select(OAUTH_CODES).where(_C.digest == exchange.digest)).one_or_none()
        if grant is None or code is None or grant.store != exchange.store:
            _refuse("This code is not known here.")
        if code.used_at is not None:
            self._end(connection, [_G.id == grant.id], "replayed", now)
            return None
        _check_code(exchange, code, grant, now)
        _check_live(connection, grant, now)
        issued = issue(grant)
        connection.execute(update(OAUTH_CODES).where(_C.digest == exchange.digest).values(used_at=now))
        self._add_tokens(connection, grant, issued)
        return issued.answer

    def _rotate(
        self, connection: Connection, exchange: RefreshExchange, issue: TokenIssuer, now: float, grace: float
    ) -> bytes | None:
        """The answer; None for a token that was used before the grace, whose grant is ended. Raises ExchangeRefused."""
        owner = select(_T.grant).where(_T.digest == exchange.digest, _T.kind == "refresh").scalar_subquery()
        grant = _locked_grant(connection, owner)
        token = connection.execute(select(OAUTH_TOKENS).where(_T.digest == exchange.digest)).one_or_none()
        if grant is None or token is None or grant.store != exchange.store:
            _refuse("This refresh token is not known here.")
        if exchange.client_id != grant.client_id:
            _refuse("This refresh token was issued to another client.")
        _check_resource(exchange.resource, grant)
        _check_live(connection, grant, now)
        if token.used_at is None:
            issued = issue(grant)
            values = {"used_at": now, "answer": self._rows.encrypt(issued.answer)}
            connection.execute(update(OAUTH_TOKENS).where(_T.digest == exchange.digest).values(values))
            over = (_T.grant == grant.id, _T.used_at <= now - grace)
            connection.execute(update(OAUTH_TOKENS).where(*over).values(answer=None))
            self._add_tokens(connection, grant, issued)
            return issued.answer
        if token.used_at > now - grace and token.answer is not None:
            return self._rows.decrypt(token.answer)
        self._end(connection, [_G.id == grant.id], "replayed", now)
        return None

    def _end(
        self, connection: Connection, wanted: list[ColumnElement[bool]], why: EndReason, now: float, by: str = ""
    ) -> int:
        """End the live ones of these grants, and write down that they have ended; their number."""
        ended = end_grants(connection, wanted, why, now=now)
        if ended:
            append_entry(self._database, connection, ended_entries(ended, why, at=self._now(), by=by))
        return len(ended)

    def _add_tokens(self, connection: Connection, grant: GrantRecord, issued: IssuedTokens) -> None:
        access = {
            "digest": issued.access,
            "kind": "access",
            "scopes": " ".join(issued.scopes),
            "expires_at": min(issued.access_expires_at, grant.expires_at),
        }
        refresh = {
            "digest": issued.refresh,
            "kind": "refresh",
            "scopes": " ".join(grant.scopes),
            "expires_at": grant.expires_at,
        }
        connection.execute(insert(OAUTH_TOKENS), [row | {"grant": grant.id} for row in (access, refresh)])


def _locked_grant(connection: Connection, id_: Any) -> GrantRecord | None:  # noqa: ANN401 -- a subquery
    """The grant with that id, which nobody else changes until the transaction ends."""
    row = connection.execute(select(OAUTH_GRANTS).where(_G.id == id_).with_for_update()).one_or_none()
    return None if row is None else grant_record(row)


def _check_live(connection: Connection, grant: GrantRecord, now: float) -> None:
    """Raises ExchangeRefused."""
    epoch: int = connection.execute(select(current_epoch(grant.store, grant.subject))).scalar_one()
    if not grant.is_live(now) or grant.epoch != epoch:
        _refuse("The permission behind this has ended.")


def _check_code(exchange: CodeExchange, code: Row[Any], grant: GrantRecord, now: float) -> None:
    """Raises ExchangeRefused; the code can still be used afterwards."""
    if code.expires_at <= now:
        _refuse("This code has expired.")
    if exchange.client_id != grant.client_id:
        _refuse("This code was issued to another client.")
    if exchange.redirect_uri != code.redirect_uri:
        _refuse("This code was issued for another redirect_uri.")
    if exchange.challenge != code.challenge:
        _refuse("The code_verifier is not that of this code.")
    _check_resource(exchange.resource, grant)


def _check_resource(resource: str | None, grant: GrantRecord) -> None:
    if resource is not None and resource != grant.resource:
        raise ExchangeRefused("invalid_target", f"The permission is for {grant.resource}, and for nothing else.")


def _refuse(detail: str) -> NoReturn:
    raise ExchangeRefused("invalid_grant", detail)


def _delete_request(connection: Connection, digest: bytes) -> bool:
    return connection.execute(delete(OAUTH_REQUESTS).where(_R.digest == digest)).rowcount == 1
