"""How old what a shop said may be when it is said again."""

from typing import Final

from msgspec import Struct

TIME_SPREAD: Final = 0.1
"""Share by which a life is lengthened or shortened at random, so that what was read together is not asked together."""
EARLY_FACTOR: Final = 10.0
"""How many times its cost before the end of its fresh life an entry may be refreshed early."""


class FreshnessRule(Struct, frozen=True, kw_only=True):
    """Ages in seconds, counted from when the shop was asked."""

    fresh: float
    """Until then it is said again; 0 caches nothing."""
    refreshing: float = 0.0
    """Until then it is said again while the shop is asked behind (RFC 5861, stale-while-revalidate)."""
    outage: float = 0.0
    """Until then it is said again where the shop does not answer, marked (RFC 5861, stale-if-error)."""
    missing: float = 60.0
    """How long there is not what was not found."""
    missing_listed: float = 10.0
    """The same for a SKU that a search has listed: it was there a moment ago."""

    @property
    def longest(self) -> float:
        """The age at which an entry is of no use."""
        return max(self.fresh, self.refreshing, self.outage)


class CatalogueFreshness(Struct, frozen=True, kw_only=True):
    """The rules of one store, by what is read."""

    search: FreshnessRule = FreshnessRule(fresh=30, refreshing=300, outage=3_600)
    product: FreshnessRule = FreshnessRule(fresh=30, outage=3_600)
    """Not while refreshing: its price is a promise."""
    browse: FreshnessRule = FreshnessRule(fresh=300, refreshing=3_600, outage=86_400)
    """Categories, and the facts of the shop."""
    page: FreshnessRule = FreshnessRule(fresh=600, refreshing=3_600, outage=86_400)
    """The shop's own pages."""


NO_CACHING: Final = CatalogueFreshness(
    search=FreshnessRule(fresh=0),
    product=FreshnessRule(fresh=0),
    browse=FreshnessRule(fresh=0),
    page=FreshnessRule(fresh=0),
)
"""Every read asks the shop."""
