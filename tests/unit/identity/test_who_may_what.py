"""Who may what, as one table: each caller at every tool and every route gets exactly the documented answer."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from storefront_mcp import phases
from storefront_mcp.app import phases as app_phases
from storefront_mcp.cards import CARDS
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.forms import csrf_token
from storefront_mcp.roadmap.loading import load_phases
from tests.fakes.agent import MODERN, VERSIONS
from tests.serving import served
from tests.unit.identity.callers import CRATE, JAR, OPERATORS_TOOL, PICKLE, SHED, Sent, Server, completed
from tests.unit.identity.issuer import Issuer
from tests.unit.mcp.requests import asked

pytestmark = pytest.mark.slow

EVERYBODYS = {
    *("search_products", "get_product", "get_related_products", "list_categories", "get_category", "get_store_info"),
    *("create_cart", "view_cart", "add_to_cart", "update_cart_item", "remove_from_cart"),
    *("apply_coupon", "remove_coupon", "apply_gift_card", "remove_gift_card", "get_shipping_methods"),
    *("place_order", "get_order_status", "cancel_checkout"),
}
"""Tools for everybody, whatever they hold or do not hold."""
GUARDED = {OPERATORS_TOOL: "read:orders"}
"""Tools that take an operator's scope: a stand-in, as none is promised."""
BUYERS = {
    **dict.fromkeys(("get_customer_orders", "get_order", "reorder"), "orders:read"),
    "cancel_order": "orders:write",
    "list_addresses": "profile:read",
    "place_order": "checkout",
}
"""Tools that take a buyer's scope; tests/unit/web/test_customers.py has what they answer to whom."""
TOKEN, ONE_TOKEN, METRICS = "/mcp/token", "/mcp/token/{id_:str}", "/metrics"
OPERATORS = {
    ("GET", TOKEN): "manage:api_keys",
    ("POST", TOKEN): "manage:api_keys",
    ("DELETE", ONE_TOKEN): "manage:api_keys",
    ("GET", METRICS): "read:analytics",
}
"""Routes that take a scope."""
WITHIN = {"GET": 200, "POST": 400, "DELETE": 404}
"""What whoever may gets there for a request that changes nothing: a list, a wish that is none, a key that is none."""
ADDRESS_IS_THE_KEY = {
    *((verb, path) for verb in ("GET", "HEAD", "POST") for path in ("/pay/{token:str}", "/sandbox/pay/{session:str}")),
}
SIGNED = {("POST", "/webhooks/{name:str}")}
"""What a provider sends counts by its own signature."""
CONSOLE = "/operator"
DOOR = {("GET", f"{CONSOLE}/sign-in"), ("POST", f"{CONSOLE}/sign-in"), ("GET", f"{CONSOLE}/static/{{name:str}}")}
"""The console's own door, which takes a key in a form."""
SEATED: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", CONSOLE): (),
    ("GET", f"{CONSOLE}/stores"): (),
    ("POST", f"{CONSOLE}/sign-out"): (),
    ("GET", f"{CONSOLE}/roadmap"): ("manage:phases",),
    ("GET", f"{CONSOLE}/roadmap/flip"): ("manage:phases",),
    ("POST", f"{CONSOLE}/roadmap/flip"): ("manage:phases",),
    ("POST", f"{CONSOLE}/roadmap/stop"): ("manage:phases",),
    ("POST", f"{CONSOLE}/roadmap/resume"): ("manage:phases",),
    ("GET", f"{CONSOLE}/checkouts"): ("manage:checkouts",),
    ("GET", f"{CONSOLE}/checkouts/one"): ("manage:checkouts",),
    **dict.fromkeys(
        ((verb, f"{CONSOLE}/checkouts/{act}") for verb in ("GET", "POST") for act in ("finish", "close")),
        ("manage:checkouts",),
    ),
    ("POST", f"{CONSOLE}/checkouts/mail"): ("manage:checkouts",),
    ("POST", f"{CONSOLE}/checkouts/event"): ("manage:checkouts",),
    ("GET", f"{CONSOLE}/keys"): ("manage:api_keys",),
    ("POST", f"{CONSOLE}/keys/mint"): ("manage:api_keys",),
    ("POST", f"{CONSOLE}/keys/replace"): ("manage:api_keys",),
    ("POST", f"{CONSOLE}/keys/revoke"): ("manage:api_keys",),
    ("GET", f"{CONSOLE}/customers"): ("manage:grants",),
    ("POST", f"{CONSOLE}/customers/end"): ("manage:grants",),
    ("POST", f"{CONSOLE}/customers/block"): ("manage:grants",),
    ("POST", f"{CONSOLE}/customers/unblock"): ("manage:grants",),
    ("GET", f"{CONSOLE}/audit"): ("manage:audit",),
    ("POST", f"{CONSOLE}/audit/export"): ("manage:audit",),
    ("POST", f"{CONSOLE}/audit/verify"): ("manage:audit",),
    ("POST", f"{CONSOLE}/health/examine"): ("manage:phases", "manage:workspace"),
    ("GET", f"{CONSOLE}/traffic"): ("read:analytics", "manage:workspace"),
    **dict.fromkeys((("GET", f"{CONSOLE}/{room}") for room in ("cards", "cards/one", "connect", "health")), ()),
}
"""Routes of the console for whoever has signed in there, with scopes of which one will do."""
AT_ANOTHER = {
    (verb, path.replace(CONSOLE, f"{CONSOLE}/at/{{store:str}}", 1))
    for verb, path in (*SEATED, *DOOR)
    if "/static/" not in path
}
"""The same routes for another store of the server, where a seat is of that store or there is none."""
BROADER = dict.fromkeys(("manage:phases", "manage:checkouts", "manage:grants", "manage:audit"), "manage:workspace")
DOORSTEP = f"{CONSOLE}/sign-in"
ANY = "of-the-tests"
SIGNS_IN = {"manage:phases", "manage:checkouts", "manage:api_keys", "manage:audit", "manage:workspace"}
PICTURES = {"/media", "/demo"}
PUBLISHED = {path for card in CARDS for path in card.paths} | {"/shipping", "/shipping.md", "/healthz", "/readyz"}
READS = ("GET", "HEAD")
ASKED_ANYWHERE = "OPTIONS"
"""Which methods there are; the framework says so of every route."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, httpx.Client]]:
    before = logging.getLogRecordFactory()
    signed, asked_ = Issuer(), Issuer()
    table = completed()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(app_phases, "all_phases", lambda: table)
        made = Server(tmp_path_factory.mktemp("table"), signed, asked_)
        with served(made.app) as origin, httpx.Client(base_url=origin, timeout=120) as client:
            yield made, client
    made.database.close()
    signed.close()
    asked_.close()
    logging.setLogRecordFactory(before)


def send(
    server: tuple[Server, httpx.Client], store: StoreId, verb: str, path: str, sent: Sent, **more: Any
) -> httpx.Response:
    made, client = server
    made.asked.word = dict(sent.word)
    fields = [("host", f"{store}.localhost"), *sent.fields, *more.pop("fields", [])]
    return client.request(verb, path + sent.query, headers=fields, **more)


def call(
    server: tuple[Server, httpx.Client], store: StoreId, method: str, version: str, sent: Sent, **params: Any
) -> Any:
    body, routing = asked(method, version, params)
    fields = [("content-type", "application/json"), *((name.decode(), value.decode()) for name, value in routing)]
    return send(server, store, "POST", "/mcp", sent, fields=fields, content=json.dumps(body))


def challenge(store: StoreId, **said: str) -> str:
    """The WWW-Authenticate field that goes with a refusal; stores with an issuer point to their metadata."""
    if store in {PICKLE, JAR}:
        said["resource_metadata"] = f"http://{store}.localhost/.well-known/oauth-protected-resource/mcp"
    fields = ", ".join(f'{name}="{value}"' for name, value in said.items())
    return f"Bearer {fields}".strip()


def is_turned_away(store: StoreId, sent: Sent, answer: httpx.Response) -> bool:
    """Whether this caller is stopped at the door; then the answer is the documented one."""
    if sent.standing in {"guest", "let in"}:
        return False
    status, error = (401, "invalid_token") if sent.standing == "refused" else (400, "invalid_request")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (status, challenge(store, error=error))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    return True


def lacks(store: StoreId, scope: str, sent: Sent, answer: httpx.Response) -> bool:
    """Whether this caller is told what it lacks; then status and challenge are the documented ones."""
    if scope in sent.holds:
        return False
    if sent.standing == "guest":
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge(store, scope=scope))
    else:
        wanted = challenge(store, error="insufficient_scope", scope=scope)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (403, wanted)
    return True


def versions(name: str) -> tuple[str, ...]:
    """Who holds one scope is asked in one version: what it may is no matter of versions."""
    return MODERN if name.startswith("only ") else VERSIONS


def test_the_table_lists_every_tool() -> None:
    promised = [one for phase in load_phases(phases) for one in phase.manifest.tools]

    assert {one.name for one in promised if one.auth != "required"} == EVERYBODYS
    assert {one.name: one.scope for one in promised if one.scope is not None} == BUYERS
    assert BUYERS.keys() - EVERYBODYS == {one.name for one in promised if one.auth == "required"}


def test_the_table_lists_every_route(server: tuple[Server, httpx.Client]) -> None:
    listed = {*OPERATORS, *ADDRESS_IS_THE_KEY, *SIGNED, *DOOR, *SEATED, *AT_ANOTHER}
    pages = server[0].app
    routes = {(verb, route.path) for route in pages.routes for verb in route.methods}
    skills = {path for _, path in routes if path.startswith("/.well-known/agent-skills/shop-")}
    published = {(verb, path) for verb in READS for path in PUBLISHED | skills}

    assert {route for route in routes if route[0] != ASKED_ANYWHERE} - listed - published == set()
    assert listed - routes == set(), "of the table, and not there"
    assert {route.path for route in pages.routes if not route.methods} == PICTURES


@pytest.mark.parametrize("store", [PICKLE, JAR])
def test_every_tool_answers_each_caller_as_documented(server: tuple[Server, httpx.Client], store: StoreId) -> None:
    for name, sent in server[0].rows[store].items():
        for version in versions(name):
            for tool_ in (*EVERYBODYS, *GUARDED):
                answer = call(server, store, "tools/call", version, sent, name=tool_, arguments={})
                where = f"{name}, {tool_}, {version}: {answer.status_code} {answer.text[:300]}"
                if is_turned_away(store, sent, answer):
                    continue
                scope = GUARDED.get(tool_)
                if scope is not None and lacks(store, scope, sent, answer):
                    error = answer.json()["error"]
                    assert (error["code"], error["data"]) == (
                        -32603,
                        {"code": "insufficient_scope", "required_scope": scope},
                    ), where
                    continue
                assert answer.status_code == 200, where
                assert "www-authenticate" not in answer.headers, where
                result = answer.json()["result"]
                assert "takes a credential" not in json.dumps(result), where
                if scope is not None:
                    assert result["structuredContent" if "structuredContent" in result else "content"], where
                    assert result["isError"] is False, where


@pytest.mark.parametrize("store", [PICKLE, JAR])
def test_lists_show_each_caller_what_it_may_call(server: tuple[Server, httpx.Client], store: StoreId) -> None:
    for name, sent in server[0].rows[store].items():
        for version in versions(name):
            answer = call(server, store, "tools/list", version, sent)
            if is_turned_away(store, sent, answer):
                continue
            seen = {one["name"] for one in answer.json()["result"]["tools"]}
            assert seen == EVERYBODYS | {tool_ for tool_, scope in GUARDED.items() if scope in sent.holds}, name
            if version in MODERN:
                assert answer.json()["result"]["cacheScope"] == "private"


@pytest.mark.parametrize(
    "method", ["ping", "initialize", "server/discover", "resources/list", "prompts/list", "nothing"]
)
def test_no_method_answers_a_wrong_credential(server: tuple[Server, httpx.Client], method: str) -> None:
    for store in (PICKLE, JAR):
        for sent in server[0].rows[store].values():
            answer = call(server, store, method, VERSIONS[-1], sent)
            assert is_turned_away(store, sent, answer) or answer.status_code != 401


@pytest.mark.parametrize("store", [PICKLE, JAR, CRATE])
def test_every_operators_route_answers_each_caller_as_documented(
    server: tuple[Server, httpx.Client], store: StoreId
) -> None:
    for name, sent in server[0].rows[store].items():
        for (verb, path), scope in OPERATORS.items():
            body = {"content": b"{", "fields": [("content-type", "application/json")]} if verb == "POST" else {}
            answer = send(server, store, verb, path.replace("{id_:str}", "nobody"), sent, **body)
            where = f"{name}, {verb} {path}: {answer.status_code} {answer.text[:300]}"
            if is_turned_away(store, sent, answer) or lacks(store, scope, sent, answer):
                assert answer.headers["content-type"] == "application/problem+json", where
                continue
            assert answer.status_code == WITHIN[verb], where
            assert "www-authenticate" not in answer.headers, where


def test_what_is_promised_and_closed_says_so_to_whoever_is_let_in(server: tuple[Server, httpx.Client]) -> None:
    opened = {
        "search_products",
        "get_product",
        "get_related_products",
        "list_categories",
        "get_category",
        "get_store_info",
    }
    closed = (EVERYBODYS | GUARDED.keys()) - opened
    for name, sent in server[0].rows[CRATE].items():
        for version in versions(name):
            for tool_ in sorted(closed)[:: 4 if name.startswith("only ") else 1]:
                answer = call(server, CRATE, "tools/call", version, sent, name=tool_, arguments={})
                if is_turned_away(CRATE, sent, answer):
                    continue
                assert answer.status_code == 200
                result = answer.json()["result"]
                assert result["isError"] is True
                assert "not open to agents yet" in result["content"][0]["text"]


def test_what_is_closed_as_a_whole_looks_at_nobody(server: tuple[Server, httpx.Client]) -> None:
    for sent in server[0].rows[PICKLE].values():
        assert call(server, SHED, "tools/list", *MODERN, sent).status_code == 503


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_the_endpoint_has_no_other_way_in(server: tuple[Server, httpx.Client], verb: str) -> None:
    for path in ("/mcp", "/mcp/sse/message"):
        for sent in server[0].rows[PICKLE].values():
            answer = send(server, PICKLE, verb, path, sent)
            if sent.standing in {"guest", "let in"}:
                closing = verb == "DELETE" and path == "/mcp"
                assert answer.status_code == (200 if closing else 405), (verb, path)
            else:
                assert answer.status_code == (401 if sent.standing == "refused" else 400)


def sign_in(server: tuple[Server, httpx.Client], sent: Sent) -> tuple[int, str]:
    """Type what somebody would send as a bearer token into the console's form: the status, and the seat's cookie."""
    waiting = f"operator-door={ANY}"
    typed = dict(sent.fields).get("authorization", "").removeprefix("Bearer ")
    form = {"csrf": csrf_token(ANY), "key": typed}
    answer = send(server, PICKLE, "POST", DOORSTEP, Sent(standing="guest"), fields=[("cookie", waiting)], data=form)
    return answer.status_code, answer.cookies.get("operator", "")


def sit(server: tuple[Server, httpx.Client], store: StoreId, verb: str, path: str, seat: str) -> httpx.Response:
    """Ask with a seat's cookie, and where a form is wanted with an empty one of its own."""
    form = {"data": {"csrf": csrf_token(seat)}} if verb == "POST" else {}
    fields = [("cookie", f"operator={seat}")]
    return send(server, store, verb, path, Sent(standing="guest"), fields=fields, **form)


