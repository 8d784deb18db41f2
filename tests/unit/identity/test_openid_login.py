"""Sign-in at an OpenID provider: what its answers have to be, and what becomes of the sessions that it renews."""

import datetime as dt
import logging
import urllib.parse
from typing import Any, cast

import httpx
import pytest
from msgspec import Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.customers import (
    CustomerUnknown,
    IssuerRefused,
    SessionOver,
    ShopCustomer,
    ShopSession,
    SignInError,
    TooManyTries,
)
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured
from storefront_mcp.identity.openid_login import OpenIdLogin
from storefront_mcp.identity.openid_provider import OpenIdClient, OpenIdProvider
from tests.fakes.memory_backend import NOW
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProviderApp

ISSUER = "https://login.example/realms/pickle"
CALLBACK = "https://pickle.example/oauth/callback"
STATE = "s" * 43
ADA = "ada@pickle.example"


class Customers:
    """A shop that takes the provider's tokens for its customers'."""

    def __init__(self, provider: OpenIdProviderApp) -> None:
        self._provider = provider
        self.known = {ADA: "4"}

    async def customer_of(self, token: str) -> ShopCustomer:
        email = self._provider.bearer(token) or ""
        if email not in self.known:
            raise SessionOver(internal="401")
        return ShopCustomer(customer_id=self.known[email], name="Ada", email=email)


class World(Struct):
    """A provider, and a store that is its client; `now` is the clock of both."""

    provider: OpenIdProviderApp
    login: OpenIdLogin
    customers: Customers
    browser: httpx.AsyncClient
    now: list[float]

    async def leave(self) -> tuple[str, bytes]:
        """Begin; where the browser goes, and what is kept."""
        begun = await self.login.begin(STATE)
        return begun.address, begun.kept

    async def answer(self, address: str, email: str = ADA) -> dict[str, str]:
        """What the browser brings back when a person signs in there."""
        self.provider.seats["there"] = email
        back = await self.browser.get(address, headers={"cookie": "provider-seat=there"})
        assert back.status_code == 303, (back.text, self.provider.refused)
        assert back.headers["location"].startswith(f"{CALLBACK}?")
        query = urllib.parse.urlsplit(back.headers["location"]).query
        answer = dict(urllib.parse.parse_qsl(query))
        assert answer.pop("state") == STATE
        return answer

    async def signed_in(self, email: str = ADA) -> ShopSession:
        address, kept = await self.leave()
        return await self.login.finish(await self.answer(address, email), kept)


def world_of(*, issuer: str = ISSUER, secret: str = CLIENT_SECRET, total: float = 60.0) -> World:
    now = [NOW.timestamp()]
    provider = OpenIdProviderApp(issuer, (CALLBACK,))
    provider.clock = lambda: now[0]
    transport = httpx.ASGITransport(cast("Any", provider))
    asked = OpenIdClient(issuer=issuer, client_id=CLIENT_ID, secret=Secret(secret), redirect_uri=CALLBACK)
    made = OpenIdProvider(
        asked,
        now=lambda: dt.datetime.fromtimestamp(now[0], dt.UTC),
        clock=lambda: now[0],
        transport=transport,
    )
    customers = Customers(provider)
    return World(
        provider, OpenIdLogin(made, customers, total=total), customers, httpx.AsyncClient(transport=transport), now
    )


@pytest.fixture
async def world() -> Any:
    made = world_of()
    async with made.browser:
        yield made
        await made.login.close()


async def test_who_signs_in_there_is_the_customer_that_the_shop_takes_the_token_for(world: World) -> None:
    session = await world.signed_in()

    assert (session.customer_id, session.name, session.email) == ("4", "Ada", ADA)
    assert world.provider.bearer(session.secret) == ADA
    assert (session.expires_at, session.renew_at) == (None, world.now[0] + 1800)
    assert session.secret_until == world.now[0] + 3600
    assert not world.provider.refused


async def test_state_nonce_and_verifier_are_new_each_time_and_the_challenge_hides_the_verifier(world: World) -> None:
    (first, kept), (second, other) = await world.leave(), await world.leave()

    asked, again = (dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(one).query)) for one in (first, second))
    assert asked["nonce"] != again["nonce"]
    assert asked["code_challenge"] != again["code_challenge"]
    assert kept != other
    assert asked["scope"] == "openid profile email"
    assert asked["redirect_uri"] == CALLBACK
    assert asked["nonce"].encode() in kept
    assert asked["code_challenge"].encode() not in kept


WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "made-up"},
    "no nonce": {"nonce": None},
    "another audience": {"aud": "another client"},
    "several audiences without a party": {"aud": [CLIENT_ID, "another client"]},
    "another party": {"azp": "another client"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil.example"},
    "the issuer with a slash": {"iss": f"{ISSUER}/"},
    "expired": {"exp": int(NOW.timestamp()) - 120},
    "no end": {"exp": None},
    "of tomorrow": {"iat": int(NOW.timestamp()) + 86_400},
    "no birth": {"iat": None},
    "not yet": {"nbf": int(NOW.timestamp()) + 3600},
    "about nobody": {"sub": None},
    "about a number": {"sub": 4},
}


