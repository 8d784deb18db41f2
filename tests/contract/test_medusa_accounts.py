"""What is Medusa's own about customers, asked of the stand-in here and of a real one in tests/external/medusa."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.customers import AccountNotConfirmed, SessionOver
from storefront_mcp.commerce.errors import OrderRefused
from storefront_mcp.commerce.order import OrderDraft, OrderSettlement
from storefront_mcp.demo.customers import DemoPerson
from tests.contract.shops import OPENERS
from tests.contract.shops.contract_shop import ADA, HOME, ContractShop, aud, filled
from tests.contract.test_every_account import account_of, people, placed, session_of
from tests.fakes.medusa.state import MedusaState
from tests.fakes.medusa.tokens import issue
from tests.serving import PATIENCE

pytestmark = pytest.mark.slow

UNAUTHORIZED = {"message": "Unauthorized"}
WRONG = {"type": "unauthorized", "message": "Invalid email or password"}
LATE = MedusaState(clock=lambda: 1_700_000_000.0)
"""A shop of long ago, whose tokens are signed as today's and are over."""


class MedusaSite(Struct, frozen=True, kw_only=True):
    """A shop, and where and by which key it is asked without an adapter."""

    every: ContractShop
    url: str
    key: str

    async def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> tuple[int, Any]:
        """Status and body."""
        headers = {"x-publishable-api-key": self.key, **({"authorization": f"Bearer {token}"} if token else {})}
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE, trust_env=False) as client:
            answer = await client.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json()

    async def register(self, person: DemoPerson) -> str:
        """The token of a password that is nobody's yet."""
        secrets = {"email": person.email, "password": person.password}
        return str((await self.ask("POST", "/auth/customer/emailpass/register", secrets))[1]["token"])


@pytest.fixture
async def site() -> AsyncIterator[MedusaSite]:
    """The stand-in."""
    async with OPENERS["medusa"]() as every:
        yield MedusaSite(every=every, url=every.url, key=MedusaState().key)


REFUSALS = [
    ("POST", "/auth/customer/emailpass", {"email": "nobody@pickle.example", "password": "x"}, "", 401, WRONG),
    ("POST", "/auth/customer/emailpass", {"email": "nobody@pickle.example", "password": "x", "odd": 1}, "", 401, WRONG),
    (
        *("POST", "/auth/customer/emailpass", {"email": "nobody@pickle.example", "password": ""}, "", 401),
        {"type": "unauthorized", "message": "Password should be a string"},
    ),
    (
        *("POST", "/auth/customer/emailpass", {"email": "", "password": "x"}, "", 401),
        {"type": "unauthorized", "message": "Email should be a string"},
    ),
    ("POST", "/auth/token/refresh", None, "", 401, UNAUTHORIZED),
    ("POST", "/auth/token/refresh", None, "made.up.token", 401, UNAUTHORIZED),
    ("GET", "/store/customers/me", None, "", 401, UNAUTHORIZED),
    ("GET", "/store/customers/me", None, "made.up.token", 401, UNAUTHORIZED),
    ("GET", "/store/customers/me/addresses", None, "made.up.token", 401, UNAUTHORIZED),
    ("GET", "/store/orders", None, "", 401, UNAUTHORIZED),
    ("GET", "/store/orders?odd=1", None, "", 401, UNAUTHORIZED),
    ("POST", "/store/carts/cart_nope/customer", None, "", 401, UNAUTHORIZED),
]


@pytest.mark.parametrize(("method", "path", "body", "token", "status", "refusal"), REFUSALS)
async def test_who_is_nobody_is_refused_in_these_words(
    site: MedusaSite, method: str, path: str, body: object, token: str, status: int, refusal: object
) -> None:
    assert await site.ask(method, path, body, token=token) == (status, refusal)


async def test_a_wrong_password_and_an_address_in_capitals_are_refused_alike(site: MedusaSite) -> None:
    ada = people(site.every).ada
    for secrets in ((ada.email, "wrong"), (ada.email.upper(), ada.password)):
        body = dict(zip(("email", "password"), secrets, strict=True))
        assert await site.ask("POST", "/auth/customer/emailpass", body) == (401, WRONG)


