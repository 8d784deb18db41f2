"""Check of order events: platforms are told of orders of keys that count, and take what they are told."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database, DatabaseUnusable
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.order_events import count_order_events
from storefront_mcp.doctor.check import DoctorCheck, Findings, check
from storefront_mcp.doctor.patient import ExaminedStore
from storefront_mcp.findings import Finding, note, ok, warning


@check(
    "order_events.receivers",
    "Are platforms told of the orders of their agents?",
    "settings",
    "shop",
    after=("database.tables",),
)
async def check_receivers(patient: ExaminedStore) -> Findings:
    """Each key of `store.acp.webhooks` counts, and no event was given up. Sends nothing."""
    acp = patient.behind.store.acp
    if not acp.webhooks:
        yield ok("No platform is to be told of any.")
        return
    found: list[Finding] = []
    if not acp.enabled:
        found.append(
            warning(
                "Platforms are to be told of orders, and no agent can prepare one, as store.acp.enabled is false.",
                "Set store.acp.enabled = true, or take store.acp.webhooks out.",
            )
        )
    try:
        found += await asyncio.to_thread(_find_problems, patient)
    except (DatabaseUnusable, SQLAlchemyError, ShopBusy):
        found.append(note("The database could not be asked for keys and events; its own checks say why."))
    for one in found or [ok(f"{len(acp.webhooks)} of them, by keys that count.")]:
        yield one


def _find_problems(patient: ExaminedStore) -> Sequence[Finding]:
    """What is wrong with keys and events; blocks."""
    store, found = patient.behind.store, []
    with closing(Database(patient.settings.database, read_only=True)) as database:
        keys = SqlApiKeyRepository(database)
        for webhook in store.acp.webhooks:
            stored = keys.find(webhook.key)
            status = "unknown" if stored is None or stored.key.store != store.id else stored.status_at(patient.now())
            if status != "valid":
                found.append(
                    warning(
                        f"The key {webhook.key} of a platform that is to be told of orders is {status}.",
                        "Put the id of the key that its agent has into store.acp.webhooks, or take the platform out.",
                    )
                )
        failed = count_order_events(database).get((store.id, "failed"), 0)
    if failed:
        found.append(
            warning(
                f"Platforms could not be told of {failed} order{'' if failed == 1 else 's'}.",
                "Checkouts in the console says why, and tells them again: the address or the secret may be wrong.",
            )
        )
    return found


CHECKS: Final[tuple[DoctorCheck, ...]] = (check_receivers,)
