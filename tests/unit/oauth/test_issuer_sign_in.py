"""A person signs in at an OpenID provider, and nobody is let in without being asked here."""

import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.secret_format import secret_digest
from storefront_mcp.commerce.customers import CustomerUnknown, SessionOver
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.oauth.issuer_answer import issuer_answer
from storefront_mcp.oauth.issuer_sign_in import IssuerSignIn
from storefront_mcp.oauth.sign_in_steps import (
    MAX_TRIES,
    REQUEST_SECONDS,
    SignInAttemptsExhausted,
    SignInEnded,
    SignInForm,
)
from storefront_mcp.oauth.sign_in_views import AuthenticatedVisit, IssuerVisit, ReturnAddress, SignInPage
from storefront_mcp.records.oauth import AuthorizationRequest
from tests.fakes.memory_oauth import CODE, EMAIL, MemoryIssuer
from tests.unit.oauth.signing_in import ASKED, SignInWorld, sign_in_world

GOOD = {"code": CODE}


class Sight(Struct):
    """A sign-in at a provider, and everything that a test looks at."""

    world: SignInWorld
    issuer: MemoryIssuer
    sign_in: IssuerSignIn

    async def leave(self, asked: AuthorizationRequest | None = ASKED) -> IssuerVisit:
        """Open the page of a request and go to the provider."""
        return await self.go(await self.sign_in.open(asked))

    async def go(self, page: SignInPage) -> IssuerVisit:
        left = await self.sign_in.sign_in(pressed(page))
        assert isinstance(left, IssuerVisit)
        return left

    async def consent(self) -> SignInPage:
        """The page that asks, once the person is back."""
        left = await self.leave()
        page = await self.sign_in.come_back(left.handle, left.cookie, GOOD)
        assert isinstance(page, SignInPage)
        return page


def pressed(page: SignInPage, *, cookie: str | None = None, scopes: tuple[str, ...] | None = None) -> SignInForm:
    """The form of a page as it is, sent by the same browser."""
    ticked = tuple(scope for scope, ticked in page.view.scopes if ticked)
    return SignInForm(
        handle=page.view.handle,
        cookie=page.cookie or "" if cookie is None else cookie,
        scopes=ticked if scopes is None else scopes,
    )


@pytest.fixture
def sight() -> Sight:
    issuer = MemoryIssuer()
    world = sign_in_world(login=None)
    return Sight(world, issuer, IssuerSignIn(replace(world.context, login=issuer), issuer))


async def test_nobody_goes_to_the_provider_unasked_and_nobody_comes_back_to_the_client_unasked(sight: Sight) -> None:
    page = await sight.sign_in.open(ASKED)
    assert (page.view.step, page.view.issuer_host, sight.issuer.begun) == ("sign_in", "login.example", [])
    assert page.view.client is not None
    assert page.view.client.host == "chat.example"

    left = await sight.go(page)
    back = await sight.sign_in.come_back(left.handle, left.cookie, GOOD)

    assert isinstance(back, SignInPage)
    assert (back.view.step, back.view.email) == ("consent", EMAIL)
    assert back.view.client == page.view.client
    assert not sight.world.records.granted
    led = await sight.sign_in.allow(pressed(back))
    assert isinstance(led, ReturnAddress)
    assert led.address.startswith("https://chat.example/callback?from=shop&code=sfc_")
    (grant,) = sight.world.records.granted.values()
    assert (grant.customer, grant.scopes) == ("4", ASKED.scopes)


async def test_an_answer_counts_in_the_browser_that_left_alone(sight: Sight) -> None:
    left, other = await sight.leave(), await sight.leave()

    for cookie in ("", other.cookie, left.handle, left.cookie + "x"):
        with pytest.raises(SignInEnded):
            await sight.sign_in.come_back(left.handle, cookie, GOOD)
    assert not sight.issuer.finished
    assert isinstance(await sight.sign_in.come_back(left.handle, left.cookie, GOOD), SignInPage)


@pytest.mark.parametrize("fault", [None, ShopDown(), SessionOver()])
async def test_a_state_counts_once_whatever_came_of_it(sight: Sight, fault: Exception | None) -> None:
    left = await sight.leave()
    sight.issuer.fault = fault
    await sight.sign_in.come_back(left.handle, left.cookie, GOOD)
    sight.issuer.fault = None

    with pytest.raises(SignInEnded):
        await sight.sign_in.come_back(left.handle, left.cookie, GOOD)
    assert len(sight.issuer.finished) == 1


async def test_a_state_is_over_after_ten_minutes(sight: Sight) -> None:
    left = await sight.leave()
    sight.world.now[0] += REQUEST_SECONDS

    with pytest.raises(SignInEnded):
        await sight.sign_in.come_back(left.handle, left.cookie, GOOD)


async def test_each_answer_is_checked_with_what_was_kept_for_it(sight: Sight) -> None:
    first, second = await sight.leave(), await sight.leave()
    for left in (second, first):
        await sight.sign_in.come_back(left.handle, left.cookie, GOOD)

    assert [kept for _, kept in sight.issuer.finished] == [b"kept 2", b"kept 1"]
    assert sight.issuer.begun == [first.handle, second.handle]


async def test_the_handle_and_the_cookie_are_new_at_each_step(sight: Sight) -> None:
    page = await sight.sign_in.open(ASKED)
    left = await sight.go(page)
    back = await sight.sign_in.come_back(left.handle, left.cookie, GOOD)
    assert isinstance(back, SignInPage)

    secrets = {page.view.handle, page.cookie, left.handle, left.cookie, back.view.handle, back.cookie}
    assert len(secrets) == 6
    assert set(sight.world.records.requests) == {secret_digest(back.view.handle)}


