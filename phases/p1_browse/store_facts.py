"""The store in a few lines."""

from collections.abc import Mapping

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.resource import resource


@resource("shop://store")
async def store_facts(variables: Mapping[str, str], shop: Shop) -> str:
    """Name, currency, language and pages of the store."""
    store = shop.store
    lines = [
        f"# {store.name}",
        *([store.tagline] if store.tagline else []),
        f"- Currency: {store.currency}; amounts are integers in its minor unit",
        f"- Language: {store.locale}",
        f"- Website: {store.website or store.url('/')}",
        *(f"- {page}: shop://page/{page}" for page in store.pages),
    ]
    return "\n".join(lines) + "\n"
