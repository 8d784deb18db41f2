"""A guest's agent has its person sign in at an OpenID provider, who is then asked at ours, and lists their orders."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.database import Database
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.settings import Settings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from storefront_mcp.settings.sign_in import OpenIdSettings, SignInSettings
from storefront_mcp.settings.storage import PrivacySettings
from storefront_mcp.web.customer_routes import REVOKE_PATH
from tests.fakes.demo_shop import ControlledShop, demo_shop
from tests.fakes.openid_provider import CLIENT_ID, CLIENT_SECRET, SEAT, Oddities, OpenIdProviderApp
from tests.fakes.person import filled_form
from tests.journeys.conftest import flip, unhurried
from tests.journeys.oauth_agent import OAuthAgent
from tests.journeys.signing_in import ADA, BO, CALLBACK, CHALLENGE, VERIFIER
from tests.serving import free_port, served, until

pytestmark = pytest.mark.slow


class TurnTaking(httpx.HTTPTransport):
    """Leads the requests of one browser to two workers in turn, as what balances them may."""

    def __init__(self, workers: tuple[int, int]) -> None:
        super().__init__()
        self._origin = workers[0]
        self._turns = itertools.cycle(workers)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.port != self._origin:
            return super().handle_request(request)
        led = httpx.Request(
            request.method,
            request.url.copy_with(port=next(self._turns)),
            # With the origin's as Host.
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return super().handle_request(led)


class Elsewhere(Struct):
    """A store whose customers sign in at an OpenID provider, and a shop that takes its tokens."""

    origin: str
    provider: OpenIdProviderApp
    shop: ControlledShop
    settings: Settings
    state: Path
    workers: tuple[int, int]
    """Ports; the first is that of the origin."""
    client: str = ""

    def browser(self) -> httpx.Client:
        return httpx.Client(timeout=120, transport=TurnTaking(self.workers))

    @contextlib.contextmanager
    def agent(self) -> Iterator[OAuthAgent]:
        one = OAuthAgent(self.origin)
        with one.http, one.browser:
            yield one

    def address(self) -> str:
        """Where a person lets a client in that has registered itself."""
        if not self.client:
            asked = {"redirect_uris": [CALLBACK], "client_name": "A stranger"}
            self.client = httpx.post(f"{self.origin}/oauth/register", json=asked, timeout=120).json()["client_id"]
        query = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": CALLBACK,
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return str(httpx.URL(f"{self.origin}/oauth/authorize", params=query))

    def tokens(self, code: str) -> dict[str, str]:
        """What the client gets for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": VERIFIER,
            "redirect_uri": CALLBACK,
            "client_id": self.client,
        }
        answer = httpx.post(f"{self.origin}/oauth/token", data=form, timeout=120)
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found


def press(browser: httpx.Client, page: httpx.Response, email: str = "", *, act: str = "") -> httpx.Response:
    """Send the first form of a page by its button, and go where that leads."""
    action, fields = filled_form(page.text, {"email": email}, without=frozenset())
    if act:
        fields["act"] = [act]
    answer = browser.post(urljoin(str(page.url), action), data=fields, headers={"sec-fetch-site": "same-origin"})
    return follow(browser, answer)


