"""Faults of a deployed store, planted one by one in a proxy before a healthy one, each found with its fix."""

import gzip
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.doctor import ExaminationSubject, TimeBudget
from storefront_mcp.doctor.http_client import StoreHttpClient
from storefront_mcp.doctor.patient import CARD
from tests.serving import free_port, served
from tests.unit.doctor.conftest import ExaminedServer
from tests.unit.doctor.planted import certificate
from tests.unit.doctor.stores import Asked, Said, Spoil, at, bad, findings, only

pytestmark = pytest.mark.slow

AREAS = ("address", "documents", "card", "protocol", "journey")
Json = dict[str, Any]


def header(name: str, value: str | None, path: str = CARD) -> Spoil:
    """Set a header of one document, or take it off."""

    def change(said: Said) -> None:
        said.headers.pop(name, None)
        if value is not None:
            said.headers[name] = value

    return at(path, change)


def card(**changes: Any) -> Spoil:
    """Other facts on the card."""

    def change(said: Said) -> None:
        if said.status == 200:
            said.json = {**json.loads(_plain(said)), **changes}

    return at(CARD, change)


def _plain(said: Said) -> bytes:
    return gzip.decompress(said.body) if said.headers.pop("content-encoding", "") == "gzip" else said.body


async def test_a_healthy_store_has_no_fault_and_no_warning(examined: ExaminedServer) -> None:
    report = await only(ExaminationSubject(url=examined.origin, cart=True), *AREAS)

    assert bad(report) == {}
    assert bad(report, "warning") == {}
    assert report.counts["skipped"] == 0
    assert "The cart was left empty." in [finding.says for finding in findings(report, "journey.cart")]


async def test_a_store_that_is_only_announced_has_no_fault_either(closed: ExaminedServer) -> None:
    report = await only(ExaminationSubject(url=closed.origin, cart=True), *AREAS)

    assert bad(report) == {}
    assert bad(report, "warning") == {}
    assert [finding.says for finding in findings(report, "protocol.stub")] == ["It names the card."]


async def test_nobody_listens_at_the_address() -> None:
    report = await only(ExaminationSubject(url=f"http://127.0.0.1:{free_port()}"), *AREAS)

    assert bad(report) == {
        "address.reached": ["Start the server, or check the address, its port and the firewall between."]
    }
    assert report.counts["skipped"] > 10


async def test_a_host_that_is_nowhere() -> None:
    report = await only(ExaminationSubject(url="https://store.invalid"), "address.reached")

    assert bad(report) == {"address.reached": ["Check the spelling, or add the name to the DNS."]}


