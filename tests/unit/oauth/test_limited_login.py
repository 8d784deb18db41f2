"""Stuffing passwords through us reaches the shop seldom, and keeps nobody else from signing in."""

import contextlib
import math
from collections.abc import Container

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

pytestmark = pytest.mark.slow

SESSION = ShopSession(secret="t", customer_id="1", name="Ada", email="ada@pickle.example")
MINUTE = 60.0


class CountingShop:
    """A login that knows one password and notes when it was asked."""

    form: SignInForm = "password"

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[float] = []
        self.takes = 0.0
        self.pauses: list[float] = []
        """Before answers, in seconds."""

    def clock(self) -> float:
        return self.now

    async def sign_in(
        self, email: str, password: str, *, code: str | None = None, address: str | None = None, state: str = ""
    ) -> ShopSession | CodeNeeded:
        del email, code, address, state
        self.asked.append(self.now)
        self.now += self.takes
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
    shop: CountingShop,
    settings: LimitSettings | None = None,
    *,
    workers: int = 1,
    record: Record | None = None,
    familiar: Container[str] = (),
) -> LimitedLogin:
    """`familiar` are e-mail addresses with which somebody has signed in from wherever is asked from."""
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

    async def is_familiar(email: str) -> bool:
        return email in familiar

    async def pause(seconds: float) -> None:
        shop.pauses.append(seconds)

    return LimitedLogin(shop, policy, mailbox_of=str.casefold, is_familiar=is_familiar, clock=shop.clock, pause=pause)


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


async def test_one_e_mail_address_is_tried_so_often_from_wherever() -> None:
    """20 an hour and 5 at once, and as many again twice over from all who are not known to it: 15 at once."""
    shop = CountingShop()
    login = limited(shop, LimitSettings(sign_ins="off"))
    told = [await refused_by(login, "Ada@pickle.example", f"attacker {number}") for number in range(20)]

    assert told == [None] * 15 + ["mailbox"] * 5
    shop.now += 180
    assert await refused_by(login, "ada@pickle.example", "another") is None


async def test_a_thousand_addresses_guess_sixty_times_an_hour_at_one_customer() -> None:
    shop = CountingShop()
    login = limited(shop)
    for minute in range(3 * 60):
        shop.now = minute * MINUTE
        for number in range(6):
            await refused_by(login, "ada@pickle.example", f"attacker {minute % 200}-{number}")

    assert max(sum(at <= one < at + 3600 for one in shop.asked) for at in shop.asked) <= 60 + 15


async def test_one_stranger_locks_nobody_out() -> None:
    """Whoever else wants to sign in there has tries of their own, also after the stranger has used up all of his."""
    shop = CountingShop()
    login = limited(shop, LimitSettings(sign_ins="off"))
    told = [await refused_by(login, "ada@pickle.example", "stranger") for _ in range(30)]
    assert told == [None] * 7 + ["mailbox"] * 23

    assert await refused_by(login, "ada@pickle.example", "home") is None
    assert await login.sign_in("ada@pickle.example", "right", address="home") == SESSION


async def test_many_strangers_do_not_lock_out_who_has_signed_in_from_there_before() -> None:
    shop = CountingShop()
    strangers = limited(shop, LimitSettings(sign_ins="off"))
    for number in range(50):
        await refused_by(strangers, "ada@pickle.example", f"stranger {number}")
    assert await refused_by(strangers, "ada@pickle.example", "new phone") == "mailbox"
    # The same counts, at an address that the customer is known from.
    known = limited(shop, LimitSettings(sign_ins="off"), familiar={"ada@pickle.example"})
    known._limits = strangers._limits

    assert await refused_by(known, "ada@pickle.example", "home") is None
    assert await known.sign_in("ada@pickle.example", "right", address="home") == SESSION
    assert await refused_by(known, "ada@pickle.example", "home") == "mailbox", "two an hour: guessing goes no further"
    shop.now += 1800
    assert await refused_by(known, "ada@pickle.example", "home") is None


async def test_a_holder_of_many_ipv6_networks_is_counted_as_few() -> None:
    login = limited(CountingShop(), LimitSettings(sign_ins="off"))
    told = [
        await refused_by(login, f"{number}@pickle.example", f"2001:db8:7:{number:x}::/64") for number in range(1, 50)
    ]
    assert told == [None] * 40 + ["sign_in"] * 9, "a /48 has four times what one address has"
    assert await refused_by(login, "somebody@pickle.example", "2001:db8:8:1::/64") is None

    told = [await refused_by(login, "ada@pickle.example", f"2001:db8:9:{number:x}::/64") for number in range(1, 20)]
    assert told == [None] * 7 + ["mailbox"] * 12, "a /48 has two tries above those of everybody"


