"""What the doctor finds about the sign-in of customers: nothing, a phase that is closed, and a proxy in the way."""

import contextlib
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from storefront_mcp.app.diagnostics import doctor_subject
from storefront_mcp.doctor import ExaminationSubject
from tests.unit.doctor.conftest import ExaminedServer, housed
from tests.unit.doctor.stores import Said, Spoil, at, bad, findings, only

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
