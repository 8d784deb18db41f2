"""The console's templates, filled in; loaded when somebody first signs in, as most workers never show a page."""

import datetime as dt
from functools import cache
from typing import Any, Final

import jinja2

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.store import Store
from storefront_mcp.web.printing import Moment, moment, money

ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.ChoiceLoader(
        [
            jinja2.PackageLoader("storefront_mcp.web.console", "templates"),
            jinja2.PackageLoader("storefront_mcp.web", "pay_templates"),
        ]
    ),
    autoescape=jinja2.select_autoescape(("html.j2",)),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""The console's own templates, and the style sheet of the page where people pay."""


def filled_in(template: str, store: Store, values: dict[str, Any]) -> bytes:
    """A page, or a part of one. Templates may say `money(amount)` and `when(instant)`."""
    shown = {"store": store, "when": when, "money": lambda amount: _money(amount, store)}
    return ENVIRONMENT.get_template(template).render(shown | values).encode()


def when(at: dt.datetime | float | str) -> Moment:
    """An instant for people: as a datetime, in Unix seconds, or as the audit spells it."""
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    return moment(int(at.timestamp() if isinstance(at, dt.datetime) else at))


@cache
def style(hue: int) -> bytes:
    """The style sheet."""
    return ENVIRONMENT.get_template("console.css.j2").render(hue=hue).encode()


def _money(amount: Money, store: Store) -> str:
    return money(amount, store.locale)
