"""What a service account may read, what people see of the orders, and how tests look into the books."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from storefront_mcp.commerce.money import Money
from storefront_mcp.demo import fulfilment
from storefront_mcp.demo.access import PERMISSIONS
from tests.fakes.demo_shop import SoldOrder
from tests.unit.demo.conftest import Clock, Guest

pytestmark = pytest.mark.slow

ACCOUNT = {"grant_type": "client_credentials", "client_id": "storefront", "client_secret": "brine"}


@pytest.fixture
async def known(guest_of: Callable[..., Guest], clock: Clock) -> Guest:
    """A guest of a shop with three orders, who also knows the account's secret."""
    guest = guest_of(clock=clock, client_secret="brine", open_books=True)
    for email in ("ada@example.com", "bob@example.com", "ada@example.com"):
        await guest.new_cart()
        await guest.add("JAR-DILL")
        await guest.place(email=email, orderNote=f"for {email}")
    return guest


async def account(guest: Guest) -> dict[str, str]:
    issued = (await guest.http.post("/auth/token", json=ACCOUNT)).json()
    return {"authorization": f"Bearer {issued['token']}"}


async def test_an_account_is_let_in_with_its_secret_and_for_an_hour(known: Guest, clock: Clock) -> None:
    wrong = await known.http.post("/auth/token", json=ACCOUNT | {"client_secret": "vinegar"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    other = await known.http.post("/auth/token", json={"grant_type": "password"})
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
    let_in = await account(known)
    assert (await known.get("/orders", headers=let_in)).status_code == 200
    clock.now += 3600
    assert (await known.get("/orders", headers=let_in)).json()["error"] == "authentication_error"
    let_in = await account(known)
    known.shop.state.account.revoke_all()
    assert (await known.get("/orders", headers=let_in)).status_code == 401


async def test_guessing_the_secret_is_limited(known: Guest) -> None:
    tries = [await known.http.post("/auth/token", json=ACCOUNT | {"client_secret": str(n)}) for n in range(11)]
    assert [one.status_code for one in tries] == [401] * 10 + [429]


async def test_orders_are_listed_newest_first_and_narrowed(known: Guest) -> None:
    let_in = await account(known)

    async def numbers(query: str) -> list[str]:
        found = (await known.get(f"/orders?{query}", headers=let_in)).json()
        assert found["totalItems"] >= len(found["member"])
        return [one["incrementId"] for one in found["member"]]

    assert await numbers("") == ["100000003", "100000002", "100000001"]
    assert await numbers("pageSize=2") == ["100000003", "100000002"]
    assert await numbers("pageSize=2&page=2") == ["100000001"]
    assert await numbers("email=ada@example.com") == ["100000003", "100000001"]
    assert await numbers("incrementId=100000002") == ["100000002"]
    assert await numbers("incrementId=1") == []


async def test_an_order_and_its_cart_are_read_by_number(known: Guest) -> None:
    let_in = await account(known)
    order = (await known.get("/orders/3", headers=let_in)).json()
    assert (order["customerNote"], order["quoteId"]) == ("for ada@example.com", 3)
    cart = (await known.get("/carts/3", headers=let_in)).json()
    assert (cart["isActive"], cart["reservedOrderId"], cart["maskedId"]) == (False, "100000003", known.cart)
    await known.new_cart()
    assert "reservedOrderId" not in (await known.get("/carts/4", headers=let_in)).json()
    known.shop.state.account.permissions = (*PERMISSIONS, "shipments/read")
    for path in ("/orders/9", "/carts/9", "/orders/9/shipments"):
        assert (await known.get(path, headers=let_in)).status_code == 404
        assert (await known.get(path)).status_code == 401


async def test_an_order_is_sent_off(known: Guest) -> None:
    let_in = await account(known)
    assert (await known.get("/orders/1/shipments", headers=let_in)).status_code == 403
    fulfilment.ship_order(known.shop.state, "100000001", tracks={"BB-7": "Brine Bike"}, comments={"Heavy": False})
    order = (await known.get("/orders/1", headers=let_in)).json()
    [parcel] = order["shipments"]
    assert [(track["carrier"], track["title"], track["trackNumber"], track["extensions"])
            for track in parcel["tracks"]] == [("custom", "Brine Bike", "BB-7", [])]  # fmt: skip
    assert [(one["comment"], one["isVisibleOnFront"]) for one in parcel["comments"]] == [("Heavy", False)]
    assert (order["status"], order["items"][0]["qtyShipped"]) == ("processing", 1), "it is not paid"
    listed = (await known.get("/orders?incrementId=100000001", headers=let_in)).json()["member"][0]
    assert (listed["shipments"], listed["statusHistory"]) == ([], [])
    known.shop.state.account.permissions = ("shipments/read",)
    [same] = (await known.get("/orders/1/shipments", headers=let_in)).json()["member"]
    assert same["id"] == parcel["id"]
    assert (await known.get("/orders/1", headers=let_in)).status_code == 403
    with pytest.raises(KeyError):
        fulfilment.ship_order(known.shop.state, "nothing", tracks={})


async def test_a_refund_takes_the_shipping_with_it(known: Guest) -> None:
    order = known.shop.state.orders["100000001"].body
    fulfilment.refund_order(known.shop.state, "100000001", {order["items"][0]["sku"]: 1})
    assert order["prices"]["totalRefunded"] == round(
        order["items"][0]["priceInclTax"] + order["prices"]["shippingAmountInclTax"], 2
    )
    assert order["status"] == "pending"


# --- for people -------------------------------------------------------------------------------------------------------


async def page(guest: Guest, path: str = "/demo/orders") -> httpx.Response:
    return await guest.http.get(f"http://shop.test{path}")


async def test_people_see_what_was_bought_newest_first_and_no_addresses(known: Guest) -> None:
    answer = await page(known)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    text = answer.text
    assert text.index("100000003") < text.index("100000002") < text.index("100000001")
    assert "3 orders" in text
    assert str(Money(known.shop.books[0].total, "AUD")) in text
    assert "a…@example.com" in text
    assert "ada@" not in text
    assert "not yet, Cheque or money order" in text
    assert (await page(known, "/orders/")).text == text, "as it is below a mount at /demo"


@pytest.mark.slow
async def test_what_shoppers_write_is_text_on_the_page(guest: Guest) -> None:
    assert "Nothing has been bought yet" in (await page(guest)).text
    await guest.new_cart()
    await guest.add("JAR-DILL")
    await guest.place(email="<script>@example.com", paymentMethod="prepaid")
    text = (await page(guest)).text
    assert "<script" not in text
    assert "&lt;…@example.com" in text
    assert "1 order," in text
    assert "yes, Paid online" in text


# --- for tests in another process -------------------------------------------------------------------------------------


async def meddle(guest: Guest, what: str, body: Any = None) -> httpx.Response:
    return await guest.http.post(f"http://shop.test/_test/{what}", json=body)


async def test_books_are_closed_unless_a_test_opens_them(guest: Guest) -> None:
    for what in ("books", "faults", "stock"):
        assert (await meddle(guest, what, {})).status_code == 404
        assert (await guest.http.get(f"http://shop.test/_test/{what}")).status_code == 404


async def test_open_books_tell_what_was_sold(known: Guest) -> None:
    books = (await known.http.get("http://shop.test/_test/books")).json()["orders"]
    assert msgspec.convert(books, tuple[SoldOrder, ...]) == known.shop.books
    assert [(one["number"], one["note"], one["currency"]) for one in books] == [
        ("100000001", "for ada@example.com", "AUD"),
        ("100000002", "for bob@example.com", "AUD"),
        ("100000003", "for ada@example.com", "AUD"),
    ]
    assert (await meddle(known, "nothing", {})).status_code == 404


async def test_a_test_in_another_process_plans_faults_and_moves_goods(known: Guest) -> None:
    await meddle(known, "faults", {"fault": "BEFORE", "path": "/stores", "times": 2})
    assert (await known.get("/stores")).status_code == 500
    await meddle(known, "calm")
    assert (await known.get("/stores")).status_code == 200
    await meddle(known, "chance", {"seed": 1, "share": 1, "faults": ["BEFORE"], "path": "/stores"})
    assert (await known.get("/stores")).status_code == 500
    assert (await known.get("/store-config")).status_code == 200
    await meddle(known, "stock", {"sku": "PAD-2", "pieces": 3})
    assert known.shop.state.stock["PAD-2"] == 3
    await meddle(known, "ship", {"number": "100000001", "carrier": "Brine Bike", "tracking": "BB-7"})
    assert known.shop.state.shipments["100000001"]
    assert (await meddle(known, "stock", {"sku": "PAD-2", "peices": 3})).status_code == 400
