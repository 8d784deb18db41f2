"""Settings of what is remembered of shops' catalogues."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret

Megabytes = Annotated[int, Meta(ge=1, le=65_536, description="a whole number of megabytes, from 1 to 65536")]
Age = Annotated[int, Meta(ge=0, le=3_600, description="a whole number of seconds, from 0 to 3600 (an hour)")]
LongAge = Annotated[int, Meta(ge=0, le=86_400, description="a whole number of seconds, from 0 to 86400 (a day)")]


class CatalogueSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[catalogue]`: the cache of one worker."""

    memory_mb: Megabytes = 32
    """Of all stores together, which get equal parts."""


class StoreCatalogueSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.catalogue]`: how old what agents see may be, in seconds; 0 asks the shop each time."""

    search: Age = 30
    product: Age = 30
    browse: Age = 300
    """Categories and the facts of the shop."""
    page: Age = 600
    outage: LongAge = 3_600
    """Age of what searches and products may show while the shop does not answer."""
    webhook_secret: Annotated[Secret, Meta(description="what `openssl rand -base64 32` prints")] | None = None
    """Of webhooks that tell what has changed; without one none is heard."""
