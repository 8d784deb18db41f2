"""Stores over the demo shop, served as `make run` serves it, and over shops of other software."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.database.engine import Database
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import Agent
from tests.fakes.buyer import Buyer
from tests.fakes.sse_agent import SseAgent
from tests.fakes.unlimited_attempts import unlimited_attempts
from tests.journeys.shops import EMBEDDED, LACKS, OPENERS, SERVED
from tests.journeys.shops.journey_shop import JourneyShop
from tests.journeys.versions import GENERATIONS, SSE_PARAMS, VERSION_PARAMS
from tests.serving import free_port, served

SELLING: Final[Mapping[str, Status]] = {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"}
KINDS: Final = [EMBEDDED, *(kind for kind in SERVED if kind != "maho")]
"""What a story is told over unless its module has a list of its own; `maho` is the embedded shop's software."""


@contextlib.contextmanager
def flips_of(settings: Settings) -> Iterator[SqlFlipRepository]:
    """The record of flips, as another process opens it."""
    database = Database(settings.database)
    flags = SqlFlipRepository(database)
    try:
        yield flags
    finally:
        flags.close()
        database.close()


def flip(settings: Settings, changes: Mapping[str, Status], *, store: int = 0, terms: FlipTerms = NO_TERMS) -> None:
    """Flip phases as the command line would, from another process's point of view."""
    chosen = settings.stores[store]
    with flips_of(settings) as flags:
        flags.flip(planned_roadmap(chosen), chosen.id, changes, by="a test", terms=terms)


def unhurried(settings: Settings) -> Settings:
    """The same settings for many shoppers at one address, who all want to order at once."""
    many = dict.fromkeys(LimitSettings.__struct_fields__, "off")
    return replace(settings, stores=tuple(replace(store, limits=LimitSettings(**many)) for store in settings.stores))


async def orders(origin: str) -> str:
    """The embedded shop's page of its orders."""
    async with httpx.AsyncClient(base_url=origin) as client:
        page = await client.get("/media/orders")
        assert page.status_code == 200
        return page.text


class OpenStore(Struct, frozen=True, kw_only=True):
    """A served store, its settings for who flips phases, and the shop behind it."""

    origin: str
    settings: Settings
    shop: JourneyShop

    async def numbers(self) -> list[str]:
        """Numbers of the shop's orders."""
        if self.shop.orders is not None:
            return [order.number for order in self.shop.orders()]
        return re.findall(r'<th scope="row">([^<]+)<', await orders(self.origin))


@contextlib.contextmanager
def open_store(
    kind: str,
    state: Path,
    *,
    currency: str = "AUD",
    phases: Mapping[str, Status] = SELLING,
    key: str | None = None,
    **changes: Any,
) -> Iterator[OpenStore]:
    """A store over a shop of this kind, with these phases open; `changes` are fields of its settings.

    With a `key` for personal data, customers can sign in.
    """
    port = free_port()
    with OPENERS[kind](currency) as shop:
        settings = unhurried(demo_settings(port, state=state, key=key))
        settings = replace(settings, stores=(replace(settings.stores[0], **(dict(shop.set_up) | changes)),))
        if phases:
            flip(settings, phases)
        with unlimited_attempts():
            app = create_app(settings)
        with served(app, port) as origin:
            yield OpenStore(origin=origin, settings=settings, shop=shop)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell a story that asks for a `kind` over each but those that lack what the mark `needs` names."""
    if "kind" not in metafunc.fixturenames:
        return
    needed = {name for mark in metafunc.definition.iter_markers("needs") for name in mark.args}
    assert needed <= {name for lacked in LACKS.values() for name in lacked}, needed
    speaks = "spoken" in metafunc.fixturenames
    rows = []
    for kind in getattr(metafunc.module, "KINDS", KINDS):
        if needed & LACKS[kind].keys():
            continue
        marks = [] if kind == EMBEDDED else [pytest.mark.slow]
        versions = [*VERSION_PARAMS, *SSE_PARAMS] if kind == EMBEDDED else GENERATIONS
        for version in map(_as_param, versions if speaks else ("",)):
            values = (kind, *version.values) if speaks else (kind,)
            rows.append(pytest.param(*values, marks=(*version.marks, *marks)))
    metafunc.parametrize(("kind", "spoken") if speaks else ("kind",), rows, indirect=True, scope="session")


def _as_param(version: Any) -> Any:
    return pytest.param(version) if isinstance(version, str) else version


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStore]:
    """A demo with every delivered phase open."""
    with open_store(EMBEDDED, tmp_path_factory.mktemp("demo")) as opened:
        yield opened


@pytest.fixture(scope="session")
def demo(demo_store: OpenStore) -> str:
    """Its origin."""
    return demo_store.origin


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of shop."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="session")
def spoken(request: pytest.FixtureRequest) -> str:
    """A version of the protocol, with its transport: all of them over the demo shop, every generation over others."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="session")
def store(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStore]:
    """A store over each kind of shop, with every phase open that sells."""
    if kind == EMBEDDED:
        demo = request.getfixturevalue("demo_store")
        yield demo
        return
    with open_store(kind, tmp_path_factory.mktemp(kind)) as opened:
        yield opened


@pytest.fixture
def shop(store: OpenStore) -> JourneyShop:
    """What a store's shop calls its goods."""
    return store.shop


@pytest.fixture
async def agent(spoken: str, store: OpenStore) -> AsyncIterator[Agent]:
    """An agent of each version and transport, shopping at each kind of shop."""
    version, _, transport = spoken.partition(" over ")
    async with (SseAgent if transport else Agent)(store.origin, version) as shopping:
        yield shopping


@pytest.fixture
async def buyer() -> AsyncIterator[Buyer]:
    """The person who pays."""
    async with Buyer() as person:
        yield person
