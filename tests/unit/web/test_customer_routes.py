"""`/mcp/customers/revoke`: a shop that says whose password changed voids their tokens, and nobody else's."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.identity.store_verifier import StoreTokenVerifier
from storefront_mcp.oauth.customer_grants import CustomerGrants
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.body import MAX_BODY_BYTES
from storefront_mcp.web.customer_routes import REVOKE_PATH, customer_routes
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.site import StoreSite
from tests.fakes.memory_backend import OPEN, STORE, MemoryBackend, shop_on
from tests.unit.database.oauth_samples import NOW, exchange, granted, repository, tokens
from tests.unit.web.serving import Layout, elsewhere

pytestmark = pytest.mark.slow

ELSEWHERE = elsewhere()
ADA = "ada@pickle.example"
MAY = ("manage:grants",)


@contextlib.asynccontextmanager
async def nothing(_app: Litestar) -> AsyncIterator[None]:
    yield


class RevokingServer:
    """A server whose first store signs customers in; customers 4 and 5 let an agent do something."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = SqlApiKeyRepository(database)
        self.record: SqlOAuthRepository = repository(database)
        sites = {store.host: StoreSite(shop_on(MemoryBackend(), store), (), OPEN) for store in (STORE, ELSEWHERE)}
        now = dt.datetime.fromtimestamp(NOW, dt.UTC)
        self.now = now
        authenticators = {
            site.store.id: BearerAuthenticator(
                site,
                StoreTokenVerifier(store=site.store.id, resource=site.store.endpoint, keys=self.keys, now=lambda: now),
            )
            for site in sites.values()
        }
        grants = CustomerGrants(
            STORE.id,
            self.record,
            subject_of=lambda customer: f"subject-{customer}",
            mailbox_of=lambda email: f"mailbox-{'4' if email == ADA else 'of nobody'}",
            now=lambda: NOW,
        )
        pages = pages_app(
            paths=(),
            pages=ShopPages(Layout()),
            identifiers=(),
            media={},
            lifespan=nothing,
            more=customer_routes(authenticators, {STORE.id: grants}),
        )
        self.app = HostRouter(sites, {}, pages)
        self.tokens: dict[str, str] = {}
        for customer in ("4", "5"):
            self.grant(customer, customer)

    def grant(self, id_: str, customer: str) -> None:
        granted(self.record, id_, customer=customer, subject=f"subject-{customer}", mailbox=f"mailbox-{customer}")
        self.tokens[id_] = self.record.redeem_code(exchange(f"code-{id_}"), tokens(), now=NOW).decode().split()[0]

    def valid(self) -> set[str]:
        """Grants whose access token counts."""
        found = {id_: self.record.find_token(secret_digest(token)) for id_, token in self.tokens.items()}
        return {id_ for id_, token in found.items() if token is not None and token.is_valid(NOW)}

    def key(self, *scopes: str, store: StoreId = STORE.id) -> str:
        new = mint_key(store=store, label="shop", scopes=frozenset(scopes), by="ada", now=self.now)
        self.keys.add(new.key, new.digest)
        return new.secret.reveal()

    async def ask(self, body: Any, token: str | None = None, *, host: str = STORE.host, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {}) | ({} if token is None else {"authorization": f"Bearer {token}"})
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{host}") as client:
            return await client.post(REVOKE_PATH, headers=headers, **sent)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RevokingServer]:
    database = Database(tmp_path / "storefront.db")
    yield RevokingServer(database)
    database.close()


@pytest.mark.parametrize("whose", [{"customer": "4"}, {"customer": 4}, {"email": ADA}])
async def test_the_tokens_of_one_customer_are_void_and_those_of_others_are_not(
    server: RevokingServer, whose: dict[str, Any]
) -> None:
    server.grant("4 at another agent", "4")
    assert server.valid() == {"4", "4 at another agent", "5"}

    answer = await server.ask(whose, server.key(*MAY))

    assert (answer.status_code, answer.json()) == (200, {"ended": 2})
    assert answer.headers["cache-control"] == "no-store"
    assert server.valid() == {"5"}
    entries = [one.entry for one in AuditLog(server.database).read(store=STORE.id) if one.entry.what == "grant.ended"]
    assert [(one.who.kind, one.details["why"]) for one in entries] == [("operator", "password")] * 2


async def test_what_is_granted_afterwards_counts(server: RevokingServer) -> None:
    await server.ask({"customer": "4"}, server.key(*MAY))
    server.grant("4 again", "4")

    assert server.valid() == {"4 again", "5"}


async def test_everybody_s_tokens_are_void_at_once_and_only_when_that_is_said(server: RevokingServer) -> None:
    key = server.key("manage:workspace")
    for unclear in ({}, {"everybody": False}, {"everybody": True, "customer": "4"}, {"customer": ""}, {"email": ""}):
        assert (await server.ask(unclear, key)).status_code == 400
    assert server.valid() == {"4", "5"}

    assert (await server.ask({"everybody": True}, key)).json() == {"ended": 2}
    assert server.valid() == set()


async def test_nobody_is_no_error_so_that_a_shop_may_tell_of_all_its_customers(server: RevokingServer) -> None:
    key = server.key(*MAY)

    assert (await server.ask({"customer": "6"}, key)).json() == {"ended": 0}
    assert (await server.ask({"email": "nobody@pickle.example"}, key)).json() == {"ended": 0}
    assert server.valid() == {"4", "5"}


async def test_only_who_may_end_grants_of_this_store_is_heard(server: RevokingServer) -> None:
    whose = {"customer": "4"}
    access = server.tokens["4"]

    assert (await server.ask(whose)).status_code == 401
    assert (await server.ask(whose, server.key("manage:api_keys", "write:customers"))).status_code == 403
    assert (await server.ask(whose, server.key(*MAY, store=ELSEWHERE.id))).status_code == 401
    assert (await server.ask(whose, access)).status_code == 401
    elsewhere_ = await server.ask(whose, server.key(*MAY, store=ELSEWHERE.id), host=ELSEWHERE.host)
    assert elsewhere_.status_code == 404
    page = await server.ask(whose, server.key(*MAY), headers={"origin": "https://evil.example"})
    assert page.status_code == 403
    assert server.valid() == {"4", "5"}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"customer": {"id": 4}}', "application/json", 400),
        (b'{"customer": "4", "reason": "x"}', "application/json", 400),
        (b'{"customer": "' + b"4" * 201 + b'"}', "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"customer=4", "application/x-www-form-urlencoded", 415),
        (b" " * (MAX_BODY_BYTES + 1), "application/json", 413),
    ],
)
async def test_what_names_nobody_changes_nothing(server: RevokingServer, body: bytes, kind: str, status: int) -> None:
    answer = await server.ask(body, server.key(*MAY), headers={"content-type": kind})

    assert answer.status_code == status
    assert server.valid() == {"4", "5"}
