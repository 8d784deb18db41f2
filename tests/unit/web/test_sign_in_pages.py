"""The pages on which a person signs in: what they show, whom they believe, and what they never give away."""

import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.customers import TooManyTries
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.oauth.errors import ClientRefused
from storefront_mcp.oauth.sign_in_steps import MAX_TRIES
from storefront_mcp.oauth.sign_in_views import ReturnAddress
from storefront_mcp.records.oauth import AuthorizationRequest
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.sign_in_pages import SignInPages, SignInSite
from tests.fakes.memory_backend import STORE
from tests.fakes.memory_oauth import CODE, EMAIL, PASSWORD, MemoryLogin
from tests.unit.oauth.signing_in import ASKED, SignInWorld, sign_in_world
from tests.unit.web.buying import FakePaying, buyer_app

ADDRESS = "/oauth/authorize?client_id=agent"
SAME_SITE = {"sec-fetch-site": "same-origin"}
LOCAL = replace(STORE, origin="http://127.0.0.1:8000")


class StubServer:
    """Takes every authorization request for `asked`."""

    def __init__(self) -> None:
        self.open = True
        self.asked: AuthorizationRequest | ReturnAddress | Exception = ASKED

    async def authorization_request(self, query: bytes, *, address: str = "") -> AuthorizationRequest | ReturnAddress:
        if isinstance(self.asked, Exception):
            raise self.asked
        return self.asked


class Desk(Struct):
    """A store with its pages, and a browser in front of it."""

    world: SignInWorld
    server: StubServer
    browser: httpx.AsyncClient

    async def show(self, path: str = ADDRESS) -> httpx.Response:
        """Open a page."""
        return await self.browser.get(path, headers={"sec-fetch-site": "cross-site"})

    async def send(self, page: httpx.Response, path: str = "/oauth/sign-in", **fields: Any) -> httpx.Response:
        """Fill in a form of a page and send it; None leaves a field out."""
        form = {"request": handle(page), "email": EMAIL, "password": PASSWORD, "scope": ["orders:read"], **fields}
        sent = {name: value for name, value in form.items() if value is not None}
        return await self.browser.post(path, data=sent, headers=SAME_SITE)


def desk_of(login: MemoryLogin | None = None, store: Any = STORE, **options: Any) -> Desk:
    """A desk of one store."""
    world, server = sign_in_world(login, store=store), StubServer()
    site = SignInSite(
        sign_in=world.sign_in, agents=world.agents, server=server, address_of=lambda _: "192.0.2.7", **options
    )
    pages = SignInPages({store.id: site}, BuyerPages(brand_hue))
    transport = httpx.ASGITransport(buyer_app(FakePaying(), store, more=pages.routes()), raise_app_exceptions=False)
    return Desk(world, server, httpx.AsyncClient(transport=transport, base_url=store.origin))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = desk_of()
    async with made.browser:
        yield made


def handle(page: httpx.Response) -> str:
    """The handle in a page's forms: all have the same."""
    (found,) = set(re.findall(r'name="request" value="([^"]+)"', page.text))
    return found


