"""Every row of the table in docs/protocols.md, sent over every protocol version and over both transports."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.agent import HANDSHAKE, VERSIONS
from tests.journeys.conftest import flip
from tests.unit.mcp.requests import Json, message
from tests.unit.uvicorn_protocol.connections import Wire, posted
from tests.unit.web.odd_requests import ODD_REQUESTS, OddRequest
from tests.unit.web.serving import ServedStore
from tests.unit.web.test_sse import Streams, address_on

JSON = {"content-type": "application/json"}
ON_STREAMS = [odd for odd in ODD_REQUESTS if not odd.header_only]


def name_of(odd: OddRequest) -> str:
    return odd.shown


def check_answer(told: Json, code: int | None) -> None:
    """A result where no error is expected; the id is an integer, and never null."""
    assert told.get("error", {}).get("code") == code, told
    assert told.get("id", 1) in {1, 5}
    assert not isinstance(told.get("id"), float)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("odd", ODD_REQUESTS, ids=name_of)
async def test_an_odd_request_gets_what_the_manual_says(odd: OddRequest, version: str) -> None:
    body, fields = odd.make(version)
    response = await ServedStore().ask("POST", "/mcp", {**JSON, **fields}, content=body)
    wanted = odd.outcome(version)
    assert response.status_code == wanted.status, response.text
    if wanted.status == 202:
        assert response.content == b""
    elif wanted.status == 415:
        assert response.headers["accept-encoding"] == "identity"
    else:
        check_answer(response.json(), wanted.code)


@pytest.mark.parametrize("version", HANDSHAKE)
@pytest.mark.parametrize("odd", ON_STREAMS, ids=name_of)
async def test_an_odd_message_gets_the_same_over_the_older_transport(odd: OddRequest, version: str) -> None:
    streams, wire = Streams(), Wire()
    body, fields = odd.make(version)
    # The host is the wire's own.
    sent = [(name.encode(), value.encode()) for name, value in fields.items() if name != "host"]
    async with wire.open(streams.app):
        address = await address_on(wire)
        status, answered, said = await posted(streams.app, address, body, sent)
        if odd.legacy.status == 200:
            assert status == 202
            check_answer(await wire.message(), odd.legacy.code)
        else:
            assert status == odd.legacy.status
        if odd.legacy.status == 415:
            assert answered["accept-encoding"] == "identity"
        elif odd.legacy.code is not None:
            check_answer(json.loads(said), odd.legacy.code)


@pytest.mark.parametrize("wrong", ["null", "true", "1e300", "-0.5", "[1]", r'"a\ud800"'])
async def test_what_is_no_id_is_no_notification_either(wrong: str) -> None:
    body = json.dumps(message("ping")).replace('"id": 1', f'"id": {wrong}')
    for sent in (body, body.replace("{", '{"params":7,', 1), f"[{body}]"):
        version = {"mcp-protocol-version": "2025-03-26"} if sent.startswith("[") else {}
        response = await ServedStore().ask("POST", "/mcp", JSON | version, content=sent)
        assert (response.status_code, response.json()["error"]["code"]) in {(400, -32600), (400, -32602)}
        assert "id" not in response.json()


@pytest.mark.parametrize("twice", ["2025-11-25, 2025-06-18", "2025-11-25,2025-11-25"])
async def test_a_list_of_versions_does_not_keep_a_handshake_from_succeeding(twice: str) -> None:
    hello = message("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}})
    response = await ServedStore().ask(
        "POST", "/mcp", {**JSON, "mcp-protocol-version": twice}, content=json.dumps(hello)
    )
    assert response.json()["result"]["protocolVersion"] == "2025-06-18"


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf" * 300_000, b'["\\ud800"' + rb'"\ud800"' * 100_000, b"\xef\xbb\xbf[" * 9]
)
async def test_what_cannot_be_repaired_is_refused_once(content: bytes) -> None:
    response = await ServedStore().ask("POST", "/mcp", JSON, content=content)
    assert response.status_code == 400
    assert response.json()["error"]["code"] in {-32700, -32600}


async def test_an_array_of_the_one_version_that_has_them_may_begin_with_a_mark_and_hold_responses() -> None:
    batch = json.dumps([message("ping"), {"jsonrpc": "2.0", "id": 9, "result": {"text": "@"}}])
    body = b"\xef\xbb\xbf" + batch.replace("@", r"\\ud800 \ud800 \ud83d\ude00").encode()
    response = await ServedStore().ask("POST", "/mcp", {**JSON, "mcp-protocol-version": "2025-03-26"}, content=body)
    assert response.json() == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


PROXY, STRANGER = "127.0.0.1", "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "sent", "prefix"),
    [
        (PROXY, [], ""),
        (PROXY, [b"/agents"], "/agents"),
        (PROXY, [b"/agents/v2/"], "/agents/v2"),
        (STRANGER, [b"/agents"], ""),
        (PROXY, [b"/a", b"/b"], ""),
        *[
            (PROXY, [odd], "")
            for odd in (b"", b"/", b"agents", b"//evil.example", b"/a/../b?", b"/a\r\n", b"/a b", b"/%0a")
        ],
    ],
)
@pytest.mark.slow
async def test_the_stream_names_its_address_below_the_path_that_a_trusted_proxy_cut_off(
    tmp_path: Path, peer: str, sent: list[bytes], prefix: str
) -> None:
    settings = demo_settings(8000, state=tmp_path)
    settings = replace(settings, stores=(replace(settings.stores[0], hosts=("pickle.example",)),))
    flip(settings, {"p1_browse": "active"})
    app, wire = create_app(settings), Wire()
    async with app.lifespan(), wire.open(app, headers=[(b"x-forwarded-prefix", one) for one in sent], client=peer):
        _, address = await wire.event()
        assert address.startswith(f"{prefix}/mcp/sse/message?sessionId=")