async def test_no_step_takes_the_form_of_another(sight: Sight) -> None:
    page = await sight.sign_in.open(ASKED)
    with pytest.raises(SignInEnded):
        await sight.sign_in.allow(pressed(page))
    with pytest.raises(SignInEnded):
        await sight.sign_in.come_back(page.view.handle, page.cookie or "", GOOD)
    left = await sight.go(page)
    with pytest.raises(SignInEnded):
        await sight.sign_in.allow(SignInForm(handle=left.handle, cookie=left.cookie, scopes=ASKED.scopes))
    with pytest.raises(SignInEnded):
        await sight.sign_in.sign_in(SignInForm(handle=left.handle, cookie=left.cookie))
    assert not sight.world.records.granted


async def test_consent_in_another_browser_is_not_taken(sight: Sight) -> None:
    page, other = await sight.consent(), await sight.consent()

    with pytest.raises(SignInEnded):
        await sight.sign_in.allow(pressed(page, cookie=other.cookie))
    assert not sight.world.records.granted


async def test_what_is_unticked_is_not_allowed_and_nothing_is_no_consent(sight: Sight) -> None:
    page = await sight.consent()
    refused = await sight.sign_in.allow(pressed(page, scopes=("orders:write", "admin")))
    assert isinstance(refused, SignInPage)
    assert refused.view.refused is not None
    assert (refused.view.step, refused.view.refused.reason, refused.view.email) == ("consent", "nothing", EMAIL)

    await sight.sign_in.allow(pressed(page, scopes=("orders:read",)))

    (grant,) = sight.world.records.granted.values()
    assert grant.scopes == ("orders:read",)


async def test_who_says_no_at_any_step_sends_the_client_away(sight: Sight) -> None:
    for page in (await sight.sign_in.open(ASKED), await sight.consent()):
        led = await sight.sign_in.cancel(pressed(page))
        assert led.address.startswith("https://chat.example/callback?from=shop&error=access_denied&")
        with pytest.raises(SignInEnded):
            await sight.sign_in.allow(pressed(page))
    assert not sight.world.records.granted


@pytest.mark.parametrize(
    ("fault", "reason"), [(None, "issuer"), (CustomerUnknown(internal="401"), "unknown"), (ShopDown(), "down")]
)
async def test_who_was_not_signed_in_begins_again_on_the_same_request(
    sight: Sight, fault: Exception | None, reason: str
) -> None:
    left = await sight.leave()
    sight.issuer.fault = fault
    back = await sight.sign_in.come_back(left.handle, left.cookie, {"error": "access_denied"})
    assert isinstance(back, SignInPage)
    assert back.view.refused is not None
    assert (back.view.step, back.view.refused.reason) == ("sign_in", reason)

    sight.issuer.fault = None
    left = await sight.go(back)
    assert isinstance(await sight.sign_in.come_back(left.handle, left.cookie, GOOD), SignInPage)


async def test_a_request_goes_to_the_provider_so_many_times(sight: Sight) -> None:
    page = await sight.sign_in.open(ASKED)
    for _ in range(MAX_TRIES):
        left = await sight.go(page)
        back = await sight.sign_in.come_back(left.handle, left.cookie, {})
        assert isinstance(back, SignInPage)
        page = back

    with pytest.raises(SignInAttemptsExhausted):
        await sight.go(page)
    assert not sight.world.records.requests


async def test_a_provider_that_does_not_answer_leaves_the_page_as_it_was(sight: Sight) -> None:
    page = await sight.sign_in.open(ASKED)
    sight.issuer.fault = ShopDown()
    refused = await sight.sign_in.sign_in(pressed(page))
    assert isinstance(refused, SignInPage)
    assert refused.view.refused is not None
    assert (refused.view.refused.reason, refused.view.issuer_host) == ("down", "login.example")

    sight.issuer.fault = None
    await sight.go(page)


async def test_the_connected_agents_are_shown_to_who_signs_in_there_and_nothing_is_granted(sight: Sight) -> None:
    left = await sight.leave(None)
    visit = await sight.sign_in.come_back(left.handle, left.cookie, GOOD)

    assert isinstance(visit, AuthenticatedVisit)
    assert (await sight.world.agents.page(visit.handle)).email == EMAIL
    assert not sight.world.records.granted
    assert [session.secret for session in sight.issuer.ended] == ["provider-token"]


async def test_a_page_may_lead_to_the_provider_wherever_that_sends_people_on(sight: Sight) -> None:
    page = await sight.sign_in.open(replace(ASKED, redirect_uri="http://127.0.0.1:4711/callback"))
    assert page.view.form_target == "https: http://127.0.0.1:4711"
    assert (await sight.consent()).view.form_target == "https://chat.example"


@pytest.mark.parametrize(
    "query",
    [b"", b"code=x", b"state=", b"state=a&state=b", b"state=a&code=x&code=y", b"state=a&iss=x&iss=y", b"state=%ff",
     b"state=" + b"s" * 65, b"state=a&x=" + b"x" * 20_000, b"state=a" + b"&x=1" * 40, "state=ä".encode()],
)  # fmt: skip
def test_what_is_no_answer_is_taken_for_none(query: bytes) -> None:
    with pytest.raises(SignInEnded):
        issuer_answer(query)


def test_an_answer_is_its_parameters_that_count() -> None:
    query = b"session_state=4&code=a%2Fb&state=s&iss=https%3A%2F%2Flogin.example&error="
    assert issuer_answer(query) == ("s", {"code": "a/b", "iss": "https://login.example"})
