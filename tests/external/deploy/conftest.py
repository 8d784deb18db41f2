"""A real server with everything open, behind each proxy in each layout."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.cli.serve import UVICORN_OPTIONS
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.settings import Settings, demo_settings
from tests.external.deploy.proxies import Front, Layout, fronted
from tests.journeys.conftest import flip, unhurried
from tests.serving import free_port, served

ALL_OPEN: Final[Mapping[str, Status]] = {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"}
AS_SERVED: Final[dict[str, Any]] = {
    name: UVICORN_OPTIONS[name]
    for name in ("http", "access_log", "server_header", "proxy_headers", "timeout_keep_alive")
}
"""What `storefront-mcp serve` tells uvicorn."""
FRONTS: Final = [
    pytest.param((proxy, layout), id=f"{proxy}, {layout}")
    for proxy in ("nginx", "caddy")
    for layout in ("subdomain", "same-origin")
]


class Placed(Struct, frozen=True):
    """A server, and the proxy in front of it."""

    front: Front
    settings: Settings
    direct: str
    """The server's own address."""


def behind(public: int, state: Path, *, direct: int, **changes: Any) -> Settings:
    """The demo shop's settings for a proxy at the port `public`."""
    settings = unhurried(demo_settings(public, state=state))
    (store,) = settings.stores
    return replace(settings, stores=(replace(store, hosts=(f"127.0.0.1:{direct}",), **changes),))


@pytest.fixture(scope="session", params=FRONTS)
def placed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placed]:
    """The demo shop behind a proxy."""
    proxy, layout = cast("tuple[str, Layout]", request.param)
    public, direct = free_port(), free_port()
    settings = behind(public, tmp_path_factory.mktemp("behind"), direct=direct)
    flip(settings, ALL_OPEN)
    with (
        served(create_app(settings), direct, **AS_SERVED) as address,
        fronted(proxy, layout, port=public, upstream=direct) as front,
    ):
        yield Placed(front, settings, address)


@pytest.fixture
def origin(placed: Placed) -> str:
    """As clients reach it."""
    return placed.front.origin
