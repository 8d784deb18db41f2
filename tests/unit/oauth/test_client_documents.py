"""Clients that are known by a document of their own: which URLs, which documents, how often, and for how long."""

import asyncio
import json
from typing import Any

import pytest

from storefront_mcp.oauth.client_documents import (
    FETCHES_A_MINUTE,
    FETCHES_AT_ONCE,
    WAIT_SECONDS,
    ClientDocuments,
    document_client,
    is_document_url,
)
from storefront_mcp.oauth.client_registry import ClientRegistry
from storefront_mcp.oauth.errors import ClientRefused, EndpointRefusal, UnknownClient
from storefront_mcp.oauth.server import AuthorizationServer
from storefront_mcp.public_http.document_fetcher import TOTAL_SECONDS
from storefront_mcp.public_http.documents import DocumentUnavailable, FetchedDocument
from storefront_mcp.records.oauth import AuthorizationRequest
from tests.fakes.memory_backend import STORE
from tests.unit.oauth.authorizing import KEY, AuthorizationWorld

URL = "https://claude.ai/oauth/claude-code-client-metadata"
DOCUMENT = {
    "client_id": URL,
    "client_name": "Claude Code",
    "client_uri": "https://claude.ai",
    "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}


def body(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (DOCUMENT | changes).items() if value is not ...}).encode()


class CountingSource:
    """Serves one document, or fails; may be held until it is let go."""

    def __init__(self) -> None:
        self.body = body()
        self.cache_control = ""
        self.fault: Exception | None = None
        self.asked: list[str] = []
        self.two = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def fetch(self, url: str) -> FetchedDocument:
        self.asked.append(url)
        if len(self.asked) == FETCHES_AT_ONCE:
            self.two.set()
        await self.go_on.wait()
        if self.fault is not None:
            raise self.fault
        return FetchedDocument(body=self.body, cache_control=self.cache_control)


@pytest.fixture
def source() -> CountingSource:
    return CountingSource()


@pytest.fixture
def documents(world: AuthorizationWorld, source: CountingSource) -> ClientDocuments:
    return ClientDocuments(STORE.id, world.repository, source, now=lambda: world.now)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://chatgpt.com/oauth/codex/client.json",
        "https://agent.example/c?v=1",
        "https://xn--bcher-kva.example/client",
        "https://a.b.c.example/.well-known/client...json",
    ],
)
def test_what_has_a_host_name_and_a_path_is_a_documents_url(url: str) -> None:
    assert is_document_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://agent.example/client",
        "https://agent.example",
        "https://agent.example/",
        "https://localhost/client",
        "https://agent/client",
        "https://127.0.0.1/client",
        "https://2130706433/client",
        "https://0x7f.1/client",
        "https://1.2.3.4/client",
        "https://[::1]/client",
        "https://agent.example:8443/client",
        "https://user@agent.example/client",
        "https://user:pass@agent.example/client",
        "https://agent.example/client#x",
        "https://agent.example/../client",
        "https://agent.example/a/./client",
        "https://agent.example/a/..",
        "https://agent.example/%2e%2E/client",
        "https://agent.example/.%2e/client",
        "https://AGENT.example/client",
        "https://agent.example./client",
        "https://agent.example\\@evil.example/client",
        "https://agent.example/cli ent",
        "https://agent.example/client\n",
        "https://bücher.example/client",
        "https://agent.example/" + "a" * 2048,
        "",
    ],
    ids=lambda url: url[:40],
)
def test_addresses_ports_secrets_and_detours_are_not(url: str) -> None:
    assert not is_document_url(url)


def test_a_document_describes_its_client() -> None:
    client = document_client(URL, body(jwks_uri="https://claude.ai/jwks", logo_uri="https://evil.example/logo.png"))
    assert (client.kind, client.name, client.host) == ("document", "Claude Code", "claude.ai")
    assert client.has_redirect("http://localhost:65374/callback")
    assert not client.has_redirect("https://evil.example/callback")


def test_a_client_that_would_rather_sign_is_taken_without() -> None:
    methods = ["private_key_jwt", "none"]
    assert document_client(
        URL, body(token_endpoint_auth_method="private_key_jwt", token_endpoint_auth_methods_supported=methods)
    )


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"null",
        b"[]",
        b"\xff",
        b"{" * 5000,
        body(client_id=...),
        body(client_id="https://claude.ai/oauth/other"),
        body(client_id=URL + "/"),
        body(client_secret="s"),
        body(client_secret=None),
        body(client_secret_expires_at=0),
        body(token_endpoint_auth_method="client_secret_post"),
        body(redirect_uris=...),
        body(redirect_uris=[]),
        body(redirect_uris=["http://claude.ai/callback", "javascript:alert(1)", 7]),
        body(redirect_uris=["https://claude.ai/callback"] * 51),
        body(redirect_uris="https://claude.ai/callback"),
    ],
    ids=lambda said: said[:60].decode("latin-1"),
)
async def test_a_document_of_somebody_else_with_a_secret_or_without_a_way_back_is_refused(
    documents: ClientDocuments, source: CountingSource, world: AuthorizationWorld, said: bytes
) -> None:
    source.body = said
    with pytest.raises(UnknownClient):
        await documents.find(URL, address="192.0.2.1")
    assert world.repository.find_client(STORE.id, URL) is None


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [("", 3600), ("max-age=1", 300), ("public, max-age=7200", 7200), ("max-age=9999999", 86_400), ("no-store", 300)],
)
async def test_a_document_is_read_again_when_it_is_no_longer_fresh(
    documents: ClientDocuments, source: CountingSource, world: AuthorizationWorld, cache_control: str, seconds: int
) -> None:
    source.cache_control = cache_control
    await documents.find(URL, address="192.0.2.1")
    world.now += seconds - 1
    await documents.find(URL, address="192.0.2.1")
    assert len(source.asked) == 1
    world.now += 1
    source.body = body(client_name="Renamed")
    assert (await documents.find(URL, address="192.0.2.1")).name == "Renamed"
    assert len(source.asked) == 2


