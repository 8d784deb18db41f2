"""Whether the card tells the truth: its endpoint, its links, its tools, its versions."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from storefront_mcp.backends.probing import Unheard
from storefront_mcp.doctor.findings import Check, Findings, check, fault, ok, warning
from storefront_mcp.doctor.patient import CARD, Patient
from storefront_mcp.doctor.talk import Streamable, tools
from storefront_mcp.doctor.words import listed
from storefront_mcp.mcp.versions import LEGACY, MODERN, OFFERED

LINKS: Final = ("icon", "documentation", "privacy_policy")
SETTINGS: Final = {
    "icon": "store.icon",
    "documentation": "store.documentation",
    "privacy_policy": "store.privacy_policy",
}
CATALOGUE: Final = "/mcp/tools"


def endpoint_of(card: Mapping[str, Any], patient: Patient) -> str:
    """Where the card says that MCP is spoken; the usual place where it says nothing."""
    said = card.get("endpoint") or card.get("url") or card.get("serverUrl")
    return said if isinstance(said, str) else patient.web.url("/mcp")


@check("card.readable", "There is a card, with what every reader looks for", "address", after=("address.reached",))
async def readable(patient: Patient) -> Findings:
    """A JSON object with a name, a status and an endpoint."""
    heard = await patient.page(CARD)
    card = await patient.card()
    if not card:
        yield fault(
            f"{CARD} is no JSON object ({heard.status} {heard.media_type or 'without a type'}).",
            "Let the proxy pass /.well-known/mcp/ on to the server.",
        )
        return
    missing = [key for key in ("name", "version", "status", "endpoint") if not isinstance(card.get(key), str)]
    if missing:
        yield warning(f"The card has no {listed(missing)}.", "Publish the card that the server renders, unchanged.")
    elif card["status"] not in {"planned", "active"}:
        yield warning(f"The card's status is {card['status']!r}.", 'Say "planned" or "active".')
    else:
        yield ok(f"{card['name']}, {card['status']}.")


@check(
    "card.endpoint", "The endpoint is on this origin and as open as the card says", "address", after=("card.readable",)
)
async def endpoint(patient: Patient) -> Findings:
    """A card that leads elsewhere, to nothing, or to a closed door is worse than none."""
    card = await patient.card()
    url, web = endpoint_of(card, patient), patient.web
    if not url.startswith(f"{web.origin}/"):
        yield fault(
            f"The card is {web.origin}'s, and its endpoint is {url}.",
            f"Set store.origin to {web.origin}, or let each origin publish its own card.",
        )
        return
    answer = await web.ask("POST", url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    planned = card.get("status") == "planned"
    if answer.status == HTTPStatus.NOT_FOUND:
        yield fault(f"The card's endpoint {url} is not there.", "Let the proxy pass /mcp on to the server.")
    elif answer.redirects:
        yield fault(
            f"The card's endpoint {url} sends clients elsewhere, to {answer.headers['location']}.",
            "Serve it where the card says: a redirect loses what was posted.",
        )
    elif planned and answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
        yield fault(
            f'The card says "planned", and the endpoint answers {answer.status}.',
            "Let no cache keep the card longer than an hour, and restart the server if it shows an old roadmap.",
        )
    elif not planned and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        yield fault(
            f'The card says "active", and the endpoint answers {answer.status}.',
            "Look at the log of the server and of the proxy before it, or pause the phases.",
        )
    elif planned and "retry-after" not in answer.headers:
        yield warning("The endpoint does not say when to try again.", "Let the proxy pass Retry-After on.")
    else:
        yield ok(f"{url} answers as the card says.")


@check("card.links", "What the card links to is there", "address", after=("card.readable",))
async def links(patient: Patient) -> Findings:
    """Its icon, documentation and privacy policy, wherever they are."""
    card = await patient.card()
    found = {name: card[name] for name in LINKS if isinstance(card.get(name), str)}
    answers = await asyncio.gather(*(patient.web.get(url) for url in found.values()), return_exceptions=True)
    for (name, url), heard in zip(found.items(), answers, strict=True):
        if isinstance(heard, Unheard):
            yield warning(
                f"The card's {name} {url} cannot be reached.",
                f"Put it where {SETTINGS[name]} says, or drop that setting.",
            )
        elif isinstance(heard, BaseException):
            raise heard
        elif heard.status >= HTTPStatus.BAD_REQUEST:
            yield fault(
                f"The card's {name} {url} answers {heard.status}.",
                f"Put it where {SETTINGS[name]} says, or drop that setting.",
            )
        else:
            yield ok(f"{name} is there.")


@check("card.tools", "The tools that are listed are those that are promised", "address", after=("card.endpoint",))
async def promised(patient: Patient) -> Findings:
    """What is published as open is listed, and nothing is listed that nobody promised."""
    if not await patient.open():
        yield ok("None are listed yet.")
        return
    card = await patient.card()
    client = Streamable(patient.web, endpoint_of(card, patient), OFFERED)
    await client.open()
    there = await tools(client)
    catalogue = (await patient.document(CATALOGUE)).get("tools")
    # Without our catalogue, all that a card shows with a schema counts as open.
    shown = _names(catalogue) or ([] if "planned_tools" in card else _names(card.get("tools")))
    missing = [name for name in shown if name not in there]
    if missing:
        yield fault(
            f"These tools are published as open and not listed: {listed(missing)}.",
            "Restart the server if it shows an old roadmap, and let no cache keep documents longer than an hour.",
        )
    unknown = [name for name in there if name not in {*_names(card.get("planned_tools")), *_names(card.get("tools"))}]
    if unknown:
        yield warning(
            f"These tools are listed and not on the card: {listed(unknown)}.",
            "Let no cache keep the card longer than an hour.",
        )
    if not there:
        yield fault('The card says "active", and no tool is listed.', "Open a phase: storefront-mcp phases open NAME")
    elif not missing and not unknown:
        yield ok(f"{len(there)} tools, all of them promised.")


@check("card.versions", "Every protocol version on the card is one that exists", "address", after=("card.readable",))
async def versions(patient: Patient) -> Findings:
    """Whether they are spoken is asked by the endpoint's own checks."""
    known = {*LEGACY, *MODERN}
    said = {
        version for remote in remotes(await patient.card()) for version in remote.get("supportedProtocolVersions", ())
    }
    unknown = sorted(said - known)
    if unknown:
        yield warning(f"The card names versions that we do not know: {listed(unknown)}.", "Update storefront-mcp.")
    else:
        yield ok(f"{len(said) or 'No'} versions are named.")


def remotes(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every way to reach the server that the card names."""
    said = card.get("remotes")
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _names(tools_: object) -> list[str]:
    """Names of tools, as a document lists them."""
    listing = tools_ if isinstance(tools_, list) else []
    return [str(one["name"]) for one in listing if isinstance(one, dict) and "name" in one]


CHECKS: Final[tuple[Check, ...]] = (readable, endpoint, links, promised, versions)
