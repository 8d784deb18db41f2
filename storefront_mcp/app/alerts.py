"""Alert wiring: who is told, what is looked at, and the task that does both."""

import asyncio
import contextlib
import datetime as dt
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from storefront_mcp.alerts.dispatcher import AlertDispatcher
from storefront_mcp.alerts.sender import AlertSender
from storefront_mcp.alerts.text import AlertFacts
from storefront_mcp.alerts.webhook_sender import WebhookAlertSender
from storefront_mcp.app.alert_watch import AlertWatch, AuditChainWalk, ObservedServer, ObservedStore
from storefront_mcp.app.backends import probe_of
from storefront_mcp.app.background import background_jobs
from storefront_mcp.app.checkout import CheckoutWiring, smtp_sender
from storefront_mcp.app.console import console_url
from storefront_mcp.app.database_outage import DatabaseOutage
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import Database
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.workers import SqlWorkerRepository
from storefront_mcp.records.alerts import AlertChannel
from storefront_mcp.roadmap.flips import ScheduledFlip
from storefront_mcp.settings.alerts import signing_key
from storefront_mcp.settings.environment import CONFIG
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings

log: Final = logging.getLogger("storefront_mcp.alerts")

LOOK_SECONDS: Final = 15.0
"""Between two looks."""
DISPATCH_SECONDS: Final = 5.0
"""Between two looks at what is queued."""


class AlertWiring:
    """Alerts of all stores of one worker. Add the stores, then enter `running`.

    Nothing is looked at where nobody is told and no metrics are read.
    """

    def __init__(  # noqa: PLR0913 -- what is looked at, and by when
        self,
        settings: Settings,
        database: Database,
        readiness: DatabaseReadiness,
        workers: SqlWorkerRepository,
        checkout: CheckoutWiring,
        *,
        audit_failing: Callable[[], bool],
        refused_flips: Callable[[StoreId], Sequence[ScheduledFlip]],
        now: Callable[[], dt.datetime],
    ) -> None:
        """`audit_failing` is whether entries of the audit wait that the database did not take.

        `refused_flips` gives the scheduled flips of a store that could not be made.
        """
        self._settings = settings
        self._repository = SqlAlertRepository(database)
        self._audit = AuditLog(database, now=now)
        self._readiness = readiness
        self._workers = workers
        self._checkout = checkout
        self._audit_failing = audit_failing
        self._refused_flips = refused_flips
        self._now: Callable[[], float] = lambda: now().timestamp()
        self._circuits: dict[str, Callable[[], bool]] = {}

    def add(self, settings: StoreSettings, circuit_open: Callable[[], bool]) -> None:
        """Look at a store, too; `circuit_open` is whether this worker's circuit breaker of its shop is open."""
        self._circuits[settings.id] = circuit_open

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look and tell in the background until the block ends."""
        if not self._settings.alerts.on and not self._settings.metrics.on:
            yield
            return
        senders = alert_senders(self._settings, now=self._now, config=os.environ.get(CONFIG, ""))
        watch = self._watch(senders)
        dispatcher = AlertDispatcher(self._repository, senders, now=self._now)
        jobs = {
            "look for what needs a person": _repeat(watch.look, LOOK_SECONDS),
            "send alerts": _repeat(dispatcher.send_due, DISPATCH_SECONDS),
        }
        try:
            async with background_jobs(jobs):
                yield
        finally:
            await watch.close()

    def _watch(self, senders: Mapping[AlertChannel, AlertSender]) -> AlertWatch:
        database = self._settings.database
        server = ObservedServer(
            stores=[self._observed_store(store) for store in self._settings.stores],
            leads=self._workers.leads,
            database_problem=self._readiness.unready_reason,
            audit_failing=self._audit_failing,
            refused_flips=self._refused_flips,
            folder=None if database.server else Path(database).parent,
            channels=list(senders),
        )
        return AlertWatch(
            server,
            self._repository,
            checkouts=self._checkout.records,
            chain=AuditChainWalk(self._audit),
            refusals=self._checkout.refusals,
            outage=DatabaseOutage(senders, now=self._now),
            now=self._now,
        )

    def _observed_store(self, store: StoreSettings) -> ObservedStore:
        return ObservedStore(
            id=store.id,
            circuit_open=self._circuits[store.id],
            probe=None if store.upstream.kind == "demo" else probe_of(store),
            gets_webhooks=store.payments.provider not in {None, "sandbox"},
        )


def alert_senders(
    settings: Settings, *, now: Callable[[], float], config: str = ""
) -> Mapping[AlertChannel, AlertSender]:
    """By channel, what hands alerts over; empty where nobody is told.

    `now` gives Unix seconds; `config` is the file of the settings, empty where it is not known.
    """
    alerts, smtp = settings.alerts, settings.smtp
    facts = AlertFacts(
        server=socket.gethostname(),
        consoles={store.id: console_url(store) for store in settings.stores if store.console.on},
        one_store=len(settings.stores) == 1,
        config=config,
    )
    senders: dict[AlertChannel, AlertSender] = {}
    key = None if alerts.secret is None else signing_key(alerts.secret)
    if alerts.url is not None and key is not None:
        senders["webhook"] = WebhookAlertSender(alerts.url, key, facts, now=now)
    if alerts.mail_to and smtp.host is not None:
        from storefront_mcp.alerts.mail_sender import MailAlertSender  # noqa: PLC0415 -- as `smtp_sender`

        sender = smtp.sender or alerts.mail_to[0]
        senders["mail"] = MailAlertSender(smtp_sender(smtp, smtp.host), sender, alerts.mail_to, facts)
    return senders


async def _repeat(act: Callable[[], object], seconds: float) -> None:
    """Do something again and again until cancelled; its errors are logged and end nothing."""
    while True:
        try:
            await act()  # type: ignore[misc]
        except Exception:
            log.exception("alerts are delayed")
        await asyncio.sleep(seconds)