def test_the_console_takes_no_bearer_token_and_no_made_up_seat(server: tuple[Server, httpx.Client]) -> None:
    for sent in server[0].rows[PICKLE].values():
        for verb, path in SEATED:
            answer = send(server, PICKLE, verb, path, sent)
            assert (answer.status_code, answer.headers["location"]) == (303, DOORSTEP)
    for verb, path in SEATED:
        assert sit(server, PICKLE, verb, path, "nobody").headers["location"] == DOORSTEP


def test_the_console_shows_each_key_what_it_may_see(server: tuple[Server, httpx.Client]) -> None:
    for name, sent in server[0].rows[PICKLE].items():
        if len(sent.fields) > 1:
            continue  # one of two good keys, typed alone, is a good key
        status, seat = sign_in(server, sent)
        if sent.standing != "let in" or "token" in name:
            assert (status in {401, 403}, seat) == (True, ""), name
            continue
        assert (status, bool(seat)) == ((303, True) if sent.holds & SIGNS_IN else (403, False)), name
        for (verb, path), scopes in SEATED.items() if seat else ():
            if path.endswith("/sign-out"):
                continue
            answer = sit(server, PICKLE, verb, path, seat)
            where = f"{name}, {verb} {path}: {answer.status_code} {answer.headers.get('location')}"
            assert answer.headers.get("location") != DOORSTEP, where
            if not scopes or sent.holds & {*scopes, *(BROADER[scope] for scope in scopes if scope in BROADER)}:
                assert answer.status_code not in {401, 403, 500}, where
            else:
                assert (answer.status_code, f"takes the scope {scopes[0]}" in answer.text) == (403, True), where
            if verb == "POST":
                bare = send(server, PICKLE, verb, path, Sent(standing="guest"), fields=[("cookie", f"operator={seat}")])
                assert bare.status_code == 403, "without the form's own token"
            assert sit(server, JAR, verb, path, seat).status_code in {303, 404}, "a seat is of one store"
            elsewhere = sit(server, PICKLE, verb, path.replace(CONSOLE, f"{CONSOLE}/at/{JAR}", 1), seat)
            assert elsewhere.status_code in {303, 404}, "a seat is of one store, whatever the address"