async def test_a_certificate_that_does_not_hold(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    with served(demo_shop(), ssl_certfile=chain, ssl_keyfile=key) as origin:
        report = await only(ExaminationSubject(url=origin.replace("http:", "https:")), "address.reached")

    assert bad(report) == {
        "address.reached": [
            (
                "Install a certificate for this host with the chain up to a known authority, or name yours in "
                "SSL_CERT_FILE."
            )
        ]
    }


@pytest.mark.parametrize(
    ("days", "level", "fix"),
    [(5, "warning", "Renew it now, and have that done by a machine from now on."), (60, "ok", None)],
)
async def test_a_certificate_that_ends_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, level: str, fix: str | None
) -> None:
    chain, key = certificate(tmp_path, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", chain)
    with served(demo_shop(), ssl_certfile=chain, ssl_keyfile=key) as origin:
        url = origin.replace("http:", "https:")
        report = await only(ExaminationSubject(url=url), "address.reached", "address.certificate", "address.encrypted")
    (found,) = findings(report, "address.certificate")

    assert bad(report) == {}
    assert (found.level, found.fix) == (level, fix)
    assert [one.says for one in findings(report, "address.encrypted")] == ["It is."]


async def test_a_server_that_hangs() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        report = await only(ExaminationSubject(url=url), "address.reached", budget=TimeBudget(answer=0.3))

    assert bad(report) == {
        "address.reached": ["Find out what keeps it: a firewall that drops, or a server that hangs."]
    }


async def test_a_public_address_without_tls() -> None:
    def anything(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={})

    report = await only(
        ExaminationSubject(url="http://pickle.example"), "address.encrypted", transport=httpx.MockTransport(anything)
    )

    assert bad(report) == {"address.encrypted": ["Put a proxy with a TLS certificate before it, and publish https."]}


async def test_an_encrypted_address_that_does_not_say_so_for_good() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    report = await only(
        ExaminationSubject(url="https://pickle.example"), "address.reached", "address.headers", transport=transport
    )

    assert bad(report, "warning") == {"address.headers": ["Let the proxy pass on the headers that the server sends."]}
    (found,) = findings(report, "address.headers")
    assert "Strict-Transport-Security" in found.says


async def test_an_origin_that_redirects(examined: ExaminedServer) -> None:
    def elsewhere(_: Asked, said: Said) -> None:
        said.status, said.headers["location"] = 301, "https://www.pickle.example/"

    examined.proxy.spoil = elsewhere
    report = await only(ExaminationSubject(url=examined.origin), "address")

    assert bad(report) == {
        "address.reached": [
            "Serve the documents where they are asked for: agents and scanners follow no redirect there."
        ]
    }


async def test_a_proxy_that_does_not_pass_the_host_on(examined: ExaminedServer) -> None:
    def rewrite(_: Asked, fields: list[Any]) -> None:
        fields[:] = [(name, b"backend.internal" if name == b"host" else value) for name, value in fields]

    examined.proxy.rewrite = rewrite
    report = await only(ExaminationSubject(url=examined.origin), "address")

    assert bad(report) == {"address.reached": ["Let the proxy pass Host on, or add the host to store.hosts."]}


async def test_a_broken_gateway(examined: ExaminedServer) -> None:
    examined.proxy.spoil = at(CARD, lambda said: setattr(said, "status", 502))
    report = await only(ExaminationSubject(url=examined.origin), "address")

    assert bad(report) == {"address.reached": ["Look at the log of the server and of the proxy before it."]}


async def test_cookies_on_documents(examined: ExaminedServer) -> None:
    examined.proxy.spoil = header("set-cookie", "id=1")
    report = await only(ExaminationSubject(url=examined.origin), "address")

    assert bad(report, "warning") == {
        "address.headers": ["Take the cookie off at the proxy: shared caches keep no answer with one."]
    }


async def test_a_server_that_is_not_ready(examined: ExaminedServer) -> None:
    def sick(asked: Asked, said: Said) -> None:
        if asked.path == "/healthz":
            said.status = 500
        if asked.path == "/readyz":
            said.status, said.body = 503, b'{"database":"down"}'

    examined.proxy.spoil = sick
    report = await only(ExaminationSubject(url=examined.origin), "address")

    assert bad(report) == {"address.health": ["Look at the log of the server."] * 2}
    assert '/readyz answers 503: {"database":"down"}' in [one.says for one in findings(report, "address.health")]


async def test_a_readiness_that_is_told(examined: ExaminedServer) -> None:
    def well(asked: Asked, said: Said) -> None:
        if asked.path in {"/healthz", "/readyz"}:
            said.status = 404 if asked.path == "/healthz" else 200

    examined.proxy.spoil = well
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "address.health")

    assert [one.level for one in findings(report, "address.health")] == ["note", "ok"]


@pytest.mark.parametrize(
    ("state", "level", "fix"),
    [
        ("missing", "warning", "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"),
        ("untrusted", "warning", "trusted_proxies"),
        ("unreadable", "warning", "forwarded_by"),
        ("forwarded", "ok", ""),
        (None, "note", ""),
    ],
)
async def test_a_proxy_that_hides_its_clients(
    examined: ExaminedServer, monkeypatch: pytest.MonkeyPatch, state: str | None, level: str, fix: str
) -> None:
    def hide(asked: Asked, said: Said) -> None:
        said.headers.pop("x-client-address", None)
        if state is not None:
            said.headers["x-client-address"] = state

    examined.proxy.spoil = hide
    monkeypatch.setattr(StoreHttpClient, "is_public", True)
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "address.clients")

    (found,) = findings(report, "address.clients")
    assert found.level == level
    assert fix in (found.fix or "")


async def test_a_page_for_everything(examined: ExaminedServer) -> None:
    examined.proxy.spoil = at("/.env", lambda said: setattr(said, "status", 200))
    report = await only(ExaminationSubject(url=examined.origin), "address")

    assert bad(report) == {"address.nonsense": ["Answer 404 for what is not there."]}


