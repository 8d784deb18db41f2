"""What no single setting can know: https where it matters, nothing claimed twice, the two halves of an upstream."""

from collections.abc import Iterable

from msgspec.structs import replace

from storefront_mcp.settings.origins import host_of, loopback, tidy
from storefront_mcp.settings.problems import Problem
from storefront_mcp.settings.shape import FlagSettings, StoreSettings


def tidied(stores: tuple[StoreSettings, ...], problems: list[Problem]) -> tuple[StoreSettings, ...]:
    """The stores with origins and hosts in their one spelling; what does not fit together goes to `problems`."""
    tidy_stores = tuple(_tidied(store, f"store[{index}].", problems) for index, store in enumerate(stores))
    problems += _claimed_twice(tidy_stores)
    for index, store in enumerate(tidy_stores):
        problems += _upstream_problems(store, f"store[{index}].upstream.")
        problems += _issuer_problems(store, f"store[{index}].")
        problems += _payment_problems(store, f"store[{index}].payments.")
    return tidy_stores


def flag_problems(flags: FlagSettings, stores: int) -> Iterable[Problem]:
    """Whether every phase of every store has a flag of its own."""
    wanted = ["{phase}", "{store}"] if stores > 1 else ["{phase}"]
    for part in wanted:
        if part not in flags.key:
            yield Problem(
                "flags.key", f"wants {part} in it, or several phases would share one flag; got {flags.key!r}."
            )


def worker_problems(stores: tuple[StoreSettings, ...], workers: int) -> Iterable[Problem]:
    """Whether the workers would be one server: a built-in demo shop lives in one process, with its carts."""
    demo = next((store.id for store in stores if store.upstream.kind == "demo"), None)
    if demo is not None and workers > 1:
        yield Problem(
            "workers",
            f"wants 1, as each worker would have a demo shop of its own for {demo}; got {workers}. For more, run "
            'storefront-mcp demo-shop and set kind = "maho" with its address as url.',
        )


def _tidied(store: StoreSettings, where: str, problems: list[Problem]) -> StoreSettings:
    origin = _origin(store.origin, f"{where}origin", problems)
    if not origin.startswith("https:") and not loopback(origin):
        problems.append(Problem(f"{where}origin", f"wants https, as agents refuse anything else; got {origin!r}."))
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


def _agents(store: StoreSettings, where: str, problems: list[Problem]) -> Iterable[str]:
    """The origins of agents, whose keys nobody on the way may change."""
    for index, agent in enumerate(store.signatures.agents):
        origin = _origin(agent, f"{where}[{index}]", problems)
        if not origin.startswith("https:") and not loopback(origin):
            problems.append(
                Problem(f"{where}[{index}]", f"wants https, as anybody could answer otherwise; got {agent!r}.")
            )
        yield origin


def _payment_problems(store: StoreSettings, where: str) -> Iterable[Problem]:
    """Whether the provider has what it needs, and nothing is set for one that is not there."""
    payments = store.payments
    if payments.provider == "stripe" and payments.secret_key is None:
        yield Problem(f"{where}secret_key", "is missing: wants the provider's secret key, from a variable or a file.")
    if payments.settle <= store.upstream.timeouts.order:
        order = store.upstream.timeouts.order
        yield Problem(f"{where}settle", f"wants more than upstream.timeouts.order, {order}; got {payments.settle}.")
    if payments.url is not None and not loopback(payments.url):
        yield Problem(f"{where}url", f"wants this machine, as it is for tests; got {payments.url!r}.")
    if payments.provider != "stripe":
        for name in ("secret_key", "webhook_secrets"):
            if getattr(payments, name):
                yield Problem(where + name, f'is for provider = "stripe"; the provider is {payments.provider!r}.')


def _origin(origin: str, key: str, problems: list[Problem]) -> str:
    try:
        return tidy(origin)
    except ValueError:
        problems.append(Problem(key, f"is no origin: its host or port cannot be read; got {origin!r}."))
        return origin.lower()


def _claimed_twice(stores: tuple[StoreSettings, ...]) -> Iterable[Problem]:
    owners: dict[tuple[str, str], int] = {}
    for index, store in enumerate(stores):
        claims = [("id", store.id), ("origin", store.origin)]
        claims += [("hosts", host) for host in store.hosts if host != host_of(store.origin)]
        own = store.console.host
        if own is not None and own not in {host_of(store.origin), *store.hosts}:
            claims.append(("console.host", own))
        for setting, claimed in claims:
            # An origin claims its host; as a claim they are one word.
            kind = "id" if setting == "id" else "host"
            name = host_of(claimed) if setting == "origin" else claimed
            owner = owners.setdefault((kind, name), index)
            if owner != index:
                yield Problem(f"store[{index}].{setting}", f"{name} is store[{owner}]'s already.")


def _upstream_problems(store: StoreSettings, where: str) -> Iterable[Problem]:
    upstream = store.upstream
    if upstream.kind == "demo" and upstream.url is not None:
        yield Problem(f"{where}url", 'the demo shop is built in and has no address; drop it or set kind = "maho".')
    if upstream.kind != "demo" and upstream.url is None:
        yield Problem(f"{where}url", 'is missing: wants the shop\'s address, such as "https://shop.example".')
    if (upstream.client_id is None) != (upstream.client_secret is None):
        missing = "client_id" if upstream.client_id is None else "client_secret"
        yield Problem(f"{where}{missing}", "is missing: a service account has an id and a secret.")
    if upstream.timeouts.total < max(upstream.timeouts.connect, upstream.timeouts.read):
        yield Problem(f"{where}timeouts.total", "wants at least as many seconds as connect and read.")


def _issuer_problems(store: StoreSettings, where: str) -> Iterable[Problem]:
    """Whether who says who somebody is can be believed, and is told all it needs."""
    oauth = store.oauth
    for name, address in (("issuer", store.issuer), ("oauth.introspection_endpoint", oauth.introspection_endpoint)):
        if address is not None and not address.startswith("https:") and not loopback(address):
            yield Problem(where + name, f"wants https, as anybody could answer otherwise; got {address!r}.")
    set_ones = [name for name in oauth.__struct_fields__ if getattr(oauth, name) is not None]
    for name in oauth.__struct_fields__ if set_ones else ():
        if name not in set_ones:
            yield Problem(f"{where}oauth.{name}", f"is missing: {', '.join(set_ones)} cannot do without it.")
    if set_ones and store.issuer is None:
        yield Problem(f"{where}issuer", "is missing: wants the issuer whose tokens the introspection endpoint knows.")
