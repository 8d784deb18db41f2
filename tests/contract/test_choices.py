"""Every product type is chosen in one shape of options, and told to the shop in the shape that the type wants."""

from typing import Any

import pytest
import respx

from storefront_mcp.backends.maho import MahoBackend
from storefront_mcp.commerce import errors
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import OptionValue, Product, TierPrice, with_description_part
from tests.contract.conftest import CART, cart_body, ld, refused
from tests.contract.test_maho_scripted import ITEMS, body, known

ID = CartId(CART)


def part(id_: int, name: str, price: float, **changed: Any) -> dict[str, Any]:
    return {"id": id_, "name": name, "price": price, "inStock": True, "canChangeQty": False, "defaultQty": 1} | changed


BUNDLE = {
    "type": "bundle",
    "bundleOptions": [
        {
            "id": 11,
            "title": None,
            "type": "radio",
            "required": True,
            "selections": [part(21, "Blade <b>A</b>", 40), part(22, "Blade B", 55, inStock=False)],
        },
        {
            "id": 12,
            "title": "Extras",
            "type": "checkbox",
            "required": False,
            "selections": [part(23, "Grip", 5.5, canChangeQty=True, defaultQty=2), part(24, "Case", 0)],
        },
        {"id": 13, "title": "Colour", "type": "multi", "required": False, "selections": [part(25, "Red", 0)]},
    ],
}
GROUPED = {
    "type": "grouped",
    "groupedProducts": [
        {"id": 31, "name": "Net", "price": 120, "finalPrice": 99, "inStock": True, "defaultQty": 1},
        {"id": 32, "name": "Balls", "price": 8, "finalPrice": 8, "inStock": True, "defaultQty": 3},
    ],
}
LINKS = {
    "type": "downloadable",
    "linksTitle": "Lessons",
    "linksPurchasedSeparately": True,
    "downloadableLinks": [{"id": 41, "title": "Serve", "price": 2}, {"id": 42, "title": "Volley", "price": 0}],
}
GIFT_CARD = {
    "type": "giftcard",
    "price": None,
    "giftcardAmounts": [20, 75.5],
    "giftcardMinAmount": 10,
    "giftcardMaxAmount": 150,
}
TO = {"recipient_name": "Bo", "Recipient's e-mail": "bo@example.com"}
DATES = {
    "customOptions": [
        {"id": 51, "title": "Day", "type": "date", "required": True},
        {"id": 52, "title": "Start", "type": "date_time", "required": False},
    ]
}


@pytest.mark.parametrize(
    ("product", "options", "sent"),
    [
        (BUNDLE, {"Part 1": "blade a"}, {"bundleOption": {"11": "21"}}),
        (
            BUNDLE,
            {"bundle.11": "21", "Extras": ["Grip", "case: 3"], "bundle.13": ["Red"]},
            {"bundleOption": {"11": "21", "12": ["23", "24"], "13": ["25"]}, "bundleOptionQty": {"12": {"24": 3}}},
        ),
        (GROUPED, {"parts": ["Net", "32: 4"]}, {"superGroup": {"31": 1, "32": 4}}),
        (LINKS, {"Lessons": ["Volley", "41"]}, {"links": [42, 41]}),
        ({**LINKS, "linksPurchasedSeparately": False}, {}, {}),
        (
            GIFT_CARD,
            {"amount": "75.50", **TO, "message": "For you"},
            {
                "giftcardAmount": 75.5,
                "giftcardRecipientName": "Bo",
                "giftcardRecipientEmail": "bo@example.com",
                "giftcardMessage": "For you",
            },
        ),
        (DATES, {"Day": "2027-03-14"}, {"options": {"51": "2027-03-14"}}),
        (
            DATES,
            {"51": "2027-03-14", "52": "2027-03-14T15:30"},
            {"options": {"51": "2027-03-14", "52": "2027-03-14T15:30:00"}},
        ),
    ],
)
async def test_what_is_chosen_is_sent_as_the_type_wants_it(
    scripted: MahoBackend, script: respx.Router, product: dict[str, Any], options: Any, sent: dict[str, Any]
) -> None:
    known(script, **product)
    route = script.post(ITEMS).mock(return_value=ld(cart_body()))
    added = await scripted.add_line(ID, Sku("PAD-2"), 1, options)
    assert body(route) == {"sku": "PAD-2", "qty": 1} | sent
    assert added.notice is None