@pytest.mark.parametrize("named", WRONG_CLAIMS)
async def test_an_id_token_that_is_not_the_answer_to_our_request_signs_nobody_in(world: World, named: str) -> None:
    world.provider.odd.claims = WRONG_CLAIMS[named]

    with pytest.raises(IssuerRefused):
        await world.signed_in()


@pytest.mark.parametrize("signed_by", ["none", "shared", "stranger"])
async def test_an_id_token_that_no_key_of_the_provider_has_signed_signs_nobody_in(world: World, signed_by: Any) -> None:
    world.provider.odd.signed_by = signed_by

    with pytest.raises(IssuerRefused):
        await world.signed_in()


async def test_an_access_token_is_no_id_token(world: World) -> None:
    world.provider.odd.typ = "at+jwt"

    with pytest.raises(IssuerRefused):
        await world.signed_in()


@pytest.mark.parametrize(
    "answer",
    [{"id_token": None}, {"id_token": 7}, {"access_token": None}, {"access_token": "a b"}, {"access_token": "a\r\nb"},
     {"token_type": "mac"}, {"token_type": None}, {"refresh_token": ["x"]}, {"access_token": "x" * 20_000}],
)  # fmt: skip
async def test_a_token_answer_of_another_form_signs_nobody_in(world: World, answer: dict[str, Any]) -> None:
    world.provider.odd.token_answer = answer

    with pytest.raises(IssuerRefused):
        await world.signed_in()


@pytest.mark.parametrize(
    ("sender", "announced", "held"),
    [
        (None, True, True),
        (None, False, True),
        ("https://evil.example", True, False),
        ("", True, False),
        (f"{ISSUER}/", True, False),
    ],
)
async def test_an_answer_of_another_issuer_is_mixed_up_and_its_code_goes_nowhere(
    world: World, sender: str | None, announced: bool, held: bool
) -> None:
    world.provider.odd.sender, world.provider.odd.names_itself = sender, announced
    address, kept = await world.leave()
    answer = await world.answer(address)

    if held:
        assert (await world.login.finish(answer, kept)).customer_id == "4"
        return
    with pytest.raises(IssuerRefused):
        await world.login.finish(answer, kept)
    assert "/token" not in world.provider.asked


async def test_an_issuer_that_names_itself_unannounced_has_to_be_the_right_one(world: World) -> None:
    world.provider.odd.names_itself = False
    address, kept = await world.leave()
    answer = await world.answer(address)

    with pytest.raises(IssuerRefused):
        await world.login.finish({**answer, "iss": "https://evil.example"}, kept)
    assert (await world.login.finish({**answer, "iss": ISSUER}, kept)).customer_id == "4"


@pytest.mark.parametrize("answer", [{}, {"error": "access_denied"}, {"code": ""}, {"code": "x" * 5000}])
async def test_an_answer_without_a_code_signs_nobody_in_and_asks_nobody(world: World, answer: dict[str, str]) -> None:
    _, kept = await world.leave()

    with pytest.raises(IssuerRefused):
        await world.login.finish({**answer, "iss": ISSUER}, kept)
    assert "/token" not in world.provider.asked


async def test_a_code_counts_once_and_only_with_the_verifier_that_was_kept(world: World) -> None:
    address, kept = await world.leave()
    _, other = await world.leave()
    answer = await world.answer(address)

    with pytest.raises(IssuerRefused):
        await world.login.finish(answer, other)
    with pytest.raises(IssuerRefused):
        await world.login.finish(answer, kept)
    assert world.provider.refused == ["a wrong verifier", "an unknown code"]


async def test_whom_the_shop_does_not_know_is_not_signed_in_whatever_the_id_token_says(world: World) -> None:
    world.provider.odd.claims = {"email": ADA, "email_verified": True}

    with pytest.raises(CustomerUnknown):
        await world.signed_in("mallory@evil.example")


DISCOVERY = "/.well-known/openid-configuration"
FAILURES: list[tuple[str, dict[str, Any]]] = [
    *((f"{path} fails", {"down": (path,)}) for path in (DISCOVERY, "/keys", "/token")),
    *((f"{path} has moved", {"moved": (path,)}) for path in (DISCOVERY, "/keys", "/token")),
    *((f"{path} is huge", {"huge": (path,)}) for path in (DISCOVERY, "/keys", "/token")),
    ("it speaks for another issuer", {"metadata": {"issuer": "https://evil.example"}}),
    *(
        (f"{name} is {url}", {"metadata": {name: url}})
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        for url in (
            None, 7, "http://login.example/x", "https://10.0.0.5/x", "https://127.0.0.1/x", "http://127.0.0.1:9/x",
            "https://[::1]/x", "https://169.254.169.254/latest", "https://localhost/x", "https://intranet/x",
            "https://user@login.example/x", "file:///etc/passwd", "https://evil.example:6379/x", "javascript:alert(1)",
        )
    ),
    ("it knows no PKCE", {"metadata": {"code_challenge_methods_supported": ["plain"]}}),
    ("it gives no codes", {"metadata": {"response_types_supported": ["id_token"]}}),
    ("it signs by a shared secret", {"metadata": {"id_token_signing_alg_values_supported": ["HS256", "none"]}}),
    ("too many requests", {"token_error": (429, "slow_down")}),
    ("a gateway's error", {"token_error": (502, "")}),
    ("a refusal as long as a book", {"token_error": (400, "invalid_grant"), "huge": ("",)}),
]  # fmt: skip


