"""Reading the shop: lists, details, categories, facets, and the oddities that come with them."""

import pytest

from tests.unit.demo.conftest import Guest

DETAIL_ONLY = {"stockItem", "relatedProducts", "websiteIds"}


async def test_collections_carry_a_total_and_members(guest: Guest) -> None:
    answer = await guest.get("/products", params={"pageSize": "2"})
    body = answer.json()
    assert answer.headers["content-type"] == "application/ld+json; charset=utf-8"
    assert (body["@type"], body["@context"], body["@id"]) == (
        "Collection",
        "/api/contexts/Product",
        "/api/rest/v2/products",
    )
    assert body["totalItems"] >= 290
    assert [member["@type"] for member in body["member"]] == ["Product", "Product"]
    assert body["view"]["next"].endswith("page=2")
    assert "previous" not in body["view"]


async def test_plain_json_is_a_bare_list_without_a_total(guest: Guest) -> None:
    answer = await guest.get("/products?itemsPerPage=1", headers={"accept": "application/json"})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    [product] = answer.json()
    assert "@type" not in product


async def test_a_page_past_the_end_repeats_the_last_page(guest: Guest) -> None:
    first = (await guest.get("/products?pageSize=100")).json()
    last_page = -(-first["totalItems"] // 100)
    last = (await guest.get(f"/products?pageSize=100&page={last_page}")).json()
    past = (await guest.get(f"/products?pageSize=100&page={last_page + 7}")).json()
    assert past["member"] == last["member"]
    assert past["totalItems"] == first["totalItems"]


@pytest.mark.parametrize(("asked", "given"), [("250", 100), ("0", 20), ("x", 20), ("7", 7)])
async def test_the_page_size_is_cut_without_notice(guest: Guest, asked: str, given: int) -> None:
    assert len((await guest.get("/products", params={"pageSize": asked})).json()["member"]) == given


@pytest.mark.parametrize("page", ["0", "-3", "x", "²", "9" * 5000])
async def test_a_page_that_is_no_page_is_answered_all_the_same(guest: Guest, page: str) -> None:
    assert (await guest.get("/products", params={"page": page, "pageSize": "1"})).json()["member"]


async def test_list_items_are_shallow_and_details_are_not(guest: Guest) -> None:
    listed = (await guest.get("/products?urlKey=club-tee")).json()["member"][0]
    detail = (await guest.get(f"/products/{listed['id']}")).json()
    assert listed["variants"] == listed["configurableOptions"] == listed["mediaGallery"] == []
    assert not DETAIL_ONLY & set(listed)
    assert set(detail) >= DETAIL_ONLY
    assert len(detail["variants"]) == 12
    assert [option["code"] for option in detail["configurableOptions"]] == ["color", "size"]


async def test_asked_by_url_key_the_stock_is_zero(guest: Guest) -> None:
    listed = (await guest.get("/products?urlKey=gherkin-pro-carbon-16")).json()["member"][0]
    assert (listed["sku"], listed["stockQty"]) == ("PAD-2", 0)
    assert (await guest.get("/products/2")).json()["stockQty"] == 48


async def test_the_url_key_of_a_hidden_variant_is_found(guest: Guest) -> None:
    [variant] = (await guest.get("/products?urlKey=club-tee-black-m")).json()["member"]
    assert (variant["sku"], variant["visibility"]) == ("TEE-BLACK-M", "not_visible")


async def test_variants_cost_nothing_in_the_list_and_too_much_by_themselves(guest: Guest) -> None:
    [tee] = (await guest.get("/products?search=TEE&fullDetail=1&pageSize=1")).json()["member"]
    assert tee["sku"] == "TEE"
    assert {variant["finalPrice"] for variant in tee["variants"]} == {0}
    assert "description" not in tee
    alone = (await guest.get(f"/products/{tee['variants'][0]['id']}")).json()
    assert (tee["finalPrice"], alone["finalPrice"]) == (25, 27)


async def test_sold_out_products_are_absent_from_lists_but_can_be_read(guest: Guest) -> None:
    assert (await guest.get("/products/3")).json()["stockStatus"] == "out_of_stock"
    found = (await guest.get("/products?search=PAD-3")).json()["member"]
    assert "PAD-3" not in [product["sku"] for product in found]


async def test_custom_options_say_what_choices_cost_and_texts_do_not(guest: Guest) -> None:
    [mug] = (await guest.get("/products?urlKey=custom-mug")).json()["member"]
    assert mug["hasRequiredOptions"] is True
    engraving, size = (await guest.get(f"/products/{mug['id']}")).json()["customOptions"]
    assert (engraving["title"], engraving["type"], engraving["values"]) == ("Engraving", "field", [])
    assert [(value["title"], value["price"]) for value in size["values"]] == [("Small", 0), ("Large", 3)]


@pytest.mark.parametrize("wrong", ["9999", "club-tee", "0", "9" * 6000, "²"])
async def test_a_product_is_read_by_number_only(guest: Guest, wrong: str) -> None:
    answer = await guest.get(f"/products/{wrong}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found", "message": "Not Found", "code": 404}


async def test_with_a_text_the_category_is_ignored_and_unknown_filters_always_are(guest: Guest) -> None:
    everywhere = (await guest.get("/products?search=paddle")).json()["totalItems"]
    gifts = (await guest.get("/url-resolver?path=gifts")).json()["member"][0]["id"]
    assert (await guest.get(f"/products?search=paddle&categoryId={gifts}")).json()["totalItems"] == everywhere
    everything = (await guest.get("/products")).json()["totalItems"]
    for ignored in ("sku=TEE", "priceFrom=100", "order[price]=desc", "category=3"):
        assert (await guest.get(f"/products?{ignored}")).json()["totalItems"] == everything


async def test_a_category_shows_what_is_below_it(guest: Guest) -> None:
    tops = (await guest.get("/url-resolver?path=apparel/tops.html")).json()["member"][0]["id"]
    leaves = (await guest.get(f"/categories?parentId={tops}")).json()["member"]
    together = (await guest.get(f"/products?categoryId={tops}")).json()["totalItems"]
    parts = [(await guest.get(f"/products?categoryId={leaf['id']}")).json()["totalItems"] for leaf in leaves]
    assert together == sum(parts) == (await guest.get(f"/categories/{tops}")).json()["productCount"]
    assert (await guest.get("/products?categoryId=9999")).json()["member"] == []


async def test_prices_bound_and_sort(guest: Guest) -> None:
    found = (await guest.get("/products?priceMin=100&priceMax=279&sortBy=price&sortDir=desc&pageSize=100")).json()
    prices = [product["finalPrice"] for product in found["member"]]
    assert prices == sorted(prices, reverse=True)
    assert prices[0] == 279
    assert min(prices) >= 100


async def test_an_unknown_sort_is_refused_with_the_list(guest: Guest) -> None:
    answer = await guest.get("/products?sortBy=popularity")
    assert answer.status_code == 400
    assert answer.json()["message"].endswith("position, sku, entity_id")


async def test_facets_count_parents_but_the_filter_does_not_look_into_variants(guest: Guest) -> None:
    apparel = (await guest.get("/url-resolver?path=apparel")).json()["member"][0]["id"]
    colour = (await guest.get(f"/layered-filters?categoryId={apparel}")).json()["member"][0]
    black = next(option for option in colour["options"] if option["label"] == "Black")
    assert colour["code"] == "color"
    assert black["count"] > 10
    filtered = await guest.get(f"/products?categoryId={apparel}&attr_color={black['value']}")
    assert filtered.json()["totalItems"] == 0


async def test_facets_of_simple_products_filter(guest: Guest) -> None:
    pickles = (await guest.get("/url-resolver?path=pickles")).json()["member"][0]["id"]
    [heat] = (await guest.get(f"/layered-filters?categoryId={pickles}")).json()["member"]
    for option in heat["options"]:
        found = await guest.get(f"/products?categoryId={pickles}&attr_heat={option['value']}")
        assert found.json()["totalItems"] == option["count"]
    assert (await guest.get("/layered-filters")).json()["member"] == []


async def test_categories_are_walked_level_by_level(guest: Guest) -> None:
    top = (await guest.get("/categories")).json()["member"]
    assert [category["name"] for category in top] == ["Pickleball", "Pickles", "Apparel", "Gifts"]
    assert all("children" not in category for category in top)
    one = (await guest.get(f"/categories/{top[0]['id']}")).json()
    assert [child["id"] for child in one["children"]] == one["childrenIds"]
    assert all(child["children"] == [] for child in one["children"])
    assert (await guest.get("/categories?urlKey=paddles")).json()["member"] == top
    found = (await guest.get("/categories?search=carbon")).json()["member"]
    assert [category["urlPath"] for category in found] == ["pickleball/paddles/carbon-fibre"]
    assert (await guest.get("/categories?parentId=9999")).json()["totalItems"] == 0
    assert (await guest.get("/categories/9999")).status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [("club-tee", "product"), ("pickleball/paddles", "category"), ("privacy-policy", "cms_page"), ("", "cms_page")],
)
async def test_paths_of_the_shop_are_resolved(guest: Guest, path: str, kind: str) -> None:
    [member] = (await guest.get("/url-resolver", params={"path": path} if path else {})).json()["member"]
    assert member["type"] == kind
    assert member["identifier"] == (path or "home")


