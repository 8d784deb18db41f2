"""A healthy store that the doctor examines whole, its shop and its settings, and ways to plant one fault in it."""

import datetime as dt
import ipaddress
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import event
from sqlalchemy.engine import Engine

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.demo.models import ShopRules
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.doctor import DoctorReport, ExaminationSubject, examine
from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.mail import SmtpSettings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamTimeouts
from storefront_mcp.settings.storage import DatabaseLocation
from tests.fakes import stripe
from tests.fakes.demo_faults import DemoFault
from tests.serving import free_port, served
from tests.unit.doctor.conftest import ExaminedShop, opened
from tests.unit.doctor.stores import Asked, Proxy, Said, of, settings
from tests.unit.mail.test_smtp_sender import Mailbox, authenticator, smtp_server

API = "/api/rest/v2"
PUBLIC = "https://pickle.example"
SANDBOX = PaymentSettings(provider="sandbox")


class Rerouted(httpx.AsyncBaseTransport):
    """Takes a public origin to this machine, as a proxy would that ends TLS."""

    def __init__(self, origin: str, *, tells: bool = True) -> None:
        self._origin = httpx.URL(origin)
        self._tells = tells
        self._wire = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme=self._origin.scheme, host=self._origin.host, port=self._origin.port)
        if self._tells:
            request.headers["x-forwarded-for"] = "203.0.113.7"
        return await self._wire.handle_async_request(request)

    async def aclose(self) -> None:
        await self._wire.aclose()


class Stage(Struct):
    """What is examined, before and after a fault is planted."""

    shop: ExaminedShop
    settings: Settings
    folder: Path
    proxy: Proxy
    url: str | None = None
    transport: httpx.AsyncBaseTransport | None = None
    skew: float = 0.0
    """Seconds that this machine's clock is fast."""
    broken: ExaminationSubject | None = None
    """What is made of settings that cannot be used."""
    trust: Callable[[str], None] = lambda _: None
    """Makes a certificate one of a known authority."""
    held: AsyncExitStack = field(default_factory=AsyncExitStack)
    """What lasts as long as the fault."""

    def store(self, **changes: Any) -> None:
        """Other settings of the store than those of the running server."""
        (store,) = self.settings.stores
        self.settings = replace(self.settings, stores=(replace(store, **changes),))

    def upstream(self, **changes: Any) -> None:
        """Other facts about the shop than those of the running server."""
        self.store(upstream=replace(self.settings.stores[0].upstream, **changes))

    def answers(self, status: int, path: str = API, *, body: bytes = b"{}", kind: str = "application/json") -> None:
        """The shop answers what begins with a path like this."""

        def spoil(asked: Asked, said: Said) -> None:
            if asked.path.startswith(path):
                said.status, said.body, said.headers["content-type"] = status, body, kind

        self.shop.proxy.spoil = spoil

    async def examine(self) -> DoctorReport:
        """The whole examination."""
        at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.skew)
        subject = self.broken or of(self.settings, url=self.url)
        return await examine(subject, transport=self.transport, now=lambda: at)