@pytest.mark.parametrize(
    ("change", "check", "fix"),
    [
        (
            header("content-type", "text/html", "/.well-known/ai-catalog.json"),
            "documents.published",
            "Let the proxy leave Content-Type alone, or send application/json.",
        ),
        (
            at("/.well-known/mcp.json", lambda said: setattr(said, "status", 404)),
            "documents.published",
            "Let the proxy pass /mcp and /.well-known on to the server.",
        ),
        (
            at("/.well-known/protocols", lambda said: setattr(said, "status", 500)),
            "documents.published",
            "Look at the log of the server and of the proxy before it.",
        ),
        (
            header("access-control-allow-origin", None),
            "documents.open",
            "Send Access-Control-Allow-Origin: * with every document, also when no Origin is asked with.",
        ),
        (header("vary", None), "documents.validators", "Send Vary: Accept-Encoding with both encodings."),
        (
            header("etag", '"one-for-all"'),
            "documents.validators",
            "Let only one of proxy and server compress, or make the proxy's ETag weak.",
        ),
        (
            at("/robots.txt", lambda said: setattr(said, "status", 503)),
            "documents.robots",
            "Serve it, or answer 404.",
        ),
        (
            at("/robots.txt", lambda said: setattr(said, "body", b"User-agent: GPTBot\nUser-agent: *\nDisallow: /")),
            "documents.robots",
            "Allow / or at least /.well-known/ and /mcp to every User-agent.",
        ),
    ],
)
async def test_a_document_that_does_not_arrive_as_it_was_meant(
    examined: ExaminedServer, change: Spoil, check: str, fix: str
) -> None:
    def unpacked(asked: Asked, said: Said) -> None:
        if asked.path == "/robots.txt" and said.status == 200:
            said.body = _plain(said)
        change(asked, said)

    examined.proxy.spoil = unpacked
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "documents")

    assert bad(report) == {check: [fix]}


async def test_a_stale_validator(examined: ExaminedServer) -> None:
    def stale(asked: Asked, said: Said) -> None:
        if asked.path == CARD and "if-none-match" in asked.headers:
            said.status, said.body = 304, b""

    examined.proxy.spoil = stale
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "documents")

    assert bad(report) == {
        "documents.validators": ["Let the proxy compare If-None-Match with the ETag of now, or not at all."]
    }


@pytest.mark.parametrize(
    ("change", "check", "fix"),
    [
        (header("cache-control", "private"), "documents.cached", "Send Cache-Control: public, max-age=3600."),
        (header("cache-control", None), "documents.cached", "Send Cache-Control: public, max-age=3600."),
        (header("cache-control", "max-age=9000"), "documents.cached", "Send Cache-Control: public, max-age=3600."),
        (header("etag", None), "documents.validators", "Let the proxy pass ETag on."),
        (
            header("etag", '"new-each-time"'),
            "documents.validators",
            "Let the proxy pass If-None-Match on, and ETag back.",
        ),
        (
            at("/index.md", lambda said: setattr(said, "status", 404)),
            "documents.links",
            "Publish what is linked, or take the link out.",
        ),
    ],
)
async def test_a_document_that_could_arrive_better(
    examined: ExaminedServer, change: Spoil, check: str, fix: str
) -> None:
    examined.proxy.spoil = change
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "documents")

    assert bad(report, "warning") == {check: [fix]}


async def test_a_preflight_that_is_refused(examined: ExaminedServer) -> None:
    def refused(asked: Asked, said: Said) -> None:
        if asked.method == "OPTIONS":
            said.status = 405

    examined.proxy.spoil = refused
    report = await only(ExaminationSubject(url=examined.origin), *AREAS)

    assert bad(report, "warning")["documents.open"] == ["Let the proxy pass OPTIONS on to the server."]
    assert bad(report) == {
        "protocol.browsers": [
            "Let the proxy pass OPTIONS and Origin on to the server, and add no CORS headers of its own."
        ]
    }


async def test_no_robots_txt_is_worth_a_note(examined: ExaminedServer) -> None:
    examined.proxy.spoil = at("/robots.txt", lambda said: setattr(said, "status", 404))
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "documents.robots")

    assert bad(report, "note") == {"documents.robots": ["Serve one, with a Sitemap and Content-Signal."]}


