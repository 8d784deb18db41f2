"""An answer and its text are the same JSON, whatever stands in it, and whether its products were told before."""

import json

import msgspec
from hypothesis import given, strategies as st
from msgspec import Raw

from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.ucp.catalog_shapes import PageInfo, SearchAnswer, SearchAnswerPage
from storefront_mcp.ucp.encoding import EncodedAnswer, encode_answer
from storefront_mcp.ucp.products import summarized_product

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def page(names: list[str]) -> EncodedAnswer:
    products = [
        msgspec.json.encode(summarized_product(ProductSummary(sku=Sku("A"), name=name, price=Money(1, "AUD"))))
        for name in names
    ]
    around = SearchAnswer(ucp=Raw(b"{}"), products=(), pagination=PageInfo(has_next_page=False, cursor='"products":[]'))
    return encode_answer(SearchAnswerPage(around, products))


@given(st.lists(NAMES, max_size=3))
def test_a_page_is_one_object_with_its_products_in_order(names: list[str]) -> None:
    answer = page(names)
    told = json.loads(answer.body())
    assert [one["title"] for one in told["products"]] == names
    assert (told["ucp"], told["pagination"]["cursor"]) == ({}, '"products":[]')
    assert json.loads(b'"%b"' % answer.text()) == answer.body().decode()


@given(NAMES)
def test_any_other_answer_is_its_own_text(name: str) -> None:
    answer = encode_answer(PageInfo(has_next_page=True, cursor=name))
    assert json.loads(answer.body()) == {"has_next_page": True, "cursor": name}
    assert json.loads(b'"%b"' % answer.text()) == answer.body().decode()
