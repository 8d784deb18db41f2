"""Tells of an element's own style what it hides: the whole element, or its text until an element in it sets it anew."""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

T = TypeVar("T")

HIDDEN: Final = "element"
"""The whole element is hidden, with all that is in it."""
NOTHING: Final[frozenset[str]] = frozenset()
ALL: Final = frozenset({HIDDEN})

STYLE_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
"""Not by a possessive group with a lookahead in it, which Python before 3.11.5 misreads (CPython gh-106052)."""
STYLE_ESCAPE: Final = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE)
LONG_REFERENCE: Final = re.compile(r"&#[0-9a-fA-FxX]{9,}+;?")
"""A reference to no character; `html.unescape` refuses numbers of thousands of digits."""
CALCULATION: Final = re.compile(r"(?:(?:-webkit-|-moz-)?calc|(?<![a-z0-9-]))\(([^()]*)\)")
"""The innermost calculation, or a pair of parentheses in one."""
MAX_CALCULATIONS: Final = 4
"""In each other."""
QUANTITY: Final = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?)([a-z%]*)")
"""A number with its unit (CSS Values §5)."""
ARGUMENTS: Final = re.compile(r"(?<![a-z0-9-])([a-z0-9-]+)\(([^()]*)\)")
"""A function and what is in its parentheses."""
SEPARATOR: Final = re.compile(r"[,/\s]+")
SIDES: Final = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 3: (0, 1, 2, 1)}
"""Which of one to three values is that of the top, right, bottom and left."""

