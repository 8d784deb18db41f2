"""Settings of the sign-in of buyers."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.oauth.clients import MAX_REDIRECT_URIS, REGISTERED_PREFIX, OAuthClient
from storefront_mcp.oauth.redirects import is_usable
from storefront_mcp.settings.problems import SettingProblem

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
GrantDays = Annotated[int, Meta(ge=1, le=365, description="a whole number of days from 1 to 365")]


class FixedClientSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[store.sign_in.clients]]`: an OAuth client that is known beforehand."""

    id: ClientId
    name: Text
    redirect_uris: tuple[RedirectUri, ...]


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

    @property
    def fixed_clients(self) -> tuple[OAuthClient, ...]:
        """The clients that are known beforehand."""
        return tuple(
            OAuthClient(id=one.id, kind="fixed", name=one.name, redirect_uris=one.redirect_uris) for one in self.clients
        )


def sign_in_problems(
    sign_in: SignInSettings, where: str, *, issuer: str | None, has_key: bool
) -> Iterable[SettingProblem]:
    """Problems of `[store.sign_in]` at `where`; `has_key` is whether personal data are encrypted."""
    if sign_in.on and issuer is not None:
        yield SettingProblem(
            f"{where}on", f"does not go with issuer, as each names who signs customers in; drop one. Got {issuer!r}."
        )
    if sign_in.on and not has_key:
        yield SettingProblem(
            f"{where}on",
            "wants personal_data.key, with which sessions of customers are encrypted: STOREFRONT_PERSONAL_DATA__KEY, "
            "or personal_data.key_file.",
        )
    names: set[str] = set()
    for index, client in enumerate(sign_in.clients):
        at = f"{where}clients[{index}]."
        if client.id in names:
            yield SettingProblem(f"{at}id", f"{client.id} is another client's already.")
        names.add(client.id)
        if client.id.startswith((REGISTERED_PREFIX, "https://")):
            yield SettingProblem(f"{at}id", f"wants a name that no other kind of client has; got {client.id!r}.")
        if not 0 < len(client.redirect_uris) <= MAX_REDIRECT_URIS:
            yield SettingProblem(f"{at}redirect_uris", f"wants 1 to {MAX_REDIRECT_URIS} of them.")
        for uri in client.redirect_uris:
            if not is_usable(uri):
                yield SettingProblem(
                    f"{at}redirect_uris", f"wants https, or http to this device, without a fragment; got {uri!r}."
                )
