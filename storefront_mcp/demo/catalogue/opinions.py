"""What the shop and its customers say of products: links to others, and approved reviews."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct

MAX_LINKS: Final = 3
MAX_CROSS_SELLS: Final = 2


class DemoLinks(Struct, frozen=True):
    """What a product's page leads to."""

    related: Sequence[DemoProduct] = ()
    up_sells: Sequence[DemoProduct] = ()
    cross_sells: Sequence[DemoProduct] = ()


class DemoReview(Struct, frozen=True, kw_only=True):
    """An approved review."""

    title: str
    detail: str
    nickname: str
    rating: int
    """From 1 to 5."""


REVIEWS: Final[Mapping[str, Sequence[DemoReview]]] = {
    "PAD-2": (
        DemoReview(title="Crisp", detail="Sounds like a good dill.", nickname="Ada", rating=5),
        DemoReview(title="Light", detail="Fast hands at the net.", nickname="Grace", rating=4),
        DemoReview(title="Grip wears", detail="New tape after a season.", nickname="Edsger", rating=4),
    ),
    "JAR-DILL": (DemoReview(title="Proper dill", detail="Gone in a day.", nickname="Barbara", rating=5),),
}
"""By SKU."""


def linked_products(catalogue: DemoCatalogue, product: DemoProduct) -> DemoLinks:
    """The next ones on its shelf, sold out or not; the dearer ones, cheapest first; small things of its department.

    A variant has none: only what is listed is linked.
    """
    if product.parent is not None:
        return DemoLinks()
    listed = [one for one in catalogue.products.values() if one.parent is None and not one.disabled]
    shelf = [one for one in listed if one.categories[:1] == product.categories[:1]]
    beside = (one for one in listed if one.categories[:1] != product.categories[:1] and one.price < product.price)
    at = next((number for number, one in enumerate(shelf) if one.id == product.id), 0)
    others = [*shelf[at + 1 :], *shelf[:at]]
    dearer = sorted((one for one in others if one.price > product.price), key=lambda one: one.price)
    departments = _departments(catalogue, product)
    small = sorted(
        (one for one in beside if departments & _departments(catalogue, one)), key=lambda one: (one.price, one.id)
    )
    return DemoLinks(others[:MAX_LINKS], dearer[:1], small[:MAX_CROSS_SELLS])


def _departments(catalogue: DemoCatalogue, product: DemoProduct) -> set[str]:
    """Ids of the first visible categories above it."""
    return {catalogue.categories[leaf].path.split("/")[2] for leaf in product.categories}
