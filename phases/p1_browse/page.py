"""The shop's own pages: shipping, returns, privacy."""

from collections.abc import Mapping, Sequence

from storefront_mcp.commerce.errors import PageNotFound
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Store
from storefront_mcp.tools.resource import KnownAddress, resource


def _known_addresses(store: Store) -> Sequence[KnownAddress]:
    words = {page: page.replace("-", " ") for page in store.pages}
    return [
        KnownAddress(f"shop://page/{page}", page, said.capitalize(), f"What {store.name} says about {said}")
        for page, said in words.items()
    ]


async def _identifiers(typed: str, shop: Shop) -> Sequence[str]:
    return [page for page in shop.store.pages if page.startswith(typed.lower())]


@resource("shop://page/{identifier}", known=_known_addresses, complete={"identifier": _identifiers})
async def page(variables: Mapping[str, str], shop: Shop) -> str:
    """A policy or information page of the shop, in its own words."""
    identifier = variables["identifier"]
    if identifier not in shop.store.pages:
        raise PageNotFound(identifier)
    found = await shop.backend.page(identifier)
    return f"# {found.title}\n\n{found.markdown}\n"
