"""What browsers send us: the fields of our own forms, each with a token that only our own pages know."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from litestar import Request
from msgspec import Struct

from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.console.refusals import foreign, unreadable

FIELDS: Final = 60
FIELD: Final = "csrf"


class Form(Struct, frozen=True):
    """Fields in their order; some names come several times."""

    fields: Sequence[tuple[str, str]] = ()

    def one(self, name: str, otherwise: str = "") -> str:
        """The last value of that name, without spaces around it."""
        return next((value for key, value in reversed(self.fields) if key == name), otherwise).strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of that name."""
        return tuple(value for key, value in self.fields if key == name)


def asked(request: Request[Any, Any, Any]) -> Form:
    """The fields of the address."""
    try:
        text = request.scope["query_string"].decode("ascii")
        return Form(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise unreadable() from None


async def sent(request: Request[Any, Any, Any], cookie: str) -> Form:
    """The fields of a form that one of our own pages sent. Raises NotForYou for any other."""
    if not _same_origin(request):
        raise foreign()
    try:
        body = await read_body(list(request.scope["headers"]), request.receive)
        form = Form(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS))
    except (BodyRefused, ValueError):
        raise unreadable() from None
    if not cookie or not hmac.compare_digest(form.one(FIELD).encode(), csrf(cookie).encode()):
        raise foreign()
    return form


def csrf(cookie: str) -> str:
    """What the forms of whoever holds this cookie carry; nobody can tell it who does not know the cookie."""
    return hmac.digest(cookie.encode(), b"a form of the console", hashlib.sha256).hex()


def _same_origin(request: Request[Any, Any, Any]) -> bool:
    """Whether the browser says that it was a page of this origin, or nothing; then the token alone tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "null")
    try:
        return origin == "null" or urlsplit(origin).netloc.lower() == request.headers.get("host", "").strip().lower()
    except ValueError:
        return False
