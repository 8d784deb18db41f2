"""The pages on which a person goes to an OpenID provider, comes back, and is asked what a client may do."""

import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.customers import CustomerUnknown
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.oauth.issuer_sign_in import IssuerSignIn
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.sign_in_pages import SignInPages, SignInSite
from tests.fakes.memory_backend import STORE
from tests.fakes.memory_oauth import CODE, EMAIL, MemoryIssuer
from tests.unit.oauth.signing_in import SignInWorld, sign_in_world
from tests.unit.web.buying import FakePaying, buyer_app
from tests.unit.web.test_sign_in_pages import ADDRESS, SAME_SITE, StubServer, handle, policy, words

PROVIDER = "https://login.example/authorize?state="


class Desk(Struct):
    """A store whose customers sign in at a provider, and a browser in front of it."""

    world: SignInWorld
    issuer: MemoryIssuer
    server: StubServer
    browser: httpx.AsyncClient

    async def show(self) -> httpx.Response:
        return await self.browser.get(ADDRESS, headers={"sec-fetch-site": "cross-site"})

    async def send(self, page: httpx.Response, path: str, **fields: Any) -> httpx.Response:
        return await self.browser.post(path, data={"request": handle(page), **fields}, headers=SAME_SITE)

    async def back(self, left: httpx.Response, **answer: str) -> httpx.Response:
        """The browser comes back from the provider, which a redirect of another site has it do."""
        state = left.headers["location"].removeprefix(PROVIDER)
        asked = {"state": state, **(answer or {"code": CODE})}
        return await self.browser.get("/oauth/callback", params=asked, headers={"sec-fetch-site": "cross-site"})

    async def consent(self) -> httpx.Response:
        return await self.back(await self.send(await self.show(), "/oauth/sign-in"))


def desk_of(store: Any = STORE) -> Desk:
    issuer, server = MemoryIssuer(), StubServer()
    world = sign_in_world(store=store)
    site = SignInSite(
        sign_in=IssuerSignIn(replace(world.context, login=issuer), issuer),
        agents=world.agents,
        server=server,
        address_of=lambda _: "192.0.2.7",
    )
    pages = SignInPages({store.id: site}, BuyerPages(brand_hue))
    transport = httpx.ASGITransport(buyer_app(FakePaying(), store, more=pages.routes()), raise_app_exceptions=False)
    return Desk(world, issuer, server, httpx.AsyncClient(transport=transport, base_url=store.origin))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = desk_of()
    async with made.browser:
        yield made


async def test_a_person_is_told_of_the_client_before_the_provider_and_asked_after_it(desk: Desk) -> None:
    page = await desk.show()
    assert page.status_code == 200
    assert "chat.example wants to act for you at Pickle Warehouse." in words(page)
    assert "You sign in at login.example, and are asked here then what may be done for you." in words(page)
    assert "Sign in at login.example" in words(page)
    assert not re.search('<input[^>]*type="(password|checkbox|email)"', page.text)

    left = await desk.send(page, "/oauth/sign-in")
    assert (left.status_code, desk.issuer.begun) == (303, [left.headers["location"].removeprefix(PROVIDER)])
    asked = await desk.back(left)
    assert asked.status_code == 200
    for wanted in (
        "chat.example wants to act for you at Pickle Warehouse.",
        "It calls itself “Claude &lt;b&gt;”. It is described at agent.example.",
        f"You are signed in as {EMAIL}.",
        "See your orders and where they are",
        "It ends by itself, at the latest on 20 December 2026",
        "Allow",
        "Cancel",
    ):
        assert wanted in words(asked)
    assert asked.text.count(" checked>") == 3
    assert not desk.world.records.granted

    led = await desk.send(asked, "/oauth/consent", act="allow", scope=["orders:read"])
    assert led.status_code == 303
    assert led.headers["location"].startswith("https://chat.example/callback?from=shop&code=sfc_")
    assert [one.scopes for one in desk.world.records.granted.values()] == [("orders:read",)]


async def test_each_page_is_private_in_no_frame_and_leads_on_no_further_than_it_has_to(desk: Desk) -> None:
    first, asked = await desk.show(), await desk.consent()
    for page, forms in ((first, ["https:", "https://chat.example"]), (asked, ["https://chat.example"])):
        assert policy(page)["form-action"] == ["'self'", STORE.origin, *forms]
        assert policy(page)["frame-ancestors"] == ["'none'"]
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in page.text


async def test_the_cookie_of_a_state_is_of_this_host_alone_and_goes_with_it(desk: Desk) -> None:
    left = await desk.send(await desk.show(), "/oauth/sign-in")
    cookie = left.headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-sign-in-[0-9a-f]{12}=[\w-]{43}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure", cookie
    )


