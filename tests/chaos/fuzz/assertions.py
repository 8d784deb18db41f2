"""What every answer must be, whatever was asked."""

import json
import re
from collections.abc import Mapping
from typing import Any

from mcp_types.methods import parse_server_notification, validate_server_result

from storefront_mcp.calls.errors import ScopeMissing
from storefront_mcp.web.body import MAX_BODY_BYTES
from tests.chaos.fuzz.wire import Reply, Shot
from tests.fakes.agent import HANDSHAKE, META, MODERN
from tests.unit.mcp.requests import check_error

NEWEST = MODERN[-1]
ASSUMED = "2025-03-26"
JSON, EVENTS, PROBLEM = "application/json", "text/event-stream", "application/problem+json"
PAGE = "text/html; charset=utf-8"
STATUSES = {-32700: {400}, -32600: {400}, -32601: {200, 404}, -32602: {200, 400}, -32002: {200}, -32022: {400}}
STATUSES |= {-32020: {400}, -32021: {400}, -32603: {200}}
INTERNAL = re.compile(
    rb"Traceback|storefront_mcp|site-packages|msgspec|litestar|uvicorn|httpx|asyncio|itsdangerous|sqlite|\bpython\b|"
    rb"\.py\b|File \"|/work\b|/tmp/|/home/|/root\b|0x[0-9a-f]{8,}|on our side|"
    rb"(?<![0-9a-z_-])[0-9a-f]{32}(?![0-9a-z_-])",
    re.IGNORECASE,
)
"""Words that would tell an outsider how it looks in here, and the shop's own ids of carts."""
PERSONS_FORM = re.compile(rb"/oauth/(?:sign-in|code|consent)\b|/account/agents\b")
ONE_IN = 50
"""Answers of a form that was seen before are held against the schema once in so many."""
UNREAD = object()