def follow(browser: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Follow redirects, but not to the client."""
    while answer.is_redirect and not answer.headers["location"].startswith(CALLBACK):
        answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer


def signed_in(elsewhere: Elsewhere, browser: httpx.Client, email: str = ADA.email) -> httpx.Response:
    """The consent page, by a person who signs in at the provider."""
    page = browser.get(elsewhere.address())
    assert page.status_code == 200, page.text
    page = press(browser, page)
    if "/authorize" in str(page.url):
        page = press(browser, page, email)
    return page


def answer_of(led: httpx.Response) -> dict[str, str]:
    """The query with which the browser is led back to the client."""
    assert led.status_code == 303, led.text
    return {name: values[0] for name, values in parse_qs(urlsplit(led.headers["location"]).query).items()}


@contextlib.contextmanager
def sign_in_elsewhere(state: Path) -> Iterator[Elsewhere]:
    shop, port, other, there = demo_shop(), free_port(), free_port(), free_port()
    provider = OpenIdProviderApp(f"http://127.0.0.1:{there}", (f"http://127.0.0.1:{port}/oauth/callback",))
    shop.state.customers.token_bearer = provider.bearer
    with served(shop) as shop_origin, served(provider, there):
        settings = unhurried(demo_settings(port, state=state))
        oidc = OpenIdSettings(issuer=provider.issuer, client_id=CLIENT_ID, client_secret=Secret(CLIENT_SECRET))
        store = replace(
            settings.stores[0],
            upstream=UpstreamSettings(kind="maho", url=shop_origin),
            sign_in=SignInSettings(on=True, oidc=oidc),
        )
        key = PrivacySettings(key=(Secret(Fernet.generate_key().decode()),))
        settings = replace(settings, stores=(store,), personal_data=key)
        flip(settings, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout", "p4_account"), "active"))
        with served(create_app(settings), port) as origin, served(create_app(settings), other):
            yield Elsewhere(origin, provider, shop, settings, state, (port, other))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    with sign_in_elsewhere(tmp_path_factory.mktemp("elsewhere")) as made:
        yield made


@pytest.fixture
def elsewhere(running: Elsewhere) -> Elsewhere:
    running.provider.odd = Oddities()
    return running


def test_a_guests_agent_lists_the_orders_of_who_signs_in_at_the_provider_and_allows_it_here(
    elsewhere: Elsewhere,
) -> None:
    with elsewhere.agent() as agent, elsewhere.browser() as browser:
        server = agent.discover(agent.call("get_customer_orders"))
        assert server["issuer"] == elsewhere.origin
        consent = signed_in(elsewhere, browser)
        assert consent.status_code == 200, consent.text
        assert ADA.email in consent.text
        assert "A stranger" in consent.text
        led = answer_of(press(browser, consent, act="allow"))

        assert (led["state"], led["iss"]) == ("s-1", elsewhere.origin)
        token = elsewhere.tokens(led["code"])
        answer = agent.call("get_customer_orders", token["access_token"])
    assert answer.status_code == 200
    assert not answer.json()["result"].get("isError"), answer.text


def allowed(elsewhere: Elsewhere, email: str = ADA.email) -> dict[str, str]:
    """Tokens that a person who signs in there has allowed here."""
    with elsewhere.browser() as browser:
        return elsewhere.tokens(answer_of(press(browser, signed_in(elsewhere, browser, email), act="allow"))["code"])


def test_a_person_with_a_session_at_the_provider_is_led_through_to_no_client_without_consent_here(
    elsewhere: Elsewhere,
) -> None:
    """The confused deputy of MCP's security best practices: one who is signed in there, and a stranger's link."""
    with elsewhere.browser() as browser:
        signed_in(elsewhere, browser)
        assert browser.cookies.get(SEAT)
        asked = len(elsewhere.provider.asked)
        page = browser.get(elsewhere.address())
        assert page.status_code == 200
        assert "A stranger" in page.text
        assert len(elsewhere.provider.asked) == asked, "nobody goes there without a click"

        # The provider asks nothing any more, and yet the browser stops at our page.
        consent = press(browser, page)
        assert consent.status_code == 200
        assert "A stranger" in consent.text
        assert "location" not in consent.headers
        led = answer_of(press(browser, consent, act="cancel"))
    assert (led["error"], "code" in led) == ("access_denied", False)


def test_who_follows_a_strangers_link_to_the_provider_lets_nobody_in(elsewhere: Elsewhere) -> None:
    with elsewhere.browser() as stranger, elsewhere.browser() as person:
        signed_in(elsewhere, person)
        page = stranger.get(elsewhere.address())
        action, fields = filled_form(page.text, {}, without=frozenset())
        link = stranger.post(
            urljoin(str(page.url), action), data=fields, headers={"sec-fetch-site": "same-origin"}
        ).headers["location"]

        lured = follow(person, person.get(link))
        assert lured.status_code == 400
        assert "began in another browser" in lured.text

        # Nor is a stranger's own answer taken in the person's browser, who would then act for the stranger.
        there = stranger.get(link)
        action, fields = filled_form(there.text, {"email": BO.email}, without=frozenset())
        back = stranger.post(urljoin(str(there.url), action), data=fields).headers["location"]
        assert follow(person, person.get(back)).status_code == 400
        assert follow(stranger, stranger.get(back)).status_code == 200


def test_a_customer_sees_their_agents_after_signing_in_there_and_ends_them(elsewhere: Elsewhere) -> None:
    token = allowed(elsewhere)["access_token"]
    with elsewhere.agent() as agent, elsewhere.browser() as browser:
        assert agent.call("get_customer_orders", token).status_code == 200
        page = press(browser, browser.get(f"{elsewhere.origin}/account/agents"))
        page = press(browser, page, ADA.email)
        assert str(page.url) == f"{elsewhere.origin}/account/agents"
        assert "A stranger" in page.text
        press(browser, page, act="end-all")
        until(lambda: agent.call("get_customer_orders", token).status_code == 401, "the token's end")


def test_an_account_that_the_shop_tells_of_is_out_at_once_with_a_permission_that_is_being_asked_for(
    elsewhere: Elsewhere,
) -> None:
    database = Database(elsewhere.settings.database)
    scopes = frozenset({"manage:grants"})
    new = mint_key(store=elsewhere.settings.stores[0].id, label="the shop", scopes=scopes, by="a test", now=utc_now())
    SqlApiKeyRepository(database).add(new.key, new.digest)
    database.close()
    adas, bos = (allowed(elsewhere, email)["access_token"] for email in (ADA.email, BO.email))
    with elsewhere.agent() as agent, elsewhere.browser() as browser:
        consent = signed_in(elsewhere, browser)
        told = agent.http.post(
            REVOKE_PATH, json={"email": ADA.email}, headers={"authorization": f"Bearer {new.secret.reveal()}"}
        )
        assert (told.status_code, told.json()["ended"] > 0) == (200, True)
        assert press(browser, consent, act="allow").status_code == 400
        until(lambda: agent.call("get_customer_orders", adas).status_code == 401, "the token's end")
        assert agent.call("get_customer_orders", bos).status_code == 200


def test_whom_the_shop_does_not_know_is_not_let_in(elsewhere: Elsewhere) -> None:
    elsewhere.provider.odd.claims = {"email": ADA.email, "email_verified": True}
    with elsewhere.browser() as browser:
        page = signed_in(elsewhere, browser, "mallory@evil.example")
        assert page.status_code == 403
        assert "does not know who has signed in there" in page.text


ODD: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "made-up"}},
    "another audience": {"claims": {"aud": "another client"}},
    "expired": {"claims": {"exp": 1}},
    "another issuer's ID token": {"claims": {"iss": "https://evil.example"}},
    "another issuer's answer": {"sender": "https://evil.example"},
    "no signature": {"signed_by": "none"},
    "the public key for a secret": {"signed_by": "shared"},
    "a stranger's key": {"signed_by": "stranger"},
    "a refusal": {"error": "access_denied"},
}


@pytest.mark.parametrize("named", ODD)
def test_an_odd_answer_of_the_provider_signs_nobody_in(elsewhere: Elsewhere, named: str) -> None:
    for name, value in ODD[named].items():
        setattr(elsewhere.provider.odd, name, value)
    with elsewhere.browser() as browser:
        page = signed_in(elsewhere, browser)
        assert page.status_code == 403, page.text
        assert "That sign-in did not work." in page.text
        elsewhere.provider.odd = Oddities()
        assert "You are signed in as" in signed_in(elsewhere, browser).text


def test_a_session_is_renewed_by_the_providers_refresh_token_and_ends_when_that_is_refused(
    elsewhere: Elsewhere,
) -> None:
    elsewhere.provider.odd.lifetime = 1
    token = allowed(elsewhere)["access_token"]
    elsewhere.provider.odd.lifetime = 3600
    renewals = elsewhere.provider.asked.count("/token")
    with elsewhere.agent() as agent:

        def is_renewed() -> bool:
            assert agent.call("get_customer_orders", token).status_code == 200
            return elsewhere.provider.asked.count("/token") > renewals

        until(is_renewed, "the renewal")
        assert elsewhere.provider.asked.count("/token") == renewals + 1

    elsewhere.provider.odd.lifetime = 1
    token = allowed(elsewhere, BO.email)["access_token"]
    elsewhere.provider.refreshes.clear()
    with elsewhere.agent() as agent:
        until(lambda: agent.call("get_customer_orders", token).status_code == 401, "the grant's end")


def test_a_provider_that_is_down_signs_nobody_out(elsewhere: Elsewhere) -> None:
    elsewhere.provider.odd.lifetime = 1
    token = allowed(elsewhere)["access_token"]
    elsewhere.provider.odd = Oddities(down=("/token",))
    with elsewhere.agent() as agent:

        def is_told_to_wait() -> bool:
            answer = agent.call("get_customer_orders", token)
            assert answer.status_code == 200, answer.text
            return bool(answer.json()["result"].get("isError"))

        until(is_told_to_wait, "the outage")


def test_nothing_that_signs_in_there_is_written_down(elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    provider = elsewhere.provider
    before = {*provider.bearers, *provider.refreshes}
    allowed(elsewhere)
    secrets = {*provider.bearers, *provider.refreshes, CLIENT_SECRET} - before
    assert len(secrets) == 3
    written = b"".join(one.read_bytes() for one in elsewhere.state.rglob("*") if one.is_file())
    for secret in secrets:
        assert secret not in caplog.text
        assert secret.encode() not in written
