"""The shop's mark: a striped awning in the shop's own colour, as SVG and as a small ICO."""

import colorsys
import struct
import zlib
from functools import lru_cache
from typing import Final

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

SIDE: Final = 32
SAMPLES: Final = 4
"""Sub-pixels per side, so that the ICO's edges are smooth."""
STRIPES: Final = 4
WHITE: Final = (255, 255, 255)

Colour = tuple[int, int, int]


def hue(store: Store) -> int:
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
    image = _png(*_colours(store))
    directory = struct.pack("<HHH", 0, 1, 1)
    entry = struct.pack("<BBBBHHII", SIDE, SIDE, 0, 0, 1, 32, len(image), len(directory) + 16)
    return directory + entry + image


@lru_cache(maxsize=32)
def _png(dark: Colour, light: Colour) -> bytes:
    rows = b"".join(b"\0" + b"".join(_pixel(x, y, dark, light) for x in range(SIDE)) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _pixel(x: int, y: int, dark: Colour, light: Colour) -> bytes:
    """One RGBA pixel, the mean of its sub-pixels."""
    steps = [(i + 0.5) / SAMPLES for i in range(SAMPLES)]
    seen = [colour for i in steps for j in steps if (colour := _colour_at(x + i, y + j, dark, light))]
    if not seen:
        return b"\0\0\0\0"
    mean = bytes(round(sum(colour[channel] for colour in seen) / len(seen)) for channel in range(3))
    return mean + bytes((round(255 * len(seen) / SAMPLES**2),))


def _colour_at(x: float, y: float, dark: Colour, light: Colour) -> Colour | None:
    """What the drawing shows at a point, as the SVG draws it; None outside its rounded corners."""
    near_x, near_y = min(max(x, 7), 25), min(max(y, 7), 25)
    if (x - near_x) ** 2 + (y - near_y) ** 2 > 7**2:
        return None
    if 4 <= x < 28 and y >= 7:
        stripe = int((x - 4) // 6)
        hem = 17.0 + max(0.0, 9 - (x - (7 + 6 * stripe)) ** 2) ** 0.5
        if y < hem:
            return light if stripe % 2 else WHITE
    return WHITE if 6 <= x < 26 and 21 <= y < 26 else dark


def _colours(store: Store) -> tuple[Colour, Colour]:
    """The ground and the tinted stripes."""
    turn = hue(store) / 360
    return _rgb(turn, 0.24), _rgb(turn, 0.66)


def _rgb(turn: float, lightness: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(turn, lightness, 0.55)
    return round(255 * red), round(255 * green), round(255 * blue)


def _hex(colour: Colour) -> str:
    return "#" + bytes(colour).hex()
