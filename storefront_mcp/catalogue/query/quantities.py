"""How many pieces a text wants, which is for the cart and not for the search, in English and German."""

import re
from typing import Final

_NUMBERS: Final = {
    word: number
    for number, words in {
        1: "one ein eine einen einer eines",
        2: "two couple zwei",
        3: "three drei",
        4: "four vier",
        5: "five funf fuenf",
        6: "six sechs",
        7: "seven sieben",
        8: "eight acht",
        9: "nine neun",
        10: "ten zehn",
        12: "twelve dozen zwolf zwoelf dutzend",
    }.items()
    for word in words.split()
}
WRITTEN_UNITS: Final = frozenset(
    f"{prefix}{unit}{ending}"
    for unit in ("metre", "meter", "litre", "liter", "gram", "gramme", "gramm")
    for prefix in ("", "milli", "centi", "zenti", "dezi", "kilo")
    for ending in ("", "s", "n")
) | frozenset("kilo kilos inch inches zoll foot feet yard yards ounce ounces".split())
"""Units in full, folded: never a size of clothes, as their signs may be."""
UNITS: Final = (
    "mm|cm|dm|km|m|(?:milli|[cz]enti|dezi|kilo)?(?:met(?:er|re)|lit(?:er|re)|gramm?e?)[sn]?|kilos?|ml|cl|dl|l|kg|g|gr|mg|oz|ounces?|lbs?|inch(?:es)?|zoll|ft|feet|foot|yards?|w|"
    "watts?|v|volts?|ah|mah|gb|tb|mb|hz|mhz|ghz|packs?|pcs|pieces?|stuck|pairs?|paar|%|percent|prozent|years?|yrs?|jahren?|"
    "months?|monate?n?|weeks?|wochen?|days?|tagen?|hours?|stunden?|min|minutes?|minuten|players?|people|persons?|personen|"
    "grad|degrees?"
)
"""What a number before it measures or counts, so that it is neither a price nor a quantity."""
_ENGLISH: Final = "two|three|four|five|six|seven|eight|nine|ten|twelve"
_GERMAN: Final = "zwei|drei|vier|fue?nf|sechs|sieben|acht|neun|zehn|zwoe?lf"
PAIRED: Final = (
    "socks|stockings|shoes|sneakers|trainers|runners|boots|sandals|slippers|gloves|mittens|tights|leggings|pants|"
    "trousers|jeans|shorts|glasses|sunglasses|goggles|earrings|laces|shoelaces|scissors|insoles|chopsticks"
)
"""What a pair of is one piece."""
_PLURAL: Final = rf"(?!(?:{UNITS})(?!\w))[a-z-]{{2,}}(?<!s)s(?!\w)"
_THINGS: Final = rf"(?=(?:[a-z][a-z-]*\s)?{_PLURAL})"
"""Before something in the plural, or before one word and that."""
_OF_THEM: Final = re.compile(
    rf"(?<!\w)(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)}|a dozen)\s"
    r"(?:of (?:them|these|those|each|it)|davon|von (?:ihnen|diesen|jedem))(?!\w)"
)
_PAIR: Final = re.compile(rf"(?<!\w)a pair of\s(?P<paired>(?:[a-z-]+\s)?(?:{PAIRED})(?!\w))?")
_GROUP: Final = re.compile(
    rf"(?<!\w)(?:(?:a|one) (?P<half>half )?(?P<a>dozen|couple)(?: of)?|half a (?P<of>dozen)(?: of)?)\s{_THINGS}"
)
_ASKED: Final = r"^(?:(?:i |we )?(?:want|need|buy|get|order|would like|d like|add|show me|give me)\s)?"
_COUNTED: Final = re.compile(
    rf"(?:(?<!\w)(?<!of )(?<!for )(?<!with )(?<!the )(?P<word>{_ENGLISH})\s(?:pairs? of\s)?{_THINGS}|"
    rf"(?<!\w)(?<!von )(?<!fur )(?<!mit )(?P<zahl>{_GERMAN})\s(?:paar\s)?(?!(?:{UNITS})(?!\w))(?=[a-z]{{4,}}(?!\w))|"
    rf"{_ASKED}(?P<digits>\d{{1,2}})\s?(?:x\s)?(?:pairs? of\s)?(?={_PLURAL}))"
)


def read_quantity(text: str) -> tuple[int | None, str]:
    """The pieces that a folded text wants, and the text without their number.

    A number of digits counts at the beginning only, before something in the plural, since names have numbers too.

    >>> read_quantity("two carbon paddles"), read_quantity("a pair of socks"), read_quantity("pro 16 paddles")
    ((2, ' carbon paddles'), (None, ' socks'), (None, 'pro 16 paddles'))
    """
    if (match := _OF_THEM.search(text)) is not None:
        return _number(match["count"].removeprefix("a ")), _without(text, match)
    if (match := _PAIR.search(text)) is not None:
        paired = match["paired"] or ""
        return None if paired else 2, f"{text[: match.start()]} {paired}{text[match.end() :]}"
    if (match := _GROUP.search(text)) is not None:
        number = _number(match["a"] or match["of"])
        return number // 2 if match["half"] or match["of"] else number, _without(text, match)
    if (match := _COUNTED.search(text)) is not None and (
        number := _number(match["word"] or match["zahl"] or match["digits"])
    ) > 1:
        return number, _without(text, match)
    return None, text


def _number(text: str) -> int:
    return _NUMBERS.get(text) or int(text)


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
