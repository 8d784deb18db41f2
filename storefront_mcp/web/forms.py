"""URL-encoded forms of our own pages: fields, and whether a page of this origin sent them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Request
from msgspec import Struct

from storefront_mcp.commerce.origins import host_of
from storefront_mcp.web.body import BodyRefused, first_of_each, read_body

FORM_TYPE: Final = b"application/x-www-form-urlencoded"
"""What browsers send our forms as; pages elsewhere can have them send text/plain without asking."""


class FormRejected(Exception):
    """A form that is not taken; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = HTTPStatus(status)


class FormFields(Struct, frozen=True):
    """Fields in their order; some names come several times."""

    fields: Sequence[tuple[str, str]] = ()

    def one(self, name: str, otherwise: str = "") -> str:
        """The last value of that name, without spaces around it."""
        return next((value for key, value in reversed(self.fields) if key == name), otherwise).strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of that name."""
        return tuple(value for key, value in self.fields if key == name)


def parse_fields(text: bytes, *, max_fields: int) -> FormFields:
    """The fields of a form or a query.

    Raises FormRejected: 400 when malformed, with more than `max_fields`, or with a NUL, which nobody types and
    PostgreSQL takes in no text.
    """
    try:
        fields = parse_qsl(text.decode("ascii"), keep_blank_values=True, max_num_fields=max_fields)
    except ValueError:
        raise FormRejected(HTTPStatus.BAD_REQUEST) from None
    if any("\0" in part for field in fields for part in field):
        raise FormRejected(HTTPStatus.BAD_REQUEST)
    return FormFields(fields)


async def read_form(request: Request[Any, Any, Any], *, max_fields: int) -> FormFields:
    """The fields of a form in a request's body. Raises FormRejected: 400, 408, 413, 415."""
    headers = list(request.scope["headers"])
    try:
        body = await read_body(headers, request.receive)
    except BodyRefused as refused:
        raise FormRejected(refused.status or HTTPStatus.BAD_REQUEST) from None
    if body and first_of_each(headers).get(b"content-type", b"").partition(b";")[0].strip().lower() != FORM_TYPE:
        raise FormRejected(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    return parse_fields(body, max_fields=max_fields)


def is_same_origin(request: Request[Any, Any, Any]) -> bool:
    """Whether a page of this origin sent the request, as far as the browser says.

    `Sec-Fetch-Site` says it; `none` is a person's own doing. Browsers without it send an Origin, and since our pages
    send no referrer it is `null` for their forms (Fetch, "append a request Origin header").
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin", "null")
    try:
        return origin == "null" or host_of(origin.lower()) == request.headers.get("host", "").strip().lower()
    except ValueError:
        return False
