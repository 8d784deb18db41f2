"""What every adapter owes of customers who sign in: who they are, what is theirs, and nothing of anybody else's."""

import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.account_errors import OrderNotCancellable, OrderNotFound
from storefront_mcp.commerce.accounts import CustomerAccount
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    CustomerLogin,
    SessionOver,
    ShopSession,
    SignInError,
    WrongCredentials,
)
from storefront_mcp.commerce.errors import ShopDown, ShopError, ShopOutcomeUnknown
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from storefront_mcp.demo.customers import DemoPerson
from storefront_mcp.settings.sign_in import ACCOUNT_KINDS
from tests.contract.shops import OPENERS
from tests.contract.shops.contract_shop import ADA, HOME, ContractCustomers, ContractShop, aud, filled
from tests.fakes.demo_faults import DemoFault

pytestmark = pytest.mark.slow

WRONG = "vinegar!"


@pytest.fixture(params=[kind for kind in sorted(OPENERS) if kind in ACCOUNT_KINDS])
async def every(request: pytest.FixtureRequest) -> AsyncIterator[ContractShop]:
    """A shop of each kind whose customers can sign in."""
    async with OPENERS[request.param]() as opened:
        yield opened


def people(every: ContractShop) -> ContractCustomers:
    assert every.customers is not None
    return every.customers


def login_of(every: ContractShop) -> CustomerLogin:
    login = people(every).login or every.backend.login
    assert login is not None
    return login


async def session_of(every: ContractShop, person: DemoPerson) -> ShopSession:
    """Signed in, with the code of an authenticator or of a mail where one is wanted."""
    login, mailed = login_of(every), people(every).mailed
    answer = await login.sign_in(person.email, person.password)
    if isinstance(answer, CodeNeeded):
        password = person.password if answer.password_again else ""
        code = person.second_factor if mailed is None else await mailed()
        answer = await login.sign_in(person.email, password, code=code, state=answer.state)
    assert isinstance(answer, ShopSession)
    return answer


async def account_of(every: ContractShop, person: DemoPerson) -> CustomerAccount:
    return people(every).account(await session_of(every, person))


async def place(every: ContractShop, account: CustomerAccount, *, reference: str = "chk_1", quantity: int = 1) -> Order:
    """An order in a customer's name, or one of a guest that the shop takes for Ada's."""
    cart = await filled(every, quantity=quantity)
    methods = await every.backend.shipping_methods(cart, HOME)
    assert methods
    draft = OrderDraft(
        email=people(every).ada.email, shipping_address=ADA, billing_address=ADA, shipping_method=methods[0].code
    )
    total = (await every.backend.quote_order(cart, draft)).totals.total
    settlement = OrderSettlement(method=every.method, payment="pay_1", reference=reference)
    if (claim := people(every).claim) is None:
        return await account.place_order(cart, draft, settlement, total)
    order = await every.backend.place_order(cart, draft, settlement)
    assert order.number
    claim(order.number, people(every).ada)
    return order


async def placed(every: ContractShop, account: CustomerAccount, *, reference: str = "chk_1", quantity: int = 1) -> str:
    """Its number."""
    order = await place(every, account, reference=reference, quantity=quantity)
    assert order.total == every.books()[-1].total
    assert order.number
    return order.number


async def test_a_session_says_who_it_is_and_when_it_ends(every: ContractShop) -> None:
    ada = people(every).ada
    session = await session_of(every, ada)

    assert (session.name, session.email) == (f"{ada.firstname} {ada.lastname}", ada.email)
    assert session.customer_id
    assert session.renew_at
    if login_of(every).form == "password":
        assert session.expires_at
        assert session.renew_at < session.expires_at
    assert session.customer_id == (await session_of(every, ada)).customer_id
    assert session.customer_id != (await session_of(every, people(every).bo)).customer_id


