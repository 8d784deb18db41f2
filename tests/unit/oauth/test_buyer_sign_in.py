"""The way of a person through a sign-in: every step, who may take it, and how it ends."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.customers import AccountNotConfirmed, SessionOver, ShopSession, TooManyTries
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.oauth.sign_in_steps import (
    MAX_TRIES,
    OPENED_A_MINUTE,
    REQUEST_SECONDS,
    SignInAttemptsExhausted,
    SignInEnded,
    TooManyPending,
)
from storefront_mcp.oauth.sign_in_views import AuthenticatedVisit, ReturnAddress, SignInPage
from tests.fakes.memory_backend import NOW, STORE
from tests.fakes.memory_oauth import CODE, EMAIL, PASSWORD, MemoryLogin
from tests.unit.oauth.signing_in import ASKED, filled, sign_in_world

WRONG: dict[str, Any] = {"password": "wrong"}


def query(answer: object) -> dict[str, list[str]]:
    """The query of an answer to the client."""
    assert isinstance(answer, ReturnAddress)
    return parse_qs(urlsplit(answer.address).query)


async def test_a_person_who_signs_in_gives_the_client_a_code_and_keeps_what_they_ticked() -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)

    answer = await world.sign_in.sign_in(filled(shown, scopes=("checkout", "orders:read", "orders:write")))

    assert isinstance(answer, ReturnAddress)
    assert answer.address.startswith("https://chat.example/callback?from=shop&code=sfc_")
    assert query(answer)["state"] == ["st&te=1"]
    assert query(answer)["iss"] == [STORE.origin]
    (grant,) = world.records.granted.values()
    assert secret_digest(query(answer)["code"][0]) in world.records.codes
    assert grant.scopes == ("orders:read", "checkout")
    assert (grant.customer, grant.subject, grant.mailbox) == ("4", "subject of 4", f"mailbox of {EMAIL}")
    assert (grant.client_name, grant.client_host, grant.redirect_host) == (
        "Claude <b>",
        "agent.example",
        "chat.example",
    )
    assert grant.expires_at == NOW.timestamp() + 30 * 86_400
    assert msgspec.json.decode(world.records.sessions[grant.id], type=ShopSession).secret == "shop-jwt"
    assert world.records.requests == {}


async def test_the_page_says_who_asks_for_what_and_all_of_it_is_ticked() -> None:
    view = (await sign_in_world().sign_in.open(ASKED)).view

    assert view.client is not None
    assert (view.client.host, view.client.document_host) == ("chat.example", "agent.example")
    assert view.scopes == [("profile:read", True), ("orders:read", True), ("checkout", True)]
    assert view.form_target == "https://chat.example"


@pytest.mark.parametrize(
    ("redirect", "host", "target", "is_app"),
    [
        ("https://chat.example:8443/cb", "chat.example:8443", "https://chat.example:8443", False),
        ("http://127.0.0.1:1455/cb", "", "http://127.0.0.1:1455", False),
        ("http://localhost:3/cb", "", "http://localhost:3", False),
        ("http://[::1]:3/cb", "", "http:", False),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "", "", True),
        ("com.example.app:/cb", "", "", True),
    ],
)
async def test_each_kind_of_client_gets_its_answer_where_the_policy_lets_it(
    redirect: str, host: str, target: str, *, is_app: bool
) -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(replace(ASKED, redirect_uri=redirect, client_host="", state=None))

    answer = await world.sign_in.sign_in(filled(shown))

    assert shown.view.client is not None
    assert (shown.view.client.host, shown.view.form_target) == (host, target)
    assert isinstance(answer, ReturnAddress)
    assert answer.is_app is is_app
    assert answer.address.startswith(f"{redirect}?code=sfc_")
    assert "state" not in query(answer)


async def test_who_says_no_sends_the_client_away_without_being_asked_for_a_password() -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)

    answer = await world.sign_in.cancel(filled(shown))

    assert query(answer)["error"] == ["access_denied"]
    assert query(answer)["iss"] == [STORE.origin]
    assert world.login.asked == []
    with pytest.raises(SignInEnded):
        await world.sign_in.sign_in(filled(shown))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"email": ""}, "incomplete"),
        ({"password": ""}, "incomplete"),
        ({"scopes": ()}, "nothing"),
        ({"scopes": ("orders:write", "read:orders")}, "nothing"),
    ],
)
async def test_a_form_that_lacks_something_is_shown_again_and_costs_no_try(
    changes: dict[str, Any], reason: str
) -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)

    answer = await world.sign_in.sign_in(filled(shown, **changes))

    assert isinstance(answer, SignInPage)
    assert answer.view.refused is not None
    assert answer.view.refused.reason == reason
    assert world.login.asked == []


@pytest.mark.parametrize(
    ("fault", "reason", "wait"),
    [
        (AccountNotConfirmed(), "unconfirmed", 0),
        (TooManyTries(retry_after=90), "limited", 90),
        (ShopDown("pickle"), "down", 0),
    ],
)
async def test_what_the_shop_says_is_told_and_nothing_is_granted(fault: Exception, reason: str, wait: int) -> None:
    world = sign_in_world()
    world.login.fault = fault
    shown = await world.sign_in.open(ASKED)

    answer = await world.sign_in.sign_in(filled(shown))

    assert isinstance(answer, SignInPage)
    assert answer.view.refused is not None
    assert (answer.view.refused.reason, answer.view.refused.retry_after) == (reason, wait)
    assert answer.view.email == EMAIL
    assert world.records.granted == {}
    world.login.fault = None
    assert "code" in query(await world.sign_in.sign_in(filled(shown)))


async def test_a_wrong_password_may_be_typed_so_many_times_and_what_was_ticked_stays() -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)
    for _ in range(MAX_TRIES - 1):
        answer = await world.sign_in.sign_in(filled(shown, **WRONG, scopes=("checkout",)))
        assert isinstance(answer, SignInPage)
        assert answer.view.scopes == [("profile:read", False), ("orders:read", False), ("checkout", True)]

    with pytest.raises(SignInAttemptsExhausted):
        await world.sign_in.sign_in(filled(shown, **WRONG))
    with pytest.raises(SignInEnded):
        await world.sign_in.sign_in(filled(shown))
    assert len(world.login.asked) == MAX_TRIES


@pytest.mark.parametrize("changes", [{"cookie": ""}, {"cookie": "another"}, {"handle": "another"}, {"handle": ""}])
async def test_a_form_of_another_browser_is_not_taken(changes: dict[str, Any]) -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)

    for act in (world.sign_in.sign_in, world.sign_in.confirm, world.sign_in.cancel):
        with pytest.raises(SignInEnded):
            await act(filled(shown, **changes))
    assert world.login.asked == []


async def test_a_sign_in_that_takes_too_long_is_over() -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)
    world.now[0] += REQUEST_SECONDS

    with pytest.raises(SignInEnded):
        await world.sign_in.sign_in(filled(shown))


async def test_of_two_forms_that_are_sent_at_once_one_is_granted() -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(ASKED)

    answers = await asyncio.gather(*(world.sign_in.sign_in(filled(shown)) for _ in range(4)), return_exceptions=True)

    assert [type(answer) for answer in answers].count(ReturnAddress) == 1
    assert len(world.records.granted) == 1
    assert len(world.login.ended) == len(world.login.asked) - 1


async def test_a_person_is_asked_each_time_also_for_a_client_that_they_let_in_before() -> None:
    world = sign_in_world()
    first = await world.sign_in.open(ASKED)
    await world.sign_in.sign_in(filled(first))

    again = await world.sign_in.open(ASKED)
    assert again.view.step == "sign_in"
    assert again.cookie not in {None, first.cookie}
    answer = await world.sign_in.sign_in(filled(again, password=""))
    assert isinstance(answer, SignInPage)
    assert answer.view.refused is not None
    assert len(world.records.granted) == 1


async def test_two_tabs_do_not_get_in_each_others_way() -> None:
    world = sign_in_world()
    first, second = await world.sign_in.open(ASKED), await world.sign_in.open(ASKED)

    for shown in (second, first):
        assert "code" in query(await world.sign_in.sign_in(filled(shown)))
    with pytest.raises(SignInEnded):
        await world.sign_in.sign_in(filled(first, handle=second.view.handle))


async def test_a_second_factor_is_asked_for_under_a_new_cookie_and_the_password_again() -> None:
    world = sign_in_world(MemoryLogin(code=True))
    shown = await world.sign_in.open(ASKED)
    asked = await world.sign_in.sign_in(filled(shown, scopes=("orders:read",)))
    assert isinstance(asked, SignInPage)
    assert asked.cookie not in {None, shown.cookie}
    assert (asked.view.step, asked.view.asks_password, asked.view.email) == ("code", True, EMAIL)

    with pytest.raises(SignInEnded):
        await world.sign_in.confirm(filled(shown, code=CODE))
    wrong = await world.sign_in.confirm(filled(asked, code="000000"))
    assert isinstance(wrong, SignInPage)
    assert wrong.view.refused is not None
    assert wrong.view.refused.reason == "code"
    answer = await world.sign_in.confirm(filled(wrong, code=CODE, email="mallory@example.com", scopes=("checkout",)))

    assert "code" in query(answer)
    (grant,) = world.records.granted.values()
    assert grant.scopes == ("orders:read",)
    assert world.login.asked[-1] == (EMAIL, PASSWORD, CODE, None, "shop-state")


async def test_no_row_ever_holds_a_password() -> None:
    world = sign_in_world(MemoryLogin(code=True))
    shown = await world.sign_in.open(ASKED)
    asked = await world.sign_in.sign_in(filled(shown))

    assert isinstance(asked, SignInPage)
    assert PASSWORD.strip() not in repr(list(world.records.requests.values()))
    assert PASSWORD.strip() not in repr(asked)
    assert PASSWORD.strip() not in repr(filled(shown))


async def test_a_mailed_code_takes_no_password() -> None:
    world = sign_in_world(MemoryLogin(form="mailed_code", code=True))
    shown = await world.sign_in.open(ASKED)
    assert not shown.view.asks_password

    asked = await world.sign_in.sign_in(filled(shown, password=""))
    assert isinstance(asked, SignInPage)
    assert (asked.view.mailed, asked.view.asks_password) == (True, False)
    answer = await world.sign_in.confirm(filled(asked, code=CODE, password=""))

    assert "code" in query(answer)


async def test_a_person_sees_their_agents_and_ends_them_without_a_session_at_the_shop() -> None:
    world = sign_in_world()
    for _ in range(3):
        await world.sign_in.sign_in(filled(await world.sign_in.open(ASKED)))
        world.now[0] += 60
    first, *_ = world.records.granted
    world.records.granted["other"] = replace(world.records.granted[first], id="other", subject="subject of 5")

    signed = await world.sign_in.sign_in(filled(await world.sign_in.open(None)))
    assert isinstance(signed, AuthenticatedVisit)
    page = await world.agents.page(signed.handle)
    assert [grant.id for grant in page.grants] == [*reversed(list(world.records.granted)[:3])]
    assert page.email == EMAIL
    assert len(world.login.ended) == 1

    assert await world.agents.end(signed.handle, page.handle, "other") == 0
    assert await world.agents.end(signed.handle, page.handle, first) == 1
    assert first not in {grant.id for grant in (await world.agents.page(signed.handle)).grants}
    assert await world.agents.end(signed.handle, page.handle, None) == 2
    assert world.records.granted["other"].ended_at is None
    await world.agents.leave(signed.handle, page.handle)
    with pytest.raises(SignInEnded):
        await world.agents.page(signed.handle)


async def test_one_network_opens_so_many_pages_a_minute_and_others_go_on() -> None:
    world = sign_in_world()
    for number in range(OPENED_A_MINUTE):
        await world.sign_in.open(ASKED, address=f"2001:db8:{number:x}:1::/64")
    with pytest.raises(TooManyPending):
        await world.sign_in.open(ASKED, address="2001:db8:ff:1::/64")
    assert await world.sign_in.open(ASKED, address="2001:db9:1:1::/64")
    assert await world.sign_in.open(ASKED, address="192.0.2.1")
    world.now[0] += 60
    assert await world.sign_in.open(ASKED, address="2001:db8:ff:1::/64")


@pytest.mark.parametrize("fault", [ShopDown("pickle"), SessionOver()])
async def test_a_person_sees_their_agents_also_when_the_shop_ends_no_session(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: ShopSession) -> None:
        raise fault

    world = sign_in_world()
    await world.sign_in.sign_in(filled(await world.sign_in.open(ASKED)))
    monkeypatch.setattr(world.login, "end", fail)
    signed = await world.sign_in.sign_in(filled(await world.sign_in.open(None)))

    assert isinstance(signed, AuthenticatedVisit)
    assert len((await world.agents.page(signed.handle)).grants) == 1


async def test_a_visit_that_finds_no_room_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    world = sign_in_world()
    shown = await world.sign_in.open(None)
    monkeypatch.setattr(world.records, "at_most", 0)
    with pytest.raises(TooManyPending):
        await world.sign_in.sign_in(filled(shown))


async def test_connected_agents_are_changed_by_their_own_page_only() -> None:
    world = sign_in_world()
    await world.sign_in.sign_in(filled(await world.sign_in.open(ASKED)))
    signed = await world.sign_in.sign_in(filled(await world.sign_in.open(None)))
    assert isinstance(signed, AuthenticatedVisit)
    pending = await world.sign_in.open(ASKED)

    for handle, shown in ((signed.handle, "another"), ("", ""), (pending.view.handle, pending.view.handle)):
        with pytest.raises(SignInEnded):
            await world.agents.end(handle, shown, None)
    with pytest.raises(SignInEnded):
        await world.sign_in.cancel(filled(SignInPage(view=pending.view, cookie=signed.handle), handle=signed.handle))
    assert all(grant.ended_at is None for grant in world.records.granted.values())
