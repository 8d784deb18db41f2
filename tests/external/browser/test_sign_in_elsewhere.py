"""Sign-in at an OpenID provider, in a real Chromium: there and back over several sites, and the page that asks."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from playwright.sync_api import expect

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.customers import IssuerRedirect
from storefront_mcp.oauth.issuer_sign_in import IssuerSignIn
from storefront_mcp.web.buyer_pages import BuyerPages
from storefront_mcp.web.sign_in_pages import SignInPages, SignInSite
from tests.external.browser.conftest import SCHEMES, Opening, Provider, on_loopback, press, violations
from tests.fakes.memory_oauth import CODE, EMAIL, MemoryIssuer
from tests.serving import free_port, served
from tests.unit.oauth.signing_in import ASKED, SignInWorld, sign_in_world
from tests.unit.web.buying import FakePaying, buyer_app
from tests.unit.web.test_sign_in_pages import StubServer

pytestmark = pytest.mark.browser
PATH = "/oauth/authorize?client_id=agent"


class FederatedIssuer(MemoryIssuer):
    """A provider on another site, which sends people on to one of a third, where they are signed in already."""

    def __init__(self, here: str, there: str, store: str) -> None:
        super().__init__()
        self.issuer = here
        self._hops = {"/authorize": f"{there}/federated", "/federated": f"{store}/oauth/callback"}

    async def begin(self, state: str) -> IssuerRedirect:
        begun = await super().begin(state)
        return replace(begun, address=f"{self.issuer}/authorize?code={CODE}&state={state}")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (event := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{event['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        target = f"{self._hops[scope['path']]}?{scope['query_string'].decode()}"
        await send({"type": "http.response.start", "status": 302, "headers": [(b"location", target.encode())]})
        await send({"type": "http.response.body", "body": b""})


class Door(Struct):
    """A served store whose customers sign in at a provider."""

    origin: str
    world: SignInWorld
    issuer: FederatedIssuer


@contextlib.contextmanager
def door(redirect: str) -> Iterator[Door]:
    store, port = on_loopback(free_port()), free_port()
    issuer = FederatedIssuer(f"http://localhost:{port}", f"http://login.localhost:{port}", store.origin)
    world, server = sign_in_world(store=store), StubServer()
    server.asked = replace(ASKED, redirect_uri=redirect, client_name="Pickle Agent")
    site = SignInSite(
        sign_in=IssuerSignIn(replace(world.context, login=issuer), issuer),
        agents=world.agents,
        server=server,
        address_of=lambda _: "",
    )
    pages = SignInPages({store.id: site}, BuyerPages(brand_hue))
    with (
        served(issuer, port),
        served(buyer_app(FakePaying(), store, more=pages.routes()), int(store.host.rpartition(":")[2])) as origin,
    ):
        yield Door(origin, world, issuer)


@pytest.fixture
def shop(provider: Provider) -> Iterator[Door]:
    """The client's page is on another origin."""
    with door(f"{provider.origin}/session") as made:
        yield made


def test_a_person_who_is_signed_in_at_the_provider_comes_back_over_three_sites_and_is_asked(
    shop: Door, opening: Opening
) -> None:
    page = opening(shop.origin + PATH)
    press(page, f"Sign in at {shop.issuer.issuer.removeprefix('http://')}")

    expect(page.get_by_role("heading", level=1)).to_have_text("Allow this?")
    expect(page.get_by_text(f"You are signed in as {EMAIL}.")).to_be_visible()
    assert not shop.world.records.granted
    page.get_by_label("See your name, e-mail and saved addresses").uncheck()
    press(page, "Allow")

    expect(page).to_have_title("Provider")
    assert "code=sfc_" in page.url
    (grant,) = shop.world.records.granted.values()
    assert grant.scopes == ("orders:read", "checkout")


def test_a_person_says_no_before_and_after(shop: Door, opening: Opening) -> None:
    for goes in (False, True):
        page = opening(shop.origin + PATH)
        if goes:
            page.get_by_role("button", name="Sign in at").click()
        press(page, "Cancel")
        expect(page).to_have_title("Provider")
        assert "error=access_denied" in page.url
    assert not shop.world.records.granted


def test_going_back_from_the_client_or_reading_again_allows_nothing_more(shop: Door, opening: Opening) -> None:
    page = opening(shop.origin + PATH)
    page.get_by_role("button", name="Sign in at").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Allow this?")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please start again")

    page.goto(shop.origin + PATH)
    page.get_by_role("button", name="Sign in at").click()
    press(page, "Allow")
    expect(page).to_have_title("Provider")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please start again")
    assert len(shop.world.records.granted) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("step", ["before", "after"])
def test_both_pages_are_accessible_and_fit_a_narrow_window(
    shop: Door, opening: Opening, axe: str, step: str, scheme: str
) -> None:
    page = opening(shop.origin + PATH, scheme=scheme, scripts=True, width=320)
    if step == "after":
        page.get_by_role("button", name="Sign in at").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Allow this?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page, axe) == []
