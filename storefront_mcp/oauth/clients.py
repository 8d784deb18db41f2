"""OAuth clients: registered ones, whose id holds all that is known of them, and those of the settings."""

import base64
import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.oauth.errors import EndpointRefusal
from storefront_mcp.oauth.redirects import is_same_redirect, is_usable, without_port
from storefront_mcp.records.oauth import ClientKind

REGISTERED_PREFIX: Final = "dcr1."
MAX_CLIENT_ID_CHARS: Final = 2048
MAX_REGISTERED_CHARS: Final = 1500
"""Of the id of a registered client: it comes in the query of every authorization request."""
MAX_REGISTRATION_BYTES: Final = 8 * 1024
MAX_REDIRECT_URIS: Final = 10
MAX_NAME_CHARS: Final = 60
MAX_MARKS: Final = 2
"""Combining marks on one character of a name: more pile up over the lines around it. No language in use needs more."""
HIDING_PATTERN: Final = re.compile(
    # Quotation marks (Unicode property Quotation_Mark), and what looks like them, with which a name would seem to end.
    "[\"'`\u00ab\u00b4\u00bb\u02b9-\u02bf\u02c8\u02ca\u02cb\u02dd\u02ee\u02f4-\u02f6\u05f3\u05f4\u1fbd\u1fbf\u1fef\u1ffd\u1ffe"
    "\u2018-\u201f\u2032-\u203a\u2057\u275b-\u2760\u276e\u276f\u2e42\u3003\u3008-\u300f\u301d-\u301f\ua78b\ua78c"
    "\ufe3d-\ufe44\uff02\uff07\uff40\uff62\uff63\U0001f676-\U0001f678"
    # What is printable and shows nothing: fillers, joiners, variation selectors, a blank of Braille, a silent note.
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001d159\U000e0100-\U000e01ef]"
)
TAG_BYTES: Final = 16

RedirectUris = Annotated[tuple[str, ...], Meta(max_length=MAX_REDIRECT_URIS)]


class OAuthClient(Struct, frozen=True, kw_only=True):
    """A client that may ask a person for a permission."""

    id: str
    kind: ClientKind
    name: str = ""
    """What it calls itself; one line, unproven."""
    host: str = ""
    """Host of its metadata document; empty for other kinds."""
    redirect_uris: tuple[str, ...]
    secret: Secret | None = None
    """By which it proves itself; None for public clients, which are all but some of the settings."""

    def has_redirect(self, uri: str) -> bool:
        """Whether a redirect URI is usable and one of this client's."""
        return is_usable(uri) and any(is_same_redirect(own, uri) for own in self.redirect_uris)


class RegistrationRequest(Struct, frozen=True):
    """Client metadata that count here (RFC 7591 §2); all else is ignored, as every client is public."""

    redirect_uris: tuple[Any, ...] = ()
    client_name: Any = None


class _SignedClient(Struct, frozen=True, array_like=True):
    """What the id of a registered client holds."""

    name: str
    redirect_uris: RedirectUris


_SIGNED: Final = msgspec.json.Decoder(_SignedClient)
_REGISTRATION: Final = msgspec.json.Decoder(RegistrationRequest)


def is_client_id(text: str) -> bool:
    """Whether a text can be a client's id at all: printable ASCII (RFC 6749 Appendix A.1), not too long."""
    return len(text) <= MAX_CLIENT_ID_CHARS and text.isascii() and text.isprintable()


def kind_of_client(id_: str) -> ClientKind:
    """The kind of client that an id is of, by its form."""
    if id_.startswith(REGISTERED_PREFIX):
        return "registered"
    return "document" if id_.startswith("https://") else "fixed"


