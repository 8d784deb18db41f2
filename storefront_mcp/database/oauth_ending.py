"""How grants end: by whom it may be, by the epoch of a customer, and by the clock."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.oauth_rows import grant_record
from storefront_mcp.database.tables.oauth import (
    CUSTOMER_EPOCHS,
    OAUTH_CLIENTS,
    OAUTH_CODES,
    OAUTH_GRANTS,
    OAUTH_REQUESTS,
    OAUTH_TOKENS,
)
from storefront_mcp.records.audit import AuditActor, AuditEntry, What, audit_timestamp
from storefront_mcp.records.oauth import EndReason, GrantRecord
from storefront_mcp.records.outcomes import OK

KEEP_ENDED_SECONDS: Final = 90 * 86_400.0
"""How long a grant that has ended is listed."""
KEEP_CODE_SECONDS: Final = 86_400.0
"""How long a code is known after it has expired."""
RENEWAL_SECONDS: Final = 300.0
"""After the end of a shop session by the clock until nobody can be renewing it any more."""
KEEP_ANSWER_SECONDS: Final = 60.0
"""How long the answer of a used refresh token is kept at most."""
REQUESTS_PER_HOLDER: Final = 50
"""Pending requests of one client address; persons behind one address seldom sign in at once."""
REQUESTS_IN_ALL: Final = 20_000
DOCUMENTS_IN_ALL: Final = 2_000
"""Metadata documents of clients: there are some dozen clients, and whoever likes can have more fetched."""
SWEEP_ROWS: Final = 2_000
"""Rows of one table that one sweep deletes at most."""

_G: Final = OAUTH_GRANTS.c


def end_grants(
    connection: Connection, wanted: list[ColumnElement[bool]], why: EndReason, *, now: float
) -> Sequence[GrantRecord]:
    """End the live ones of these grants, with their codes, tokens and shop sessions; those that ended."""
    values = {"ended_at": now, "ended_why": why, "shop": None, "lease_until": 0.0, "fence": _G.fence + 1}
    changed = update(OAUTH_GRANTS).where(*wanted, _G.ended_at.is_(None)).values(values).returning(OAUTH_GRANTS)
    ended = [grant_record(row) for row in connection.execute(changed)]
    for first in range(0, len(ended), SWEEP_ROWS):
        ids = [grant.id for grant in ended[first : first + SWEEP_ROWS]]
        for table in (OAUTH_CODES, OAUTH_TOKENS):
            connection.execute(delete(table).where(table.c.grant.in_(ids)))
    return ended


def raise_epoch(
    database: Database, connection: Connection, store: StoreId, subject: str, mailbox: str
) -> list[ColumnElement[bool]]:
    """Void what was granted to one customer, or to all of a store where neither is given; which grants these are."""
    theirs = [_G.store == store]
    waiting = [OAUTH_REQUESTS.c.store == store, OAUTH_REQUESTS.c.subject != ""]
    subjects = [subject]
    if mailbox:
        query = select(_G.subject).where(_G.store == store, _G.mailbox == mailbox).distinct()
        subjects = [*connection.execute(query).scalars(), *([subject] if subject else [])]
    if mailbox or subject:
        theirs.append(_G.subject.in_(subjects))
        waiting.append(OAUTH_REQUESTS.c.subject.in_(subjects))
    for one in sorted(set(subjects)):
        first = database.insert(CUSTOMER_EPOCHS).values(store=store, subject=one, epoch=1)
        more = {"epoch": CUSTOMER_EPOCHS.c.epoch + 1}
        connection.execute(first.on_conflict_do_update(index_elements=["store", "subject"], set_=more))
    connection.execute(delete(OAUTH_REQUESTS).where(*waiting))
    return theirs


def granted_entry(grant: GrantRecord, *, at: dt.datetime) -> AuditEntry:
    """The audit entry of a new grant; the person is a keyed digest."""
    details = {"client": grant.client_id, "sent_to": grant.redirect_host, "scopes": grant.scopes}
    return _entry("grant.created", grant, AuditActor(kind="customer", id=grant.subject), at, details)


def ended_entries(ended: Sequence[GrantRecord], why: EndReason, *, at: dt.datetime, by: str) -> list[AuditEntry]:
    """The audit entries of grants that ended; `by` is an operator's name."""
    return [_entry("grant.ended", grant, _actor(grant, why, by), at, {"why": why}) for grant in ended]


def client_entry(what: What, store: StoreId, id_: str, by: str, *, at: dt.datetime) -> AuditEntry:
    """The audit entry of a client that is accepted no more, or again; `by` is an operator's name."""
    return AuditEntry(
        at=audit_timestamp(at),
        source="mcp",
        store=store,
        what=what,
        subject=id_,
        who=AuditActor(kind="operator", id=by),
        outcome=OK,
    )


