"""A page of the shop's own words: shipping, returns, privacy."""

from msgspec import Struct


class Page(Struct, frozen=True, kw_only=True):
    """A policy or information page, cleaned of everything active."""

    identifier: str
    title: str
    html: str
    """Sanitised: no script, no style, no event attributes, no foreign frames."""
    markdown: str
