"""What the shop and its customers say of products: links to others, and approved reviews."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct

MAX_LINKS: Final = 3


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


def linked_products(
    catalogue: DemoCatalogue, product: DemoProduct
) -> tuple[Sequence[DemoProduct], Sequence[DemoProduct]]:
    """Related products and up-sells: the next ones on its shelf, sold out or not, and the dearer ones, cheapest first.

    A variant has none: only what is listed is linked.
    """
    if product.parent is not None:
        return (), ()
    shelf = [
        one
        for one in catalogue.products.values()
        if one.parent is None and not one.disabled and one.categories[:1] == product.categories[:1]
    ]
    at = next((number for number, one in enumerate(shelf) if one.id == product.id), 0)
    others = [*shelf[at + 1 :], *shelf[:at]]
    dearer = sorted((one for one in others if one.price > product.price), key=lambda one: one.price)
    return others[:MAX_LINKS], dearer[:1]