@pytest.mark.parametrize(
    ("product", "options", "problem"),
    [
        (BUNDLE, {}, "It needs 'Part 1'"),
        (BUNDLE, {"Part 1": "22"}, "'Blade B' is sold out"),
        (BUNDLE, {"Part 1": "Blade C"}, "cannot be 'Blade C'"),
        (GROUPED, {}, "It needs 'Parts'"),
        (GROUPED, {"parts": ["Net: many"]}, "a number of pieces after the colon"),
        (GROUPED, {"parts": ["Net: 0"]}, "a number of pieces after the colon"),
        (LINKS, {}, "It needs 'Lessons'"),
        (GIFT_CARD, {"amount": "20"}, 'It needs "Recipient\'s name", "Recipient\'s e-mail"'),
        (DATES, {"Day": "14.3.2027"}, "wants YYYY-MM-DD; got"),
        (DATES, {"Day": "2027-03-14", "Start": "noon"}, "wants YYYY-MM-DDTHH:MM; got"),
        (
            {"customOptions": [{"id": 61, "title": "Logo", "type": "file", "required": True}], "urlPath": "mug.html"},
            {},
            "'Logo' can only be given on the product's own page, https://shop.example/mug.html",
        ),
    ],
)
async def test_what_is_missing_or_wrong_is_said_before_the_shop_is_asked(
    scripted: MahoBackend, script: respx.Router, product: dict[str, Any], options: Any, problem: str
) -> None:
    known(script, **product)
    with pytest.raises(errors.OptionsNeeded) as caught:
        await scripted.add_line(ID, Sku("PAD-2"), 1, options)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("product", "options", "message", "raised"),
    [
        (GIFT_CARD, {"amount": "9 x", **TO}, "Gift card amount cannot be less than 10", errors.OptionsNeeded),
        (GROUPED, {"parts": ["Net"]}, "Please specify product option(s).", errors.OptionsNeeded),
        ({}, {}, "This product is available for purchase in increments of 6 only.", errors.QuantityRefused),
        ({}, {}, "The maximum quantity allowed for purchase is 9.", errors.QuantityRefused),
    ],
)
async def test_what_only_the_shop_knows_is_understood(
    scripted: MahoBackend,
    script: respx.Router,
    product: dict[str, Any],
    options: Any,
    message: str,
    raised: type[errors.ShopError],
) -> None:
    known(script, **product)
    script.post(ITEMS).mock(return_value=refused(400, f"Failed to add product: {message}"))
    with pytest.raises(raised):
        await scripted.add_line(ID, Sku("PAD-2"), 1, options)


async def test_a_line_whose_sku_has_those_of_its_options_is_found(scripted: MahoBackend, script: respx.Router) -> None:
    known(script, customOptions=[{"id": 1, "title": "Note", "type": "area", "required": False}])
    line = {"id": 7, "sku": "PAD-2--", "qty": 1, "productId": 2, "options": []}
    script.post(ITEMS).mock(return_value=ld(cart_body(items=[line])))
    added = await scripted.add_line(ID, Sku("PAD-2"), 1, {"Note": "Wrap it"})
    assert added.notice == "The shop did not keep what was chosen for Note: look at the line."


async def shown(scripted: MahoBackend, script: respx.Router, **product: Any) -> Product:
    known(script, **product)
    return await scripted.product("PAD-2")


async def test_a_product_tells_what_must_be_chosen_and_what_it_costs(
    scripted: MahoBackend, script: respx.Router
) -> None:
    bundle = await shown(scripted, script, **BUNDLE)
    assert bundle.kind == "bundle"
    assert [(one.id, one.title, one.kind, one.required) for one in bundle.custom_options] == [
        ("bundle.11", "Part 1", "choice", True),
        ("bundle.12", "Extras", "amounts", False),
        ("bundle.13", "Colour", "choices", False),
    ]
    assert bundle.custom_options[0].values == (
        OptionValue(id="21", title="Blade A", surcharge=Money(4000, "USD")),
        OptionValue(id="22", title="Blade B", surcharge=Money(5500, "USD"), in_stock=False),
    )
    assert bundle.custom_options[1].values[0].pieces == 2
    [parts] = (await shown(scripted, script, **GROUPED)).custom_options
    assert [(one.title, one.surcharge) for one in parts.values] == [
        ("Net", Money(9900, "USD")),
        ("Balls", Money(800, "USD")),
    ]
    card = (await shown(scripted, script, **GIFT_CARD)).custom_options
    assert (card[0].title, card[0].kind) == ("Amount (USD 10.00 to USD 150.00)", "text")
    assert [one.id for one in card[0].values] == ["20", "75.5"]
    fixed = (await shown(scripted, script, **GIFT_CARD | {"giftcardMinAmount": None})).custom_options[0]
    assert (fixed.title, fixed.kind) == ("Amount", "choice")


async def test_prices_by_quantity_rules_pictures_and_attributes_are_told(
    scripted: MahoBackend, script: respx.Router
) -> None:
    rules = {"min_sale_qty": 3, "max_sale_qty": 12, "qty_increments": 3, "enable_qty_increments": True}
    gallery = [{"url": f"https://shop.example/{number}.jpg", "label": None} for number in range(60)]
    product = await shown(
        scripted,
        script,
        stockItem=rules,
        tierPrices=[{"qty": 6, "price": 8.5, "savePercent": 15}, {"qty": None, "price": 1}],
        imageUrl="https://shop.example/0.jpg",
        mediaGallery=[*gallery, {"url": "javascript:x"}],
        additionalAttributes=[{"label": "Core", "value": "Foam", "code": "core"}, {"label": None, "value": "x"}],
        type="virtual",
    )
    assert (product.min_quantity, product.max_quantity, product.quantity_step) == (3, 12, 3)
    assert product.tier_prices == (TierPrice(quantity=6, price=Money(850, "USD")),)
    assert product.image == "https://shop.example/0.jpg"
    assert product.images == tuple(f"https://shop.example/{number}.jpg" for number in range(1, 21))
    assert product.attributes == {"Core": "Foam"}
    assert product.kind == "virtual"


async def test_a_long_description_is_told_in_parts_that_lose_nothing(
    scripted: MahoBackend, script: respx.Router
) -> None:
    text = " ".join(f"word{number}" for number in range(7_000))
    product = await shown(scripted, script, description=f"<p>{text}</p>")
    first = with_description_part(product, 1)
    assert first.parts == 16
    told = [with_description_part(product, number + 1).description for number in range(16)]
    assert "".join(told) == text
    assert with_description_part(product, 99).description == told[-1]
    assert max(map(len, told)) == 4000
