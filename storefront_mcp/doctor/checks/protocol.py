"""Whether clients of every protocol version and transport, and those in browsers, get along with the endpoint."""

from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.probing import Unheard
from storefront_mcp.doctor.checks.card import endpoint_of, remotes
from storefront_mcp.doctor.findings import Check, Findings, check, fault, note, ok, warning
from storefront_mcp.doctor.patient import Patient
from storefront_mcp.doctor.talk import Misspoken, Streamable, over_sse, tools
from storefront_mcp.doctor.words import listed
from storefront_mcp.mcp.versions import LEGACY, MODERN, OFFERED, STREAMABLE

FIRST_EVENT: Final = 5.0
"""Seconds until a stream's first event must have come."""
FOREIGN: Final = "https://stranger.example"
KNOWN: Final = {**LEGACY, **MODERN}


@check("protocol.stub", "A closed endpoint says so politely", "address", after=("card.endpoint",))
async def stub(patient: Patient) -> Findings:
    """503 in JSON, which names the card."""
    card = await patient.card()
    if await patient.open():
        yield ok("It is open.")
        return
    heard = await patient.web.ask("GET", endpoint_of(card, patient))
    said = heard.json
    if not isinstance(said, dict) or "server_card" not in said:
        yield warning(
            f"It answers {heard.status} and {heard.media_type or 'nothing'} instead of its announcement.",
            "Let the proxy pass 503 answers on as they are.",
        )
    else:
        yield ok("It names the card.")


@check("protocol.versions", "Clients of every version are understood", "address", after=("card.endpoint",))
async def versions(patient: Patient) -> Findings:
    """The same tools for each of them."""
    if not await patient.open():
        yield ok("Nothing is open yet.")
        return
    url = endpoint_of(await patient.card(), patient)
    named = {
        version
        for remote in remotes(await patient.card())
        if remote.get("type") != "sse"
        for version in remote.get("supportedProtocolVersions", ())
    }
    lists: dict[str, list[str]] = {}
    for id_ in STREAMABLE:
        client = Streamable(patient.web, url, KNOWN[id_])
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
            lists[id_] = sorted(await tools(client))
        except Misspoken as misspoken:
            wrong = fault if id_ in named else warning
            yield wrong(
                f"To a client of {id_}, the endpoint {misspoken}.",
                "Let the proxy pass bodies, statuses and the MCP-* headers on as they are.",
            )
    if len({tuple(found) for found in lists.values()}) > 1:
        yield warning(
            f"{listed(list(lists))} list different tools.", "Examine again: a phase may have been flipped just now."
        )
    elif lists:
        yield ok(f"{listed(list(lists))} are spoken.")


@check("protocol.sse", "The older transport works where the card names it", "address", after=("card.endpoint",))
async def sse(patient: Patient) -> Findings:
    """A stream that a proxy keeps to itself looks like a server that hangs."""
    named = [str(remote.get("url")) for remote in remotes(await patient.card()) if remote.get("type") == "sse"]
    if not named or not await patient.open():
        yield ok("It is not served." if not named else "Nothing is open yet.")
        return
    try:
        async with over_sse(patient.web, named[0], OFFERED, patience=FIRST_EVENT) as client:
            await client.open()
            found = await tools(client)
        yield ok(f"{len(found)} tools are listed there.")
    except Misspoken as misspoken:
        yield fault(
            f"{named[0]} {misspoken}.",
            "Switch buffering and compression off at the proxy for /mcp/sse, and let its streams live for hours.",
        )
    except Unheard as unheard:
        yield fault(
            f"{named[0]} cannot be used: {unheard.why}.", "Let the proxy pass /mcp/sse on, and keep its streams open."
        )


@check("protocol.browsers", "Our own pages may call it, strangers may not", "address", after=("card.endpoint",))
async def browsers(patient: Patient) -> Findings:
    """A preflight as browsers send it, and one from elsewhere (DNS rebinding)."""
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
    stranger = await web.ask("POST", url, {"origin": FOREIGN}, json=ping)
    if stranger.status == HTTPStatus.OK:
        yield warning(
            "Pages of any origin may call the endpoint.",
            "Let the proxy pass Origin on, and keep store.allowed_origins short.",
        )
    else:
        yield ok("Strangers may not.")


CHECKS: Final[tuple[Check, ...]] = (stub, versions, sse, browsers)
