"""`CustomerGrants`: what a store's customers have granted, voided at once by who may."""

import asyncio
import time
from collections.abc import Callable

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.records.oauth import EndReason, OAuthRepository


class CustomerGrants:
    """The grants of one store. May raise StorageUnavailable."""

    def __init__(
        self,
        store: StoreId,
        records: OAuthRepository,
        *,
        subject_of: Callable[[str], str],
        mailbox_of: Callable[[str], str],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`subject_of` and `mailbox_of` are keyed digests of a customer's id and e-mail address; `now` Unix seconds."""
        self._store = store
        self._records = records
        self._subject_of = subject_of
        self._mailbox_of = mailbox_of
        self._now = now

    async def void(self, *, customer: str = "", email: str = "", why: EndReason, by: str = "") -> int:
        """Void every token of every agent of a customer, on every worker within a second; the grants that ended.

        `customer` is the shop's id, `email` an address with which they signed in here; one of them, or both. `by` is
        who asked for it.
        """
        if not customer and not email:
            raise ValueError("a customer or an e-mail address is needed")
        subject = self._subject_of(customer) if customer else ""
        return await self._raise_epoch(subject, self._mailbox_of(email) if email else "", why, by)

    async def void_all(self, *, why: EndReason, by: str = "") -> int:
        """The same for every customer of the store."""
        return await self._raise_epoch("", "", why, by)

    async def _raise_epoch(self, subject: str, mailbox: str, why: EndReason, by: str) -> int:
        return await asyncio.to_thread(
            self._records.raise_epoch, self._store, subject, mailbox=mailbox, why=why, now=self._now(), by=by
        )
