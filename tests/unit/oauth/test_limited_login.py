"""Stuffing passwords through us reaches the shop seldom, and keeps nobody else from signing in."""

import pytest

from storefront_mcp.access.rate_limits import StoreRateLimits
from storefront_mcp.calls.policy import CallPolicy
from storefront_mcp.commerce.customers import (
    AccountNotConfirmed,
    CodeNeeded,
    ShopSession,
    SignInForm,
    TooManyTries,
    WrongCredentials,
)
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.limits import MemoryRateLimiter
from storefront_mcp.oauth.limited_login import LimitedLogin
from storefront_mcp.settings.limits import LimitSettings
from tests.unit.calls.test_policy import NOW, MemoryReplays, Record

SESSION = ShopSession(secret="t", customer_id="1", name="Ada", email="ada@pickle.example")
MINUTE = 60.0


class CountingShop:
    """A login that knows one password and notes when it was asked."""

    form: SignInForm = "password"

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sign_in(
        self, email: str, password: str, *, code: str | None = None, address: str | None = None, state: str = ""
    ) -> ShopSession | CodeNeeded:
        del email, code, address, state
        self.asked.append(self.now)
        if password == "unconfirmed":
            raise AccountNotConfirmed
        if password == "code":
            return CodeNeeded(refused=True)
        if password != "right":
            raise WrongCredentials
        return SESSION

    async def renew(self, session: ShopSession) -> ShopSession:
        return session

    async def end(self, session: ShopSession) -> None:
        del session

    @property
    def most_in_a_minute(self) -> int:
        return max(sum(at <= one < at + MINUTE for one in self.asked) for at in self.asked)


def limited(
    shop: CountingShop, settings: LimitSettings | None = None, *, workers: int = 1, record: Record | None = None
) -> LimitedLogin:
    rules = (settings or LimitSettings()).rules().of_one_worker(workers)
    limits = StoreRateLimits("pickle", rules, MemoryRateLimiter(clock=shop.clock), upstream_scope="shop.example")
    policy = CallPolicy(
        StoreId("pickle"),
        limits=limits,
        answers=MemoryReplays(),
        audit_sink=record or Record(),
        now=lambda: NOW,
        clock=shop.clock,
    )
    return LimitedLogin(shop, policy, mailbox_of=str.casefold)


async def refused_by(login: LimitedLogin, email: str, address: str) -> str | None:
    """What refused an attempt with a wrong password; None when the shop was asked."""
    try:
        await login.sign_in(email, "wrong", address=address)
    except TooManyTries as refused:
        return refused.internal.rpartition(" ")[2]
    except WrongCredentials:
        return None
    raise AssertionError("nobody signs in with a wrong password")


async def test_ten_thousand_tries_reach_the_shop_eight_times_a_minute_and_a_person_still_signs_in() -> None:
    shop = CountingShop()
    login = limited(shop)
    waited = []
    for second in range(1, 1001):
        shop.now = float(second)
        for number in range(10):
            await refused_by(login, f"victim-{second}-{number}@pickle.example", f"attacker {number}")
        if second % 100 == 0:
            waited.append(0.0)
            while True:
                try:
                    assert await login.sign_in(f"{second}@pickle.example", "right", address=f"person {second}")
                except TooManyTries as refused:
                    waited[-1] += refused.retry_after
                    shop.now += refused.retry_after
                else:
                    break
            shop.now = float(second)

    assert shop.most_in_a_minute <= 8
    assert max(waited) <= 2 * MINUTE


async def test_one_e_mail_address_is_tried_five_times_from_wherever() -> None:
    shop = CountingShop()
    login = limited(shop, LimitSettings(sign_ins="off"))
    told = [await refused_by(login, "Ada@pickle.example", f"attacker {number}") for number in range(7)]

    assert told == [None] * 5 + ["mailbox"] * 2
    shop.now += 180
    assert await refused_by(login, "ada@pickle.example", "another") is None


async def test_one_address_tries_ten_times_whomever() -> None:
    login = limited(CountingShop(), LimitSettings(sign_ins="off"))
    told = [await refused_by(login, f"{number}@pickle.example", "attacker") for number in range(12)]

    assert told == [None] * 10 + ["sign_in"] * 2
    assert await refused_by(login, "12@pickle.example", "somebody else") is None


async def test_a_person_may_mistype_twice_in_a_row() -> None:
    login = limited(CountingShop())
    for _ in range(2):
        assert await refused_by(login, "ada@pickle.example", "home") is None

    assert await login.sign_in("ada@pickle.example", "right", address="home") == SESSION


async def test_while_the_shop_wants_no_more_a_person_s_own_tries_are_not_used_up() -> None:
    shop = CountingShop()
    login = limited(shop)
    for number in range(5):
        assert await refused_by(login, f"{number}@pickle.example", f"home of {number}") is None
    assert {await refused_by(login, "ada@pickle.example", "home") for _ in range(20)} == {"sign_ins"}
    shop.now += 20

    assert await login.sign_in("ada@pickle.example", "right", address="home") == SESSION


@pytest.mark.parametrize("address", [None, ""])
async def test_without_an_address_e_mail_address_and_shop_still_count(address: str | None) -> None:
    shop = CountingShop()
    login = limited(shop)
    for number in range(50):
        with pytest.raises((WrongCredentials, TooManyTries)):
            await login.sign_in(f"{number}@pickle.example", "wrong", address=address)

    assert len(shop.asked) == 5


async def test_workers_that_count_alone_have_a_share_each() -> None:
    shop = CountingShop()
    workers = [limited(shop, workers=5) for _ in range(5)]
    for number in range(40):
        for login in workers:
            await refused_by(login, f"{number}@pickle.example", f"home of {number}")

    assert len(shop.asked) == 5


async def test_what_was_refused_is_in_the_audit_without_the_person_and_what_was_right_is_not() -> None:
    shop, record = CountingShop(), Record()
    login = limited(shop, LimitSettings(sign_ins="off", mailbox="2/h burst 2"), record=record)
    for password, error in (("wrong", WrongCredentials), ("unconfirmed", AccountNotConfirmed)):
        with pytest.raises(error):
            await login.sign_in("ada@pickle.example", password, address="203.0.113.7")
        # Equal ones of a minute are one entry.
        shop.now += MINUTE
    with pytest.raises(TooManyTries):
        await login.sign_in("ada@pickle.example", "right", address="203.0.113.7")
    assert await login.sign_in("bo@pickle.example", "code", address="203.0.113.7") == CodeNeeded(refused=True)
    assert await login.sign_in("bo@pickle.example", "right", address="203.0.113.7") == SESSION

    assert [(one.what, one.subject, one.outcome) for one in record.noted] == [
        ("credential.refused", "credential", "wrong_credentials"),
        ("credential.refused", "credential", "account_not_confirmed"),
        ("limit.hit", "mailbox", "rate_limited"),
        ("credential.refused", "credential", "wrong_credentials"),
    ]
    assert {one.who.network for one in record.noted} == {"203.0.113.0/24"}
    assert "pickle.example" not in str(record.noted)


async def test_renewals_are_not_counted_here() -> None:
    login = limited(CountingShop(), LimitSettings(sign_ins="1/h burst 1"))

    assert [await login.renew(SESSION) for _ in range(3)] == [SESSION] * 3
