"""Faults of the shop behind a store, planted one by one in a shop that is served, each found with its fix."""

import datetime as dt
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.demo.models import ShopRules
from storefront_mcp.settings.limits import LimitSettings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamTimeouts
from storefront_mcp.settings.sign_in import SignInSettings
from tests.fakes.demo_faults import DemoFault
from tests.fakes.demo_shop import UnsafeBehaviours, demo_shop
from tests.serving import free_port, served
from tests.unit.doctor.conftest import ExaminedShop
from tests.unit.doctor.stores import Asked, Said, at, bad, findings, of, only, settings, upstream

pytestmark = pytest.mark.slow

CONFIG = "/api/rest/v2/store-config"


async def test_a_shop_as_it_should_be_has_no_fault(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    chosen = upstream(
        settings(tmp_path, examined_shop.url, pages=("shipping",), payments=PaymentSettings(provider="sandbox")),
        client_id="storefront",
        client_secret=Secret("right"),
        store_code="default",
    )
    report = await only(of(chosen, cart=True), "shop")

    assert bad(report) == {}
    assert bad(report, "warning") == {}
    assert {one.check.id for one in report.checked if one.outcome == "ok"} >= {
        "shop.reached",
        "shop.cart",
        "shop.speed",
    }
    (told,) = findings(report, "shop.flavour")
    assert told.says == "It is Maho, later than 26.7, with setters."
    made = [cart for cart in examined_shop.shop.state.carts.values() if cart.lines]
    assert made == []


async def test_a_closed_port(tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, f"http://127.0.0.1:{free_port()}")), "shop")

    assert bad(report) == {
        "shop.reached": [
            "store.upstream.url: Start the server, or check the address, its port and the firewall between."
        ]
    }
    assert report.counts["skipped"] > 5


async def test_a_host_that_nobody_knows(tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, "http://shop.invalid")), "shop.reached")

    assert bad(report) == {"shop.reached": ["store.upstream.url: Check the spelling, or add the name to the DNS."]}


async def test_a_shop_that_hangs(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.shop.faults.next(DemoFault.GONE, path=CONFIG, seconds=5)
    chosen = upstream(settings(tmp_path, examined_shop.url), timeouts=UpstreamTimeouts(read=0.3))
    report = await only(of(chosen), "shop.reached")

    assert bad(report) == {
        "shop.reached": ["store.upstream.url: Find out what keeps it: a firewall that drops, or a server that hangs."]
    }


async def test_a_wrong_address_where_something_else_lives(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, f"{examined_shop.url}/blog")), "shop.reached")

    assert bad(report) == {
        "shop.reached": ["Set store.upstream.url to the address of a Maho shop of version 26.7 or later."]
    }


