"""Where a browser goes after a sign-in, and as whom a person is told of a client."""

from typing import Final
from urllib.parse import urlencode, urlsplit

from storefront_mcp.commerce.origins import is_loopback, origin_of
from storefront_mcp.oauth.sign_in_views import ClientView, ReturnAddress
from storefront_mcp.records.oauth import AuthorizationRequest

WEB_SCHEMES: Final = frozenset({"https", "http"})


def redirect_host(redirect_uri: str) -> str:
    """The host that gets the answer, as a person is shown it; empty for an app on the person's own device.

    In small letters, where none can be taken for another: `cIaude.example` is `ciaude.example`.
    """
    parts = urlsplit(redirect_uri)
    return "" if parts.scheme not in WEB_SCHEMES or is_loopback(redirect_uri) else parts.netloc.lower()


def display_address(address: str) -> str:
    """An address as a person is shown it: without its query, and its host in small letters."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.lower(), query="").geturl()


def app_scheme(redirect_uri: str) -> str:
    """The scheme of an app's own that gets the answer; empty where that goes to a web address or to a loopback."""
    scheme = urlsplit(redirect_uri).scheme
    return "" if scheme in WEB_SCHEMES else scheme


def client_view(request: AuthorizationRequest) -> ClientView:
    """The client of a request, as its person is told of it."""
    host = redirect_host(request.redirect_uri)
    document = "" if request.client_host == host else request.client_host
    scheme = app_scheme(request.redirect_uri)
    return ClientView(host=host, scheme=scheme, document_host=document, name=request.client_name)


def form_target(redirect_uri: str) -> str:
    """The CSP source of a redirect URI; empty for an app's own scheme, which a link opens.

    CSP 3 §2.3.1 has no IPv6 addresses: there the whole scheme has to do.
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme not in WEB_SCHEMES:
        return ""
    return f"{parts.scheme}:" if ":" in (parts.hostname or "") else origin_of(redirect_uri)


def return_address(request: AuthorizationRequest, issuer: str, **answer: str) -> ReturnAddress:
    """The redirect URI of a request with an answer."""
    return answer_address(request.redirect_uri, request.state, issuer, **answer)


def answer_address(redirect_uri: str, state: str | None, issuer: str, **answer: str) -> ReturnAddress:
    """A redirect URI with an answer, the client's `state` and `iss` (RFC 6749 §4.1.2, RFC 9207)."""
    if state is not None:
        answer["state"] = state
    address = f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode({**answer, 'iss': issuer})}"
    return ReturnAddress(address=address, is_app=bool(app_scheme(redirect_uri)))
