"""Composition root: builds the application from settings, and alone knows all phases, cards, backends and providers.

Each module wires the package it is named for; `assembly` puts them together, one `StoreAssembly` per store.
"""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from litestar.plugins import PluginProtocol
from litestar.types import OnAppInitHandler

from storefront_mcp.app.assembly import PATHS, VERSION, ServerAssembly, StoreAssembly, server_identity
from storefront_mcp.app.gc_tuning import freeze_gc
from storefront_mcp.app.observability import configure_logging
from storefront_mcp.app.phases import all_phases, planned_roadmap
from storefront_mcp.database.engine import utc_now
from storefront_mcp.settings.environment import CONFIG
from storefront_mcp.settings.server import Settings
from storefront_mcp.web.host_router import StorefrontApp

__all__ = [
    "CONFIG",
    "PATHS",
    "VERSION",
    "StoreAssembly",
    "all_phases",
    "create",
    "create_app",
    "planned_roadmap",
    "server_identity",
]


def create() -> StorefrontApp:
    """App factory of a worker process: logging, the app of the settings at `STOREFRONT_CONFIG`, GC tuning.

    Works with the framework's own command: `litestar --app storefront_mcp.app:create routes`. Raises as `create_app`.
    """
    settings = Settings.load(Path(os.environ[CONFIG]), os.environ)
    configure_logging(settings.logs)
    app = create_app(settings)
    freeze_gc()
    return app


def create_app(
    settings: Settings,
    *,
    now: Callable[[], dt.datetime] = utc_now,
    plugins: Sequence[PluginProtocol] = (),
    on_app_init: Sequence[OnAppInitHandler] = (),
) -> StorefrontApp:
    """The server as one Litestar application; `plugins` and `on_app_init` are an embedder's own.

    `app.state.assemblies` holds the `StoreAssembly` of each store. Raises: DatabaseUnusable, ManifestError,
    PhaseLoadError, RedisClientMissing, MirrorEngineMissing, OtelUnavailable, SettingsInvalid.
    """
    assembly = ServerAssembly(settings, now=now)
    app = assembly.application(plugins=plugins, on_app_init=on_app_init)
    app.state.assemblies = assembly.stores
    return app