async def test_an_endpoint_that_nobody_reads_is_no_dead_link(examined: ExaminedServer) -> None:
    def change(said: Said) -> None:
        said.json = {**json.loads(_plain(said)), "checkout": f"{examined.origin}/acp"}

    examined.proxy.spoil = at("/.well-known/ai-catalog.json", change)
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "documents.links")

    assert bad(report, "warning") == {}


async def test_documents_of_another_origin(examined: ExaminedServer) -> None:
    def foreign(_: Asked, said: Said) -> None:
        said.body = _plain(said).replace(examined.origin.encode(), b"https://old.example")

    examined.proxy.spoil = foreign
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "documents.links", "card")

    assert bad(report)["documents.links"] == [f"Set store.origin to {examined.origin}."]
    assert bad(report)["card.endpoint"] == [
        f"Set store.origin to {examined.origin}, or let each origin publish its own card."
    ]


async def test_a_card_that_is_none(examined: ExaminedServer) -> None:
    examined.proxy.spoil = at(
        CARD, lambda said: (setattr(said, "body", b"<html>"), said.headers.pop("content-encoding", 0))[0]
    )
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    assert bad(report) == {"card.readable": ["Let the proxy pass /.well-known/mcp/ on to the server."]}
    assert {one.check.id for one in report.checked if one.outcome == "skipped"} >= {"card.endpoint", "card.links"}


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({"name": None}, "Publish the card that the server renders, unchanged."),
        ({"status": "soon"}, 'Say "planned", "active" or "paused".'),
    ],
)
async def test_a_card_that_says_too_little(examined: ExaminedServer, changes: Json, fix: str) -> None:
    examined.proxy.spoil = card(**changes)
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card.readable")

    assert bad(report, "warning") == {"card.readable": [fix]}


async def test_a_card_over_a_link_that_is_404(examined: ExaminedServer) -> None:
    examined.proxy.spoil = card(documentation=f"{examined.origin}/manual")
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    assert bad(report) == {"card.links": ["Put it where store.documentation says, or drop that setting."]}


async def test_what_a_stranger_writes_cannot_move_the_cursor_of_a_terminal(examined: ExaminedServer) -> None:
    examined.proxy.spoil = card(icon="https://cdn.invalid/\x1b[31m\u202e\nred.ico", name="\x1b]0;owned\x07Pickle")
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    said = [text for one in report.checked for found in one.findings for text in (found.says, found.fix or "")]
    assert any("cdn.invalid" in text for text in said)
    assert [text for text in said if not text.isprintable()] == []


async def test_a_strangers_card_sends_nobody_into_their_own_network(
    examined: ExaminedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StoreHttpClient, "is_public", True)
    inside = f"http://localhost:{urlsplit(examined.origin).port}/of-the-network.ico"
    change, asked_for = card(icon=inside), []

    def spoil(asked: Asked, said: Said) -> None:
        asked_for.append(asked.path)
        change(asked, said)

    examined.proxy.spoil = spoil
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card.readable", "card.links")

    assert bad(report)["card.links"] == ["Put it where everybody can read it, and say so in store.icon."]
    assert CARD in asked_for
    assert "/of-the-network.ico" not in asked_for


async def test_a_card_over_a_host_that_is_gone(examined: ExaminedServer) -> None:
    examined.proxy.spoil = card(icon="https://cdn.invalid/favicon.ico")
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    assert bad(report, "warning") == {"card.links": ["Put it where store.icon says, or drop that setting."]}


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (404, "Let the proxy pass /mcp on to the server."),
        (301, "Serve it where the card says: a redirect loses what was posted."),
        (502, "Look at the log of the server and of the proxy before it, or pause the phases."),
    ],
)
async def test_a_card_over_an_endpoint_that_is_not_there(examined: ExaminedServer, status: int, fix: str) -> None:
    def gone(said: Said) -> None:
        said.status, said.headers["location"] = status, "/elsewhere"

    examined.proxy.spoil = at("/mcp", gone)
    report = await only(ExaminationSubject(url=examined.origin), *AREAS)

    assert bad(report) == {"card.endpoint": [fix]}