async def test_an_unknown_path_resolves_to_nothing(guest: Guest) -> None:
    assert (await guest.get("/url-resolver?path=no/such/page")).json()["member"] == []


@pytest.mark.parametrize("identifier", ["shipping", "returns", "privacy-policy", "about", "contact"])
async def test_policies_are_pages(guest: Guest, identifier: str) -> None:
    [page] = (await guest.get("/cms-pages", params={"identifier": identifier})).json()["member"]
    assert page["content"].startswith("<p>")
    assert (await guest.get(f"/cms-pages/{page['id']}")).json()["title"] == page["title"]


async def test_an_unknown_page_is_an_empty_list(guest: Guest) -> None:
    assert (await guest.get("/cms-pages?identifier=nope")).json()["totalItems"] == 0


async def test_the_store_says_who_it_is_and_where_it_sends(guest: Guest) -> None:
    config = (await guest.get("/store-config")).json()
    assert (config["storeName"], config["baseCurrencyCode"]) == ("Pickle Warehouse", "AUD")
    assert config["allowedCountries"] == ("AU AE AT CA CH DE EE ES FI FR GB HK IE NZ SG US".split())
    [store] = (await guest.get("/stores")).json()["member"]
    assert (store["code"], store["currency"]) == ("default", {"base": "AUD", "default": "AUD"})
    rates = (await guest.get("/stores/currencies")).json()["member"]
    assert {rate["code"]: rate["exchangeRate"] for rate in rates} == {
        "AUD": 1.0,
        "NZD": 1.09,
        "JPY": 98.4,
        "KWD": 0.2,
    }