@asynccontextmanager
async def staged(
    shop: ExaminedShop,
    folder: Path,
    plant: "Plant",
    *,
    origin: str | None = None,
    payments: PaymentSettings = SANDBOX,
    trust: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Stage]:
    """A served store before the shop, whole but for what `plant` does to it."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    chosen = settings(folder, shop.url, origin=origin or here, payments=payments)
    opened(chosen, "p1_browse", "p2_cart", *(("p3_checkout",) if payments.provider else ()))
    proxy = Proxy(create_app(chosen))
    with served(proxy, port):
        stage = Stage(shop, chosen, folder, proxy, trust=trust)
        if origin is not None:
            stage.transport = Rerouted(here)
        async with stage.held:
            made = plant(stage)
            if made is not None:
                await made
            yield stage


Plant = Callable[[Stage], Awaitable[None] | None]


def certificate(folder: Path, *, days: int = 60, name: str = "127.0.0.1") -> tuple[str, str]:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ip = name.replace(".", "").isdigit()
    named = x509.IPAddress(ipaddress.IPv4Address(name)) if ip else x509.DNSName(name)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=90))
        .not_valid_after(now + dt.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(paths[0]), str(paths[1])


# The shop ------------------------------------------------------------------------------------------------------------


def shop_answers(status: int, path: str = API, **more: Any) -> Plant:
    return lambda stage: stage.answers(status, path, **more)


def shop_at(url: str) -> Plant:
    return lambda stage: stage.upstream(url=url.format(port=free_port()))


def shop_scheme(stage: Stage) -> None:
    stage.upstream(url=stage.shop.url.replace("http:", "https:"))


def shop_over_tls(scheme: str, **facts: Any) -> Plant:
    """The doctor's shop shows a certificate."""

    def plant(stage: Stage) -> None:
        chain, key = certificate(stage.folder, **facts)
        url = stage.held.enter_context(served(demo_shop(), ssl_certfile=chain, ssl_keyfile=key))
        stage.upstream(url=url.replace("http:", scheme))

    return plant


def shop_fault(fault: DemoFault, seconds: float, read: float) -> Plant:
    def plant(stage: Stage) -> None:
        stage.shop.shop.faults.next(fault, path=f"{API}/store-config", seconds=seconds)
        stage.upstream(timeouts=UpstreamTimeouts(read=read))

    return plant


def shop_says(change: Callable[[Asked, Said], None]) -> Plant:
    return lambda stage: setattr(stage.shop.proxy, "spoil", change)


def empty(asked: Asked, said: Said) -> None:
    if asked.path.endswith("/products"):
        said.json = {"@type": "Collection", "totalItems": 0, "member": []}


def guests_off(asked: Asked, said: Said) -> None:
    if asked.path.endswith("/store-config"):
        said.json = {**said.json, "isGuestCheckoutAllowed": False}


def maintained(stage: Stage) -> None:
    stage.shop.shop.state.rules = ShopRules(maintenance=True)
    stage.held.callback(lambda: setattr(stage.shop.shop.state, "rules", ShopRules()))


# Settings, database, payments, mail ----------------------------------------------------------------------------------


def store(**changes: Any) -> Plant:
    return lambda stage: stage.store(**changes)


def upstream(**changes: Any) -> Plant:
    return lambda stage: stage.upstream(**changes)


def two_workers(stage: Stage) -> None:
    stage.settings = replace(stage.settings, workers=2, limits_store=f"redis://:secret@127.0.0.1:{free_port()}/0")


def elsewhere(name: str, *statements: str) -> Plant:
    """The settings name another database, which holds something else."""

    def plant(stage: Stage) -> None:
        where = stage.folder / name
        if statements:
            with sqlite3.connect(where) as connection:
                for statement in statements:
                    connection.execute(statement)
            connection.close()
            where.chmod(0o600)
        stage.settings = replace(stage.settings, database=DatabaseLocation(where))

    return plant


def text_file(stage: Stage) -> None:
    (stage.folder / "letter.db").write_bytes(b"a letter to a friend, at some length" * 100)
    elsewhere("letter.db")(stage)


def newer(stage: Stage) -> None:
    with sqlite3.connect(stage.settings.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def full(stage: Stage) -> None:
    with sqlite3.connect(stage.settings.database) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()

    def limit(one: Any, _: Any) -> None:
        one.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "connect", limit)
    stage.held.callback(event.remove, Engine, "connect", limit)


