"""How a command ends when it cannot do what it was asked: one clear message, exit code 2, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from storefront_mcp.app.observing import MetricsUnserved
from storefront_mcp.database import DatabaseUnusable
from storefront_mcp.limits import ClientMissing
from storefront_mcp.roadmap.loading import PhaseBroken
from storefront_mcp.roadmap.manifest import ManifestBroken
from storefront_mcp.roadmap.roadmap import FlipRefused
from storefront_mcp.settings import SettingsBroken
from storefront_mcp.telemetry.wanted import ExtraMissing


class Stopped(click.ClickException):
    """The command cannot go on; the message says why and what to do."""

    exit_code = 2


@contextmanager
def told() -> Iterator[None]:
    """Turn what an operator can put right into a message."""
    try:
        yield
    except FlipRefused as refused:
        raise Stopped("\n".join(["Nothing was changed:", *(f"  {line}" for line in refused.complaints)])) from None
    except (
        SettingsBroken,
        DatabaseUnusable,
        ManifestBroken,
        PhaseBroken,
        ClientMissing,
        ExtraMissing,
        MetricsUnserved,
    ) as broken:
        raise Stopped(str(broken)) from None
