"""Which buckets a request and a call take from, and how a refusal is told."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from storefront_mcp.calls.limits import Ask, Buckets, Limits, Rate, Refusal, RuleName, Rules, Vouched, digest
from storefront_mcp.limits import MemoryBuckets
from storefront_mcp.settings.limiting import LimitSettings

ONE = Rate(1, 60.0)
WIDE = Rate(100, 1.0)


def rules(**narrow: Rate | None) -> Rules:
    return replace(Rules(**dict.fromkeys(Rules.__struct_fields__, WIDE)), **narrow)


class Noting(Buckets):
    """Buckets that remember what was asked of them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, RuleName, str, bool]] = []

    async def take(self, store: str, asks: Sequence[Ask], *, charge: bool = True) -> Refusal | None:
        self.asked += [(store, ask.rule, ask.key, charge) for ask in asks]
        return None


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/min burst 200", Rate(200, 0.1)),
        ("5/s burst 1", Rate(1, 0.2)),
        ("36/h burst 9", Rate(9, 100.0)),
        ("off", None),
    ],
)
def test_a_rate_is_written_as_people_say_it(text: str, rate: Rate | None) -> None:
    assert Rate.read(text) == rate


@pytest.mark.parametrize(
    "text", ["", "0/min burst 1", "1/min", "1/min burst 0", "1/day burst 1", "OFF", "1.5/s burst 2"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        Rate.read(text)


async def test_a_request_is_counted_by_its_address_and_a_call_by_who_calls() -> None:
    buckets = Noting()
    limits = Limits("pickle", rules(), buckets)
    await limits.arrives("203.0.113.7")
    await limits.calls(address="203.0.113.7")
    await limits.calls(address="203.0.113.7", principal="key:k1")
    assert buckets.asked == [
        ("pickle", "address", "203.0.113.7", True),
        ("pickle", "guest", "203.0.113.7", True),
        ("pickle", "principal", "key:k1", True),
    ]


async def test_an_agent_that_signs_is_counted_as_itself_and_wider_but_tightly_by_its_address() -> None:
    taken: list[Ask] = []

    class Taking(Noting):
        async def take(self, store: str, asks: Sequence[Ask], *, charge: bool = True) -> Refusal | None:
            taken.extend(asks)
            return None

    limits = Limits("pickle", rules(carts=ONE), Taking(), wider=2.5)
    address = Vouched("203.0.113.7", "https://agent.example")
    await limits.arrives(address)
    await limits.calls(address=address, kind="cart")
    await limits.calls(address=address, principal="key:k1")
    await limits.failed(address)
    wider = Rate(250, 0.4)
    assert taken == [
        Ask("address", "https://agent.example", wider),
        Ask("guest", "https://agent.example", wider),
        Ask("carts", "203.0.113.7", ONE),
        Ask("principal", "key:k1", WIDE),
        Ask("failed", "203.0.113.7", WIDE),
    ]


async def test_a_cart_is_counted_without_its_handle() -> None:
    buckets = Noting()
    await Limits("pickle", rules(), buckets).calls(address="", cart="cart_secret")
    assert buckets.asked == [("pickle", "cart", digest("cart_secret"), True)]
    assert "secret" not in str(buckets.asked)


async def test_coupons_are_counted_for_the_caller_and_for_everybody_before_the_same_shop() -> None:
    buckets = Noting()
    for store in ("pickle", "brine"):
        await Limits(store, rules(), buckets, shop="shop.example").calls(address="a", kind="coupon")
    assert [asked[:3] for asked in buckets.asked] == [
        ("pickle", "guest", "a"),
        ("pickle", "coupon", "a"),
        ("shop:shop.example", "coupons", "all"),
        ("brine", "guest", "a"),
        ("brine", "coupon", "a"),
        ("shop:shop.example", "coupons", "all"),
    ]


async def test_one_caller_who_guesses_does_not_lock_coupons_for_the_others() -> None:
    limits = Limits("pickle", rules(coupon=Rate(2, 60.0), coupons=Rate(4, 60.0)), MemoryBuckets())
    tries = [await limits.calls(address="guesser", kind="coupon") for _ in range(20)]
    assert [refusal.rule for refusal in tries if refusal] == ["coupon"] * 18
    assert await limits.calls(address="shopper", kind="coupon") is None
    assert await limits.calls(address="shopper", kind="coupon") is None
    refusal = await limits.calls(address="another", kind="coupon")
    assert refusal is not None
    assert refusal.rule == "coupons"


@pytest.mark.parametrize(("kind", "rule"), [("cart", "carts"), ("order", "orders"), ("coupon", "coupon")])
async def test_what_is_scarce_has_a_bucket_of_its_own(kind: str, rule: str) -> None:
    limits = Limits("pickle", rules(**{rule: ONE}), MemoryBuckets())
    assert await limits.calls(address="a", kind=kind) is None  # type: ignore[arg-type]
    refusal = await limits.calls(address="a", kind=kind)  # type: ignore[arg-type]
    assert refusal is not None
    assert refusal.rule == rule
    assert await limits.calls(address="a") is None


async def test_credentials_are_looked_at_until_too_many_were_refused() -> None:
    limits = Limits("pickle", rules(failed=Rate(2, 60.0)), MemoryBuckets())
    for _ in range(2):
        assert await limits.may_authenticate("a") is None
        assert await limits.failed("a") is None
    assert await limits.may_authenticate("a") is not None
    assert await limits.failed("a") is not None
    assert await limits.arrives("a") is None, "guests from there go on"


async def test_whom_we_cannot_tell_from_others_is_not_counted_by_address() -> None:
    buckets = Noting()
    limits = Limits("pickle", rules(), buckets)
    assert await limits.arrives("") is None
    assert await limits.may_authenticate("") is None
    assert await limits.failed("") is None
    assert await limits.calls(address="") is None
    assert buckets.asked == []


async def test_a_rule_that_is_off_counts_nothing() -> None:
    buckets = Noting()
    limits = Limits("pickle", Rules(**dict.fromkeys(Rules.__struct_fields__)), buckets)
    for kind in (None, "coupon", "cart", "order"):
        assert await limits.calls(address="a", cart="c", kind=kind) is None  # type: ignore[arg-type]
        assert await limits.calls(address="a", principal="p", kind=kind) is None  # type: ignore[arg-type]
    assert await limits.arrives("a") is None
    assert await limits.may_authenticate("a") is None
    assert await limits.failed("a") is None
    assert buckets.asked == []


def test_workers_that_count_alone_share_what_belongs_to_everybody() -> None:
    whole = LimitSettings().rules()
    quarter = whole.of_one_worker(4)
    assert whole.coupons is not None
    assert quarter.coupons == Rate(1, 4 * whole.coupons.interval)
    assert quarter.guest == whole.guest
    assert rules(coupons=None).of_one_worker(4).coupons is None


def test_by_default_all_coupon_tries_of_a_minute_stay_below_what_a_shop_allows() -> None:
    whole = LimitSettings().rules().coupons
    assert whole is not None
    assert whole.burst + 60 / whole.interval < 20


def test_a_refusal_tells_how_long_to_wait_in_the_fields_of_the_draft() -> None:
    refusal = Refusal(rule="guest", rate=Rate(200, 0.1), wait=0.02)
    assert refusal.headers() == {
        "Retry-After": "1",
        "RateLimit-Policy": '"guest";q=200;w=20',
        "RateLimit": '"guest";r=0;t=1',
    }
    assert replace(refusal, wait=59.2).retry_after == 60