class Judge:
    """Remembers which forms of answers it has seen."""

    def __init__(self) -> None:
        self.answers: dict[int, int] = {}
        self.seen: dict[Any, int] = {}
        self.validated = 0
        self.forms = 0
        """Forms of a sign-in that were answered by a page."""

    def judge(self, shot: Shot, reply: Reply) -> None:
        """Raises AssertionError for an answer that must not be."""
        self.answers[reply.status] = self.answers.get(reply.status, 0) + 1
        if not reply.status:
            # A server that will not read on closes, and what it said before may be lost with the connection.
            refused_at_head = shot.target.startswith(b"http")
            lost = (
                shot.lies == "long" or ((shot.lies or refused_at_head) and shot.cuts) or len(shot.body) > MAX_BODY_BYTES
            )
            assert lost, "no answer"
            return
        assert 200 <= reply.status < 500, f"status {reply.status}"
        self._keeps_quiet(shot, reply)
        media_type = reply.headers.get("content-type", "")
        if media_type == "text/plain; charset=utf-8" and reply.headers.get("connection") == "close":
            # Refused before it was a request, by our protocol class or by uvicorn's own.
            of_uvicorn = reply.status == 400 and reply.body == b"Invalid HTTP request received."
            assert of_uvicorn or reply.status in {400, 501, 505}
            assert of_uvicorn or reply.headers["x-content-type-options"] == "nosniff"
            return
        assert reply.headers["x-content-type-options"] == "nosniff"
        if reply.streams:
            assert reply.status == 200
            self._event(shot, reply.body)
        elif media_type == PROBLEM or shot.target != b"/mcp" or shot.verb != b"POST":
            self._page(shot, reply, media_type)
        elif reply.status == 202:
            assert (reply.body, media_type) == (b"", "")
        else:
            assert media_type == JSON, f"{reply.status} with {media_type!r}"
            self._answer(shot, reply.status, json.loads(reply.body))

    def _keeps_quiet(self, shot: Shot, reply: Reply) -> None:
        sent = None
        for found in INTERNAL.finditer(reply.body):
            sent = sent or shot.wire().lower()
            # Where a document names its own parts, that is its content.
            page = shot.verb in {b"GET", b"HEAD"} and found[0].lower() not in {b"traceback", b"site-packages"}
            assert page or found[0].lower() in sent, f"tells {found[0]!r}: {reply.body[:300]!r}"

    def _page(self, shot: Shot, reply: Reply, media_type: str) -> None:
        if reply.status == 405:
            assert reply.headers.get("allow"), "405 without Allow"
        if media_type == PROBLEM and shot.verb != b"HEAD":
            told = json.loads(reply.body)
            assert told["status"] == reply.status
            assert 0 < len(told["detail"]) < 500
        elif shot.verb == b"POST" and reply.body and reply.status >= 400:
            # Forms of the sign-in are sent by persons.
            persons = PERSONS_FORM.match(shot.target) is not None
            assert media_type == (PAGE if persons else JSON)
            self.forms += persons
        location = reply.headers.get("location", "/")
        assert re.match(r"/(?!/)", location), f"leads to {location}"

    def _event(self, shot: Shot, frame: bytes) -> None:
        kind, _, told = frame.partition(b"\ndata: ")
        if shot.target.startswith(b"/mcp/sse"):
            assert kind == b"event: endpoint"
            assert told.startswith(b"/mcp/sse/message?sessionId=")
            return
        assert kind == b"event: message"
        first = json.loads(told)
        asked = sent_message(shot)
        if first["method"] == "notifications/subscriptions/acknowledged":
            assert asked is UNREAD or same(first["params"]["_meta"][META + "subscriptionId"], plain(asked["id"]))
        elif first["method"] == "notifications/progress":
            assert asked is UNREAD or same(first["params"]["progressToken"], asked["params"]["_meta"]["progressToken"])
        else:
            assert first["method"] == "notifications/message"
        parse_server_notification(first["method"], NEWEST, first["params"])

    def _answer(self, shot: Shot, status: int, told: Any) -> None:
        sent = sent_message(shot)
        if isinstance(told, list):
            assert status == 200
            if sent is UNREAD:
                return
            assert isinstance(sent, list)
            wanted = {json.dumps(plain(one.get("id"))): one for one in sent if isinstance(one, dict)}
            for one in told:
                asked = wanted[json.dumps(one["id"])]
                self._one(shot, 200, one, asked)
            return
        if lacks_scope(told):
            # A batch has one status for all; who asks alone is asked to sign in by HTTP.
            assert status == 401
            status = 200
        self._one(shot, status, told, sent)

    def _one(self, shot: Shot, status: int, told: dict[str, Any], sent: Any) -> None:
        assert told["jsonrpc"] == "2.0"
        readable = isinstance(sent, dict)
        if "id" in told:
            assert told["id"] is not None
            assert sent is UNREAD or (readable and same(told["id"], plain(sent.get("id")))), f"id {told['id']!r}"
        else:
            assert told["error"]["code"] in {-32700, -32600, -32602, -32022}, "no id"
        if "error" in told:
            code = told["error"]["code"]
            assert status in STATUSES[code], f"{code} with {status}"
            self._valid(("error", code, status, shape(told)), lambda: check_error(told))
            return
        assert status == 200
        assert told.keys() == {"jsonrpc", "id", "result"}
        if readable:
            self._result(shot, sent, told["result"])

    def _result(self, shot: Shot, sent: Mapping[str, Any], result: dict[str, Any]) -> None:
        params = sent.get("params")
        about = params.get("_meta") if isinstance(params, dict) else None
        claimed = isinstance(about, dict) and META + "protocolVersion" in about and sent["method"] != "initialize"
        assert ("resultType" in result) is claimed, "of the other era"
        named = shot.header(b"mcp-protocol-version")
        version = NEWEST if claimed else next((one for one in reversed(named) if one in HANDSHAKE), ASSUMED)
        self._valid(
            (sent["method"], version, shape(result)), lambda: validate_server_result(sent["method"], version, result)
        )

    def _valid(self, form: Any, check: Any) -> None:
        times = self.seen[form] = self.seen.get(form, -1) + 1
        if times % ONE_IN == 0:
            self.validated += 1
            check()


def sent_message(shot: Shot) -> Any:
    """The body as JSON has it; UNREAD where Python's reader gives up."""
    try:
        return json.loads(shot.body.decode())
    except (ValueError, RecursionError):
        return UNREAD


def shape(told: Any) -> Any:
    """Members and kinds, without the values."""
    if isinstance(told, dict):
        return frozenset((name, shape(value)) for name, value in told.items())
    if isinstance(told, list):
        return ("list", frozenset(map(shape, told)))
    return type(told)


def plain(id_: Any) -> Any:
    """An id as it comes back: 1.0 is the integer 1."""
    return int(id_) if isinstance(id_, float) and id_.is_integer() else id_


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same kind."""
    return type(one) is type(other) and one == other


def lacks_scope(told: Mapping[str, Any]) -> bool:
    """Whether an answer, an error or a tool's failed result, asks its reader to sign in."""
    failed = told.get("result", {}).get("_meta", {}).get("storefront-mcp/error", {})
    return ScopeMissing.code in {failed.get("code"), told.get("error", {}).get("data", {}).get("code")}
