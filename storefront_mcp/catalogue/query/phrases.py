"""Phrases of a search that are conditions, not words: prices, reductions, stock and order, in English and German."""

import re
from decimal import Decimal
from typing import Final

from msgspec import Struct

from storefront_mcp.catalogue.query.folding import fold_text
from storefront_mcp.catalogue.query.quantities import UNITS, read_quantity
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.search import Sort

DOLLARS: Final = frozenset(
    "AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD USD XCD".split()
)
"""Currencies that their own shops call dollars."""
ABOUT_PERCENT: Final = 20
"""How far from "about 50" a price may be, either way."""
THOUSANDS_DIGITS: Final = 3
_CURRENCIES: Final = {
    "$": DOLLARS,
    "dollar": DOLLARS,
    "dollars": DOLLARS,
    "bucks": DOLLARS,
    "a$": {"AUD"},
    "au$": {"AUD"},
    "us$": {"USD"},
    "c$": {"CAD"},
    "nz$": {"NZD"},
    "€": {"EUR"},
    "euro": {"EUR"},
    "euros": {"EUR"},
    "£": {"GBP"},
    "quid": {"GBP"},
    "pound": {"GBP"},
    "pounds": {"GBP"},
    "pfund": {"GBP"},
    "¥": {"JPY", "CNY"},
    "yen": {"JPY"},
    "franken": {"CHF"},
    "sfr": {"CHF"},
    **{code.lower(): {code} for code in "AUD CAD CHF CNY CZK DKK EUR GBP HUF JPY NOK NZD PLN SEK SGD USD".split()},
}
_MONEY: Final = "|".join(re.escape(word) for word in sorted(_CURRENCIES, key=len, reverse=True))
_NUMBER: Final = r"\d{1,9}(?:[.,]\d{1,3}){0,2}"


def _amount(letter: str) -> str:
    """The pattern of an amount of money, with groups of this letter; a number before a unit is none."""
    return (
        rf"(?:(?P<before{letter}>(?<![a-z])(?:{_MONEY}))\s?)?(?P<number{letter}>{_NUMBER})(?![\d.,]*\d)"
        rf"(?:,-)?(?:\s?(?P<after{letter}>(?:{_MONEY}))(?![a-z]))?(?!\s?(?:{UNITS})(?![a-z]))"
    )


_UPPER_WORDS: Final = (
    r"under|below|less than|cheaper than|lower than|up to|at most|(?:no|not) more than|not over|max(?:imum|imal)?\.?|"
    r"within|unter|bis zu|bis|hoe?chstens|weniger als|gue?nstiger als|billiger als|nicht mehr als|nicht ue?ber|<=?|"
    r"(?:with an? )?budget(?: (?:of|is|von|ist))?:?"
)
_LOWER_WORDS: Final = (
    r"over|above|more than|at least|from|starting (?:at|from)|min(?:imum|destens)?\.?|ue?ber|ab|mehr als|teurer als|>=?"
)
_NOT: Final = (
    r"(?:not|no|never|nothing|none|don'?t|can'?t|cannot|won'?t|nichts?|keine?[rsnm]?)"
    r"(?: (?:want|like|need|spend|pay|go|to|it|cost|costs|costing|be|priced|anything)){0,4} "
)
_NO_LESS_WORDS: Final = (
    rf"{_NOT}(?:(?:less|cheaper|lower) than|under|below|unter|(?:weniger|billiger|gue?nstiger|niedriger) als)"
)
"""Bounds from below that hold words for one from above: "nothing under"."""
_NO_MORE_WORDS: Final = (
    rf"{_NOT}(?:(?:more|dearer|higher) than|over|above|ue?ber|(?:mehr|teurer|hoe?her) als|more expensive than)"
)
_JOIN: Final = r"(?:or|and|und|oder|&) "
_AND_MORE: Final = (
    rf"{_JOIN}(?:more|up(?:wards?)?|above|over|higher|dearer|mehr|hoe?her|darue?ber|aufwae?rts|teurer)|upwards?|"
    r"aufwae?rts|minimum|mindestens|plus(?=[\s.!?]*$)"
)
"""Behind an amount, which is then the least: "$200 or more"."""
_AND_LESS: Final = (
    rf"{_JOIN}(?:less|lower|under|below|cheaper|weniger|gue?nstiger|billiger|niedriger|darunter)|tops|"
    r"at (?:the )?(?:very )?most|maximum|maximal|hoe?chstens"
)
_NEAR_WORDS: Final = r"around|about|roughly|approx(?:imately|\.)?|circa|ca\.?|ungefae?hr|etwa|rund|so um die"


