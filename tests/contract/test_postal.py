"""How buyers write countries and regions, and what they or their agents write where there is nothing."""

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.backends.postal.countries import country_code
from storefront_mcp.backends.postal.formats import postal_format
from storefront_mcp.backends.postal.placeholders import is_placeholder
from storefront_mcp.backends.postal.regions import MAX_CLOSE_REGIONS, OfferedRegion, close_regions, find_region
from storefront_mcp.backends.postal.spelling import fold_loosely, fold_name
from storefront_mcp.demo.countries import COUNTRIES

REGIONS = {
    country: tuple(OfferedRegion(one.id, one.code, one.name) for one in found.regions)
    for country, found in COUNTRIES.items()
}
"""As Maho has them."""


@pytest.mark.parametrize(
    ("country", "given_names", "name"),
    [
        ("EE", ["EE-37", "ee-37", "37", "Harjumaa", "Harju maakond", "Harju County", "HARJU"], "Harjumaa"),
        ("EE", ["EE-45", "Ida-Viru"], "Ida-Virumaa"),
        ("AU", ["AU-QLD", "QLD", "qld", "Queensland", "State of Queensland", "Queensland (QLD)"], "Queensland"),
        ("CA", ["Québec", "Quebec", "Que\u0301bec", "QC", "CA-QC", "Province of Quebec", "QC - Québec"], "Quebec"),
        ("CA", ["Terre-Neuve-et-Labrador", "Newfoundland"], "Newfoundland and Labrador"),
        ("CA", ["Yukon", "YT"], "Yukon Territory"),
        ("DE", ["Bayern", "DE-BY", "BY", "BAY", "Bavaria", "Freistaat Bayern", "bayern "], "Bayern"),
        ("DE", ["Baden-Wuerttemberg", "Baden Württemberg", "DE-BW", "BAW"], "Baden-Württemberg"),
        ("DE", ["NRW", "DE-NW", "North Rhine-Westphalia"], "Nordrhein-Westfalen"),
        ("DE", ["Saxony", "DE-SN", "Sachsen"], "Sachsen"),
        ("FR", ["01", "1", "FR-01", "Ain"], "Ain"),
        ("FR", ["2A", "FR-2A", "Corse du Sud"], "Corse-du-Sud"),
        ("FR", ["75", "Paris"], "Paris"),
        ("ES", ["01", "ES-VI", "Álava", "Araba"], "Alava"),
        ("ES", ["ES-M", "M", "28", "Madrid", "Provincia de Madrid"], "Madrid"),
        ("ES", ["Gerona", "GI"], "Girona"),
        ("AT", ["AT-9", "9", "Vienna", "Wien", "WI"], "Wien"),
        ("CH", ["CH-VD", "Vaud", "Canton de Vaud", "Waadt"], "Waadt"),
        ("CH", ["Genève", "Geneva", "GE"], "Genf"),
        ("FI", ["FI-10", "Lapland", "Lappi"], "Lappi"),
        ("FI", ["Åland", "Ahvenanmaa"], "Ahvenanmaa"),
        ("US", ["US-CA", "CA", "california", "State of California"], "California"),
        ("US", ["Washington D.C.", "DC"], "District of Columbia"),
    ],
)
def test_a_region_is_found_however_it_is_written(country: str, given_names: list[str], name: str) -> None:
    found = {written: find_region(country, written, REGIONS[country]) for written in given_names}
    assert {written: one.name for written, one in found.items() if one} == dict.fromkeys(given_names, name)


@pytest.mark.parametrize(("country", "written"), [("US", "Nowhere"), ("DE", "Québec"), ("FR", "Île-de-France")])
def test_no_region_is_guessed(country: str, written: str) -> None:
    assert find_region(country, written, REGIONS[country]) is None


@pytest.mark.parametrize("country", [code for code, regions in REGIONS.items() if regions])
def test_every_region_of_the_shop_is_found_by_its_own_name_and_code(country: str) -> None:
    for one in REGIONS[country]:
        assert find_region(country, one.name, REGIONS[country]) == one
        assert find_region(country, one.code, REGIONS[country]) == one
        assert find_region(country, f"{country}-{one.code.removeprefix(f'{country}-')}", REGIONS[country]) == one


