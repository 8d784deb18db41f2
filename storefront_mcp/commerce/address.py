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
