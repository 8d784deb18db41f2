"""What the demo shop's page says of shipping is what it charges."""

from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.countries import DemoAddress
from storefront_mcp.demo.shipping_rates import shipping_offers


def rates(grams: int, *, country: str = "AU", postcode: str = "") -> dict[str, int]:
    """Cents by method."""
    address = DemoAddress(country=country, postcode=postcode)
    return {offer.method: offer.cents for offer in shipping_offers(address, grams=grams, goods=100)}


def dollars(cents: int) -> str:
    return f"${cents // 100}.{cents % 100:02}"


def test_the_page_has_the_price_of_the_first_and_of_each_further_kilogram() -> None:
    text = " ".join(
        next(page.content for page in pickle_warehouse().pages.values() if page.identifier == "shipping").split()
    )
    near, far, state = (
        [rates(grams, postcode=postcode) for grams in (1000, 2000)] for postcode in ("2000", "6000", "3500")
    )
    abroad = [rates(grams, country="DE")["international"] for grams in (1000, 2000)]
    island = [rates(grams, country="NZ")["international"] for grams in (1000, 2000)]
    first = ", ".join((f"{dollars(state[0]['parcel'])} in Victoria", f"{dollars(near[0]['parcel'])} elsewhere"))
    further = [dollars(zone[1]["parcel"] - zone[0]["parcel"]) for zone in (near, far)]
    express = [one["express"] - one["parcel"] for one in near]

    assert f"first kilogram: {first}, {dollars(far[0]['parcel'])} to WA" in text
    assert f"Each further kilogram: {further[0]}, or {further[1]} to WA" in text
    assert f"Express Post: {dollars(express[0])} on top, and {dollars(express[1] - express[0])} for each" in text
    assert f"New Zealand: {dollars(island[0])}, and {dollars(island[1] - island[0])} for each" in text
    assert f"Emirates: {dollars(abroad[0])}, and {dollars(abroad[1] - abroad[0])} for each" in text
