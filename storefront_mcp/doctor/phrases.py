"""Texts and formatting that several checks share."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.probe import ProbeResponse
from storefront_mcp.backends.probe_failures import Why
from storefront_mcp.findings import Finding

NO_ANSWER_TEXT: Final[Mapping[Why, tuple[str, str]]] = {
    "nobody listens": (
        "cannot be reached, as nobody listens there",
        "Start the server, or check the address, its port and the firewall between.",
    ),
    "no route": (
        "cannot be reached, as no network leads there",
        "Check the address, and the routes and firewalls of this machine.",
    ),
    "unknown host": (
        "cannot be reached, as nobody knows its host",
        "Check the spelling, or add the name to the DNS.",
    ),
    "no connection": (
        "took no connection in time",
        "Find out what drops it: a firewall, a wrong address, or a server that is down.",
    ),
    "not encrypted": (
        "is asked by https and speaks plain http on that port",
        "Write http:// if it is meant to, else the port of https, or switch TLS on there.",
    ),
    "encrypted": (
        "is asked by plain http and wants https on that port",
        "Write https:// instead of http://.",
    ),
    "wrong name": (
        "shows a TLS certificate for another host name",
        "Use the name that the certificate is for, or install one for this host.",
    ),
    "expired": (
        "shows a TLS certificate that has expired or is not valid yet",
        "Renew the certificate, and check the clock of this machine.",
    ),
    "certificate": (
        "shows a TLS certificate of an authority that is not trusted here",
        "Install a certificate for this host with the chain up to a known authority, or name yours in SSL_CERT_FILE.",
    ),
    "silence": (
        "did not answer in time",
        "Find out what keeps it: a firewall that drops, or a server that hangs.",
    ),
    "torn": ("broke off in the middle of its answer", "Look at the log of the server and of the proxy before it."),
}
"""Finding and fix for each cause of a failed request."""


def refusal_finding(subject: str, response: ProbeResponse, *, conclusive: bool = True) -> Finding:
    """The fault of a shop's error, by its status; `subject` is what answers: "The shop https://shop.example"."""
    says, fix = (
        _REFUSAL_TEXT.get(response.status)
        or _REFUSAL_TEXT[500 if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR else 404]
    )
    kind = ", a web page" if response.media_type == "text/html" else ""
    return Finding(level="fault", says=f"{subject} {says} ({response.status}{kind}).", fix=fix, conclusive=conclusive)


_REFUSAL_TEXT: Final[Mapping[int, tuple[str, str]]] = {
    401: ("wants a login", "Let this machine in without one: its interface is for guests."),
    403: (
        "forbids us to ask",
        "Let this machine in: look at the firewall or bot protection before the shop, and at what it permits guests.",
    ),
    404: (
        "is not there, or is somebody else's",
        "Let the web server pass the whole of the shop's interface on, and check store.upstream.url.",
    ),
    429: ("is asked too often", "Exempt this machine from the limits of the shop and of the firewall before it."),
    500: ("is broken", "Look at the shop's own log."),
    503: ("is not available", "End the shop's maintenance mode, or see its own log for what keeps it."),
}
"""What an error of a shop means, and what to do about it."""


def list_names(names: "list[str] | tuple[str, ...]", *, most: int = 8) -> str:
    """Names joined by commas, the rest beyond `most` as a number."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def country_of(locale: str) -> str | None:
    """The region of a BCP 47 language tag, or None.

    >>> country_of("en-AU")
    'AU'
    """
    found = re.search(r"-([A-Za-z]{2})(?:-|$)", locale)
    return None if found is None else found[1].upper()
