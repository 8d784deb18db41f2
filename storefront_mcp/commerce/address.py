"""Where goods go."""

from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=200)]


class Address(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A place to ship to. For a quote the country is enough, with postcode and region where prices depend on them."""

    country: Annotated[str, Meta(min_length=2, max_length=2, description="ISO 3166-1 alpha-2, like AU")]
    postcode: Annotated[str, Meta(max_length=20)] = ""
    region: Annotated[str, Meta(max_length=100, description="State or province, name or code")] = ""
    city: Annotated[str, Meta(max_length=100)] = ""
    street: Annotated[str, Meta(max_length=300, description="Lines separated by newlines")] = ""


class PostalAddress(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """Where a parcel or a bill goes, in full: carriers and shops want every one of these."""

    first_name: Annotated[str, Meta(min_length=1, max_length=100)]
    last_name: Annotated[str, Meta(min_length=1, max_length=100)]
    company: Annotated[str, Meta(max_length=100)] = ""
    street: Annotated[str, Meta(min_length=1, max_length=300, description="Lines separated by newlines")]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    region: Annotated[str, Meta(max_length=100, description="State or province")] = ""
    postcode: Annotated[str, Meta(min_length=1, max_length=20)]
    country: Annotated[str, Meta(min_length=2, max_length=2, description="ISO 3166-1 alpha-2, like AU")]
    phone: Annotated[str, Meta(min_length=3, max_length=40)]

    def place(self) -> Address:
        """The same place without a person, as a quote wants it."""
        return Address(
            country=self.country, postcode=self.postcode, region=self.region, city=self.city, street=self.street
        )
