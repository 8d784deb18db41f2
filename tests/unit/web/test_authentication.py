"""At the endpoint: guests need nothing, wrong credentials never become guests, and scopes decide what is seen."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.access.scopes import STOREFRONT_SCOPES
from storefront_mcp.commerce.store import Store
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.identity.redaction import redact_logs
from storefront_mcp.identity.store_verifier import StoreTokenVerifier
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.sse import MESSAGES_PATH, SseEndpoint
from storefront_mcp.web.streamable_http import StreamableHttpEndpoint
from tests.fakes.agent import MODERN, VERSIONS
from tests.fakes.memory_backend import NOW, OPEN, STORE, MemoryBackend, roadmap, shop_on
from tests.unit.identity.issuer import Issuer
from tests.unit.mcp.requests import asked, message
from tests.unit.uvicorn_protocol.connections import Wire, posted
from tests.unit.web.serving import ServedStore

GUARDED = "list_categories"
"""Stands for a tool that is not for everybody."""
NEEDED = "read:orders"
METADATA = 'resource_metadata="https://pickle.example/.well-known/oauth-protected-resource/mcp"'
INVALID = f'Bearer error="invalid_token", {METADATA}'


def guarded(under: Roadmap = OPEN) -> Roadmap:
    """A roadmap in which one tool takes a scope."""

    def asking(promise: Any) -> Any:
        return replace(promise, auth="required", scope=NEEDED) if promise.name == GUARDED else promise

    phases = tuple(
        replace(phase, manifest=replace(phase.manifest, tools=tuple(map(asking, phase.manifest.tools))))
        for phase in under.phases
    )
    return replace(under, phases=phases)


class AuthenticatedSites:
    """A store with an issuer and keys."""

    def __init__(self, keys: SqlApiKeyRepository, under: Roadmap, issuer: str = "https://login.example") -> None:
        self.keys = keys
        self.store: Store = replace(STORE, issuer=issuer)
        self.site = StoreSite(shop_on(MemoryBackend(), self.store), (), under)
        self.bearers = StoreTokenVerifier(
            store=self.store.id, resource=self.store.endpoint, keys=keys, issuer=issuer, now=utc_now
        )
        authenticator, origin_guard = (
            BearerAuthenticator(self.site, self.bearers),
            OriginGuard(self.site, now=lambda: NOW),
        )
        self.streams = SseEndpoint(self.site, origin_guard, authenticator)
        hosts = {self.store.host: self.site}
        self.app = HostRouter(
            hosts,
            {self.store.host: StreamableHttpEndpoint(self.site, origin_guard, authenticator)},
            ServedStore().show_pages,
            streams={self.store.host: self.streams},
        )

    def key(self, *scopes: str) -> str:
        new = mint_key(store=self.store.id, label="till", scopes=frozenset(scopes), by="ada", now=utc_now())
        self.keys.add(new.key, new.digest)
        return new.secret.reveal()

    async def send(self, verb: str, headers: dict[str, str], path: str = "/mcp", content: str = "") -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.store.origin) as client:
            return await client.request(verb, path, headers=headers, content=content)

    async def ask(self, method: str, version: str, token: str | None = None, **params: Any) -> httpx.Response:
        body, routing = asked(method, version, params)
        headers = {name.decode(): value.decode() for name, value in routing} | {"content-type": "application/json"}
        headers |= {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.send("POST", headers, content=json.dumps(body))

    async def tools(self, version: str, token: str | None = None) -> set[str]:
        answer = await self.ask("tools/list", version, token)
        assert answer.status_code == 200
        return {tool["name"] for tool in answer.json()["result"]["tools"]}


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[SqlApiKeyRepository]:
    database = Database(tmp_path / "storefront.db")
    yield SqlApiKeyRepository(database)
    database.close()


@pytest.fixture
def auth_sites(keys: SqlApiKeyRepository) -> AuthenticatedSites:
    return AuthenticatedSites(keys, guarded())


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_list_shows_what_its_caller_may_call(auth_sites: AuthenticatedSites, version: str) -> None:
    for everybody in (None, auth_sites.key(*STOREFRONT_SCOPES), auth_sites.key()):
        seen = await auth_sites.tools(version, everybody)
        assert GUARDED not in seen
        assert "search_products" in seen
    assert await auth_sites.tools(version, auth_sites.key(NEEDED)) == seen | {GUARDED}
    assert await auth_sites.tools(version, auth_sites.key(NEEDED, "read:sites")) == seen | {GUARDED}


async def test_lists_that_differ_are_for_one_caller_only(
    auth_sites: AuthenticatedSites, keys: SqlApiKeyRepository
) -> None:
    for token in (None, auth_sites.key(NEEDED)):
        answer = await auth_sites.ask("tools/list", *MODERN, token)
        assert answer.json()["result"]["cacheScope"] == "private"
        others = await auth_sites.ask("prompts/list", *MODERN, token)
        assert others.json()["result"]["cacheScope"] == "public"
    same_for_all = await AuthenticatedSites(keys, OPEN).ask("tools/list", *MODERN)
    assert same_for_all.json()["result"]["cacheScope"] == "public"


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_guest_is_asked_for_a_credential_where_a_tool_takes_one(
    auth_sites: AuthenticatedSites, version: str
) -> None:
    answer = await auth_sites.ask("tools/call", version, name=GUARDED, arguments={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer scope="{NEEDED}", {METADATA}'
    error = answer.json()["error"]
    assert (error["code"], error["data"]) == (-32603, {"code": "insufficient_scope", "required_scope": NEEDED})


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_smaller_scope_is_told_which_one_is_missing(auth_sites: AuthenticatedSites, version: str) -> None:
    for token in (
        auth_sites.key(*STOREFRONT_SCOPES),
        auth_sites.key("write:orders"),
        auth_sites.key("manage:workspace"),
    ):
        answer = await auth_sites.ask("tools/call", version, token, name=GUARDED, arguments={})
        assert answer.status_code == 403
        wanted = f'Bearer error="insufficient_scope", scope="{NEEDED}", {METADATA}'
        assert answer.headers["www-authenticate"] == wanted
        assert answer.json()["error"]["data"] == {"code": "insufficient_scope", "required_scope": NEEDED}


@pytest.mark.parametrize("version", VERSIONS)
async def test_who_may_calls_it(auth_sites: AuthenticatedSites, version: str) -> None:
    answer = await auth_sites.ask("tools/call", version, auth_sites.key(NEEDED), name=GUARDED, arguments={})
    assert answer.status_code == 200
    assert answer.json()["result"]["isError"] is False
    assert "www-authenticate" not in answer.headers


async def test_a_tool_that_is_closed_says_so_before_it_asks_for_anything(keys: SqlApiKeyRepository) -> None:
    closed = AuthenticatedSites(keys, guarded(roadmap("p2_cart")))
    answer = await closed.ask("tools/call", *MODERN, name=GUARDED, arguments={})
    assert answer.status_code == 200
    assert answer.json()["result"]["isError"] is True


async def test_in_an_array_each_answer_speaks_for_itself(auth_sites: AuthenticatedSites) -> None:
    body = [message("tools/call", {"name": GUARDED, "arguments": {}}), message("ping", request_id=2)]
    headers = {"content-type": "application/json", "mcp-protocol-version": "2025-03-26"}
    answer = await auth_sites.send("POST", headers, content=json.dumps(body))
    assert answer.status_code == 200
    assert [told.get("error", {}).get("data") for told in answer.json()] == [
        {"code": "insufficient_scope", "required_scope": NEEDED},
        None,
    ]


@pytest.mark.parametrize("verb", ["POST", "GET", "HEAD", "DELETE", "PUT"])
@pytest.mark.parametrize("value", ["Bearer sfm_nothing", "Basic YTpi", "Bearer", "Bearer a.b.c", ""])
async def test_a_wrong_credential_is_never_a_guest(auth_sites: AuthenticatedSites, verb: str, value: str) -> None:
    for path in ("/mcp", "/mcp/sse", "/mcp/sse/message"):
        answer = await auth_sites.send(verb, {"authorization": value, "origin": auth_sites.store.origin}, path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == INVALID
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["access-control-allow-origin"] == auth_sites.store.origin
        assert b"sfm_nothing" not in answer.content


async def test_a_revoked_key_is_no_guest(auth_sites: AuthenticatedSites) -> None:
    token = auth_sites.key(NEEDED)
    auth_sites.keys.revoke(auth_sites.store.id, token.split("_")[1])
    answer = await auth_sites.ask("tools/list", *MODERN, token)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, INVALID)


async def test_a_token_in_the_address_is_refused(auth_sites: AuthenticatedSites) -> None:
    for path in ("/mcp?access_token=x", "/mcp/sse?access_token=x"):
        answer = await auth_sites.send("GET", {}, path)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (
            400,
            f'Bearer error="invalid_request", {METADATA}',
        )
    assert (await auth_sites.send("GET", {}, "/mcp?utm_source=x")).status_code == 405


async def test_a_closed_endpoint_says_that_it_is_closed_whoever_asks(keys: SqlApiKeyRepository) -> None:
    closed = AuthenticatedSites(keys, roadmap())
    assert (await closed.send("POST", {"authorization": "nonsense"})).status_code == 503


async def test_without_a_door_no_credential_counts() -> None:
    served_store = ServedStore()
    answer = await served_store.ask("POST", "/mcp", {"authorization": "Bearer abc"}, content=b"{}")
    assert answer.status_code == 401


async def test_an_access_token_opens_what_its_scopes_say(keys: SqlApiKeyRepository) -> None:
    issuer = Issuer()
    auth_sites = AuthenticatedSites(keys, guarded(), issuer.url)
    token = issuer.token(aud=auth_sites.store.endpoint)
    assert GUARDED in await auth_sites.tools(*MODERN, token)
    assert (
        await auth_sites.ask("tools/list", *MODERN, issuer.token(aud="https://other.example/mcp"))
    ).status_code == 401
    issuer.close()
    await auth_sites.bearers.close()


async def test_an_issuer_that_is_silent_lets_nobody_in_and_no_one_fall(keys: SqlApiKeyRepository) -> None:
    issuer = Issuer()
    issuer.down = True
    auth_sites = AuthenticatedSites(keys, guarded(), issuer.url)
    answer = await auth_sites.ask("tools/list", *MODERN, issuer.token(aud=auth_sites.store.endpoint))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert (await auth_sites.ask("tools/list", *MODERN)).status_code == 200
    issuer.close()
    await auth_sites.bearers.close()


async def test_a_stream_belongs_to_whoever_opened_it(auth_sites: AuthenticatedSites) -> None:
    token = auth_sites.key(NEEDED)
    mine = [(b"authorization", f"Bearer {token}".encode())]
    wire = Wire()
    async with wire.open(auth_sites.app, headers=mine):
        kind, address = await wire.event()
        assert kind == "endpoint"
        assert address.startswith(MESSAGES_PATH)
        body = json.dumps(message("tools/call", {"name": GUARDED, "arguments": {}})).encode()
        assert (await posted(auth_sites.app, address, body))[0] == 404
        other = [(b"authorization", f"Bearer {auth_sites.key(NEEDED)}".encode())]
        assert (await posted(auth_sites.app, address, body, other))[0] == 404
        assert (await posted(auth_sites.app, address, body, mine))[0] == 202
        assert (await wire.message())["result"]["isError"] is False


async def test_planted_secrets_are_in_no_log_and_no_answer(
    auth_sites: AuthenticatedSites, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = logging.getLogRecordFactory()
    redact_logs()
    good, wrong = auth_sites.key(NEEDED), auth_sites.key(NEEDED)[:-12] + "AAAAAAAAAAAA"
    told: list[str] = []

    def broken(_id: str) -> None:
        raise RuntimeError(f"could not read {good}")

    with caplog.at_level(logging.DEBUG):
        for token in (good, wrong, "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"):
            told.append(await told_in_full(auth_sites.ask("tools/list", *MODERN, token)))
            told.append(await told_in_full(auth_sites.ask("tools/call", *MODERN, token, name="nothing", arguments={})))
            told.append(await told_in_full(auth_sites.send("GET", {}, f"/mcp?access_token={token}")))
            logging.getLogger("a.library").warning("request with %r failed", {"authorization": f"Bearer {token}"})
        monkeypatch.setattr(auth_sites.keys, "find", broken)
        unread = await auth_sites.ask("tools/list", *MODERN, auth_sites.key(NEEDED))
        assert (unread.status_code, unread.headers["retry-after"]) == (503, "5")
        told.append(unread.text)
    logging.setLogRecordFactory(before)
    written = caplog.text + "".join(told)
    for secret in (good, wrong, "c2lnbmF0dXJl"):
        assert secret.split("_")[-1][:20] not in written
    assert "a.library" in written
    assert "RuntimeError: could not read sfm_" in written


async def told_in_full(answering: Any) -> str:
    answer: httpx.Response = await answering
    return answer.text + repr(answer.headers)
