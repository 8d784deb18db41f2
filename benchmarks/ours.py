"""Our whole server over a shop that answers at once: `python -m benchmarks.ours PORT [SHOP_URL]`.

Everything is what `storefront-mcp serve` runs, database, flags and framework included; only the backend's answer is
fixed, unless a shop is named.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast
from unittest import mock

import uvicorn
from msgspec.structs import replace

from benchmarks.answer import FOUND
from storefront_mcp import app
from storefront_mcp.cli.serving import SERVER
from storefront_mcp.commerce.search import Found, Search
from storefront_mcp.database import Database, DatabaseFlags
from storefront_mcp.settings import Settings, demo_settings
from storefront_mcp.settings.shape import Upstream


class FixedShop:
    """A backend whose every search finds the same ten products."""

    async def search(self, search: Search) -> Found:  # noqa: ARG002 -- the port's form
        """The fixed answer."""
        return FOUND


async def _nothing() -> None:
    return None


def settings(port: int, state: Path, shop: str | None) -> Settings:
    state.mkdir(parents=True, exist_ok=True)
    chosen = demo_settings(port, state=state)
    if shop is None:
        return chosen
    upstream = Upstream(kind="maho", url=shop)
    return replace(chosen, stores=tuple(replace(store, upstream=upstream) for store in chosen.stores))


def open_the_first_phase(chosen: Settings) -> None:
    """Once per state folder; later starts find it open, as a shop's do."""
    if chosen.database.exists():
        return
    database = Database(chosen.database)
    flags = DatabaseFlags(database)
    for store in chosen.stores:
        planned = app.planned_roadmap(store)
        flags.flip(planned, store.id, {planned.phases[0].name: "active"}, by="benchmarks")
    flags.close()
    database.close()


def main(port: int, shop: str | None) -> None:
    chosen = settings(port, Path(os.environ["BENCH_STATE"]), shop)
    open_the_first_phase(chosen)
    fixed = (cast("Any", FixedShop()), _nothing, None)
    # The one seam that is not a setting: which backend a shop has.
    with mock.patch.object(app, "_backend", return_value=fixed) if shop is None else nullcontext():
        serving = app.create_app(chosen)
    uvicorn.run(serving, port=port, log_level="warning", **SERVER)


if __name__ == "__main__":
    main(int(sys.argv[1]), next(iter(sys.argv[2:]), None))
