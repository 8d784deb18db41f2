"""The MCP endpoint on the wire: Streamable HTTP without sessions, before the framework because every hop counts."""

from http import HTTPStatus

from litestar.types import Receive, Scope, Send

from storefront_mcp.calls.caller import GUEST
from storefront_mcp.mcp.answering import Stream
from storefront_mcp.mcp.versions import LEGACY
from storefront_mcp.web.body import BODY_SECONDS, BodyRefused, header, read_body
from storefront_mcp.web.events import framed, stream
from storefront_mcp.web.gate import Gate, Headers
from storefront_mcp.web.site import Shown, Site


class McpEndpoint:
    """Serves `/mcp` for one site."""

    def __init__(self, site: Site, gate: Gate, *, body_seconds: float = BODY_SECONDS) -> None:
        self._site = site
        self._gate = gate
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under the roadmap that is shown as it arrives."""
        shown = self._site.shown
        cors = await self._gate.passed(scope, send)
        if cors is None:
            return
        method = scope["method"]  # type: ignore[typeddict-item]
        headers = list(scope["headers"])
        if method == "POST":
            await self._post(shown, headers, cors, receive, send)
        elif method == "DELETE" and header(headers, b"mcp-protocol-version") in {None, *LEGACY}:
            # Nothing was opened, so nothing is closed; clients of the handshake era want to hear that it worked.
            await self._gate.send(send, HTTPStatus.OK, b"", cors)
        else:
            await self._gate.problem(
                send,
                HTTPStatus.METHOD_NOT_ALLOWED,
                "Send JSON-RPC with POST; there is no stream to GET and no session to DELETE.",
                [(b"allow", b"POST, OPTIONS"), *cors],
                head=method == "HEAD",
            )

    async def _post(self, shown: Shown, headers: Headers, cors: Headers, receive: Receive, send: Send) -> None:
        media_type = (header(headers, b"content-type") or "").split(";")[0].strip().lower()
        if media_type != "application/json":
            await self._gate.problem(send, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.", cors)
            return
        try:
            body = await read_body(headers, receive, seconds=self._body_seconds)
        except BodyRefused as refused:
            if refused.status:
                await self._gate.problem(send, refused.status, str(refused), [(b"connection", b"close"), *cors])
            return
        answer = await shown.endpoint.post(headers, body, GUEST)
        if isinstance(answer, Stream):
            await stream(framed(answer.messages), receive, send, [*self._gate.always, *cors])
            return
        await self._gate.send(send, answer.status, answer.body, cors)
