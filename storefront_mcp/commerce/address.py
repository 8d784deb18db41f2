"""Addresses: for a shipping quote, and in full for an order.

Text limits are those of the strictest shop. What an address needs besides a street, a city and a country depends on
the country and on the shop, whose adapter says what is missing.
"""

from typing import Annotated

from msgspec import Meta, Struct

Country = Annotated[str, Meta(min_length=2, max_length=60, description="ISO 3166 alpha-2: AU")]
"""A name or another code is understood, too."""
Ignored = Annotated[str, Meta(max_length=300, extra_json_schema={"unlisted": True})]
"""A member that is taken and not used, so it is not in the published schema."""


class Address(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A place to ship to, or an order's whole address.

    For a quote the country is enough, with postcode and region where prices depend on them.
    """

    country: Country
    postcode: Annotated[str, Meta(max_length=20)] = ""
    region: Annotated[str, Meta(max_length=255, description="State or province, name or code")] = ""
    city: Annotated[str, Meta(max_length=255)] = ""
    street: Annotated[str, Meta(max_length=255, description="Lines, by newlines")] = ""
    first_name: Ignored = ""
    last_name: Ignored = ""
    company: Ignored = ""
    phone: Ignored = ""


class PostalAddress(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A full shipping or billing address."""

    first_name: Annotated[str, Meta(min_length=1, max_length=255)]
    last_name: Annotated[str, Meta(max_length=255)] = ""
    """Empty for who has one name."""
    company: Annotated[str, Meta(max_length=255)] = ""
    street: Annotated[str, Meta(min_length=1, max_length=255, description="Lines, by newlines")]
    city: Annotated[str, Meta(min_length=1, max_length=255)]
    region: Annotated[str, Meta(max_length=255, description="State or province")] = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    """Empty where the country has none."""
    country: Country
    phone: Annotated[str, Meta(max_length=50, description="Most shops need it")] = ""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    def place(self) -> Address:
        """The address for a shipping quote, without the person."""
        return Address(
            country=self.country, postcode=self.postcode, region=self.region, city=self.city, street=self.street
        )
