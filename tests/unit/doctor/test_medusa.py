"""The doctor before a Medusa shop: what it finds in one that is well, and in one that is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.sign_in import SignInSettings
from tests.fakes.medusa.shop import MedusaShop
from tests.serving import served
from tests.unit.doctor.stores import bad, findings, of, only, settings

pytestmark = pytest.mark.slow

Examined = tuple[str, MedusaShop]


@pytest.fixture
def examined() -> Iterator[Examined]:
    shop = MedusaShop()
    with served(shop) as url:
        yield url, shop


def medusa(folder: Path, examined: Examined, *, keys: Any = None, **changed: Any) -> Settings:
    """The settings of a store over this shop, paid at the sandbox."""
    url, shop = examined
    chosen = settings(folder, url)
    given = {"publishable_key": shop.state.key, "secret_key": Secret(shop.state.secret_key)} | (keys or {})
    upstream = UpstreamSettings(kind="medusa", url=url, **given)
    payments = PaymentSettings(provider="sandbox", method="pp_system_default")
    store = replace(chosen.stores[0], upstream=upstream, payments=payments, pages=(), **changed)
    return replace(chosen, stores=(store,))


async def test_a_shop_that_is_well(examined: Examined, tmp_path: Path) -> None:
    report = await only(of(medusa(tmp_path, examined), cart=True), "shop")

    assert bad(report, "fault") == {}
    assert bad(report, "warning") == {}
    assert "Medusa answers" in findings(report, "shop.reached")[0].says
    assert [one.says for one in findings(report, "shop.account")] == ["It has the Admin API."]
    assert "The shop can be paid by pp_system_default." in [one.says for one in findings(report, "shop.cart")]
    assert examined[1].state.orders == {}


async def test_keys_a_currency_and_a_region_that_are_wrong(examined: Examined, tmp_path: Path) -> None:
    key = {"publishable_key": "pk_nope"}
    (unknown,) = findings(await only(of(medusa(tmp_path, examined, keys=key)), "shop.reached"), "shop.reached")
    assert unknown.says.endswith("does not know our publishable key.")
    assert "store.upstream.publishable_key" in (unknown.fix or "")

    francs = of(medusa(tmp_path, examined, currency="CHF"))
    said = bad(await only(francs, "shop.reached", "shop.store-view", "shop.currency"))
    assert said == {
        "shop.currency": [
            "Set store.currency to one that the shop has (AUD, EUR, JPY, KWD), or add CHF to the shop's currencies."
        ]
    }
    nowhere = {"region": "Asia"}
    said = bad(await only(of(medusa(tmp_path, examined, keys=nowhere)), "shop.reached", "shop.store-view"))
    assert said == {"shop.store-view": ["Set store.upstream.region to one that it has: Home, Europe, Japan, Kuwait."]}
    secret = {"secret_key": Secret("sk_nope")}
    wrong = bad(await only(of(medusa(tmp_path, examined, keys=secret)), "shop.reached", "shop.account"))
    assert [*wrong] == ["shop.account"]
    none = {"secret_key": None}
    (note,) = findings(
        await only(of(medusa(tmp_path, examined, keys=none)), "shop.reached", "shop.account"), "shop.account"
    )
    assert note.level == "note"
    assert "secret_key_file" in (note.fix or "")


async def test_a_way_to_pay_that_the_region_has_not(examined: Examined, tmp_path: Path) -> None:
    chosen = medusa(tmp_path, examined)
    store = replace(chosen.stores[0], payments=PaymentSettings(provider="sandbox", method="pp_stripe_stripe"))
    report = await only(of(replace(chosen, stores=(store,)), cart=True), "shop")

    (told,) = [one for one in findings(report, "shop.cart") if one.level == "fault"]
    assert "does not offer pp_stripe_stripe" in told.says
    assert "pp_system_default" in (told.fix or "")


async def test_a_shop_whose_customers_have_no_passwords(examined: Examined, tmp_path: Path) -> None:
    chosen = of(medusa(tmp_path, examined, sign_in=SignInSettings(on=True)))
    (fine,) = findings(await only(chosen, "shop.reached", "shop.sign-ins"), "shop.sign-ins")
    assert fine.says == "The shop counts none."

    examined[1].state.auth_providers = ("google",)
    told, _ = findings(await only(chosen, "shop.reached", "shop.sign-ins"), "shop.sign-ins")
    assert told.level == "fault"
    assert "authMethodsPerActor" in (told.fix or "")
