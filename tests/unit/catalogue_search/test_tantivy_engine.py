"""The index on disk: what is put is found once, what is swapped is read, and nobody waits for the writer."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute, DocumentCategory
from storefront_mcp.catalogue.index import IndexLocked, IndexUnusable, IndexWriteFailed
from storefront_mcp.catalogue.index_query import AttributeFilter, IndexQuery, WordChoice, WordGroup
from storefront_mcp.catalogue.tantivy_engine.folders import GenerationFolders
from storefront_mcp.catalogue.tantivy_engine.reader import DOCUMENTS_AT_ONCE, TantivyIndex
from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product, Variant

TEES = DocumentCategory(id=CategoryId("46"), name="Tees")


def document(key: str, name: str, minor: int = 1000, *, in_stock: bool = True, **more: object) -> CatalogueDocument:
    product = Product(sku=Sku(f"SKU-{key}"), name=name, price=Money(minor, "AUD"), in_stock=in_stock)
    return replace(CatalogueDocument(key=key, product=product, categories=(TEES,)), **more)


def family() -> CatalogueDocument:
    """A tee in blue S (sold out), blue M and black S."""
    variants = tuple(
        Variant(sku=Sku(f"TEE-{colour}-{size}".upper()), options={"Colour": colour, "Size": size}, in_stock=stock)
        for colour, size, stock in (("Blue", "S", False), ("Blue", "M", True), ("Black", "S", True))
    )
    made = document("tee", "Club Tee")
    return replace(
        made,
        product=replace(made.product, sku=Sku("TEE"), kind="configurable", variants=variants),
        attributes=(
            DocumentAttribute(code="color", label="Colour", values=("Blue", "Black"), axis=True),
            DocumentAttribute(code="size", label="Size", values=("S", "M"), axis=True),
            DocumentAttribute(code="fit", label="Fit", values=("Loose",)),
        ),
    )


def group(stem: str) -> WordGroup:
    return WordGroup(text=stem, choices=((WordChoice(stem),),))


def having(**values: str) -> tuple[AttributeFilter, ...]:
    return tuple(AttributeFilter(code=code, values=(value,)) for code, value in values.items())


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[TantivyIndexWriter]:
    made = TantivyIndexWriter(tmp_path, locale="en-AU")
    made.begin(1)
    yield made
    made.close()


def found(index: TantivyIndex, question: IndexQuery) -> list[str]:
    return [hit.document.key for hit in index.search(question).hits]


def test_a_product_that_is_put_again_is_there_once(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.put([document("1", "Red Net"), document("1", "Blue Net")])
    writer.commit()
    writer.put([document("1", "Green Net")])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")

    assert index.size == 1
    assert index.search(IndexQuery(groups=(group("net"),))).total == 1
    assert index.search(IndexQuery(groups=(group("blue"),))).total == 0


def test_what_is_removed_is_gone_and_unknown_keys_do_nothing(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.put([document("1", "Red Net"), document("2", "Blue Net")])
    writer.remove(["1", "no such key"])
    writer.swap()

    assert found(TantivyIndex(tmp_path, locale="en-AU"), IndexQuery()) == ["2"]


def test_all_products_are_told_once_by_their_keys_as_of_the_last_refresh(
    writer: TantivyIndexWriter, tmp_path: Path
) -> None:
    keys = [f"{number:04}" for number in range(2 * DOCUMENTS_AT_ONCE + 1)]
    writer.put(document(key, "Red Net") for key in reversed(keys))
    writer.commit()
    writer.put([document("0003", "Blue Net")])
    writer.remove(["0001"])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")
    told = index.documents()
    first = next(told)
    writer.remove(["0002"])
    writer.commit()
    index.refresh()

    whole = [first, *told]
    assert [one.key for one in whole] == [key for key in keys if key != "0001"]
    assert whole[2].product.name == "Blue Net"
    assert index.size == len(whole) - 1


def test_readers_see_a_commit_when_they_refresh_and_a_generation_when_it_is_swapped_in(
    writer: TantivyIndexWriter, tmp_path: Path
) -> None:
    writer.put([document("1", "Red Net")])
    with pytest.raises(IndexUnusable):
        TantivyIndex(tmp_path, locale="en-AU")
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")
    before = index.generation
    writer.put([document("2", "Blue Net")])
    assert index.refresh() is False
    commit = writer.commit()
    assert index.size == 1
    assert index.refresh() is True
    assert (index.size, index.generation.commit, index.generation.number) == (2, commit, 1)
    assert index.generation.commit > before.commit

    writer.begin(2)
    writer.put([document("3", "Green Net")])
    writer.commit()
    assert index.refresh() is False
    writer.swap()
    assert found(index, IndexQuery()) == ["2", "1"]
    assert index.refresh() is True
    assert found(index, IndexQuery()) == ["3"]
    assert "green" in index.lexicon.counts
    assert "red" not in index.lexicon.counts


def test_words_are_read_again_a_minute_after_they_were_while_changes_come_in(
    writer: TantivyIndexWriter, tmp_path: Path
) -> None:
    passed = [0.0]
    writer.put([document("1", "Red Net")])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU", clock=lambda: passed[0])
    first = index.lexicon
    writer.put([document("2", "Blue Net")])
    writer.commit()
    index.refresh()
    assert index.lexicon is first
    passed[0] = 60.0
    assert "blue" in index.lexicon.counts
    passed[0] = 600.0
    assert index.lexicon is index.lexicon


def test_a_swap_keeps_the_generation_before_it_and_no_older_one(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        writer.begin(number)
        writer.swap()

    assert GenerationFolders(tmp_path).generations() == [2, 3]
    assert writer.current == 3


def test_what_was_not_committed_is_forgotten_and_an_unfinished_generation_goes_on(
    writer: TantivyIndexWriter, tmp_path: Path
) -> None:
    writer.put([document("1", "Red Net")])
    writer.commit()
    writer.put([document("2", "Blue Net")])
    writer.close()
    again = TantivyIndexWriter(tmp_path, locale="en-AU")
    again.begin(1)
    again.put([document("3", "Green Net")])
    again.swap()
    again.close()

    assert sorted(found(TantivyIndex(tmp_path, locale="en-AU"), IndexQuery())) == ["1", "3"]


def test_there_is_one_writer(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    second = TantivyIndexWriter(tmp_path, locale="en-AU")
    with pytest.raises(IndexLocked):
        second.begin(2)
    writer.close()
    second.begin(2)
    second.close()


def test_a_writer_that_has_not_begun_or_is_closed_refuses(tmp_path: Path) -> None:
    writer = TantivyIndexWriter(tmp_path, locale="en-AU")
    with pytest.raises(IndexWriteFailed, match="no generation was begun"):
        writer.put([document("1", "Net")])
    writer.close()


def test_a_disk_that_takes_nothing_fails_the_write_and_readers_go_on(
    writer: TantivyIndexWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.put([document("1", "Red Net")])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    writer.begin(2)
    with pytest.raises(IndexWriteFailed, match="No space left"):
        writer.swap()
    index.refresh()
    assert (index.size, index.generation.number) == (1, 1)


def test_a_generation_that_vanished_or_is_foreign_is_unusable(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")
    meta = GenerationFolders(tmp_path).folder(1) / "meta.json"
    meta.write_text(json.dumps({"foreign": True}))
    with pytest.raises(IndexUnusable):
        index.refresh()
    meta.unlink()
    with pytest.raises(IndexUnusable):
        index.refresh()
    GenerationFolders(tmp_path).pointer.write_text("not a number")
    with pytest.raises(IndexUnusable):
        index.refresh()


@pytest.mark.parametrize(
    ("filters", "in_stock", "expected"),
    [
        (having(color="Blue"), None, ["tee"]),
        (having(color="Blue", size="M"), True, ["tee"]),
        (having(color="Blue", size="S"), None, ["tee"]),
        (having(color="Blue", size="S"), True, []),
        (having(color="Black", size="M"), None, []),
        (having(color="black", fit="loose"), True, ["tee"]),
        (having(fit="Loose"), None, ["tee"]),
        (having(fit="Tight"), None, []),
        ((), False, ["gone"]),
    ],
)
def test_filters_hold_together_in_one_variant(
    writer: TantivyIndexWriter,
    tmp_path: Path,
    filters: tuple[AttributeFilter, ...],
    *,
    in_stock: bool | None,
    expected: list[str],
) -> None:
    writer.put([family(), document("gone", "Gone Tee", in_stock=False)])
    writer.swap()

    question = IndexQuery(attributes=filters, in_stock=in_stock)
    assert found(TantivyIndex(tmp_path, locale="en-AU"), question) == expected


def test_conditions_and_orders(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    dear, cheap = document("dear", "Beta Net", 5000, created=1), document("cheap", "alpha net", 900, created=2)
    reduced = replace(dear.product, list_price=Money(6000, "AUD"))
    writer.put([replace(dear, product=reduced, sold=9, rating=4.5), cheap])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")

    assert found(index, IndexQuery(price_max=900)) == ["cheap"]
    assert found(index, IndexQuery(price_min=901)) == ["dear"]
    assert found(index, IndexQuery(on_sale=True)) == ["dear"]
    assert found(index, IndexQuery(on_sale=False)) == ["cheap"]
    assert found(index, IndexQuery(category=CategoryId("46"), size=1, offset=1)) == ["dear"]
    assert found(index, IndexQuery(category=CategoryId("4"))) == []
    assert [found(index, IndexQuery(sort=sort))[0] for sort in ("price_low", "price_high", "name", "newest")] == [
        "cheap",
        "dear",
        "cheap",
        "cheap",
    ]
    assert [found(index, IndexQuery(sort=sort))[0] for sort in ("best_selling", "rating", "discount")] == ["dear"] * 3


def test_what_is_hidden_is_not_listed_or_not_searched(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.put([document("1", "Net", listed=False), document("2", "Net", searchable=False)])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")

    assert found(index, IndexQuery()) == ["2"]
    assert found(index, IndexQuery(groups=(group("net"),))) == ["1"]
    assert index.find("sku 2") is not None


def test_facets_leave_their_own_filter_aside(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    red = DocumentAttribute(code="color", label="Colour", values=("Red",))
    writer.put([family(), document("red", "Red Tee", 2000, attributes=(red,))])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")
    answer = index.search(IndexQuery(facets=True))
    filtered = index.search(IndexQuery(facets=True, attributes=having(color="Red"), size=1))

    assert answer.price_range == (1000, 2000)
    assert {facet.code: dict(facet.values) for facet in answer.facets} == {
        "color": {"Black": 1, "Blue": 1, "Red": 1},
        "size": {"S": 1, "M": 1},
    }
    assert (filtered.total, filtered.facets) == (1, ())
    both = index.search(IndexQuery(facets=True, attributes=(AttributeFilter(code="color", values=("Red", "Blue")),)))
    assert {facet.code: dict(facet.values) for facet in both.facets}["color"] == {"Black": 1, "Blue": 1, "Red": 1}


def test_more_groups_come_first_and_what_is_missed_is_said(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.put([document("1", "red net net net"), document("2", "blue net bag"), document("3", "bag")])
    writer.swap()
    asked = IndexQuery(groups=(group("blue"), group("net"), group("bag")), required=1)
    answer = TantivyIndex(tmp_path, locale="en-AU").search(asked)

    assert [(hit.document.key, hit.missed) for hit in answer.hits] == [
        ("2", ()),
        *sorted([("1", ("blue", "bag")), ("3", ("blue", "net"))], key=lambda pair: found_rank(answer, pair[0])),
    ]


def found_rank(answer: object, key: str) -> int:
    return [hit.document.key for hit in answer.hits].index(key)  # type: ignore[attr-defined]


def test_a_product_is_found_by_its_sku_and_its_variants_and_its_address(
    writer: TantivyIndexWriter, tmp_path: Path
) -> None:
    named = document("net", "Net")
    writer.put([family(), replace(named, product=replace(named.product, url_key="portable-net"))])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")
    keys = [
        getattr(index.find(sku), "key", None) for sku in ("tee", "tee blue m", "TEE_BLACK_S", "Portable-Net", "", "NO")
    ]

    assert keys == ["tee", "tee", "tee", "net", None, None]
    assert [one.key for one in index.find_all([Sku("TEE"), Sku("NO"), Sku("SKU-net")])] == ["tee", "net"]


def test_completions_are_names_then_words_then_skus(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.put([document("1", "Portable Net"), document("2", "Post"), document("3", "Big Port")])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")

    assert index.suggest("por") == ["Portable Net", "port", "portable"]
    assert index.suggest("big po") == ["Big Port", "big port", "big portable", "big post"]
    assert index.suggest(" ") == index.suggest_skus("-") == []
    assert index.suggest_skus("sku") == ["SKU-1", "SKU-2", "SKU-3"]


def test_similar_products_are_of_the_category_in_stock_and_of_like_price(
    writer: TantivyIndexWriter, tmp_path: Path
) -> None:
    elsewhere = DocumentCategory(id=CategoryId("9"), name="Mugs")
    writer.put(
        [
            document("1", "Red Tee"),
            document("2", "Red Polo", 1900),
            document("3", "Red Tee", 2100),
            document("4", "Red Tee", in_stock=False),
            document("5", "Red Tee", categories=(elsewhere,)),
            document("6", "Blue Tank", 600),
        ]
    )
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")
    tee = index.find("SKU-1")

    assert tee is not None
    assert [one.key for one in index.similar(tee)] == ["2", "6"]
    assert index.similar(replace(tee, categories=())) == []


def test_no_stem_is_parsed_as_a_query(writer: TantivyIndexWriter, tmp_path: Path) -> None:
    writer.put([document("1", "Net")])
    writer.swap()
    index = TantivyIndex(tmp_path, locale="en-AU")

    for text in ("name:net", "*", "net OR", '"net', "net^9", "[a TO z]", "\x00"):
        assert found(index, IndexQuery(groups=(group(text),))) == []
