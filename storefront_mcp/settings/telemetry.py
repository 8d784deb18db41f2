"""Settings of metrics and logs."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from storefront_mcp.settings.schema import Port, Switch, Text

LogFormat = Annotated[Literal["auto", "json", "pretty"], Meta(description='"auto", "json" or "pretty"')]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], Meta(description='"debug", "info", "warning" or "error"')
]


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[metrics]`: Prometheus."""

    on: Switch = False
    host: Text | None = None
    """Address of an exporter without authentication; None for `/metrics` of each store, which needs an API key."""
    port: Port = 9464


class LogSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[logs]`: what is written to standard error."""

    format: LogFormat = "auto"
    """auto: pretty on a terminal, JSON elsewhere."""
    level: LogLevel = "info"
    requests: Switch = False
    """Access log: one line per request, without query and secret path segments."""
