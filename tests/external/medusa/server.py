"""Start a real Medusa with a database and a folder of its own; nothing of it is left when it stops."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
from msgspec import Struct

from storefront_mcp.demo.customers import DemoPerson
from tests.fakes.medusa.stock import stock_document
from tests.guards.docs.markdown import ROOT, blocks
from tests.postgres import OWNER, PostgresServer
from tests.programs import program
from tests.serving import PATIENCE, WITH_US, free_port, until

HERE: Final = Path(__file__).parent
MODULES: Final = HERE / "node_modules"
FILES: Final = ("medusa-config.js", "stock.js", "package.json", "package-lock.json")
DATABASE: Final = "medusa"
WEBHOOK_SECRET: Final = base64.b64encode(b"a secret of thirty-two letters..").decode()
COMMAND_SECONDS: Final = 300
STOPPING_SECONDS: Final = 30
BUILD: Final = HERE.parents[2] / "build" / "medusa"
"""Where filled databases are kept for the next time."""
PRISTINE: Final = "stock_at_first"
"""Table with the stock as it was filled in."""
KEYS: Final = "keys_at_first"
"""Table with the shop's keys."""


class ShopKeys(Struct, frozen=True):
    """What the shop lets itself be asked with."""

    publishable: str
    secret: str


class MedusaServer:
    """A running shop with the goods of the stand-in's stock document.

    Raises `RuntimeError` with what Medusa wrote, where it does not get as far as answering.
    """

    def __init__(self, node: str, postgres: PostgresServer, folder: Path) -> None:
        self._database = postgres.url(DATABASE)
        self._folder = folder
        self._log = folder / "log"
        for name in FILES:
            shutil.copy(HERE / name, folder)
        (folder / "node_modules").symlink_to(MODULES)
        (folder / "src" / "subscribers").mkdir(parents=True)
        (folder / "src" / "subscribers" / "storefront.js").write_text(_subscriber(), encoding="utf-8")
        (folder / "stock.json").write_text(json.dumps(stock_document()), encoding="utf-8")
        postgres.run(f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE}")
        self._command = [node, "node_modules/.bin/medusa"]
        self.storefront_port = free_port()
        """Of the store that is told what has changed here."""
        self._environment = {
            **_environment(self._database, folder),
            "STOREFRONT_WEBHOOK_URL": f"http://127.0.0.1:{self.storefront_port}/webhooks/shop",
            "STOREFRONT_WEBHOOK_SECRET": WEBHOOK_SECRET,
        }
        self.keys = self._fill()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*WITH_US, *self._command, "start", "-H", "127.0.0.1", "-p", str(port)],
                cwd=folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until(self._answers, "Medusa to answer")
        except BaseException:
            self.stop()
            raise

    def admin(self, path: str, **parameters: str) -> Any:
        """Ask as the shop's staff."""
        answer = httpx.get(f"{self.url}/admin{path}", params=parameters, auth=(self.keys.secret, ""), timeout=PATIENCE)
        return answer.raise_for_status().json()

    def orders(self) -> list[dict[str, Any]]:
        """All orders, the oldest first."""
        fields = "id,display_id,email,currency_code,total,metadata,payment_status"
        told = self.admin("/orders", fields=fields, order="display_id", limit="1000")["orders"]
        return list(told)

    def register(self, person: DemoPerson) -> None:
        """Give somebody a password and, where they are confirmed, an account."""
        secrets = {"email": person.email, "password": person.password}
        token = self._post("/auth/customer/emailpass/register", secrets)["token"]
        if person.confirmed:
            told = {"email": person.email, "first_name": person.firstname, "last_name": person.lastname}
            self._post("/store/customers", told, token)

    def save_address(self, person: DemoPerson, address: dict[str, Any]) -> None:
        """Put an address into somebody's address book."""
        secrets = {"email": person.email, "password": person.password}
        token = self._post("/auth/customer/emailpass", secrets)["token"]
        self._post("/store/customers/me/addresses", address, token)

    def _post(self, path: str, body: dict[str, Any], token: str = "") -> Any:
        """Ask as a website of the shop."""
        headers = {"x-publishable-api-key": self.keys.publishable}
        if token:
            headers["authorization"] = f"Bearer {token}"
        answer = httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=PATIENCE)
        return answer.raise_for_status().json()

    def rename(self, handle: str, title: str) -> None:
        """Give a product another name, as the staff does."""
        [found] = self.admin("/products", handle=handle, fields="id")["products"]
        answer = httpx.post(
            f"{self.url}/admin/products/{found['id']}",
            json={"title": title},
            auth=(self.keys.secret, ""),
            timeout=PATIENCE,
        )
        answer.raise_for_status()

    def sell_out(self, sku: str) -> None:
        """Take all pieces from the stock."""
        with closing(self.sql()) as database:
            database.execute(
                'UPDATE inventory_level SET stocked_quantity = 0, raw_stocked_quantity = \'{"value": "0"}\''
                " FROM inventory_item WHERE inventory_item.id = inventory_item_id AND sku = %s",
                [sku],
            )

    def restock(self) -> None:
        """Have the stock again that was filled in: nothing is sold or reserved."""
        with closing(self.sql()) as database:
            database.execute("DELETE FROM reservation_item")
            database.execute(
                "UPDATE inventory_level AS now SET stocked_quantity = first.stocked_quantity, reserved_quantity = 0,"
                ' raw_stocked_quantity = first.raw_stocked_quantity, raw_reserved_quantity = \'{"value": "0"}\''
                f" FROM {PRISTINE} AS first WHERE first.id = now.id"
            )

    def sql(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Its database."""
        return psycopg.connect(self._database, autocommit=True)

    def stop(self) -> None:
        """End it; if it does not end by itself, by force."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)

    def _fill(self) -> ShopKeys:
        """Fill the database: by Medusa itself the first time, which takes a minute, then from what it had made."""
        stocked = BUILD / f"{_made_of(self._folder)}.sql"
        if stocked.exists():
            self._pipe("psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={stocked}")
        else:
            self._run("db:migrate", "--execute-safe-links")
            self._run("exec", "./stock.js", "stock.json", "keys.json")
            keys = json.loads((self._folder / "keys.json").read_text(encoding="utf-8"))
            with closing(self.sql()) as database:
                database.execute(f"CREATE TABLE {PRISTINE} AS SELECT * FROM inventory_level")
                database.execute(
                    f"CREATE TABLE {KEYS} AS SELECT %(publishable)s AS publishable, %(secret)s AS secret", keys
                )
            BUILD.mkdir(parents=True, exist_ok=True)
            half = BUILD / f"{os.getpid()}.half"
            self._pipe("pg_dump", "--no-owner", f"--file={half}")
            half.replace(stocked)
        with closing(self.sql()) as database:
            [(publishable, secret)] = database.execute(f"SELECT publishable, secret FROM {KEYS}").fetchall()
        return ShopKeys(publishable, secret)

    def _pipe(self, name: str, *arguments: str) -> None:
        """Run a program of PostgreSQL on the database."""
        command = [program(name), f"--dbname={self._database}", *arguments]
        subprocess.run(command, check=True, timeout=COMMAND_SECONDS, capture_output=True)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"Medusa ended:\n{self._tail()}")
        try:
            return httpx.get(f"{self.url}/health", timeout=5).is_success
        except httpx.TransportError:
            return False

    def _run(self, *arguments: str) -> None:
        with self._log.open("ab") as log:
            done = subprocess.run(
                [*WITH_US, *self._command, *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"medusa {arguments[0]} ended with {done.returncode}:\n{self._tail()}")

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]


def _subscriber() -> str:
    """What docs/backends.md has a Medusa send its webhooks by."""
    [code] = [block.text for block in blocks(ROOT / "docs" / "backends.md") if block.language == "js"]
    return code


def _made_of(folder: Path) -> str:
    """What tells one filled database from another."""
    made_of = hashlib.sha256(program("initdb").encode())
    for name in (*FILES, "stock.json"):
        made_of.update((folder / name).read_bytes())
    return made_of.hexdigest()[:16]


def _environment(database: str, folder: Path) -> Mapping[str, str]:
    """What Medusa finds in its environment: its database, a home of its own, and nobody to report to."""
    _, _, socket = database.partition("?host=")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NODE_ENV": "production",
        "DATABASE_URL": f"postgresql://{OWNER}@localhost/{DATABASE}?host={socket}",
        "DATABASE_FOLDER": socket,
        "MEDUSA_DISABLE_TELEMETRY": "true",
        **{name: value for name, value in os.environ.items() if name == "TEST_RUN_ID"},
    }
