"""Checks of the server card: its endpoint, links, tools and protocol versions."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from storefront_mcp.backends.probe import ProbeFailed
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.mcp_client import StreamableHttpClient, list_tools
from storefront_mcp.doctor.patient import CARD, ExaminedStore
from storefront_mcp.doctor.phrases import list_names
from storefront_mcp.findings import fault, ok, warning
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_VERSIONS
from storefront_mcp.public_http.addresses import is_public_address, resolve_host
from storefront_mcp.roadmap.roadmap import Condition

LINKS: Final = ("icon", "documentation", "privacy_policy")
SETTINGS: Final = {
    "icon": "store.icon",
    "documentation": "store.documentation",
    "privacy_policy": "store.privacy_policy",
}
STATUSES: Final = frozenset(get_args(Condition))
TOOLS_PATH: Final = "/mcp/tools"


def endpoint_of(card: Mapping[str, Any], patient: ExaminedStore) -> str:
    """The MCP endpoint's URL on the card; default: `/mcp` of the origin."""
    said = card.get("endpoint") or card.get("url") or card.get("serverUrl")
    return said if isinstance(said, str) else patient.web.url("/mcp")


@check("card.readable", "Is there a card with what every reader looks for?", "address", after=("address.reached",))
async def check_readable(patient: ExaminedStore) -> Findings:
    """A JSON object with name, version, status and endpoint."""
    response = await patient.page(CARD)
    card = await patient.card()
    if not card:
        yield fault(
            f"{CARD} is no JSON object ({response.status} {response.media_type or 'without a type'}).",
            "Let the proxy pass /.well-known/mcp/ on to the server.",
        )
        return
    missing = [key for key in ("name", "version", "status", "endpoint") if not isinstance(card.get(key), str)]
    if missing:
        yield warning(f"The card has no {list_names(missing)}.", "Publish the card that the server renders, unchanged.")
    elif card["status"] not in STATUSES:
        yield warning(f"The card's status is {card['status']!r}.", 'Say "planned", "active" or "paused".')
    else:
        yield ok(f"{card['name']}, {card['status']}.")


