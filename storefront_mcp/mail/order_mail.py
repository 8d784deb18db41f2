"""The confirmation of an order as a message: plain text and HTML, in the store's language."""

import datetime as dt
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Final

import jinja2
import msgspec
from msgspec import Struct

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.order import OutstandingPayment
from storefront_mcp.commerce.origins import host_of
from storefront_mcp.commerce.plain_text import visible_line
from storefront_mcp.commerce.store import Store

TEMPLATES: Final = Path(__file__).with_name("templates")
ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    autoescape=jinja2.select_autoescape(("html.j2",)),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
FALLBACK_LANGUAGE: Final = "en"


class MailSettings(Struct, frozen=True, kw_only=True):
    """What an operator sets about the mails of a store."""

    sender: str
    """E-mail address in From."""
    contact: str = ""
    """How buyers reach the shop, a text."""


def order_mail(
    checkout: Checkout, store: Store, settings: MailSettings, *, payment: OutstandingPayment | None, at: float
) -> EmailMessage:
    """The confirmation of a placed order; `at` is its date in Unix seconds.

    Its Message-ID is made of the checkout's, so that a message which is sent twice is known to be one. Raises
    ValueError when the checkout's personal data is erased or the address cannot stand in a header.
    """
    if checkout.personal is None:
        raise ValueError("the buyer's data is erased")
    from storefront_mcp.web.formatting import format_money  # noqa: PLC0415 -- large, and a server may never send a mail

    draft = checkout.personal.draft
    words = phrases(store.locale)
    shown = {
        "store": store,
        "words": words,
        "lang": words["language"],
        "number": checkout.order_number,
        "checkout": checkout,
        "totals": checkout.totals,
        "payment": payment,
        "contact": settings.contact,
        "ship_to": () if draft.shipping_address is None else address_lines(draft.shipping_address),
        "bill_to": address_lines(draft.billing_address),
        "money": lambda amount: format_money(amount, store.locale),
    }
    message = EmailMessage()
    message["From"] = Address(display_name=visible_line(store.name), addr_spec=settings.sender)
    message["To"] = Address(addr_spec=draft.email)
    message["Subject"] = visible_line(
        words["subject"].format(number=checkout.order_number or checkout.id, store=store.name)
    )
    message["Date"] = format_datetime(dt.datetime.fromtimestamp(int(at), dt.UTC))
    message["Message-ID"] = f"<{checkout.id}@{host_of(store.origin).partition(':')[0]}>"
    # RFC 3834: no vacation answers to it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(ENVIRONMENT.get_template("order.txt.j2").render(shown))
    message.add_alternative(ENVIRONMENT.get_template("order.html.j2").render(shown), subtype="html")
    # Not before: setting the content removes its headers.
    message["Content-Language"] = words["language"]
    return message


def address_lines(address: PostalAddress) -> list[str]:
    """An address as it is written on a parcel."""
    lines = (
        address.name,
        address.company,
        *address.street.splitlines(),
        f"{address.postcode} {address.city}",
        address.region,
        address.country,
    )
    return [one for line in lines if (one := " ".join(line.split()))]


def phrases(locale: str) -> dict[str, str]:
    """The texts of a mail in a locale's language, in English where there are none."""
    known = _all_phrases()
    return known.get(locale.partition("-")[0].lower(), known[FALLBACK_LANGUAGE])


@cache
def _all_phrases() -> dict[str, dict[str, str]]:
    read = msgspec.json.decode(Path(__file__).with_name("phrases.json").read_bytes(), type=dict[str, dict[str, str]])
    return {language: {"language": language, **texts} for language, texts in read.items()}
