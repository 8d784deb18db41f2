"""Jinja templates of buyer pages, and amounts and times formatted for people (Babel)."""

import base64
import copy
import datetime as dt
import hashlib
import re
import unicodedata
from functools import cache
from typing import Any, Final

import jinja2
from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_timedelta
from markupsafe import Markup
from msgspec import Struct

from storefront_mcp.commerce.money import Money, currency_exponent
from storefront_mcp.commerce.store import Store
from storefront_mcp.web.translations import PageTexts

PAGE_LANGUAGE: Final = "en"
"""The language of pages without another."""
DIGIT_BOUNDARY: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where a currency's letters meet a digit (CLDR "currencySpacing", which Babel leaves out)."""
COUNTRY_CODE_CHARS: Final = 2
NO_COUNTRIES: Final = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
"""Codes of territories in CLDR that are no countries of ISO 3166-1."""
LOADER: Final = jinja2.PackageLoader("storefront_mcp.web", "buyer_templates")
ENVIRONMENT: Final = jinja2.Environment(
    loader=LOADER,
    autoescape=jinja2.select_autoescape(("html.j2",)),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""Of buyer pages; the console overlays its own templates."""


def render_template(template: str, store: Store, *, style: str, **values: Any) -> str:  # noqa: ANN401 -- template values
    """A rendered page in the store's language, where we have it.

    Templates have `t(text)`, `money(amount)`, `moment(seconds)` and `left(seconds)`.
    """
    texts = PageTexts(store.locale)
    return ENVIRONMENT.get_template(template).render(
        store=store,
        style=Markup(style),  # noqa: S704 -- our own text around a number
        t=texts,
        lang=texts.tag,
        dir=texts.direction,
        money=lambda amount: format_money(amount, store.locale),
        moment=lambda at: format_moment(at, texts.language),
        left=lambda seconds: format_time_left(seconds, texts.language),
        **values,
    )


def format_money(amount: Money, locale: str) -> str:
    """An amount in a locale's format, with as many digits as ISO 4217 says: CLDR rounds some currencies to cash."""
    known = _locale(locale)
    pattern = copy.copy(known.currency_formats["standard"])
    pattern.frac_prec = (currency_exponent(amount.currency),) * 2
    return DIGIT_BOUNDARY.sub(
        "\N{NO-BREAK SPACE}", pattern.apply(amount.major(), known, currency=amount.currency, currency_digits=False)
    )


class FormattedTime(Struct, frozen=True):
    """An instant for people, in UTC."""

    text: str
    """`21 November 2026, 16:05 UTC`"""
    iso: str


def format_moment(at: int, language: str = PAGE_LANGUAGE) -> FormattedTime:
    """Format Unix seconds."""
    instant = dt.datetime.fromtimestamp(at, dt.UTC)
    pattern = {PAGE_LANGUAGE: "d MMMM y, HH:mm", "ja": "y年M月d日 HH:mm"}.get(language, "d MMMM y, HH:mm")
    text = f"{format_datetime(instant, pattern, locale=language)} UTC"
    return FormattedTime(text, instant.strftime("%Y-%m-%dT%H:%M:%SZ"))


def format_time_left(seconds: float, language: str = PAGE_LANGUAGE) -> str:
    """A rounded duration: `23 hours`."""
    return format_timedelta(
        dt.timedelta(seconds=max(seconds, 60)), granularity="minute", threshold=1.5, locale=language
    )


@cache
def country_names(locale: str) -> tuple[tuple[str, str], ...]:
    """Codes of ISO 3166-1 alpha-2 and names of countries, by name, in a locale's language where we have it."""
    language = Locale.parse(PageTexts(locale).language)
    territories = ((str(code), str(name)) for code, name in language.territories.items())
    named = [
        (code, name)
        for code, name in territories
        if code.isalpha() and len(code) == COUNTRY_CODE_CHARS and code not in NO_COUNTRIES
    ]
    return tuple(sorted(named, key=lambda one: _collation(one[1])))


def _collation(name: str) -> str:
    """A name without its accents, as people look for it."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold() or name


@cache
def _locale(tag: str) -> Locale:
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(PAGE_LANGUAGE)


@cache
def style(hue: int) -> tuple[str, str]:
    """The style sheet and its CSP hash."""
    text = ENVIRONMENT.get_template("buyer.css.j2").render(hue=hue)
    return text, f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
