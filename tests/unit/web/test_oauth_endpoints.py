"""`/oauth/token`, `/oauth/register` and `/oauth/revoke` over HTTP: forms in, JSON out, for pages of any origin too."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import pytest

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.oauth_endpoints import OAuthEndpoints
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from tests.fakes.memory_backend import OPEN, STORE, MemoryBackend, shop_on
from tests.unit.oauth.authorizing import REDIRECT, VERIFIER, AuthorizationWorld
from tests.unit.web.serving import Layout, elsewhere
from tests.unit.web.test_api_key_routes import nothing

pytestmark = pytest.mark.slow

FORM = "application/x-www-form-urlencoded"


class EndpointWorld:
    """A server of two stores, at one of which customers sign in."""

    def __init__(self, database: Database) -> None:
        self.world = AuthorizationWorld(database)
        self.address = "192.0.2.1"
        sites = {store.host: StoreSite(shop_on(MemoryBackend(), store), (), OPEN) for store in (STORE, elsewhere())}
        routes = OAuthEndpoints({STORE.id: self.world.server}, lambda *_: self.address).routes()
        pages = pages_app(paths=(), pages=ShopPages(Layout()), identifiers=(), media={}, lifespan=nothing, more=routes)
        self.app = HostRouter(sites, {}, pages)

    async def ask(self, path: str, *, method: str = "POST", host: str = STORE.host, **what: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=f"https://{host}") as client:
            return await client.request(method, f"/oauth/{path}", **what)

    async def token(self, body: bytes | str, kind: str = FORM) -> httpx.Response:
        return await self.ask("token", content=body, headers={"content-type": kind})

    async def code_form(self, **changes: str | None) -> dict[str, str]:
        form = {
            "grant_type": "authorization_code",
            "code": await self.world.code(),
            "code_verifier": VERIFIER,
            "redirect_uri": REDIRECT,
            "client_id": self.world.client_id,
            "resource": STORE.endpoint,
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}

    async def refresh_form(self, **changes: str | None) -> dict[str, str]:
        answer = await self.world.redeem(await self.world.code())
        form = {
            "grant_type": "refresh_token",
            "refresh_token": answer["refresh_token"],
            "client_id": self.world.client_id,
            "resource": STORE.endpoint,
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EndpointWorld]:
    database = Database(tmp_path / "storefront.db")
    yield EndpointWorld(database)
    database.close()


async def test_a_code_is_redeemed_and_the_token_renewed(server: EndpointWorld) -> None:
    answer = await server.ask("token", data=await server.code_form())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    renewal = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    again = await server.ask("token", data=renewal | {"client_id": server.world.client_id})
    assert again.status_code == 200
    assert again.json()["access_token"] != answer.json()["access_token"]


HUGE = "x" * 10_240


@pytest.mark.parametrize(
    ("name", "value", "status", "error"),
    [
        ("grant_type", None, 400, "invalid_request"),
        ("grant_type", "", 400, "invalid_request"),
        ("grant_type", "password", 400, "unsupported_grant_type"),
        ("grant_type", HUGE, 400, "invalid_request"),
        ("client_id", None, 401, "invalid_client"),
        ("client_id", "", 401, "invalid_client"),
        ("client_id", "unknown", 401, "invalid_client"),
        ("client_id", "a\x00b", 401, "invalid_client"),
        ("client_id", "ü", 401, "invalid_client"),
        ("client_id", HUGE, 400, "invalid_request"),
        ("client_id", "ucp-agent", 400, "invalid_grant"),
        ("code", None, 400, "invalid_request"),
        ("code", "", 400, "invalid_request"),
        ("code", "sfc_unknown", 400, "invalid_grant"),
        ("code", "\x00\ud7ff", 400, "invalid_grant"),
        ("code", HUGE, 400, "invalid_request"),
        ("code_verifier", None, 400, "invalid_request"),
        ("code_verifier", "x" * 42, 400, "invalid_grant"),
        ("code_verifier", "x" * 43, 400, "invalid_grant"),
        ("code_verifier", "x" * 129, 400, "invalid_grant"),
        ("code_verifier", VERIFIER[:-1] + "ü", 400, "invalid_grant"),
        ("redirect_uri", None, 400, "invalid_request"),
        ("redirect_uri", REDIRECT.replace("4711", "4712"), 400, "invalid_grant"),
        ("redirect_uri", REDIRECT + "/", 400, "invalid_grant"),
        ("resource", "https://paddle.example/mcp", 400, "invalid_target"),
        ("resource", STORE.endpoint + "/account", 400, "invalid_target"),
        ("resource", "no url", 400, "invalid_target"),
        ("resource", None, 200, None),
        ("resource", STORE.origin, 200, None),
        ("resource", STORE.endpoint + "/", 200, None),
        ("unknown", "x", 200, None),
    ],
)
async def test_each_parameter_of_a_code_exchange_is_taken_or_refused_without_using_the_code_up(
    server: EndpointWorld, name: str, value: str | None, status: int, error: str | None
) -> None:
    form = await server.code_form()
    changed = {key: text for key, text in (form | {name: value}).items() if text is not None}
    answer = await server.ask("token", data=changed)
    assert (answer.status_code, answer.json().get("error")) == (status, error)
    assert "www-authenticate" not in answer.headers
    if error is not None:
        assert answer.json()["error_description"]
        assert (await server.ask("token", data=form)).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "status", "error"),
    [
        ("client_id", None, 401, "invalid_client"),
        ("client_id", "unknown", 401, "invalid_client"),
        ("client_id", "ucp-agent", 400, "invalid_grant"),
        ("refresh_token", None, 400, "invalid_request"),
        ("refresh_token", "", 400, "invalid_request"),
        ("refresh_token", "sfr_unknown", 400, "invalid_grant"),
        ("refresh_token", HUGE, 400, "invalid_request"),
        ("resource", "https://paddle.example/mcp", 400, "invalid_target"),
        ("resource", None, 200, None),
        ("scope", "orders:read", 200, None),
        ("scope", "orders:read orders:write manage:workspace", 200, None),
        ("scope", "", 200, None),
        ("scope", HUGE, 400, "invalid_request"),
    ],
)
async def test_each_parameter_of_a_refresh_is_taken_or_refused_without_using_the_token_up(
    server: EndpointWorld, name: str, value: str | None, status: int, error: str | None
) -> None:
    form = await server.refresh_form()
    changed = {key: text for key, text in (form | {name: value}).items() if text is not None}
    answer = await server.ask("token", data=changed)
    assert (answer.status_code, answer.json().get("error")) == (status, error)
    if error is None:
        assert set(answer.json()["scope"].split()) <= {"orders:read", "checkout"}
    else:
        assert (await server.ask("token", data=form)).status_code == 200


@pytest.mark.parametrize("name", ["grant_type", "client_id", "code", "code_verifier", "redirect_uri", "resource", "x"])
async def test_a_parameter_that_comes_twice_is_refused(server: EndpointWorld, name: str) -> None:
    form = await server.code_form(x="1")
    answer = await server.token(f"{urlencode(form)}&{urlencode({name: form[name]})}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("", b"grant_type=refresh_token"),
        ("multipart/form-data; boundary=x", b"--x--"),
        (FORM, b""),
        (FORM, b"\xff=\xfe"),
        (FORM, b"%ff=%ff"),
        (FORM, b"a=b&" * 100),
        (FORM, b"x=" + b"y" * 20_000),
    ],
)
async def test_what_is_no_form_is_refused(server: EndpointWorld, kind: str, body: bytes) -> None:
    answer = await server.token(body, kind)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


ODD_VALUES = (
    "",
    " ",
    "\x00",
    "\n",
    "ü",
    "%",
    "\ud7ff",
    "none",
    HUGE,
    VERIFIER,
    REDIRECT,
    "https://paddle.example/mcp",
    "sfr_1_2",
)
"""Empty, huge, wrong, or what another parameter holds; besides, each is left out and sent twice."""
TWICE = "twice"
KNOWN_ERRORS = {"invalid_request", "invalid_client", "invalid_grant", "invalid_target", "unsupported_grant_type"}


@pytest.mark.parametrize("kind", ["code", "refresh", "revoke"])
async def test_whatever_stands_in_a_form_is_answered_in_json_with_an_error_of_the_standards(
    server: EndpointWorld, kind: str
) -> None:
    async def good() -> dict[str, str]:
        if kind == "code":
            return await server.code_form()
        form = await server.refresh_form()
        return form if kind == "refresh" else {"token": form["refresh_token"], "client_id": form["client_id"]}

    form, path = await good(), "revoke" if kind == "revoke" else "token"
    for name in (*form, "scope", "client_secret", "client_assertion", "client_assertion_type", "token_type_hint"):
        for value in (None, TWICE, *ODD_VALUES):
            changed = {key: text for key, text in (form | {name: value}).items() if text is not None}
            body = urlencode(changed) + (f"&{name}=x" if value == TWICE else "")
            answer = await server.ask(path, content=body, headers={"content-type": FORM})
            assert answer.status_code in {200, 400, 401}, (name, value)
            assert "location" not in answer.headers
            if answer.status_code != 200:
                assert answer.json()["error"] in KNOWN_ERRORS, (name, value)
            elif kind != "revoke":
                form = await good()


@pytest.mark.parametrize(
    "value", [None, "", " ", "\x00", HUGE, 7, True, [], {}, [None], [[]], {"a": "b"}, "none", 1e300]
)
async def test_whatever_stands_in_a_registration_is_taken_or_refused_in_json(server: EndpointWorld, value: Any) -> None:
    good = {"redirect_uris": [REDIRECT], "client_name": "Codex"}
    others = ("grant_types", "response_types", "token_endpoint_auth_method", "scope", "application_type", "jwks", "x")
    for number, name in enumerate((*good, *others)):
        server.address = f"192.0.2.{number}"
        answer = await server.ask("register", json=good | {name: value})
        told = answer.json()
        assert answer.status_code in {201, 400}, name
        if answer.status_code == 201:
            assert told["redirect_uris"] == [REDIRECT]
            assert "client_secret" not in told
            assert None not in told.values()
        else:
            assert told["error"] in {"invalid_redirect_uri", "invalid_client_metadata"}, name


SECRET = "planted+secret/of=32:characters!!"


def basic(id_: str, secret: str) -> str:
    """HTTP Basic as RFC 6749 §2.3.1 has it: both are form-encoded first."""
    return "Basic " + base64.b64encode(f"{quote_plus(id_)}:{quote_plus(secret)}".encode()).decode()


@pytest.mark.parametrize(
    ("fields", "header", "status", "error"),
    [
        ({"client_secret": SECRET}, None, 200, None),
        ({}, basic("shop-partner", SECRET), 200, None),
        ({"client_id": None}, basic("shop-partner", SECRET), 200, None),
        ({}, None, 401, "invalid_client"),
        ({"client_secret": ""}, None, 401, "invalid_client"),
        ({"client_secret": SECRET + "x"}, None, 401, "invalid_client"),
        ({"client_secret": "é"}, None, 401, "invalid_client"),
        ({}, basic("shop-partner", "wrong"), 401, "invalid_client"),
        ({}, basic("ucp-agent", SECRET), 401, "invalid_client"),
        ({}, "Basic %%%", 401, "invalid_client"),
        ({}, f"Bearer {SECRET}", 401, "invalid_client"),
        ({"client_secret": SECRET}, basic("shop-partner", SECRET), 400, "invalid_request"),
    ],
)
async def test_a_client_with_a_secret_says_it_in_the_form_or_the_header(
    server: EndpointWorld, fields: dict[str, str | None], header: str | None, status: int, error: str | None
) -> None:
    redirect = {"client_id": "shop-partner", "redirect_uri": "https://partner.example/cb"}
    form = await server.code_form(code=await server.world.code(**redirect), **redirect)
    sent = {name: value for name, value in (form | fields).items() if value is not None}
    answer = await server.ask("token", data=sent, headers={} if header is None else {"authorization": header})

    assert (answer.status_code, answer.json().get("error")) == (status, error)
    assert ("www-authenticate" in answer.headers) is (status == 401 and header is not None)
    if error is not None:
        again = await server.ask("token", data=form | {"client_secret": SECRET})
        assert again.status_code == 200, "a wrong secret uses no code up"


async def test_a_public_client_may_send_what_it_likes_as_a_secret(server: EndpointWorld) -> None:
    form = await server.code_form(client_secret="made-up")
    answer = await server.ask("token", data=form, headers={"authorization": basic("somebody else", "x")})
    assert answer.status_code == 200


async def test_a_token_is_revoked_and_so_is_an_unknown_one(server: EndpointWorld) -> None:
    form = await server.refresh_form()
    sent = {"token": form["refresh_token"], "client_id": form["client_id"], "token_type_hint": "refresh_token"}
    for _ in range(2):
        assert (await server.ask("revoke", data=sent)).status_code == 200
    assert (await server.ask("token", data=form)).json()["error"] == "invalid_grant"
    answer = await server.ask("revoke", data=sent | {"client_id": "unknown"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await server.ask("revoke", data={"client_id": form["client_id"]})).status_code == 400


async def test_a_client_registers_itself_while_anybody_can_sign_in(server: EndpointWorld) -> None:
    metadata = {"redirect_uris": [REDIRECT], "client_name": "Codex", "token_endpoint_auth_method": "none"}
    answer = await server.ask("register", json=metadata)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "client_id": server.world.client_id,
        "client_id_issued_at": int(server.world.now),
        "client_name": "Codex",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
    refused = await server.ask("register", json={"redirect_uris": ["http://plain.example/"]})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri")
    server.world.offered = ()
    assert (await server.ask("register", json=metadata)).status_code == 404


async def test_one_address_registers_twenty_times_a_minute_and_nothing_of_it_is_stored(
    server: EndpointWorld, tmp_path: Path
) -> None:
    before = (tmp_path / "storefront.db").read_bytes(), (tmp_path / "storefront.db-wal").read_bytes()
    metadata = [{"redirect_uris": [f"https://agent-{number}.example/cb"]} for number in range(22)]
    statuses = [(await server.ask("register", json=one)).status_code for one in metadata]
    assert statuses == [201] * 20 + [429] * 2
    answer = await server.ask("register", json=metadata[0])
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "60"
    server.address = "192.0.2.2"
    assert (await server.ask("register", json=metadata[0])).status_code == 201
    server.address, server.world.now = "192.0.2.1", server.world.now + 60
    assert (await server.ask("register", json=metadata[0])).status_code == 201
    assert before == ((tmp_path / "storefront.db").read_bytes(), (tmp_path / "storefront.db-wal").read_bytes())


async def test_a_token_is_renewed_while_the_phase_is_paused(server: EndpointWorld) -> None:
    form = await server.refresh_form()
    server.world.offered = ()
    assert (await server.ask("token", data=form)).status_code == 200


async def test_a_busy_database_uses_nothing_up(server: EndpointWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    form = await server.refresh_form()
    with monkeypatch.context() as patched:

        def busy(*_: object, **__: object) -> bytes:
            raise ShopBusy(retry_after=5)

        patched.setattr(server.world.repository, "rotate_refresh", busy)
        answer = await server.ask("token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert (await server.ask("token", data=form)).status_code == 200


@pytest.mark.parametrize("path", ["token", "register", "revoke"])
async def test_pages_of_other_origins_may_ask_first(server: EndpointWorld, path: str) -> None:
    answer = await server.ask(path, method="OPTIONS", headers={"origin": "https://inspector.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", ["token", "register", "revoke"])
async def test_a_store_without_sign_in_has_none_of_it(server: EndpointWorld, path: str) -> None:
    for method in ("POST", "OPTIONS"):
        answer = await server.ask(path, method=method, host=elsewhere().host, content=json.dumps({}))
        assert answer.status_code == 404
    assert (await server.ask(path, method="GET")).status_code == 405
