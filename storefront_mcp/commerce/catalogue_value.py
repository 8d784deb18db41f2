"""`CatalogueValue`: the type of what a shop tells everybody alike."""

from typing import Annotated

from msgspec import Meta, Struct


class CatalogueValue(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of what a shop tells everybody alike. Only values of this type are cached: none may be of a buyer."""

    as_of: Annotated[str | None, Meta(description="UTC, when the shop said so; absent: just now")] = None
    stale: Annotated[bool, Meta(description="The shop does not answer now: this may have changed")] = False