async def test_nobody_else_is_let_in_and_no_error_holds_a_password(every: ContractShop) -> None:
    if login_of(every).form == "mailed_code":
        return
    ada, cy, said = people(every).ada, people(every).cy, ""
    for email, password in ((ada.email, WRONG), ("nobody@pickle.example", WRONG), ("", ""), (ada.email, "")):
        with pytest.raises(WrongCredentials) as wrong:
            await login_of(every).sign_in(email, password)
        said += f"{wrong.value} {wrong.value.internal} {wrong.value!r}"
    with pytest.raises(AccountNotConfirmed) as refused:
        await login_of(every).sign_in(cy.email, cy.password)
    said += f"{refused.value} {refused.value.internal} {refused.value!r}"
    assert not any(secret in said for secret in (WRONG, ada.password, cy.password))


async def test_a_second_factor_is_asked_for_and_taken(every: ContractShop) -> None:
    if "second_factor" in every.lacks:
        return
    bo, login = people(every).bo, login_of(every)
    needed = await login.sign_in(bo.email, bo.password)
    assert isinstance(needed, CodeNeeded)
    assert not needed.refused
    password = bo.password if needed.password_again else ""
    wrong = await login.sign_in(bo.email, password, code="000000", state=needed.state)
    assert isinstance(wrong, CodeNeeded)
    assert wrong.refused
    right = await login.sign_in(bo.email, password, code=bo.second_factor, state=wrong.state)
    assert isinstance(right, ShopSession)
    assert right.email == bo.email


async def test_a_renewed_session_is_the_same_customers(every: ContractShop) -> None:
    old = await session_of(every, people(every).ada)
    new = await login_of(every).renew(old)

    assert (new.customer_id, new.name, new.email) == (old.customer_id, old.name, old.email)
    assert (new.expires_at or 0) >= (old.expires_at or 0)
    assert new.renew_at
    assert old.renew_at
    assert new.renew_at >= old.renew_at
    assert (await people(every).account(new).orders(page=1, size=10)).total == 0


async def test_a_session_is_ended_twice_without_an_error(every: ContractShop) -> None:
    session = await session_of(every, people(every).ada)
    for _ in range(2):
        await login_of(every).end(session)


async def test_a_session_of_nobodys_is_over(every: ContractShop) -> None:
    if login_of(every).form == "mailed_code":
        return
    made_up = replace(await session_of(every, people(every).ada), secret="made.up.token")
    account = people(every).account(made_up)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: login_of(every).renew(made_up),
        lambda: account.orders(page=1, size=10),
        lambda: account.order("1"),
        account.addresses,
        lambda: account.find_order("chk_1"),
        lambda: placed(every, account),
    ]
    for call in calls:
        with pytest.raises(SessionOver) as over:
            await call()
        assert made_up.secret not in over.value.internal
    assert every.books() == []


async def test_an_order_in_a_customers_name_is_in_that_account_and_in_no_other(every: ContractShop) -> None:
    ada, bo = await account_of(every, people(every).ada), await account_of(every, people(every).bo)
    number = await placed(every, ada, quantity=2)

    listed = await ada.orders(page=1, size=10)
    (order,) = listed.orders
    assert (listed.total, order.number) == (1, number)
    assert [(line.sku, line.quantity) for line in order.lines] == [("PAD-2", 2)]
    assert order.placed_at.endswith("Z")
    assert order.status
    assert await bo.orders(page=1, size=10) == replace(listed, orders=(), total=0)
    with pytest.raises(OrderNotFound):
        await bo.order(number)
    with pytest.raises(OrderNotFound):
        await bo.cancel(number, "")
    assert [one.number for one in every.books()] == [number]


async def test_an_order_is_read_with_its_totals_and_addresses(every: ContractShop) -> None:
    ada = await account_of(every, people(every).ada)
    number = await placed(every, ada)
    order = await ada.order(number)

    assert order.totals is not None
    assert order.total == order.totals.total == every.books()[0].total
    assert order.lines[0].total == order.totals.subtotal == aud(27900)
    assert order.totals.shipping is not None
    assert order.totals.tax_included
    assert order.shipped_by
    assert order.paid_by
    for address in (order.shipping_address, order.billing_address):
        assert address is not None
        told = (address.first_name, address.street, address.city, address.postcode, address.country)
        assert told == ("Ada", "12 Barrel Lane\nUnit 3", "Brunswick", "3056", "AU")
        assert address.region