async def test_a_person_with_a_session_at_the_provider_is_led_through_to_no_stranger(desk: Desk) -> None:
    """The confused deputy: whoever began it, and wherever the person is signed in, they are asked here."""
    stranger = desk_of()
    async with stranger.browser:
        begun = await stranger.send(await stranger.show(), "/oauth/sign-in")
    # The person follows the stranger's link to the provider, which sends them back at once.
    lured = await desk.back(begun)

    assert lured.status_code == 400
    assert "began in another browser" in words(lured)
    assert "location" not in lured.headers
    assert not desk.issuer.finished
    assert not desk.world.records.granted


async def test_an_answer_in_another_browser_of_the_same_store_is_not_taken(desk: Desk) -> None:
    left = await desk.send(await desk.show(), "/oauth/sign-in")
    cookies = dict(desk.browser.cookies)
    desk.browser.cookies.clear()
    refused = await desk.back(left)
    assert refused.status_code == 400
    assert not desk.issuer.finished

    desk.browser.cookies.update(cookies)
    assert (await desk.back(left)).status_code == 200


async def test_an_answer_counts_once(desk: Desk) -> None:
    left = await desk.send(await desk.show(), "/oauth/sign-in")
    asked = await desk.back(left)
    assert (await desk.back(left)).status_code == 400

    led = await desk.send(asked, "/oauth/consent", act="allow", scope="orders:read")
    assert led.status_code == 303
    again = await desk.send(asked, "/oauth/consent", act="allow", scope="orders:read")
    assert (again.status_code, len(desk.world.records.granted)) == (400, 1)


async def test_consent_is_no_form_of_another_site_and_no_link(desk: Desk) -> None:
    asked = await desk.consent()
    form = {"request": handle(asked), "act": "allow", "scope": "orders:read"}
    refused = await desk.browser.post("/oauth/consent", data=form, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert (await desk.browser.get("/oauth/consent", params=form)).status_code == 405
    assert not desk.world.records.granted


async def test_a_person_may_say_no_before_and_after(desk: Desk) -> None:
    for page in (await desk.show(), await desk.consent()):
        led = await desk.send(page, "/oauth/consent", act="cancel")
        assert led.status_code == 303
        assert led.headers["location"].startswith("https://chat.example/callback?from=shop&error=access_denied&")


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (None, 403, "That sign-in did not work."),
        (CustomerUnknown(internal="401"), 403, "The shop does not know who has signed in there."),
        (ShopDown(), 503, "The shop cannot sign you in right now."),
    ],
)
async def test_who_was_not_signed_in_is_told_why_and_may_try_again(
    desk: Desk, fault: Exception | None, status: int, said: str
) -> None:
    left = await desk.send(await desk.show(), "/oauth/sign-in")
    desk.issuer.fault = fault
    page = await desk.back(left, error="access_denied")
    assert (page.status_code, said in words(page)) == (status, True)

    desk.issuer.fault = None
    assert (await desk.send(page, "/oauth/sign-in")).status_code == 303


async def test_nothing_ticked_is_no_consent(desk: Desk) -> None:
    refused = await desk.send(await desk.consent(), "/oauth/consent", act="allow")
    assert (refused.status_code, "Nothing is ticked." in words(refused)) == (422, True)


@pytest.mark.parametrize(
    "query", ["", "code=x", "state=a&state=b", "state=" + "s" * 100, "state=a&code=" + "x" * 20_000]
)
async def test_what_no_provider_has_sent_is_a_page_and_no_redirect(desk: Desk, query: str) -> None:
    answer = await desk.browser.get(f"/oauth/callback?{query}")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_no_password_or_code_is_typed_at_a_store_with_a_provider(desk: Desk) -> None:
    page = await desk.show()
    assert (await desk.send(page, "/oauth/code", code=CODE)).status_code == 404


async def test_no_secret_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="storefront_mcp")
    left = await desk.send(await desk.show(), "/oauth/sign-in")
    page = await desk.back(left, code="wrong-code-of-the-provider")
    left = await desk.send(page, "/oauth/sign-in")
    await desk.send(await desk.back(left), "/oauth/consent", act="allow", scope="orders:read")

    assert "nobody was signed in" in caplog.text
    for secret in ("wrong-code-of-the-provider", "provider-token", *desk.issuer.begun, EMAIL):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("locale", "before", "after"),
    [
        ("de-DE", "Bei login.example anmelden", "Sie sind als dana@example.com angemeldet."),
        ("ja-JP", "login.example でログイン", "dana@example.com としてログインしています。"),
    ],
)
async def test_the_pages_speak_the_stores_language(locale: str, before: str, after: str) -> None:
    desk = desk_of(replace(STORE, locale=locale))
    async with desk.browser:
        assert before in words(await desk.show())
        assert after in words(await desk.consent())
