"""Templates for people who buy, and how amounts and times are written for them."""

import base64
import copy
import datetime as dt
import hashlib
import re
from functools import cache
from typing import Any, Final

import jinja2
from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_timedelta
from markupsafe import Markup
from msgspec import Struct

from storefront_mcp.commerce.money import Money, exponent
from storefront_mcp.commerce.store import Store

SPOKEN: Final = "en"
"""The language that these pages are written in."""
APART: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where a currency's letters meet a digit (CLDR "currencySpacing", which Babel leaves out)."""
ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("storefront_mcp.web", "pay_templates"),
    autoescape=jinja2.select_autoescape(("html.j2",)),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def filled_in(template: str, store: Store, *, style: str, **values: Any) -> str:  # noqa: ANN401 -- template values
    """A whole page. Templates may say `money(amount)`, `moment(seconds)` and `left(seconds)`."""
    return ENVIRONMENT.get_template(template).render(
        store=store,
        style=Markup(style),  # noqa: S704 -- our own, and nothing of the shop is in it but a number
        lang=store.locale if store.locale.split("-")[0] == SPOKEN else SPOKEN,
        money=lambda amount: money(amount, store.locale),
        moment=moment,
        left=left,
        **values,
    )


def money(amount: Money, locale: str) -> str:
    """An amount as people of a locale write it, with every digit that is charged.

    ISO 4217 says how many digits there are: CLDR rounds some currencies to what is usual in cash.
    """
    known = _locale(locale)
    pattern = copy.copy(known.currency_formats["standard"])
    pattern.frac_prec = (exponent(amount.currency),) * 2
    return APART.sub(
        "\N{NO-BREAK SPACE}", pattern.apply(amount.major(), known, currency=amount.currency, currency_digits=False)
    )


class Moment(Struct, frozen=True):
    """An instant for people, whose time zone we do not know."""

    text: str
    """`21 November 2026, 16:05 UTC`"""
    iso: str


def moment(at: int) -> Moment:
    """Unix seconds for people."""
    instant = dt.datetime.fromtimestamp(at, dt.UTC)
    text = f"{format_datetime(instant, 'd MMMM y, HH:mm', locale=SPOKEN)} UTC"
    return Moment(text, instant.strftime("%Y-%m-%dT%H:%M:%SZ"))


def left(seconds: float) -> str:
    """A time to go, roughly: `23 hours`."""
    return format_timedelta(dt.timedelta(seconds=max(seconds, 60)), granularity="minute", threshold=1.5, locale=SPOKEN)


@cache
def _locale(tag: str) -> Locale:
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(SPOKEN)


@cache
def style(hue: int) -> tuple[str, str]:
    """The style sheet and its CSP hash."""
    text = ENVIRONMENT.get_template("pay.css.j2").render(hue=hue)
    return text, f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
