"""The session's one real Medusa, whose stock is whole again for each test."""

import shutil
from collections.abc import Iterator

import pytest

from tests.external.medusa.server import MODULES, MedusaServer
from tests.postgres import PostgresServer, postgres
from tests.programs import NODE

__all__ = ["postgres"]


@pytest.fixture(scope="session")
def installed_medusa() -> str:
    """The path of the Node that runs it; without npm's packages the test is skipped and listed."""
    if not (MODULES / ".installed").exists():
        pytest.skip("the npm packages of tests/external/medusa are not installed (make medusa)")
    return str(NODE)


@pytest.fixture(scope="session")
def medusa_server(
    installed_medusa: str, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MedusaServer]:
    """A running Medusa."""
    folder = tmp_path_factory.mktemp("medusa")
    server = MedusaServer(installed_medusa, postgres, folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def medusa(medusa_server: MedusaServer) -> MedusaServer:
    """The running Medusa, with nothing sold yet."""
    medusa_server.restock()
    return medusa_server
