"""The unit: systemd understands it, finds little to complain of, and what it sets is what the server reads."""

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.cli.serving import SERVER
from storefront_mcp.settings import Settings
from tests.deploy.files import changed, shipped, uncommented
from tests.deploy.processes import serving, settings_file
from tests.serving import free_port

UNIT = "systemd/storefront-mcp.service"
SECRETS = ("personal-data", "database", "stripe", "stripe-webhooks", "upstream")
WORST = 2.0
"""Of `systemd-analyze security`, from 0 (sealed) to 10 (open)."""


@pytest.fixture
def analyze() -> str:
    """systemd's own judge."""
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("no systemd-analyze on this machine (apt-get install systemd)")
    return found


@pytest.fixture(params=["as it is", "with secrets"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit for a program that is there."""
    text = changed(shipped(UNIT), {"/opt/storefront-mcp/bin/storefront-mcp": sys.executable})
    if request.param == "with secrets":
        text = uncommented(uncommented(text, "LoadCredential="), "Environment=")
    path = tmp_path / "storefront-mcp.service"
    path.write_text(text)
    return path


def options() -> configparser.SectionProxy:
    """What the service section says; of a name that is there several times, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(shipped(UNIT))
    return parser["Service"]


def test_systemd_understands_every_line(analyze: str, unit: Path) -> None:
    told = subprocess.run(
        [analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False, timeout=60
    )
    ours = [line for line in (told.stdout + told.stderr).splitlines() if unit.name in line]
    assert (told.returncode, ours) == (0, [])


def test_the_judge_of_units_finds_little_exposed(analyze: str, unit: Path) -> None:
    judged: list[str | Path] = [
        analyze,
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={int(WORST * 10)}",
        unit,
    ]
    told = subprocess.run(judged, capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", told.stdout)
    assert found is not None, told.stderr
    assert float(found[1]) <= WORST, told.stdout
    assert told.returncode == 0


def test_a_stop_waits_longer_than_requests_in_flight_may_take() -> None:
    assert int(options()["TimeoutStopSec"]) > SERVER["timeout_graceful_shutdown"] + SERVER["timeout_worker_healthcheck"]
    assert options()["KillMode"] == "mixed"


def variables(credentials: Path, state: Path, port: int) -> Iterator[tuple[str, str]]:
    """What the unit puts into the environment, its specifiers filled in as systemd would."""
    text = uncommented(uncommented(shipped(UNIT), "LoadCredential="), "Environment=")
    loaded = re.findall(r"^LoadCredential=([\w-]+):", text, flags=re.MULTILINE)
    assert tuple(loaded) == SECRETS
    for name, value in re.findall(r"^Environment=(\w+)=(.*)$", text, flags=re.MULTILINE):
        if "%d/" in value:
            assert value.removeprefix("%d/") in loaded
        yield name, value.replace("%d", str(credentials)).replace("%S", str(state))


def test_each_secret_that_it_loads_reaches_its_setting(tmp_path: Path) -> None:
    text = """
database = "postgresql://storefront@127.0.0.1/storefront"
[[store]]
id = "pickle"
origin = "https://pickle.example"
name = "Pickle Warehouse"
currency = "AUD"
upstream = { kind = "maho", url = "https://shop.pickle.example", client_id = "storefront" }
# Root's commands read the secrets where they lie; the server is told otherwise.
payments = { provider = "stripe", secret_key_file = "/nonexistent/stripe" }
"""
    (tmp_path / "storefront.toml").write_text(text)
    key = "q3Vn0t1mXqkTz1nVYl9V4vT5bq0mJb1o0m2dJxk0c2E="
    for name in SECRETS:
        (tmp_path / name).write_text(f"{key if name == 'personal-data' else f'sk_test_{name}'}\n")
    given = dict(variables(tmp_path, tmp_path, 1))
    assert given.pop("STOREFRONT_DATABASE") == f"{tmp_path}/storefront-mcp/storefront.db"
    settings = Settings.load(tmp_path / "storefront.toml", given)
    (store,) = settings.stores
    assert [shown.reveal() for shown in settings.personal_data.key] == [key]
    assert "sk_test_database@" in settings.database
    assert store.payments.secret_key is not None
    assert store.payments.secret_key.reveal() == "sk_test_stripe"
    assert [shown.reveal() for shown in store.payments.webhook_secrets] == ["sk_test_stripe-webhooks"]
    assert store.upstream.client_secret is not None
    assert store.upstream.client_secret.reveal() == "sk_test_upstream"


# The kernel's own form of MemoryDenyWriteExecute, which systemd makes of a filter of system calls.
SEALED = """
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) != 0:
    sys.exit("sealing is unknown to this kernel")
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.slow
def test_the_server_does_without_memory_that_is_both_written_and_run(tmp_path: Path) -> None:
    assert options()["MemoryDenyWriteExecute"] == "yes"
    tried = subprocess.run([sys.executable, "-c", SEALED, "/bin/true"], capture_output=True, check=False, timeout=30)
    if tried.returncode != 0:
        pytest.skip("this kernel cannot forbid it to a process (Linux 6.3)")
    port = free_port()
    settings_file(tmp_path, port)
    sealed = (sys.executable, "-c", SEALED, sys.executable, "-m", "storefront_mcp.cli")
    with serving(tmp_path, port, command=sealed):
        pass