async def test_a_web_page_instead_of_the_interface(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.shop.faults.next(DemoFault.HTML, path=CONFIG)
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached")

    assert [finding.says for finding in findings(report, "shop.reached")] == [
        f"The shop {examined_shop.url} answers 200 with a web page instead of JSON."
    ]
    assert bad(report) == {
        "shop.reached": [
            (
                "Set store.upstream.url to the address of a Maho shop, and let REST v2 past any firewall or page "
                "cache before it."
            )
        ]
    }


async def test_an_interface_that_is_switched_off(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def off(_: Asked, said: Said) -> None:
        said.status = 404
        said.json = {"error": "protocol_disabled", "message": "This API protocol is not enabled."}

    examined_shop.proxy.spoil = off
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached")

    assert bad(report) == {"shop.reached": ["Switch REST v2 on in the shop's configuration."]}


async def test_a_shop_that_moved(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.shop.faults.next(DemoFault.REDIRECT, path=CONFIG)
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached")

    assert bad(report) == {"shop.reached": ['Set store.upstream.url to "https://elsewhere.invalid".']}


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (401, "Let this machine in without one: its interface is for guests."),
        (
            403,
            (
                "Let this machine in: look at the firewall or bot protection before the shop, and at what it permits "
                "guests."
            ),
        ),
        (503, "End the shop's maintenance mode, or see its own log for what keeps it."),
    ],
)
async def test_a_shop_that_lets_nobody_in(examined_shop: ExaminedShop, tmp_path: Path, status: int, fix: str) -> None:
    examined_shop.proxy.spoil = at(CONFIG, lambda said: setattr(said, "status", status))
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached")

    assert bad(report) == {"shop.reached": [fix]}


async def test_a_wrong_store_code(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    report = await only(of(upstream(settings(tmp_path, examined_shop.url), store_code="eu")), "shop")

    assert bad(report) == {"shop.store-view": ["Set store.upstream.store_code to one that it has: default."]}


async def test_a_currency_that_the_shop_does_not_have(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    report = await only(
        of(settings(tmp_path, examined_shop.url, currency="CHF")), "shop.reached", "shop.store-view", "shop.currency"
    )
    (fix,) = bad(report)["shop.currency"]

    assert fix is not None
    assert fix.startswith("Set store.currency to one that the shop has (AUD")
    assert fix.endswith("or add CHF to the shop's currencies.")


async def test_an_older_shop_that_answers_in_its_own_currency_whatever_is_asked(tmp_path: Path) -> None:
    with served(demo_shop(unsafe=UnsafeBehaviours(older_fork=True))) as url:
        report = await only(of(settings(tmp_path, url, currency="EUR")), "shop")

    assert list(bad(report)) == ["shop.currency"]
    assert bad(report, "warning") == {"shop.flavour": ["Update Maho to 26.7 or later before orders are taken."]}


@pytest.mark.parametrize(("seconds", "level"), [(-3600, "fault"), (301, "fault"), (-60, "warning"), (0, "ok")])
async def test_a_clock_that_is_wrong(examined_shop: ExaminedShop, tmp_path: Path, seconds: int, level: str) -> None:
    def now() -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)

    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached", "shop.clock", now=now)
    (found,) = findings(report, "shop.clock")

    assert found.level == level
    assert found.fix == (None if level == "ok" else "Let both machines take their time from NTP.")


async def test_a_date_out_of_a_cache_proves_nothing(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.proxy.spoil = at(
        CONFIG, lambda said: said.headers.update(age="4000", date="Sat, 01 Jan 2000 00:00:00 GMT")
    )
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached", "shop.clock")

    (found,) = findings(report, "shop.clock")
    assert (found.level, found.conclusive) == ("note", False), "what could not be compared is not good"
    assert "could not be compared" in found.says


async def test_an_empty_shop(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def emptied(asked: Asked, said: Said) -> None:
        if asked.path.endswith(("/products", "/categories")):
            said.json = {"@type": "Collection", "totalItems": 0, "member": []}

    examined_shop.proxy.spoil = emptied
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop")

    assert bad(report) == {
        "shop.catalogue": [
            "Give the store view products that are enabled and visible in search, and rebuild the shop's search index."
        ]
    }


async def test_goods_without_a_price_and_a_shop_without_categories(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def given_away(asked: Asked, said: Said) -> None:
        if asked.path.endswith("/products"):
            body = said.json
            for one in body["member"]:
                one |= {"price": 0, "finalPrice": 0, "minimalPrice": 0}
            said.json = body
        if asked.path.endswith("/categories"):
            said.json = {"@type": "Collection", "totalItems": 0, "member": []}

    examined_shop.proxy.spoil = given_away
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop")

    assert bad(report, "warning")["shop.catalogue"] == [
        "Give the store view a root category with categories in the menu.",
        "Check the prices of these products, or their price index.",
    ]


async def test_a_slow_shop(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.shop.faults.next(DemoFault.SLOW, path=CONFIG, seconds=0.4)
    chosen = upstream(settings(tmp_path, examined_shop.url), timeouts=UpstreamTimeouts(read=0.7))
    report = await only(of(chosen), "shop")

    assert bad(report, "warning") == {
        "shop.speed": ["Switch the shop's caches on and look for slow queries, or raise store.upstream.timeouts.read."]
    }


async def test_a_shop_that_is_always_a_little_slow(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    subject = of(settings(tmp_path, examined_shop.url))
    assert subject.behind is not None
    probe = subject.behind.probe
    heard = await probe.hello()
    probe.responses += [replace(heard, seconds=1.5)] * 20
    report = await only(subject, "shop")

    assert bad(report, "warning") == {"shop.speed": ["Switch the shop's caches on, or put this server near the shop."]}


async def test_a_page_that_is_not_there(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    report = await only(
        of(settings(tmp_path, examined_shop.url, pages=("shipping", "jobs"))), "shop.reached", "shop.pages"
    )

    assert bad(report, "warning") == {"shop.pages": ["Make that page in the shop, or take 'jobs' out of store.pages."]}


async def test_guests_that_may_not_order(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def closed(said: Said) -> None:
        said.json = {**said.json, "isGuestCheckoutAllowed": False}

    examined_shop.proxy.spoil = at(CONFIG, closed)
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop")

    assert bad(report) == {"shop.guests": ["Allow guest checkout in the shop's configuration."]}


@pytest.mark.parametrize("rate", ["off", "30/min burst 5", "12/min burst 15"])
async def test_more_coupon_tries_than_the_shop_allows(examined_shop: ExaminedShop, tmp_path: Path, rate: str) -> None:
    chosen = settings(tmp_path, examined_shop.url, limits=LimitSettings(coupons=rate))
    report = await only(of(chosen), "shop.reached", "shop.coupons")

    assert bad(report, "warning") == {"shop.coupons": ['Set store.limits.coupons to "12/min burst 6" or less.']}


@pytest.mark.parametrize("rate", ["off", "30/min burst 5", "3/min burst 8"])
async def test_more_sign_ins_than_the_shop_allows(examined_shop: ExaminedShop, tmp_path: Path, rate: str) -> None:
    limits = LimitSettings(sign_ins=rate)
    signing = settings(tmp_path, examined_shop.url, limits=limits, sign_in=SignInSettings(on=True))
    report = await only(of(signing), "shop.reached", "shop.sign-ins")

    fix = 'Set store.limits.sign_ins to "3/min burst 5" or less, or raise the limit of the shop.'
    assert bad(report, "warning") == {"shop.sign-ins": [fix]}
    others = ({"limits": limits}, {"sign_in": SignInSettings(on=True)})
    for fine in (settings(tmp_path, examined_shop.url, **changes) for changes in others):
        assert bad(await only(of(fine), "shop.reached", "shop.sign-ins"), "warning") == {}


async def test_an_expired_service_account(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    chosen = upstream(settings(tmp_path, examined_shop.url), client_id="storefront", client_secret=Secret("old"))
    report = await only(of(chosen), "shop")

    assert bad(report) == {
        "shop.account": ["Renew its secret in the shop, and put it where the settings of store.upstream take it from."]
    }


async def test_a_service_account_that_may_too_little(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.proxy.spoil = at("/api/rest/v2/orders", lambda said: setattr(said, "status", 403))
    chosen = upstream(settings(tmp_path, examined_shop.url), client_id="storefront", client_secret=Secret("right"))
    report = await only(of(chosen), "shop")

    assert bad(report) == {"shop.account": ["Give it orders/read in the shop."]}


@pytest.mark.parametrize(
    ("rights", "level", "fix"),
    [
        (["all"], "note", "Limit it to orders/read and carts/read in the shop."),
        (["orders/read", "carts/read"], "ok", None),
    ],
)
async def test_a_service_account_and_its_rights(
    examined_shop: ExaminedShop, tmp_path: Path, rights: list[str], level: str, fix: str | None
) -> None:
    def given(said: Said) -> None:
        said.json = {**said.json, "permissions": rights}

    examined_shop.proxy.spoil = at("/api/rest/v2/auth/token", given)
    chosen = upstream(settings(tmp_path, examined_shop.url), client_id="storefront", client_secret=Secret("right"))
    (found,) = findings(await only(of(chosen), "shop.reached", "shop.account"), "shop.account")

    assert (found.level, found.fix) == (level, fix)


async def test_no_service_account_is_worth_a_note(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop.reached", "shop.account")

    assert bad(report, "note") == {
        "shop.account": [
            (
                "Make a service account with the rights orders/read and carts/read in the shop, and set "
                "store.upstream.client_id and client_secret_file."
            )
        ]
    }


async def test_a_payment_method_that_the_shop_does_not_offer(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    payments = PaymentSettings(provider="sandbox", method="stripe_card", offline=("banktransfer", "cash-in-a-jar"))
    report = await only(of(settings(tmp_path, examined_shop.url, payments=payments), cart=True), "shop")
    offered = [method.code for method in examined_shop.shop.state.payment_methods(1)]

    assert bad(report)["shop.cart"] == [
        f"Switch stripe_card on in the shop, or set store.payments.method to what it has: {', '.join(offered)}.",
        f"Switch cash-in-a-jar on in the shop, or set store.payments.offline to what it has: {', '.join(offered)}.",
    ]
    assert [cart for cart in examined_shop.shop.state.carts.values() if cart.lines] == []


async def test_a_cart_that_cannot_be_sent(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def nowhere(asked: Asked, said: Said) -> None:
        if asked.path.endswith("/shipping-methods"):
            said.json = []

    examined_shop.proxy.spoil = nowhere
    report = await only(of(settings(tmp_path, examined_shop.url), cart=True), "shop")

    assert bad(report, "warning") == {"shop.cart": ["Switch on a way to ship for that country in the shop."]}


async def test_a_version_without_setters_is_as_good(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def older(asked: Asked, said: Said) -> None:
        if asked.path.endswith("/shipping-address"):
            said.status = 404

    examined_shop.proxy.spoil = older
    (found,) = findings(
        await only(of(settings(tmp_path, examined_shop.url)), "shop.reached", "shop.flavour"), "shop.flavour"
    )

    assert found.level == "note"
    assert found.says == (
        "It is Maho, 26.7. It has no setters for addresses and methods: totals are read after a place-order without a "
        "payment method, an error in the shop's log each time."
    )


async def test_a_store_whose_own_country_the_shop_does_not_serve(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    report = await only(of(settings(tmp_path, examined_shop.url, locale="pt-BR"), cart=True), "shop")
    said = [finding.says for finding in findings(report, "shop.cart")]

    assert bad(report, "warning") == bad(report) == {}
    assert any(one.startswith("It can be sent to AU by ") for one in said)


async def test_a_country_that_the_shop_does_not_know(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def anywhere(said: Said) -> None:
        said.json = {**said.json, "allowedCountries": []}

    def unknown(asked: Asked, said: Said) -> None:
        if asked.path == CONFIG:
            anywhere(said)
        if asked.path.endswith("/shipping-methods"):
            said.json = []

    examined_shop.proxy.spoil = unknown
    report = await only(of(settings(tmp_path, examined_shop.url, locale="de"), cart=True), "shop")

    assert [one.says for one in findings(report, "shop.cart") if one.level == "warning"] == ["It cannot be sent to US."]


async def test_a_shop_where_nothing_can_be_put_into_a_cart(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    def sold_out(asked: Asked, said: Said) -> None:
        if asked.path.endswith("/items") and asked.method == "POST":
            said.status = 422
            said.json = {"error": "unprocessable_entity", "message": "This product is currently out of stock."}

    examined_shop.proxy.spoil = sold_out
    report = await only(of(settings(tmp_path, examined_shop.url), cart=True), "shop")

    assert bad(report, "warning") == {"shop.cart": ["Have a simple product in stock, or try a cart by hand."]}


async def test_a_shop_that_breaks_while_it_is_asked(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    examined_shop.proxy.spoil = at("/api/rest/v2/categories", lambda said: setattr(said, "status", 500))
    report = await only(of(settings(tmp_path, examined_shop.url)), "shop")

    assert bad(report) == {"shop.catalogue": ["Look at the shop's own log for the same minute."]}


@pytest.mark.parametrize(
    ("closes", "level", "fix"),
    [
        (True, "warning", "End the maintenance of the shop; nothing else is to be done."),
        (False, "fault", "Set store.upstream.close_in_maintenance to true, or pause cart and checkout."),
    ],
)
async def test_a_shop_in_maintenance_mode_whose_interface_goes_on(
    examined_shop: ExaminedShop, tmp_path: Path, *, closes: bool, level: str, fix: str
) -> None:
    examined_shop.shop.state.rules = ShopRules(maintenance=True)
    chosen = upstream(settings(tmp_path, examined_shop.url), close_in_maintenance=closes)
    report = await only(of(chosen), "shop.reached", "shop.maintenance")
    assert bad(report, "warning") | bad(report) == {"shop.maintenance": [fix]}
    assert [one.level for one in findings(report, "shop.maintenance")] == [level]


async def test_a_least_order_that_only_the_operator_can_tell(examined_shop: ExaminedShop, tmp_path: Path) -> None:
    chosen = settings(tmp_path, examined_shop.url)
    for least, level in ((None, "note"), ("30.00", "ok")):
        report = await only(of(upstream(chosen, minimum_order=least)), "shop.reached", "shop.least-order")
        (found,) = findings(report, "shop.least-order")
        assert found.level == level
        assert "30.00 AUD" in found.says or least is None


@pytest.mark.parametrize("included", [True, False])
async def test_whether_prices_include_tax_is_told_and_a_setting_that_says_otherwise_is_a_fault(
    examined_shop: ExaminedShop, tmp_path: Path, *, included: bool
) -> None:
    examined_shop.shop.state.rules = ShopRules(tax_included=included)
    for said in (None, included):
        chosen = upstream(settings(tmp_path, examined_shop.url), prices_include_tax=said)
        report = await only(of(chosen, cart=True), "shop")
        assert bad(report) == {}
        how = "include" if included else "are without"
        assert any(f"Prices {how} tax" in one.says for one in findings(report, "shop.cart"))
    wrong = upstream(settings(tmp_path, examined_shop.url), prices_include_tax=not included)
    report = await only(of(wrong, cart=True), "shop")
    assert [found.level for found in findings(report, "shop.cart")][-1] == "fault"
    assert "take that setting out" in findings(report, "shop.cart")[-1].says
