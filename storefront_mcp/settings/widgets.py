"""Settings of the widgets that chat hosts show."""

from typing import Annotated

from msgspec import Meta, Struct


class WidgetSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.widgets]`: views of results, for chat hosts that declare MCP Apps; no other client sees them."""

    on: Annotated[bool, Meta(description="true or false")] = True