async def test_a_card_that_says_planned_over_an_open_endpoint(examined: ExaminedServer) -> None:
    examined.proxy.spoil = card(status="planned")
    report = await only(ExaminationSubject(url=examined.origin), *AREAS)

    assert bad(report) == {
        "card.endpoint": [
            ("Let no cache keep the card longer than an hour, and restart the server if it shows an old roadmap.")
        ]
    }


async def test_a_closed_endpoint_that_does_not_say_when(closed: ExaminedServer) -> None:
    closed.proxy.spoil = header("retry-after", None, "/mcp")
    report = await only(ExaminationSubject(url=closed.origin), *AREAS)

    assert bad(report, "warning") == {"card.endpoint": ["Let the proxy pass Retry-After on."]}


async def test_a_proxy_with_an_error_page_of_its_own(closed: ExaminedServer) -> None:
    def page(said: Said) -> None:
        said.headers["content-type"], said.body = "text/html", b"<h1>Back soon</h1>"

    closed.proxy.spoil = at("/mcp", page)
    report = await only(ExaminationSubject(url=closed.origin), *AREAS)

    assert bad(report, "warning") == {"protocol.stub": ["Let the proxy pass 503 answers on as they are."]}


def listing(change: Any) -> Spoil:
    """Change the tools of every list."""

    def spoil(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and said.status == 200 and b'"tools":[' in said.body:
            body = said.json
            body["result"]["tools"] = change(body["result"]["tools"])
            said.json = body

    return spoil


async def test_tools_that_are_advertised_and_missing(examined: ExaminedServer) -> None:
    examined.proxy.spoil = listing(lambda tools: [tool for tool in tools if tool["name"] != "get_product"])
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    assert bad(report) == {
        "card.tools": [
            ("Restart the server if it shows an old roadmap, and let no cache keep documents longer than an hour.")
        ]
    }
    assert "get_product" in findings(report, "card.tools")[0].says


async def test_tools_that_nobody_promised(examined: ExaminedServer) -> None:
    examined.proxy.spoil = listing(lambda tools: [*tools, {"name": "sell_the_shop"}])
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    assert bad(report, "warning") == {"card.tools": ["Let no cache keep the card longer than an hour."]}


async def test_no_tools_at_all(examined: ExaminedServer) -> None:
    def none(asked: Asked, said: Said) -> None:
        listing(lambda _: [])(asked, said)
        if asked.path == "/mcp/tools":
            said.status = 404

    examined.proxy.spoil = none
    report = await only(ExaminationSubject(url=examined.origin), *AREAS)

    assert bad(report)["card.tools"] == ["Open a phase: storefront-mcp phases open NAME"]
    assert bad(report, "note") == {"journey.browse": ["See which phase opens it: storefront-mcp phases"]}


async def test_versions_that_nobody_knows(examined: ExaminedServer) -> None:
    remote = {"type": "streamable-http", "url": f"{examined.origin}/mcp", "supportedProtocolVersions": ["2031-01-01"]}
    examined.proxy.spoil = card(remotes=[remote])
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card")

    assert bad(report, "warning") == {"card.versions": ["Update storefront-mcp."]}


async def test_a_version_on_the_card_that_is_not_spoken(examined: ExaminedServer) -> None:
    def older(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and b'"protocolVersion":"2025-06-18"' in said.body:
            said.body = said.body.replace(b"2025-06-18", b"2025-03-26")

    examined.proxy.spoil = older
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card", "protocol")

    assert bad(report) == {"protocol.versions": ["Publish the card that the server renders, unchanged."]}


async def test_a_version_that_is_neither_spoken_nor_named(examined: ExaminedServer) -> None:
    remote = {"type": "streamable-http", "url": f"{examined.origin}/mcp", "supportedProtocolVersions": ["2025-11-25"]}

    def newest_only(asked: Asked, said: Said) -> None:
        card(remotes=[remote])(asked, said)
        if asked.path == "/mcp" and asked.headers.get("mcp-protocol-version") == "2026-07-28":
            said.json = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "No."}}
        if asked.path == "/mcp":
            for version in (b"2025-06-18", b"2025-03-26"):
                said.body = said.body.replace(b'"protocolVersion":"' + version, b'"protocolVersion":"2025-11-25')

    examined.proxy.spoil = newest_only
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card", "protocol")

    assert bad(report) == {}
    assert [one.level for one in findings(report, "protocol.versions")] == ["note", "note", "warning", "ok"]


