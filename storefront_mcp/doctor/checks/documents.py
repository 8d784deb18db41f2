"""Whether what is published arrives as it was meant: media types, caching, validators, CORS, links."""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from cards import CARDS
from storefront_mcp.backends.probing import Unheard
from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import CARD, Patient
from storefront_mcp.doctor.words import listed
from storefront_mcp.roadmap.card import Card

DISCOVERY: Final[tuple[Card, ...]] = tuple(card for card in CARDS if card.group == "discovery")
WANTED: Final = frozenset({"server-card", "mcp-json", "endpoint-card", "ai-catalog", "api-catalog"})
"""What scanners look for first."""
CATALOGS: Final = ("/.well-known/ai-catalog.json", "/.well-known/api-catalog")
MOST: Final = 25
"""Links that are followed."""


@check(
    "documents.published",
    "Scanners find the documents, each with its media type",
    "address",
    after=("address.reached",),
)
async def published(patient: Patient) -> Findings:
    """Every address of every document."""
    found = await asyncio.gather(*(patient.page(card.paths[0]) for card in DISCOVERY))
    there = 0
    for card, heard in zip(DISCOVERY, found, strict=True):
        path, wanted = card.paths[0], card.media_type.partition(";")[0]
        if heard.status == HTTPStatus.NOT_FOUND:
            if card.name in WANTED:
                yield fault(f"{path} is not there.", "Let the proxy pass /mcp and /.well-known on to the server.")
        elif heard.status != HTTPStatus.OK:
            yield fault(f"{path} answers {heard.status}.", "Look at the log of the server and of the proxy before it.")
        elif heard.media_type != wanted:
            yield fault(
                f"{path} is sent as {heard.media_type or 'nothing'} instead of {wanted}.",
                f"Let the proxy leave Content-Type alone, or send {wanted}.",
            )
        else:
            there += 1
    yield ok(f"{there} documents are as they should be.")


@check("documents.open", "Pages of any origin may read them", "address", after=("address.reached",))
async def readable(patient: Patient) -> Findings:
    """Unconditionally, as some readers send no Origin; and a preflight is answered."""
    path, heard = CARD, await patient.page(CARD)
    if heard.headers.get("access-control-allow-origin") != "*":
        yield fault(
            f"{path} may not be read by pages of other origins.",
            "Send Access-Control-Allow-Origin: * with every document, also when no Origin is asked with.",
        )
    asked = {"origin": "https://agent.example", "access-control-request-method": "GET"}
    preflight = await patient.web.ask("OPTIONS", path, asked)
    if preflight.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
        yield warning(
            f"A preflight of {path} is answered {preflight.status}.", "Let the proxy pass OPTIONS on to the server."
        )
    if heard.headers.get("access-control-allow-origin") == "*":
        yield ok("They may.")


@check("documents.cached", "Caches keep them, and no longer than they are true", "address", after=("address.reached",))
async def cached(patient: Patient) -> Findings:
    """An hour is what every reader agrees with."""
    heard = await patient.page(CARD)
    said = heard.headers.get("cache-control", "")
    age = re.search(r"max-age=(\d+)", said)
    if "no-store" in said or "private" in said or age is None:
        yield warning(
            f"{CARD} is not cached ({said or 'no Cache-Control'}).", "Send Cache-Control: public, max-age=3600."
        )
    elif int(age[1]) > 3600:  # noqa: PLR2004 -- an hour
        yield warning(
            f"{CARD} is kept for {age[1]} s after it has changed.", "Send Cache-Control: public, max-age=3600."
        )
    else:
        yield ok(f"They are kept for {age[1]} s.")