@pytest.mark.parametrize("number", ["", "../x", "a b", "x" * 61, "999999999"])
async def test_a_number_that_is_none_of_the_customers_is_not_found(every: ContractShop, number: str) -> None:
    with pytest.raises(OrderNotFound):
        await (await account_of(every, people(every).ada)).order(number)


async def test_pages_are_the_newest_first_and_end(every: ContractShop) -> None:
    ada = await account_of(every, people(every).ada)
    numbers = [await placed(every, ada, reference=f"chk_{at}") for at in range(3)]

    pages = [await ada.orders(page=page, size=2) for page in (1, 2, 3)]
    assert [[one.number for one in page.orders] for page in pages] == [[numbers[2], numbers[1]], [numbers[0]], []]
    assert {page.total for page in pages} == {3}


async def test_an_order_is_cancelled_where_the_shop_lets_customers_do_so(every: ContractShop) -> None:
    ada = await account_of(every, people(every).ada)
    number = await placed(every, ada)
    if "cancel" in every.lacks:
        assert not (await ada.order(number)).cancellable
        with pytest.raises(OrderNotCancellable):
            await ada.cancel(number, "")
        return
    if (await ada.order(number)).cancellable:
        assert (await ada.cancel(number, "")).status == "canceled"


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.TRUNCATED])
async def test_an_order_whose_answer_is_lost_is_found_by_its_reference(every: ContractShop, fault: DemoFault) -> None:
    if "customer_orders" in every.lacks:
        return
    ada, bo = await account_of(every, people(every).ada), await account_of(every, people(every).bo)
    assert await ada.find_order("chk_lost") is None
    every.fail_order(fault)
    with contextlib.suppress(ShopOutcomeUnknown):
        await place(every, ada, reference="chk_lost")
    found = await ada.find_order("chk_lost")
    assert found is not None
    [booked] = every.books()
    assert (found.number, found.total) == (booked.number, booked.total)
    assert await ada.find_order("chk_other") is None
    assert await bo.find_order("chk_lost") is None


async def test_the_customers_own_cart_begins_empty_and_so_does_the_address_book(every: ContractShop) -> None:
    ada = await account_of(every, people(every).ada)
    assert list(await ada.cart_lines()) == []
    assert list(await ada.addresses()) == []


async def test_an_outage_is_no_end_of_a_session(every: ContractShop) -> None:
    session = await session_of(every, people(every).ada)
    account = people(every).account(session)
    every.fail_next(DemoFault.BEFORE, times=2)
    for call in (login_of(every).renew(session), account.orders(page=1, size=10)):
        with pytest.raises(ShopDown):
            await call
    assert (await account.orders(page=1, size=10)).total == 0


@pytest.mark.parametrize("fault", [fault for fault in DemoFault if fault not in {DemoFault.SLOW, DemoFault.GONE}])
async def test_however_a_shop_fails_neither_password_nor_token_is_logged_or_told(
    every: ContractShop, fault: DemoFault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada, bo, login, told = people(every).ada, people(every).bo, login_of(every), ""
    session = await session_of(every, ada)
    for attempt in (
        lambda: login.sign_in(ada.email, ada.password),
        lambda: login.sign_in(bo.email, bo.password, code=bo.second_factor),
        lambda: login.renew(session),
        lambda: people(every).account(session).orders(page=1, size=10),
    ):
        every.fail_next(fault)
        try:
            await attempt()
        except (SignInError, ShopError) as error:
            told += "".join(traceback.format_exception(error)) + error.internal
    said = caplog.text + told
    for secret in (ada.password, bo.password, session.secret or WRONG, str(bo.second_factor or WRONG), ada.email):
        assert secret not in said
