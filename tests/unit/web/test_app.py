"""The whole app put together from settings: stores side by side, with what each of them can serve."""

import gc
import socket
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from click.testing import CliRunner
from msgspec.structs import replace

from storefront_mcp.app import CONFIG, VERSION, create, create_app, server_identity
from storefront_mcp.app.gc_tuning import GC_THRESHOLD, freeze_gc
from storefront_mcp.cli import main
from storefront_mcp.mcp.versions import SSE_VERSIONS, STREAMABLE_HTTP_VERSIONS
from storefront_mcp.settings import demo_settings
from storefront_mcp.settings.server import Settings
from tests.journeys.conftest import flip

pytestmark = pytest.mark.slow

CARD = "/.well-known/mcp/server-card.json"
TWO = """
[[store]]
id = "pickle"
origin = "http://127.0.0.1:8000"
hosts = ["pickle.local"]
name = "Pickle Warehouse"
currency = "AUD"
pages = ["shipping"]
upstream = { kind = "maho", url = "http://127.0.0.1:9" }

[[store]]
id = "mugs"
origin = "https://mugs.example"
name = "Mug House"
currency = "NZD"
upstream = { kind = "maho", url = "http://127.0.0.1:9" }
"""


async def ask(app: Any, method: str, path: str, host: str, **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.request(method, path, **more)


def settings(folder: Path, text: str = TWO, **env: str) -> Settings:
    (folder / "storefront.toml").write_text(text, encoding="utf-8")
    return Settings.load(folder / "storefront.toml", env)


async def test_each_store_serves_its_skill_in_a_folder_that_is_called_like_it(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))
    for host, name in (("127.0.0.1:8000", "shop-pickle-warehouse"), ("mugs.example", "shop-mug-house")):
        (entry,) = (await ask(app, "GET", "/.well-known/agent-skills/index.json", host)).json()["skills"]
        own = await ask(app, "GET", entry["url"], host)
        older = await ask(app, "GET", "/.well-known/agent-skills/storefront/SKILL.md", host)
        assert entry["url"] == f"/.well-known/agent-skills/{name}/SKILL.md"
        assert (own.status_code, own.content) == (200, older.content)
        other = "shop-mug-house" if name == "shop-pickle-warehouse" else "shop-pickle-warehouse"
        assert (await ask(app, "GET", f"/.well-known/agent-skills/{other}/SKILL.md", host)).status_code == 404


async def test_each_store_answers_to_its_own_hosts_alone(tmp_path: Path) -> None:
    app = create_app(settings(tmp_path))
    names = {
        host: (await ask(app, "GET", CARD, host)).json()["name"]
        for host in ("127.0.0.1:8000", "pickle.local", "pickle.local:80", "mugs.example", "mugs.example:443")
    }
    assert {host: names[host] for host in ("127.0.0.1:8000", "pickle.local")} == dict.fromkeys(
        ("127.0.0.1:8000", "pickle.local"), names["pickle.local:80"]
    )
    assert names["mugs.example"] == names["mugs.example:443"] != names["pickle.local"]
    for stranger in ("127.0.0.1", "mugs.example:8000", "evil.example"):
        assert (await ask(app, "GET", CARD, stranger)).status_code == 421


@pytest.mark.parametrize(("workers", "served"), [("1", True), ("2", False)])
async def test_the_older_transport_is_served_and_told_of_by_one_worker_only(
    tmp_path: Path, workers: str, served: bool
) -> None:
    chosen = settings(tmp_path, STOREFRONT_WORKERS=workers)
    app = create_app(chosen)
    found = await ask(app, "GET", "/mcp/sse", "pickle.local")
    assert found.status_code == (503 if served else 404)
    flip(chosen, {"p1_browse": "active"})
    app = create_app(chosen)
    assert (await ask(app, "POST", "/mcp/sse", "pickle.local")).status_code == (405 if served else 404)
    assert ("/mcp/sse" in (await ask(app, "GET", "/mcp/info", "pickle.local")).text) is served


def test_a_speaker_says_what_the_engine_speaks() -> None:
    (store,) = demo_settings(8000, state=Path()).stores
    assert server_identity(store).sse_versions == SSE_VERSIONS
    alone = server_identity(store, sse=False)
    assert (alone.version, alone.protocol_versions, alone.sse_versions) == (VERSION, STREAMABLE_HTTP_VERSIONS, ())


@pytest.fixture
def collector() -> Iterator[None]:
    """Python's garbage collector, as it was when the test ends."""
    portions = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*portions)


def test_a_server_is_not_looked_through_for_garbage_but_its_garbage_is_found(collector: None) -> None:
    class Ring:
        pass

    ring = Ring()
    old = weakref.ref(ring)
    ring.itself = ring  # type: ignore[attr-defined]
    del ring
    freeze_gc()
    assert gc.get_freeze_count() > GC_THRESHOLD
    gc.collect()
    assert old() is not None, "what stood then was looked through"

    ring = Ring()
    new = weakref.ref(ring)
    ring.itself = ring  # type: ignore[attr-defined]
    del ring
    gc.collect()
    assert new() is None


def test_serving_begins_when_all_that_stands_is_spared(
    collector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spared: list[int] = []

    def run(_: uvicorn.Server, sockets: list[socket.socket]) -> None:
        spared.append(gc.get_freeze_count())
        for one in sockets:
            one.close()

    monkeypatch.setattr("uvicorn.Server.run", run)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    told = CliRunner().invoke(main, ["demo", "--port", "0", "--state", str(tmp_path / "state")])
    assert told.exit_code == 0, told.output
    assert spared
    assert spared[0] > GC_THRESHOLD


async def test_a_worker_finds_its_settings_by_the_environment(
    collector: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(tmp_path)
    monkeypatch.setenv(CONFIG, str(tmp_path / "storefront.toml"))
    monkeypatch.setenv("STOREFRONT_WORKERS", "2")
    app = create()
    assert gc.get_freeze_count() > GC_THRESHOLD
    assert (await ask(app, "GET", CARD, "mugs.example")).status_code == 200
    assert (await ask(app, "GET", "/mcp/sse", "mugs.example")).status_code == 404


@pytest.mark.parametrize(("accept", "begins"), [("text/html", "<!doctype html>"), ("text/markdown", "# ")])
async def test_the_shops_pages_wear_the_dress_of_the_landing_page(tmp_path: Path, accept: str, begins: str) -> None:
    chosen = demo_settings(8000, state=tmp_path)
    page = await ask(create_app(chosen), "GET", "/shipping", "127.0.0.1:8000", headers={"accept": accept})
    assert page.status_code == 200
    assert page.text.lower().startswith(begins)
    assert "shipping" in page.text.lower()


def test_workers_of_one_store_share_the_key_that_seals(tmp_path: Path) -> None:
    chosen = replace(settings(tmp_path), workers=2)
    apps = (create_app(chosen), create_app(chosen))
    lines = [assembly.site.shared for app in apps for assembly in app.state.assemblies.values()]
    sealed = lines[0].signer.sign({"step": 1}, bound_to="here")
    assert all(line.signer.verify(sealed, bound_to="here") == {"step": 1} for line in lines)