ABSOLUTE_UNITS: Final = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "q": 0.945}
"""Pixels of each."""
SCREEN_UNITS: Final = {"rem": 16.0, "vw": 10.0, "vh": 8.0, "vmin": 8.0, "vmax": 10.0}
"""Pixels of each, roughly: nothing but whether a text is far away depends on them."""
UNITS: Final = {"": 1.0, "%": 10.0, **SCREEN_UNITS, **ABSOLUTE_UNITS}
FONT_PIXELS: Final = 16.0
"""Of a unit not told above, such as em."""
SIZES: Final = frozenset("xx-small x-small small medium large x-large xx-large xxx-large".split())
COLORS: Final = frozenset(
    "aqua black blue brown fuchsia gold gray green grey lime maroon navy olive orange pink purple red silver teal "
    "white yellow".split()
)
COLOR_FUNCTIONS: Final = frozenset({"rgb", "rgba", "hsl", "hsla"})
HEX_COLOR: Final = re.compile("#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
FAR_PIXELS: Final = 999.0
"""A text so far outside of its place is not seen."""
FARTHER_PIXELS: Final = 4999.0
"""The same of what sliders move, slide by slide."""
MIN_OPACITY: Final = 0.01
WHOLE_PERCENT: Final = 100.0

Declarations = Mapping[str, list[str]]
"""A style's properties with every value that is given for each, as a browser passes over values it does not know."""


def hidden_by(style: str, before: frozenset[str] = NOTHING) -> frozenset[str]:
    """What hides an element's text: `before` of the elements around it, without what it sets anew, and its own style.

    >>> sorted(hidden_by("font-size:0")), sorted(hidden_by("font-size:12px", frozenset({"font-size"})))
    (['font-size'], [])
    """
    given = declarations(style)
    if _is_unseen(given):
        return ALL
    hiding = set(before)
    for name, states in (
        ("font-size", [*map(_has_no_size, _font_sizes(given))]),
        ("text-indent", [_is_indented_away(one) for one in given.get("text-indent", ())]),
        ("color", [_has_no_color(one, given) for one in given.get("color", ())]),
        ("fill", [_has_no_color(one, given) for one in given.get("-webkit-text-fill-color", ())]),
    ):
        if True in states:
            hiding.add(name)
        elif False in states:
            hiding.discard(name)
    return frozenset(hiding)


def declarations(style: str) -> Declarations:
    r"""The declarations of a style, in lower case, without comments, escapes and priorities.

    >>> declarations("Disp\\6c ay : none ! important; /* */ color:RED")
    {'display': ['none'], 'color': ['red']}
    """
    plain = html.unescape(LONG_REFERENCE.sub("", style))
    plain = STYLE_ESCAPE.sub(_unescape, STYLE_COMMENT.sub(" ", plain)).lower()
    found: dict[str, list[str]] = {}
    for declaration in plain.split(";"):
        name, _, value = declaration.partition(":")
        if given := value.partition("!")[0].strip():
            found.setdefault(name.strip(), []).append(_without_calculations(given))
    return found


def _is_unseen(given: Declarations) -> bool:
    return (
        "none" in given.get("display", ())
        or not {"hidden", "collapse"}.isdisjoint(given.get("visibility", ()))
        or "hidden" in given.get("content-visibility", ())
        or any(_is_below(one, MIN_OPACITY) for one in given.get("opacity", ()))
        or any(_pixels(one) == 0 for one in _words(given, "scale"))
        or any(map(_is_transformed_away, (*given.get("transform", ()), *given.get("filter", ()))))
        or any(map(_is_clipped_by, given.get("clip-path", ())))
        or any(map(_is_clipped, given.get("clip", ())))
        or _is_empty_box(given)
        or _is_far_away(given)
    )


def _is_transformed_away(functions: str) -> bool:
    """Whether a transformation or a filter leaves nothing in sight."""
    for name, arguments in ARGUMENTS.findall(functions):
        values = SEPARATOR.split(arguments.strip())
        if name in {"scale", "scalex", "scaley", "scale3d"} and any(_pixels(one) == 0 for one in values[:2]):
            return True
        if name in {"translate", "translatex", "translatey", "translate3d"}:
            return any(_is_below(one, -FARTHER_PIXELS) for one in values)
        if name == "opacity" and _is_below(values[0], MIN_OPACITY):
            return True
    return False


def _is_clipped_by(shape: str) -> bool:
    for name, arguments in ARGUMENTS.findall(shape):
        amounts = [_quantity(one) for one in SEPARATOR.split(arguments.partition("round")[0].strip())]
        if name == "inset":
            cut = [WHOLE_PERCENT * _is_whole(one) if one and one[1] != "%" else one[0] if one else 0 for one in amounts]
            top, right, bottom, left = _sides(cut)
            return top + bottom >= WHOLE_PERCENT or left + right >= WHOLE_PERCENT
        if name in {"circle", "ellipse"}:
            return amounts[0] is not None and amounts[0][0] == 0
        if name == "polygon":
            return None not in amounts and len({amount[0] for amount in amounts if amount}) == 1
    return False


def _is_clipped(value: str) -> bool:
    for name, arguments in ARGUMENTS.findall(value):
        edges = [one for one in map(_pixels, SEPARATOR.split(arguments.strip())) if one is not None]
        if name == "rect" and len(edges) == 4:  # noqa: PLR2004 -- a rectangle has four
            top, right, bottom, left = edges
            return bottom <= top or right <= left
    return False


def _is_empty_box(given: Declarations) -> bool:
    """Whether a box has no room for its content, and shows nothing that is outside of it."""
    if {*_words(given, "overflow", "overflow-x", "overflow-y")} <= {"visible"}:
        return False
    widths = {_pixels(one) for one in _words(given, "width", "max-width")}
    heights = {_pixels(one) for one in _words(given, "height", "max-height")}
    if not widths.isdisjoint({0, 1}) and not heights.isdisjoint({0, 1}):
        return True
    # Content may stand in the padding of a box without height: videos keep their proportions so.
    padding = [name for name in given if name.startswith("padding")]
    return 0 in widths | heights and all(_pixels(one) == 0 for one in _words(given, *padding))


def _is_far_away(given: Declarations) -> bool:
    position = {*given.get("position", ())}
    if not position.isdisjoint({"absolute", "fixed", "relative"}):
        far = -FARTHER_PIXELS if position == {"relative"} else -FAR_PIXELS
        if any(_is_below(one, far) for one in _words(given, "left", "top", "right", "bottom", "inset")):
            return True
    margins = [_sides(one.split()) for one in given.get("margin", ())]
    before = [one for margin in margins for one in (margin[0], margin[3])]
    # Columns of one height have such a margin at their end.
    return any(
        _is_below(one, -FAR_PIXELS)
        for one in (*before, *_words(given, "margin-left", "margin-top", "margin-inline-start"))
    )


def _font_sizes(given: Declarations) -> Iterator[str]:
    yield from given.get("font-size", ())
    for font in given.get("font", ()):
        for word in font.split():
            size = word.partition("/")[0]
            amount = _quantity(size)
            if size in SIZES or (amount is not None and amount[1] != "deg" and (amount[1] or amount[0] == 0)):
                yield size
                break


def _has_no_size(size: str) -> bool | None:
    """Whether letters of a size are none; None when that depends on the size around them, or is no size."""
    amount = _quantity(size)
    if amount is None or amount[0] < 0:
        return False if size in SIZES else None
    if amount[0] == 0 or amount[0] * ABSOLUTE_UNITS.get(amount[1], FONT_PIXELS) <= 1:
        return True
    return False if amount[1] in ABSOLUTE_UNITS or amount[1] in SCREEN_UNITS else None


def _has_no_color(color: str, given: Declarations) -> bool | None:
    """Whether letters of a colour are not seen, by a shadow or a background either; None when that is no colour."""
    if not {"text"}.isdisjoint(_words(given, "background", "background-clip", "-webkit-background-clip")):
        return False
    if any(one != "none" for one in given.get("text-shadow", ())):
        return False
    if HEX_COLOR.fullmatch(color):
        opacity = color[4:] if len(color) == len("#rgba") else color[7:]
        return bool(opacity) and not opacity.strip("0")
    for name, arguments in ARGUMENTS.findall(color):
        values = SEPARATOR.split(arguments.strip())
        if len(values) > 3 and _is_below(values[-1], MIN_OPACITY):  # noqa: PLR2004 -- the last is its opacity
            return True
        return False if name in COLOR_FUNCTIONS else None
    return True if color == "transparent" else False if color in COLORS else None


def _is_indented_away(indent: str) -> bool | None:
    pixels = _pixels(indent.split(maxsplit=1)[0])
    return None if pixels is None else pixels < -FAR_PIXELS


def _words(given: Declarations, *names: str) -> list[str]:
    return [word for name in names for value in given.get(name, ()) for word in value.split()]


def _sides(values: list[T]) -> tuple[T, T, T, T]:
    """Top, right, bottom and left, of which a style may leave out the last ones."""
    top, right, bottom, left = SIDES.get(len(values), (0, 1, 2, 3))
    return values[top], values[right], values[bottom], values[left]


def _is_below(value: str, bound: float) -> bool:
    pixels = _pixels(value)
    return pixels is not None and pixels < bound


def _pixels(value: str) -> float | None:
    """About how many pixels a length has; a plain number as it is."""
    amount = _quantity(value)
    if amount is None:
        return None
    return amount[0] * UNITS.get(amount[1], FONT_PIXELS)


def _is_whole(amount: tuple[float, str]) -> bool:
    return amount[0] > FAR_PIXELS


def _quantity(value: str) -> tuple[float, str] | None:
    """A number and its unit; None for what is no single number."""
    found = QUANTITY.fullmatch(value)
    return (float(found[1]), found[2]) if found is not None else None


def _without_calculations(value: str) -> str:
    """A value with each `calc()` as what is in it, without spaces: of one number it is that number."""
    for _ in range(MAX_CALCULATIONS):
        if "(" not in value:
            break
        value = CALCULATION.sub(lambda found: "".join(found[1].split()), value)
    return value


def _unescape(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else 0
    return found[2] or (chr(number) if number < 0x110000 else "")  # noqa: PLR2004 -- Unicode ends there