async def test_a_proxy_that_drops_what_clients_say_of_themselves(examined: ExaminedServer) -> None:
    def rewrite(_: Asked, fields: list[Any]) -> None:
        fields[:] = [(name, value) for name, value in fields if not name.startswith(b"mcp-")]

    examined.proxy.rewrite = rewrite
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card", "protocol")

    assert bad(report) == {
        "protocol.versions": ["Let the proxy pass bodies, statuses and the MCP-* headers on as they are."]
    }


async def test_versions_that_list_different_tools(examined: ExaminedServer) -> None:
    def fewer(asked: Asked, said: Said) -> None:
        if asked.headers.get("mcp-protocol-version") == "2026-07-28":
            listing(lambda tools: tools[1:])(asked, said)

    examined.proxy.spoil = fewer
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card", "protocol")

    assert bad(report, "warning") == {"protocol.versions": ["Examine again: a phase may have been flipped just now."]}


SSE_FIX = "Switch buffering and compression off at the proxy for /mcp/sse, and let its streams live for hours."


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (404, "application/json", b"{}"),
        (200, "text/html", b""),
        (200, "text/event-stream", b""),
        (200, "text/event-stream", b"event: message\ndata: {}\n\n"),
    ],
)
async def test_an_older_transport_that_is_named_and_does_not_work(
    examined: ExaminedServer, status: int, kind: str, body: bytes
) -> None:
    def sse(asked: Asked, said: Said) -> None:
        remote = {"type": "sse", "url": f"{examined.origin}/stream", "supportedProtocolVersions": ["2024-11-05"]}
        card(remotes=[remote])(asked, said)
        if asked.path == "/stream":
            said.status, said.headers["content-type"], said.body = status, kind, body

    examined.proxy.spoil = sse
    report = await only(
        ExaminationSubject(url=examined.origin), "address.reached", "card.readable", "card.endpoint", "protocol.sse"
    )

    assert bad(report) == {"protocol.sse": [SSE_FIX]}


async def test_an_older_transport_that_takes_no_messages(examined: ExaminedServer) -> None:
    examined.proxy.spoil = at("/mcp/sse/message", lambda said: setattr(said, "status", 404))
    report = await only(
        ExaminationSubject(url=examined.origin), "address.reached", "card.readable", "card.endpoint", "protocol.sse"
    )

    assert bad(report) == {"protocol.sse": [SSE_FIX]}


async def test_an_older_transport_that_is_nowhere(examined: ExaminedServer) -> None:
    remote = {"type": "sse", "url": f"http://127.0.0.1:{free_port()}/sse"}
    examined.proxy.spoil = card(remotes=[remote])
    report = await only(
        ExaminationSubject(url=examined.origin), "address.reached", "card.readable", "card.endpoint", "protocol.sse"
    )

    assert bad(report) == {"protocol.sse": ["Let the proxy pass /mcp/sse on, and keep its streams open."]}


async def test_cors_that_is_blocked(examined: ExaminedServer) -> None:
    def blocked(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and asked.method == "OPTIONS":
            said.headers.pop("access-control-allow-origin", None)

    examined.proxy.spoil = blocked
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card", "protocol")

    assert bad(report) == {
        "protocol.browsers": [
            "Let the proxy pass OPTIONS and Origin on to the server, and add no CORS headers of its own."
        ]
    }


async def test_cors_that_is_careless(examined: ExaminedServer) -> None:
    def careless(asked: Asked, fields: list[Any]) -> None:
        if asked.path == "/mcp":
            fields[:] = [(name, value) for name, value in fields if name != b"origin"]

    def generous(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and asked.method == "OPTIONS":
            said.headers |= {"access-control-allow-origin": "*", "access-control-allow-headers": "content-type"}

    examined.proxy.rewrite, examined.proxy.spoil = careless, generous
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "card", "protocol")

    assert bad(report, "warning") == {
        "protocol.browsers": [
            "Let the proxy pass Access-Control-Allow-Headers on as it is.",
            "Let the proxy pass Origin on, and keep store.allowed_origins short.",
        ]
    }
