"""A customer of a WooCommerce shop signs in by a code from their mailbox, and their agent reads their orders."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from cryptography.fernet import Fernet
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import PICKLERS
from storefront_mcp.oauth.sign_in_steps import MAX_TRIES
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.mail import SmtpSettings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from storefront_mcp.settings.sign_in import SignInSettings
from tests.contract.woocommerce import BY_CHEQUE, WOO_DRAFT, filled, woo_backend
from tests.fakes.person import answer_of, filled_form
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET, WooShop
from tests.journeys.conftest import SELLING, flip, unhurried
from tests.journeys.shops.woocommerce import stocked_shop
from tests.journeys.signing_in import CALLBACK, CHALLENGE, VERIFIER
from tests.serving import free_port, served
from tests.unit.mail.test_smtp_sender import Mailbox, smtp_server

pytestmark = pytest.mark.slow

ADA, BO, _ = PICKLERS
CODE = re.compile(r"^\s+(\d{4} \d{4})\s*$", re.MULTILINE)
WRONG = "0000 0000"
SECONDS = 120.0
"""For a mail to arrive, on a busy machine."""


class Site(Struct, kw_only=True):
    """A store over a WooCommerce shop, its customers' mailbox, and an agent of one of them."""

    origin: str
    shop: WooShop
    mailbox: Mailbox
    browser: httpx.AsyncClient
    agent: httpx.AsyncClient
    client: str = ""

    async def call(self, method: str, token: str | None = None, **params: Any) -> httpx.Response:
        """What the store answers an agent."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.agent.post("/mcp", json=message, headers=headers)

    async def told(self, token: str, tool: str, **arguments: Any) -> Any:
        """What a tool answers a signed-in customer's agent; its error's code where it is one."""
        answer = await self.call("tools/call", token, name=tool, arguments=arguments)
        assert answer.status_code == 200, answer.text
        result = answer.json()["result"]
        return json.loads(result["content"][0]["text"]) if not result.get("isError") else result

    async def asked(self, scope: str = "") -> httpx.Response:
        """The page to which the agent leads its person."""
        if not self.client:
            registered = await self.agent.post("/oauth/register", json={"redirect_uris": [CALLBACK]})
            self.client = registered.json()["client_id"]
        query = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": CALLBACK,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **({"scope": scope} if scope else {}),
        }
        return await self.browser.get("/oauth/authorize", params=query)

    async def sent(self, page: httpx.Response, **typed: str) -> httpx.Response:
        """The answer to a page's form as a person fills it in."""
        action, fields = filled_form(page.text, typed, without=frozenset())
        return await self.browser.post(
            urljoin(str(page.url), action), data=fields, headers={"sec-fetch-site": "same-origin"}
        )

    async def mailed(self) -> str:
        """The code that has arrived."""
        await asyncio.wait_for(self.mailbox.arrived.wait(), SECONDS)
        text = self.mailbox.messages[-1].get_content()
        found = CODE.search(text)
        assert found is not None, text
        return found[1]

    async def signed_in(self) -> dict[str, Any]:
        """The tokens of an agent that Ada lets in."""
        page = await self.sent(await self.asked(), email=ADA.email)
        led = await self.sent(page, code=await self.mailed())
        assert led.status_code == httpx.codes.SEE_OTHER, led.text
        answer = await self.agent.post(
            "/oauth/token",
            data={
                "grant_type": "authorization_code",
                "code": answer_of(led.headers["location"])["code"],
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
                "client_id": self.client,
            },
        )
        tokens: dict[str, Any] = answer.json()
        return tokens


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    mailbox, port, shop = Mailbox(), free_port(), stocked_shop("AUD")
    shop.state.add_people(PICKLERS)
    async with smtp_server(mailbox) as mail_port:
        with served(shop) as url:
            settings = unhurried(demo_settings(port, state=tmp_path, key=Fernet.generate_key().decode()))
            store = replace(
                settings.stores[0],
                upstream=UpstreamSettings(
                    kind="woocommerce", url=url, consumer_key=MERCHANT_KEY, consumer_secret=Secret(MERCHANT_SECRET)
                ),
                payments=PaymentSettings(provider="sandbox", method="cheque"),
                sign_in=SignInSettings(on=True),
            )
            smtp = SmtpSettings(host="127.0.0.1", port=mail_port, security="none", sender="orders@pickle.example")
            settings = replace(settings, stores=(store,), smtp=smtp)
            flip(settings, {**SELLING, "p4_account": "active"})
            with served(create_app(settings), port) as origin:
                async with (
                    httpx.AsyncClient(base_url=origin, timeout=SECONDS) as browser,
                    httpx.AsyncClient(base_url=origin, timeout=SECONDS) as agent,
                ):
                    yield Site(origin=origin, shop=shop, mailbox=mailbox, browser=browser, agent=agent)


