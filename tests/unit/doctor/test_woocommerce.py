"""The doctor before a WooCommerce shop: what it finds in one that is well, and in one that is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.sign_in import SignInSettings
from tests.fakes.demo_faults import DemoFault
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET, WooShop, woo_shop
from tests.serving import served
from tests.unit.doctor.stores import bad, findings, of, only, settings

pytestmark = pytest.mark.slow

Examined = tuple[str, WooShop]


@pytest.fixture
def examined() -> Iterator[Examined]:
    shop = woo_shop()
    with served(shop) as url:
        yield url, shop


def woo(folder: Path, url: str, *, key: str | None = MERCHANT_KEY, **changed: Any) -> Settings:
    """The settings of a store over this shop, paid at the sandbox."""
    chosen = settings(folder, url)
    secret = None if key is None else Secret(MERCHANT_SECRET)
    upstream = UpstreamSettings(kind="woocommerce", url=url, consumer_key=key, consumer_secret=secret)
    payments = PaymentSettings(provider="sandbox", method="cheque")
    store = replace(chosen.stores[0], upstream=upstream, payments=payments, pages=("returns",), **changed)
    return replace(chosen, stores=(store,))


async def test_a_shop_that_is_well(examined: Examined, tmp_path: Path) -> None:
    url, shop = examined
    report = await only(of(woo(tmp_path, url), cart=True), "shop")
    assert bad(report, "fault") == {}
    assert bad(report, "warning") == {}
    assert "WooCommerce answers" in findings(report, "shop.reached")[0].says
    assert [one.says for one in findings(report, "shop.account")] == ["It has orders/read and orders/write."]
    assert "The shop can be paid by cheque." in [one.says for one in findings(report, "shop.cart")]
    assert shop.books == ()


async def test_a_plugin_that_is_off_a_currency_and_a_key_that_are_wrong(examined: Examined, tmp_path: Path) -> None:
    url, shop = examined
    elsewhere = woo(tmp_path, f"{url}/blog")
    assert "shop.reached" in bad(await only(of(elsewhere), "shop.reached"), "fault")
    dollars = bad(
        await only(of(woo(tmp_path, url, currency="USD")), "shop.reached", "shop.store-view", "shop.currency")
    )
    assert dollars == {
        "shop.currency": [
            "Set store.currency to one that the shop has (AUD), or add USD to the shop's currencies.",
        ]
    }
    wrong = bad(await only(of(woo(tmp_path, url, key="ck_wrong")), "shop.reached", "shop.account"))
    assert [*wrong] == ["shop.account"]
    shop.faults.next(DemoFault.BEFORE, path="/wp-json")
    assert [*bad(await only(of(woo(tmp_path, url)), "shop.reached"))] == ["shop.reached"]


@pytest.mark.parametrize("readable", [True, False])
async def test_a_key_that_may_too_little_and_none(examined: Examined, tmp_path: Path, *, readable: bool) -> None:
    url, shop = examined
    shop.state.may_write = not readable
    shop.state.may_read = readable
    lacking = bad(await only(of(woo(tmp_path, url)), "shop.reached", "shop.account"))
    assert lacking == {"shop.account": [f"Give it orders/{'write' if readable else 'read'} in the shop."]}
    (none,) = findings(await only(of(woo(tmp_path, url, key=None)), "shop.reached", "shop.account"), "shop.account")
    assert none.level == "note"
    assert "consumer_key" in (none.fix or "")


async def test_a_key_that_may_not_read_customers_lets_nobody_sign_in(examined: Examined, tmp_path: Path) -> None:
    url, shop = examined
    asked = ("shop.reached", "shop.sign-ins")
    signing = woo(tmp_path, url, sign_in=SignInSettings(on=True))
    (fine,) = findings(await only(of(signing), *asked), "shop.sign-ins")
    assert (fine.level, fine.says) == ("ok", "The shop counts none.")
    shop.state.may_read_customers = False
    (fix,) = bad(await only(of(signing), *asked), "fault")["shop.sign-ins"]
    assert "who may list the shop's customers" in fix
    assert bad(await only(of(woo(tmp_path, url)), *asked)) == {}, "nobody signs in"
    keyless = woo(tmp_path, url, key=None, sign_in=SignInSettings(on=True))
    assert bad(await only(of(keyless), *asked)) == {}, "settings refuse it"


async def test_guests_may_not_order_where_the_shop_says_so(examined: Examined, tmp_path: Path) -> None:
    url, shop = examined
    shop.state.takes_guests = False
    report = await only(of(woo(tmp_path, url)), "shop.reached", "shop.store-view", "shop.guests")
    assert bad(report) == {"shop.guests": ["Allow guest checkout in the shop's configuration."]}