def registered_client(store: StoreId, id_: str, key: bytes) -> OAuthClient | None:
    """The client of an id that `register_client` made for this store; None for any other text."""
    if not id_.startswith(REGISTERED_PREFIX) or len(id_) > MAX_REGISTERED_CHARS or not id_.isascii():
        return None
    body, _, tag = id_.removeprefix(REGISTERED_PREFIX).partition(".")
    if not hmac.compare_digest(_tag(store, body, key), tag):
        return None
    signed = _SIGNED.decode(_decode_body(body))
    return OAuthClient(id=id_, kind="registered", name=signed.name, redirect_uris=signed.redirect_uris)


def register_client(store: StoreId, body: bytes, key: bytes, *, now: float) -> dict[str, Any]:
    """Register a client (RFC 7591 §3): nothing is stored, and the same metadata give the same id.

    The answer holds no secret and no null members, and every usable redirect URI as it was sent. Raises
    EndpointRefusal.
    """
    if len(body) > MAX_REGISTRATION_BYTES:
        raise EndpointRefusal(
            "invalid_client_metadata", f"Client metadata have at most {MAX_REGISTRATION_BYTES} bytes."
        )
    try:
        metadata = _REGISTRATION.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise EndpointRefusal("invalid_client_metadata", "Send client metadata as a JSON object.") from None
    if len(metadata.redirect_uris) > MAX_REDIRECT_URIS:
        raise EndpointRefusal("invalid_redirect_uri", f"A client has at most {MAX_REDIRECT_URIS} redirect URIs.")
    uris = [uri for uri in metadata.redirect_uris if isinstance(uri, str) and is_usable(uri)]
    if not uris:
        detail = "Name a redirect URI: https, http to 127.0.0.1, [::1] or localhost, or a scheme of the app's own."
        raise EndpointRefusal("invalid_redirect_uri", detail)
    name = display_name(metadata.client_name)
    id_ = _signed_id(store, name, uris, key)
    if len(id_) > MAX_REGISTERED_CHARS:
        raise EndpointRefusal("invalid_client_metadata", "The redirect URIs are too long: send fewer or shorter ones.")
    return {
        "client_id": id_,
        "client_id_issued_at": int(now),
        **({"client_name": name} if name else {}),
        "redirect_uris": uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


def configured_client(clients: Iterable[OAuthClient], id_: str) -> OAuthClient | None:
    """The client of the settings with that id."""
    return next((client for client in clients if client.id == id_), None)


def display_name(said: object) -> str:
    """A client's own name as one printable line that can stand between quotation marks; empty for what is no text."""
    if not isinstance(said, str):
        return ""
    composed = unicodedata.normalize("NFC", said[: MAX_NAME_CHARS * 2])
    visible = HIDING_PATTERN.sub("", "".join(filter(str.isprintable, composed)))
    # Once more, as marks may now stand beside their letters.
    text = unicodedata.normalize("NFC", visible)
    return "".join(_without_piles(text.strip()))[:MAX_NAME_CHARS].rstrip()


def _without_piles(text: str) -> Iterator[str]:
    """The characters of a text without what combines with nothing, or with too much."""
    marks = MAX_MARKS
    for char in text:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        if marks <= MAX_MARKS:
            yield char


def _signed_id(store: StoreId, name: str, uris: Sequence[str], key: bytes) -> str:
    """The id of a client; ports of loopback URIs are cut, so that each start of an app gives the same."""
    distinct = tuple(dict.fromkeys(without_port(uri) for uri in uris))
    body = base64.urlsafe_b64encode(msgspec.json.encode(_SignedClient(name, distinct))).rstrip(b"=").decode()
    return f"{REGISTERED_PREFIX}{body}.{_tag(store, body, key)}"


def _tag(store: StoreId, body: str, key: bytes) -> str:
    tag = hmac.digest(key, f"{store}\0{body}".encode(), "sha256")[:TAG_BYTES]
    return base64.urlsafe_b64encode(tag).rstrip(b"=").decode()


def _decode_body(body: str) -> bytes:
    """Signed by us, so that it is whole."""
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
