"""Two workers, a receiver and a mail server: one alert each, also after a restart, and one when it is over."""

import asyncio
import base64
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from storefront_mcp.checkout.record import State
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, SqlCheckoutRepository
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.database.tables.alerts import ALERTS
from storefront_mcp.records.alerts import AlertKey
from tests.external.deploy.processes import run, serving, settings_file, told
from tests.serving import free_port, until
from tests.unit.alerts.receiver import KEY, receiving
from tests.unit.database.test_checkouts import checkout
from tests.unit.mail.test_smtp_sender import Mailbox, smtp_server

pytestmark = pytest.mark.slow
VARIABLES = {"STOREFRONT_ALERTS__SECRET": base64.b64encode(KEY).decode()}
BELOW = """
[smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
sender = "shop@pickle.example"
[alerts]
url = "{url}"
mail_to = ["ops@pickle.example"]
[logs]
format = "json"
"""


async def wait(condition: Callable[[], Any], what: str) -> None:
    await asyncio.to_thread(until, condition, what, patience=300)


async def put(database: Database, state: State) -> None:
    """One checkout in a state, whatever it was in before."""
    records = SqlCheckoutRepository(database)
    made = checkout(store=StoreId("pickle"))
    await records.open(made)
    held = await records.lease(made.id, now=0.0, seconds=1)
    assert held is not None
    await records.write(replace(held, state=state, problem="look", due_at=None), release=True)


async def test_one_alert_by_each_way_whatever_workers_do(tmp_path: Path) -> None:
    port, mailbox = free_port(), Mailbox()
    with receiving() as (receiver, url), closing(Database(tmp_path / "storefront.db")) as database:
        alerts = SqlAlertRepository(database)
        await put(database, "needs_human")
        async with smtp_server(mailbox) as smtp:
            shop = f', url = "http://127.0.0.1:{free_port()}"'
            settings_file(tmp_path, port, kind="maho", more=shop, below=BELOW.format(smtp=smtp, url=url))
            with serving(tmp_path, port, "--workers", "2", variables=VARIABLES):
                await wait(lambda: receiver.taken and mailbox.messages, "the alert")
            assert "alert raised: checkouts: 1 waits" in told(tmp_path, port)
            listed = run(tmp_path, "alerts", "list", variables=VARIABLES)
            assert "pickle: A checkout needs a person: 1 waits; the oldest is chk_1" in listed.stdout
            began = time.time()
            with serving(tmp_path, port, "--workers", "2", variables=VARIABLES):
                key = AlertKey("checkouts", StoreId("pickle"))
                await wait(
                    lambda: any(one.key == key and one.seen_at > began for one in alerts.list_active()), "a look"
                )
                await put(database, "failed")
                with database.writing() as connection:
                    connection.execute(update(ALERTS).where(ALERTS.c.store == "pickle").values(seen_at=began - 600))
                await wait(lambda: len(receiver.taken) > 1 and len(mailbox.messages) > 1, "the end of it")
    assert receiver.told == [("alert.raised", "checkouts", "pickle"), ("alert.resolved", "checkouts", "pickle")]
    assert [message["Subject"] for message in mailbox.messages] == [
        "[storefront-mcp] pickle: A checkout needs a person",
        "[storefront-mcp] pickle: Over: A checkout needs a person",
    ]
