"""Reads a shop's lists page by page, in sizes that the shop and we can bear: for listers of whole catalogues."""

import re
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Final, Generic, TypeVar

import httpx
from msgspec import Struct

from storefront_mcp.backends.upstream_messages import BodyTooLong, UpstreamResponse
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured, ShopRefused
from storefront_mcp.commerce.listing import BriefEntry, BriefPage, CatalogueEntry, EntryPage
from storefront_mcp.commerce.product import ProductSummary

M = TypeVar("M")
T = TypeVar("T")

PAGE_SIZES: Final = (100, 50, 10, 1)
"""Members that one call asks for: the most that shops give, and less where that is too much for them or for us."""
PAGES_UNTIL_LARGER: Final = 20
"""Pages of a smaller size until a larger one is tried again."""
MAX_LISTED: Final = 10**7
"""Members of a list beyond which nobody reads, whatever its total says."""
TOO_MUCH: Final = (BodyTooLong, TimeoutError, httpx.ReadTimeout)
"""Failures of a call that a smaller page may not have."""

NO_WORD: Final = re.compile(r"[^\w]")


class ListPage(Struct, Generic[M], frozen=True, kw_only=True):
    """One page of a list."""

    members: list[tuple[M | None, str | None]]
    """Each as it was read; None where it could not be, and then its id if it has one."""
    total: int
    next: str | None
    shop_time: float
    """Unix seconds by the shop's clock."""


class SizedPages:
    """The size of pages: smaller where one is too much, and larger again after a while."""

    def __init__(self) -> None:
        self._step = 0
        """Index in PAGE_SIZES."""
        self._pages_of_step = 0

    async def read(
        self,
        seen: int,
        ask: Callable[[int], Awaitable[ListPage[M]]],
        without: Callable[[], Awaitable[ListPage[M]]],
    ) -> ListPage[M]:
        """The page after so many members, in the largest size that the shop and we can bear there.

        `ask` reads one of a size that divides `seen`, `without` is what remains of one member that is too long. Raises
        ShopDown.
        """
        while True:
            step = next(at for at, size in enumerate(PAGE_SIZES) if at >= self._step and seen % size == 0)
            try:
                page = await ask(PAGE_SIZES[step])
            except ShopDown as error:
                last = step == len(PAGE_SIZES) - 1
                if not isinstance(error.__cause__, TOO_MUCH) or (last and not isinstance(error.__cause__, BodyTooLong)):
                    raise
                if last:
                    return await without()
                self._step, self._pages_of_step = step + 1, 0
                continue
            self._pages_of_step += 1
            if self._step and self._pages_of_step >= PAGES_UNTIL_LARGER:
                self._step, self._pages_of_step = self._step - 1, 0
            return page


def page_of_one_lost(key: str | None, seen: int, total: int, shop_time: float) -> ListPage[M]:
    """A page of the one member there that is too long to be read."""
    return ListPage(members=[(None, key)], total=total, next=next_position(seen, 1, total), shop_time=shop_time)


def position_of(after: str | None) -> int:
    """Decode a position: the number of members before it. Raises ShopRefused."""
    if after is None:
        return 0
    if not (after.isascii() and after.isdecimal() and len(after) <= len(str(MAX_LISTED))):
        raise ShopRefused("this list cannot be continued from there.")
    return int(after)


def next_position(seen: int, read: int, total: int) -> str | None:
    """The position after a page; None at the end.

    >>> next_position(100, 100, 250), next_position(200, 50, 250), next_position(100, 0, 250)
    ('200', None, None)
    """
    return str(seen + read) if read and seen + read < min(total, MAX_LISTED) else None


def entry_page(
    found: ListPage[M], key: Callable[[M], str], translate: Callable[[M], CatalogueEntry | None]
) -> EntryPage:
    """Whole products of a page; `translate` gives None for one that guests are not sold. Raises ShopMisconfigured."""
    entries: list[CatalogueEntry] = []
    lost_keys: list[str] = []
    unsold = 0
    for shape, lost in found.members:
        if shape is None:
            lost_keys += [] if lost is None else [lost]
            continue
        try:
            entry = translate(shape)
        except ShopDown as odd:
            if isinstance(odd, ShopMisconfigured):
                raise
            lost_keys.append(key(shape))
            continue
        if entry is None:
            unsold += 1
        else:
            entries.append(entry)
    return EntryPage(
        entries=tuple(entries),
        unreadable=tuple(lost_keys),
        unsold=unsold,
        total=found.total,
        next=found.next,
        shop_time=found.shop_time,
    )


def brief_page(
    found: ListPage[M], key: Callable[[M], str], summarize: Callable[[M], ProductSummary | None]
) -> BriefPage:
    """A page in short, without what cannot be read or is not sold. Raises ShopMisconfigured."""
    entries = []
    for shape, _lost in found.members:
        shown = None if shape is None else _or_none(summarize, shape)
        if shape is not None and shown is not None:
            entries.append(
                BriefEntry(
                    key=key(shape),
                    sku=shown.sku,
                    price=shown.price,
                    list_price=shown.list_price,
                    in_stock=shown.in_stock,
                )
            )
    return BriefPage(entries=tuple(entries), total=found.total, next=found.next)


def _or_none(translate: Callable[[M], T], shape: M) -> T | None:
    """What it gives; None when an amount in it is no money. Raises ShopMisconfigured."""
    try:
        return translate(shape)
    except ShopDown as odd:
        if isinstance(odd, ShopMisconfigured):
            raise
        return None


def single_entry(shape: M | None, key: str, translate: Callable[[M], CatalogueEntry | None]) -> CatalogueEntry | None:
    """A product that was read by its key, None of `shape` if it could not be; None for one that guests are not sold.

    Raises ShopRefused for one that cannot be read, and ShopMisconfigured.
    """
    try:
        if shape is not None:
            return translate(shape)
    except ShopMisconfigured:
        raise
    except ShopDown:
        pass  # an amount in it is no money
    raise unreadable_product(key)


def attribute_code(label: str) -> str:
    """A code for an attribute that its shop knows by a label only.

    >>> attribute_code("Colour & finish"), attribute_code("Größe"), attribute_code("!")
    ('colour_finish', 'größe', 'attribute')
    """
    return "_".join(NO_WORD.sub(" ", label.lower()).split()) or "attribute"


def unreadable_product(key: str) -> ShopRefused:
    """The refusal of a product that cannot be read."""
    return ShopRefused("this product cannot be read.", internal=f"product {key} cannot be read")


def answered_at(answer: UpstreamResponse, now: Callable[[], float]) -> float:
    """Unix seconds by the shop's clock; ours where it does not say."""
    try:
        return parsedate_to_datetime(answer.date).timestamp()
    except ValueError:
        return now()