@pytest.mark.parametrize("block", ["2001:db8:{0:x}:1::/64", "2001:db8:{0:x}:{0:x}::/64", "192.0.2.{1}"])
async def test_few_networks_never_use_up_the_tries_of_the_whole_shop(block: str) -> None:
    """Whatever one network does all day, somebody elsewhere signs in at the first try."""
    shop = CountingShop()
    login = limited(shop)
    number = refused = 0
    for second in range(10, 1801, 10):
        shop.now = float(second)
        for _ in range(5):
            number += 1
            email = f"{number}@pickle.example"
            await refused_by(login, email, block.format(number % 65536, number % 256))
        if second % 60 == 0:
            person = await refused_by(login, f"person-{second}@pickle.example", f"198.51.{second // 60}.1")
            refused += person is not None

    assert refused == 0
    assert shop.most_in_a_minute <= 8


@pytest.mark.parametrize(
    ("off", "told"),
    [
        ({"mailbox"}, [None] * 10 + ["sign_in"] * 10),
        ({"sign_in"}, [None] * 7 + ["mailbox"] * 13),
        ({"mailbox", "sign_in"}, [None] * 20),
    ],
)
async def test_a_limit_that_is_off_stops_nobody(off: set[str], told: list[str | None]) -> None:
    login = limited(CountingShop(), LimitSettings(**dict.fromkeys({"sign_ins", *off}, "off")))
    assert [await refused_by(login, "ada@pickle.example", "somebody") for _ in range(20)] == told


async def test_who_comes_from_nowhere_known_has_no_tries_above_those_of_everybody() -> None:
    login = limited(CountingShop(), LimitSettings(sign_ins="off"), familiar={"ada@pickle.example"})
    assert [await refused_by(login, "ada@pickle.example", "") for _ in range(7)] == [None] * 5 + ["mailbox"] * 2


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
    login = limited(shop, LimitSettings(sign_ins="off", sign_in="2/h burst 2"), record=record)
    for password, error in (("wrong", WrongCredentials), ("unconfirmed", AccountNotConfirmed)):
        with pytest.raises(error):
            await login.sign_in("ada@pickle.example", password, address="203.0.113.7")
        # Equal ones of a minute are one entry.
        shop.now += MINUTE
    with pytest.raises(TooManyTries):
        await login.sign_in("ada@pickle.example", "right", address="203.0.113.7")
    assert await login.sign_in("bo@pickle.example", "code", address="203.0.113.8") == CodeNeeded(refused=True)
    assert await login.sign_in("bo@pickle.example", "right", address="203.0.113.8") == SESSION

    assert [(one.what, one.subject, one.outcome) for one in record.noted] == [
        ("credential.refused", "credential", "wrong_credentials"),
        ("credential.refused", "credential", "account_not_confirmed"),
        ("limit.hit", "sign_in", "rate_limited"),
        ("credential.refused", "credential", "wrong_credentials"),
    ]
    assert {one.who.network for one in record.noted} == {"203.0.113.0/24"}
    assert "pickle.example" not in str(record.noted)


async def test_renewals_are_not_counted_here() -> None:
    login = limited(CountingShop(), LimitSettings(sign_ins="1/h burst 1"))

    assert [await login.renew(SESSION) for _ in range(3)] == [SESSION] * 3


@pytest.mark.parametrize("password", ["wrong", "unconfirmed", "code"])
@pytest.mark.parametrize("takes", [0.0, 0.005, 0.25, 0.9, 1.0, 1.25])
async def test_what_lets_nobody_in_is_answered_in_whole_seconds_however_long_the_shop_took(
    password: str, takes: float
) -> None:
    shop = CountingShop()
    login = limited(shop)
    shop.takes = takes

    with contextlib.suppress(WrongCredentials, AccountNotConfirmed):
        await login.sign_in("ada@pickle.example", password, address="192.0.2.1")

    (pause,) = shop.pauses
    assert takes + pause == pytest.approx(math.ceil(takes))


async def test_a_person_who_is_let_in_waits_for_nothing() -> None:
    shop = CountingShop()
    login = limited(shop)
    shop.takes = 0.25

    await login.sign_in("ada@pickle.example", "right", address="192.0.2.1")

    assert shop.pauses == []