@check(
    "card.endpoint", "Is the endpoint on this origin and as open as the card says?", "address", after=("card.readable",)
)
async def check_endpoint(patient: ExaminedStore) -> Findings:
    """Same origin, no 404 or redirect; 503 with Retry-After if "planned", no 5xx if "active", either if "paused"."""
    card = await patient.card()
    url, web = endpoint_of(card, patient), patient.web
    if not url.startswith(f"{web.origin}/"):
        yield fault(
            f"The card is {web.origin}'s, and its endpoint is {url}.",
            f"Set store.origin to {web.origin}, or let each origin publish its own card.",
        )
        return
    answer = await web.ask("POST", url, json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
    planned, paused = card.get("status") == "planned", card.get("status") == "paused"
    closed = answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    if answer.status == HTTPStatus.NOT_FOUND:
        yield fault(f"The card's endpoint {url} is not there.", "Let the proxy pass /mcp on to the server.")
    elif answer.redirects:
        yield fault(
            f"The card's endpoint {url} sends clients elsewhere, to {answer.headers['location']}.",
            "Serve it where the card says: a redirect loses what was posted.",
        )
    elif planned and not closed:
        yield fault(
            f'The card says "planned", and the endpoint answers {answer.status}.',
            "Let no cache keep the card longer than an hour, and restart the server if it shows an old roadmap.",
        )
    elif not planned and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not (paused and closed):
        yield fault(
            f'The card says "{card.get("status", "active")}", and the endpoint answers {answer.status}.',
            "Look at the log of the server and of the proxy before it, or pause the phases.",
        )
    elif closed and "retry-after" not in answer.headers:
        yield warning("The endpoint does not say when to try again.", "Let the proxy pass Retry-After on.")
    else:
        yield ok(f"{url} answers as the card says.")


async def _leads_inside(patient: ExaminedStore, url: str) -> bool:
    """Whether a stranger's card leads whoever examines it to an address of their own network."""
    host = urlsplit(patient.web.url(url)).hostname or ""
    if not patient.web.is_public or "settings" in patient.has or host == patient.web.host:
        return False
    try:
        return not all(map(is_public_address, await resolve_host(host)))
    except OSError:
        return False  # nobody is there


@check("card.links", "Is what the card links to there?", "address", after=("card.readable",))
async def check_links(patient: ExaminedStore) -> Findings:
    """Icon, documentation and privacy policy, on any origin that strangers may send us to."""
    card = await patient.card()
    found = {name: card[name] for name in LINKS if isinstance(card.get(name), str)}
    for name in [name for name, url in found.items() if await _leads_inside(patient, url)]:
        yield fault(
            f"The card's {name} {found.pop(name)} is not on the internet: agents cannot read it, and it was not asked.",
            f"Put it where everybody can read it, and say so in {SETTINGS[name]}.",
        )
    answers = await asyncio.gather(*(patient.web.get(url) for url in found.values()), return_exceptions=True)
    for (name, url), response in zip(found.items(), answers, strict=True):
        if isinstance(response, ProbeFailed):
            yield warning(
                f"The card's {name} {url} cannot be reached.",
                f"Put it where {SETTINGS[name]} says, or drop that setting.",
            )
        elif isinstance(response, BaseException):
            raise response
        elif response.status >= HTTPStatus.BAD_REQUEST:
            yield fault(
                f"The card's {name} {url} answers {response.status}.",
                f"Put it where {SETTINGS[name]} says, or drop that setting.",
            )
        else:
            yield ok(f"{name} is there.")


@check("card.tools", "Are the listed tools those that are promised?", "address", after=("card.endpoint",))
async def check_promised_tools(patient: ExaminedStore) -> Findings:
    """`tools/list` has every tool that is published as open, and none that is not on the card."""
    if not await patient.open():
        yield ok("None are listed yet.")
        return
    card = await patient.card()
    client = StreamableHttpClient(patient.web, endpoint_of(card, patient), LATEST_HANDSHAKE_VERSION)
    await client.open()
    there = await list_tools(client)
    catalogue = (await patient.document(TOOLS_PATH)).get("tools")
    # Without a tool catalogue, the card's `tools` count as open unless it has `planned_tools`.
    shown = _names(catalogue) or ([] if "planned_tools" in card else _names(card.get("tools")))
    missing = [name for name in shown if name not in there]
    if missing:
        yield fault(
            f"These tools are published as open and not listed: {list_names(missing)}.",
            "Restart the server if it shows an old roadmap, and let no cache keep documents longer than an hour.",
        )
    unknown = [name for name in there if name not in {*_names(card.get("planned_tools")), *_names(card.get("tools"))}]
    if unknown:
        yield warning(
            f"These tools are listed and not on the card: {list_names(unknown)}.",
            "Let no cache keep the card longer than an hour.",
        )
    if not there:
        yield fault(
            'The card says "active", and no tool is listed.',
            f"Open a phase: {patient.command('phases', 'open', 'NAME')}",
        )
    elif not missing and not unknown:
        yield ok(f"{len(there)} tools, all of them promised.")


@check("card.versions", "Does every protocol version on the card exist?", "address", after=("card.readable",))
async def check_versions(patient: ExaminedStore) -> Findings:
    """Names only; `protocol.versions` checks that they are served."""
    known = {*HANDSHAKE_VERSIONS, *MODERN_VERSIONS}
    said = {
        version
        for remote in check_remotes(await patient.card())
        for version in remote.get("supportedProtocolVersions", ())
    }
    unknown = sorted(said - known)
    if unknown:
        yield warning(f"The card names versions that we do not know: {list_names(unknown)}.", "Update storefront-mcp.")
    else:
        yield ok(f"{len(said) or 'No'} versions are named.")


def check_remotes(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The `remotes` of a card that are objects."""
    said = card.get("remotes")
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _names(tools_: object) -> list[str]:
    """Names in a list of tools of a document."""
    listing = tools_ if isinstance(tools_, list) else []
    return [str(one["name"]) for one in listing if isinstance(one, dict) and "name" in one]


CHECKS: Final[tuple[DoctorCheck, ...]] = (
    check_readable,
    check_endpoint,
    check_links,
    check_promised_tools,
    check_versions,
)
