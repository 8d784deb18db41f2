"""Checkout sessions in SQL, shared by every worker; each method is one transaction."""

import hashlib
import itertools
import logging
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row, delete, or_, select, update

from storefront_mcp.checkout_sessions.record import NO_DETAILS, CheckoutSession, SessionDetails, SessionLeaseLost
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.database.encryption import DecryptionFailed, FieldEncryption
from storefront_mcp.database.engine import Database, in_thread
from storefront_mcp.database.order_events import await_order
from storefront_mcp.database.row_quota import OWN_INTERVAL_WRITES, RowQuota, drop_own_excess, sweep_excess
from storefront_mcp.database.tables.checkout_sessions import CHECKOUT_SESSIONS

log: Final = logging.getLogger(__name__)

SESSION_QUOTA: Final = RowQuota(per_holder=1_000, in_all=50_000)
TOLD_SECONDS: Final = 7 * 86_400
"""How long a session that is over can be asked for: as long as its cart's handle may live."""
MAX_SNAPSHOT_BYTES: Final = 64 * 1024
"""Of the cart as it was last seen; beyond, only the first of its lines are kept."""

_RECORD: Final = msgspec.json.Decoder(CheckoutSession)
_DETAILS: Final = msgspec.json.Decoder(SessionDetails)
_S: Final = CHECKOUT_SESSIONS.c


class SqlCheckoutSessionRepository:
    """Implements `checkout_sessions.record.CheckoutSessionRepository`; thread-safe.

    With `encryption`, personal data is written encrypted; data that was written without can still be read.
    """

    def __init__(
        self, database: Database, *, encryption: FieldEncryption | None = None, quota: RowQuota = SESSION_QUOTA
    ) -> None:
        self._database = database
        self._encryption = encryption
        self._quota = quota
        self._inserted = itertools.count(1)

    @in_thread
    def find(self, store: StoreId, cart: CartId) -> CheckoutSession | None:
        """The newest session of a cart."""
        query = select(CHECKOUT_SESSIONS).where(_S.key == _row_key(store, cart))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._session(row, cart)

    @in_thread
    def insert(self, session: CheckoutSession) -> None:
        """Store the first session of a cart; nothing where there is one."""
        holder = self._database.holder_digest()
        row = self._row(session) | {"key": _row_key(session.store, session.cart), "holder": holder}
        with self._database.writing() as connection:
            connection.execute(self._database.insert(CHECKOUT_SESSIONS).values(row).on_conflict_do_nothing())
            if next(self._inserted) % OWN_INTERVAL_WRITES == 0:
                drop_own_excess(connection, CHECKOUT_SESSIONS, holder, self._quota.per_holder)
                sweep_excess(connection, CHECKOUT_SESSIONS, self._quota.in_all)

    @in_thread
    def lease(self, store: StoreId, cart: CartId, *, now: float, seconds: float) -> CheckoutSession | None:
        """Lease a session and increment its fence. None when it is leased already or unknown."""
        taken = (
            update(CHECKOUT_SESSIONS)
            .where(_S.key == _row_key(store, cart), _S.lease_until <= now)
            .values(fence=_S.fence + 1, lease_until=now + seconds)
            .returning(*CHECKOUT_SESSIONS.c)
        )
        with self._database.writing() as connection:
            row = connection.execute(taken).one_or_none()
        return None if row is None else self._session(row, cart)

    @in_thread
    def write(self, session: CheckoutSession, *, release: bool = False) -> None:
        """Update every field if the fence is unchanged; `release` ends the lease.

        Raises SessionLeaseLost, and then nothing was written.
        """
        row = self._row(session)
        if release:
            row["lease_until"] = 0.0
        if session.ended:
            row["holder"] = None
        written = (
            update(CHECKOUT_SESSIONS)
            .where(_S.key == _row_key(session.store, session.cart), _S.fence == session.fence)
            .values(row)
            .returning(_S.key)
        )
        with self._database.writing() as connection:
            if connection.execute(written).scalar_one_or_none() is None:
                raise SessionLeaseLost
            if session.tells_orders and session.checkout:
                await_order(self._database, connection, session, self._encryption)

    @in_thread
    def erase(self, *, now: float) -> int:
        """Erase personal data of sessions that have expired, and rows that are no longer told; the number of erased."""
        over = (_S.ends_at <= now, _S.lease_until <= now, or_(_S.personal.is_not(None), _S.holder.is_not(None)))
        with self._database.writing() as connection:
            count = connection.execute(
                update(CHECKOUT_SESSIONS).where(*over).values(personal=None, holder=None, fence=_S.fence + 1)
            ).rowcount
            connection.execute(delete(CHECKOUT_SESSIONS).where(_S.expires_at <= int(now)))
        if count:
            self._database.forget()
        return count

    def _row(self, session: CheckoutSession) -> dict[str, Any]:
        """Every column but `key` and `holder`."""
        snapshot = session.snapshot
        while snapshot is not None and len(msgspec.json.encode(snapshot)) > MAX_SNAPSHOT_BYTES:
            snapshot = replace(snapshot, lines=snapshot.lines[: len(snapshot.lines) // 2])
        bare = replace(session, cart=CartId(""), details=NO_DETAILS, snapshot=snapshot, fence=0, lease_until=0.0)
        return {
            "store": session.store,
            "fence": session.fence,
            "lease_until": session.lease_until,
            "ends_at": session.expires_at,
            "expires_at": int(session.expires_at) + TOLD_SECONDS,
            "record": msgspec.json.encode(bare),
            "personal": None if session.details == NO_DETAILS else self._encrypt(session.details),
        }

    def _session(self, row: Row[Any], cart: CartId) -> CheckoutSession:
        return replace(
            _RECORD.decode(row.record),
            cart=cart,
            fence=row.fence,
            lease_until=row.lease_until,
            details=NO_DETAILS if row.personal is None else self._decrypt(row.personal),
        )

    def _encrypt(self, details: SessionDetails) -> bytes:
        plain = msgspec.json.encode(details)
        return plain if self._encryption is None else self._encryption.encrypt(plain)

    def _decrypt(self, stored: bytes) -> SessionDetails:
        """Nothing when it cannot be decrypted or decoded, so that the buyer is asked again; the log says why."""
        # JSON begins with a brace, a Fernet token never does.
        encrypted = not stored.startswith(b"{")
        if encrypted and self._encryption is None:
            log.error("a checkout session's personal data is encrypted and personal_data.key is not set")
            return NO_DETAILS
        try:
            plain = self._encryption.decrypt(stored) if encrypted and self._encryption is not None else stored
            return _DETAILS.decode(plain)
        except DecryptionFailed:
            log.error("no key in personal_data.key opens the personal data of a checkout session")  # noqa: TRY400
        except msgspec.MsgspecError:
            # The error may quote personal data, so it is not logged.
            log.error("personal data of a checkout session was written in a shape that is not known")  # noqa: TRY400
        return NO_DETAILS


def _row_key(store: StoreId, cart: CartId) -> bytes:
    """SHA-256 of store and handle, as handles are secrets; store ids hold no NUL, so the pair is unambiguous."""
    return hashlib.sha256(f"{store}\0{cart}".encode()).digest()
