"""Checks of the published documents over HTTP: media types, CORS, caching, validators, robots.txt, links."""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from storefront_mcp.agent_protocols.acp import ACP_MOUNT
from storefront_mcp.backends.probe import ProbeFailed
from storefront_mcp.cards import CARDS
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import CARD, ExaminedStore
from storefront_mcp.doctor.phrases import list_names
from storefront_mcp.findings import fault, note, ok, warning
from storefront_mcp.roadmap.card import Card

DISCOVERY: Final[tuple[Card, ...]] = tuple(card for card in CARDS if card.group == "discovery")
EXPECTED_DOCUMENTS: Final = frozenset({"server-card", "mcp-json", "endpoint-card", "ai-catalog", "api-catalog"})
"""Documents whose absence is a fault, as scanners look for them first."""
CATALOGS: Final = ("/.well-known/ai-catalog.json", "/.well-known/api-catalog")
ENDPOINTS: Final = ("/mcp", ACP_MOUNT)
"""Ends of addresses at which agents begin and which nobody reads."""
MAX_LINKS: Final = 25
"""Links that are followed."""


@check(
    "documents.published",
    "Do scanners find the documents, each with its media type?",
    "address",
    after=("address.reached",),
)
async def check_published(patient: ExaminedStore) -> Findings:
    """GET the first path of every discovery document."""
    found = await asyncio.gather(*(patient.page(card.paths[0]) for card in DISCOVERY))
    there = 0
    for card, response in zip(DISCOVERY, found, strict=True):
        path, wanted = card.paths[0], card.media_type.partition(";")[0]
        if response.status == HTTPStatus.NOT_FOUND:
            if card.name in EXPECTED_DOCUMENTS:
                yield fault(f"{path} is not there.", "Let the proxy pass /mcp and /.well-known on to the server.")
        elif response.status != HTTPStatus.OK:
            yield fault(
                f"{path} answers {response.status}.", "Look at the log of the server and of the proxy before it."
            )
        elif response.media_type != wanted:
            yield fault(
                f"{path} is sent as {response.media_type or 'nothing'} instead of {wanted}.",
                f"Let the proxy leave Content-Type alone, or send {wanted}.",
            )
        else:
            there += 1
    yield ok(f"{there} documents are as they should be.")


@check("documents.open", "May pages of any origin read them?", "address", after=("address.reached",))
async def check_readable(patient: ExaminedStore) -> Findings:
    """`Access-Control-Allow-Origin: *` also without Origin, and an answered preflight."""
    path, response = CARD, await patient.page(CARD)
    if response.headers.get("access-control-allow-origin") != "*":
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
    if response.headers.get("access-control-allow-origin") == "*":
        yield ok("They may.")


@check(
    "documents.cached", "Do caches keep them, and no longer than they are true?", "address", after=("address.reached",)
)
async def check_cached(patient: ExaminedStore) -> Findings:
    """Cache-Control allows shared caches for at most 3600 s."""
    response = await patient.page(CARD)
    said = response.headers.get("cache-control", "")
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


@check("documents.validators", "Is only sent again what has changed?", "address", after=("address.reached",))
async def check_validators(patient: ExaminedStore) -> Findings:
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


@check(
    "documents.robots",
    "Is there a robots.txt that lets agents read what they need?",
    "address",
    after=("address.reached",),
)
async def check_robots(patient: ExaminedStore) -> Findings:
    """An error on robots.txt means that nothing may be read (RFC 9309 §2.3.1)."""
    response = await patient.page("/robots.txt")
    text = response.body.decode("utf-8", "replace")
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield fault(f"/robots.txt answers {response.status}, which means: read nothing.", "Serve it, or answer 404.")
    elif response.status != HTTPStatus.OK:
        yield note("There is no /robots.txt here.", "Serve one, with a Sitemap and Content-Signal.")
    elif any(path in _forbidden(text) for path in ("/", "/mcp", "/.well-known", "/.well-known/")):
        yield fault(
            "/robots.txt forbids what agents need.", "Allow / or at least /.well-known/ and /mcp to every User-agent."
        )
    else:
        yield ok("/robots.txt lets them.")


@check("documents.links", "Do links between the documents lead somewhere?", "address", after=("address.reached",))
async def check_links(patient: ExaminedStore) -> Findings:
    """Links of llms.txt and both catalogs, up to MAX_LINKS; endpoints need not answer GET."""
    listing = await patient.page("/llms.txt")
    named: list[str] = []
    if listing.status == HTTPStatus.OK and listing.media_type == "text/plain":
        named += re.findall(r"https?://[^\s)>\]]+", listing.body.decode("utf-8", "replace"))
    for path in CATALOGS:
        named += _addresses(await patient.document(path))
    ours = [url for url in dict.fromkeys(named) if url.startswith(f"{patient.web.origin}/")][:MAX_LINKS]
    found = await asyncio.gather(*(_status(patient, url) for url in ours if not url.endswith(ENDPOINTS)))
    dead = [url for url, status in found if status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}]
    if dead:
        yield warning(f"Links lead nowhere: {list_names(dead)}.", "Publish what is linked, or take the link out.")
    else:
        yield ok(f"{len(found)} links lead somewhere.")
    elsewhere = [url for url in dict.fromkeys(named) if not url.startswith(patient.web.origin)]
    if elsewhere and not ours:
        yield fault(
            f"The documents speak of another origin: {list_names(elsewhere, most=1)}.",
            f"Set store.origin to {patient.web.origin}.",
        )


async def _status(patient: ExaminedStore, url: str) -> tuple[str, int]:
    try:
        return url, (await patient.web.get(url)).status
    except ProbeFailed:
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
    """Paths that robots.txt disallows for `User-agent: *` (RFC 9309)."""
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


CHECKS: Final[tuple[DoctorCheck, ...]] = (
    check_published,
    check_readable,
    check_cached,
    check_validators,
    check_robots,
    check_links,
)