def words(page: httpx.Response) -> str:
    """What a person reads."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", re.sub("</?bdi[^>]*>", "", page.text), flags=re.DOTALL)
    return " ".join(text.split())


def policy(page: httpx.Response) -> dict[str, list[str]]:
    """The one content security policy of a page."""
    (line,) = page.headers.get_list("content-security-policy")
    return {name: rest for name, *rest in (part.split() for part in line.split(";"))}


async def test_the_page_leads_with_what_is_proven_and_quotes_what_is_not(desk: Desk) -> None:
    page = await desk.show()

    assert page.status_code == 200
    said = words(page)
    for wanted in (
        "chat.example wants to act for you at Pickle Warehouse.",
        "It calls itself “Claude &lt;b&gt;”. It is described at agent.example.",
        "See your name, e-mail and saved addresses",
        "See your orders and where they are",
        "Prepare orders in your name; you still pay yourself",
        "It ends by itself, at the latest on 20 December 2026",
        "It never sees your password. You pay each order yourself.",
        "Sign in and allow",
    ):
        assert wanted in said
    assert "“<bdi>Claude &lt;b&gt;</bdi>”" in page.text
    assert "Any program on this computer" not in said
    assert page.text.count('<input type="checkbox"') == page.text.count(" checked>") == 3
    assert "<script" not in page.text
    assert 'autocomplete="current-password"' in page.text


async def test_an_app_on_the_same_computer_is_warned_of(desk: Desk) -> None:
    desk.server.asked = replace(ASKED, redirect_uri="http://localhost:3000/cb", client_host="", client_name="")
    said = words(await desk.show())

    assert "An app on this computer wants to act for you" in said
    assert "Go on only if you have just started it yourself." in said
    assert "It calls itself" not in said


async def test_no_host_is_written_so_that_it_looks_like_another(desk: Desk) -> None:
    """A capital I looks like a small l; browsers go to the host in small letters all the same."""
    lookalike = "https://cIaude.EXAMPLE:8443/Cb"
    desk.server.asked = replace(ASKED, redirect_uri=lookalike, client_host="")
    assert "ciaude.example:8443 wants to act for you" in words(await desk.show())
    desk.server.asked = ReturnAddress(address=f"{lookalike}?error=x", is_app=False, unproven=True)
    page = await desk.show()
    assert " https://ciaude.example:8443/Cb " in words(page)
    assert f'href="{lookalike}?error=x"' in page.text


async def test_an_app_with_links_of_its_own_is_told_by_what_is_proven_of_them(desk: Desk) -> None:
    desk.server.asked = replace(ASKED, redirect_uri="com.example.app:/cb", client_host="", client_name="Cursor")
    said = words(await desk.show())

    assert "The app that opens com.example.app: links on this computer wants to act for you" in said
    assert "Go on only if you have just started it yourself." in said
    assert "An app on this computer" not in said


@pytest.mark.parametrize(
    ("redirect", "target"),
    [
        ("https://chat.example/cb", "https://chat.example"),
        ("http://localhost:65374/callback", "http://localhost:65374"),
        ("http://[::1]:65374/callback", "http:"),
        ("cursor://anysphere/cb", None),
    ],
)
async def test_every_page_is_private_in_no_frame_and_lets_its_form_lead_to_the_client_only(
    desk: Desk, redirect: str, target: str | None
) -> None:
    desk.server.asked = replace(ASKED, redirect_uri=redirect)
    for page in (await desk.show(), await desk.send(await desk.show(), password="wrong")):
        rules = policy(page)
        assert rules["form-action"] == ["'self'", STORE.origin, *([target] if target else [])]
        assert rules["frame-ancestors"] == rules["default-src"] == rules["base-uri"] == ["'none'"]
        assert "script-src" not in rules
        style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert rules["style-src"] == [f"'sha256-{digest}'"]
        for name, value in (
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
        ):
            assert page.headers[name] == value


async def test_a_person_who_signs_in_is_sent_back_with_a_code_and_303(desk: Desk) -> None:
    answer = await desk.send(await desk.show(), scope=["orders:read", "checkout"])

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://chat.example/callback?from=shop&code=sfc_")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "Max-Age=0" in answer.headers["set-cookie"]
    (grant,) = desk.world.records.granted.values()
    assert grant.scopes == ("orders:read", "checkout")
    assert desk.world.login.asked == [(EMAIL, PASSWORD, None, "192.0.2.7", "")]


async def test_the_cookie_is_of_this_host_alone_and_no_script_reads_it(desk: Desk) -> None:
    page = await desk.show()
    secure = page.headers["set-cookie"]

    assert re.fullmatch(
        r"__Host-sign-in-[0-9a-f]{12}=[\w-]{43}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure", secure
    )
    assert handle(page) not in secure
    local = desk_of(store=LOCAL)
    async with local.browser:
        plain = (await local.show()).headers["set-cookie"]
        assert re.fullmatch(r"sign-in-[0-9a-f]{12}=[\w-]{43}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax", plain)


async def test_a_form_in_another_browser_is_not_taken(desk: Desk) -> None:
    page = await desk.show()
    desk.browser.cookies.clear()
    for path in ("/oauth/sign-in", "/oauth/code", "/oauth/consent"):
        answer = await desk.send(page, path, code=CODE)
        assert answer.status_code == 400
        assert "began in another browser" in words(answer)
    assert desk.world.login.asked == []


@pytest.mark.parametrize("path", ["/oauth/sign-in", "/oauth/code", "/oauth/consent", "/account/agents"])
async def test_a_form_of_another_site_is_not_taken(desk: Desk, path: str) -> None:
    page = await desk.show()
    answer = await desk.browser.post(
        path, data={"request": handle(page), "act": "end-all"}, headers={"sec-fetch-site": "cross-site"}
    )

    assert answer.status_code == 403
    assert "own page can sign you in." in words(answer)
    assert desk.world.login.asked == []


async def test_a_wrong_password_is_told_in_one_wording_and_never_shown_again(desk: Desk) -> None:
    page = await desk.show()
    wrong = await desk.send(page, password="planted-secret")
    unknown = await desk.send(page, email="nobody@example.com", password="planted-secret")

    assert wrong.status_code == unknown.status_code == 403
    told = "That did not match. Check your e-mail and password, and try again."
    assert told in words(wrong)
    assert told in words(unknown)
    assert "planted-secret" not in wrong.text
    assert f'value="{EMAIL}"' in wrong.text
    assert wrong.text.count(" checked>") == 1
    assert 'aria-invalid="true" aria-describedby="refused"' in wrong.text
    assert (await desk.send(page)).status_code == 303


async def test_after_the_last_try_the_sign_in_is_over(desk: Desk) -> None:
    page = await desk.show()
    answers = [await desk.send(page, password="wrong") for _ in range(MAX_TRIES)]

    assert [answer.status_code for answer in answers] == [403] * (MAX_TRIES - 1) + [429]
    assert "There were too many tries." in words(answers[-1])
    assert (await desk.send(page)).status_code == 400


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (TooManyTries(retry_after=600), 429, "You can try again in 10 minutes."),
        (ShopDown("pickle"), 503, "The shop cannot sign you in right now. Nothing was allowed."),
        (RuntimeError("planted"), 500, "This failed on the way, and nothing was allowed."),
    ],
)
async def test_trouble_is_a_page_that_says_what_to_do(desk: Desk, fault: Exception, status: int, said: str) -> None:
    desk.world.login.fault = fault
    answer = await desk.send(await desk.show())

    assert answer.status_code == status
    assert said in words(answer)
    assert answer.headers.get("retry-after") == ("600" if status == 429 else None)
    assert "planted" not in answer.text
    assert desk.world.records.granted == {}


async def test_a_client_that_nobody_knows_gets_a_page_and_no_redirect(desk: Desk) -> None:
    desk.server.asked = ClientRefused("This request says client_id twice.")
    answer = await desk.show()

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "Remove this shop from your assistant, add it again" in words(answer)
    assert "This request says client_id twice." in words(answer)


async def test_what_else_is_wrong_with_a_request_is_told_to_its_client(desk: Desk) -> None:
    desk.server.asked = ReturnAddress(address="https://chat.example/callback?error=invalid_request", is_app=False)
    answer = await desk.show()

    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "https://chat.example/callback?error=invalid_request",
    )
    assert desk.world.records.requests == {}


async def test_a_person_may_say_no(desk: Desk) -> None:
    answer = await desk.send(await desk.show(), "/oauth/consent", act="cancel", email=None, password=None)

    assert answer.status_code == 303
    assert "error=access_denied" in answer.headers["location"]
    assert desk.world.login.asked == []


async def test_an_app_with_a_scheme_of_its_own_gets_its_answer_by_a_page_with_a_button(desk: Desk) -> None:
    desk.server.asked = replace(ASKED, redirect_uri="cursor://anysphere.cursor-mcp/oauth/callback")
    answer = await desk.send(await desk.show())

    assert answer.status_code == 200
    found = re.search(
        r'<a class="button" href="(cursor://anysphere.cursor-mcp/oauth/callback\?code=sfc_[^"]+)"', answer.text
    )
    assert found is not None
    assert answer.headers["refresh"] == f"0; url={found[1].replace('&amp;', '&')}"


async def test_a_second_factor_is_asked_for_under_a_new_cookie() -> None:
    desk = desk_of(MemoryLogin(code=True))
    async with desk.browser:
        page = await desk.show()
        asked = await desk.send(page)
        assert asked.status_code == 200
        assert "Your authenticator app shows it." in words(asked)
        assert 'autocomplete="one-time-code"' in asked.text
        assert asked.headers["set-cookie"].partition("; ")[0] != page.headers["set-cookie"].partition("; ")[0]
        assert PASSWORD.strip() not in asked.text.replace("&amp;", "&")

        wrong = await desk.send(asked, "/oauth/code", code="1")
        assert wrong.status_code == 403
        assert "Check the code, or wait for the next one" in words(wrong)
        answer = await desk.send(wrong, "/oauth/code", code=CODE)
        assert answer.status_code == 303
        assert desk.world.login.asked[-1][:3] == (EMAIL, PASSWORD, CODE)


async def test_a_code_is_mailed_where_the_shop_has_no_passwords() -> None:
    desk = desk_of(MemoryLogin(form="mailed_code", code=True))
    async with desk.browser:
        page = await desk.show()
        assert "Mail me a code" in words(page)
        assert 'type="password"' not in page.text
        asked = await desk.send(page, password=None)
        assert f"We have mailed a code to {EMAIL}." in words(asked)
        assert (await desk.send(asked, "/oauth/code", code=CODE, password=None)).status_code == 303


async def test_a_person_sees_who_may_act_for_them_and_ends_it(desk: Desk) -> None:
    for _ in range(2):
        assert (await desk.send(await desk.show())).status_code == 303
    page = await desk.show("/account/agents")
    assert "Sign in to see who may act for you" in words(page)
    signed = await desk.send(page, scope=None)
    assert (signed.status_code, signed.headers["location"]) == (303, "/account/agents")
    assert signed.headers["set-cookie"].startswith("__Host-connected-agents=")

    agents = await desk.show("/account/agents")
    said = words(agents)
    assert f"You are signed in as {EMAIL}." in said
    assert said.count("chat.example") == 2
    first, second = re.findall(r'name="grant" value="([^"]+)"', agents.text)
    ended = await desk.send(agents, "/account/agents", act="end", grant=first)
    assert ended.status_code == 303
    after = await desk.show(ended.headers["location"])
    assert "Ended. It has to ask you again" in words(after)
    assert re.findall(r'name="grant" value="([^"]+)"', after.text) == [second]
    left = await desk.send(after, "/account/agents", act="leave")
    assert "You are signed out" in words(left)
    assert "Sign in to see who may act for you" in words(await desk.show("/account/agents"))
    assert desk.world.records.granted[second].ended_at is None


async def test_all_agents_end_at_once_and_nothing_ends_without_the_page(desk: Desk) -> None:
    for _ in range(2):
        await desk.send(await desk.show())
    await desk.send(await desk.show("/account/agents"), scope=None)
    agents = await desk.show("/account/agents")
    for fields in ({"request": "guessed", "act": "end-all"}, {"act": "other"}, {"act": "end", "grant": ""}):
        await desk.send(agents, "/account/agents", **fields)
    assert all(grant.ended_at is None for grant in desk.world.records.granted.values())

    await desk.send(agents, "/account/agents", act="end-all")
    assert all(grant.ended_why == "person" for grant in desk.world.records.granted.values())
    assert "Nobody may act for you here." in words(await desk.show("/account/agents"))


async def test_nothing_is_said_to_have_ended_that_was_not_there(desk: Desk) -> None:
    await desk.send(await desk.show())
    await desk.send(await desk.show("/account/agents"), scope=None)
    agents = await desk.show("/account/agents")
    answer = await desk.send(agents, "/account/agents", act="end", grant="a-grant-of-somebody")

    assert (answer.status_code, answer.headers["location"]) == (303, "/account/agents")
    assert "Ended." not in words(await desk.show(answer.headers["location"]))


async def test_a_form_that_no_page_of_ours_can_have_sent_is_not_read(desk: Desk) -> None:
    page = await desk.show()
    typed = f"request={handle(page)}&email={EMAIL}&password=x&scope=orders:read"
    for kind in ("text/plain", "application/json", ""):
        answer = await desk.browser.post("/oauth/sign-in", content=typed, headers=SAME_SITE | {"content-type": kind})
        assert answer.status_code == 415
    assert desk.world.login.asked == []


async def test_whoever_asks_for_too_many_pages_waits_and_nobody_else_loses_theirs(desk: Desk) -> None:
    page = await desk.show()
    desk.world.records.at_most = 1
    for path in (ADDRESS, "/account/agents"):
        answer = await desk.show(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert "Nothing was allowed. Please wait a minute and try again." in words(answer)
    assert (await desk.send(page)).status_code == 303


async def test_a_form_about_agents_without_its_button_is_told_in_the_words_of_that_page(desk: Desk) -> None:
    await desk.send(await desk.show())
    await desk.send(await desk.show("/account/agents"), scope=None)
    answer = await desk.send(await desk.show("/account/agents"), "/account/agents")

    assert answer.status_code == 400
    assert "Open the page again to see who may act for you" in words(answer)
    assert "nothing was allowed" not in words(answer)
    assert 'href="/account/agents"' in answer.text


@pytest.mark.parametrize("path", [ADDRESS, "/account/agents"])
async def test_there_is_no_page_while_nobody_can_sign_in(desk: Desk, path: str) -> None:
    desk.server.open = False
    answer = await desk.show(path)
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"There is nothing at {path.partition('?')[0]}."
    assert (await desk.browser.post("/oauth/sign-in", data={}, headers=SAME_SITE)).status_code == 404


async def test_nobody_comes_back_from_elsewhere_or_consents_apart_where_people_sign_in_here(desk: Desk) -> None:
    answer = await desk.browser.get("/oauth/callback?state=a&code=b")
    assert answer.status_code == 404

    page = await desk.show()
    led = await desk.send(page, "/oauth/consent", act="allow")
    assert "error=access_denied" in led.headers["location"]
    assert not desk.world.records.granted


@pytest.mark.parametrize("field", ["request", "email", "password", "code"])
async def test_a_field_that_is_too_long_is_not_taken(desk: Desk, field: str) -> None:
    answer = await desk.send(await desk.show(), **{field: "x" * 1025})
    assert answer.status_code == 400
    assert desk.world.login.asked == []


async def test_no_secret_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk.world.login.fault = RuntimeError("broken")
    page = await desk.show()
    await desk.send(page, password="planted-password", email="planted@example.com")

    assert "a sign-in page failed" in caplog.text
    assert "planted" not in caplog.text
    assert handle(page) not in caplog.text


@pytest.mark.parametrize(("locale", "said"), [("de-AT", "Anmelden und erlauben"), ("ar", "تسجيل الدخول والسماح")])
async def test_the_pages_speak_the_stores_language(locale: str, said: str) -> None:
    desk = desk_of(
        store=replace(STORE, locale=locale),
        register_url="https://pickle.example/new",
        reset_url="https://pickle.example/lost",
    )
    async with desk.browser:
        page = await desk.show()
        assert said in words(page)
        assert f'<html lang="{locale}"' in page.text
        assert 'href="https://pickle.example/new"' in page.text
        assert 'href="https://pickle.example/lost"' in page.text


async def test_nobody_is_sent_on_unasked_for_a_client_that_anybody_could_have_made(desk: Desk) -> None:
    """RFC 9700 §4.11.2: a link to a shop that people trust must not lead to somebody else's page."""
    address = "https://evil.example/cb?error=invalid_request&state=s"
    desk.server.asked = ReturnAddress(address=address, is_app=False, unproven=True)
    page = await desk.show()
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "refresh" not in page.headers
    assert "https://evil.example/cb" in words(page)
    assert 'href="https://evil.example/cb?error=invalid_request&amp;state=s"' in page.text
    desk.server.asked = ReturnAddress(address=address, is_app=False)
    assert (await desk.show()).headers["location"] == address
