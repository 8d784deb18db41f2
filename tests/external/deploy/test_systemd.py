"""The unit: systemd understands it, finds little to complain of, and what it sets is what the server reads."""

import configparser
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from storefront_mcp.cli.serve import UVICORN_OPTIONS
from storefront_mcp.settings import Settings
from tests.external.deploy.files import changed, shipped, uncommented
from tests.external.deploy.processes import serving, settings_file
from tests.programs import program
from tests.serving import free_port
from tools.debian_programs import FOLDER as DEBIAN

UNIT = "systemd/storefront-mcp.service"
SECRETS = ("personal-data", "database", "stripe", "stripe-webhooks", "upstream")
WORST = 2.0
"""Of `systemd-analyze security`, from 0 (sealed) to 10 (open)."""


@pytest.fixture
def analyze() -> str:
    """systemd's own judge."""
    return program("systemd-analyze")


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


def analysed(analyze: str, command: str, *options: str, unit: Path) -> "subprocess.CompletedProcess[str]":
    """What systemd says of a unit, beside its own units where only `make debian` has them.

    The manager of the system makes folders in /run, which takes root; others ask the manager of users, which has no
    dynamic users since systemd 255: another one stands for them.
    """
    if os.getuid() != 0:
        for service in unit.parent.glob("*.service"):
            service.write_text(changed(service.read_text(), {"DynamicUser=yes": "User=daemon"}))
    units = [DEBIAN / "systemd" / above / "systemd" / "system" for above in ("lib", "usr/lib")]
    return subprocess.run(
        [analyze, "--system" if os.getuid() == 0 else "--user", command, *options, unit],
        env={
            **os.environ,
            "SYSTEMD_UNIT_PATH": "".join(f"{path}:" for path in units),
            "XDG_RUNTIME_DIR": str(unit.parent),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_systemd_understands_every_line(analyze: str, unit: Path) -> None:
    told = analysed(analyze, "verify", "--man=no", unit=unit)
    ours = [line for line in (told.stdout + told.stderr).splitlines() if unit.name in line]
    assert (told.returncode, ours) == (0, [])


def test_systemd_understands_the_socket_which_is_where_the_server_listens_by_itself(
    analyze: str, tmp_path: Path
) -> None:
    for end in ("service", "socket"):
        text = shipped(f"systemd/storefront-mcp.{end}")
        text = text.replace("/opt/storefront-mcp/bin/storefront-mcp", sys.executable)
        (tmp_path / f"storefront-mcp.{end}").write_text(text)
    unit = tmp_path / "storefront-mcp.socket"
    told = analysed(analyze, "verify", "--man=no", unit=unit)
    ours = [line for line in (told.stdout + told.stderr).splitlines() if f"{unit.stem}." in line]
    assert (told.returncode, ours) == (0, [])
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(Settings)}
    assert f"\nListenStream={defaults['host']}:{defaults['port']}\n" in unit.read_text()


def test_the_judge_of_units_finds_little_exposed(analyze: str, unit: Path) -> None:
    told = analysed(analyze, "security", "--offline=true", "--no-pager", f"--threshold={int(WORST * 10)}", unit=unit)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", told.stdout)
    assert found is not None, told.stderr
    assert float(found[1]) <= WORST, told.stdout
    assert told.returncode == 0


def test_a_reload_is_a_hangup_and_takes_no_program_that_a_bare_system_lacks() -> None:
    # Also where the tests themselves were started with `nohup`.
    waiting = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); print(flush=True); input()"
    waits = [sys.executable, "-c", waiting]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        reload = shlex.split(options()["ExecReload"])
        subprocess.run(reload, env={"MAINPID": str(server.pid), "PATH": "/nonexistent"}, check=True, timeout=120)
        assert server.wait(120) == -signal.SIGHUP


def test_the_unit_bounds_memory_and_tasks_and_leaves_no_core() -> None:
    sizes = {"M": 1024**2, "G": 1024**3}
    high, most = (int(options()[name][:-1]) * sizes[options()[name][-1]] for name in ("MemoryHigh", "MemoryMax"))
    assert 512 * 1024**2 <= high < most <= 4 * 1024**3
    assert (options()["MemorySwapMax"], options()["LimitCORE"]) == ("0", "0")
    assert 100 <= int(options()["TasksMax"]) <= 1024


def test_a_stop_waits_longer_than_requests_in_flight_may_take() -> None:
    assert (
        int(options()["TimeoutStopSec"])
        > UVICORN_OPTIONS["timeout_graceful_shutdown"] + UVICORN_OPTIONS["timeout_worker_healthcheck"]
    )
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
    tried = subprocess.run([sys.executable, "-c", SEALED, "/bin/true"], capture_output=True, check=False, timeout=120)
    if tried.returncode != 0:
        pytest.skip("this kernel cannot forbid it to a process (Linux 6.3)")
    port = free_port()
    settings_file(tmp_path, port)
    sealed = (sys.executable, "-c", SEALED, sys.executable, "-m", "storefront_mcp.cli")
    with serving(tmp_path, port, command=sealed):
        pass
