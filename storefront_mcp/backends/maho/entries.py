"""Maps whole products of Maho's lists to `CatalogueEntry`, with their dates in the shop's time zone."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.shapes import LinkedProductShape, ProductDetail
from storefront_mcp.backends.timestamps import utc_seconds
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.listing import CatalogueEntry, EntryAttribute
from storefront_mcp.commerce.product import Product

ENABLED: Final = "enabled"
UNLISTED_VISIBILITY: Final = "search"
UNSEARCHED_VISIBILITY: Final = "catalog"
MAX_LINKS: Final = 20
"""Related products kept of each kind."""


class EntryShape(ProductDetail, frozen=True, rename="camel", kw_only=True):
    """A whole product, as lists with `fullDetail` and reads by id have it."""

    status: str = ENABLED
    created_at: str | None = None
    updated_at: str | None = None
    special_from_date: str | None = None
    special_to_date: str | None = None


class ShopZone:
    """The time zone of a shop's dates; UTC while none is known that this machine knows."""

    def __init__(self) -> None:
        self.known = False
        self._zone: dt.tzinfo = dt.UTC

    def learn(self, name: str | None) -> None:
        """Take the IANA name that the shop gives."""
        self.known = True
        try:
            self._zone = ZoneInfo(name) if name else dt.UTC
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._zone = dt.UTC

    def midnight(self, date: str | None, *, after: bool = False) -> int | None:
        """Unix seconds at which a day begins there, or the next one does; None without a readable date."""
        try:
            day = dt.date.fromisoformat((date or "")[:10]) + dt.timedelta(days=1 if after else 0)
        except (ValueError, OverflowError):
            return None
        return int(dt.datetime.combine(day, dt.time(), self._zone).timestamp())


class EntryMapper:
    """Maps the products of one store view."""

    def __init__(self, prices: PriceMapper, known: KnownOrigins, zone: ShopZone) -> None:
        self._prices = prices
        self._known = known
        self._zone = zone

    def entry(self, found: EntryShape) -> CatalogueEntry:
        """A whole product. Raises ShopMisconfigured, and ShopDown for an amount that is no money."""
        product = replace(translation.product(found, self._prices, self._known), related=())
        borders = (
            self._zone.midnight(found.special_from_date),
            self._zone.midnight(found.special_to_date, after=True),
        )
        return CatalogueEntry(
            key=str(found.id),
            product=product,
            attributes=tuple(_attributes(found, product)),
            reviews=max(0, found.review_count or 0),
            created=utc_seconds(found.created_at),
            changed=utc_seconds(found.updated_at),
            listed=found.visibility != UNLISTED_VISIBILITY,
            searchable=found.visibility != UNSEARCHED_VISIBILITY,
            related=_skus(found.related_products),
            alternatives=_skus(found.upsell_products),
            accessories=_skus(found.crosssell_products),
            reprices=tuple(one for one in borders if one is not None),
        )


def _attributes(found: EntryShape, product: Product) -> Iterator[EntryAttribute]:
    """Those in which variants differ, then those that the shop front shows."""
    codes = set()
    for axis, shape in zip(product.axes, found.configurable_options, strict=True):
        codes.add(shape.code)
        yield EntryAttribute(code=sanitizing.code(shape.code), label=axis.label, values=axis.values, axis=True)
    for one in found.additional_attributes[: translation.MAX_ATTRIBUTES]:
        label = sanitizing.line(one.label, translation.MAX_LABEL_CHARS)
        if not one.code or not label or one.value is None or one.code in codes:
            continue
        codes.add(one.code)
        value = sanitizing.line(str(one.value), translation.MAX_ATTRIBUTE_CHARS)
        if value:
            yield EntryAttribute(code=sanitizing.code(one.code), label=label, values=(value,))


def _skus(links: Sequence[LinkedProductShape]) -> tuple[Sku, ...]:
    return tuple(Sku(sanitizing.code(one.sku)) for one in links[:MAX_LINKS] if one.sku)
