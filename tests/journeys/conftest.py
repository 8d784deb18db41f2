"""The demo shop, served as `make run` serves it."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app, planned_roadmap
from storefront_mcp.database.engine import Database
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import HANDSHAKE, VERSIONS, Agent
from tests.fakes.sse_agent import SseAgent
from tests.serving import free_port, served


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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a demo with every delivered phase open."""
    state: Path = tmp_path_factory.mktemp("demo")
    port = free_port()
    settings = unhurried(demo_settings(port, state=state))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), port) as origin:
        yield origin


@pytest.fixture(params=[*VERSIONS, *(f"{version} over SSE" for version in HANDSHAKE)])
async def agent(request: pytest.FixtureRequest, demo: str) -> AsyncIterator[Agent]:
    """An agent of each version and transport, shopping at the demo."""
    version, _, transport = request.param.partition(" over ")
    async with (SseAgent if transport else Agent)(demo, version) as shopping:
        yield shopping
