"""Texts of an address as they are sent to a shop, without what stands for nothing."""

from typing import Final

from storefront_mcp.backends.postal.formats import PostalFormat
from storefront_mcp.backends.postal.placeholders import is_placeholder
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.errors import AddressRefused
from storefront_mcp.commerce.plain_text import visible_line, visible_text

QUOTED_FIELDS: Final = ("street", "city", "region", "postcode")
"""What a quote depends on."""
PERSON_FIELDS: Final = ("first_name", "last_name", "company", "phone")
OPTIONAL_FIELDS: Final = frozenset({"company", "region"})
"""Fields in which a placeholder is as good as nothing."""


def address_texts(address: Address | PostalAddress, rules: PostalFormat, *, what: str) -> dict[str, str]:
    """The texts of an address by what agents call them, the street by lines; of a quote's without the person.

    `what` is what agents call the address. Raises AddressRefused for a placeholder that something is sent to, and for a
    postcode that may have lost its zeros.
    """
    quoted = isinstance(address, Address)
    written = {name: visible_line(getattr(address, name)) for name in (*QUOTED_FIELDS, *PERSON_FIELDS)}
    lines = visible_text(address.street).splitlines()
    written["street"] = "\n".join(plain for one in lines if (plain := " ".join(one.split())))
    for name, text in written.items():
        if quoted and name in PERSON_FIELDS:
            written[name] = ""
        elif is_placeholder(name, text):
            unused = name in OPTIONAL_FIELDS or (name == "postcode" and not rules.has_postcode)
            if not unused and (name == "postcode" or not quoted):
                advice = " Leave it out for a buyer with one name." if name == "last_name" else ""
                raise AddressRefused(f"{what}.{name} is {text!r}, which stands for nothing.{advice}")
            written[name] = ""
    _check_postcode(written["postcode"], rules, what=what)
    return written


def _check_postcode(given: str, rules: PostalFormat, *, what: str) -> None:
    """Raise AddressRefused for a number that may have lost its leading zeros; any other is the shop's matter."""
    if rules.postcode is None or not given.isdecimal() or rules.postcode.fullmatch(given):
        return
    whole = next((zeros for count in (1, 2) if rules.postcode.fullmatch(zeros := "0" * count + given)), None)
    if whole is not None:
        raise AddressRefused(f"{what}.postcode is {given!r}: if it is {whole!r}, send it as text with its zeros.")
