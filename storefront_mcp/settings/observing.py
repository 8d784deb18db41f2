"""The settings of what operators see from outside: numbers and logs."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from storefront_mcp.settings.shape import Port, Switch, Text

LogFormat = Annotated[Literal["auto", "json", "pretty"], Meta(description='"auto", "json" or "pretty"')]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], Meta(description='"debug", "info", "warning" or "error"')
]


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Numbers for Prometheus."""

    on: Switch = False
    host: Text | None = None
    """Where they are told to whoever asks; None for `/metrics` of each store, which takes a key."""
    port: Port = 9464


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the process writes to standard error."""

    format: LogFormat = "auto"
    """auto: pretty on a terminal, JSON elsewhere."""
    level: LogLevel = "info"
