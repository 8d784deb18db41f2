"""What an operator can set: `storefront.toml`, `STOREFRONT_…`, and what the demo sets for itself."""

from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.problems import SettingsBroken
from storefront_mcp.settings.providers import outside_provider
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import FlagSettings, StoreSettings, Timeouts, Upstream

__all__ = [
    "FlagSettings",
    "Settings",
    "SettingsBroken",
    "StoreSettings",
    "Timeouts",
    "Upstream",
    "demo_settings",
    "outside_provider",
]
