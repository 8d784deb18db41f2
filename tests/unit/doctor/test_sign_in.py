"""What the doctor finds about the sign-in of customers: nothing, a phase that is closed, and a proxy in the way."""

import contextlib
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.app.diagnostics import doctor_subject
from storefront_mcp.doctor import ExaminationSubject
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.sign_in import OpenIdSettings, SignInSettings
from tests.fakes.openid_provider import Oddities, OpenIdProviderApp
from tests.serving import free_port, served
from tests.unit.doctor.conftest import ExaminedServer, housed
from tests.unit.doctor.stores import Said, Spoil, at, bad, findings, only

pytestmark = pytest.mark.slow

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource/mcp"


@pytest.fixture(scope="module")
def server_with_customers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExaminedServer]:
    folder = tmp_path_factory.mktemp("customers")
    names = ("p1_browse", "p2_cart", "p3_checkout", "p4_account")
    yield from housed(folder, *names, key=Fernet.generate_key().decode())


@pytest.fixture
def server(server_with_customers: ExaminedServer) -> Iterator[ExaminedServer]:
    """A store whose customers can sign in."""
    yield server_with_customers
    server_with_customers.proxy.heal()


def member(name: str, value: object) -> Callable[[Said], None]:
    """Change a member of a document."""

    def change(said: Said) -> None:
        if said.headers.pop("content-encoding", None):
            said.body = gzip.decompress(said.body)
        said.json = {**said.json, name: value}

    return change


async def test_a_store_whose_customers_sign_in_is_as_it_should_be(server: ExaminedServer) -> None:
    report = await only(ExaminationSubject(url=server.origin), "address.reached", "sign_in")

    assert bad(report) == {}
    assert [finding.says for finding in findings(report, "sign_in.found")] == [f"They sign in at {server.origin}."]
    assert [finding.says for finding in findings(report, "sign_in.answered")] == ["It does."]


async def test_a_store_where_nobody_signs_in_has_no_fault(examined: ExaminedServer) -> None:
    report = await only(ExaminationSubject(url=examined.origin), "address.reached", "sign_in")
    assert bad(report) == {}


async def test_a_phase_that_is_closed_is_a_note(tmp_path: Path) -> None:
    with contextlib.contextmanager(housed)(tmp_path, key=Fernet.generate_key().decode()) as closed:
        subject = doctor_subject(closed.settings, closed.settings.stores[0], config="a test")
        report = await only(subject, "address.reached", "sign_in")

    (found,) = findings(report, "sign_in.found")
    assert (found.level, found.says) == ("note", "Customers can sign in once a phase is open that needs it.")


@pytest.mark.parametrize(
    ("change", "check", "fix"),
    [
        (
            at(SERVER, member("issuer", "https://elsewhere.example")),
            "sign_in.found",
            "Set store.origin to the address that people and agents use.",
        ),
        (
            at(RESOURCE, member("resource", "https://elsewhere.example/mcp")),
            "sign_in.found",
            "Let the proxy pass /.well-known on to the server.",
        ),
        (
            at("/oauth/authorize", lambda said: setattr(said, "status", 404)),
            "sign_in.answered",
            "Let the proxy pass /oauth on to the server as it comes, and its answer back.",
        ),
        (
            at("/oauth/token", lambda said: setattr(said, "status", 405)),
            "sign_in.answered",
            "Let the proxy pass POST and /oauth on to the server as it comes, and its answer back.",
        ),
    ],
)
async def test_a_proxy_in_the_way_is_a_fault(server: ExaminedServer, change: Spoil, check: str, fix: str) -> None:
    server.proxy.spoil = change
    report = await only(ExaminationSubject(url=server.origin), "address.reached", "sign_in")
    assert fix in bad(report)[check]


@contextlib.contextmanager
def provided(folder: Path) -> Iterator[tuple[OpenIdProviderApp, ExaminationSubject]]:
    """A store whose customers sign in at a provider, as its settings have it."""
    origin = f"http://127.0.0.1:{(port := free_port())}"
    provider = OpenIdProviderApp(origin, ())
    settings = demo_settings(free_port(), state=folder)
    oidc = OpenIdSettings(issuer=origin, client_id="pickle store")
    store = replace(settings.stores[0], sign_in=SignInSettings(on=True, oidc=oidc))
    with served(provider, port):
        yield provider, doctor_subject(replace(settings, stores=(store,)), store, config="a test")


async def test_a_provider_that_lets_customers_sign_in_is_told_what_it_has_to_know(tmp_path: Path) -> None:
    with provided(tmp_path) as (provider, subject):
        report = await only(subject, "sign_in.provider")

    (found,) = findings(report, "sign_in.provider")
    assert found.level == "ok"
    assert found.says.startswith(f"{provider.issuer} has 1 key; it has to know http://127.0.0.1:")
    assert found.says.endswith("/oauth/callback.")


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (Oddities(down=("/.well-known/openid-configuration",)), "500"),
        (Oddities(metadata={"issuer": "https://login.example"}), "speaks for another issuer"),
        (Oddities(metadata={"id_token_signing_alg_values_supported": ["HS256"]}), "by no algorithm that is accepted"),
        (Oddities(metadata={"code_challenge_methods_supported": ["plain"]}), "it knows no PKCE with S256"),
        (Oddities(metadata={"token_endpoint": "https://10.0.0.5/token"}), "its token_endpoint is missing, or neither"),
        (Oddities(down=("/keys",)), "/keys: 500"),
    ],
)
async def test_a_provider_that_does_not_is_a_fault_with_the_reason(tmp_path: Path, odd: Oddities, says: str) -> None:
    with provided(tmp_path) as (provider, subject):
        provider.odd = odd
        report = await only(subject, "sign_in.provider")

    (found,) = findings(report, "sign_in.provider")
    assert (found.level, says in found.says) == ("fault", True), found.says