_DIGIT: Final = re.compile(r"\d")
_BETWEEN: Final = re.compile(
    rf"(?<!\w)(?:between|zwischen|from|von)\s+{_amount('a')}\s*(?:and|und|to|bis|-|\u2013)\s*{_amount('b')}"
)
_RANGE: Final = re.compile(rf"(?<![\w.,]){_amount('a')}\s?(?:to|bis|-|\u2013)\s?{_amount('b')}")
"""A price range only where one end has a currency."""
_UPPER: Final = re.compile(rf"(?<!\w)(?:{_UPPER_WORDS})\s*{_amount('a')}")
_LOWER: Final = re.compile(rf"(?<!\w)(?:{_LOWER_WORDS})\s*{_amount('a')}")
_NO_LESS: Final = re.compile(rf"(?<!\w)(?:{_NO_LESS_WORDS})\s*{_amount('a')}")
_NO_MORE: Final = re.compile(rf"(?<!\w)(?:{_NO_MORE_WORDS})\s*{_amount('a')}")
_OF_THE_NEXT: Final = rf"(?!\s?(?:{_MONEY})?\s?\d)"
"""Behind words that may belong to the next amount instead: "from $50 maximum $100"."""
_AT_LEAST: Final = re.compile(
    rf"(?<![\w.,])(?:(?P<stated>{_LOWER_WORDS})\s)?{_amount('a')}"
    rf"(?:\s?(?P<mark>\+)(?:\s?(?P<markeda>{_MONEY})(?![a-z]))?(?!\w)|\s(?:{_AND_MORE})(?!\w)){_OF_THE_NEXT}"
)
_AT_MOST: Final = re.compile(
    rf"(?<![\w.,])(?:(?P<stated>{_UPPER_WORDS})\s)?{_amount('a')}"
    rf"\s(?:{_AND_LESS}|(?P<mark>max\.?))(?!\w){_OF_THE_NEXT}"
)
_COUNTING: Final = re.compile(r"(?:^|\s)(?:of|size|age[sd]?|pack|set|pro|gro(?:e|ss|sse)?|alter|von) $")
"""Before a number that is no price."""
_BOUNDS: Final = (
    (_NO_LESS, True),
    (_NO_MORE, False),
    (_AT_LEAST, True),
    (_AT_MOST, False),
    (_UPPER, False),
    (_LOWER, True),
)
"""Bounds on prices in the order in which they are looked for, and whether each is the least."""
_NEAR: Final = re.compile(rf"(?<!\w)(?:{_NEAR_WORDS})\s*{_amount('a')}")
_BARE: Final = re.compile(rf"(?<![\w.,])(?:for\s+|fue?r\s+)?{_amount('a')}")
_SALE: Final = re.compile(
    r"(?<!\w)(?:(?:\d{1,2} ?% ?)(?:off|discount|rabatt|reduziert)|on sale|(?:in|im) (?:the )?sale|on special|on offer|"
    r"special offers?|discount(?:ed|s)?|reduced(?! (?:salt|sugar|fat|sodium))|clearance|marked down|bargains?|deals?|"
    r"sales?|im angebot|(?:sonder)?angebote?n?|reduziert(?:e[rsnm]?)?|rabatt(?:e|ierte?[rsnm]?)?|ausverkauf|"
    r"heruntergesetzte?[rsnm]?|schnae?ppchen)(?!\w)"
)
_STOCK: Final = re.compile(
    r"(?<!\w)(?:in stock|available now|now available|currently available|ready to ship|auf lager|"
    r"(?:sofort )?lieferbar|verfue?gbar|vorrae?tig)(?!\w)"
)
_SOLD_OUT: Final = re.compile(
    r"(?<!\w)(?:sold out|out of stock|not in stock|ausverkauft(?:e[rsnm]?)?|vergriffen|"
    r"nicht (?:auf lager|lieferbar))(?!\w)"
)
_NOT_ON_SALE: Final = re.compile(rf"(?<!\w)(?:not|nicht|non)[\s-]{_SALE.pattern}|(?<!\w)full[- ]price(?:d)?(?!\w)")
_NOT_SOLD_OUT: Final = re.compile(rf"(?<!\w)(?:not|nicht)\s{_SOLD_OUT.pattern}")
_ORDERS: Final[tuple[tuple[Sort, re.Pattern[str]], ...]] = (
    (
        "price_low",
        re.compile(
            r"(?<!\w)(?:(?:the )?ch(?:ea|ee)pe?st|(?:at )?(?:the )?lowest prices?|lowest priced|least expensive|"
            r"(?:am |der |die |das )?(?:gue?nstigste|billigste|preiswerteste)[rsnm]?)(?!\w)"
        ),
    ),
    ("price_high", re.compile(r"(?<!\w)(?:(?:the )?most expensive|priciest|dearest|teuerste[rsnm]?)(?!\w)")),
    ("newest", re.compile(r"(?<!\w)(?:newest|latest|new arrivals?|neue?ste[rsnm]?|neuheite?n?)(?!\w)")),
    ("best_selling", re.compile(r"(?<!\w)(?:best[- ]?sell(?:ing|ers?)|most popular|beliebteste[rsnm]?)(?!\w)")),
    (
        "rating",
        re.compile(
            r"(?<!\w)(?:(?:top|best|highest|well|good|great)[- ](?:customer )?(?:rated|reviewed|ratings?|reviews?)"
            r"|rated (?:the )?(?:best|highest)|(?:am )?beste?n? bewertete?[rsnm]?|bestbewertete?[rsnm]?"
            r"|(?:the )?(?:very )?best(?= \w)(?! (?:before|match|price|value|deal|for|gift|present|of)))(?!\w)"
            r"|^\s*(?:(?:the|your) )?top(?: \d{1,2})?(?= [a-z])(?! (?:for|with|in|made|size|that|which|and|or)(?!\w))"
        ),
    ),
)
_NOT_ORDERED: Final = re.compile(rf"(?<!\w)(?:not|nicht)\s(?:{'|'.join(pattern.pattern for _, pattern in _ORDERS)})")


