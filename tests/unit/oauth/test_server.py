"""The whole way of a client: registered, authorized by a person, with tokens that count, are renewed and end."""

import asyncio
import contextlib
import datetime as dt
import json
from pathlib import Path

import pytest

from storefront_mcp.access.credentials import CredentialRefused
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.identity.buyer_tokens import TOKEN_TTL_SECONDS, BuyerTokenVerifier
from storefront_mcp.oauth.clients import kind_of_client, registered_client
from storefront_mcp.oauth.errors import ClientRefused, EndpointRefusal
from storefront_mcp.oauth.sign_in_steps import SignInEnded
from storefront_mcp.oauth.token_requests import FormParameters
from storefront_mcp.records.oauth import StoredToken
from tests.fakes.memory_backend import STORE
from tests.unit.oauth.authorizing import KEY, REDIRECT, AuthorizationWorld

pytestmark = pytest.mark.slow


def verifier(world: AuthorizationWorld, store: StoreId = STORE.id) -> BuyerTokenVerifier:
    """Without a cache, as the clock of it moves on at each look."""
    ticks = iter(range(1, 10_000))
    return BuyerTokenVerifier(
        store,
        world.repository,
        now=lambda: dt.datetime.fromtimestamp(world.now, dt.UTC),
        clock=lambda: float(next(ticks)),
    )


async def test_a_permission_becomes_tokens_that_are_a_customers_at_the_door(world: AuthorizationWorld) -> None:
    answer = await world.redeem(await world.code())
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 3600, "orders:read checkout")
    door = verifier(world)
    caller = await door.caller(answer["access_token"])
    assert (caller.kind, caller.scopes) == ("customer", frozenset({"orders:read", "checkout"}))
    assert caller.client == "Codex"
    assert caller.principal == world.server.subject("4")
    (grant,) = world.repository.grants(STORE.id)
    assert (caller.grant, caller.store) == (grant.id, STORE.id)
    assert grant.id in answer["access_token"]
    await door.close()
    assert world.repository.grants(STORE.id)[0].last_used_at is not None


async def test_a_token_counts_at_its_own_store_and_as_what_it_is(world: AuthorizationWorld) -> None:
    answer = await world.redeem(await world.code())
    with pytest.raises(CredentialRefused, match="not known"):
        await verifier(world, StoreId("paddle")).caller(answer["access_token"])
    for text in (answer["refresh_token"], answer["access_token"][:-1], "sfa_", "sfa_" + "x" * 60):
        with pytest.raises(CredentialRefused, match="cut off"):
            await verifier(world).caller(text)


