"""Settings of a store, its backend, sign-in, signatures and payments, and of flags."""

import datetime as dt
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.origins import is_loopback, reverse_domain_name
from storefront_mcp.commerce.store import ServerIdentity, Store
from storefront_mcp.instrumentation import AgentProtocolName
from storefront_mcp.payments.served_methods import SERVED_METHODS
from storefront_mcp.settings.agent_protocols import A2aSettings, AcpSettings, UcpSettings
from storefront_mcp.settings.catalogue import MirrorSettings, StoreCatalogueSettings
from storefront_mcp.settings.console import ConsoleSettings
from storefront_mcp.settings.limits import LimitSettings, StreamSettings
from storefront_mcp.settings.mail import StoreMailSettings
from storefront_mcp.settings.sign_in import ACCOUNT_KINDS, SignInSettings, missing_for_tokens
from storefront_mcp.settings.widgets import WidgetSettings

# A description completes "wants …" in the message about an invalid value.
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
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#@]+([/?#]\S*)?$",
        description="an absolute URL with https:// or http://, without a user name or password",
    ),
]
Contact = Annotated[
    str, Meta(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$", description="a mailto: or https:// URL")
]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description='three capital letters of ISO 4217, such as "AUD"')]
CountryCode = Annotated[str, Meta(pattern="^[A-Z]{2}$", description='two capital letters of ISO 3166, such as "AU"')]
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
AMOUNT_PATTERN: Final = r"^[0-9]{1,9}(\.[0-9]{1,3})?$"
"""Major units."""
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
PauseRetry = Annotated[int, Meta(ge=1, le=3_600, description="a whole number of seconds, from 1 to 3600 (an hour)")]
Share = Annotated[float, Meta(gt=0, le=1, description="a part of one: more than 0 and at most 1")]
Lifetime = Annotated[int, Meta(ge=60, le=86_400, description="a whole number of seconds, from 60 to 86400 (a day)")]
TokenProfile = Annotated[
    str,
    Meta(
        pattern=r"^profile_[0-9A-Za-z_]{1,200}$", description="the id of a Stripe profile, which begins with profile_"
    ),
]
ProviderName = Annotated[Literal["stripe", "sandbox"], Meta(description='"stripe" or "sandbox"')]
BackendKind = Annotated[
    Literal["maho", "woocommerce", "medusa", "demo"], Meta(description='"maho", "woocommerce", "medusa" or "demo"')
]
SOFTWARE_KINDS: Final = ("maho", "woocommerce", "medusa")
"""Kinds of shops that are somewhere else, for which `init` writes settings."""


class UpstreamTimeouts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.upstream.timeouts]`."""

    connect: Seconds = 3.0
    read: Seconds = 20.0
    total: Seconds = 30.0
    """For one call with its retry."""
    order: Seconds = 30.0
    """For the place-order call, which is not retried."""


class UpstreamSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.upstream]`: the shop software and its address."""

    kind: BackendKind
    url: Url | None = None
    """None for the built-in demo shop."""
    store_code: Text | None = None
    """The store view, where the shop has several."""
    prices_include_tax: Switch | None = None
    """None: learned from the shop's carts."""
    regions_required: tuple[CountryCode, ...] | None = None
    """Countries whose addresses need one of the shop's regions; None for those in which mail needs it."""
    minimum_order: Annotated[str, Meta(pattern=AMOUNT_PATTERN, description="an amount like 30.00")] | None = None
    """In the store's currency, of goods after discounts."""
    close_in_maintenance: Switch = True
    """Whether phases that write are paused while the shop is in maintenance mode."""
    client_id: Text | None = None
    """Of a service account that may read orders and carts."""
    client_secret: Hidden | None = None
    consumer_key: Text | None = None
    """Of a merchant's key that may read and write orders."""
    consumer_secret: Hidden | None = None
    publishable_key: Text | None = None
    """By which the shop tells what is sold: browsers have it, too."""
    region: Text | None = None
    """Id or name, where several of the shop's regions have the store's currency."""
    secret_key: Hidden | None = None
    """Of the shop's admin API, to mark orders as paid."""
    timeouts: UpstreamTimeouts = UpstreamTimeouts()


class OAuthSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.oauth]`: introspection of access tokens; without an endpoint the issuer's published keys verify them."""

    introspection_endpoint: Url | None = None
    client_id: Text | None = None
    client_secret: Hidden | None = None


class SignatureSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.signatures]`: agents with wider limits by signed requests (RFC 9421, Web Bot Auth)."""

    on: Switch = False
    agents: tuple[Origin, ...] = ()
    """Origins in Signature-Agent, from which their keys are fetched."""
    wider: Times = 4.0
    """Factor of `limits.address` and `limits.guest` for each of them."""


class PaymentSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.payments]`. Without a provider and offline methods there is no checkout."""

    provider: ProviderName | None = None
    secret_key: Hidden | None = None
    """API key of the provider."""
    webhook_secrets: tuple[Hidden, ...] = ()
    """Of the provider's webhook endpoint; several while one is being rotated."""
    token_profile: TokenProfile | None = None
    """The business's profile at the provider, to which agents grant tokens; None: no token pays."""
    url: Url | None = None
    """Base URL of the provider's API, for tests."""
    method: Text | None = None
    """The shop's payment method for orders that are paid at the provider; None for the default of the provider."""
    offline: tuple[Text, ...] = ()
    """The shop's payment methods that are paid outside, after the order, such as bank transfer."""
    instructions: dict[Text, Text] = {}
    """How buyers pay by a method of `offline`, told to them once there is an order."""
    lasts: Lifetime = 6 * 3600
    """Seconds that a buyer has to pay."""
    settle: Seconds = 90.0
    """Seconds from an unclear answer of the shop until the order is looked for."""
    public_sandbox: Switch = False
    """Whether the checkout phase may open with the sandbox on an origin that is not this machine."""

    @property
    def served_method(self) -> str:
        """The shop's code of the payment method for orders that are paid at the provider; empty without one."""
        served = SERVED_METHODS.get(self.provider or "")
        return self.method or ("" if served is None else served.code)

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be set up before anything can be bought, as sentences."""
        if self.provider is not None or self.offline:
            return ()
        return ("nobody could pay: set payments.provider, or list the shop's own ways to pay in payments.offline.",)


class FlagSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[flags]`: an OpenFeature provider besides the recorded flips."""

    provider: Factory | None = None
    options: dict[str, Any] = {}
    """Keyword arguments of the factory, with secrets loaded."""
    poll: Seconds = 5.0
    key: KeyPattern = "storefront.{store}.{phase}"


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[store]]`: one store."""

    id: Id
    origin: Origin
    name: Text
    currency: Currency
    upstream: UpstreamSettings
    tagline: Text | None = None
    description: Text | None = None
    version: Text | None = None
    server_name: ServerName | None = None
    locale: Locale = "en"
    icon: Url | None = None
    documentation: Url | None = None
    privacy_policy: Url | None = None
    website: Url | None = None
    delivery_times: dict[Text, Text] = {}
    legal_name: Text | None = None
    address: Text | None = None
    media_origins: tuple[Origin, ...] = ()
    pages: tuple[Page, ...] = ()
    hosts: tuple[Host, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()
    root_documents: Switch = True
    issuer: Url | None = None
    oauth: OAuthSettings = OAuthSettings()
    sign_in: SignInSettings = SignInSettings()
    payments: PaymentSettings = PaymentSettings()
    catalogue: StoreCatalogueSettings = StoreCatalogueSettings()
    mirror: MirrorSettings = MirrorSettings()
    limits: LimitSettings = LimitSettings()
    streams: StreamSettings = StreamSettings()
    signatures: SignatureSettings = SignatureSettings()
    ucp: UcpSettings = UcpSettings()
    acp: AcpSettings = AcpSettings()
    mail: StoreMailSettings = StoreMailSettings()
    a2a: A2aSettings = A2aSettings()
    console: ConsoleSettings = ConsoleSettings()
    widgets: WidgetSettings = WidgetSettings()
    security_contact: Contact | None = None
    content_signals: Text = "search=yes, ai-input=yes, ai-train=no"
    launch: Instant | None = None
    pause_retry: PauseRetry = 120
    """Seconds after which clients of a paused store are told to ask again, at most."""

    @property
    def missing_for_payment(self) -> tuple[str, ...]:
        """What has to be set up before the checkout phase can open, as sentences."""
        payments = self.payments
        if payments.provider is not None and self.upstream.kind == "woocommerce" and not self.upstream.consumer_key:
            sentence = (
                "the shop could not be told that an order is paid: set upstream.consumer_key and consumer_secret, a "
                "key of its REST API with read and write access, or take payments.provider out and list the shop's own "
                "ways to pay in payments.offline."
            )
            return (*payments.missing, sentence)
        if payments.provider != "sandbox" or payments.public_sandbox or is_loopback(self.origin):
            return payments.missing
        sentence = (
            f"orders would be made and no money would move, as {self.origin} is public and payments.provider is the "
            "sandbox: set a real provider, or payments.public_sandbox = true where that is meant."
        )
        return (sentence,)

    @property
    def missing_for_sign_in(self) -> tuple[str, ...]:
        """What has to be set up before the account phase can open, as sentences."""
        if self.upstream.kind not in ACCOUNT_KINDS:
            return (f'nobody could sign in: a shop of kind "{self.upstream.kind}" shows no accounts here yet.',)
        if not self.sign_in.on:
            return ("nobody could sign in: set sign_in.on = true, and personal_data.key.",)
        return missing_for_tokens(self.sign_in.oidc, self.upstream.kind)

    @property
    def protocols(self) -> tuple[AgentProtocolName, ...]:
        """Agent protocols that it speaks besides MCP."""
        spoken: dict[AgentProtocolName, bool] = {
            "ucp": self.ucp.enabled,
            "acp": self.acp.enabled,
            "a2a": self.a2a.enabled,
        }
        return tuple(name for name, enabled in spoken.items() if enabled)

    @property
    def identity_name(self) -> str:
        """Name of the MCP server: as set, or derived from the origin."""
        return self.server_name or f"{reverse_domain_name(self.origin)}/storefront"

    def store(self, server: ServerIdentity) -> Store:
        """The `Store` of cards and tools."""
        return Store(
            id=self.id,
            origin=self.origin,
            name=self.name,
            currency=self.currency,
            server=server,
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
            delivery_times=self.delivery_times,
            legal_name=self.legal_name,
            address=self.address,
            contact=self.mail.contact or self.website,
            pages=self.pages,
            protocols=self.protocols,
            ucp_keys=self.ucp.public_keys,
            shows_widgets=self.widgets.on,
            root_documents=self.root_documents,
            issuer=self.issuer,
            sign_in_note=(self.sign_in.note or "") if self.sign_in.on else "",
            client_documents=self.sign_in.on and self.sign_in.client_documents,
            client_secrets=self.sign_in.on and any(client.secret is not None for client in self.sign_in.clients),
            security_contact=self.security_contact,
            content_signals=self.content_signals,
            launch=None if self.launch is None else self.launch.isoformat(),
            pause_retry_seconds=self.pause_retry,
        )
