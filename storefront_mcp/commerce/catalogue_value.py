"""`CatalogueValue`: the type of what a shop tells everybody alike, and what is made of it again and again."""

from typing import Annotated, Any, Final, TypeVar

from msgspec import Meta, Struct

R = TypeVar("R")
LAST_DERIVED: Final = "_last_derived"
"""Name of the attribute that holds what was derived last, with its key: one thing, so that nobody can make it grow."""


class ReusableValue(Struct, frozen=True, dict=True):
    """Base of values that are cached and used many times, each with what was derived from it last.

    That is no part of the value: it is neither compared, nor encoded, nor copied by `replace`.
    """

    def recall(self, key: object) -> Any:  # noqa: ANN401 -- whatever was kept
        """What was derived from nothing but this value and `key`, if that was the last; else None."""
        kept = self.__dict__.get(LAST_DERIVED)
        return kept[1] if kept is not None and kept[0] == key else None

    def keep(self, key: object, derived: R) -> R:
        """Keep what was derived from nothing but this value and `key`, in place of what was kept."""
        self.__dict__[LAST_DERIVED] = (key, derived)
        return derived


class CatalogueValue(ReusableValue, frozen=True, omit_defaults=True, kw_only=True):
    """Base of what a shop tells everybody alike. Only values of this type are cached: none may be of a buyer."""

    as_of: Annotated[str | None, Meta(description="UTC, when the shop said so; absent: just now")] = None
    stale: Annotated[bool, Meta(description="The shop does not answer now: this may have changed")] = False
