"""How the tables are written: shelves of rows, with sizes and packs spelled out from one line."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from storefront_mcp.demo.catalogue.model import CustomOption

Art = Literal[
    "paddle",
    "ball",
    "net",
    "bag",
    "grip",
    "jar",
    "relish",
    "kit",
    "spice",
    "tee",
    "cap",
    "sock",
    "mug",
    "box",
    "book",
    "toy",
]


class Row(Struct, frozen=True):
    """One product: prices in AUD cents including GST, weight in grams."""

    sku: str
    name: str
    cents: int
    grams: int
    blurb: str
    sale: int | None = None
    stock: int | None = None
    """None: a number made from the SKU."""
    url_key: str = ""
    """Empty: made from the name."""
    traits: dict[str, str] = {}
    """Attribute code to the label of its value."""
    options: tuple[CustomOption, ...] = ()
    axes: dict[str, tuple[str, ...]] = {}
    """Attribute code to the labels it comes in; a row with axes is configurable."""


class Shelf(Struct, frozen=True, kw_only=True):
    """A leaf category with what is on it; `about` closes every description."""

    path: tuple[str, ...]
    art: Art
    about: str
    rows: tuple[Row, ...]


class Size(Struct, frozen=True):
    """A jar size: what it does to SKU, name, price and weight of the 480 g jar."""

    suffix: str
    label: str
    percent: int
    grams: int


SMALL = Size("-S", "240 g", 62, 430)
MIDDLE = Size("", "480 g", 100, 790)
LARGE = Size("-L", "1 kg", 178, 1520)


def jars(rows: Iterable[tuple[str, str, int, str, str]], *sizes: Size) -> tuple[Row, ...]:
    """Rows of (SKU, name, cents of 480 g, heat, blurb), each in these sizes; other sizes end on 5 cents."""
    return tuple(
        Row(
            f"{sku}{size.suffix}",
            f"{name}, {size.label}",
            cents if size.percent == 100 else round(cents * size.percent / 500) * 5,  # noqa: PLR2004
            size.grams,
            blurb,
            traits={"heat": heat},
        )
        for sku, name, cents, heat, blurb in rows
        for size in sizes
    )


def packs(
    sku: str, name: str, blurb: str, cents_each: int, grams_each: int, *, counts: tuple[int, ...]
) -> tuple[Row, ...]:
    """The same thing in packs; the bigger the pack, the lower the price of one."""
    return tuple(
        Row(
            f"{sku}-{count}",
            f"{name}, pack of {count}",
            round(cents_each * count * (100 - 5 * at) / 5000) * 50,
            grams_each * count,
            blurb,
        )
        for at, count in enumerate(counts)
    )