async def test_calls_of_one_token_cost_one_look_each_half_second_and_its_end_counts_within_one(
    world: AuthorizationWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await world.redeem(await world.code())
    looks: list[bytes] = []
    clock = [0.0]
    find_token = world.repository.find_token

    def counted(digest: bytes) -> StoredToken | None:
        looks.append(digest)
        return find_token(digest)

    monkeypatch.setattr(world.repository, "find_token", counted)
    door = BuyerTokenVerifier(
        STORE.id,
        world.repository,
        now=lambda: dt.datetime.fromtimestamp(world.now, dt.UTC),
        clock=lambda: clock[0],
    )
    for calls in (1, 2):
        # All at once, and one after the other.
        await asyncio.gather(*(door.caller(answer["access_token"]) for _ in range(100)))
        for _ in range(100):
            assert (await door.caller(answer["access_token"])).kind == "customer"
        assert len(looks) == calls
        clock[0] += TOKEN_TTL_SECONDS

    # Another worker hears of a new password.
    await door.caller(answer["access_token"])
    with contextlib.closing(Database(tmp_path / "authorization.db")) as elsewhere:
        there = SqlOAuthRepository(elsewhere, None)
        there.raise_epoch(STORE.id, world.server.subject("4"), why="password", now=world.now)
    clock[0] += TOKEN_TTL_SECONDS
    assert TOKEN_TTL_SECONDS < 1
    with pytest.raises(CredentialRefused, match="ended"):
        await door.caller(answer["access_token"])
    await door.close()


async def test_an_access_token_is_renewed_and_dies_with_its_permission(world: AuthorizationWorld) -> None:
    first = await world.redeem(await world.code())
    door = verifier(world)
    world.now += 3600
    with pytest.raises(CredentialRefused, match="expired"):
        await door.caller(first["access_token"])
    second = await world.refresh(first["refresh_token"], scope="orders:read profile:read")
    assert second["scope"] == "orders:read"
    assert (await door.caller(second["access_token"])).scopes == {"orders:read"}
    third = await world.refresh(second["refresh_token"], scope="openid")
    assert third["scope"] == "orders:read checkout", "what was given once is not lost by asking for less once"
    await world.server.revoke(
        FormParameters({"token": third["refresh_token"], "client_id": world.client_id, "token_type_hint": "x"})
    )
    for token in (second, third):
        with pytest.raises(CredentialRefused):
            await door.caller(token["access_token"])
    with pytest.raises(EndpointRefusal) as refused:
        await world.refresh(third["refresh_token"])
    assert refused.value.code == "invalid_grant"


async def test_a_permission_ends_after_its_days_however_often_it_is_renewed(world: AuthorizationWorld) -> None:
    answer = await world.redeem(await world.code())
    for _ in range(29):
        world.now += 86_400
        answer = await world.refresh(answer["refresh_token"])
    world.now += 86_400 - 100
    answer = await world.refresh(answer["refresh_token"])
    assert answer["expires_in"] == 100
    world.now += 100
    with pytest.raises(EndpointRefusal, match="has ended"):
        await world.refresh(answer["refresh_token"])


async def test_a_shop_session_that_is_over_by_the_clock_ends_the_tokens(world: AuthorizationWorld) -> None:
    world.login.expires_at = world.now + 1800
    answer = await world.redeem(await world.code())
    world.now += 1800
    with pytest.raises(CredentialRefused):
        await verifier(world).caller(answer["access_token"])
    with pytest.raises(EndpointRefusal, match="has ended"):
        await world.refresh(answer["refresh_token"])


async def test_revoking_what_is_unknown_is_no_error_and_a_foreign_client_revokes_nothing(
    world: AuthorizationWorld,
) -> None:
    answer = await world.redeem(await world.code())
    await world.server.revoke(FormParameters({"token": "sfr_unknown", "client_id": world.client_id}))
    other = world.register(redirect_uris=["https://other.example/cb"])["client_id"]
    await world.server.revoke(FormParameters({"token": answer["refresh_token"], "client_id": other}))
    assert await world.refresh(answer["refresh_token"])
    with pytest.raises(EndpointRefusal) as refused:
        await world.server.revoke(FormParameters({"token": "sfr_unknown", "client_id": "made-up"}))
    assert (refused.value.code, refused.value.status) == ("invalid_client", 401)


async def test_a_blocked_client_is_known_no_more(world: AuthorizationWorld) -> None:
    world.repository.block_client(STORE.id, world.client_id, "registered", now=world.now, by="ada")
    with pytest.raises(EndpointRefusal) as refused:
        await world.refresh("sfr_any")
    assert refused.value.status == 401
    with pytest.raises(ClientRefused, match="lets this assistant in no more"):
        await world.authorize()
    metadata = json.dumps({"redirect_uris": [REDIRECT], "client_name": "Codex"}).encode()
    with pytest.raises(EndpointRefusal) as refused:
        await world.server.register(metadata)
    assert (refused.value.code, refused.value.status) == ("invalid_client_metadata", 400)

    assert world.repository.unblock_client(STORE.id, world.client_id, by="ada")
    assert (await world.server.register(metadata))["client_id"] == world.client_id
    assert await world.redeem(await world.code())


async def test_who_is_signing_in_for_a_client_that_gets_blocked_grants_nothing(world: AuthorizationWorld) -> None:
    world.login.before_session = lambda: world.repository.block_client(
        STORE.id, world.client_id, "registered", now=world.now, by="ada"
    )
    with pytest.raises(SignInEnded):
        await world.code()
    assert world.repository.grants(STORE.id) == []


@pytest.mark.parametrize(
    ("id_", "kind"),
    [("dcr1.x.y", "registered"), ("https://agent.example/client.json", "document"), ("ucp-agent", "fixed")],
)
def test_the_form_of_an_id_says_what_kind_of_client_it_is(id_: str, kind: str) -> None:
    assert kind_of_client(id_) == kind


def test_an_app_gets_the_same_id_at_each_start_and_keeps_it_for_ever(world: AuthorizationWorld) -> None:
    again = world.register(redirect_uris=["http://127.0.0.1:9/callback"], client_name="Codex", scope="", logo_uri="x")
    assert again["client_id"] == world.client_id
    assert again["redirect_uris"] == ["http://127.0.0.1:9/callback"]
    client = registered_client(STORE.id, world.client_id, KEY)
    assert client is not None
    assert client.has_redirect(REDIRECT)
    assert client.has_redirect("http://127.0.0.1:60000/callback")
    assert not client.has_redirect("http://localhost:4711/callback")


def test_no_id_of_another_store_or_key_or_hand_is_a_clients(world: AuthorizationWorld) -> None:
    id_ = world.client_id
    assert registered_client(StoreId("paddle"), id_, KEY) is None
    assert registered_client(STORE.id, id_, b"x" * 32) is None
    for forged in (id_[:-1], id_ + "A", id_.replace("dcr1.", "dcr1.A"), "dcr1.", "dcr1..", "dcr1.é", "x" * 9):
        assert registered_client(STORE.id, forged, KEY) is None


def test_a_registration_answer_has_no_secret_and_no_null(world: AuthorizationWorld) -> None:
    answer = world.register(
        redirect_uris=[REDIRECT, "cursor://anysphere.cursor-mcp/oauth/callback", "http://plain.example/cb", 7],
        token_endpoint_auth_method="client_secret_post",
        client_name=None,
    )
    assert answer["redirect_uris"] == [REDIRECT, "cursor://anysphere.cursor-mcp/oauth/callback"]
    assert answer["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in answer
    assert None not in answer.values()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no json", "invalid_client_metadata"),
        (b"[]", "invalid_client_metadata"),
        (b"{}", "invalid_redirect_uri"),
        (b'{"redirect_uris": []}', "invalid_redirect_uri"),
        (b'{"redirect_uris": "https://a.example/"}', "invalid_client_metadata"),
        (b'{"redirect_uris": ["http://plain.example/", "javascript:alert(1)"]}', "invalid_redirect_uri"),
        (b'{"redirect_uris": [' + b'"https://a.example/",' * 10 + b'"https://a.example/"]}', "invalid_redirect_uri"),
        (b'{"redirect_uris": ["https://a.example/' + b"a" * 1500 + b'"]}', "invalid_client_metadata"),
        (b'{"x": "' + b"a" * 8192 + b'"}', "invalid_client_metadata"),
        (b"[" * 5000, "invalid_client_metadata"),
    ],
)
async def test_a_registration_that_leads_nowhere_is_refused(world: AuthorizationWorld, body: bytes, code: str) -> None:
    with pytest.raises(EndpointRefusal) as refused:
        await world.server.register(body)
    assert (refused.value.code, refused.value.status) == (code, 400)
