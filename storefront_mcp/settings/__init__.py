"""The settings of a server: `storefront.toml` under variables `STOREFRONT_…`, read by `Settings.load`.

In this order: `environment` puts the variables over the file's tables; `secrets` replaces `NAME_file` by the text of
that file, and refuses secrets in the file's own text; `decoding` makes structs of the tables, whose types and
descriptions are in `schema`, `console`, `limits`, `storage` and `telemetry`; `validation` checks across fields.
Every step appends to one list of `problems`, so that one run reports all of them in one `SettingsInvalid`.

A new setting is a field with a description in one of those modules, a line in `docs/operators.md`, and one in the file
that `init` writes; tests compare the three.
"""

from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.flag_provider import external_flag_provider
from storefront_mcp.settings.problems import SettingsInvalid
from storefront_mcp.settings.schema import FlagSettings, StoreSettings, UpstreamSettings, UpstreamTimeouts
from storefront_mcp.settings.server import Settings

__all__ = [
    "FlagSettings",
    "Settings",
    "SettingsInvalid",
    "StoreSettings",
    "UpstreamSettings",
    "UpstreamTimeouts",
    "demo_settings",
    "external_flag_provider",
]
