"""`CatalogueValue`: the type of what a shop tells everybody alike, and what is made of it again and again."""

from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from msgspec import Meta, Struct

R = TypeVar("R")
DERIVED: Final = "_derived"
"""Name of the attribute that holds what was derived last, and its key."""


class ReusableValue(Struct, frozen=True, dict=True):
    """Base of values that are cached and used many times, each with what was derived from it last.

    That is no part of the value: it is neither compared, nor encoded, nor copied by `replace`.
    """

    def derived(self, key: object, derive: Callable[[], R]) -> R:
        """What `derive()` makes of nothing but this value and `key`, or made when it was asked with that key last."""
        kept: tuple[object, R] | None = self.__dict__.get(DERIVED)
        if kept is not None and kept[0] == key:
            return kept[1]
        made = derive()
        self.__dict__[DERIVED] = (key, made)
        return made


class CatalogueValue(ReusableValue, frozen=True, omit_defaults=True, kw_only=True):
    """Base of what a shop tells everybody alike. Only values of this type are cached: none may be of a buyer."""

    as_of: Annotated[str | None, Meta(description="UTC, when the shop said so; absent: just now")] = None
    stale: Annotated[bool, Meta(description="The shop does not answer now: this may have changed")] = False