@pytest.mark.parametrize(("named", "odd"), FAILURES, ids=[named for named, _ in FAILURES])
async def test_a_provider_that_fails_or_leads_astray_is_down_and_nothing_else_is_asked(
    world: World, named: str, odd: dict[str, Any]
) -> None:
    for name, value in odd.items():
        setattr(world.provider.odd, name, value)

    with pytest.raises(ShopDown):
        await world.signed_in()
    assert not [path for path in world.provider.asked if path.startswith("/elsewhere")]


@pytest.mark.parametrize("path", [DISCOVERY, "/keys", "/token"])
async def test_a_provider_that_never_answers_is_down_before_a_person_gives_up(path: str) -> None:
    world = world_of(total=0.5)
    async with world.browser:
        if path != DISCOVERY:
            address, kept = await world.leave()
            answer = await world.answer(address)
        world.provider.odd.silent = (path,)
        with pytest.raises(ShopDown) as down:
            await (world.leave() if path == DISCOVERY else world.login.finish(answer, kept))
    assert down.value.internal == "the OpenID provider took too long"


async def test_a_refused_client_is_for_the_operator_to_mend_and_its_secret_is_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = world_of(secret="wrong-secret-of-ours")
    async with world.browser:
        with pytest.raises(ShopMisconfigured) as caught:
            await world.signed_in()
    assert "invalid_client" in caught.value.internal
    assert "invalid_client" in caplog.text
    assert "wrong-secret-of-ours" not in caplog.text + caught.value.internal


@pytest.mark.parametrize("methods", [["client_secret_post"], ["client_secret_basic", "client_secret_post"], None])
async def test_the_secret_goes_where_the_provider_takes_it(world: World, methods: Any) -> None:
    world.provider.odd.metadata = {"token_endpoint_auth_methods_supported": methods}

    assert (await world.signed_in()).customer_id == "4"


async def test_metadata_are_read_again_after_ten_minutes_and_not_for_each_person(world: World) -> None:
    for _ in range(3):
        await world.leave()
    assert world.provider.asked.count(DISCOVERY) == 1
    world.now[0] += 601
    await world.leave()
    assert world.provider.asked.count(DISCOVERY) == 2


async def test_a_session_is_renewed_by_the_refresh_token_that_came_last(world: World) -> None:
    first = session = await world.signed_in()
    for _ in range(3):
        world.now[0] += 4000
        renewed = await world.login.renew(session)
        assert renewed.secret != session.secret
        assert world.provider.bearer(renewed.secret) == ADA
        assert renewed.renew_at == world.now[0] + 1800
        session = renewed

    with pytest.raises(SessionOver):
        await world.login.renew(first)


async def test_a_session_without_a_refresh_token_ends_with_its_access_token(world: World) -> None:
    world.provider.odd.refresh_tokens = False

    session = await world.signed_in()

    assert (session.expires_at, session.renew_at, session.renewal) == (world.now[0] + 3600, None, "")


async def test_a_provider_that_keeps_the_refresh_token_need_not_send_it_again(world: World) -> None:
    session = await world.signed_in()
    world.provider.odd.rotates, world.provider.odd.refresh_tokens = False, False

    for _ in range(2):
        session = await world.login.renew(session)
    assert world.provider.bearer(session.secret) == ADA


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        ({"token_error": (400, "invalid_grant")}, SessionOver),
        ({"token_error": (401, "invalid_client")}, ShopDown),
        ({"token_error": (429, "slow_down")}, TooManyTries),
        ({"token_error": (503, "")}, ShopDown),
        ({"down": ("/token",)}, ShopDown),
        ({"claims": {"sub": "somebody else"}}, SessionOver),
        ({"claims": {"aud": "another client"}}, SessionOver),
        ({"signed_by": "none"}, SessionOver),
        ({"token_answer": {"access_token": None}}, SessionOver),
    ],
)
async def test_only_a_refusal_of_the_token_or_a_token_of_somebody_else_ends_a_session(
    world: World, odd: dict[str, Any], error: type[SignInError]
) -> None:
    session = await world.signed_in()
    for name, value in odd.items():
        setattr(world.provider.odd, name, value)

    with pytest.raises(error):
        await world.login.renew(session)


async def test_neither_tokens_nor_codes_are_logged_or_shown(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    address, kept = await world.leave()
    answer = await world.answer(address)
    begun = await world.login.begin(STATE)
    session = await world.login.finish(answer, kept)
    with pytest.raises(IssuerRefused) as refused:
        await world.login.finish(answer, kept)

    told = caplog.text + repr(session) + repr(begun) + str(refused.value) + refused.value.internal
    for secret in (answer["code"], session.secret, *world.provider.refreshes, CLIENT_SECRET, kept.decode()):
        assert secret not in told
