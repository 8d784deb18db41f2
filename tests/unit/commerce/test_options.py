"""Custom options: asked for by id or by title, answered by ids."""

from typing import Any

import pytest

from storefront_mcp.commerce.errors import OptionsNeeded
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.options import dropped_options, resolve_options
from storefront_mcp.commerce.product import CustomOption, OptionValue

JAR = Sku("JAR")
NAME = CustomOption(id="7", title="Name on the lid", kind="text", required=True, max_length=5)
LID = CustomOption(
    id="8", title="Lid", kind="choice", values=(OptionValue(id="81", title="Red"), OptionValue(id="82", title="Gold"))
)
EXTRAS = CustomOption(
    id="9",
    title="Extras",
    kind="choices",
    values=(OptionValue(id="91", title="Dill"), OptionValue(id="92", title="Garlic, fresh")),
)
PHOTO = CustomOption(id="10", title="Photo", kind="other")
OFFERED = (NAME, LID, EXTRAS, PHOTO)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"7": "ADA"}, {"7": "ADA"}),
        ({"name ON the  lid": "ADA"}, {"7": "ADA"}),
        ({"7": ["ADA"]}, {"7": "ADA"}),
        ({"7": "ADA", "8": "82"}, {"7": "ADA", "8": "82"}),
        ({"7": "ADA", "Lid": "gold"}, {"7": "ADA", "8": "82"}),
        ({"7": "ADA", "8": []}, {"7": "ADA"}),
        ({"7": "ADA", "9": "dill"}, {"7": "ADA", "9": ("91",)}),
        ({"7": "ADA", "9": ["92", "Dill", "91"]}, {"7": "ADA", "9": ("92", "91")}),
    ],
)
def test_options_go_by_id_or_by_title_and_come_back_by_id(asked: Any, answer: Any) -> None:
    assert resolve_options(JAR, OFFERED, asked) == answer


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({}, "It needs 'Name on the lid'."),
        ({"7": "   "}, "It needs 'Name on the lid'."),
        ({"7": []}, "It needs 'Name on the lid'."),
        ({"7": "ADA", "Colour": "red"}, "It has no option 'Colour'."),
        ({"7": "ADA", "name on the lid": "BOB"}, "'Name on the lid' was given twice."),
        ({"7": "EDMUND"}, "takes at most 5 characters."),
        ({"7": ["A", "B"]}, "takes one answer."),
        ({"7": "ADA", "8": ["81", "82"]}, "takes one answer."),
        ({"7": "ADA", "8": "blue"}, "'Lid' cannot be 'blue'; it can be 'Red', 'Gold'."),
        ({"7": "ADA", "10": "x.png"}, "only be given on the product's own page."),
    ],
)
def test_what_does_not_fit_is_refused_with_everything_on_offer(asked: Any, problem: str) -> None:
    with pytest.raises(OptionsNeeded) as refused:
        resolve_options(JAR, OFFERED, asked)
    assert problem in str(refused.value)
    assert refused.value.detail.custom_options == OFFERED


def test_of_a_product_without_options_it_is_said_that_it_takes_none() -> None:
    with pytest.raises(OptionsNeeded) as refused:
        resolve_options(JAR, (), {"Colour": "red"})
    assert (str(refused.value), refused.value.detail) == (f"{JAR}: It takes no options. Leave options out.", None)
    assert resolve_options(JAR, (), {}) == {}


def test_a_title_that_two_options_share_names_neither() -> None:
    twins = (CustomOption(id="1", title="Note", kind="text"), CustomOption(id="2", title="note", kind="text"))
    with pytest.raises(OptionsNeeded, match="It has no option 'Note'"):
        resolve_options(JAR, twins, {"Note": "hello"})
    assert resolve_options(JAR, twins, {"2": "hello"}) == {"2": "hello"}


@pytest.mark.parametrize(
    ("shown", "gone"),
    [
        ({"Name on the lid": "ADA", "Lid": "Gold", "Extras": "Dill, Garlic, fresh"}, []),
        ({"name on  the lid": "ada", "Lid": "Gold", "Extras": "Garlic, fresh, Dill"}, []),
        ({"Lid": "Gold", "Extras": "Dill, Garlic, fresh"}, ["Name on the lid"]),
        ({"Name on the lid": "ADA", "Lid": "Red", "Extras": "Dill"}, ["Lid", "Extras"]),
        ({}, ["Name on the lid", "Lid", "Extras"]),
    ],
)
def test_an_option_that_the_cart_does_not_show_is_lost(shown: dict[str, str], gone: list[str]) -> None:
    assert dropped_options(OFFERED, {"7": "ADA", "8": "82", "9": ("91", "92")}, shown) == gone


def test_what_was_not_sent_cannot_be_lost() -> None:
    assert dropped_options(OFFERED, {}, {}) == []
