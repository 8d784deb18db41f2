"""The MCP endpoint on the wire: Streamable HTTP without sessions, before the framework because every hop counts."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from litestar.types import Receive, Scope, Send

from storefront_mcp.calls.caller import GUEST, Caller
from storefront_mcp.calls.limits import PASSES
from storefront_mcp.mcp.answering import Stream
from storefront_mcp.mcp.versions import LEGACY
from storefront_mcp.web.body import BODY_SECONDS, BodyRefused, arriving
from storefront_mcp.web.door import FIELD, Door, NoIdentity, admitted
from storefront_mcp.web.events import framed, stream
from storefront_mcp.web.gate import Gate, Headers
from storefront_mcp.web.site import Site
from storefront_mcp.web.turnstile import TOO_MANY, Turnstile, http_headers, refusal_bytes
from storefront_mcp.web.wire.answering import WHOLE

JSON: Final = b"application/json"


class McpEndpoint:
    """Serves `/mcp` for one site."""

    def __init__(
        self,
        site: Site,
        gate: Gate,
        door: Door | None = None,
        turnstile: Turnstile | None = None,
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """Without a `door`, no credentials are accepted; without a `turnstile`, nobody is counted."""
        self._site = site
        self._gate = gate
        self._door = door or Door(site, NoIdentity())
        self._turnstile = turnstile
        self._body_seconds = body_seconds

    async def answer(  # noqa: C901 -- written out, as each coroutine costs as much as all that is decided here
        self, scope: Scope, headers: Headers, fields: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Answer one request under the roadmap that is shown as it arrives; `fields` are its headers by name."""
        shown, method, turnstile = self._site.shown, scope["method"], self._turnstile  # type: ignore[typeddict-item]
        cors: Headers | None = []
        # There is nothing to look at: a POST from no browser's page, while a phase is open.
        if not shown.open or method != "POST" or b"origin" in fields:
            cors = await self._gate.passed(scope, send)
        if cors is None:
            return
        address = "" if turnstile is None else turnstile.visitor(scope, headers, fields)
        if turnstile is not None and address:
            arrives = turnstile.arrives(address)
            if arrives is not PASSES and (refused := await arrives) is not None:
                turnstile.was_too_often(refused, address, headers)
                await self._gate.send(send, TOO_MANY, refusal_bytes(refused), [*http_headers(refused), *cors])
                return
        caller: Caller | None = GUEST
        if FIELD in fields or scope["query_string"]:
            caller = await admitted(self._door, self._gate, scope, send, cors)
        if caller is None:
            return
        media_type = fields.get(b"content-type", b"")
        if method != "POST" or (media_type != JSON and not _says_json(media_type)):
            await self._elsewise(method, fields, cors, send)
            return
        try:
            body = await arriving(fields.get(b"content-length", b""), receive, seconds=self._body_seconds)
        except BodyRefused as refused_body:
            await self._untaken(refused_body, cors, send)
            return
        answer = await shown.endpoint.post(headers, body, caller, address, fields=fields)
        if isinstance(answer, Stream):
            await stream(framed(answer.messages), receive, send, [*self._gate.always, *cors])
        elif answer.body and answer.needs is None and not cors and WHOLE in (scope.get("extensions") or ()):
            await send(self._gate.whole(answer.status, answer.body))
        else:
            challenge = [] if answer.needs is None else [self._door.lacking(answer.needs, answer.status)]
            await self._gate.send(send, answer.status, answer.body, [*challenge, *cors])

    async def _untaken(self, refused: BodyRefused, cors: Headers, send: Send) -> None:
        """A body that is not taken; who has gone hears nothing."""
        if refused.status:
            await self._gate.problem(send, refused.status, str(refused), [(b"connection", b"close"), *cors])

    async def _elsewise(self, method: str, fields: Mapping[bytes, bytes], cors: Headers, send: Send) -> None:
        """Anything but a POST of JSON."""
        if method == "POST":
            await self._gate.problem(send, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.", cors)
            return
        version = fields.get(b"mcp-protocol-version")
        if method == "DELETE" and (version is None or version.decode("latin-1").strip() in LEGACY):
            # Nothing was opened, so nothing is closed; clients of the handshake era want to hear that it worked.
            await self._gate.send(send, HTTPStatus.OK, b"", cors)
            return
        await self._gate.problem(
            send,
            HTTPStatus.METHOD_NOT_ALLOWED,
            "Send JSON-RPC with POST; there is no stream to GET and no session to DELETE.",
            [(b"allow", b"POST, OPTIONS"), *cors],
            head=method == "HEAD",
        )


def _says_json(media_type: bytes) -> bool:
    return media_type.split(b";")[0].strip().lower() == JSON
