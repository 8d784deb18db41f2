"""Authorization requests (RFC 6749 §4.1.1, RFC 7636, RFC 8707, RFC 9207): their parameters and checks."""

import re
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.buyer_scopes import known_buyer_scopes
from storefront_mcp.commerce.origins import normalise_origin, origin_of
from storefront_mcp.commerce.store import Store
from storefront_mcp.oauth.clients import OAuthClient, is_client_id
from storefront_mcp.oauth.errors import ClientRefused, RedirectError, RequestDenied
from storefront_mcp.oauth.paths import account_endpoint
from storefront_mcp.oauth.redirection import answer_address
from storefront_mcp.oauth.redirects import is_usable
from storefront_mcp.records.oauth import AuthorizationRequest

MAX_QUERY_BYTES: Final = 16 * 1024
MAX_PARAMETERS: Final = 50
MAX_STATE_CHARS: Final = 4096
MAX_RESOURCE_CHARS: Final = 2048
CHALLENGE_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url (RFC 7636 §4.2)."""
PARAMETERS: Final = frozenset(
    {
        "client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "resource",
        "code_challenge", "code_challenge_method",
    }
)  # fmt: skip
ASTRAY: Final = "This request would send the answer where it does not belong."
RECOVERY: Final = "Remove this shop from your assistant and add it again."


class AuthorizationParameters(Struct, frozen=True, kw_only=True):
    """The parameters that count, each at most once; an empty one counts as none (RFC 6749 §3.1)."""

    values: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """The value of a parameter."""
        return self.values.get(name)


def read_parameters(query: bytes) -> AuthorizationParameters:
    """The parameters of a query. Raises ClientRefused where one comes twice, as nobody knows which one is meant."""
    if len(query) > MAX_QUERY_BYTES:
        raise ClientRefused(f"This request is too long. {RECOVERY}")
    try:
        fields = parse_qsl(query.decode("ascii"), max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise ClientRefused(f"This request cannot be read. {RECOVERY}") from None
    values: dict[str, str] = {}
    for name, value in fields:
        if name in PARAMETERS:
            if name in values:
                raise ClientRefused(f"This request says {name} twice. {RECOVERY}")
            values[name] = value
    return AuthorizationParameters(values=values)


def requested_client_id(parameters: AuthorizationParameters) -> str:
    """The client's id. Raises ClientRefused."""
    id_ = parameters.get("client_id")
    if id_ is None or not is_client_id(id_):
        raise ClientRefused(f"This request does not say which assistant it is from. {RECOVERY}")
    return id_


def requested_redirect_uri(parameters: AuthorizationParameters) -> str:
    """The redirect URI, which any client may have. Raises ClientRefused."""
    uri = parameters.get("redirect_uri")
    if uri is None or not is_usable(uri):
        raise ClientRefused(f"{ASTRAY} {RECOVERY}")
    return uri


def authorization_request(
    parameters: AuthorizationParameters, client: OAuthClient, store: Store, offered: tuple[str, ...]
) -> AuthorizationRequest:
    """The validated request; `offered` are the buyer scopes of open tools.

    Raises ClientRefused for a redirect URI that is not the client's, and RequestDenied for what is wrong otherwise.
    """
    uri = requested_redirect_uri(parameters)
    if not client.has_redirect(uri):
        raise ClientRefused(f"{ASTRAY} {RECOVERY}")
    state = parameters.get("state")

    def deny(code: RedirectError, detail: str) -> NoReturn:
        known = state if state is not None and len(state) <= MAX_STATE_CHARS else None
        answer = answer_address(uri, known, store.origin, error=code, error_description=detail)
        raise RequestDenied(replace(answer, unproven=client.kind != "fixed"))

    if state is not None and len(state) > MAX_STATE_CHARS:
        deny("invalid_request", f"state has at most {MAX_STATE_CHARS} characters.")
    kind = parameters.get("response_type")
    if kind != "code":
        deny("invalid_request" if kind is None else "unsupported_response_type", "Send response_type=code.")
    if parameters.get("response_mode") not in {None, "query"}:
        deny("invalid_request", "The answer comes in the query: leave response_mode out.")
    challenge = parameters.get("code_challenge") or ""
    if parameters.get("code_challenge_method") != "S256" or CHALLENGE_PATTERN.fullmatch(challenge) is None:
        deny("invalid_request", "Send a code_challenge with code_challenge_method=S256 (RFC 7636).")
    resource = canonical_resource(store, parameters.get("resource"))
    if resource is None:
        deny("invalid_target", f"Permissions are given for {store.endpoint} only.")
    asked = known_buyer_scopes((parameters.get("scope") or "").split())
    return AuthorizationRequest(
        client_id=client.id,
        client_kind=client.kind,
        client_name=client.name,
        client_host=client.host,
        redirect_uri=uri,
        state=state,
        scopes=tuple(scope for scope in asked if scope in offered) or offered,
        resource=resource,
        challenge=challenge,
    )


def canonical_resource(store: Store, asked: str | None) -> str | None:
    """The endpoint's URL that is meant (RFC 8707 §2): `/mcp` by default and for the origin alone; None if foreign."""
    if asked is None:
        return store.endpoint
    if len(asked) > MAX_RESOURCE_CHARS:
        return None
    try:
        parts = urlsplit(asked)
        origin = normalise_origin(origin_of(asked))
    except (ValueError, KeyError):
        return None
    if origin != store.origin or "@" in parts.netloc or "?" in asked or "#" in asked:
        return None
    path = parts.path.rstrip("/")
    if not path:
        return store.endpoint
    return next((url for url in (store.endpoint, account_endpoint(store)) if store.url(path) == url), None)
