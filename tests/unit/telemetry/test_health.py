"""What load balancers are told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.app.observability import readiness
from storefront_mcp.database.engine import Database
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from storefront_mcp.web.health import RESULT_TTL_SECONDS, ReadinessCheck
from tests.fakes.agent import Agent
from tests.journeys.conftest import flip
from tests.serving import free_port, served
from tests.unit.web.serving import Ticker

Check = Callable[[], Awaitable[str | None]]


async def fine() -> None:
    return None


async def broken() -> str:
    return "cannot be written"


async def silent() -> None:
    await asyncio.Event().wait()


async def ask(ready: ReadinessCheck, method: str = "GET") -> httpx.Response:
    async with AsyncTestClient(Litestar(ready.routes(), openapi_config=None)) as client:
        return await client.request(method, "/readyz")


@pytest.mark.parametrize(
    ("checks", "status", "told"),
    [
        ({}, 200, {}),
        ({"database": fine, "upstream": fine}, 200, {"database": "ok", "upstream": "ok"}),
        ({"database": broken, "upstream": fine}, 503, {"database": "cannot be written", "upstream": "ok"}),
        ({"database": fine, "upstream": silent}, 503, {"database": "ok", "upstream": "does not answer"}),
    ],
)
async def test_the_answer_says_what_is_wrong(checks: dict[str, Check], status: int, told: dict[str, str]) -> None:
    answer = await ask(ReadinessCheck(checks, timeout=0.05))
    assert answer.status_code == status
    expected = {"status": "ready" if status == 200 else "unready", "checks": told, "database": ""}
    assert answer.json() == expected
    assert answer.headers["cache-control"] == "no-store"
    headed = await ask(ReadinessCheck(checks, timeout=0.05), "HEAD")
    assert (headed.status_code, headed.content) == (status, b"")


async def test_however_many_ask_we_look_once() -> None:
    looked, ticker = 0, Ticker()

    async def counted() -> None:
        nonlocal looked
        looked += 1
        await asyncio.sleep(0)

    ready = ReadinessCheck({"database": counted}, clock=ticker)
    await asyncio.gather(*(ready.report() for _ in range(50)))
    assert looked == 1
    ticker.now += RESULT_TTL_SECONDS
    await ready.report()
    assert looked == 2


async def test_a_database_that_took_the_place_of_the_open_one_is_told_at_once(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    ready = readiness(DatabaseReadiness(database), [])
    assert (await ready.report()).status == "ready"
    (tmp_path / "a.db").rename(tmp_path / "b.db")
    assert (await ready.report()).checks["database"] == "was deleted since the start"
    (tmp_path / "a.db").touch()
    assert (await ready.report()).checks["database"] == "was replaced since the start"
    database.close()


@pytest.mark.parametrize(
    ("resting", "told"),
    [
        ([], "ok"),
        ([False], "ok"),
        ([True], "no shop answers"),
        ([True, False], "ok"),
        ([True, True], "no shop answers"),
    ],
)
async def test_one_shop_of_several_that_is_down_does_not_take_the_others_away(
    tmp_path: Path, resting: list[bool], told: str
) -> None:
    database = Database(tmp_path / "a.db")
    ready = readiness(DatabaseReadiness(database), [lambda rests=rests: rests for rests in resting])
    assert (await ready.report()).checks == {"database": "ok", "upstream": told}
    database.close()


@pytest.mark.slow
async def test_a_shop_that_is_down_is_told_and_never_asked_for_it(tmp_path: Path) -> None:
    port = free_port()
    settings = demo_settings(port, state=tmp_path)
    (store,) = settings.stores
    nowhere = UpstreamSettings(kind="maho", url=f"http://127.0.0.1:{free_port()}")
    settings = replace(settings, stores=(replace(store, upstream=nowhere),))
    flip(settings, {"p1_browse": "active"})
    with served(create_app(settings), port) as origin:
        async with httpx.AsyncClient(base_url=origin) as client, Agent(origin, "2025-11-25") as agent:
            # By address, as load balancers ask: no store answers to this host.
            ready = await client.get("/readyz", headers={"host": "10.0.0.7"})
            assert (ready.status_code, ready.json()["status"]) == (200, "ready")
            for _ in range(5):
                await agent.call("search_products", query="paddle")
            async with asyncio.timeout(60):
                while (found := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110 -- another thread serves
                    await asyncio.sleep(0.05)
            assert found.status_code == 503
            assert found.json()["checks"]["upstream"] == "no shop answers"
            assert (await client.get("/healthz")).status_code == 200
