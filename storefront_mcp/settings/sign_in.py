"""Settings of the sign-in of buyers."""

import re
from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.oauth.clients import MAX_REDIRECT_URIS, REGISTERED_PREFIX, OAuthClient
from storefront_mcp.oauth.redirects import is_usable
from storefront_mcp.settings.problems import SettingProblem

ACCOUNT_KINDS: Final = ("maho", "medusa", "woocommerce", "demo")
"""Kinds of shops whose customers can sign in, and whose accounts are shown to them."""
MAILED_CODE_KINDS: Final = ("woocommerce",)
"""Kinds of shops whose customers sign in by a code that is mailed to them."""
TOKEN_KINDS: Final = ("maho",)
"""Kinds of shops whose API may be set up to take an OpenID provider's tokens as its customers' own."""

SECRET_PATTERN: Final = re.compile("[!-~]{32,200}")
Switch = Annotated[bool, Meta(description="true or false")]
ClientId = Annotated[
    str, Meta(pattern="^[!-~]{1,200}$", description="letters, digits and signs without spaces, at most 200")
]
Text = Annotated[str, Meta(min_length=1, max_length=60, description="a text of at most 60 characters")]
RedirectUri = Annotated[str, Meta(min_length=1, max_length=2_048, description="a redirect URI")]
TokenLifetime = Annotated[
    int, Meta(ge=60, le=86_400, description="a whole number of seconds, from 60 to 86400 (a day)")
]
Note = Annotated[str, Meta(min_length=1, max_length=300, description="a text of at most 300 characters")]
Url = Annotated[
    str, Meta(pattern=r"^https?://[^\s]{1,2000}$", description="a URL: http:// or https://, without spaces")
]
ScopeName = Annotated[
    str, Meta(pattern=r"^[!#-\[\]-~]{1,200}$", description="a scope: letters, digits and signs without spaces")
]
GrantDays = Annotated[int, Meta(ge=1, le=365, description="a whole number of days from 1 to 365")]


class FixedClientSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[store.sign_in.clients]]`: an OAuth client that is known beforehand."""

    id: ClientId
    name: Text
    redirect_uris: tuple[RedirectUri, ...]
    secret: Annotated[Secret, Meta(description="what `openssl rand -base64 32` prints")] | None = None
    """By which it proves itself; without one it is a public client."""


class OpenIdSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.sign_in.oidc]`: the OpenID provider at which customers sign in, in the place of a form of ours."""

    issuer: Url | None = None
    """Its issuer identifier, exactly as its metadata have it."""
    client_id: ClientId | None = None
    client_secret: Annotated[Secret, Meta(description="the client secret that the provider gave")] | None = None
    """None for a public client."""
    scopes: tuple[ScopeName, ...] = ("openid", "profile", "email")
    audience: Annotated[str, Meta(pattern="^[!-~]{1,500}$", description="a text without spaces")] | None = None
    """The shop's API, for providers that want its name before they issue tokens for it."""


class SignInSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.sign_in]`: customers of the shop sign in and let an agent act for them."""

    on: Switch = False
    client_documents: Switch = True
    """Whether clients may be known by a metadata document of their own, which is fetched."""
    clients: tuple[FixedClientSettings, ...] = ()
    token_lasts: TokenLifetime = 3600
    """Seconds of an access token."""
    grant_days: GrantDays = 30
    """After which the person has to sign in again, however often the agent was used."""
    note: Note | None = None
    """What people are told on the landing page and before they sign in."""
    register_url: Url | None = None
    """The shop's page for who has no account yet."""
    reset_url: Url | None = None
    """The shop's page for who has forgotten the password."""
    oidc: OpenIdSettings = OpenIdSettings()

    @property
    def fixed_clients(self) -> tuple[OAuthClient, ...]:
        """The clients that are known beforehand."""
        return tuple(
            OAuthClient(id=one.id, kind="fixed", name=one.name, redirect_uris=one.redirect_uris, secret=one.secret)
            for one in self.clients
        )


def sign_in_problems(
    sign_in: SignInSettings,
    where: str,
    *,
    kind: str,
    origin: str,
    issuer: str | None,
    has_key: bool,
) -> Iterable[SettingProblem]:
    """Problems of `[store.sign_in]` of a store at `where`; `has_key` is whether personal data are encrypted."""
    if sign_in.on:
        yield from _switch_problems(f"{where}on", kind=kind, origin=origin, issuer=issuer, has_key=has_key)
    yield from _provider_problems(sign_in.oidc, f"{where}oidc.", kind=kind, origin=origin)
    names: set[str] = set()
    for index, client in enumerate(sign_in.clients):
        at = f"{where}clients[{index}]."
        if client.id in names:
            yield SettingProblem(f"{at}id", f"{client.id} is another client's already.")
        names.add(client.id)
        yield from _client_problems(client, at)


def _switch_problems(at: str, *, kind: str, origin: str, issuer: str | None, has_key: bool) -> Iterable[SettingProblem]:
    """What keeps customers from signing in."""
    if kind not in ACCOUNT_KINDS:
        yield SettingProblem(at, f'wants false: a shop of kind "{kind}" shows no accounts here yet.')
        return
    if not origin.startswith("https:") and not is_loopback(origin):
        yield SettingProblem(at, f"wants an origin of https, as passwords are typed there; got {origin!r}.")
    if issuer is not None:
        yield SettingProblem(
            at, f"does not go with issuer, as each names who signs customers in; drop one. Got {issuer!r}."
        )
    if not has_key:
        yield SettingProblem(
            at,
            "wants personal_data.key, with which sessions of customers are encrypted: STOREFRONT_PERSONAL_DATA__KEY, "
            "or personal_data.key_file.",
        )


def mailed_code_problems(at: str, *, has_merchant_key: bool, sends_mail: bool) -> Iterable[SettingProblem]:
    """What keeps customers of a shop of `MAILED_CODE_KINDS` from signing in, where the switch `at` is on."""
    if not sends_mail:
        yield SettingProblem(
            at, "wants smtp.host and smtp.sender, as customers of this shop sign in by a code that is mailed to them."
        )
    if not has_merchant_key:
        yield SettingProblem(
            at,
            "wants upstream.consumer_key and consumer_secret, a key of the shop's REST API, which finds customers and "
            "reads their orders.",
        )


def _provider_problems(oidc: OpenIdSettings, where: str, *, kind: str, origin: str) -> Iterable[SettingProblem]:
    """What keeps customers from signing in at the OpenID provider."""
    if oidc.issuer is None:
        if oidc != OpenIdSettings():
            yield SettingProblem(f"{where}issuer", "is wanted, as the rest says nothing without it.")
        return
    if oidc.client_id is None:
        yield SettingProblem(f"{where}client_id", "is wanted: the id that the provider gave this store.")
    if kind in ACCOUNT_KINDS and (missing := missing_for_tokens(oidc, kind)):
        yield SettingProblem(f"{where}issuer", missing[0])
    local = is_loopback(oidc.issuer) and is_loopback(origin)
    if "?" in oidc.issuer or "#" in oidc.issuer or not (oidc.issuer.startswith("https:") or local):
        yield SettingProblem(f"{where}issuer", f"wants an https URL without a query; got {oidc.issuer!r}.")


def missing_for_tokens(oidc: OpenIdSettings, kind: str) -> tuple[str, ...]:
    """Why an OpenID provider's customers could not be let into a shop of this kind, as sentences; none if they can."""
    if oidc.issuer is None or kind in TOKEN_KINDS:
        return ()
    return (f'nobody could sign in: a shop of kind "{kind}" takes no tokens of an OpenID provider: drop sign_in.oidc.',)


def _client_problems(client: FixedClientSettings, at: str) -> Iterable[SettingProblem]:
    if client.id.startswith((REGISTERED_PREFIX, "https://")):
        yield SettingProblem(f"{at}id", f"wants a name that no other kind of client has; got {client.id!r}.")
    if not 0 < len(client.redirect_uris) <= MAX_REDIRECT_URIS:
        yield SettingProblem(f"{at}redirect_uris", f"wants 1 to {MAX_REDIRECT_URIS} of them.")
    if client.secret is not None and SECRET_PATTERN.fullmatch(client.secret.reveal()) is None:
        yield SettingProblem(f"{at}secret", "wants 32 to 200 letters, digits and signs without spaces.")
    for uri in client.redirect_uris:
        if not is_usable(uri):
            yield SettingProblem(
                f"{at}redirect_uris", f"wants https, or http to this device, without a fragment; got {uri!r}."
            )
