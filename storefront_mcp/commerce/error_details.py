"""What an error brings besides its text: values to choose from."""

from typing import Final

from msgspec import Struct

from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.product import CustomOption, Variant
from storefront_mcp.commerce.shipping import ShippingMethod

UNKNOWN_COUPON: Final = "is none of this shop's: check its spelling with the buyer"
"""Why a coupon was refused that no cart can have."""


class LostCartDetail(Struct, frozen=True):
    """What was in a cart that is gone."""

    lost_lines: tuple[LostLine, ...]


class VariantChoices(Struct, frozen=True, omit_defaults=True):
    """What there is to choose from."""

    variants: tuple[Variant, ...] = ()
    custom_options: tuple[CustomOption, ...] = ()


class ServedCountries(Struct, frozen=True):
    """Countries a shop delivers to."""

    countries: tuple[str, ...]


class ShippingOffers(Struct, frozen=True):
    """Ways to send a cart there."""

    methods: tuple[ShippingMethod, ...]
