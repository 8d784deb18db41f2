"""Custom options are checked before they are sent, and looked for afterwards."""

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.commerce.error_details import VariantChoices
from storefront_mcp.commerce.errors import OptionsNeeded
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.options import dropped_options, named_variant, resolve_options
from storefront_mcp.commerce.product import CustomOption, OptionValue, Product, Variant

SKU = Sku("MUG")
SIZES = (OptionValue(id="1", title="Small"), OptionValue(id="2", title="Large"))
ENGRAVING = CustomOption(id="1", title="Engraving", kind="text", required=True, max_length=5)
SIZE = CustomOption(id="2", title="Mug  size", kind="choice", required=True, values=SIZES)
EXTRAS = CustomOption(id="3", title="Extras", kind="choices", values=SIZES)
PHOTO = CustomOption(id="4", title="Photo", kind="other")
OFFERED = (ENGRAVING, SIZE, EXTRAS, PHOTO)


BLACK = Variant(sku=Sku("TEE-BLACK-M"), options={"Colour": "Black", "Size": "M"})
BLUE = Variant(sku=Sku("TEE-BLUE-M"), options={"Colour": "Blue", "Size": "M"})
TEE = Product(sku=Sku("TEE"), name="Tee", price=Money(2500, "AUD"), variants=(BLACK, BLUE), custom_options=(ENGRAVING,))


@pytest.mark.parametrize(
    ("asked", "variant", "left"),
    [
        ({"colour": "BLACK", "Size ": "m"}, BLACK, {}),
        ({"Colour": "Blue", "Size": "M", "Engraving": "ADA"}, BLUE, {"Engraving": "ADA"}),
        ({"Size": "M"}, None, {"Size": "M"}),
        ({"Colour": ["Blue"], "Size": "M"}, None, {"Colour": ["Blue"], "Size": "M"}),
        ({"Engraving": "ADA"}, None, {"Engraving": "ADA"}),
        ({}, None, {}),
    ],
)
def test_options_in_words_name_a_variant_wholly_or_not_at_all(
    asked: dict[str, str | list[str]], variant: Variant | None, left: dict[str, object]
) -> None:
    assert named_variant(TEE, asked) == (variant, left)


def test_a_word_that_may_mean_a_custom_option_names_no_variant() -> None:
    asked = {"Colour": "Black", "Size": "M"}
    size = replace(SIZE, title="Size")
    assert named_variant(replace(TEE, custom_options=(size,)), asked) == (None, asked)
    assert named_variant(replace(TEE, variants=(BLACK, replace(BLACK, sku=Sku("TWIN")))), asked) == (None, asked)


@pytest.mark.parametrize(
    ("asked", "by_id"),
    [
        ({"1": "ADA", "2": "2"}, {"1": "ADA", "2": "2"}),
        ({"engraving": "ADA", "mug size": "large"}, {"1": "ADA", "2": "2"}),
        ({"1": ["ADA"], "2": ["1"], "Extras": ["Small", "2", "1"]}, {"1": "ADA", "2": "1", "3": ("1", "2")}),
        ({"1": "ADA", "2": "1", "3": "Large"}, {"1": "ADA", "2": "1", "3": ("2",)}),
        ({"1": "ADA", "2": "1", "3": []}, {"1": "ADA", "2": "1"}),
    ],
)
def test_options_may_be_named_by_id_or_title(asked: dict[str, str | list[str]], by_id: dict[str, object]) -> None:
    assert resolve_options(SKU, OFFERED, asked) == by_id


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({}, "'Engraving', 'Mug  size'"),
        ({"1": "ADA"}, "needs 'Mug  size'"),
        ({"1": "   ", "2": "1"}, "needs 'Engraving'"),
        ({"1": [], "2": []}, "needs 'Engraving', 'Mug  size'"),
        ({"1": "ADAADA", "2": "1"}, "at most 5"),
        ({"1": "ADA", "2": "9"}, "cannot be '9'; it can be 'Small', 'Large'"),
        ({"1": "ADA", "2": ["1", "2"]}, "one answer"),
        ({"1": "ADA", "2": "1", "Mug size": "1"}, "given twice"),
        ({"1": "ADA", "2": "1", "Colour": "red"}, "no option 'Colour'"),
        ({"1": "ADA", "2": "1", "4": "x"}, "own page"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(asked: dict[str, str | list[str]], problem: str) -> None:
    with pytest.raises(OptionsNeeded, match=problem) as caught:
        resolve_options(SKU, OFFERED, asked)
    assert caught.value.detail == VariantChoices(custom_options=OFFERED)


def test_a_title_that_two_values_share_names_neither() -> None:
    twins = CustomOption(id="1", title="Size", kind="choice", values=(*SIZES, OptionValue(id="3", title="small")))

    with pytest.raises(OptionsNeeded):
        resolve_options(SKU, [twins], {"Size": "Small"})
    assert resolve_options(SKU, [twins], {"Size": "3"}) == {"1": "3"}


@given(
    st.dictionaries(
        st.sampled_from(["1", "2", "3", "4", "Engraving", "EXTRAS", "nonsense"]),
        st.one_of(st.text(max_size=8), st.lists(st.sampled_from(["1", "2", "Small", "LARGE", "9", ""]), max_size=3)),
    )
)
def test_only_what_the_product_offers_ever_gets_through(asked: dict[str, str | list[str]]) -> None:
    try:
        answer = resolve_options(SKU, OFFERED, asked)
    except OptionsNeeded:
        return
    assert {"1", "2"} <= answer.keys() <= {"1", "2", "3"}
    assert 0 < len(answer["1"]) <= 5
    assert answer["2"] in {"1", "2"}
    assert set(answer.get("3", ())) <= {"1", "2"}
    assert dropped_options(OFFERED, answer, {option.title: shown(option, answer) for option in OFFERED}) == []


def shown(option: CustomOption, answer: dict[str, str | tuple[str, ...]]) -> str:
    sent = answer.get(option.id, "")
    titles = {value.id: value.title for value in option.values}
    return ", ".join(titles[one] for one in sent) if option.values else str(sent)


def test_an_option_that_the_shop_dropped_or_changed_is_noticed() -> None:
    sent = {"1": "ADA", "2": "2", "3": ("1", "2")}

    assert dropped_options(OFFERED, sent, {"Engraving": "ADA", "Mug size": "Large", "Extras": "Small, Large"}) == []
    assert dropped_options(OFFERED, sent, {"Engraving": "ADA", "Extras": "Small"}) == ["Mug  size", "Extras"]
    assert dropped_options(OFFERED, sent, {"Engraving": "", "Mug size": "Small", "Extras": "Large, Small"}) == [
        "Engraving",
        "Mug  size",
    ]
