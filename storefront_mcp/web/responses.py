"""Write whole responses of the MCP endpoints, JSON and problem documents, and redirects of pages."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from litestar import Response
from litestar.types import Send

from storefront_mcp.commerce.store import Store
from storefront_mcp.web.problem import PROBLEM_TYPE, problem_bytes
from storefront_mcp.web.security import security_headers

JSON_TYPE: Final = b"application/json"

Headers = list[tuple[bytes, bytes]]


class ResponseWriter:
    """Writes responses of one store, each with the store's security headers."""

    def __init__(self, store: Store) -> None:
        self.security_headers = security_headers(store)
        self.json_headers = ((b"content-type", JSON_TYPE), *self.security_headers)

    async def json(self, send: Send, status: int, body: bytes, headers: Headers) -> None:
        """A JSON response, or an empty one."""
        fields = [*(self.json_headers if body else self.security_headers), *headers]
        fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def problem(
        self,
        send: Send,
        status: int,
        detail: str,
        headers: Iterable[tuple[bytes, bytes]] = (),
        *,
        code: str | None = None,
        head: bool = False,
    ) -> None:
        """A problem document (RFC 9457)."""
        fields = [
            (b"content-type", PROBLEM_TYPE.encode()),
            (b"cache-control", b"no-store"),
            *headers,
            *self.security_headers,
        ]
        await write_response(send, status, problem_bytes(status, detail, code=code), fields, head=head)


async def write_response(send: Send, status: int, body: bytes, headers: Headers, *, head: bool = False) -> None:
    """A whole response; without its body for HEAD."""
    length = [] if status == HTTPStatus.NO_CONTENT else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})


def see_other(address: str, **headers: str) -> Response[bytes]:
    """303: look there, with GET."""
    fields = {"location": address, "cache-control": "no-store", "referrer-policy": "no-referrer", **headers}
    return Response(b"", status_code=HTTPStatus.SEE_OTHER, headers=fields)
