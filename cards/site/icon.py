"""The shop's mark: a striped awning in the shop's own colour, as SVG, as PNG and as a small ICO."""

import colorsys
import struct
import zlib
from functools import lru_cache
from math import ceil
from typing import Final

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

ICO_SIDE_PIXELS: Final = 32
ICO_SAMPLES: Final = 4
"""Points per side of a pixel, so that the ICO's edges are smooth."""
LOGO_SIDE_PIXELS: Final = 448
"""Search engines want 112 pixels of a logo, previews of links 200; so many need no smoothing."""
DRAWING_SIDE: Final = 32
"""Units of the drawing per side."""
CORNER_RADIUS: Final = 7
LOGO_PATH: Final = "/logo.png"
PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""What previews of links show; they show no SVG and no ICO."""
STRIPES: Final = 4
WHITE: Final = (255, 255, 255)

Colour = tuple[int, int, int]


def brand_hue(store: Store) -> int:
    """The shop's own hue in degrees; the same name always has the same one."""
    return zlib.adler32(store.name.encode()) % 360


def favicon_svg(store: Store, roadmap: Roadmap) -> bytes:
    """The awning as SVG, 32 units wide."""
    dark, light = (_hex(colour) for colour in _colours(store))
    stripes = "".join(
        f'<path d="M{4 + 6 * i} 7h6v10a3 3 0 0 1-6 0z" fill="{light if i % 2 else "#fff"}"/>' for i in range(STRIPES)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="7" fill="{dark}"/>{stripes}'
        '<path d="M6 21h20v5H6z" fill="#fff"/></svg>\n'
    ).encode()


def favicon_ico(store: Store, roadmap: Roadmap) -> bytes:
    """The awning as an ICO with one 32-pixel PNG in it."""
    image = _png(*_colours(store), ICO_SIDE_PIXELS, ICO_SAMPLES)
    directory = struct.pack("<HHH", 0, 1, 1)
    entry = struct.pack("<BBBBHHII", ICO_SIDE_PIXELS, ICO_SIDE_PIXELS, 0, 0, 1, 32, len(image), len(directory) + 16)
    return directory + entry + image


def logo_png(store: Store, roadmap: Roadmap) -> bytes:
    """The awning as a PNG that is large enough for previews of links."""
    return _png(*_colours(store), LOGO_SIDE_PIXELS, 1)


def picture_url(store: Store) -> str:
    """What stands for the shop where SVG is not shown: its own icon if that is a picture, else the awning."""
    return store.icon if store.icon and store.icon_type in PICTURE_TYPES else store.url(LOGO_PATH)


@lru_cache(maxsize=32)
def _png(dark: Colour, light: Colour, side: int, samples: int) -> bytes:
    """A square PNG of `side` pixels, each the mean of `samples` by `samples` points of the drawing."""
    drawn = [_row(y, dark, light, side * samples) for y in range(side * samples)]
    rows = drawn if samples == 1 else _means(drawn, side, samples)
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    image = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", image) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _row(number: int, dark: Colour, light: Colour, side: int) -> bytes:
    """One RGBA row of the drawing, `side` pixels wide, seen at the middle of each pixel."""
    unit = DRAWING_SIDE / side
    y = (number + 0.5) * unit
    row = bytearray(4 * side)

    def paint(begin: float, end: float, colour: Colour) -> None:
        first, after = ceil(begin / unit - 0.5), ceil(end / unit - 0.5)
        row[4 * first : 4 * after] = bytes((*colour, 255)) * (after - first)

    corner = (CORNER_RADIUS**2 - (y - min(max(y, CORNER_RADIUS), DRAWING_SIDE - CORNER_RADIUS)) ** 2) ** 0.5
    paint(CORNER_RADIUS - corner, DRAWING_SIDE - CORNER_RADIUS + corner, dark)
    for stripe in range(STRIPES):
        half = 3.0 if y < 17 else max(0.0, 9 - (y - 17) ** 2) ** 0.5
        if y >= 7 and half:
            paint(7 + 6 * stripe - half, 7 + 6 * stripe + half, light if stripe % 2 else WHITE)
    if 21 <= y < 26:
        paint(6, 26, WHITE)
    return bytes(row)


def _means(drawn: list[bytes], side: int, samples: int) -> list[bytes]:
    """Rows of `side` pixels; what lies outside the rounded corners dims a pixel and does not colour it."""

    def mean(x: int, y: int) -> bytes:
        points = [
            drawn[y * samples + j][4 * i : 4 * i + 4]
            for i in range(x * samples, (x + 1) * samples)
            for j in range(samples)
        ]
        inside = [point for point in points if point[3]]
        if not inside:
            return bytes(4)
        colour = bytes(round(sum(point[channel] for point in inside) / len(inside)) for channel in range(3))
        return colour + bytes((round(255 * len(inside) / len(points)),))

    return [b"".join(mean(x, y) for x in range(side)) for y in range(side)]


def _colours(store: Store) -> tuple[Colour, Colour]:
    """The ground and the tinted stripes."""
    turn = brand_hue(store) / 360
    return _rgb(turn, 0.24), _rgb(turn, 0.66)


def _rgb(turn: float, lightness: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(turn, lightness, 0.55)
    return round(255 * red), round(255 * green), round(255 * blue)


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
