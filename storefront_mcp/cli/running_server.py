"""Whether the server that runs uses the database of a command, and whether all of it shows what the command changed."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import httpx
import msgspec
from msgspec import Struct

from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.settings_file import LoadedSettings
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.readiness import SINCE_START, recorded_identity
from storefront_mcp.database.workers import SqlWorkerRepository, WorkerRecord
from storefront_mcp.records.outcomes import OK
from storefront_mcp.settings import Settings

ANSWER_SECONDS: Final = 8.0
"""How long the server may take for its readiness."""
SHOWN_SECONDS: Final = 15.0
"""How long every worker may take to show a flip."""
POLL_SECONDS: Final = 0.1
MAX_ANSWER_BYTES: Final = 64 * 1024


class NotConfirmed(CommandFailed):
    """It is on record, and that the running server acts on it cannot be confirmed."""

    exit_code = 3


class ReadinessAnswer(Struct, frozen=True, kw_only=True):
    """What a server says at `/readyz`."""

    database: str
    """Its identity."""
    checks: Mapping[str, str] = {}
    """By what was checked, `ok` or a reason that follows the name."""
    address: str = ""
    """Where it was asked."""

    @property
    def database_problem(self) -> str | None:
        """Why its database cannot be used, to follow a name; None where it can, or nothing is said of it."""
        said = self.checks.get("database", OK)
        return None if said == OK else said

    @property
    def displacement_reason(self) -> str:
        """Why its database is no longer the one that it opened, to follow a name; empty while it is."""
        said = self.database_problem or ""
        return said if said.endswith(SINCE_START) else ""


@contextmanager
def open_for_change(here: LoadedSettings, refuse: Callable[[], object] = lambda: None) -> Iterator["ServedDatabase"]:
    """The database, for a command that changes what a running server does.

    `refuse` raises what speaks against the change; it is called before a database is made. Raises CommandFailed, with
    nothing changed, when a server answers at the address of the settings and uses another one, or has another file
    open than the one that is there now.
    """
    answer = ask_readiness(here.settings)
    where = here.settings.database
    if answer is not None and answer.displacement_reason:
        # Before it is opened: a backup of an older version is not brought up to date, either.
        raise _displaced_database(answer, where.shown if here.has_database else f"{where.shown}, which is not there")
    if not here.has_database:
        if answer is not None:
            raise _other_database(answer, f"{where.shown}, which is not there")
        if Path(where).parent.exists():
            refuse()
    database = Database(where)
    try:
        served = ServedDatabase(database, answer, listening_url(here.settings))
        served.check_identity()
        yield served
        if not served.is_running():
            click.echo(served.silence(), err=True)
    finally:
        database.close()


class ServedDatabase:
    """An open database, and the server that uses it."""

    def __init__(self, database: Database, answer: ReadinessAnswer | None, address: str) -> None:
        self.database = database
        self._answer = answer
        self._address = address
        self._workers = SqlWorkerRepository(database)

    def check_identity(self) -> None:
        """Raises CommandFailed where the running server uses another database or file."""
        with self.database.reading() as connection:
            identity = recorded_identity(connection)
        if self._answer is not None and self._answer.database != identity:
            raise _other_database(self._answer, self.database.name)
        if displaced := self._workers.list_displaced():
            raise CommandFailed(
                f"Nothing was changed: {self.database.name} was replaced since process {displaced[0].pid} opened it, "
                "and that server goes on with what was there. Restart it, then try again."
            )

    def running(self) -> Sequence[WorkerRecord]:
        """The workers that run with this database."""
        return self._workers.running()

    def is_running(self) -> bool:
        """Whether a server runs with this database: one answers, or workers are on record."""
        return self._answer is not None or bool(self.running())

    def silence(self) -> str:
        """That no server runs with this database, as far as can be told."""
        return (
            f"No running server was found: none is on record in {self.database.name}, and none answers at "
            f"{self._address}. One that starts with this database acts on it."
        )

    def confirm(self, store: StoreId, number: int, *, closes: bool) -> None:
        """Wait until every worker shows a flip or stop, and print so.

        Raises NotConfirmed where one does not, and where no server was found although the change `closes` something.
        """
        if shown := self.wait_until_shown(store, number):
            click.echo(shown)
        elif closes:
            raise NotConfirmed(self.silence())

    def wait_until_shown(self, store: StoreId, number: int) -> str:
        """Wait until every worker shows a flip or stop; a sentence about them, empty where no server runs.

        Raises NotConfirmed after SHOWN_SECONDS.
        """
        until = time.monotonic() + SHOWN_SECONDS
        while True:
            workers = self.running()
            behind = [one for one in workers if one.shown.get(store, -1) < number]
            if workers and not behind:
                pids = ", ".join(f"{one.pid} on {one.host}" for one in workers)
                return (
                    f"Every running worker shows flip {number} now, {len(workers)} of {len(workers)}: process {pids}."
                )
            if not workers and self._answer is None:
                return ""
            if time.monotonic() >= until:
                raise NotConfirmed(self._confirmation_failure(store, number, workers, behind))
            time.sleep(POLL_SECONDS)

    def _confirmation_failure(
        self, store: StoreId, number: int, workers: Sequence[WorkerRecord], behind: Sequence[WorkerRecord]
    ) -> str:
        start = f"Flip {number} of {store} is on record in {self.database.name}, but it is NOT confirmed"
        if not behind:
            return f"{start}: the server at {self._address} has not told that it shows it. Restart it, or stop it."
        told = "; ".join(
            f"process {one.pid} on {one.host} shows flip {one.shown[store]}"
            if store in one.shown
            else f"process {one.pid} on {one.host} does not serve {store}"
            for one in behind
        )
        count = f"{len(behind)} of {len(workers)} workers do not show it"
        return f"{start}: {count} ({told}). Restart the server, or stop it."


def listening_url(settings: Settings) -> str:
    """Where a server with these settings listens, as this machine reaches it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 -- compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def ask_readiness(settings: Settings) -> ReadinessAnswer | None:
    """What the server says of its database; None where none of ours answers."""
    address = listening_url(settings)
    body = b""
    try:
        with (
            httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client,
            client.stream("GET", f"{address}/readyz") as answer,
        ):
            for piece in answer.iter_raw():
                body += piece
                if len(body) > MAX_ANSWER_BYTES:
                    return None
        found = msgspec.json.decode(body, type=ReadinessAnswer)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return msgspec.structs.replace(found, address=address)


def check_same_database(here: LoadedSettings, answer: ReadinessAnswer | None, database: Database) -> None:
    """Raises CommandFailed where the server that answered has another database or file open than a reading command."""
    if answer is None:
        return
    with database.reading() as connection:
        identity = recorded_identity(connection)
    if answer.displacement_reason or answer.database != identity:
        why = f"whose database {answer.displacement_reason}" if answer.displacement_reason else "which uses another one"
        raise CommandFailed(
            f"What is in {here.settings.database.shown} says nothing of the server at {answer.address}, {why}."
        )


def _displaced_database(answer: ReadinessAnswer, database: str) -> CommandFailed:
    return CommandFailed(
        f"Nothing was changed: the server at {answer.address} says that its database {answer.displacement_reason}. It "
        f"goes on with what was there, and this command has {database}. Put the right file in its place and restart "
        "the server, then try again."
    )


def _other_database(answer: ReadinessAnswer, database: str) -> CommandFailed:
    return CommandFailed(
        f"Nothing was changed: the server at {answer.address} uses another database than {database}. Give this command "
        "the settings and the STOREFRONT_ variables of the server (of a systemd unit: `systemctl show -p Environment "
        "-p EnvironmentFiles UNIT`)."
    )
