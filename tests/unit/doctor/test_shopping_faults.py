"""What goes wrong while an agent shops, and servers of other makes that we can shop at too."""

import itertools
import json
from typing import Any

import httpx
import pytest

from storefront_mcp.doctor import ExaminationSubject
from storefront_mcp.doctor.checks import journey
from storefront_mcp.doctor.patient import CARD
from tests.unit.doctor.conftest import ExaminedServer
from tests.unit.doctor.stores import Asked, Said, Spoil, at, bad, findings, only

pytestmark = pytest.mark.slow

BLAME = "Look at the server's log, and examine the shop behind it: storefront-mcp doctor --config PATH"
CHECKS = ("address.reached", "card.readable", "card.endpoint", "journey")
Json = dict[str, Any]


def answering(mark: bytes, value: Json | None, *, refusal: str = "") -> Spoil:
    """Answer a tool whose usual answer has `mark` in it with another value, or with a refusal."""

    def spoil(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and mark in said.body and b'"content"' in said.body:
            body = said.json
            body["result"] = {
                "content": [{"type": "text", "text": refusal or json.dumps(value)}],
                "isError": bool(refusal),
                **({} if value is None else {"structuredContent": value}),
            }
            said.json = body

    return spoil


async def examine_spoiled(examined: ExaminedServer, spoil: Spoil) -> Any:
    examined.proxy.spoil = spoil
    return await only(ExaminationSubject(url=examined.origin, cart=True), *CHECKS)


async def test_a_search_that_finds_nothing(examined: ExaminedServer) -> None:
    report = await examine_spoiled(examined, answering(b'"products":', {"products": []}))

    assert bad(report) == {"journey.browse": [BLAME]}


async def test_a_shop_without_categories(examined: ExaminedServer) -> None:
    report = await examine_spoiled(examined, answering(b'"categories":', {"categories": []}))

    assert bad(report, "warning")["journey.browse"] == [BLAME]


async def test_a_tool_that_refuses(examined: ExaminedServer) -> None:
    report = await examine_spoiled(
        examined, answering(b'"products":', None, refusal="The shop does not answer right now.")
    )

    assert bad(report) == {"journey.browse": [BLAME]}
    (found,) = findings(report, "journey.browse")
    assert found.says == "The endpoint refuses search_products: The shop does not answer right now."


async def test_an_endpoint_that_says_something_else(examined: ExaminedServer) -> None:
    def page(said: Said) -> None:
        said.headers["content-type"], said.body = "text/html", b"<h1>Welcome</h1>"

    report = await examine_spoiled(examined, at("/mcp", page))

    assert bad(report) == {"journey.browse": [BLAME]}
    (found,) = findings(report, "journey.browse")
    assert found.says == "The endpoint answers initialize with 200 and text/html instead of JSON-RPC."


async def test_a_tool_without_a_value(examined: ExaminedServer) -> None:
    def mute(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and b'"content"' in said.body:
            said.json = {**said.json, "result": {"content": []}}

    report = await examine_spoiled(examined, mute)

    assert [found.says for found in findings(report, "journey.browse")] == [
        "The endpoint answers search_products with no value."
    ]


async def test_a_list_that_is_none(examined: ExaminedServer) -> None:
    def none(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and b'"tools":[' in said.body:
            said.json = {**said.json, "result": {}}

    report = await examine_spoiled(examined, none)

    assert [found.says for found in findings(report, "journey.browse")] == ["The endpoint lists no tools."]


async def test_an_error_in_the_words_of_the_protocol(examined: ExaminedServer) -> None:
    def error(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and b'"tools":[' in said.body:
            said.json = {"jsonrpc": "2.0", "id": 2, "error": {"code": -32603, "message": "Out of dill"}}

    report = await examine_spoiled(examined, error)

    assert [found.says for found in findings(report, "journey.browse")] == [
        "The endpoint refuses tools/list: Out of dill."
    ]


async def test_calls_that_take_long(examined: ExaminedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey, "SLOW_SECONDS", 0.0)
    report = await only(ExaminationSubject(url=examined.origin), *CHECKS)

    assert bad(report, "warning") == {"journey.browse": ["Find out what is slow: storefront-mcp doctor --config PATH"]}


async def test_carts_that_are_not_open(examined: ExaminedServer) -> None:
    def browse_only(asked: Asked, said: Said) -> None:
        if asked.path == "/mcp" and b'"tools":[' in said.body:
            body = said.json
            body["result"]["tools"] = body["result"]["tools"][:5]
            said.json = body

    report = await examine_spoiled(examined, browse_only)

    assert bad(report, "note") == {"journey.cart": ["See which phase opens them: storefront-mcp phases"]}


async def test_nothing_that_fits_into_a_cart(examined: ExaminedServer) -> None:
    report = await examine_spoiled(examined, answering(b'"lines":[{', None, refusal="It is sold out."))

    assert bad(report, "warning") == {"journey.cart": ["Have a simple product in stock."]}


async def test_a_cart_that_cannot_be_sent_anywhere(examined: ExaminedServer) -> None:
    report = await examine_spoiled(examined, answering(b'"methods":', None, refusal="The shop does not deliver there."))

    assert bad(report, "warning") == {"journey.cart": ["Try an address that the shop serves."]}
    assert findings(report, "journey.cart")[-1].says == "The cart was left empty."


async def test_a_cart_that_is_sent_to_the_first_country_that_is_served(examined: ExaminedServer) -> None:
    quotes = itertools.count()

    def picky(asked: Asked, said: Said) -> None:
        if b'"methods":' in said.body and b'"content"' in said.body:
            methods: list[Json] = [{"code": "parcel"}] if next(quotes) else []
            answering(b'"methods":', {"methods": methods})(asked, said)

    report = await examine_spoiled(examined, picky)

    (told,) = [one.says for one in findings(report, "journey.cart") if one.says.startswith("Ways to send it to ")]
    assert told.endswith(": 1.")
    assert "AU" not in told


async def test_a_line_that_stays(examined: ExaminedServer) -> None:
    calls = itertools.count()

    def sticky(asked: Asked, said: Said) -> None:
        if asked.path != "/mcp" or b'"content"' not in said.body or b'"lines":[{' in said.body:
            return
        # Of the carts without lines the third is the one that is looked at in the end.
        if b'"cart_id"' in said.body and next(calls) == 2:
            answering(b'"cart_id"', {"cart_id": "x", "lines": [{"line_id": "1", "sku": "PAD-2"}]})(asked, said)

    report = await examine_spoiled(examined, sticky)

    assert bad(report, "warning") == {"journey.cart": [BLAME]}


# Servers of other makes ----------------------------------------------------------------------------------------------

ORIGIN = "https://jars.example"
TOOLS = ("search_products", "get_product", "list_categories", "get_category")
VALUES: Json = {
    "search_products": {"products": [{"sku": "JAR-1", "name": "Jar"}]},
    "get_product": {"sku": "JAR-1", "name": "Jar"},
    "list_categories": {"categories": [{"id": "3"}]},
    "get_category": {"category": {"id": "3"}},
}


class OtherMake:
    """A server that opens sessions, streams its answers, splits its lists, and has another card."""

    def __init__(self, *advertised: str) -> None:
        self.advertised = advertised or TOOLS
        self.without_session: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == CARD:
            tools = [{"name": name} for name in self.advertised]
            card = {"name": "Jars", "version": "1", "status": "active", "endpoint": f"{ORIGIN}/rpc", "tools": tools}
            return httpx.Response(200, json=card)
        if request.url.path != "/rpc" or request.method != "POST":
            return httpx.Response(404)
        message = json.loads(request.content)
        method = message["method"]
        if method != "initialize" and "mcp-session-id" not in request.headers:
            self.without_session.append(method)
        if "id" not in message:
            return httpx.Response(202)
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": self.result(method, message.get("params", {}))}
        progress = {"jsonrpc": "2.0", "method": "notifications/progress"}
        events = f"event: message\ndata: {json.dumps(progress)}\n\ndata: {json.dumps(answer)}\n\n"
        headers = {"content-type": "text/event-stream"}
        if method == "initialize":
            headers["mcp-session-id"] = "s1"
        return httpx.Response(200, text=events, headers=headers)

    def result(self, method: str, params: Json) -> Json:
        if method == "initialize":
            return {"protocolVersion": params["protocolVersion"]}
        if method == "tools/list":
            at = TOOLS.index(params["cursor"]) if "cursor" in params else 0
            following = {} if at + 2 >= len(TOOLS) else {"nextCursor": TOOLS[at + 2]}
            return {"tools": [{"name": name} for name in TOOLS[at : at + 2]], **following}
        if method == "tools/call":
            return {"content": [{"type": "text", "text": json.dumps(VALUES[params["name"]])}]}
        return {}


async def test_a_server_of_another_make_is_shopped_at_as_well() -> None:
    server = OtherMake()
    report = await only(ExaminationSubject(url=ORIGIN), *CHECKS, "card.tools", transport=httpx.MockTransport(server))

    assert bad(report) == {}
    assert [found.says for found in findings(report, "journey.browse")] == ["It finds Jar (JAR-1)."]
    assert [found.says for found in findings(report, "card.tools")] == ["4 tools, all of them promised."]
    # The first question is whether anybody is there, before there is a session.
    assert server.without_session == ["ping"]


async def test_tools_that_a_server_of_another_make_advertises_and_does_not_have() -> None:
    server = OtherMake(*TOOLS, "sell_the_shop")
    report = await only(ExaminationSubject(url=ORIGIN), *CHECKS, "card.tools", transport=httpx.MockTransport(server))

    assert bad(report) == {
        "card.tools": [
            ("Restart the server if it shows an old roadmap, and let no cache keep documents longer than an hour.")
        ]
    }