@check("documents.validators", "What has not changed is not sent again", "address", after=("address.reached",))
async def validators(patient: Patient) -> Findings:
    """An ETag for each encoding, a 304 for the right one and for no other (RFC 9110 §8.8.3, §13.1.2)."""
    web = patient.web
    plain, packed = await asyncio.gather(
        web.ask("GET", CARD, {"accept-encoding": "identity"}), web.ask("GET", CARD, {"accept-encoding": "gzip"})
    )
    tag = plain.headers.get("etag")
    if tag is None:
        yield warning(f"{CARD} has no ETag.", "Let the proxy pass ETag on.")
        return
    wrong = await web.ask("GET", CARD, {"if-none-match": '"examined"', "accept-encoding": "identity"})
    if wrong.status == HTTPStatus.NOT_MODIFIED:
        yield fault(
            f"{CARD} is said to be unchanged whatever a reader has: an old card would be kept for good.",
            "Let the proxy compare If-None-Match with the ETag of now, or not at all.",
        )
    again = await web.ask("GET", CARD, {"if-none-match": tag, "accept-encoding": "identity"})
    if again.status != HTTPStatus.NOT_MODIFIED:
        yield warning(
            f"{CARD} is sent anew although nothing has changed.", "Let the proxy pass If-None-Match on, and ETag back."
        )
    if packed.headers.get("content-encoding") and packed.headers.get("etag") == tag and not tag.startswith("W/"):
        yield fault(
            f"{CARD} has one strong ETag for two encodings.",
            "Let only one of proxy and server compress, or make the proxy's ETag weak.",
        )
    if "accept-encoding" not in plain.headers.get("vary", "").lower():
        yield fault(
            f"{CARD} varies by encoding and does not say so.", "Send Vary: Accept-Encoding with both encodings."
        )
    else:
        yield ok("Validators are looked at.")


@check("documents.robots", "Robots may read what agents need", "address", after=("address.reached",))
async def robots(patient: Patient) -> Findings:
    """An error on robots.txt means that nothing may be read (RFC 9309 §2.3.1)."""
    heard = await patient.page("/robots.txt")
    text = heard.body.decode("utf-8", "replace")
    if heard.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield fault(f"/robots.txt answers {heard.status}, which means: read nothing.", "Serve it, or answer 404.")
    elif heard.status != HTTPStatus.OK:
        yield note("There is no /robots.txt here.", "Serve one, with a Sitemap and Content-Signal.")
    elif any(path in _forbidden(text) for path in ("/", "/mcp", "/.well-known", "/.well-known/")):
        yield fault(
            "/robots.txt forbids what agents need.", "Allow / or at least /.well-known/ and /mcp to every User-agent."
        )
    else:
        yield ok("/robots.txt lets them.")


@check("documents.links", "Links between the documents lead somewhere", "address", after=("address.reached",))
async def links(patient: Patient) -> Findings:
    """Those of llms.txt and of both catalogs; the endpoint itself need not answer a GET."""
    listing = await patient.page("/llms.txt")
    named: list[str] = []
    if listing.status == HTTPStatus.OK and listing.media_type == "text/plain":
        named += re.findall(r"https?://[^\s)>\]]+", listing.body.decode("utf-8", "replace"))
    for path in CATALOGS:
        named += _addresses(await patient.document(path))
    ours = [url for url in dict.fromkeys(named) if url.startswith(f"{patient.web.origin}/")][:MOST]
    found = await asyncio.gather(*(_status(patient, url) for url in ours if not url.endswith("/mcp")))
    dead = [url for url, status in found if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}]
    if dead:
        yield warning(f"Links lead nowhere: {listed(dead)}.", "Publish what is linked, or take the link out.")
    else:
        yield ok(f"{len(found)} links lead somewhere.")
    elsewhere = [url for url in dict.fromkeys(named) if not url.startswith(patient.web.origin)]
    if elsewhere and not ours:
        yield fault(
            f"The documents speak of another origin: {listed(elsewhere, most=1)}.",
            f"Set store.origin to {patient.web.origin}.",
        )


async def _status(patient: Patient, url: str) -> tuple[str, int]:
    try:
        return url, (await patient.web.get(url)).status
    except Unheard:
        return url, 0


def _addresses(document: Mapping[str, Any]) -> list[str]:
    """Every absolute URL among a document's values."""
    found: list[str] = []
    waiting: list[Any] = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [value for key, value in one.items() if key not in {"type", "$schema"}]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and one.startswith(("http://", "https://")):
            found.append(one)
    return found


def _forbidden(robots_txt: str) -> set[str]:
    """What the group for every User-agent may not read."""
    forbidden: set[str] = set()
    everybody = named = False
    for line in robots_txt.splitlines():
        field, _, value = (part.strip() for part in line.partition("#")[0].partition(":"))
        if field.lower() == "user-agent":
            # Several lines in a row open one group.
            everybody = value == "*" or (everybody and named)
            named = True
            continue
        named = False
        if everybody and field.lower() == "disallow" and value:
            forbidden.add(value)
        if everybody and field.lower() == "allow":
            forbidden.discard(value)
    return forbidden


CHECKS: Final[tuple[Check, ...]] = (published, readable, cached, validators, robots, links)