def test_a_seat_ends_when_it_is_left_and_when_its_key_ends(server: tuple[Server, httpx.Client]) -> None:
    _, left = sign_in(server, server[0].rows[PICKLE]["every scope"])
    assert sit(server, PICKLE, "GET", f"{CONSOLE}/roadmap", left).status_code == 200
    assert sit(server, PICKLE, "POST", f"{CONSOLE}/sign-out", left).status_code == 303
    token, revoke = server[0].another(PICKLE, "manage:phases")
    _, bereft = sign_in(server, token)
    assert sit(server, PICKLE, "GET", f"{CONSOLE}/roadmap", bereft).status_code == 200
    revoke()
    for seat in (left, bereft):
        assert sit(server, PICKLE, "GET", f"{CONSOLE}/roadmap", seat).headers["location"] == DOORSTEP


def test_what_is_published_is_the_same_for_everybody(server: tuple[Server, httpx.Client]) -> None:
    rows = server[0].rows[PICKLE]
    for path in sorted(PUBLISHED - {"/readyz"}):
        told = [send(server, PICKLE, "GET", path, rows[name]) for name in ("nothing", "every scope", "a revoked key")]
        assert {(one.status_code, one.content) for one in told} == {(told[0].status_code, told[0].content)}, path
        assert told[0].status_code in {200, 302, 303, 307, 404}, path


def test_no_credential_stands_in_for_the_secret_of_an_address(server: tuple[Server, httpx.Client]) -> None:
    rows = server[0].rows[PICKLE]
    for verb, path in sorted(ADDRESS_IS_THE_KEY | SIGNED):
        made_up = path.replace("{token:str}", "nobody").replace("{session:str}", "nobody").replace("{name:str}", "none")
        statuses = {send(server, PICKLE, verb, made_up, rows[name]).status_code for name in ("nothing", "every scope")}
        assert len(statuses) == 1, path
        assert statuses <= {400, 403, 404}, (verb, path, statuses)
