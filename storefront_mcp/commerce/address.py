"""Addresses: for a shipping quote, and in full for an order."""

from typing import Annotated, Final

from msgspec import Meta, Struct

Ignored = Annotated[str, Meta(max_length=300, extra_json_schema={"unlisted": True})]
"""A member that is taken and not used, so it is not in the published schema."""
NO_POSTCODE_COUNTRIES: Final = frozenset(
    "AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CM DJ DM ER FJ GA GD GH GM GQ GY HK JM KI KM KN KP LC ML MO MR MW NR "
    "QA RW SB SC SL SR ST SY TD TG TK TL TO TT TV UG VU YE ZW".split()
)
"""Countries whose addresses have no postcode (Universal Postal Union)."""


class Address(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A place to ship to, or an order's whole address.

    For a quote the country is enough, with postcode and region where prices depend on them.
    """

    country: Annotated[str, Meta(min_length=2, max_length=2, description="ISO 3166 alpha-2: AU")]
    postcode: Annotated[str, Meta(max_length=20)] = ""
    region: Annotated[str, Meta(max_length=100, description="State or province, name or code")] = ""
    city: Annotated[str, Meta(max_length=100)] = ""
    street: Annotated[str, Meta(max_length=300, description="Lines separated by newlines")] = ""
    first_name: Ignored = ""
    last_name: Ignored = ""
    company: Ignored = ""
    phone: Ignored = ""


class PostalAddress(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A full shipping or billing address."""

    first_name: Annotated[str, Meta(min_length=1, max_length=100)]
    last_name: Annotated[str, Meta(min_length=1, max_length=100)]
    company: Annotated[str, Meta(max_length=100)] = ""
    street: Annotated[str, Meta(min_length=1, max_length=300, description="Lines separated by newlines")]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    region: Annotated[str, Meta(max_length=100, description="State or province")] = ""
    postcode: Annotated[str, Meta(min_length=1, max_length=20)]
    country: Annotated[str, Meta(min_length=2, max_length=2, description="ISO 3166 alpha-2: AU")]
    phone: Annotated[str, Meta(min_length=3, max_length=40)]

    def place(self) -> Address:
        """The address for a shipping quote, without the person."""
        return Address(
            country=self.country, postcode=self.postcode, region=self.region, city=self.city, street=self.street
        )
