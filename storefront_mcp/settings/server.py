"""The settings of one server: file and environment put together, checked as a whole."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from msgspec import Struct, field
from msgspec.structs import replace

from storefront_mcp.settings.checks import flag_problems, tidied, worker_problems
from storefront_mcp.settings.environment import overlaid
from storefront_mcp.settings.keeping import Database, Location, PersonalSettings, keeping_problems
from storefront_mcp.settings.limiting import (
    LOOPBACK,
    AuditSettings,
    ForwardedBy,
    Network,
    SharedStore,
    limit_problems,
)
from storefront_mcp.settings.observing import LogSettings, MetricsSettings
from storefront_mcp.settings.problems import Problem, SettingsBroken
from storefront_mcp.settings.reading import read
from storefront_mcp.settings.secrets import in_place, resolved
from storefront_mcp.settings.shape import FlagSettings, Hidden, Port, StoreSettings, Text, Workers

DATABASE: Final = Location("storefront.db")


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One server: what all its shops share, and the shops."""

    stores: tuple[StoreSettings, ...] = field(name="store")
    database: Database = DATABASE
    """A path, absolute once loaded and in the file relative to the file; or a server's URL, with the password in it."""
    database_password: Hidden | None = None
    """Of a server's URL that has none; never in the file itself."""
    personal_data: PersonalSettings = PersonalSettings()
    host: Text = "127.0.0.1"
    port: Port = 8000
    workers: Workers = 1
    flags: FlagSettings = FlagSettings()
    limits_store: SharedStore | None = None
    """Where workers count together; without it each counts for itself."""
    trusted_proxies: tuple[Network, ...] = LOOPBACK
    """Whose word on client addresses counts."""
    forwarded_by: ForwardedBy = "x-forwarded-for"
    audit: AuditSettings = AuditSettings()
    metrics: MetricsSettings = MetricsSettings()
    logs: LogSettings = LogSettings()

    @classmethod
    def load(cls, path: Path, env: Mapping[str, str]) -> Self:
        """Read a `storefront.toml` under the variables of `env`. Raises SettingsBroken with every problem at once."""
        problems: list[Problem] = []
        table = overlaid(_table(path), env, problems)
        flags = table.get("flags")
        if isinstance(flags, dict) and isinstance(flags.get("options"), dict):
            flags["options"] = resolved(flags["options"], "flags.options.", path.parent, problems)
        in_place(cls, table, path.parent, problems)
        settings = read(cls, table, "", problems)
        if settings is None:
            raise SettingsBroken(str(path), problems)
        stores = tidied(settings.stores, problems)
        problems += flag_problems(settings.flags, len(stores))
        problems += worker_problems(stores, settings.workers)
        problems += limit_problems(table, settings.trusted_proxies)
        problems += keeping_problems(table, settings.database, settings.database_password, settings.personal_data)
        if problems:
            raise SettingsBroken(str(path), problems)
        database = settings.database.at(path.resolve().parent, settings.database_password)
        return replace(settings, stores=stores, database=database)


def _table(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = Problem("", f"{error.strerror}. To write one: storefront-mcp init")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = Problem("", f"it is not TOML: {error}")
    raise SettingsBroken(str(path), [problem])
