"""Our whole server over a shop that answers at once: `python -m benchmarks.ours KIND PORT [SHOP_URL]`.

Everything is what `storefront-mcp serve` runs, with database, flags, limits, audit and framework; only the backend's
answer is fixed, unless a shop is named, and the limits are so wide that each is counted and none is reached. The load
is taken for a client, not for a proxy: those that tell of nobody are not counted.

A kind is `plain`; `console`, which also counts for the operator's console, as a server does unless told otherwise;
`metrics`, which counts for Prometheus instead; `sign-in`, whose customers can sign in, and which has the token of this
run on record as one's; `remembered`; or `mirrored`. With all but the last two nothing of the shop's answers is
remembered, so that each call asks; with `remembered` the first call asks, and the others are answered from the memory;
with `mirrored` the first is answered from a mirror of 20,000 products, the others from memory.
"""

import base64
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import uvicorn
from msgspec.structs import replace

from benchmarks.answer import FOUND
from benchmarks.asks import CUSTOMER_TOKEN
from benchmarks.mirrored import MIRROR
from storefront_mcp import app
from storefront_mcp.access.buyer_scopes import BUYER_SCOPE_NAMES
from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.app import assembly
from storefront_mcp.app.gc_tuning import freeze_gc
from storefront_mcp.app.mirror_engine import index_opener
from storefront_mcp.catalogue.mirror_view import StoreMirror
from storefront_mcp.cli.serve import UVICORN_OPTIONS
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.database import Database, FieldEncryption, SqlFlipRepository
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.oauth.tokens import grant_of_token
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.records.oauth import (
    AuthorizationRequest,
    AuthorizationRequestRecord,
    CodeExchange,
    GrantRecord,
    IssuedCode,
    IssuedTokens,
)
from storefront_mcp.settings import Settings, demo_settings
from storefront_mcp.settings.catalogue import StoreCatalogueSettings
from storefront_mcp.settings.console import ConsoleSettings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.schema import StoreSettings, UpstreamSettings
from storefront_mcp.settings.telemetry import MetricsSettings

WEEK: Final = 7 * 86_400.0
WIDE: Final = "100000000/s burst 100000000"
SIGN_IN: Final = "sign-in"
SEAL_KEY: Final = base64.urlsafe_b64encode(bytes(32)).decode()
"""Seals nothing that is secret."""
WHILE_SECONDS: Final = 30 * 86_400.0


class FixedShop:
    """A backend whose every search finds the same ten products, each time on a new page."""

    circuit_open: Final = False

    async def search(self, search: SearchQuery) -> SearchPage:  # noqa: ARG002 -- the port's form
        """The fixed answer, as if it had just been told: what is cached is encoded only once."""
        return replace(FOUND)

    async def product(self, key: str) -> Product:
        """The product of that SKU among the ten."""
        found = next(one for one in FOUND.products if one.sku == key)
        return Product(sku=found.sku, name=found.name, price=found.price, list_price=found.list_price)


def answer_at_once() -> None:
    """Put the fixed shop in front of the embedded one, at the one seam that is not a setting.

    Where customers sign in, the embedded one stays for that: only its search is the fixed one.
    """
    embedded = assembly.backend_of

    def fixed(chosen: StoreSettings, instrumentation: Instrumentation | None = None, **more: Any) -> Any:  # noqa: ANN401 -- the seam's own three
        shop, *rest = embedded(chosen, instrumentation, **more)
        if not chosen.sign_in.on:
            return FixedShop(), *rest
        shop.search = FixedShop().search  # type: ignore[method-assign]  # as above
        return shop, *rest

    assembly.backend_of = fixed  # type: ignore[assignment]  # a shop that only searches


def read_mirror() -> None:
    """Give the store a mirror that is whole and that no process writes."""

    def add(_: assembly.MirrorWiring, store: StoreSettings, embedded: object) -> StoreMirror:  # noqa: ARG001 -- its form
        mirror = StoreMirror(index_opener(MIRROR, store.locale), max_age=WEEK, give_up=WEEK, now=time.time)
        mirror.update(MirrorRecord(store=store.id, place="bench", generation=1, commit=1, as_of=time.time()))
        return mirror

    assembly.MirrorWiring.add = add  # type: ignore[assignment, method-assign]


