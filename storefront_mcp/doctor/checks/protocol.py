"""Checks of the endpoint: every protocol version, both transports, the 503 stub, and CORS."""

from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.probe import ProbeFailed
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.checks.card import check_remotes, endpoint_of
from storefront_mcp.doctor.mcp_client import ProtocolViolation, StreamableHttpClient, list_tools, over_sse
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.doctor.phrases import list_names
from storefront_mcp.findings import fault, note, ok, warning
from storefront_mcp.mcp.versions import (
    HANDSHAKE_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    MODERN_VERSIONS,
    STREAMABLE_HTTP_VERSIONS,
)

FIRST_EVENT_SECONDS: Final = 5.0
"""Timeout in seconds of a stream's first event."""
FOREIGN_ORIGIN: Final = "https://stranger.example"
KNOWN_VERSIONS: Final = {**HANDSHAKE_VERSIONS, **MODERN_VERSIONS}


@check("protocol.stub", "Does a closed endpoint say so politely?", "address", after=("card.endpoint",))
async def check_stub(patient: ExaminedStore) -> Findings:
    """A closed endpoint answers JSON that links the card."""
    card = await patient.card()
    if await patient.open():
        yield ok("It is open.")
        return
    response = await patient.web.ask("GET", endpoint_of(card, patient))
    said = response.json
    if not isinstance(said, dict) or "server_card" not in said:
        yield warning(
            f"It answers {response.status} and {response.media_type or 'nothing'} instead of its announcement.",
            "Let the proxy pass 503 answers on as they are.",
        )
    else:
        yield ok("It names the card.")


@check("protocol.versions", "Are clients of every version understood?", "address", after=("card.endpoint",))
async def check_versions(patient: ExaminedStore) -> Findings:
    """List tools in every version; those on the card must be served, all with the same tools."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    url = endpoint_of(await patient.card(), patient)
    named = {
        version
        for remote in check_remotes(await patient.card())
        if remote.get("type") != "sse"
        for version in remote.get("supportedProtocolVersions", ())
    }
    lists: dict[str, list[str]] = {}
    for id_ in STREAMABLE_HTTP_VERSIONS:
        client = StreamableHttpClient(patient.web, url, KNOWN_VERSIONS[id_])
        try:
            await client.open()
            if client.agreed != id_ and id_ not in named:
                yield note(f"{id_} is not spoken here.")
                continue
            if client.agreed != id_:
                yield fault(
                    f"{id_} is on the card, and a client that asks for it is answered in {client.agreed or 'none'}.",
                    "Publish the card that the server renders, unchanged.",
                )
                continue
            lists[id_] = sorted(await list_tools(client))
        except ProtocolViolation as violation:
            wrong = fault if id_ in named else warning
            yield wrong(
                f"To a client of {id_}, the endpoint {violation}.",
                "Let the proxy pass bodies, statuses and the MCP-* headers on as they are.",
            )
    if len({tuple(found) for found in lists.values()}) > 1:
        yield warning(
            f"{list_names(list(lists))} list different tools.", "Examine again: a phase may have been flipped just now."
        )
    elif lists:
        yield ok(f"{list_names(list(lists))} are spoken.")


@check("protocol.sse", "Does the older transport work where the card names it?", "address", after=("card.endpoint",))
async def check_sse(patient: ExaminedStore) -> Findings:
    """HTTP+SSE: a buffering proxy holds the first event back."""
    named = [str(remote.get("url")) for remote in check_remotes(await patient.card()) if remote.get("type") == "sse"]
    if not named or not await patient.open():
        yield ok("It is not served." if not named else "Nothing is open yet.")
        return
    try:
        async with over_sse(
            patient.web, named[0], LATEST_HANDSHAKE_VERSION, timeout_seconds=FIRST_EVENT_SECONDS
        ) as client:
            await client.open()
            found = await list_tools(client)
        yield ok(f"{len(found)} tools are listed there.")
    except ProtocolViolation as violation:
        yield fault(
            f"{named[0]} {violation}.",
            "Switch buffering and compression off at the proxy for /mcp/sse, and let its streams live for hours.",
        )
    except ProbeFailed as failure:
        yield fault(
            f"{named[0]} cannot be used: {failure.why}.", "Let the proxy pass /mcp/sse on, and keep its streams open."
        )


@check("protocol.browsers", "May our own pages call it, and strangers not?", "address", after=("card.endpoint",))
async def check_browsers(patient: ExaminedStore) -> Findings:
    """A preflight of our origin is allowed; a POST of a foreign one is not (DNS rebinding)."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    url, web = endpoint_of(await patient.card(), patient), patient.web
    asked = {
        "origin": web.origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, mcp-protocol-version",
    }
    preflight = await web.ask("OPTIONS", url, asked)
    allowed = preflight.headers.get("access-control-allow-origin", "")
    headers = preflight.headers.get("access-control-allow-headers", "").lower()
    if preflight.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT} or allowed not in {web.origin, "*"}:
        yield fault(
            f"A page of {web.origin} may not call the endpoint: its preflight is answered {preflight.status}.",
            "Let the proxy pass OPTIONS and Origin on to the server, and add no CORS headers of its own.",
        )
    elif "mcp-protocol-version" not in headers:
        yield warning(
            "Browsers may not send MCP-Protocol-Version.",
            "Let the proxy pass Access-Control-Allow-Headers on as it is.",
        )
    else:
        yield ok("Our own pages may.")
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    stranger = await web.ask("POST", url, {"origin": FOREIGN_ORIGIN}, json=ping)
    if stranger.status == HTTPStatus.OK:
        yield warning(
            "Pages of any origin may call the endpoint.",
            "Let the proxy pass Origin on, and keep store.allowed_origins short.",
        )
    else:
        yield ok("Strangers may not.")


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_stub, check_versions, check_sse, check_browsers)
