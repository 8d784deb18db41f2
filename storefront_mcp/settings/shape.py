"""The settings of a shop and of the flags: names, types, what is wanted, and what holds where nothing is set."""

import datetime as dt
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from storefront_mcp.calls.credentials import Secret
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.store import Speaker, Store
from storefront_mcp.settings.console import ConsoleSettings
from storefront_mcp.settings.limiting import LimitSettings
from storefront_mcp.settings.origins import reversed_name

# Every description completes "wants …": it is what an operator reads when the value does not fit.
Text = Annotated[str, Meta(min_length=1, max_length=4_000, description="a text that is not empty")]
Id = Annotated[
    StoreId,
    Meta(
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=63,
        description='small letters, digits and single hyphens, such as "pickle"',
    ),
]
Origin = Annotated[
    str,
    Meta(
        pattern=r"^(?i:https?)://[^/?#@\s]+$",
        description='scheme and host without a path or a closing slash, such as "https://pickle.example"',
    ),
]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+\S*$", description="an absolute URL with https:// or http://")]
Contact = Annotated[
    str, Meta(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$", description="a mailto: or https:// URL")
]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description='three capital letters of ISO 4217, such as "AUD"')]
Locale = Annotated[
    str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description='a language tag, such as "en-AU"')
]
Host = Annotated[
    str,
    Meta(
        pattern=r"^[^/@\s:\[\]]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$",
        description="a host, with a port where it has one",
    ),
]
Page = Annotated[
    str, Meta(pattern="^[a-z0-9][a-z0-9-]*$", description='a page\'s identifier, such as "privacy-policy"')
]
ServerName = Annotated[
    str,
    Meta(
        pattern="^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$",
        description='a reverse-DNS name with one slash, such as "example.pickle/storefront"',
    ),
]
Seconds = Annotated[float, Meta(gt=0, le=600, description="seconds, more than 0 and at most 600")]
Times = Annotated[float, Meta(ge=1, le=1_000, description="a number from 1 to 1000")]
Switch = Annotated[bool, Meta(description="true or false")]
Port = Annotated[int, Meta(ge=1, le=65_535, description="a whole number from 1 to 65535")]
Workers = Annotated[int, Meta(ge=1, le=256, description="a whole number from 1 to 256")]
Instant = Annotated[
    dt.datetime,
    Meta(tz=True, description="a date and time with an offset and without quotes, such as 2027-02-01T09:00:00+10:00"),
]
Factory = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description='a Python name "package.module:factory" whose call returns an OpenFeature provider',
    ),
]
KeyPattern = Annotated[
    str,
    Meta(
        pattern=r"^[^{}\s]*(\{(store|phase)\}[^{}\s]*)*$",
        description='a text with {store} and {phase} in it, such as "storefront.{store}.{phase}"',
    ),
]
Hidden = Annotated[Secret, Meta(description="a text that is nobody else's business")]
Lifetime = Annotated[int, Meta(ge=60, le=86_400, description="a whole number of seconds, from 60 to 86400 (a day)")]
PaymentProvider = Annotated[Literal["stripe", "sandbox"], Meta(description='"stripe" or "sandbox"')]
Kind = Annotated[Literal["maho", "demo"], Meta(description='"maho" or "demo"')]


class Timeouts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the shop may take."""

    connect: Seconds = 3.0
    read: Seconds = 10.0
    total: Seconds = 20.0
    """For one call, its repetition included."""
    order: Seconds = 30.0
    """For making an order, which is asked once."""


class Upstream(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the shop is and what it speaks."""

    kind: Kind
    url: Url | None = None
    """The shop's own address; the built-in demo shop has none."""
    store_code: Text | None = None
    """The store view, where the shop has several."""
    prices_include_tax: Switch = True
    client_id: Text | None = None
    """A service account of the shop's that may read orders and carts."""
    client_secret: Hidden | None = None
    timeouts: Timeouts = Timeouts()


class OAuthSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How access tokens of the issuer are checked; by its published keys unless there is an introspection endpoint."""

    introspection_endpoint: Url | None = None
    client_id: Text | None = None
    client_secret: Hidden | None = None
    """Never in the file itself: from a variable, or from the file that `client_secret_file` names."""


class SignatureSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which agents may have more by signing their requests (RFC 9421, Web Bot Auth)."""

    on: Switch = False
    agents: tuple[Origin, ...] = ()
    """By what they send as Signature-Agent; their keys are fetched there."""
    wider: Times = 4.0
    """How many times as wide `limits.address` and `limits.guest` are for each of them."""


class PaymentSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How buyers pay. Without a provider and without offline ways there is no checkout."""

    provider: PaymentProvider | None = None
    secret_key: Hidden | None = None
    """The provider's; never in the file itself."""
    webhook_secrets: tuple[Hidden, ...] = ()
    """Of the provider's webhook endpoint; several while one is being replaced."""
    url: Url | None = None
    """The provider's interface, where it is not the provider's usual one: a double, for tests."""
    method: Text | None = None
    """The shop's code of orders that are paid at the provider; None for the provider's usual one."""
    offline: tuple[Text, ...] = ()
    """The shop's codes of ways to order first and pay outside, such as bank transfer."""
    lasts: Lifetime = 6 * 3600
    """Seconds that a buyer has to pay."""
    settle: Seconds = 90.0
    """Seconds after an unclear answer of the shop until a look tells whether there is an order."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be set up before anything can be bought, each a sentence."""
        if self.provider is not None or self.offline:
            return ()
        return ("nobody could pay: set payments.provider, or list the shop's own ways to pay in payments.offline.",)


class FlagSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A flag provider of the shop's own, asked besides our record."""

    provider: Factory | None = None
    options: dict[str, Any] = {}
    """Keyword arguments of the factory, secrets resolved."""
    poll: Seconds = 5.0
    key: KeyPattern = "storefront.{store}.{phase}"


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One shop."""

    id: Id
    origin: Origin
    name: Text
    currency: Currency
    upstream: Upstream
    tagline: Text | None = None
    description: Text | None = None
    version: Text | None = None
    server_name: ServerName | None = None
    locale: Locale = "en"
    icon: Url | None = None
    documentation: Url | None = None
    privacy_policy: Url | None = None
    website: Url | None = None
    pages: tuple[Page, ...] = ()
    hosts: tuple[Host, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()
    root_documents: Switch = True
    issuer: Url | None = None
    oauth: OAuthSettings = OAuthSettings()
    payments: PaymentSettings = PaymentSettings()
    limits: LimitSettings = LimitSettings()
    signatures: SignatureSettings = SignatureSettings()
    console: ConsoleSettings = ConsoleSettings()
    security_contact: Contact | None = None
    content_signals: Text = "search=yes, ai-input=yes, ai-train=no"
    launch: Instant | None = None

    @property
    def speaker_name(self) -> str:
        """What the MCP server calls itself: as set, or read off the origin."""
        return self.server_name or f"{reversed_name(self.origin)}/storefront"

    def store(self, speaker: Speaker) -> Store:
        """The shop's facts, as cards and tools know them."""
        return Store(
            id=self.id,
            origin=self.origin,
            name=self.name,
            currency=self.currency,
            speaker=speaker,
            hosts=self.hosts,
            allowed_origins=self.allowed_origins,
            locale=self.locale,
            tagline=self.tagline or "",
            description=self.description,
            version=self.version,
            icon=self.icon,
            documentation=self.documentation,
            privacy_policy=self.privacy_policy,
            website=self.website,
            pages=self.pages,
            root_documents=self.root_documents,
            issuer=self.issuer,
            security_contact=self.security_contact,
            content_signals=self.content_signals,
            launch=None if self.launch is None else self.launch.isoformat(),
        )
