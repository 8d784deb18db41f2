"""`/mcp/config` over HTTP: one snippet by query, the list of them, and a clear no."""

import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.app import create_app
from storefront_mcp.cards.clients import CLIENTS
from storefront_mcp.settings.demo import demo_settings

pytestmark = pytest.mark.slow

ORIGIN = "http://127.0.0.1:8000"
SPELLINGS = [spelling for client in CLIENTS for spelling in (client.id, *client.aliases)]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A demo with every phase closed, asked in-process."""
    transport = httpx.ASGITransport(create_app(demo_settings(8000, state=tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def said(response: httpx.Response) -> Any:
    """The configuration in an answer."""
    if response.headers["content-type"].startswith("application/toml"):
        return tomllib.loads(response.text)
    return response.json()


@pytest.mark.parametrize("client", SPELLINGS)
async def test_each_client_gets_its_own_format_while_the_endpoint_is_still_closed(
    shop: httpx.AsyncClient, client: str
) -> None:
    assert (await shop.post("/mcp", json={})).status_code == 503
    response = await shop.get("/mcp/config", params={"client": client})

    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert f"{ORIGIN}/mcp" in json.dumps(said(response))
    assert response.content == (await shop.get(f"/mcp/config/{client}")).content


async def test_codex_gets_toml_and_the_others_json(shop: httpx.AsyncClient) -> None:
    types = {
        client.id: (await shop.get("/mcp/config", params={"client": client.id})).headers["content-type"]
        for client in CLIENTS
    }

    assert types.pop("codex") == "application/toml; charset=utf-8"
    assert set(types.values()) == {"application/json"}


async def test_without_a_client_every_one_is_listed_with_an_address_that_answers(shop: httpx.AsyncClient) -> None:
    found = (await shop.get("/mcp/config")).json()

    assert found["status"] == "planned"
    assert [entry["client"] for entry in found["clients"]] == [client.id for client in CLIENTS]
    for entry in found["clients"]:
        assert (await shop.get(entry["url"])).status_code == 200


@pytest.mark.parametrize("client", ["netscape", "", "../info", "Codex", "codex/", "\N{SNOWMAN}" * 500, "a\x00b"])
async def test_an_unknown_client_is_told_which_are_known(shop: httpx.AsyncClient, client: str) -> None:
    response = await shop.get("/mcp/config", params={"client": client})

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    detail = response.json()["detail"]
    assert all(spelling in detail for spelling in SPELLINGS)
    assert len(detail) < 700


async def test_asking_never_mints_anything(shop: httpx.AsyncClient) -> None:
    for client in SPELLINGS:
        first = await shop.get("/mcp/config", params={"client": client})
        again = await shop.get("/mcp/config", params={"client": client, "token": "secret", "user": "1"})
        assert first.content == again.content
        assert not {"set-cookie", "authorization"} & set(first.headers)
        assert not any(word in first.text.lower() for word in ("bearer", "token", "secret", "authorization"))


async def test_it_is_a_document_like_any_other(shop: httpx.AsyncClient) -> None:
    path = "/mcp/config?client=cursor"
    first = await shop.get(path)
    head = await shop.head(path)
    unchanged = await shop.get(path, headers={"if-none-match": first.headers["etag"]})
    options = await shop.options(path)
    posted = await shop.post(path)

    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert posted.status_code == 405


@pytest.mark.parametrize("path", ["/mcp/info", "/mcp/tools", "/mcp/resources", "/mcp/docs", "/mcp/config"])
async def test_what_is_beside_the_endpoint_answers_while_nothing_is_open(shop: httpx.AsyncClient, path: str) -> None:
    response = await shop.get(path)

    assert response.status_code == 200
    assert "planned" in response.text


async def test_a_name_that_is_not_there_is_a_true_404(shop: httpx.AsyncClient) -> None:
    assert (await shop.get("/mcp/nothing")).status_code == 404
    assert (await shop.post("/mcp/nothing")).status_code == 404
