"""A seeded catalogue of any size, twice: as the demo's SQLite with FTS5 holds it, and as documents of the mirror."""

import random
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute, DocumentCategory
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product
from storefront_mcp.demo.catalogue.model import (
    DemoAttribute,
    DemoAttributeValue,
    DemoCatalogue,
    DemoCategory,
    DemoProduct,
)

SEED: Final = 20_270_101
CURRENCY: Final = "AUD"
LOCALE: Final = "en-AU"
KINDS: Final = (
    "jacket shirt trousers backpack tent lamp kettle mug knife pan blanket pillow towel rug chair table shelf basket "
    "bottle lantern rope helmet glove scarf boot sandal sock belt wallet watch clock mirror vase candle notebook pen "
    "brush bucket shovel hammer"
).split()
QUALITIES: Final = (
    "light heavy folding portable classic modern rustic compact large small slim wide soft sturdy warm cool quick "
    "silent bright dark smooth rough simple double travel garden kitchen winter summer alpine coastal urban vintage"
).split()
MATERIALS: Final = "cotton linen wool leather oak pine steel copper glass ceramic bamboo canvas cork felt silk".split()
COLOURS: Final = ("Black", "Blue", "Green", "Red", "White", "Yellow", "Grey", "Brown")
SYLLABLES: Final = "ba be bo da de do ka ke ko la le lo ma me mo na ne no ra re ro sa se so ta te to va ve vo".split()
REDUCED_SHARE: Final = 0.1
SOLD_OUT_SHARE: Final = 0.05
COMMON_LINE: Final = "Made to last, and easy to repair."
"""Of every other product, so that its words are in half of the catalogue."""


class BenchedQuery(Struct, frozen=True):
    """A search, and what kind of one it is."""

    kind: str
    text: str


QUERIES: Final = (
    *(
        BenchedQuery("plain", text)
        for text in (
            "wool jacket",
            "oak table",
            "steel bottle",
            "linen shirt",
            "copper kettle",
            "leather wallet",
            "bamboo basket",
            "ceramic vase",
            "canvas tent",
            "garden shovel",
            "travel pillow",
            "winter boot",
        )
    ),
    *(BenchedQuery("broad", text) for text in ("easy repair", "made", "lamp", "small")),
    *(
        BenchedQuery("typo", text)
        for text in (
            "woll jaket",
            "backpak",
            "cermic mug",
            "lether belt",
            "kettel",
            "blankett",
        )
    ),
    *(
        BenchedQuery("sentence", text)
        for text in (
            "I am looking for a warm blanket for my sister",
            "do you have a folding chair for the garden",
            "a present: something in silk, perhaps a scarf",
            "what is the cheapest steel pan",
            "jackets or boots for winter",
            "a blue mug please",
        )
    ),
    *(
        BenchedQuery("conditions", text)
        for text in (
            "lamp under 50",
            "red towel in stock",
            "chair between 40 and 90",
            "wool sock on sale",
            "black boot under $120",
            "glass candle over 20",
        )
    ),
    *(BenchedQuery("plural", text) for text in ("knives", "shelves", "scarves", "brushes")),
)


def catalogue_of(size: int) -> tuple[DemoCatalogue, Sequence[CatalogueDocument]]:
    """The same products in both forms."""
    chance = random.Random(SEED)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(3000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    categories = {number: _category(number, kind) for number, kind in enumerate(KINDS, 3)}
    values = tuple(DemoAttributeValue(id=number, label=label) for number, label in enumerate(COLOURS, 1))
    colour = DemoAttribute(id=1, code="color", label="Colour", values=values)
    products: dict[int, DemoProduct] = {}
    documents = []
    for number in range(1, size + 1):
        kind = chance.randrange(len(KINDS))
        quality, material = chance.choice(QUALITIES), chance.choice(MATERIALS)
        cents = round(chance.lognormvariate(8.3, 0.7))
        product = DemoProduct(
            id=number,
            sku=f"{KINDS[kind][:4].upper()}-{number}",
            url_key=f"product-{number}",
            name=f"{chance.choice(words).title()} {quality.title()} {material.title()} {KINDS[kind].title()}",
            summary="",
            description=" ".join(chance.choices(words, weights, k=30)) + ("." if number % 2 else f". {COMMON_LINE}"),
            art="",
            cents=cents,
            sale_cents=cents * 4 // 5 if chance.random() < REDUCED_SHARE else None,
            stock=0 if chance.random() < SOLD_OUT_SHARE else 9,
            categories=(kind + 3,),
            attributes={"color": chance.randint(1, len(COLOURS))},
        )
        products[number] = product
        documents.append(_document(product, categories[kind + 3], colour))
    return DemoCatalogue(categories=categories, attributes={"color": colour}, products=products, pages={}), documents


def _category(number: int, kind: str) -> DemoCategory:
    return DemoCategory(
        id=number,
        parent=2,
        name=f"{kind.title()}s",
        url_key=kind,
        url_path=kind,
        level=2,
        position=number,
        path=f"1/2/{number}",
        description="",
    )


def _document(product: DemoProduct, category: DemoCategory, colour: DemoAttribute) -> CatalogueDocument:
    label = colour.label_of(product.attributes[colour.code])
    return CatalogueDocument(
        key=str(product.id),
        product=Product(
            sku=Sku(product.sku),
            name=product.name,
            price=Money(product.price, CURRENCY),
            list_price=None if product.sale_cents is None else Money(product.cents, CURRENCY),
            in_stock=product.stock > 0,
            url_key=product.url_key,
            description=product.description,
            attributes={colour.label: label},
            categories=(CategoryId(str(category.id)),),
        ),
        attributes=(DocumentAttribute(code=colour.code, label=colour.label, values=(label,)),),
        categories=(DocumentCategory(id=CategoryId(str(category.id)), name=category.name),),
    )
