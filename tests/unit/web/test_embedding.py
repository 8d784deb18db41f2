"""The server is a Litestar application: plugins, hooks and the framework's own command work as with any other."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from litestar import Litestar, get
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin
from litestar.testing import AsyncTestClient

from storefront_mcp.app import CONFIG, create_app
from storefront_mcp.settings import demo_settings
from storefront_mcp.web.host_router import StorefrontApp
from tests.journeys.conftest import flip
from tests.serving import WITH_US, free_port, until
from tests.unit.mcp.requests import NEWEST, asked
from tests.unit.web.test_app import ask, settings

pytestmark = pytest.mark.slow

HOST = "127.0.0.1:8000"
COMMAND = [sys.executable, "-m", "litestar", "--app", "storefront_mcp.app:create"]


@get("/embedded", include_in_schema=False)
async def embedded() -> str:
    return "hello"


class Embedder(InitPlugin):
    """A plugin that adds a page and hooks to the application it is given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        self.seen.append("init")
        app_config.route_handlers.append(embedded)
        app_config.on_startup.append(lambda: self.seen.append("startup"))
        app_config.on_shutdown.append(lambda: self.seen.append("shutdown"))
        app_config.lifespan.append(self._lifespan)
        return app_config

    @asynccontextmanager
    async def _lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        self.seen.append("lifespan")
        yield
        self.seen.append("end of lifespan")


async def test_a_plugin_adds_pages_and_hooks_which_run_around_ours(tmp_path: Path) -> None:
    plugin = Embedder()
    app = create_app(demo_settings(8000, state=tmp_path), plugins=[plugin])
    assert plugin.seen == ["init"]
    async with AsyncTestClient(app, base_url=f"http://{HOST}") as client:
        assert plugin.seen == ["init", "lifespan", "startup"]
        assert (await client.get("/embedded")).text == "hello"
        assert (await client.get("/healthz")).status_code == 200
    assert sorted(plugin.seen[3:]) == ["end of lifespan", "shutdown"]


async def test_a_hook_of_an_embedder_sees_the_configuration(tmp_path: Path) -> None:
    seen: list[AppConfig] = []

    def hook(config: AppConfig) -> AppConfig:
        seen.append(config)
        return config

    app = create_app(demo_settings(8000, state=tmp_path), on_app_init=[hook])
    assert len(seen) == 1
    assert isinstance(app, Litestar)


async def test_mcp_is_answered_before_the_framework_and_everything_else_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = demo_settings(8000, state=tmp_path)
    flip(chosen, {"p1_browse": "active"})
    app = create_app(chosen)
    body, sent = asked("tools/list", NEWEST)
    headers = {name.decode(): value.decode() for name, value in sent}

    async def broken(*_: object) -> None:
        raise AssertionError("the framework was asked")

    monkeypatch.setattr(app, "asgi_handler", broken)
    assert (await ask(app, "POST", "/mcp", HOST, json=body, headers=headers)).status_code == 200
    with pytest.raises(AssertionError, match="the framework was asked"):
        await ask(app, "GET", "/healthz", HOST)


async def test_each_store_is_one_assembly_within_the_applications_state(tmp_path: Path) -> None:
    app: StorefrontApp = create_app(settings(tmp_path))
    assert {store: assembly.store.id for store, assembly in app.state.assemblies.items()} == {
        "pickle": "pickle",
        "mugs": "mugs",
    }


@pytest.mark.slow
def test_the_frameworks_command_lists_our_routes(tmp_path: Path) -> None:
    settings(tmp_path)
    env = {**os.environ, CONFIG: str(tmp_path / "storefront.toml"), "COLUMNS": "200"}
    listed = subprocess.run([*COMMAND, "routes"], env=env, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr
    for path in ("/.well-known/mcp/server-card.json", "/healthz", "/mcp/token"):
        assert path in listed.stdout


@pytest.mark.slow
def test_the_frameworks_command_serves_the_stores(tmp_path: Path) -> None:
    settings(tmp_path)
    port = free_port()
    env = {**os.environ, CONFIG: str(tmp_path / "storefront.toml")}
    command = [*WITH_US, *COMMAND, "run", "--port", str(port)]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until(lambda: _answers(port) or server.poll() is not None, "litestar run to answer", patience=90.0)
            card = httpx.get(f"http://127.0.0.1:{port}/mcp", headers={"host": "pickle.local"})
            assert card.json()["error"] == "not_yet_available"
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=120).status_code == 200
    except httpx.TransportError:
        return False
