"""The open relevance set: sixty searches, what answers each well, and how well an answer is."""

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.document import CatalogueDocument

Predicate = Callable[[CatalogueDocument], bool]
TOP: Final = 10


class RelevanceQuery(Struct, frozen=True):
    """One search and the products that are right for it."""

    kind: str
    text: str
    relevant: Predicate
    first: str = ""
    """SKU that must come first, where only one may."""


def named(pattern: str) -> Predicate:
    """Products whose name holds this."""
    expression = re.compile(pattern, re.IGNORECASE)
    return lambda document: expression.search(document.product.name) is not None


def within(*names: str) -> Predicate:
    """Products that one of these categories lists."""
    return lambda document: any(category.name in names for category in document.categories)


def valued(code: str, *values: str) -> Predicate:
    """Products with one of these values of an attribute."""
    return lambda document: any(
        attribute.code == code and set(values) & set(attribute.values) for attribute in document.attributes
    )


def priced(low: float = 0, high: float = 1e9) -> Predicate:
    """Products at a price between these, in major units."""
    return lambda document: low <= document.product.price.minor / 100 <= high


def of(*skus: str) -> Predicate:
    """Just these products."""
    return lambda document: document.product.sku in skus


def every(*predicates: Predicate) -> Predicate:
    """All of these at once."""
    return lambda document: all(predicate(document) for predicate in predicates)


def some(*predicates: Predicate) -> Predicate:
    """Any of these."""
    return lambda document: any(predicate(document) for predicate in predicates)


def in_stock(document: CatalogueDocument) -> bool:
    """Products that can be had."""
    return document.product.in_stock


def reduced(document: CatalogueDocument) -> bool:
    """Products that cost less than they did."""
    return document.product.list_price is not None


PADDLES: Final = named(r"paddle$")
TEES: Final = some(named(r"tee$"), of("TEE-LONG"))

WAREHOUSE_QUERIES: Final = (
    RelevanceQuery("plain", "kimchi", named("kimchi")),
    RelevanceQuery("plain", "portable net", of("NET-1"), "NET-1"),
    RelevanceQuery("plain", "junior paddle", every(PADDLES, within("Junior"))),
    RelevanceQuery("plain", "paddle cover", named("paddle cover")),
    RelevanceQuery("plain", "sauerkraut kit", of("KIT-KRAUT"), "KIT-KRAUT"),
    RelevanceQuery("typo", "padle", PADDLES),
    RelevanceQuery("typo", "hoddie", named("hoodie")),
    RelevanceQuery("typo", "backpak", named("backpack")),
    RelevanceQuery("typo", "musterd", named("mustard")),
    RelevanceQuery("typo", "fibreglas padle", named("fibreglass paddle")),
    RelevanceQuery("typo", "cualiflower", named("cauliflower")),
    RelevanceQuery("plural", "visors", named("visor")),
    RelevanceQuery("plural", "hampers", named("hamper")),
    RelevanceQuery("plural", "green tomato", named("green tomato")),
    RelevanceQuery("plural", "cauliflowers", named("cauliflower")),
    RelevanceQuery("plural", "women's skorts", named("skort")),
    RelevanceQuery("compound", "back pack", named("backpack")),
    RelevanceQuery("compound", "overgrips", named("overgrip")),
    RelevanceQuery("compound", "over grip", named("overgrip")),
    RelevanceQuery("compound", "ballmachine", of("TRAIN-10"), "TRAIN-10"),
    RelevanceQuery("synonym", "rucksack", named("backpack")),
    RelevanceQuery("synonym", "t-shirt", TEES),
    RelevanceQuery("synonym", "racquet", PADDLES),
    RelevanceQuery("synonym", "aubergine", named("eggplant")),
    RelevanceQuery("synonym", "leggings", of("TIGHT"), "TIGHT"),
    RelevanceQuery("synonym", "soft toy", of("FUN-3"), "FUN-3"),
    RelevanceQuery("SKU", "TEE-BLACK-M", of("TEE"), "TEE"),
    RelevanceQuery("SKU", "cap green sm", of("CAP"), "CAP"),
    RelevanceQuery("SKU", "is PAD-2 in stock?", of("PAD-2"), "PAD-2"),
    RelevanceQuery(
        "sentence", "I am looking for a paddle for a beginner", every(named("paddle"), valued("skill", "Beginner"))
    ),
    RelevanceQuery("sentence", "do you have anything with kimchi for my brother", named("kimchi")),
    RelevanceQuery("sentence", "what would be a good mug to have engraved", of("GIFT-MUG", "GIFT-STEIN")),
    RelevanceQuery("price", "padle under 200 in stock", every(PADDLES, priced(high=200), in_stock)),
    RelevanceQuery("price", "hamper between 50 and 80", every(named("hamper"), priced(50, 80))),
    RelevanceQuery("price", "socks under $15", every(named("socks"), priced(high=15))),
    RelevanceQuery("price", "backpack over 110", every(named("backpack"), priced(low=110))),
    RelevanceQuery("price", "cheapest hoodie", named("hoodie"), "HOOD"),
    RelevanceQuery("sale", "tees on sale", every(TEES, reduced), "TEE-ZERO"),
    RelevanceQuery("sale", "discounted carbon paddles", every(named("carbon paddle"), reduced)),
    RelevanceQuery("stock", "junior paddles in stock", every(PADDLES, within("Junior"), in_stock)),
    RelevanceQuery("colour", "t-shirt for men black M", every(TEES, valued("color", "Black"), valued("size", "M"))),
    RelevanceQuery("colour", "blue socks", every(named("socks"), valued("color", "Blue"))),
    RelevanceQuery("attribute", "hot pickles", every(within("Pickles"), valued("heat", "Hot"))),
    RelevanceQuery("attribute", "advanced paddles", every(PADDLES, valued("skill", "Advanced"))),
    RelevanceQuery("attribute", "16 mm carbon paddle", named(r"16 carbon paddle")),
    RelevanceQuery("foreign", "Geschenk unter 50 Dollar", every(within("Gifts"), priced(high=50))),
    RelevanceQuery("attribute", "green skort medium", of("SKORT"), "SKORT"),
    RelevanceQuery("foreign", "schwarze Socken", every(named("socks"), valued("color", "Black"))),
    RelevanceQuery("foreign", "Rote Bete", named("beet")),
    RelevanceQuery("phrase", "stay out of the kitchen", of("TEE-KITCHEN"), "TEE-KITCHEN"),
    RelevanceQuery("phrase", "kind of a big dill", of("TEE-BIGDILL", "CARD-1")),
)
GERMAN_QUERIES: Final = (
    RelevanceQuery("compound", "Jacke", named("jacke")),
    RelevanceQuery("compound", "Regen Jacke", of("JA-REGEN"), "JA-REGEN"),
    RelevanceQuery("plural", "Jacken unter 80 Euro", every(named("jacke"), priced(high=80))),
    RelevanceQuery("typo", "Kopfhoerer", of("TE-KOPF"), "TE-KOPF"),
    RelevanceQuery("typo", "Wanderrucksak", of("TA-RUCK"), "TA-RUCK"),
    RelevanceQuery("synonym", "Pulli oder Strickjacke", of("JA-STRICK"), "JA-STRICK"),
    RelevanceQuery("sale", "Laufschuhe im Angebot", of("SC-LAUF"), "SC-LAUF"),
    RelevanceQuery("colour", "rote Regenjacke Größe M", of("JA-REGEN"), "JA-REGEN"),
    RelevanceQuery("foreign", "bread knife", of("KU-MESSER"), "KU-MESSER"),
)
