"""Cross-field validation: https origins, unique ids and hosts, required pairs; appends to `problems`."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.commerce.origins import host_of, is_loopback, normalise_origin
from storefront_mcp.public_http.addresses import is_loopback_url, is_public_url
from storefront_mcp.settings.agent_protocols import webhook_problems
from storefront_mcp.settings.alerts import signing_key
from storefront_mcp.settings.problems import SettingProblem
from storefront_mcp.settings.program import command_line
from storefront_mcp.settings.schema import (
    FlagSettings,
    OAuthSettings,
    PaymentSettings,
    StoreSettings,
    UpstreamSettings,
)
from storefront_mcp.settings.telemetry import MetricsSettings

SECRET_PAIRS: Final = (
    ("client_id", "client_secret", "a service account has an id and a secret"),
    ("consumer_key", "consumer_secret", "a key of the shop's REST API has a secret"),
)
OWNERS: Final = {
    "store_code": ("maho",),
    "prices_include_tax": ("maho",),
    "regions_required": ("maho", "medusa"),
    "minimum_order": ("maho", "medusa"),
    "client_id": ("maho",),
    "client_secret": ("maho",),
    "consumer_key": ("woocommerce",),
    "consumer_secret": ("woocommerce",),
    "publishable_key": ("medusa",),
    "region": ("medusa",),
    "secret_key": ("medusa",),
}
"""Settings that only some kinds of shops have."""
CREDENTIALS: Final = (
    "store_code",
    "client_id",
    "client_secret",
    "consumer_key",
    "consumer_secret",
    "publishable_key",
    "secret_key",
)
"""Settings that requests carry in a header, as they are or as Basic credentials."""
SETTLED_BY: Final = {"woocommerce": "cheque", "medusa": "pp_system_default"}
"""Kinds of shops in which no payment method is meant for what is paid elsewhere, and one that serves."""


def normalised(stores: tuple[StoreSettings, ...], problems: list[SettingProblem]) -> tuple[StoreSettings, ...]:
    """The stores with normalised origins and hosts; what does not fit together is appended to `problems`."""
    result = tuple(_normalised(store, f"store[{index}].", problems) for index, store in enumerate(stores))
    problems += _duplicates(result)
    for index, store in enumerate(result):
        problems += _upstream_problems(store, f"store[{index}].upstream.")
        problems += _issuer_problems(store, f"store[{index}].")
        problems += _payment_problems(store, f"store[{index}].payments.")
        problems += _token_problems(store.payments, f"store[{index}].payments.")
        problems += _platform_problems(store, f"store[{index}].ucp.")
        problems += webhook_problems(store.acp, f"store[{index}].acp.", local=is_loopback(store.origin))
        for table in ("upstream", "oauth", "payments"):
            problems += _credential_problems(getattr(store, table), f"store[{index}].{table}.")
        if store.catalogue.webhook_secret is not None and signing_key(store.catalogue.webhook_secret) is None:
            said = "wants 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them."
            problems.append(SettingProblem(f"store[{index}].catalogue.webhook_secret", said))
    return result


def flag_problems(flags: FlagSettings, stores: int) -> Iterable[SettingProblem]:
    """Problems of the flag key: every phase of every store needs a flag of its own."""
    wanted = ["{phase}", "{store}"] if stores > 1 else ["{phase}"]
    for part in wanted:
        if part not in flags.key:
            yield SettingProblem(
                "flags.key", f"wants {part} in it, or several phases would share one flag; got {flags.key!r}."
            )


def worker_problems(stores: tuple[StoreSettings, ...], workers: int) -> Iterable[SettingProblem]:
    """Problems of several workers: a built-in demo shop and its carts live in one process."""
    demo = next((store.id for store in stores if store.upstream.kind == "demo"), None)
    if demo is not None and workers > 1:
        yield SettingProblem(
            "workers",
            f"wants 1, as each worker would have a demo shop of its own for {demo}; got {workers}. For more, run "
            f'{command_line("demo-shop")} and set kind = "maho" with its address as url.',
        )


def metrics_problems(metrics: MetricsSettings, host: str, port: int) -> Iterable[SettingProblem]:
    """Problems of an exporter where the server itself listens: it would answer in its place."""
    everywhere = {"0.0.0.0", "::"}  # noqa: S104 -- compared, not bound
    shares = metrics.host == host or bool(everywhere & {metrics.host, host})
    if metrics.on and metrics.host is not None and metrics.port == port and shares:
        yield SettingProblem("metrics.port", f"wants a port of its own; the server itself listens on {port}.")


def _normalised(store: StoreSettings, where: str, problems: list[SettingProblem]) -> StoreSettings:
    origin = _origin(store.origin, f"{where}origin", problems)
    if not origin.startswith("https:") and not is_loopback(origin):
        problems.append(
            SettingProblem(f"{where}origin", f"wants https, as agents refuse anything else; got {origin!r}.")
        )
    return replace(
        store,
        origin=origin,
        hosts=tuple(host.lower() for host in store.hosts),
        console=replace(store.console, host=store.console.host and store.console.host.lower()),
        allowed_origins=tuple(
            _origin(other, f"{where}allowed_origins[{index}]", problems)
            for index, other in enumerate(store.allowed_origins)
        ),
        signatures=replace(store.signatures, agents=tuple(_agents(store, f"{where}signatures.agents", problems))),
    )


def _agents(store: StoreSettings, where: str, problems: list[SettingProblem]) -> Iterable[str]:
    """The normalised origins of agents; https, as their keys are fetched there."""
    for index, agent in enumerate(store.signatures.agents):
        origin = _origin(agent, f"{where}[{index}]", problems)
        if not origin.startswith("https:") and not is_loopback(origin):
            problems.append(
                SettingProblem(f"{where}[{index}]", f"wants https, as anybody could answer otherwise; got {agent!r}.")
            )
        yield origin


def _payment_problems(store: StoreSettings, where: str) -> Iterable[SettingProblem]:
    """Problems of `[store.payments]`: missing keys, and settings without their provider."""
    payments = store.payments
    if payments.provider == "stripe" and payments.secret_key is None:
        yield SettingProblem(
            f"{where}secret_key", "is missing: wants the provider's secret key, from a variable or a file."
        )
    if payments.settle <= store.upstream.timeouts.order:
        order = store.upstream.timeouts.order
        yield SettingProblem(
            f"{where}settle", f"wants more than upstream.timeouts.order, {order}; got {payments.settle}."
        )
    served = SETTLED_BY.get(store.upstream.kind)
    if payments.provider is not None and payments.method is None and served is not None:
        yield SettingProblem(
            f"{where}method",
            "is missing: wants the shop's payment method that orders are placed with before they are paid at the "
            f'provider, such as "{served}".',
        )
    for code in payments.instructions:
        if code not in payments.offline:
            yield SettingProblem(f"{where}instructions.{code}", f"is for none of payments.offline, {payments.offline}.")
    if payments.url is not None and not is_loopback(payments.url):
        yield SettingProblem(f"{where}url", f"wants this machine, as it is for tests; got {payments.url!r}.")
    if payments.provider != "stripe":
        for name in ("secret_key", "webhook_secrets"):
            if getattr(payments, name):
                yield SettingProblem(
                    where + name, f'is for provider = "stripe"; the provider is {payments.provider!r}.'
                )


def _token_problems(payments: PaymentSettings, where: str) -> Iterable[SettingProblem]:
    """Tokens come from a provider. The sandbox has none, which is no mistake while something is tried out."""
    if payments.provider is None and payments.token_profile is not None:
        yield SettingProblem(f"{where}token_profile", 'is for provider = "stripe"; the provider is None.')


def _platform_problems(store: StoreSettings, where: str) -> Iterable[SettingProblem]:
    """Problems of `[store.ucp]`: profiles that would not be fetched, and a key that signs nothing."""
    local = is_loopback(store.origin)
    for place, url in enumerate(store.ucp.platforms):
        if not is_public_url(url, max_chars=2_048) and not (local and is_loopback_url(url, max_chars=2_048)):
            said = f"wants https, a host name without a port, and a path, as platforms name it; got {url!r}."
            yield SettingProblem(f"{where}platforms[{place}]", said)
    try:
        _ = store.ucp.public_keys
    except ValueError as error:
        yield SettingProblem(f"{where}signing_key", f"cannot sign: {error}.")


def _credential_problems(
    table: UpstreamSettings | OAuthSettings | PaymentSettings, where: str
) -> Iterable[SettingProblem]:
    """Problems of what no header can carry: anything but printable ASCII (RFC 9110 §5.5)."""
    for name in CREDENTIALS:
        given = getattr(table, name, None)
        text = given.reveal() if isinstance(given, Secret) else given or ""
        if not (text.isascii() and text.isprintable()):
            yield SettingProblem(
                where + name,
                "has a sign that no request can carry: wants letters, digits and signs of ASCII alone. Copy the whole "
                'value from where it was made; an example such as "pk_…" only shows how it begins.',
            )


def _origin(origin: str, key: str, problems: list[SettingProblem]) -> str:
    try:
        return normalise_origin(origin)
    except ValueError:
        problems.append(SettingProblem(key, f"is no origin: its host or port cannot be read; got {origin!r}."))
        return origin.lower()


def _duplicates(stores: tuple[StoreSettings, ...]) -> Iterable[SettingProblem]:
    owners: dict[tuple[str, str], int] = {}
    for index, store in enumerate(stores):
        claims = [("id", store.id), ("origin", store.origin)]
        claims += [("hosts", host) for host in store.hosts if host != host_of(store.origin)]
        own = store.console.host
        if own is not None and own not in {host_of(store.origin), *store.hosts}:
            claims.append(("console.host", own))
        for setting, claimed in claims:
            # An origin claims its host.
            kind = "id" if setting == "id" else "host"
            name = host_of(claimed) if setting == "origin" else claimed
            owner = owners.setdefault((kind, name), index)
            if owner != index:
                yield SettingProblem(f"store[{index}].{setting}", f"{name} is store[{owner}]'s already.")


def _upstream_problems(store: StoreSettings, where: str) -> Iterable[SettingProblem]:
    upstream = store.upstream
    if upstream.kind == "demo" and upstream.url is not None:
        yield SettingProblem(
            f"{where}url", 'the demo shop is built in and has no address; drop it or set kind = "maho".'
        )
    if upstream.kind != "demo" and upstream.url is None:
        yield SettingProblem(f"{where}url", 'is missing: wants the shop\'s address, such as "https://shop.example".')
    for one, other, what in SECRET_PAIRS:
        if (getattr(upstream, one) is None) != (getattr(upstream, other) is None):
            missing = one if getattr(upstream, one) is None else other
            yield SettingProblem(f"{where}{missing}", f"is missing: {what}.")
    kind = "maho" if upstream.kind == "demo" else upstream.kind  # the demo shop speaks its interface
    for name, owners in OWNERS.items():
        if kind not in owners and getattr(upstream, name) is not None:
            said = f"is for kind = {' or '.join(map(repr, owners))}; the kind is {upstream.kind!r}.".replace("'", '"')
            yield SettingProblem(f"{where}{name}", said)
    if upstream.kind == "medusa" and upstream.publishable_key is None:
        yield SettingProblem(
            f"{where}publishable_key", 'is missing: wants a publishable key of the shop, "pk_…", which its website has.'
        )
    if upstream.timeouts.total < max(upstream.timeouts.connect, upstream.timeouts.read):
        yield SettingProblem(f"{where}timeouts.total", "wants at least as many seconds as connect and read.")


def _issuer_problems(store: StoreSettings, where: str) -> Iterable[SettingProblem]:
    """Problems of the issuer and its introspection endpoint."""
    oauth = store.oauth
    for name, address in (("issuer", store.issuer), ("oauth.introspection_endpoint", oauth.introspection_endpoint)):
        if address is not None and not address.startswith("https:") and not is_loopback(address):
            yield SettingProblem(where + name, f"wants https, as anybody could answer otherwise; got {address!r}.")
    present = [name for name in oauth.__struct_fields__ if getattr(oauth, name) is not None]
    for name in oauth.__struct_fields__ if present else ():
        if name not in present:
            yield SettingProblem(f"{where}oauth.{name}", f"is missing: {', '.join(present)} cannot do without it.")
    if present and store.issuer is None:
        yield SettingProblem(
            f"{where}issuer", "is missing: wants the issuer whose tokens the introspection endpoint knows."
        )
