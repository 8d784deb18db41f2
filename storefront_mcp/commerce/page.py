"""A shop's pages: shipping, returns, privacy; and the facts of its configuration."""

from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.order import PaymentMethod


class StoreFacts(CatalogueValue, frozen=True, kw_only=True):
    """What a shop's configuration tells about orders."""

    countries: tuple[str, ...] = ()
    """ISO 3166-1 alpha-2, where it delivers; empty when it does not say."""
    payment_methods: tuple[PaymentMethod, ...] = ()
    """Offered for an empty cart."""
    guest_orders: bool = True


class ShopPage(CatalogueValue, frozen=True, kw_only=True):
    """A policy or information page."""

    identifier: str
    title: str
    html: str
    """Sanitised: no script, no style, no event attributes, no foreign frames."""
    markdown: str