async def test_a_token_whose_time_is_over_is_nobodys(site: MedusaSite) -> None:
    session = await session_of(site.every, people(site.every).ada)
    identity = {"id": "authid_1", "customer": session.customer_id, "second_factor": None}
    late = replace(session, secret=issue(LATE, identity))
    for method, path in (("GET", "/store/customers/me"), ("POST", "/auth/token/refresh")):
        assert await site.ask(method, path, token=late.secret) == (401, UNAUTHORIZED)
    login = site.every.backend.login
    assert login is not None
    for call in (login.renew(late), people(site.every).account(late).orders(page=1, size=10)):
        with pytest.raises(SessionOver):
            await call


async def test_a_password_without_a_customer_lets_nobody_in_and_one_that_gets_a_customer_does(site: MedusaSite) -> None:
    dill = replace(people(site.every).ada, email=f"dill.{people(site.every).ada.email}", confirmed=True)
    token = await site.register(dill)
    assert await site.ask("GET", "/store/customers/me", token=token) == (401, UNAUTHORIZED)
    with pytest.raises(AccountNotConfirmed):
        await session_of(site.every, dill)

    told = {"email": dill.email, "first_name": "Dill", "last_name": "Weed"}
    status, made = await site.ask("POST", "/store/customers", told, token=token)
    assert (status, made["customer"]["has_account"]) == (200, True)
    assert await site.ask("GET", "/store/customers/me", token=token) == (401, UNAUTHORIZED), "the old token stays"
    session = await session_of(site.every, dill)
    assert (session.customer_id, session.name) == (made["customer"]["id"], "Dill Weed")
    status, again = await site.ask("POST", "/store/customers", told, token=session.secret)
    assert (status, again["message"]) == (400, "Request already authenticated as a customer.")


async def test_what_customers_may_sign_in_with_is_listed(site: MedusaSite) -> None:
    status, listed = await site.ask("GET", "/auth/customer/providers")
    assert status == 200
    assert "emailpass" in [one["identifier"] for one in listed["providers"]]


async def test_a_renewal_leaves_the_old_token_alive(site: MedusaSite) -> None:
    login = site.every.backend.login
    assert login is not None
    session = await session_of(site.every, people(site.every).ada)
    await login.renew(session)
    assert (await people(site.every).account(session).orders(page=1, size=10)).total == 0
    await login.end(session)
    assert (await site.ask("GET", "/store/customers/me", token=session.secret))[0] == 200


async def test_a_list_of_orders_has_their_lines_whatever_was_asked_for(site: MedusaSite) -> None:
    session = await session_of(site.every, people(site.every).ada)
    await placed(site.every, people(site.every).account(session))
    status, found = await site.ask("GET", "/store/orders?fields=id,metadata&limit=1", token=session.secret)
    (order,) = found["orders"]
    assert (status, found["count"], found["offset"], found["limit"]) == (200, 1, 0, 1)
    assert order["items"][0]["variant_sku"] == "PAD-2"
    assert order["metadata"]["storefront_checkout"] == "chk_1"
    _, whole = await site.ask("GET", f"/store/orders/{order['id']}?fields=id,metadata")
    assert "metadata" not in whole["order"], "whoever has an id reads the order, and not our reference"
    status, past = await site.ask("GET", "/store/orders?offset=9", token=session.secret)
    assert (past["orders"], past["count"]) == ([], 1)
    status, refused = await site.ask("GET", "/store/orders?odd=1", token=session.secret)
    assert (status, refused["message"]) == (400, "Invalid request: Unrecognized fields: 'odd'")
    bo = await session_of(site.every, people(site.every).bo)
    _, others = await site.ask("GET", f"/store/orders?id={order['id']}", token=bo.secret)
    assert (others["orders"], others["count"]) == ([], 0)


