"""`Settings`: the settings of one server, loaded from file and environment and validated as a whole."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from msgspec import Struct, field
from msgspec.structs import replace

from storefront_mcp.settings.alerts import AlertSettings, alert_problems
from storefront_mcp.settings.catalogue import CatalogueSettings
from storefront_mcp.settings.decoding import decode_table
from storefront_mcp.settings.environment import apply_environment
from storefront_mcp.settings.limits import (
    LOOPBACK_NETWORKS,
    AuditSettings,
    ForwardedBy,
    GuestSettings,
    Network,
    SharedStore,
    limit_problems,
)
from storefront_mcp.settings.mail import SmtpSettings, smtp_problems
from storefront_mcp.settings.problems import SettingProblem, SettingsInvalid
from storefront_mcp.settings.program import command_line
from storefront_mcp.settings.schema import FlagSettings, Hidden, Port, Seconds, Share, StoreSettings, Text, Workers
from storefront_mcp.settings.secrets import load_secrets
from storefront_mcp.settings.sign_in import MAILED_CODE_KINDS, mailed_code_problems, sign_in_problems
from storefront_mcp.settings.storage import DatabaseLocation, DatabaseSetting, PrivacySettings, storage_problems
from storefront_mcp.settings.telemetry import LogSettings, MetricsSettings
from storefront_mcp.settings.validation import flag_problems, metrics_problems, normalised, worker_problems

DEFAULT_DATABASE: Final = DatabaseLocation("storefront.db")


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one server and its stores."""

    stores: tuple[StoreSettings, ...] = field(name="store")
    database: DatabaseSetting = DEFAULT_DATABASE
    """A path, absolute once loaded and in the file relative to it; or a URL, with its password once loaded."""
    database_password: Hidden | None = None
    """Password for a URL that has none."""
    personal_data: PrivacySettings = PrivacySettings()
    host: Text = "127.0.0.1"
    port: Port = 8000
    workers: Workers = 1
    write_timeout: Seconds = 30.0
    """Seconds after which a client that reads nothing of its response is disconnected."""
    shop_share: Share = 0.5
    """Largest part of a worker's time that the answers of one store's shop may take, where there are several stores."""
    flags: FlagSettings = FlagSettings()
    limits_store: SharedStore | None = None
    """Redis or Valkey that workers share rate limits in; without it each counts on its own."""
    trusted_proxies: tuple[Network, ...] = LOOPBACK_NETWORKS
    """Proxies whose forwarding headers are trusted."""
    forwarded_by: ForwardedBy = "x-forwarded-for"
    catalogue: CatalogueSettings = CatalogueSettings()
    audit: AuditSettings = AuditSettings()
    guests: GuestSettings = GuestSettings()
    metrics: MetricsSettings = MetricsSettings()
    logs: LogSettings = LogSettings()
    smtp: SmtpSettings = SmtpSettings()
    alerts: AlertSettings = AlertSettings()

    @classmethod
    def load(cls, path: Path, env: Mapping[str, str]) -> Self:
        """Load a `storefront.toml` under the variables of `env`. Raises SettingsInvalid with every problem."""
        problems: list[SettingProblem] = []
        table = apply_environment(_table(path), env, problems)
        load_secrets(cls, table, path.parent, problems)
        settings = decode_table(cls, table, "", problems)
        if settings is None:
            raise SettingsInvalid(str(path), problems)
        home = path.resolve().parent
        stores = tuple(
            replace(store, mirror=store.mirror.at(home, problems)) for store in normalised(settings.stores, problems)
        )
        for index, store in enumerate(stores):
            where = f"store[{index}].sign_in."
            kind, has_key = store.upstream.kind, bool(settings.personal_data.key)
            problems += sign_in_problems(
                store.sign_in, where, kind=kind, origin=store.origin, issuer=store.issuer, has_key=has_key
            )
            if store.sign_in.on and kind in MAILED_CODE_KINDS:
                has_merchant_key, sends_mail = store.upstream.consumer_key is not None, settings.smtp.host is not None
                problems += mailed_code_problems(f"{where}on", has_merchant_key=has_merchant_key, sends_mail=sends_mail)
        problems += flag_problems(settings.flags, len(stores))
        problems += smtp_problems(settings.smtp)
        problems += alert_problems(settings.alerts, settings.smtp)
        problems += worker_problems(stores, settings.workers)
        problems += metrics_problems(settings.metrics, settings.host, settings.port)
        problems += limit_problems(table, settings.trusted_proxies)
        problems += storage_problems(table, settings.database, settings.database_password, settings.personal_data)
        if problems:
            raise SettingsInvalid(str(path), problems)
        database = settings.database.at(home, settings.database_password)
        state = None if database.server else Path(database).parent
        catalogue = settings.catalogue.at(home, state=state)
        return replace(settings, stores=stores, database=database, catalogue=catalogue)


def _table(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = SettingProblem("", f"{error.strerror}. To write one: {command_line('init')}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problem = SettingProblem("", f"it is not TOML: {error}")
    raise SettingsInvalid(str(path), [problem])