def locked(stage: Stage) -> None:
    holder = sqlite3.connect(stage.settings.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    stage.held.callback(holder.close)


def shared_file(stage: Stage) -> None:
    Path(stage.settings.database).chmod(0o644)


def replaced_file(stage: Stage) -> None:
    """A copy of the database takes its place under the running server."""
    path = Path(stage.settings.database)
    with sqlite3.connect(path) as old, sqlite3.connect(stage.folder / "copy.db") as new:
        old.backup(new)
    old.close()
    new.close()
    (stage.folder / "copy.db").chmod(0o600)
    (stage.folder / "copy.db").rename(path)


def paid(key: str, *secrets: str, desk: bool = True) -> Plant:
    """Stripe is asked with a key, by the doctor only; without a desk nobody answers."""

    async def plant(stage: Stage) -> None:
        url = f"http://127.0.0.1:{free_port()}"
        if desk:
            url = (await stage.held.enter_async_context(stripe.running())).url
        hidden = tuple(Secret(one) for one in secrets)
        stage.store(
            payments=PaymentSettings(provider="stripe", secret_key=Secret(key), webhook_secrets=hidden, url=url)
        )

    return plant


def no_payments(stage: Stage) -> None:
    stage.store(payments=PaymentSettings())


def mailed(*, password: str | None = None, port: int | None = None, security: Any = "none", **options: Any) -> Plant:
    """A mail server, and how the settings use it."""

    async def plant(stage: Stage) -> None:
        taken = port or await stage.held.enter_async_context(smtp_server(Mailbox(), **options))
        login = {} if password is None else {"username": "storefront", "password": Secret(password)}
        smtp = SmtpSettings(host="127.0.0.1", port=taken, security=security, sender="a@pickle.example", **login)
        stage.settings = replace(stage.settings, smtp=replace(smtp, timeout=3.0))

    return plant


def mail_nowhere(stage: Stage) -> Any:
    return mailed(port=free_port())(stage)


def mail_login(stage: Stage) -> Any:
    return mailed(password="wrong", authenticator=authenticator(b"brine"), auth_require_tls=False)(stage)


def mail_over_tls(stage: Stage) -> Any:
    chain, key = certificate(stage.folder)
    url = stage.held.enter_context(served(demo_shop(), ssl_certfile=chain, ssl_keyfile=key))
    return mailed(port=int(url.rpartition(":")[2]), security="starttls")(stage)


# The address ---------------------------------------------------------------------------------------------------------


def at(url: str) -> Plant:
    return lambda stage: setattr(stage, "url", url.format(port=free_port()))


def stopped(stage: Stage) -> None:
    stage.store(origin=f"http://127.0.0.1:{free_port()}")


def over_tls(scheme: str, **facts: Any) -> Plant:
    """A proxy that ends TLS before the store."""

    def plant(stage: Stage) -> None:
        chain, key = certificate(stage.folder, **facts)
        url = stage.held.enter_context(served(demo_shop(), ssl_certfile=chain, ssl_keyfile=key))
        stage.url = url.replace("http:", scheme)

    return plant


def encrypted_only_in_name(stage: Stage) -> None:
    stage.url = stage.settings.stores[0].origin.replace("http:", "https:")


def path_answers(path: str, status: int) -> Plant:
    def spoil(asked: Asked, said: Said) -> None:
        if asked.path == path:
            said.status = status

    return lambda stage: setattr(stage.proxy, "spoil", spoil)


def other_host(stage: Stage) -> None:
    def rewrite(_: Asked, fields: list[Any]) -> None:
        fields[:] = [(name, b"backend.internal" if name == b"host" else value) for name, value in fields]

    stage.proxy.rewrite = rewrite


def tells_no_addresses(stage: Stage) -> None:
    stage.transport = Rerouted(f"http://127.0.0.1:{stage.transport._origin.port}", tells=False)  # type: ignore[union-attr]


def nothing(_: Stage) -> None:
    """Plant no fault."""


def trusted(plant: Plant) -> Plant:
    """The certificate that is planted is of a known authority."""

    def planted(stage: Stage) -> None:
        plant(stage)
        stage.trust(str(stage.folder / "certificate.pem"))

    return planted


def broken_settings(stage: Stage) -> None:
    """A file that the command line cannot load."""
    path = stage.folder / "storefront.toml"
    path.write_text("port = 0\nworker = 2\n", encoding="utf-8")
    try:
        Settings.load(path, {})
    except SettingsInvalid as broken:
        stage.broken = ExaminationSubject(config="storefront.toml", problems=broken.problems)