def settings(port: int, state: Path, shop: str | None, kind: str) -> Settings:
    state.mkdir(parents=True, exist_ok=True)
    chosen = demo_settings(port, state=state, key=SEAL_KEY if kind == SIGN_IN else None)
    wide = LimitSettings(**dict.fromkeys(LimitSettings.__struct_fields__, WIDE))
    stores = [replace(store, limits=wide, console=ConsoleSettings(on=kind == "console")) for store in chosen.stores]
    # The longest life there is outlasts a round: a refresh behind would be measured, too.
    age = 3_600 if kind == "remembered" else 0
    catalogue = StoreCatalogueSettings(search=age, product=age, browse=age, page=age)
    stores = [replace(store, catalogue=catalogue) for store in stores]
    if shop is not None:
        upstream = UpstreamSettings(kind="maho", url=shop)
        stores = [replace(store, upstream=upstream) for store in stores]
    metrics = MetricsSettings(on=kind == "metrics")
    return replace(chosen, stores=tuple(stores), trusted_proxies=(), metrics=metrics)


def fill_the_database(chosen: Settings) -> None:
    """Open the first phase, once per state folder; later starts find it open, as a shop's do.

    Where customers sign in, all phases are open, and one of them has let an agent in.
    """
    if Path(chosen.database).exists():
        return
    database = Database(chosen.database)
    flags = SqlFlipRepository(database)
    for store in chosen.stores:
        planned = app.planned_roadmap(store)
        opened = planned.phases if store.sign_in.on else planned.phases[:1]
        flags.flip(planned, store.id, {phase.name: "active" for phase in opened}, by="benchmarks")
        if store.sign_in.on:
            grant_access(database, store)
    flags.close()
    database.close()


def grant_access(database: Database, store: StoreSettings) -> None:
    """Let an agent act for a customer by the token of this run, for longer than a run takes."""
    records = SqlOAuthRepository(database, FieldEncryption([SEAL_KEY]))
    now = time.time()
    resource = f"{store.origin}/mcp"
    asked = AuthorizationRequest(
        client_id="bench",
        client_kind="fixed",
        redirect_uri="http://127.0.0.1/",
        scopes=BUYER_SCOPE_NAMES,
        resource=resource,
        challenge="",
    )
    waiting = AuthorizationRequestRecord(
        digest=b"request", store=store.id, browser=b"", request=asked, expires_at=now + WHILE_SECONDS
    )
    code = IssuedCode(
        digest=b"code", redirect_uri=asked.redirect_uri, challenge=asked.challenge, expires_at=now + WHILE_SECONDS
    )
    grant = GrantRecord(
        id=grant_of_token(CUSTOMER_TOKEN),
        store=store.id,
        customer="1",
        subject="bench",
        client_id=asked.client_id,
        client_name="bench",
        scopes=asked.scopes,
        resource=resource,
        created_at=now,
        expires_at=now + WHILE_SECONDS,
    )
    exchange = CodeExchange(
        store=store.id,
        digest=code.digest,
        client_id=asked.client_id,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        resource=resource,
    )
    tokens = IssuedTokens(
        access=secret_digest(CUSTOMER_TOKEN),
        refresh=b"refresh",
        scopes=asked.scopes,
        access_expires_at=grant.expires_at,
        answer=b"{}",
    )
    records.open_request(waiting)
    records.create_grant_with_code(grant, code, request=waiting.digest, session=b"{}")
    records.redeem_code(exchange, lambda _: tokens, now=now)


def main(kind: str, port: int, shop: str | None) -> None:
    chosen = settings(port, Path(os.environ["BENCH_STATE"]) / kind, shop, kind)
    fill_the_database(chosen)
    if shop is None:
        answer_at_once()
    if kind == "mirrored":
        read_mirror()
    serving = app.create_app(chosen)
    freeze_gc()
    uvicorn.run(serving, port=port, log_level="warning", **UVICORN_OPTIONS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), next(iter(sys.argv[3:]), None))
