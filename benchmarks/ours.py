"""Our whole server over a shop that answers at once: `python -m benchmarks.ours KIND PORT [SHOP_URL]`.

Everything is what `storefront-mcp serve` runs, with database, flags, limits, audit and framework; only the backend's
answer is fixed, unless a shop is named, and the limits are so wide that each is counted and none is reached. The load
is taken for a client, not for a proxy: those that tell of nobody are not counted.

A kind is `plain`; `console`, which also counts for the operator's console, as a server does unless told otherwise;
`metrics`, which counts for Prometheus instead; or `remembered`. With all but the last nothing of the shop's answers is
remembered, so that each call asks; with that, the first call asks, and the others are answered from the memory.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

import uvicorn
from msgspec.structs import replace

from benchmarks.answer import FOUND
from storefront_mcp import app
from storefront_mcp.app import assembly
from storefront_mcp.app.gc_tuning import freeze_gc
from storefront_mcp.cli.serve import UVICORN_OPTIONS
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.settings import Settings, demo_settings
from storefront_mcp.settings.catalogue import StoreCatalogueSettings
from storefront_mcp.settings.console import ConsoleSettings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.schema import StoreSettings, UpstreamSettings
from storefront_mcp.settings.telemetry import MetricsSettings

WIDE: Final = "100000000/s burst 100000000"


class FixedShop:
    """A backend whose every search finds the same ten products."""

    async def search(self, search: SearchQuery) -> SearchPage:  # noqa: ARG002 -- the port's form
        """The fixed answer."""
        return FOUND


def answer_at_once() -> None:
    """Put the fixed shop in front of the embedded one, at the one seam that is not a setting."""
    embedded = assembly.backend_of

    def fixed(chosen: StoreSettings, instrumentation: Instrumentation | None = None) -> Any:  # noqa: ANN401 -- the seam's own three
        _, *rest = embedded(chosen, instrumentation)
        return FixedShop(), *rest

    assembly.backend_of = fixed  # type: ignore[assignment]  # a shop that only searches


def settings(port: int, state: Path, shop: str | None, *, console: bool, remembers: bool) -> Settings:
    state.mkdir(parents=True, exist_ok=True)
    chosen = demo_settings(port, state=state)
    wide = LimitSettings(**dict.fromkeys(LimitSettings.__struct_fields__, WIDE))
    stores = [replace(store, limits=wide, console=ConsoleSettings(on=console)) for store in chosen.stores]
    # The longest life there is outlasts a round: a refresh behind would be measured, too.
    age = 3_600 if remembers else 0
    catalogue = StoreCatalogueSettings(search=age, product=age, browse=age, page=age)
    stores = [replace(store, catalogue=catalogue) for store in stores]
    if shop is not None:
        upstream = UpstreamSettings(kind="maho", url=shop)
        stores = [replace(store, upstream=upstream) for store in stores]
    return replace(chosen, stores=tuple(stores), trusted_proxies=())


def open_the_first_phase(chosen: Settings) -> None:
    """Once per state folder; later starts find it open, as a shop's do."""
    if Path(chosen.database).exists():
        return
    database = Database(chosen.database)
    flags = SqlFlipRepository(database)
    for store in chosen.stores:
        planned = app.planned_roadmap(store)
        flags.flip(planned, store.id, {planned.phases[0].name: "active"}, by="benchmarks")
    flags.close()
    database.close()


def main(counting: str, port: int, shop: str | None) -> None:
    state = Path(os.environ["BENCH_STATE"]) / counting
    chosen = settings(port, state, shop, console=counting == "console", remembers=counting == "remembered")
    chosen = replace(chosen, metrics=MetricsSettings(on=counting == "metrics"))
    open_the_first_phase(chosen)
    if shop is None:
        answer_at_once()
    serving = app.create_app(chosen)
    freeze_gc()
    uvicorn.run(serving, port=port, log_level="warning", **UVICORN_OPTIONS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), next(iter(sys.argv[3:]), None))
