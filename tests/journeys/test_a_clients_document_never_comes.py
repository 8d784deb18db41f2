"""A client names a document whose host never answers: the person at the browser is told so in time all the same."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from storefront_mcp.oauth.client_documents import FETCHES_AT_ONCE
from storefront_mcp.public_http import document_fetcher
from storefront_mcp.public_http.document_fetcher import DocumentFetcher
from tests.journeys.oauth_agent import REDIRECT, account_store
from tests.journeys.shops import EMBEDDED
from tests.unit.oauth.authorizing import CHALLENGE

pytestmark = pytest.mark.slow
PATIENCE = 120.0


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A host that takes connections and says nothing; every document is there, and no step of a fetch has a limit."""

    async def resolve(_host: str) -> Sequence[str]:
        return ["127.0.0.1"]

    with socket.create_server(("127.0.0.1", 0)) as host:
        host.settimeout(PATIENCE)
        there = partial(DocumentFetcher, resolve=resolve, may_connect=lambda _: True, port=int(host.getsockname()[1]))
        monkeypatch.setattr("storefront_mcp.app.sign_in.DocumentFetcher", there)
        monkeypatch.setattr(document_fetcher, "STEPS", httpx.Timeout(None))
        yield host


@pytest.fixture
async def browser(silent: socket.socket, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    assert silent
    with account_store(EMBEDDED, tmp_path) as store:
        async with httpx.AsyncClient(base_url=store.origin, timeout=PATIENCE) as browser:
            yield browser


def authorize(browser: httpx.AsyncClient, client: int) -> asyncio.Task[httpx.Response]:
    """Open the authorization URL of one of many clients."""
    query = {"response_type": "code", "client_id": f"https://agent.example/{client}.json", "redirect_uri": REDIRECT}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    return asyncio.create_task(browser.get(f"/oauth/authorize?{urlencode(query)}"))


def check_told(answer: httpx.Response) -> None:
    """That a page of ours says that the client's document cannot be read, and that nobody is sent anywhere."""
    assert answer.status_code == 400
    assert "cannot be read now. Try again." in answer.text
    assert "location" not in answer.headers


async def test_who_finds_every_fetch_held_up_is_told_so_before_any_of_them_ends(
    browser: httpx.AsyncClient, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_fetcher, "TOTAL_SECONDS", PATIENCE)
    held = [authorize(browser, client) for client in range(FETCHES_AT_ONCE)]
    with contextlib.ExitStack() as connections:
        for _ in held:
            connections.enter_context((await asyncio.to_thread(silent.accept))[0])

        check_told(await authorize(browser, FETCHES_AT_ONCE))
        assert not any(one.done() for one in held)
    for answer in await asyncio.gather(*held):
        check_told(answer)


async def test_who_waits_for_a_host_that_never_answers_is_told_so_when_the_time_for_it_is_over(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_fetcher, "TOTAL_SECONDS", 0.3)
    check_told(await authorize(browser, 0))