async def ordered(shop: WooShop, email: str) -> str:
    """The number of an order that a customer made on the shop's website."""
    backend = woo_backend(shop)
    order = await backend.place_order(await filled(backend, "TEE-BLACK-M", 2), WOO_DRAFT, BY_CHEQUE)
    assert order.number
    shop.state.claim(order.number, email)
    return order.number


async def test_an_agent_reads_its_persons_orders_once_they_have_typed_the_code(site: Site) -> None:
    first, theirs, second = [await ordered(site.shop, email) for email in (ADA.email, BO.email, ADA.email)]
    refused = await site.call("tools/call", name="get_customer_orders", arguments={})
    assert refused.status_code == 401
    assert 'scope="profile:read orders:read"' in refused.headers["www-authenticate"]

    page = await site.asked()
    assert 'type="password"' not in page.text
    assert "Mail me a code" in page.text
    token = (tokens := await site.signed_in())["access_token"]
    assert tokens["scope"] == "profile:read orders:read"
    assert site.mailbox.envelopes == [("orders@pickle.example", [ADA.email])]

    listed = await site.told(token, "get_customer_orders")
    assert [one["number"] for one in listed["orders"]] == [second, first]
    assert listed["total"] == 2
    order = await site.told(token, "get_order", number=first)
    assert (order["number"], order["status"], order["lines"][0]["sku"]) == (first, "on-hold", "TEE-BLACK-M")
    assert order["shipping_address"]["city"] == "Brunswick"
    assert "order_not_found" in str(await site.told(token, "get_order", number=theirs))
    assert (await site.told(token, "list_addresses"))["addresses"] == []
    again = await site.told(token, "reorder", number=first)
    assert [(line["sku"], line["quantity"]) for line in again["lines"]] == [("TEE-BLACK-M", 2)]


async def test_what_the_shop_cannot_do_for_a_customer_is_neither_listed_nor_asked_for(site: Site) -> None:
    tools = (await site.call("tools/list")).json()["result"]["tools"]
    names = {one["name"] for one in tools}
    assert {"get_customer_orders", "get_order", "list_addresses", "reorder", "place_order"} <= names
    assert "cancel_order" not in names
    assert (
        "checkout" not in (await site.agent.get("/.well-known/oauth-protected-resource/mcp")).json()["scopes_supported"]
    )
    (placing,) = (one for one in tools if one["name"] == "place_order")
    assert "oauth2" not in json.dumps(placing.get("securitySchemes", [])), "it is for guests"


async def test_an_address_that_is_no_customers_is_shown_the_same_and_mailed_nothing(site: Site) -> None:
    pages = {}
    for email in (ADA.email, "eve@pickle.example"):
        shown = await site.sent(await site.asked(), email=email)
        wrong = await site.sent(shown, code=WRONG)
        handle = re.findall(r'name="request" value="([^"]+)"', shown.text)[0]
        pages[email] = [(one.status_code, one.text.replace(handle, "").replace(email, "")) for one in (shown, wrong)]
    await site.mailed()
    assert pages[ADA.email] == pages["eve@pickle.example"]
    assert [to for _, to in site.mailbox.envelopes] == [[ADA.email]]


async def test_five_tries_end_it_and_the_right_code_is_none_any_more(site: Site) -> None:
    page = await site.sent(await site.asked(), email=ADA.email)
    code = await site.mailed()
    statuses = []
    for _ in range(MAX_TRIES):
        answer = await site.sent(page, code=WRONG)
        statuses.append(answer.status_code)
        page = answer if 'name="code"' in answer.text else page
    assert statuses[-2:] == [429, 400], "asking for the code was the first"
    assert (await site.sent(page, code=code)).status_code == 400


async def test_a_code_counts_in_the_browser_alone_that_asked_for_it(site: Site) -> None:
    page = await site.sent(await site.asked(), email=ADA.email)
    code = await site.mailed()
    kept = site.browser.cookies
    site.browser.cookies = httpx.Cookies()
    assert (await site.sent(page, code=code)).status_code == 400
    site.browser.cookies = kept
    assert (await site.sent(page, code=code)).status_code == httpx.codes.SEE_OTHER


async def test_a_customer_sees_and_ends_what_they_allowed_by_another_code(site: Site) -> None:
    token = (await site.signed_in())["access_token"]
    site.mailbox.arrived.clear()
    page = await site.sent(await site.browser.get("/account/agents"), email=ADA.email)
    led = await site.sent(page, code=await site.mailed())
    assert led.headers["location"] == "/account/agents"
    shown = await site.browser.get("/account/agents")
    assert ADA.email in shown.text
    handle = re.findall(r'name="request" value="([^"]+)"', shown.text)[0]
    await site.browser.post(
        "/account/agents", data={"request": handle, "act": "end-all"}, headers={"sec-fetch-site": "same-origin"}
    )
    async with asyncio.timeout(SECONDS):
        while (await site.call("tools/call", token, name="get_customer_orders", arguments={})).status_code != 401:
            pass