class PhraseReading(Struct, frozen=True, kw_only=True):
    """The conditions that a text states, and what is left of it."""

    text: str
    """Folded."""
    price_min: Money | None = None
    price_max: Money | None = None
    in_stock: bool | None = None
    on_sale: bool | None = None
    sort: Sort | None = None
    quantity: int | None = None
    """Pieces that are wanted."""
    other_currency: bool = False
    """Whether an amount in a currency that is not the store's was left aside."""


class _Amounts:
    """Amounts of one text, in the store's currency."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self.foreign = False

    def read(self, match: re.Match[str], which: str) -> Money | None:
        """The amount of a named group; None, and marked, in another currency."""
        found = match.groupdict()
        named = found[f"before{which}"] or found[f"after{which}"] or found.get(f"marked{which}")
        if named is not None and self._currency not in _CURRENCIES[named]:
            self.foreign = True
            return None
        return Money.of(_number(match[f"number{which}"]), self._currency)


def _number(text: str) -> Decimal:
    """A number in either way of writing: "1,299", "1.299" and "1299" are one, "12,5" and "12.50" have cents."""
    whole, separator, last = text.replace(",", ".").rpartition(".")
    if separator and len(last) != THOUSANDS_DIGITS:
        return Decimal(f"{whole.replace('.', '')}.{last}")
    return Decimal(text.replace(",", "").replace(".", ""))


def read_phrases(text: str, currency: str) -> PhraseReading:
    """Take price, sale, stock and order phrases out of a text.

    A number without a currency is the store's; "$" is the store's dollar where it has one. A number before a unit, such
    as "16 mm" or "2 m", is no price.

    >>> reading = read_phrases("Padle under $200 in stock", "AUD")
    >>> reading.text, str(reading.price_max), reading.in_stock
    ('padle', 'AUD 200.00', True)
    """
    quantity, rest = read_quantity(fold_text(text))
    low, high, rest, foreign = _read_prices(rest, currency) if _DIGIT.search(rest) else (None, None, rest, False)
    full_price, rest = _take_out(_NOT_ON_SALE, rest)
    on_sale, rest = _take_out(_SALE, rest)
    not_sold_out, rest = _take_out(_NOT_SOLD_OUT, rest)
    sold_out, rest = _take_out(_SOLD_OUT, rest)
    in_stock, rest = _take_out(_STOCK, rest)
    sort: Sort | None = None
    rest = _NOT_ORDERED.sub(" ", rest)
    for order, pattern in _ORDERS:
        found, rest = _take_out(pattern, rest)
        sort = order if found and sort is None else sort
    return PhraseReading(
        text=" ".join(rest.split()),
        price_min=low,
        price_max=high,
        in_stock=False if sold_out else in_stock or not_sold_out or None,
        on_sale=False if full_price else on_sale or None,
        sort=sort,
        quantity=quantity,
        other_currency=foreign,
    )


def _read_prices(rest: str, currency: str) -> tuple[Money | None, Money | None, str, bool]:
    """Least and highest price of a folded text, the text without them, and whether an amount was left aside."""
    amounts = _Amounts(currency)
    low: Money | None = None
    high: Money | None = None
    match = _BETWEEN.search(rest) or next(filter(_names_money, _RANGE.finditer(rest)), None)
    if match is not None:
        low, high = amounts.read(match, "a"), amounts.read(match, "b")
        if low is not None and high is not None and low.minor > high.minor:
            low, high = high, low
        rest = _without(rest, match)
    # What says "nothing under" or "or more" holds words of other bounds.
    for pattern, is_low in _BOUNDS:
        match = next(filter(_is_bound, pattern.finditer(rest)), None) if (low if is_low else high) is None else None
        if match is not None:
            amount = amounts.read(match, "a")
            low, high = (amount, high) if is_low else (low, amount)
            rest = _without(rest, match)

    if low is high is None and (match := _NEAR.search(rest)) is not None:
        middle = amounts.read(match, "a")
        if middle is not None:
            low = Money(middle.minor * (100 - ABOUT_PERCENT) // 100, currency)
            high = Money(middle.minor * (100 + ABOUT_PERCENT) // 100, currency)
        rest = _without(rest, match)
    if low is high is None and (match := next(filter(_names_money, _BARE.finditer(rest)), None)) is not None:
        high = amounts.read(match, "a")
        rest = _without(rest, match)
    return low, high, rest, amounts.foreign


def _names_money(match: re.Match[str]) -> bool:
    return any(value for name, value in match.groupdict().items() if name.startswith(("before", "after", "marked")))


def _is_bound(match: re.Match[str]) -> bool:
    """Whether a number is a price: it has a currency, words before it say so, or words behind it end the text."""
    if match.re not in (_AT_LEAST, _AT_MOST) or match["stated"] or _names_money(match):
        return True
    ends = not match.string[match.end() :].strip(" .,;!?")
    return ends and not match["mark"] and _COUNTING.search(match.string[: match.start()]) is None


def _take_out(pattern: re.Pattern[str], text: str) -> tuple[bool, str]:
    rest, count = pattern.subn(" ", text)
    return count > 0, rest


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"