async def test_countries_come_all_at_once_with_their_regions(guest: Guest) -> None:
    body = (await guest.get("/countries?itemsPerPage=2")).json()
    assert len(body["member"]) == body["totalItems"] > 5
    australia = (await guest.get("/countries/AU")).json()
    assert "VIC" in [region["code"] for region in australia["availableRegions"]]
    assert (await guest.get("/countries/ZZ")).status_code == 404


async def test_prices_are_converted_and_an_unknown_currency_refused(guest: Guest) -> None:
    kiwi = (await guest.get("/products/2", headers={"x-currency-code": "NZD"})).json()
    assert (kiwi["currency"], kiwi["finalPrice"]) == ("NZD", 304.11)
    refused = await guest.get("/products", headers={"x-currency-code": "USD"})
    assert (refused.status_code, refused.json()["message"]) == (400, "Currency not available for this store: USD")


@pytest.mark.parametrize("how", ["header", "query"])
async def test_an_unknown_store_is_refused(guest: Guest, how: str) -> None:
    header, query = ({"x-store-code": "nope"}, "") if how == "header" else ({}, "?store=nope")
    answer = await guest.get(f"/products{query}", headers=header)
    assert (answer.status_code, answer.json()["message"]) == (400, "Unknown store: nope")


async def test_what_is_known_is_not_sent_again(guest: Guest) -> None:
    first = await guest.get("/products/2")
    again = await guest.get("/products/2", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["vary"] == "Authorization, Accept, X-Store-Code, X-Currency-Code"


@pytest.mark.parametrize(("path", "public"), [("/store-config", True), ("/categories", True), ("/products/2", False)])
async def test_only_slow_things_may_be_kept_by_shared_caches(guest: Guest, path: str, *, public: bool) -> None:
    kept = (await guest.get(path)).headers["cache-control"]
    assert kept == ("max-age=3600, public" if public else "no-store, private")


@pytest.mark.parametrize("accept", ["*/*", "text/html, */*;q=0.5", "application/ld+json"])
async def test_who_takes_anything_gets_json_ld(guest: Guest, accept: str) -> None:
    assert (await guest.get("/store-config", headers={"accept": accept})).json()["@type"] == "StoreConfig"


async def test_who_takes_only_html_gets_406(guest: Guest) -> None:
    answer = await guest.get("/products", headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()["error"]) == (406, "error")


async def test_an_unknown_path_names_the_url(guest: Guest) -> None:
    answer = await guest.get("/nothing")
    assert answer.status_code == 404
    assert answer.json()["message"] == 'No route found for "GET http://127.0.0.1:8000/api/rest/v2/nothing"'


async def test_head_is_get_without_a_body(guest: Guest) -> None:
    answer = await guest.http.head("/store-config")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100