async def test_an_order_that_would_cost_something_else_than_was_agreed_is_not_made(site: MedusaSite) -> None:
    every = site.every
    ada, cart = await account_of(every, people(every).ada), await filled(every)
    methods = await every.backend.shipping_methods(cart, HOME)
    assert methods
    draft = OrderDraft(
        email="x@example.com", shipping_address=ADA, billing_address=ADA, shipping_method=methods[0].code
    )
    total = (await every.backend.quote_order(cart, draft)).totals.total
    settlement = OrderSettlement(method=every.method, payment="pay_1", reference="chk_1")

    with pytest.raises(OrderRefused, match="was agreed"):
        await ada.place_order(cart, draft, settlement, total - aud(1))
    assert every.books() == []
    assert (await ada.orders(page=1, size=10)).total == 0
    made = await ada.place_order(cart, draft, settlement, total)
    assert made.total == total
    [booked] = every.books()
    assert booked.email == "x@example.com", "the buyer's, and not that of the account"
    assert [one.number for one in (await ada.orders(page=1, size=10)).orders] == [made.number]


async def test_neither_is_a_guests(site: MedusaSite) -> None:
    every = site.every
    cart = await filled(every)
    methods = await every.backend.shipping_methods(cart, HOME)
    assert methods
    draft = OrderDraft(
        email="x@example.com", shipping_address=ADA, billing_address=ADA, shipping_method=methods[0].code
    )
    total = (await every.backend.quote_order(cart, draft)).totals.total
    agreed = OrderSettlement(method=every.method, payment="pay_1", reference="chk_1", total=total)

    with pytest.raises(OrderRefused, match="was agreed"):
        await every.backend.place_order(cart, draft, replace(agreed, total=total - aud(1)))
    assert every.books() == []
    assert (await every.backend.place_order(cart, draft, agreed)).total == total


async def test_a_guests_order_with_the_address_of_an_account_is_that_accounts(site: MedusaSite) -> None:
    every, ada = site.every, people(site.every).ada
    cart = await filled(every)
    methods = await every.backend.shipping_methods(cart, HOME)
    assert methods
    draft = OrderDraft(email=ada.email, shipping_address=ADA, billing_address=ADA, shipping_method=methods[0].code)
    await every.backend.quote_order(cart, draft)
    settlement = OrderSettlement(method=every.method, payment="pay_1", reference="chk_1")
    made = await every.backend.place_order(cart, draft, settlement)
    assert [one.number for one in (await (await account_of(every, ada)).orders(page=1, size=10)).orders] == [
        made.number
    ]


async def test_saved_addresses_are_told_as_an_order_takes_them(site: MedusaSite) -> None:
    session = await session_of(site.every, people(site.every).ada)
    home = {
        "first_name": "Ada",
        "address_1": "1 Queen Street",
        "address_2": "Level 3",
        "city": "Brisbane",
        "province": "au-qld",
        "postal_code": "4000",
        "country_code": "au",
        "is_default_shipping": True,
    }
    for address in (home, {"city": "Nowhere"}):
        status, _ = await site.ask("POST", "/store/customers/me/addresses", address, token=session.secret)
        assert status == 200
    found = await people(site.every).account(session).addresses()
    saved = next(one for one in found if one.default_shipping)
    told = saved.address
    assert (told.street, told.region, told.country, told.last_name) == ("1 Queen Street\nLevel 3", "QLD", "AU", "")
    assert (len(found), saved.default_billing) == (2, False)
    cart = await filled(site.every)
    assert await site.every.backend.shipping_methods(cart, told.place())


async def test_a_cart_that_is_claimed_takes_the_accounts_address(site: MedusaSite) -> None:
    session = await session_of(site.every, people(site.every).ada)
    cart = await filled(site.every)
    await site.ask("POST", f"/store/carts/{cart}", {"email": "other@example.com"})
    for email in (people(site.every).ada.email, "kept@example.com"):
        status, claimed = await site.ask("POST", f"/store/carts/{cart}/customer", token=session.secret)
        assert (status, claimed["cart"]["email"]) == (200, email)
        assert claimed["cart"]["customer_id"] == session.customer_id
        await site.ask("POST", f"/store/carts/{cart}", {"email": "kept@example.com"})
    status, refused = await site.ask("POST", "/store/carts/cart_nope/customer", token=session.secret)
    assert (status, refused) == (404, {"type": "not_found", "message": "Cart id not found: cart_nope"})