def test_names_that_only_postal_rules_know_are_found_in_scripts_of_their_own() -> None:
    offered = (OfferedRegion(1, "JP-13", "Tokyo"), OfferedRegion(2, "JP-01", "Hokkaido"))
    assert find_region("JP", "東京都", offered) == offered[0]
    assert find_region("JP", "1", offered) == offered[1]
    assert find_region("JP", "x", (OfferedRegion(3, "", ""),)) is None


def test_a_long_list_of_regions_is_not_read_out() -> None:
    assert close_regions("x", REGIONS["AU"]) == REGIONS["AU"]
    close = close_regions("Pyrenees", REGIONS["FR"])
    assert len(close) == MAX_CLOSE_REGIONS
    assert "Hautes-Pyrénées" in [one.name for one in close]


@given(st.sampled_from(sorted(REGIONS)), st.text(max_size=40))
def test_any_text_is_a_region_or_none(country: str, written: str) -> None:
    found = find_region(country, written, REGIONS[country])
    assert found is None or found in REGIONS[country]
    assert set(close_regions(written, REGIONS[country])) <= set(REGIONS[country])


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("GB", ["UK", "uk", "GB", "United Kingdom", "Great Britain", "England", "scotland"]),
        ("US", ["USA", "U.S.A.", "US", "United States", "united states of america", "America"]),
        ("AU", ["Australia", "AUSTRALIA", "au", " AU ", "AUS", "aus"]),
        ("DE", ["Germany", "Deutschland", "DEU"]),
        ("AT", ["Österreich", "Oesterreich", "O\u0308sterreich"]),
        ("CZ", ["Czechia", "Czech Republic"]),
        ("CI", ["Côte d'Ivoire", "Cote d\u2019Ivoire", "Ivory Coast"]),
        ("BA", ["Bosnia and Herzegovina", "Bosnia & Herzegovina"]),
        ("LC", ["Saint Lucia", "St. Lucia"]),
        ("JP", ["日本", "Japan"]),
        ("HK", ["Hong Kong", "Hong Kong SAR China"]),
        ("GR", ["EL", "Greece"]),
        (None, ["Atlantis", "AUX", "SUN", "", "1A", "ÄÖ", "..", "\u202e"]),
    ],
)
def test_a_country_is_known_by_code_and_name(code: str | None, names: list[str]) -> None:
    assert {name: country_code(name) for name in names} == dict.fromkeys(names, code)


def test_what_an_address_needs_follows_its_country() -> None:
    needs = {code: postal_format(code) for code in ("IE", "HK", "AE", "FJ", "AU", "DE", "ES", "US", "QQ", "zz")}
    assert [code for code, rules in needs.items() if rules.needs_postcode] == ["AU", "DE", "ES", "US"]
    assert [code for code, rules in needs.items() if rules.has_postcode] == ["IE", "AU", "DE", "ES", "US"]
    for code in ("DE", "AT", "FR", "FI", "ES", "CH", "EE", "LT", "LV", "RO"):
        assert not postal_format(code).needs_region, code
    for code in ("AU", "CA", "US"):
        assert postal_format(code).needs_region, code


@pytest.mark.parametrize(
    "text", ["-", "--", ".", "none", "None", "N/A", "n/a", "n.a.", "unknown", "???", "TBD", "<none>"]
)
@pytest.mark.parametrize("field", ["postcode", "phone", "last_name", "street", "city"])
def test_what_stands_for_nothing_is_known_for_it(field: str, text: str) -> None:
    assert is_placeholder(field, text)


@pytest.mark.parametrize(
    ("field", "text", "placeholder"),
    [
        ("postcode", "00000", True),
        ("postcode", "0000", True),
        ("postcode", "00100", False),
        ("postcode", "D02 X285", False),
        ("phone", "0000000000", True),
        ("phone", "000 000", True),
        ("phone", "+00", True),
        ("phone", "call me", True),
        ("phone", "112", False),
        ("phone", "+61 7 0000 0001", False),
        ("last_name", "Na", False),
        ("last_name", "Null", False),
        ("last_name", "O", False),
        ("first_name", "李", False),
        ("city", "Å", False),
        ("street", "0", False),
        ("city", "", False),
    ],
)
def test_what_only_looks_like_nothing_is_taken(field: str, text: str, *, placeholder: bool) -> None:
    assert is_placeholder(field, text) is placeholder


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert fold_name(fold_name(name)) == fold_name(name)
    assert fold_loosely(fold_name(name)) == fold_loosely(name)
