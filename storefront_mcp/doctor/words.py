"""Sentences that several checks say alike."""

import re
from collections.abc import Mapping
from typing import Final

from storefront_mcp.backends.probing import Why

NO_ANSWER: Final[Mapping[Why, tuple[str, str]]] = {
    "nobody listens": (
        "cannot be reached, as nobody listens there",
        "Start the server, or check the address, its port and the firewall between.",
    ),
    "unknown host": ("cannot be reached, as nobody knows its host", "Check the spelling, or add the name to the DNS."),
    "certificate": (
        "shows a TLS certificate that does not hold",
        "Install a certificate for this host that is valid today, with the chain up to its authority.",
    ),
    "silence": ("did not answer in time", "Find out what keeps it: a firewall that drops, or a server that hangs."),
    "torn": ("broke off in the middle of its answer", "Look at the log of the server and of the proxy before it."),
}
"""What was seen, and what to do."""


def listed(names: "list[str] | tuple[str, ...]", *, most: int = 8) -> str:
    """Names in a sentence, not too many of them."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def country_of(locale: str) -> str | None:
    """The country of a language tag (BCP 47), where it names one.

    >>> country_of("en-AU")
    'AU'
    """
    found = re.search(r"-([A-Za-z]{2})(?:-|$)", locale)
    return None if found is None else found[1].upper()