def _actor(grant: GrantRecord, why: EndReason, by: str) -> AuditActor:
    if by:
        return AuditActor(kind="operator", id=by)
    return AuditActor(kind="customer", id=grant.subject) if why in {"person", "client"} else AuditActor(kind="server")


def _entry(what: What, grant: GrantRecord, who: AuditActor, at: dt.datetime, details: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry(
        at=audit_timestamp(at),
        source="mcp",
        store=grant.store,
        what=what,
        subject=grant.id,
        who=who,
        outcome=OK,
        details=details,
    )


def has_room(connection: Connection, holder: bytes | None, *, now: float) -> bool:
    """Whether one client address may have another pending request; one of nobody known is bounded by the sweep."""
    requests = OAUTH_REQUESTS.c
    if holder is None:
        return True
    own = _count(connection, requests.holder == holder, requests.expires_at > now)
    return own < REQUESTS_PER_HOLDER and _count(connection, requests.holder.is_not(None)) < REQUESTS_IN_ALL


def sweep(connection: Connection, now: float) -> None:
    """Delete what has expired, and the secrets of grants that the clock has ended."""
    over = (_G.ended_at.is_(None), _G.expires_at <= now)
    connection.execute(update(OAUTH_GRANTS).where(*over).values(ended_at=_G.expires_at, shop=None))
    dead = (_G.ended_at.is_(None), _G.shop_until <= now - RENEWAL_SECONDS)
    connection.execute(update(OAUTH_GRANTS).where(*dead).values(ended_at=_G.shop_until, ended_why="shop", shop=None))
    answers = (OAUTH_TOKENS.c.answer.is_not(None), OAUTH_TOKENS.c.used_at <= now - KEEP_ANSWER_SECONDS)
    connection.execute(update(OAUTH_TOKENS).where(*answers).values(answer=None))
    _delete(connection, OAUTH_REQUESTS, OAUTH_REQUESTS.c.digest, OAUTH_REQUESTS.c.expires_at <= now)
    _delete(connection, OAUTH_CODES, OAUTH_CODES.c.digest, OAUTH_CODES.c.expires_at <= now - KEEP_CODE_SECONDS)
    _delete(connection, OAUTH_TOKENS, OAUTH_TOKENS.c.digest, OAUTH_TOKENS.c.expires_at <= now)
    _delete(connection, OAUTH_GRANTS, _G.id, _G.ended_at <= now - KEEP_ENDED_SECONDS)
    _delete_unknown_requests(connection)
    stale = (OAUTH_CLIENTS.c.fresh_until <= now - KEEP_CODE_SECONDS) & OAUTH_CLIENTS.c.blocked_at.is_(None)
    connection.execute(delete(OAUTH_CLIENTS).where(stale))
    _delete_old_documents(connection)


def _delete(connection: Connection, table: Any, key: Any, condition: ColumnElement[bool]) -> None:  # noqa: ANN401 -- SQLAlchemy's
    some = select(key).where(condition).limit(SWEEP_ROWS).with_for_update(skip_locked=True)
    connection.execute(delete(table).where(key.in_(some)))


def _count(connection: Connection, *wanted: ColumnElement[bool]) -> int:
    """Pending requests, as many as are wanted."""
    counted: int = connection.execute(select(func.count()).select_from(OAUTH_REQUESTS).where(*wanted)).scalar_one()
    return counted


def _delete_unknown_requests(connection: Connection) -> None:
    """Delete the oldest pending requests of clients that nobody can tell apart, above a number of them."""
    requests = OAUTH_REQUESTS.c
    excess = _count(connection, requests.holder.is_(None)) - REQUESTS_IN_ALL
    if excess > 0:
        oldest = select(requests.digest).where(requests.holder.is_(None)).order_by(requests.expires_at)
        some = oldest.limit(min(excess, SWEEP_ROWS)).with_for_update(skip_locked=True)
        connection.execute(delete(OAUTH_REQUESTS).where(requests.digest.in_(some)))


def _delete_old_documents(connection: Connection) -> None:
    """Delete the documents above DOCUMENTS_IN_ALL that were fetched first; a client is asked for its document again."""
    clients = OAUTH_CLIENTS.c
    newest = select(clients.fetched_at).where(clients.blocked_at.is_(None)).order_by(clients.fetched_at.desc())
    bound = connection.execute(newest.limit(1).offset(DOCUMENTS_IN_ALL)).scalar_one_or_none()
    if bound is not None:
        old = (clients.blocked_at.is_(None), clients.fetched_at <= bound)
        connection.execute(delete(OAUTH_CLIENTS).where(*old))
