"""Every client of matrix.toml, in an environment of its own, does the whole journey over real HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from tests.external.clients.environments import JOURNEYS, SILENT, environment, is_locked, journey_in
from tests.external.clients.matrix import MATRIX, Client
from tests.external.clients.observer import Witness
from tests.external.clients.programs import BIN
from tests.external.clients.shopping import GUEST_TOOLS, check
from tests.fakes.agent import Json
from tests.journeys.conftest import flip
from tests.programs import NODE
from tests.serving import free_port, served

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(420)]

PATIENCE = 300
"""Seconds for one journey; the first in an environment also compiles it."""
STRUCTURED_SINCE = "2025-06-18"
STRANGERS = [one for one in MATRIX.client if one.environment is not None and one.not_here is None]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[str, Witness]]:
    """The origin of a demo, and who looks on; one for each client, as a shop takes few coupon tries a minute."""
    port = free_port()
    settings = demo_settings(port, state=tmp_path)
    flip(settings, dict.fromkeys(("p1_browse", "p2_cart", "p3_checkout"), "active"))
    witness = Witness(create_app(settings))
    with served(witness, port) as origin:
        yield origin, witness


@pytest.mark.parametrize("client", STRANGERS, ids=lambda client: client.id)
def test_a_real_client_shops(client: Client, shop: tuple[str, Witness], tmp_path: Path) -> None:
    if sys.version_info >= (3, 14) and "pydantic<2.11" in MATRIX.python.get(str(client.environment), ()):
        pytest.skip("this Python is newer than any that pydantic<2.11 is built for")
    origin, witness = shop

    told = shopped(client, origin + client.path, home=tmp_path)

    assert witness.spoken == {client.speaks}
    assert told["version"] in {None, client.speaks}
    assert set(told["tools"]) == GUEST_TOOLS
    check(told["story"], structured=client.speaks >= STRUCTURED_SINCE)
    # They look for streams and for authorization that we do not have; nothing worse may come of it.
    assert {status for status, _ in witness.refused} <= {404, 405}, witness.refused


@pytest.mark.parametrize("name", [*MATRIX.python, *MATRIX.npm])
def test_environments_are_locked_as_asked_for(name: str) -> None:
    assert is_locked(name), f"python -m tests.external.clients.environments {name}"


def test_clients_of_our_own_environment_shop_in_tests_beside_this_one() -> None:
    ours = {one.journey for one in MATRIX.client if one.environment is None}
    assert ours == {"test_the_python_client.py", "test_the_typescript_client.py"}
    assert {one.speaks for one in STRANGERS} == {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}


def shopped(client: Client, url: str, *, home: Path) -> Json:
    """What a client's journey printed."""
    reach = [url]
    if client.bridge is not None:
        arguments = [word.format(url=url) for word in MATRIX.bridge[client.bridge]]
        reach = ["--", *map(str, program_of(client.bridge)), *arguments]
    done = subprocess.run(
        [*command(client), *reach, *client.arguments],
        cwd=home,
        env={**SILENT, "HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: Json = json.loads(done.stdout.splitlines()[-1])
    return told


def program_of(name: str) -> list[Path]:
    """How to run the program that an environment is named after."""
    made = environment(name)
    if name in MATRIX.python:
        return [made / "bin" / name]
    return [NODE, made / "node_modules" / ".bin" / name]


def command(client: Client) -> list[Path | str]:
    """The program that runs a client's journey."""
    made = environment(str(client.environment))
    if client.environment in MATRIX.python:
        return [made / "bin" / "python", JOURNEYS / client.journey]
    return [NODE, journey_in(made, client.journey)]
