"""Form and query fields of console requests, with CSRF protection: Fetch Metadata or Origin, and a token."""

import hashlib
import hmac
from typing import Any, Final

from litestar import Request

from storefront_mcp.console.errors import foreign_form, unreadable_form
from storefront_mcp.web.forms import FormFields, FormRejected, is_same_origin, parse_fields, read_form

MAX_FIELDS: Final = 60
CSRF_FIELD: Final = "csrf"


def query_fields(request: Request[Any, Any, Any]) -> FormFields:
    """The fields of the query string. Raises ConsoleError 400."""
    try:
        return parse_fields(request.scope["query_string"], max_fields=MAX_FIELDS)
    except FormRejected:
        raise unreadable_form() from None


async def posted_fields(request: Request[Any, Any, Any], cookie: str) -> FormFields:
    """The fields of a posted form; `cookie` is what its CSRF token belongs to. Raises ConsoleError 400, 403."""
    # `none` is typed by the user: no form of the console is submitted that way.
    if not is_same_origin(request) or request.headers.get("sec-fetch-site") == "none":
        raise foreign_form()
    try:
        form = await read_form(request, max_fields=MAX_FIELDS)
    except FormRejected:
        raise unreadable_form() from None
    if not cookie or not hmac.compare_digest(form.one(CSRF_FIELD).encode(), csrf_token(cookie).encode()):
        raise foreign_form()
    return form


def csrf_token(cookie: str) -> str:
    """CSRF token of a session: hex HMAC-SHA256 of a constant, keyed with the session cookie."""
    return hmac.digest(cookie.encode(), b"a form of the console", hashlib.sha256).hex()
