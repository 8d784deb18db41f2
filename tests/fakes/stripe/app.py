"""The HTTP of it: the API, the hosted page, and a back door for tests under `/_test/`."""

import asyncio
import re
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs

import msgspec
from stripe.params import (
    PaymentIntentCancelParams,
    PaymentIntentCaptureParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentRetrieveParams,
)
from stripe.params.checkout import SessionCreateParams, SessionExpireParams, SessionRetrieveParams

from tests.fakes.stripe.faults import Chances, Fault, Faults, Planned
from tests.fakes.stripe.form import read_form
from tests.fakes.stripe.keys import Keys
from tests.fakes.stripe.ledger import Books
from tests.fakes.stripe.page import page
from tests.fakes.stripe.posting import Post, PostOffice
from tests.fakes.stripe.refusals import Refused
from tests.fakes.stripe.tokens import PREVIEW, Granted, Tokens
from tests.fakes.stripe.typed import typed

LARGEST_BODY = 256 * 1024
SECRET_KEYS = ("sk_test_fake", "rk_test_fake")
"""Keys that open the account."""

TOKEN = "shared_payment_granted_token"

Call = dict[str, Any]
Answer = tuple[int, Any]


class StripeServer:
    """An ASGI application with one account. `clock` is the account's; `/_test/clock` moves it."""

    def __init__(self, *, clock: Callable[[], float] = time.time, shortest: int = 1800) -> None:
        self._clock = clock
        self._shortest = shortest
        self.office = PostOffice()
        self._open()

    def _open(self) -> None:
        """A new account."""
        self.ahead = 0.0
        self.books = Books(self.now, self._tell, self._shortest)
        self.tokens = Tokens(self.books, self.now)
        self.keys = Keys(self.now)
        self.faults = Faults()
        self.requests: deque[Call] = deque(maxlen=20_000)
        self._number = 0

    def now(self) -> float:
        return self._clock() + self.ahead

    def _tell(self, kind: str, subject: dict[str, Any]) -> None:
        self.office.tell(kind, subject, at=int(self.now()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            await self._serve(scope, await _body(receive), send)
        except Exception:
            # The server's log is shut, for torn connections are its trade; a mistake of this fake must be seen.
            traceback.print_exc()
            raise

    async def _serve(self, scope: Any, body: bytes, send: Any) -> None:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        self.books.sweep()
        if path.startswith("/v1/"):
            query = scope["query_string"].decode()
            await self._api(method, path, (query if method == "GET" else body.decode()), headers, send)
        elif path.startswith("/c/pay/"):
            await self._hosted(method, path.removeprefix("/c/pay/"), body, send)
        elif path.startswith("/_test/"):
            status, said = await self._back_door(method, path.removeprefix("/_test/"), body)
            await _answer(send, status, said)
        else:
            await _answer(send, 404, {"error": {"message": f"Unrecognized request URL ({method}: {path})."}})

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                await self.office.close()
                return

    # The API --------------------------------------------------------------------------------------------------------

    ROUTES: ClassVar[tuple[tuple[str, str, Any, str], ...]] = (
        ("POST", r"/v1/checkout/sessions", SessionCreateParams, "_create_session"),
        ("GET", r"/v1/checkout/sessions/(\w+)", SessionRetrieveParams, "_get_session"),
        ("POST", r"/v1/checkout/sessions/(\w+)/expire", SessionExpireParams, "_expire_session"),
        ("POST", r"/v1/payment_intents", PaymentIntentCreateParams, "_create_intent"),
        ("POST", r"/v1/payment_intents/(\w+)/confirm", PaymentIntentConfirmParams, "_confirm"),
        ("GET", r"/v1/payment_intents/(\w+)", PaymentIntentRetrieveParams, "_get_intent"),
        ("POST", r"/v1/payment_intents/(\w+)/capture", PaymentIntentCaptureParams, "_capture"),
        ("POST", r"/v1/payment_intents/(\w+)/cancel", PaymentIntentCancelParams, "_cancel"),
    )

    async def _api(self, method: str, path: str, sent: str, headers: dict[str, str], send: Any) -> None:
        self._number += 1
        key = headers.get("idempotency-key", "") if method == "POST" else ""
        call: Call = {"method": method, "path": path, "params": {}, "key": key, "status": None, "replayed": False}
        call["version"] = headers.get("stripe-version")
        self.requests.append(call)
        extra = {"request-id": f"req_{self._number:08}"}
        fault, seconds = self.faults.draw(method, path, key, repeats=key in self.keys)
        call["fault"] = fault
        if fault is Fault.LOST:
            await _hang_up(send)
            return
        if fault is Fault.DOWN:
            status, said = _trouble(503)
        elif fault is Fault.LIMITED:
            status, said = 429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Slow."}}
        else:
            status, said = await self._judged(call, sent, headers, fault, seconds)
        call["status"] = status
        if call["replayed"]:
            extra["idempotent-replayed"] = "true"
        elif fault in {Fault.BROKEN, Fault.ACTED_BROKEN}:
            # The key keeps the failure, so there is no use in repeating it.
            extra["stripe-should-retry"] = "false"
        if fault is Fault.ACTED_SLOW:
            await asyncio.sleep(seconds)
        if fault is Fault.ACTED_LOST:
            await _hang_up(send)
        elif fault is Fault.GARBAGE:
            await _answer(send, 200, "<html><body>Be right back.</body></html>", extra)
        else:
            await _answer(send, status, said, extra)

    async def _judged(
        self, call: Call, sent: str, headers: dict[str, str], fault: Fault | None, seconds: float
    ) -> Answer:
        try:
            _known(headers.get("authorization", ""))
            act, ids, params = self._routed(call, sent)
            params["origin"] = headers["host"]
            return await self._once(call, lambda: act(*ids, params), fault, seconds)
        except Refused as refused:
            return refused.status, refused.body

    def _routed(self, call: Call, sent: str) -> tuple[Callable[..., Awaitable[Any]], tuple[str, ...], Any]:
        for method, pattern, kind, name in self.ROUTES:
            found = re.fullmatch(pattern, call["path"])
            if found and method == call["method"]:
                tree = read_form(sent)
                call["params"] = tree
                token, tree = _without_token(tree, call["version"])
                params = typed(tree, kind)
                if token is not None:
                    params["token"] = token
                return getattr(self, name), found.groups(), params
        found = re.fullmatch(r"GET /v1/shared_payment/granted_tokens/(\w+)", f"{call['method']} {call['path']}")
        if found and (call["version"] or "").endswith(PREVIEW):
            return self._get_token, found.groups(), {}
        message = f"Unrecognized request URL ({call['method']}: {call['path']})."
        raise Refused(message, status=404)

    async def _once(self, call: Call, act: Callable[[], Awaitable[Any]], fault: Fault | None, seconds: float) -> Answer:
        """Execute under a key, or repeat what was answered to it first."""
        # Whoever sends no key never repeats one.
        key = call["key"] or f"request {self._number}"
        kept = self.keys.begin(key, (call["path"], call["params"]))
        if kept is not None:
            call["replayed"] = True
            return kept
        if fault is Fault.SLOW:
            await asyncio.sleep(seconds)
        try:
            answer = _trouble(500) if fault is Fault.BROKEN else (200, await act())
        except Refused as refused:
            answer = refused.status, refused.body
            if not refused.kept:
                self.keys.forget(key)
                return answer
        if fault is Fault.ACTED_BROKEN:
            answer = _trouble(500)
        if call["key"]:
            self.keys.keep(key, answer)
        else:
            self.keys.forget(key)
        return answer

    async def _create_session(self, params: Any) -> Any:
        origin = params.pop("origin")
        return self.books.open_session(params, origin=f"http://{origin}").shape(params.get("expand"))

    async def _get_session(self, id_: str, params: Any) -> Any:
        return self.books.session(id_).shape(params.get("expand"))

    async def _expire_session(self, id_: str, params: Any) -> Any:
        session = self.books.session(id_)
        self.books.expire(session)
        return session.shape(params.get("expand"))

    async def _create_intent(self, params: Any) -> Any:
        return self.tokens.create(params).shape(params.get("expand"))

    async def _confirm(self, id_: str, params: Any) -> Any:
        intent = self.books.intent(id_)
        self.tokens.confirm(intent, params.get("token"))
        return intent.shape(params.get("expand"))

    async def _get_token(self, id_: str, _params: Any) -> Any:
        return self.tokens.shape(id_)

    async def _get_intent(self, id_: str, params: Any) -> Any:
        return self.books.intent(id_).shape(params.get("expand"))

    async def _capture(self, id_: str, params: Any) -> Any:
        intent = self.books.intent(id_)
        self.books.capture(intent, params.get("amount_to_capture"))
        return intent.shape(params.get("expand"))

    async def _cancel(self, id_: str, params: Any) -> Any:
        intent = self.books.intent(id_)
        self.books.cancel(intent, params.get("cancellation_reason"))
        return intent.shape(params.get("expand"))

    # The page, and the buyer without a browser -----------------------------------------------------------------------

    async def _hosted(self, method: str, id_: str, body: bytes, send: Any) -> None:
        session = self.books.sessions.get(id_)
        if session is None:
            await _answer(send, 404, "<!doctype html><title>404</title><h1>No such page</h1>")
            return
        if method == "POST":
            act = parse_qs(body.decode()).get("act", [""])[0]
            try:
                self.act(id_, act)
            except Refused as refused:
                await _answer(send, refused.status, f"<!doctype html><h1>{refused}</h1>")
                return
            done = {"pay": "success_url", "back": "cancel_url"}.get(act)
            await _answer(send, 303, "", {"location": session.asked[done] if done else session.url})
            return
        await _answer(send, 200, page(session))

    def act(self, id_: str, act: str) -> None:
        """What the buyer does at a session. Raises Refused."""
        session = self.books.session(id_)
        if act == "pay":
            self.books.pay(session)
        elif act == "decline":
            self.books.decline(session)
        elif act == "challenge":
            self.books.challenge(session)
        elif act == "fail":
            self.books.decline(session, "payment_intent_authentication_failure")
        elif act != "back":
            raise Refused(f"There is no button {act}.")

    # The back door ---------------------------------------------------------------------------------------------------

    async def _back_door(self, method: str, path: str, body: bytes) -> Answer:
        try:
            return 200, await self._opened(method, path, body)
        except Refused as refused:
            return refused.status, refused.body
        except msgspec.MsgspecError as error:
            return 400, {"error": {"message": str(error)}}

    async def _opened(self, method: str, path: str, body: bytes) -> Any:
        said: Any = None
        match method, path:
            case "GET", "books":
                sessions = [session.shape(["payment_intent"]) for session in self.books.sessions.values()]
                intents = [intent.shape() for intent in self.books.intents.values()]
                said = {"sessions": sessions, "payments": intents, "ledger": self.books.ledger}
            case "GET", "requests":
                said = list(self.requests)
            case "GET", "events":
                said = list(self.office.events)
            case "PUT", "post":
                said = self.office.post = msgspec.json.decode(body, type=Post)
            case "POST", "post/settle":
                await self.office.settle()
                said = list(self.office.sent)
            case "POST", "tokens":
                self.tokens.grant(msgspec.json.decode(body, type=Granted))
            case "POST", "faults":
                self.faults.plan(msgspec.json.decode(body, type=Planned))
            case "PUT", "chances":
                self.faults.chances = msgspec.json.decode(body, type=Chances)
            case "DELETE", "faults":
                self.faults.clear()
            case "POST", "reset":
                await self.office.close()
                self.office = PostOffice()
                self._open()
            case "POST", "clock":
                self.ahead += msgspec.json.decode(body, type=dict[str, float])["seconds"]
                self.books.sweep()
                said = self.now()
            case _:
                said = self._on_one(method, path)
        return said

    def _on_one(self, method: str, path: str) -> Any:
        """`sessions/{id}/{act}`, `payments/{id}/lapse`, `events/{id}/again`."""
        kind, _, rest = path.partition("/")
        id_, _, act = rest.partition("/")
        if method == "POST" and kind == "sessions":
            self.act(id_, act)
            return self.books.session(id_).shape(["payment_intent"])
        if method == "POST" and kind == "payments" and act == "lapse":
            self.books.lapse(self.books.intent(id_))
            return self.books.intent(id_).shape()
        if method == "POST" and kind == "events" and act == "again" and self.office.again(id_):
            return {"event": id_}
        raise Refused(f"There is no {method} {path} here.", status=404)


def _without_token(tree: Any, version: str | None) -> tuple[str | None, Any]:
    """The shared payment token of a request in a preview's version, which the library does not type, and the rest."""
    data = tree.get("payment_method_data")
    if not (version or "").endswith(PREVIEW) or not isinstance(data, dict) or list(data) != [TOKEN]:
        return None, tree
    return data[TOKEN], {name: value for name, value in tree.items() if name != "payment_method_data"}


def _known(authorization: str) -> None:
    """Whether it is the account's key; the refusal shows the key's ends, as Stripe's does."""
    scheme, _, secret = authorization.partition(" ")
    if scheme != "Bearer" or secret not in SECRET_KEYS:
        message = f"Invalid API Key provided: {secret[:8]}****{secret[-4:]}"
        raise Refused(message, status=401)


def _trouble(status: int) -> Answer:
    return status, {"error": {"type": "api_error", "message": "Something went wrong on Stripe's end."}}


async def _body(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > LARGEST_BODY:
            return body[:LARGEST_BODY]


async def _answer(send: Any, status: int, said: Any, extra: dict[str, str] | None = None) -> None:
    text = isinstance(said, str)
    body = said.encode() if text else msgspec.json.encode(said)
    kind = "text/html; charset=utf-8" if text else "application/json"
    headers = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-store", **(extra or {})}
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


async def _hang_up(send: Any) -> None:
    """Promise more than is sent: the server then closes the connection."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