async def test_an_old_copy_counts_while_the_document_cannot_be_read(
    documents: ClientDocuments, source: CountingSource, world: AuthorizationWorld
) -> None:
    await documents.find(URL, address="192.0.2.1")
    source.fault = DocumentUnavailable("down")
    world.now += 3600
    assert (await documents.find(URL, address="192.0.2.1")).name == "Claude Code"
    world.repository.sweep(now=world.now + 86_400)
    with pytest.raises(UnknownClient):
        await documents.find(URL, address="192.0.2.1")


async def test_one_address_has_few_documents_fetched_in_a_minute(
    documents: ClientDocuments, source: CountingSource, world: AuthorizationWorld
) -> None:
    source.fault = DocumentUnavailable("down")
    for number in range(FETCHES_A_MINUTE + 5):
        with pytest.raises(UnknownClient):
            await documents.find(f"{URL}/{number}", address="192.0.2.1")
    assert len(source.asked) == FETCHES_A_MINUTE
    with pytest.raises(UnknownClient):
        await documents.find(URL, address="192.0.2.2")
    assert len(source.asked) == FETCHES_A_MINUTE + 1
    world.now += 61
    with pytest.raises(UnknownClient):
        await documents.find(URL, address="192.0.2.1")
    assert len(source.asked) == FETCHES_A_MINUTE + 2


def test_a_person_waits_four_seconds_at_most_for_a_document() -> None:
    """journeys/test_a_clients_document_never_comes.py shows that no wait is longer than these."""
    assert WAIT_SECONDS + TOTAL_SECONDS <= 4.0


async def test_no_more_than_two_are_fetched_at_once_and_the_others_are_told_to_come_again(
    documents: ClientDocuments, source: CountingSource
) -> None:
    source.go_on.clear()
    held = [asyncio.create_task(documents.find(URL, address=f"192.0.2.{number}")) for number in range(2)]
    await source.two.wait()
    with pytest.raises(UnknownClient, match="Try again"):
        await documents.find(URL, address="192.0.2.9")
    source.go_on.set()
    assert {client.name for client in await asyncio.gather(*held)} == {"Claude Code"}
    assert len(source.asked) == 2


async def test_an_authorization_request_and_its_tokens_need_the_document_once(
    world: AuthorizationWorld, documents: ClientDocuments, source: CountingSource
) -> None:
    registry = ClientRegistry(STORE, world.repository, key=KEY, documents=documents)
    world.server = AuthorizationServer(
        STORE, world.repository, registry, key=KEY, offered=lambda: world.offered, now=lambda: world.now
    )
    world.client_id = URL
    request = await world.authorize()
    assert isinstance(request, AuthorizationRequest)
    assert (request.client_kind, request.client_name, request.client_host) == ("document", "Claude Code", "claude.ai")
    code = await world.code()
    source.fault = DocumentUnavailable("down")
    world.now += 30
    answer = await world.redeem(code)
    world.now += 20 * 86_400
    world.repository.sweep(now=world.now)
    assert await world.refresh(answer["refresh_token"]), "the token endpoint never needs the document"
    assert len(source.asked) == 1
    (grant,) = world.repository.grants(STORE.id)
    assert (grant.client_name, grant.client_host) == ("Claude Code", "claude.ai")


async def test_a_foreign_redirect_and_a_blocked_client_are_refused_before_anything_is_fetched(
    world: AuthorizationWorld, documents: ClientDocuments, source: CountingSource
) -> None:
    registry = ClientRegistry(STORE, world.repository, key=KEY, documents=documents)
    server = AuthorizationServer(
        STORE, world.repository, registry, key=KEY, offered=lambda: world.offered, now=lambda: world.now
    )
    world.repository.block_client(STORE.id, URL, "document", now=world.now, by="ada")
    with pytest.raises(ClientRefused):
        await server.authorization_request(world.query(client_id=URL).encode())
    with pytest.raises(ClientRefused):
        await server.authorization_request(world.query(client_id=URL + "/2", redirect_uri="http://x/").encode())
    assert source.asked == []
    world.server = server
    with pytest.raises(EndpointRefusal) as refused:
        await world.refresh("sfr_x", client_id=URL)
    assert refused.value.status == 401
    with pytest.raises(EndpointRefusal) as unknown:
        await world.refresh("sfr_x", client_id=URL + "/2")
    assert unknown.value.code == "invalid_grant"
