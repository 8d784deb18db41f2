"""Debian's real PostgreSQL, started once for a test session: on a Unix socket in a folder of its own, no port."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.programs import program, reachable

OWNER = "storefront"
STARTING = 300.0
LONGEST = "7200"
"""Seconds after which a server ends whose session was killed."""


class PostgresServer:
    """A running server in `folder`. Whoever opens the socket is let in, but for `guarded`, who needs a password."""

    def __init__(self, folder: Path, programs: Path, account: str | None) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        cluster = folder / "cluster"
        arguments = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", f"--username={OWNER}"]
        subprocess.run(
            [programs / "initdb", "-D", cluster, *arguments],
            check=True,
            capture_output=True,
            timeout=STARTING,
            user=account,
            cwd=folder,
        )
        rules = cluster / "pg_hba.conf"
        rules.write_text("local all guarded scram-sha-256\n" + rules.read_text())
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            # The machine does not lose its power while we test.
            "fsync": "off",
            "full_page_writes": "off",
        }
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            ["timeout", LONGEST, programs / "postgres", "-D", cluster]
            + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
            stdout=self._log,
            stderr=self._log,
            user=account,
            cwd=folder,
        )
        self._wait()

    def url(self, name: str = "postgres", *, user: str = OWNER) -> str:
        """Where one of its databases is."""
        return f"postgresql://{user}@/{name}?host={self._folder}"

    def fresh(self) -> str:
        """Where nothing is yet: a schema of one's own, which is made in no time, unlike a database."""
        name = f"fresh_{next(self._numbers)}"
        self.run(f"CREATE SCHEMA {name}")
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def drop(self, url: str) -> None:
        """It is no longer needed."""
        self.run("SET lock_timeout = '10s'", f"DROP SCHEMA {url.rpartition('%3D')[2]} CASCADE")

    def run(self, *statements: str) -> None:
        """As the one who may do everything."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def hang_up(self) -> None:
        """Cut every connection, as a restart of the server would."""
        others = "datname = 'postgres' AND pid <> pg_backend_pid()"
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    def stop(self) -> None:
        """End it, without asking those who are connected."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(120)
        self._log.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTING
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    pytest.fail("PostgreSQL did not start:\n" + (self._folder / "log").read_text(errors="replace"))
                threading.Event().wait(0.05)
            else:
                return


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The session's one server; without PostgreSQL on the machine the test is skipped and listed."""
    programs = Path(program("initdb")).parent
    # Not pytest's folder: only its owner may enter that, and the server refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="storefront-postgres-"))
    account = _account()
    try:
        if account is not None:
            shutil.chown(folder, account)
            programs = reachable(str(programs / "initdb"), folder).parent
        server = PostgresServer(folder, programs, account)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fresh_postgres(postgres: PostgresServer) -> Iterator[Callable[[], str]]:
    """Make places for databases, which are dropped when the test ends."""
    made: list[str] = []

    def fresh() -> str:
        made.append(postgres.fresh())
        return made[-1]

    yield fresh
    for url in made:
        postgres.drop(url)


def _account() -> str | None:
    """Whom the server runs as, when we are root."""
    if os.getuid() != 0:
        return None
    accounts = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in accounts else "nobody"
