"""`/mcp/token`: who may manage keys mints, lists and revokes them; everybody else is told what is missing."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused
from storefront_mcp.access.scopes import MERCHANT_API_SCOPES
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.identity.store_verifier import StoreTokenVerifier
from storefront_mcp.web.api_key_routes import ApiKeyRoutes
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.body import MAX_BODY_BYTES
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from tests.fakes.memory_backend import OPEN, STORE, MemoryBackend, roadmap, shop_on
from tests.unit.web.serving import Layout, elsewhere

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
ISSUED = replace(STORE, issuer="https://login.example")
METADATA = 'resource_metadata="https://pickle.example/.well-known/oauth-protected-resource/mcp"'


class Odd:
    """An identity that answers what it is told to."""

    def __init__(self, answer: Caller | Exception) -> None:
        self.answer = answer

    async def caller(self, token: str) -> Caller:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class KeyRoutes:
    """One server with two stores, and keys to both."""

    def __init__(self, keys: SqlApiKeyRepository, *, under: Any = OPEN) -> None:
        self.keys = keys
        stores = (ISSUED, elsewhere())
        self.sites = {store.host: StoreSite(shop_on(MemoryBackend(), store), (), under) for store in stores}
        self.authenticators = {}
        for site in self.sites.values():
            bearers = StoreTokenVerifier(store=site.store.id, resource=site.store.endpoint, keys=keys, now=lambda: NOW)
            self.authenticators[site.store.id] = BearerAuthenticator(site, bearers)
        key_routes = ApiKeyRoutes(self.authenticators, keys, mint_key, now=lambda: NOW)
        pages = pages_app(
            paths=(), pages=ShopPages(Layout()), identifiers=(), media={}, lifespan=nothing, more=key_routes.routes()
        )
        self.app = HostRouter(self.sites, {}, pages)

    def key(self, *scopes: str, store: StoreId = ISSUED.id) -> str:
        new = mint_key(store=store, label="till", scopes=frozenset(scopes), by="ada", now=NOW)
        self.keys.add(new.key, new.digest)
        return new.secret.reveal()

    async def ask(
        self, method: str, path: str = "", token: str | None = None, *, host: str = ISSUED.host, **what: Any
    ) -> httpx.Response:
        headers = what.pop("headers", {}) | ({} if token is None else {"authorization": f"Bearer {token}"})
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{host}") as client:
            return await client.request(method, f"/mcp/token{path}", headers=headers, **what)


@contextlib.asynccontextmanager
async def nothing(_app: Litestar) -> AsyncIterator[None]:
    yield


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    database = Database(tmp_path / "storefront.db")
    yield lambda: database
    database.close()


@pytest.fixture
def key_routes(opened: Callable[[], Database]) -> KeyRoutes:
    return KeyRoutes(SqlApiKeyRepository(opened(), now=lambda: NOW))


async def test_a_locked_database_is_no_fault_of_ours_and_says_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront_mcp.database.sqlite.BUSY_TIMEOUT_SECONDS", 0.05)
    with contextlib.closing(Database(tmp_path / "storefront.db")) as database:
        routes = KeyRoutes(SqlApiKeyRepository(database, now=lambda: NOW))
        master, doomed = (routes.key("manage:api_keys") for _ in range(2))
        path = "/" + doomed.split("_")[1]
        with database.writing():
            answer = await routes.ask("DELETE", path, master)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["code"] == "shop_busy"
        assert "Try again in 5 seconds" in answer.json()["detail"]
        assert (await routes.ask("GET", token=doomed)).status_code == 200, "nothing was changed"
        assert (await routes.ask("DELETE", path, master)).status_code == 200


async def test_who_may_manage_keys_mints_one_that_counts_at_once(key_routes: KeyRoutes) -> None:
    token = key_routes.key("manage:api_keys", "read:orders")
    wish = {"label": "report", "scopes": ["read:orders"], "expires_in_days": 7}
    answer = await key_routes.ask("POST", token=token, json=wish)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token"].startswith(f"sfm_{body['id']}_")
    assert (body["label"], body["scopes"], body["expires_at"]) == ("report", ["read:orders"], "2026-11-08T00:00:00Z")
    assert body["created_by"].startswith("key:")
    assert (await key_routes.ask("GET", token=body["token"])).status_code == 403, "it counts, and may less"


async def test_an_empty_wish_is_a_year_of_what_its_minter_may_of_running_a_shop(key_routes: KeyRoutes) -> None:
    body = (
        await key_routes.ask("POST", token=key_routes.key("manage:api_keys", *MERCHANT_API_SCOPES, "delete:sites"))
    ).json()
    assert set(body["scopes"]) == MERCHANT_API_SCOPES
    assert body["expires_at"] == "2027-11-01T00:00:00Z"
    nothing_to_give = await key_routes.ask("POST", token=key_routes.key("manage:api_keys"))
    assert nothing_to_give.status_code == 400


@pytest.mark.parametrize("label", ["", "a\nb", "a\x1b[2Jb", "a\x9bb", "a\u202eb", "x" * 101])
async def test_a_label_is_one_line_that_can_be_read(key_routes: KeyRoutes, label: str) -> None:
    token = key_routes.key("manage:api_keys", "read:orders")
    answer = await key_routes.ask("POST", token=token, json={"label": label, "scopes": ["read:orders"]})
    assert answer.status_code == 400
    named = await key_routes.ask("POST", token=token, json={"label": "Kasse 3, Süd", "scopes": ["read:orders"]})
    assert named.json()["label"] == "Kasse 3, Süd"


async def test_nobody_hands_on_more_than_they_have(key_routes: KeyRoutes) -> None:
    answer = await key_routes.ask(
        "POST", token=key_routes.key("manage:api_keys"), json={"scopes": ["manage:api_keys", "merchant"]}
    )
    assert answer.status_code == 403
    assert "your credential lacks read:sites" in answer.json()["detail"]
    assert len(key_routes.keys.list()) == 1


async def test_guests_are_asked_for_a_credential(key_routes: KeyRoutes) -> None:
    for method, path in (("POST", ""), ("GET", ""), ("DELETE", "/some")):
        answer = await key_routes.ask(method, path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == f'Bearer scope="manage:api_keys", {METADATA}'
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_smaller_scope_is_told_which_one_is_missing(key_routes: KeyRoutes) -> None:
    answer = await key_routes.ask("GET", token=key_routes.key("read:orders"))
    assert answer.status_code == 403
    wanted = f'Bearer error="insufficient_scope", scope="manage:api_keys", {METADATA}'
    assert answer.headers["www-authenticate"] == wanted


@pytest.mark.parametrize(
    "value",
    [
        *("Bearer", "Bearer ", "Basic dXM6aGVyZQ==", "Bearer a b", "bearer\tabc", "Bearer caf\xe9", "Bearer ,", ""),
        *("Bearer sfm_x", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer " + "x" * 9000, "nonsense", "Bearer =a"),
    ],
)
async def test_a_malformed_or_wrong_credential_is_never_a_guest(key_routes: KeyRoutes, value: str) -> None:
    answer = await key_routes.ask("GET", headers={"authorization": value.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer error="invalid_token", {METADATA}'


async def test_two_credentials_are_none(key_routes: KeyRoutes) -> None:
    token = key_routes.key("manage:api_keys")
    transport = httpx.ASGITransport(key_routes.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://pickle.example") as client:
        twice = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
        assert (await client.get("/mcp/token", headers=twice)).status_code == 401


async def test_the_word_bearer_may_be_written_in_any_case(key_routes: KeyRoutes) -> None:
    token = key_routes.key("manage:api_keys")
    assert (await key_routes.ask("GET", headers={"authorization": f"bEARER  {token} "})).status_code == 200


@pytest.mark.parametrize("query", ["access_token=abc", "x=1&access%5Ftoken=abc", "access_token"])
async def test_a_token_in_an_address_is_refused_even_if_it_is_sent_well_too(key_routes: KeyRoutes, query: str) -> None:
    answer = await key_routes.ask("GET", f"?{query}", key_routes.key("manage:api_keys"))
    assert answer.status_code == 400
    assert answer.headers["www-authenticate"] == f'Bearer error="invalid_request", {METADATA}'


async def test_the_challenge_points_to_metadata_only_where_there_are_any(opened: Callable[[], Database]) -> None:
    closed = KeyRoutes(SqlApiKeyRepository(opened()), under=roadmap())
    assert (await closed.ask("GET")).headers["www-authenticate"] == 'Bearer scope="manage:api_keys"'
    without_issuer = await KeyRoutes(SqlApiKeyRepository(opened())).ask("GET", host="other.example")
    assert without_issuer.headers["www-authenticate"] == 'Bearer scope="manage:api_keys"'


async def test_a_silent_issuer_is_no_refusal_and_no_admission(key_routes: KeyRoutes) -> None:
    key_routes.authenticators[ISSUED.id]._verifier = Odd(CredentialCheckUnavailable("no keys", retry_after=10))  # type: ignore[assignment]
    answer = await key_routes.ask("GET", token="some-token")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "www-authenticate" not in answer.headers


async def test_the_reason_of_a_refusal_is_told(key_routes: KeyRoutes) -> None:
    key_routes.authenticators[ISSUED.id]._verifier = Odd(CredentialRefused("It is over."))  # type: ignore[assignment]
    assert (await key_routes.ask("GET", token="some-token")).json()["detail"].startswith("It is over.")


async def test_each_store_has_keys_of_its_own(key_routes: KeyRoutes) -> None:
    ours, theirs = key_routes.key("manage:api_keys"), key_routes.key("manage:api_keys", store=StoreId("other"))
    assert (await key_routes.ask("GET", token=theirs)).status_code == 401
    listed = (await key_routes.ask("GET", token=ours)).json()["keys"]
    assert [key["id"] for key in listed] == [ours.split("_")[1]]
    assert (await key_routes.ask("DELETE", f"/{theirs.split('_')[1]}", ours)).status_code == 404
    assert (await key_routes.ask("GET", token=theirs, host="other.example")).status_code == 200


async def test_a_list_shows_everything_but_the_keys(key_routes: KeyRoutes) -> None:
    token = key_routes.key("manage:api_keys")
    answer = await key_routes.ask("GET", token=token)
    assert answer.status_code == 200
    (key,) = answer.json()["keys"]
    assert (key["standing"], key["label"], key["revoked_at"]) == ("valid", "till", None)
    assert token.split("_")[2][:12] not in answer.text


async def test_a_key_is_revoked_for_good(key_routes: KeyRoutes) -> None:
    token, other = key_routes.key("manage:api_keys"), key_routes.key("manage:api_keys")
    answer = await key_routes.ask("DELETE", f"/{other.split('_')[1]}", token)
    assert (answer.status_code, answer.json()["revoked_at"]) == (200, "2026-11-01T00:00:00Z")
    assert (await key_routes.ask("GET", token=other)).status_code == 401
    assert (await key_routes.ask("DELETE", "/nobody", token)).status_code == 404


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
        ({"json": {"label": ""}}, 400),
        ({"json": {"label": "x" * 101}}, 400),
        ({"json": {"expires_in_days": 0}}, 400),
        ({"json": {"expires_in_days": 3651}}, 400),
        ({"json": {"scope": "merchant"}}, 400),
        ({"json": {"scopes": ["read:everything"]}}, 400),
        ({"json": {"scopes": []}}, 400),
        ({"content": b"label=x", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 415),
        ({"content": b"\xff", "headers": {"content-type": "application/json"}}, 400),
        ({"content": b" " * (MAX_BODY_BYTES + 1), "headers": {"content-type": "application/json"}}, 413),
    ],
)
async def test_a_wish_that_cannot_be_granted_is_explained(
    key_routes: KeyRoutes, what: dict[str, Any], status: int
) -> None:
    answer = await key_routes.ask("POST", token=key_routes.key("manage:api_keys", "read:orders"), **what)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert len(key_routes.keys.list()) == 1


async def test_other_peoples_pages_may_not_ask_for_keys(key_routes: KeyRoutes) -> None:
    token = key_routes.key("manage:api_keys", "read:orders")
    assert (await key_routes.ask("POST", token=token, headers={"origin": "https://evil.example"})).status_code == 403
    own = await key_routes.ask(
        "POST", token=token, headers={"origin": "https://pickle.example"}, json={"scopes": ["read:orders"]}
    )
    assert own.status_code == 201
