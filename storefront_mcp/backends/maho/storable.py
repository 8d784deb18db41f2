"""Refuses text that Maho's tables (utf8mb3) cannot hold: it would fail the request, some of it after the order.

A note that cannot be stored fails after the commit: there is an order, and the response is a 500 all the same.
"""

from typing import Final

from storefront_mcp.backends.postal.emails import has_email_form
from storefront_mcp.commerce.errors import AddressRefused, OrderRefused

MAX_CODE_POINT: Final = 0xFFFF
"""The last character that is stored; emoji and rare ideographs are beyond it."""
ADDRESS_FIELDS: Final = {
    "firstName": "the first name",
    "lastName": "the last name",
    "company": "the company",
    "street": "the street",
    "city": "the city",
    "region": "the region",
    "postcode": "the postcode",
    "telephone": "a phone number",
}
"""Fields of an address, as error messages name them."""


def unstorable_characters(text: str) -> str:
    """The characters of a text that cannot be stored, each once; empty when it is fine."""
    return "".join(dict.fromkeys(character for character in text if ord(character) > MAX_CODE_POINT))


def is_email(text: str) -> bool:
    """Whether a text has the form of an e-mail address, which Maho does not look at, and can be stored."""
    return has_email_form(text) and not unstorable_characters(text)


def check_note(note: str) -> None:
    """Raise OrderRefused for a note that cannot be stored."""
    if bad := unstorable_characters(note):
        raise OrderRefused(f"it cannot store {bad!r} in the note. Leave such characters out.")


def check_address(written: dict[str, object]) -> None:
    """Raise AddressRefused for an address, in Maho's form, that cannot be stored."""
    for key, name in ADDRESS_FIELDS.items():
        if bad := unstorable_characters(str(written.get(key, ""))):
            raise AddressRefused(f"The shop cannot store {bad!r} in {name}: write it without.")
