"""What the sign-in pages show: views, and answers of the sign-in to a browser."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

RefusalReason = Literal[
    "credentials", "code", "unconfirmed", "limited", "nothing", "incomplete", "down", "issuer", "unknown"
]
"""nothing: every permission was unticked. incomplete: an empty field. down: the shop does not answer. issuer: the
OpenID provider signed nobody in. unknown: the shop does not know whom it signed in."""


class ClientView(Struct, frozen=True, kw_only=True):
    """A client as a person is told of it: what is proven, and what it says of itself."""

    host: str
    """Host that gets the answer; empty for an app on the person's own device."""
    scheme: str = ""
    """Scheme of the links that open that app; empty for a host, and for an app that listens on the device."""
    document_host: str = ""
    """Host of its metadata document, where that differs; empty for other clients."""
    name: str = ""
    """What it calls itself, unproven."""


class SignInRefusal(Struct, frozen=True, kw_only=True):
    """Why a form was not taken. Nothing was allowed by it."""

    reason: RefusalReason
    retry_after: int = 0
    """Seconds; 0 where there is nothing to wait for."""


class SignInView(Struct, frozen=True, kw_only=True):
    """A page that asks a person to sign in: for a client, or to see the connected agents."""

    step: Literal["sign_in", "code", "consent"]
    handle: str
    """Of the pending request; a secret, for the forms only."""
    client: ClientView | None
    """None on the way to the connected agents."""
    scopes: Sequence[tuple[str, bool]] = ()
    """Buyer scopes that are asked for, and whether each is ticked."""
    ends_at: int = 0
    """When a grant would end at the latest, in Unix seconds."""
    email: str = ""
    asks_password: bool = True
    mailed: bool = False
    """Whether the code was mailed; otherwise an authenticator shows it."""
    refused: SignInRefusal | None = None
    form_target: str = ""
    """CSP sources that the answer may lead to, with spaces between; empty where it stays here."""
    issuer_host: str = ""
    """Host of the OpenID provider where the person signs in; empty where that is done by this form."""


class SignInPage(Struct, frozen=True, kw_only=True):
    """A page to show; `cookie` is the new one of this sign-in, None where it stays."""

    view: SignInView
    cookie: str | None = None


class ReturnAddress(Struct, frozen=True, kw_only=True):
    """The end of a sign-in: the browser goes back to the client."""

    address: str
    """With the code, or an error."""
    is_app: bool
    """Whether it opens an app, which a browser may want a click for."""
    unproven: bool = False
    """Whether nobody but the client says where it leads, and no person has agreed to go there (RFC 9700 §4.11.2)."""


class IssuerVisit(Struct, frozen=True, kw_only=True):
    """A person on the way to the OpenID provider, who comes back with the handle as `state` and with the cookie."""

    address: str
    handle: str
    cookie: str


class AuthenticatedVisit(Struct, frozen=True, kw_only=True):
    """A person who signed in to see the connected agents; `handle` is the secret of that visit."""

    handle: str


class GrantView(Struct, frozen=True, kw_only=True):
    """A grant as its person sees it. Times are Unix seconds."""

    id: str
    client: ClientView
    scopes: Sequence[str]
    created_at: int
    last_used_at: int | None
    expires_at: int


class AgentsView(Struct, frozen=True, kw_only=True):
    """The page of a person's connected agents."""

    handle: str
    email: str
    grants: Sequence[GrantView]
    ended: bool = False
    """Whether one was just ended."""


SignInAnswer = SignInPage | ReturnAddress | AuthenticatedVisit | IssuerVisit
