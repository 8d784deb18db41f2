"""Command errors: one message, exit code 2, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.app.mirror_engine import MirrorEngineMissing
from storefront_mcp.app.observability import MetricsPortUnavailable
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import DatabaseUnusable
from storefront_mcp.limits import RedisClientMissing
from storefront_mcp.roadmap.loading import PhaseLoadError
from storefront_mcp.roadmap.manifest import ManifestError
from storefront_mcp.roadmap.roadmap import FlipRefused
from storefront_mcp.roadmap.terms import TermsRefused
from storefront_mcp.settings import SettingsInvalid
from storefront_mcp.telemetry.otel_env import OtelUnavailable


class CommandFailed(click.ClickException):
    """A command failed; the message says why and what to do."""

    exit_code = 2


@contextmanager
def friendly_errors() -> Iterator[None]:
    """Convert errors that an operator can fix to CommandFailed."""
    try:
        yield
    except FlipRefused as refused:
        raise CommandFailed(
            "\n".join(["Nothing was changed:", *(f"  {line}" for line in refused.complaints)])
        ) from None
    except (
        SettingsInvalid,
        DatabaseUnusable,
        ManifestError,
        PhaseLoadError,
        RedisClientMissing,
        OtelUnavailable,
        MetricsPortUnavailable,
        MirrorEngineMissing,
        TermsRefused,
    ) as broken:
        raise CommandFailed(str(broken)) from None
    except (SQLAlchemyError, ShopBusy) as failed:
        # The database adds what it is and what to do.
        notes = getattr(failed, "__notes__", ())
        raise CommandFailed(notes[0] if notes else f"The database: {failed}") from None
