"""Which buckets a request and a call take from, and how a refusal is told."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from storefront_mcp.access.caller import Caller
from storefront_mcp.access.rate_limits import (
    LimitExceeded,
    PermitRequest,
    RateLimit,
    RateLimiter,
    RateLimitRules,
    RuleName,
    StoreRateLimits,
    secret_digest,
)
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.limits import MemoryRateLimiter
from storefront_mcp.settings.limits import LimitSettings

KEY = Caller(kind="key", principal="k1")
ONE = RateLimit(1, 60.0)
WIDE = RateLimit(100, 1.0)


def rules(**narrow: RateLimit | None) -> RateLimitRules:
    return replace(RateLimitRules(**dict.fromkeys(RateLimitRules.__struct_fields__, WIDE)), **narrow)


class Noting(RateLimiter):
    """Buckets that remember what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, RuleName, str, bool]] = []

    async def take(self, store: str, asks: Sequence[PermitRequest], *, charge: bool = True) -> LimitExceeded | None:
        self.asked += [(store, ask.rule, ask.key, charge) for ask in asks]
        return None


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/min burst 200", RateLimit(200, 0.1)),
        ("5/s burst 1", RateLimit(1, 0.2)),
        ("36/h burst 9", RateLimit(9, 100.0)),
        ("off", None),
    ],
)
def test_a_rate_is_written_as_people_say_it(text: str, rate: RateLimit | None) -> None:
    assert RateLimit.read(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0/min burst 1", "1/min", "1/min burst 0", "1/day burst 1", "OFF", "1.5/s burst 2"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        RateLimit.read(text)


async def test_a_request_is_counted_by_its_address_and_a_call_by_who_calls() -> None:
    buckets = Noting()
    limits = StoreRateLimits("pickle", rules(), buckets)
    await limits.check_request(RequestOrigin(address="203.0.113.7"))
    await limits.check_call(RequestOrigin(address="203.0.113.7"))
    await limits.check_call(RequestOrigin(address="203.0.113.7"), KEY)
    assert buckets.asked == [
        ("pickle", "address", "203.0.113.7", True),
        ("pickle", "guest", "203.0.113.7", True),
        ("pickle", "principal", "key:k1", True),
    ]


async def test_an_agent_that_signs_is_counted_as_itself_and_wider_but_tightly_by_its_address() -> None:
    taken: list[PermitRequest] = []

    class Taking(Noting):
        async def take(self, store: str, asks: Sequence[PermitRequest], *, charge: bool = True) -> LimitExceeded | None:
            taken.extend(asks)
            return None

    limits = StoreRateLimits("pickle", rules(carts=ONE), Taking(), signed_factor=2.5)
    origin = RequestOrigin(address="203.0.113.7", agent="https://agent.example")
    await limits.check_request(origin)
    await limits.check_call(origin, kind="cart")
    await limits.check_call(origin, KEY)
    await limits.count_failed_credential(origin.address)
    wider = RateLimit(250, 0.4)
    assert taken == [
        PermitRequest("address", "https://agent.example", wider),
        PermitRequest("guest", "https://agent.example", wider),
        PermitRequest("carts", "203.0.113.7", ONE),
        PermitRequest("principal", "key:k1", WIDE),
        PermitRequest("failed", "203.0.113.7", WIDE),
    ]


async def test_a_cart_is_counted_without_its_handle() -> None:
    buckets = Noting()
    await StoreRateLimits("pickle", rules(), buckets).check_call(RequestOrigin(address=""), cart="cart_secret")
    assert buckets.asked == [("pickle", "cart", secret_digest("cart_secret"), True)]
    assert "secret" not in str(buckets.asked)


async def test_coupons_are_counted_for_the_caller_and_for_everybody_before_the_same_shop() -> None:
    buckets = Noting()
    for store in ("pickle", "brine"):
        await StoreRateLimits(store, rules(), buckets, upstream_scope="shop.example").check_call(
            RequestOrigin(address="a"), kind="coupon"
        )
    assert [asked[:3] for asked in buckets.asked] == [
        ("pickle", "guest", "a"),
        ("pickle", "coupon", "a"),
        ("shop:shop.example", "coupons", "all"),
        ("brine", "guest", "a"),
        ("brine", "coupon", "a"),
        ("shop:shop.example", "coupons", "all"),
    ]


async def test_one_caller_who_guesses_does_not_lock_coupons_for_the_others() -> None:
    limits = StoreRateLimits(
        "pickle", rules(coupon=RateLimit(2, 60.0), coupons=RateLimit(4, 60.0)), MemoryRateLimiter()
    )
    tries = [await limits.check_call(RequestOrigin(address="guesser"), kind="coupon") for _ in range(20)]
    assert [refusal.rule for refusal in tries if refusal] == ["coupon"] * 18
    assert await limits.check_call(RequestOrigin(address="shopper"), kind="coupon") is None
    second = await limits.check_call(RequestOrigin(address="shopper"), kind="coupon")
    assert second is not None, "the last one is for somebody who has tried none"
    assert second.rule == "coupons"
    assert await limits.check_call(RequestOrigin(address="third"), kind="coupon") is None
    exceeded = await limits.check_call(RequestOrigin(address="another"), kind="coupon")
    assert exceeded is not None
    assert exceeded.rule == "coupons"


async def test_four_addresses_that_guess_all_day_leave_tries_for_shoppers() -> None:
    now = 0.0
    limits = StoreRateLimits("pickle", LimitSettings().rules(), MemoryRateLimiter(clock=lambda: now))
    refused = 0
    for second in range(1_800):
        now = float(second)
        for guesser in range(4):
            await limits.check_call(RequestOrigin(address=f"guesser {guesser}"), kind="coupon")
        if second % 30 == 29:
            shopper = RequestOrigin(address=f"shopper {second}")
            refused += await limits.check_call(shopper, kind="coupon") is not None
            refused += await limits.check_call(shopper, kind="coupon") is not None
    assert refused == 0


@pytest.mark.parametrize("burst", [1, 2, 3, 4, 7, 50])
async def test_one_caller_alone_may_try_all_of_its_codes_at_once(burst: int) -> None:
    own = rules(coupon=RateLimit(burst, 60.0), coupons=RateLimit(2 * burst, 60.0))
    limits = StoreRateLimits("pickle", own, MemoryRateLimiter(clock=lambda: 0.0))
    tries = [await limits.check_call(RequestOrigin(address="a"), kind="coupon") for _ in range(burst + 1)]
    assert [refusal is None for refusal in tries] == [True] * burst + [False]


@pytest.mark.parametrize("address", ["", "10.88.0.3"])
async def test_shoppers_behind_one_address_are_counted_by_cart(address: str) -> None:
    limits = StoreRateLimits(
        "pickle",
        LimitSettings().rules(),
        MemoryRateLimiter(clock=lambda: 0.0),
        is_shared=lambda shared: shared in {"", "10.88.0.3"},
    )
    origin = RequestOrigin(address=address)
    for shopper in range(40):
        assert await limits.check_call(origin, kind="cart") is None
        assert await limits.check_call(origin, cart=f"cart {shopper}", kind="order") is None
    greedy = [await limits.check_call(origin, cart="cart 0", kind="order") for _ in range(20)]
    assert [refusal.rule for refusal in greedy if refusal] == ["orders"] * 11


@pytest.mark.parametrize(("kind", "rule"), [("cart", "carts"), ("order", "orders"), ("coupon", "coupon")])
async def test_what_is_scarce_has_a_bucket_of_its_own(kind: str, rule: str) -> None:
    limits = StoreRateLimits("pickle", rules(**{rule: ONE}), MemoryRateLimiter())
    assert await limits.check_call(RequestOrigin(address="a"), kind=kind) is None  # type: ignore[arg-type]
    exceeded = await limits.check_call(RequestOrigin(address="a"), kind=kind)  # type: ignore[arg-type]
    assert exceeded is not None
    assert exceeded.rule == rule
    assert await limits.check_call(RequestOrigin(address="a")) is None


async def test_credentials_are_looked_at_until_too_many_were_refused() -> None:
    limits = StoreRateLimits("pickle", rules(failed=RateLimit(2, 60.0)), MemoryRateLimiter())
    for _ in range(2):
        assert await limits.check_failed_credentials("a") is None
        assert await limits.count_failed_credential("a") is None
    assert await limits.check_failed_credentials("a") is not None
    assert await limits.count_failed_credential("a") is not None
    assert await limits.check_request(RequestOrigin(address="a")) is None, "guests from there go on"


async def test_whom_we_cannot_tell_from_others_is_not_counted_by_address() -> None:
    buckets = Noting()
    limits = StoreRateLimits("pickle", rules(), buckets)
    assert await limits.check_request(RequestOrigin(address="")) is None
    assert await limits.check_failed_credentials("") is None
    assert await limits.count_failed_credential("") is None
    assert await limits.check_call(RequestOrigin(address="")) is None
    assert buckets.asked == []


async def test_a_rule_that_is_off_counts_nothing() -> None:
    buckets = Noting()
    limits = StoreRateLimits("pickle", RateLimitRules(**dict.fromkeys(RateLimitRules.__struct_fields__)), buckets)
    for kind in (None, "coupon", "cart", "order"):
        assert await limits.check_call(RequestOrigin(address="a"), cart="c", kind=kind) is None  # type: ignore[arg-type]
        assert await limits.check_call(RequestOrigin(address="a"), KEY, kind=kind) is None  # type: ignore[arg-type]
    assert await limits.check_request(RequestOrigin(address="a")) is None
    assert await limits.check_failed_credentials("a") is None
    assert await limits.count_failed_credential("a") is None
    assert buckets.asked == []


def test_workers_that_count_alone_share_what_belongs_to_everybody() -> None:
    whole = LimitSettings().rules()
    quarter = whole.of_one_worker(4)
    assert whole.coupons is not None
    assert quarter.coupons == RateLimit(1, 4 * whole.coupons.interval)
    assert quarter.guest == whole.guest
    assert rules(coupons=None).of_one_worker(4).coupons is None


def test_by_default_all_coupon_tries_of_a_minute_stay_below_what_a_shop_allows() -> None:
    whole = LimitSettings().rules().coupons
    assert whole is not None
    assert whole.burst + 60 / whole.interval < 20


def test_a_refusal_tells_how_long_to_wait_in_the_fields_of_the_draft() -> None:
    exceeded = LimitExceeded(rule="guest", rate=RateLimit(200, 0.1), wait=0.02)
    assert exceeded.headers() == {
        "Retry-After": "1",
        "RateLimit-Policy": '"guest";q=200;w=20',
        "RateLimit": '"guest";r=0;t=1',
    }
    assert replace(exceeded, wait=59.2).retry_after == 60
