"""The stand-in as an ASGI application: routes, keys, unknown fields, and the errors of the framework."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from litestar.types import Receive, Send

from tests.fakes.demo_faults import FaultQueue
from tests.fakes.faulty_app import FaultyApp, respond
from tests.fakes.medusa import admin_calls, cart_calls, catalogue_calls, customer_calls, order_calls
from tests.fakes.medusa.answers import MedusaCall, MedusaRefusal, Route
from tests.fakes.medusa.state import MedusaState, stocked
from tests.fakes.medusa.tokens import let_in

ROUTES: Sequence[Route] = (
    *catalogue_calls.ROUTES,
    *cart_calls.ROUTES,
    *order_calls.ROUTES,
    *customer_calls.ROUTES,
    *admin_calls.ROUTES,
)
HTML = b'<!DOCTYPE html><html lang="en"><body><pre>Cannot GET it</pre></body></html>'
NO_KEY = (
    "Publishable API key required in the request header: x-publishable-api-key. You can manage your keys in settings in"
    " the dashboard."
)


class MedusaApp:
    """The shop itself."""

    def __init__(self, state: MedusaState) -> None:
        self.state = state
        self.asked: list[tuple[str, str, Any]] = []
        """Method, path and body of every call."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        body = b""
        while True:
            message: Any = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        method, path = scope["method"], scope["path"]
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        asked: Any = json.loads(body) if body else None
        self.asked.append((method, path, asked))
        status, content, kind = self._answer(method, path, scope["query_string"].decode(), headers, asked)
        await respond(send, status, [(b"content-type", kind.encode())], content)

    def _answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: object
    ) -> tuple[int, bytes, str]:
        if path == "/health":
            return 200, b"OK", "text/html; charset=utf-8"
        try:
            found = _route(method, path)
            if found is None:
                return 404, HTML, "text/html; charset=utf-8"
            route, ids = found
            if path.startswith("/store/"):
                self._check_key(headers)
            if path.startswith("/admin/"):
                self._check_secret(headers)
            claims = {}
            if route.actor:
                authorization = headers.get("authorization", "")
                claims = let_in(self.state, authorization, unregistered=route.actor == "identity")
            pairs = parse_qsl(query, keep_blank_values=True)
            call = MedusaCall(state=self.state, ids=ids, query=_query(pairs), body=body or {}, claims=claims)
            _check_fields(route, call)
            answered = route.handle(call)
        except MedusaRefusal as refused:
            return refused.status, json.dumps(refused.body).encode(), "application/json; charset=utf-8"
        return 200, json.dumps(answered).encode(), "application/json; charset=utf-8"

    def _check_secret(self, headers: Mapping[str, str]) -> None:
        wanted = base64.b64encode(f"{self.state.secret_key}:".encode()).decode()
        if headers.get("authorization") != f"Basic {wanted}":
            refused = MedusaRefusal(401, "", "Unauthorized")
            refused.body = {"message": "Unauthorized"}
            raise refused

    def _check_key(self, headers: Mapping[str, str]) -> None:
        given = headers.get("x-publishable-api-key")
        if given is None:
            raise MedusaRefusal(400, "not_allowed", NO_KEY)
        if given != self.state.key:
            message = "A valid publishable key is required to proceed with the request"
            raise MedusaRefusal(400, "not_allowed", message)


async def live(receive: Receive, send: Any) -> None:
    """Begin and end when the server does."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


class MedusaShop(FaultyApp):
    """The shop behind its faults."""

    def __init__(self, state: MedusaState | None = None) -> None:
        self.state = state or stocked()
        self.shop = MedusaApp(self.state)
        super().__init__(self.shop, FaultQueue())


def _route(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    for route in ROUTES:
        found = re.fullmatch(route.path, path)
        if found is not None and route.method == method:
            return route, found.groups()
    return None


def _query(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Parameters with their values; `id[0]` and `id[]` belong to `id`."""
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(re.sub(r"\[\d*\]$", "", name), []).append(value)
    return query


def _check_fields(route: Route, call: MedusaCall) -> None:
    """Refuse what a route does not know, as the real one does, with everything that is wrong."""
    body: Mapping[str, object] = call.body if isinstance(call.body, dict) else {}
    wrong = [f"Field '{name}' is required" for name in route.required if name not in body]
    unknown = [name for name in call.query if name not in route.query and name != "fields"]
    if not route.lenient:
        unknown += [name for name in body if name not in route.body and name not in route.required]
    if unknown:
        wrong.append(f"Unrecognized fields: {', '.join(repr(name) for name in unknown)}")
    if wrong:
        raise MedusaRefusal(400, "invalid_data", f"Invalid request: {'; '.join(wrong)}")
